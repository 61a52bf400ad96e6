//! `kill -9` at any point of `prep` or `stage`, then the same command again: it goes on, and other
//! people's readers find every file. The emulator, killed, keeps what it
//! acknowledged. When to kill is decided by what was written, not by a clock.
#![allow(clippy::disallowed_methods, reason = "tests start programs")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Stdio};

use azure_core::http::request::RequestContent;
use azure_storage_blobs::models::{
    BlobClientGetPropertiesResultHeaders, BlockBlobClientUploadOptions,
};
use md5::{Digest, Md5};
use support::emulator::Emulator;
use support::key::container;
use support::program::Machine;
use support::readers;
use support::tree::{self, Dice};

const SERIAL: &str = "KILL-1";
const KILLS: u64 = 4;

/// Bytes of the image that were written so far.
fn written(image: &Path) -> u64 {
    image.metadata().map_or(0, |status| status.blocks() * 512)
}

/// Kills the child once the image holds `bytes`; says whether it lived that long.
fn kill_at(child: &mut Child, image: &Path, bytes: u64) -> bool {
    loop {
        if child.try_wait().expect("it can be asked").is_some() {
            return false;
        }
        if written(image) >= bytes {
            child.kill().expect("it can be killed");
            child.wait().expect("it is dead");
            return true;
        }
        std::thread::yield_now();
    }
}

/// One drive, killed some times on its way, and compared in the end.
fn round(seed: u64) {
    let machine = Machine::new();
    let mut dice = Dice(seed);
    let source = machine.path("source");
    for number in 0..24 {
        let length = dice.below(6 << 20) as usize;
        let content = dice.bytes(length);
        tree::write(&source, &format!("folder {}/file {number}", number % 3), &content, &mut dice);
    }
    let total: u64 = tree::expected(&source, "").files.values().map(|file| file.size).sum();
    let staging = machine.adopt(&source, "kill");
    let image = machine.path("drive.img");
    let drive = format!("image:{},serial={SERIAL},size=400M", image.display());
    let prep = ["prep", "--staging", &staging, "--drive", &drive, "--offline"];
    let mut killed = 0;
    for _ in 0..KILLS {
        let at = written(&image) + dice.below(total / 2);
        let mut child =
            machine.command(&prep).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        killed += u32::from(kill_at(&mut child, &image, at));
    }
    assert!(killed > 0, "seed {seed}: it was never killed");
    machine.expect(0, &prep);
    machine.expect(0, &["verify", "--staging", &staging, &drive]);
    let password = machine.password_file(Path::new(&staging), SERIAL);
    let mut found = readers::files("ntfs-3g", &image, &password);
    assert!(found.files.remove("DriveManifest.xml").is_some(), "seed {seed}: no manifest");
    let complaints = found.differences(&tree::expected(&source, "kill/"));
    assert!(complaints.is_empty(), "seed {seed}:\n{}", complaints.join("\n"));
}

#[test]
fn a_killed_preparation_goes_on_and_ends_the_same() {
    (1..=3).for_each(round);
}

/// Bytes of all files below a folder.
fn below(folder: &Path) -> u64 {
    let files = walkdir::WalkDir::new(folder).into_iter().flatten();
    files
        .filter_map(|entry| entry.metadata().ok())
        .filter(|own| own.is_file())
        .map(|own| own.len())
        .sum()
}

