//! Two copy machines on one share that others can write to: a squashed NFS and an SMB share, as
//! owners and modes show them, played by an NTFS file that is mounted with them. Each machine has
//! a state directory and a name of its own. Needs root.
#![allow(clippy::disallowed_methods, reason = "tests start programs and write no state files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use support::program::{Machine, Said, said};
use support::tree::{self, Dice};

/// Where the seed goes, as a script says it.
const NAMED: &str = "--shared-staging --storage-account account1 --container seed --subscription \
                     11111111-2222-4333-8444-555555555555";

fn tool(words: &[&str]) {
    let output = Command::new(words[0]).args(&words[1..]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", words.join(" "));
}

/// A share at `share` of a machine until it is dropped.
struct Share {
    machine: Machine,
    place: PathBuf,
}

impl Share {
    /// All files have this owner and these modes, whoever makes them.
    fn new(owner: &str) -> Self {
        let machine = Machine::new();
        let (image, place) = (machine.text("share.ntfs"), machine.path("share"));
        fs::File::create(&image).unwrap().set_len(400 << 20).unwrap();
        tool(&["mkntfs", "-F", "-Q", "-q", &image]);
        fs::create_dir(&place).unwrap();
        let options = format!("silent,{owner}");
        tool(&["ntfs-3g", "-o", &options, &image, place.to_str().unwrap()]);
        fs::write(machine.path("password"), "a password of many letters\n").unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(machine.path("password"), mode).unwrap();
        for number in 0..100u64 {
            let mut dice = Dice(number);
            let content = dice.bytes(1 << 20);
            tree::write(&machine.path("source"), &format!("file-{number}"), &content, &mut dice);
        }
        Share { machine, place }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.place.join("staging").join(name)
    }

    /// A command on the copy machine of this name.
    fn command(&self, host: &str, line: &str) -> Command {
        let mut command = Command::new("unshare");
        let script = "hostname \"$1\"; shift; exec \"$@\"";
        command.args(["--uts", "sh", "-c", script, "sh", host, env!("CARGO_BIN_EXE_azseed")]);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.env("HOME", self.machine.path(".")).current_dir(self.machine.path("."));
        command.args(["--state", &format!("state-{host}")]).args(line.split(' '));
        command.stdin(Stdio::null());
        command
    }

    fn run(&self, host: &str, code: i32, line: &str, text: &str) -> String {
        let Said { code: found, stdout, stderr } = said(self.command(host, line).output().unwrap());
        let all = format!("{stdout}{stderr}");
        assert_eq!(found, code, "{host}: {line}: {all}");
        assert!(all.contains(text), "{host}: {line}: no {text:?} in {all}");
        all
    }

    /// Runs a command on a machine and kills it when it first says this.
    fn kill_at(&self, host: &str, line: &str, text: &str) {
        let mut child = self.command(host, line).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let is_there = lines.any(|line| line.unwrap().contains(text));
        assert!(is_there, "it never said {text}");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// What a stranger does, looked at from a machine, and undone.
    fn forged(
        &self,
        host: &str,
        name: &str,
        forge: impl FnOnce(String) -> String,
        both: [&str; 2],
    ) {
        let own = fs::read_to_string(self.at(name)).unwrap();
        let forged = forge(own.clone());
        assert_ne!(forged, own, "{name}");
        fs::write(self.at(name), forged).unwrap();
        let all = self.run(host, 4, &prep("a", "A"), "staging-changed");
        assert!(both.iter().all(|value| all.contains(value)), "{both:?}: {all}");
        fs::write(self.at(name), own).unwrap();
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut command = Command::new("umount");
        let _ = command.arg("--lazy").arg(&self.place).stderr(Stdio::null()).status();
    }
}

fn prep(image: &str, serial: &str) -> String {
    format!(
        "prep --staging share/staging --offline --json --password-file password --drive \
         {image}.img,serial={serial},size=210M"
    )
}

fn add(line: &str) -> String {
    format!("{line} {NAMED}")
}

/// Both machines fill a drive each; each sees what the other added and takes it when it is told to.
fn both_work_on(owner: &str) {
    let share = Share::new(owner);
    let stage = "stage --source source --staging share/staging --job job-1 --storage-account \
                 account1 --container seed --resource-group rg --subscription \
                 11111111-2222-4333-8444-555555555555 --pack-size 4Mi --password-file password";
    share.run("one", 4, stage, "staging-shared");
    assert!(!share.place.join("staging").exists(), "nothing is made without consent");
    share.run("one", 0, &format!("{stage} --shared-staging"), "");

    // One machine is killed in the middle of its drive, and knows its own records again.
    share.kill_at("one", &prep("a", "A"), "\"step\":\"fill\"");
    share.run("one", 6, &prep("a", "A"), "");
    // The other one is new here.
    share.run("two", 4, &prep("b", "B"), "staging-shared");
    share.run("two", 4, &format!("{} --shared-staging", prep("b", "B")), "staging-shared-unnamed");
    let all = share.run("two", 0, &add(&prep("b", "B")), "pinned for this machine");
    assert!(all.contains("A.journal") && all.contains("account1"), "{all}");

    // What the other one added is told, and pinned by the same flag.
    let verify = "verify --staging share/staging --password-file password a.img,serial=A";
    let all = share.run("one", 4, verify, "staging-changed");
    assert!(all.contains("Journal B.journal was not there"), "{all}");
    let all = share.run("one", 0, &add(verify), "pinned for this machine");
    assert!(all.contains("B.journal") && all.contains("B.plan"), "{all}");
    share.run("one", 0, verify, "");
    share.run("two", 0, "verify --staging share/staging b.img,serial=B", "");

    let target = |seed: String| seed.replace("\"account1\"", "\"account9\"");
    share.forged("one", "seed.json", target, ["account1", "account9"]);
    let bytes = fs::metadata(share.at("journals/B.journal")).unwrap().len();
    let cut = |journal: String| {
        let end = journal.trim_end().rfind('\n').unwrap();
        journal[..=end].to_owned()
    };
    let whole = format!("{bytes} bytes");
    share.forged("one", "journals/B.journal", cut, [&whole, "B.journal"]);
    share.forged("one", "journals/A.plan", |plan| plan.replace("data", "dat0"), ["A.plan", " is "]);

    // A drive that one gives up is news for the other.
    share.run("two", 0, "drive release B --staging share/staging", "");
    share.run("one", 4, verify, "staging-changed");
    share.run("one", 0, &add(verify), "B.journal was");
    assert_eq!(files_of_strangers(&share.place), Vec::<PathBuf>::new());
}

/// What lies in the share and is no part of a staging path.
fn files_of_strangers(place: &Path) -> Vec<PathBuf> {
    let known = ["seed.json", ".stage.lock", "journals", "repo", "reports"];
    let entries = fs::read_dir(place.join("staging")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| !known.iter().any(|name| path.ends_with(name))).collect()
}

#[test]
fn on_a_squashed_nfs_share_each_sees_what_the_other_added_and_no_stranger_slips_in() {
    both_work_on("uid=65534,gid=65534,umask=000");
}

#[test]
fn on_an_smb_share_each_sees_what_the_other_added_and_no_stranger_slips_in() {
    both_work_on("uid=0,gid=0,dmask=002,fmask=113");
}

#[test]
fn on_a_squashed_share_that_only_its_owner_writes_that_owner_is_us() {
    let share = Share::new("uid=65534,gid=65534,umask=022");
    fs::create_dir(share.place.join("staging")).unwrap();
    let adopt = "stage adopt --source source --staging share/staging --job job-1 --storage-account \
                 account1 --container seed --resource-group rg --subscription \
                 11111111-2222-4333-8444-555555555555";
    share.run("one", 0, adopt, "");
    share.run("two", 0, "plan --staging share/staging --drive-size 1T", "");
    assert!(!share.machine.path("state-one/pins").exists());
    assert_eq!(files_of_strangers(&share.place), Vec::<PathBuf>::new());
}
