//! `kill -9` at any point of `prep`, then the same command again: it goes on, and other people's
//! readers find every file. When to kill is decided by what the image holds, not by a clock.
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

mod support;

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Stdio};

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
    let prep = ["prep", "--staging", &staging, "--drive", &drive, "--offline", "--yes"];
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