#[test]
fn a_killed_backup_goes_on_and_restic_finds_nothing_to_remark() {
    let machine = Machine::new();
    let mut dice = Dice(7);
    let source = machine.path("source");
    for number in 0..40 {
        let content = dice.bytes(3 << 20);
        tree::write(&source, &format!("file {number}"), &content, &mut dice);
    }
    let staging = machine.path("staging");
    let words = {
        let words = ["stage", "--source", source.to_str().unwrap(), "--staging", "staging"];
        let target = ["--job", "kill", "--storage-account", "account1", "--container", "seed"];
        let group = ["--subscription", "11111111-2222-4333-8444-555555555555", "--resource-group"];
        [&words[..], &target, &group, &["rg", "--pack-size", "4Mi"]].concat()
    };
    let mut killed = 0;
    for _ in 0..4 {
        let enough = below(&staging) + dice.below(30 << 20);
        let mut child =
            machine.command(&words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while child.try_wait().unwrap().is_none() {
            if below(&staging) >= enough {
                child.kill().unwrap();
                killed += 1;
                break;
            }
        }
        child.wait().unwrap();
    }
    assert!(killed > 1, "it was killed {killed} times");
    machine.expect(0, &words);
    let seed = std::fs::read_to_string(staging.join("seed.json")).unwrap();
    let seed: serde_json::Value = serde_json::from_str(&seed).unwrap();
    let password = machine.path("state/passwords").join(seed["id"].as_str().unwrap());
    let restic = |words: &[&str]| {
        let output = std::process::Command::new("restic")
            .args(["--no-cache", "-r", staging.join("repo").to_str().unwrap()])
            .args(["--password-file", password.to_str().unwrap()])
            .args(words)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let said = restic(&["check", "--read-data"]);
    assert!(said.contains("no errors were found") && !said.contains("not referenced"), "{said}");
    let restored = machine.path("restored");
    restic(&["restore", "latest", "--target", restored.to_str().unwrap()]);
    let copy = restored.join(source.strip_prefix("/").unwrap());
    assert_eq!(tree::expected(&copy, "").files, tree::expected(&source, "").files);
}

#[test]
fn ctrl_c_ends_a_backup_with_130_and_the_same_command_goes_on() {
    let machine = Machine::new();
    let mut dice = Dice(11);
    let source = machine.path("source");
    for number in 0..40 {
        let content = dice.bytes(3 << 20);
        tree::write(&source, &format!("file {number}"), &content, &mut dice);
    }
    let staging = machine.path("staging");
    let words = [
        &["stage", "--source", source.to_str().unwrap(), "--staging", "staging", "--job", "stop"],
        &["--storage-account", "account1", "--container", "seed", "--resource-group", "rg"][..],
        &["--subscription", "11111111-2222-4333-8444-555555555555", "--pack-size", "4Mi"],
    ]
    .concat();
    let json = [&words[..], &["--json"]].concat();
    let mut child =
        machine.command(&json).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    while below(&staging) < 8 << 20 {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it was stopped");
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let said = support::program::said(child.wait_with_output().unwrap());
    assert_eq!(said.code, 130);
    let last: serde_json::Value =
        serde_json::from_str(said.stdout.lines().last().unwrap()).unwrap();
    assert_eq!((&last["type"], &last["code"]), (&"error".into(), &"stopped".into()), "{last}");
    let status = ["stage", "status", "--staging", "staging"];
    assert!(machine.expect(0, &status).stdout.contains("not finished"));
    machine.expect(0, &words);
    assert!(!machine.expect(0, &status).stdout.contains("not finished"));
}

#[tokio::test]
async fn what_an_emulator_acknowledged_before_it_was_killed_in_mid_write_is_there_and_whole() {
    let machine = Machine::new();
    let mut emulator = Emulator::start(&machine);
    let own = container(&emulator, "box");
    own.create(None).await.unwrap();
    let content = |writer: usize, round: usize| {
        let text = format!("{writer} {round} ").repeat(20_000 + round);
        (Md5::digest(&text).to_vec(), text.into_bytes())
    };
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..4 {
        let blob = own.blob_client(&format!("dir/{writer}"));
        let tell = tell.clone();
        writers.spawn(async move {
            for round in 0.. {
                let (digest, bytes) = content(writer, round);
                let options = BlockBlobClientUploadOptions {
                    blob_content_md5: Some(digest),
                    ..Default::default()
                };
                let _ = tell.send((writer, round, false));
                blob.upload(RequestContent::from(bytes), Some(options)).await.unwrap();
                let _ = tell.send((writer, round, true));
            }
        });
    }
    let (mut begun, mut done) = ([0; 4], [None; 4]);
    let mut note = |(writer, round, is_done): (usize, usize, bool)| {
        if is_done { done[writer] = Some(round) } else { begun[writer] = round }
    };
    for _ in 0..61 {
        note(told.recv().await.unwrap());
    }
    emulator.kill();
    writers.shutdown().await;
    while let Ok(said) = told.try_recv() {
        note(said);
    }
    drop(emulator);
    let emulator = Emulator::start(&machine);
    let own = container(&emulator, "box");
    for (writer, (begun, done)) in begun.into_iter().zip(done).enumerate() {
        let Some(done) = done else { continue };
        let blob = own.blob_client(&format!("dir/{writer}"));
        let got = blob.download(None).await.unwrap().body.collect().await.unwrap().to_vec();
        let is = (done..=begun).find(|round| content(writer, *round).1 == got);
        assert!(is.is_some(), "{writer}: neither write {done} nor {begun}");
        let digest = blob.get_properties(None).await.unwrap().content_md5().unwrap();
        // Between the content and its record lies a moment; what was answered has both.
        let is_known = digest == Some(Md5::digest(&got).to_vec());
        assert!(is_known || digest.is_none() && is != Some(done), "{writer}: {digest:?}");
    }
    let drafts = emulator.data().join("meta/blobs/drafts");
    assert!(std::fs::read_dir(drafts).unwrap().next().is_none(), "no draft is left behind");
}
