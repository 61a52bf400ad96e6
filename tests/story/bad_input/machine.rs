//! A copy machine with a little of everything on it, for runs of somebody who is not root. Each run
//! works on a copy of it under the same name, so that none sees what another did.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use azseed::advice;

use super::calls::{CALLS, words};
use super::in_turn;
use super::values::odd_name;
use crate::support::CONTACT;
use crate::support::emulator::Emulator;
use crate::support::program::{Machine, Said, said};
use crate::support::seed::{run, sent, staged};

/// Nobody, by number.
const NOBODY: u32 = 65534;
/// A copy of the machine under its name, with something done to it, for one command of nobody's.
const IN_COPY: &str = "cp -a --sparse=always \"$1/.\" \"$2\" && mount --bind \"$2\" \"$1\" && \
    cd \"$1\" && eval \"$4\" && cd \"$1/$3\" && shift 4 && \
    exec timeout 60 setpriv --reuid 65534 --regid 65534 --clear-groups \"$@\"";
/// A state directory of which not a byte is free.
const FULL: &str = "mkdir room && mount -t tmpfs -o size=256k,mode=755,uid=65534,gid=65534 none room \
    && cp -a state/. room/ && mount --bind room state && \
    { head -c 1M /dev/zero > state/rest 2> /dev/null || true; }";
/// Exit codes of the table.
const EXITS: [i32; 12] = [0, 1, 2, 3, 4, 5, 6, 10, 11, 12, 13, 14];
/// With these something may have been done.
const PARTLY: [i32; 3] = [3, 5, 6];

/// A policy for virtual machines.
const GOLD: &str = "schedule = \"daily 03:00\"\nkeep = [\"every day for 7 days\"]\n";

/// What may be wrong with a state directory.
#[derive(Debug, Clone, Copy)]
pub enum Broken {
    /// There is no room.
    Full,
    /// It is somebody else's.
    Closed,
    /// It is no folder.
    File,
}

/// What is at each place, below the machine's folder.
pub type Contents = BTreeMap<PathBuf, Vec<u8>>;

/// The machine, and an Azure that all its copies see.
pub struct Bench {
    pub machine: Machine,
    emulator: Emulator,
    _azure: Machine,
    before: Contents,
}

impl Bench {
    pub fn new() -> Self {
        let (machine, azure) = (Machine::new(), Machine::new());
        let emulator = Emulator::start(&azure);
        for (name, text) in [
            ("source/a", "x"),
            ("source/b/c", "y"),
            ("plain/file", "z"),
            ("closed/in", "closed"),
            ("password", "secret-of-8"),
            ("contact.toml", CONTACT),
            ("gold.toml", GOLD),
            ("rules.json", "[]"),
        ] {
            let path = machine.path(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        let odd = machine.path("").join(odd_name()).join("in");
        fs::create_dir_all(&odd).unwrap();
        fs::write(odd.join("file"), "x").unwrap();
        let rows = format!(
            "BasePath,DstItemPathOrPrefix,ItemType\n{}/,cont/x/,BlockBlob\n",
            machine.text("plain")
        );
        fs::write(machine.path("rows.csv"), rows).unwrap();
        staged(&machine, "1Mi");
        sent(&machine, &emulator, &[]);
        emulator.dock(&machine, &["s1.img,serial=S1"]);
        run(&machine, &emulator, 0, &[]);
        let fresh = "stage adopt --source plain --staging fresh --job seed-3 --storage-account \
                     account1 --container third --resource-group rg --subscription \
                     11111111-2222-4333-8444-555555555555";
        // Not of the state directory, which has one seed to remember.
        let fresh = fresh.split_whitespace().chain(["--state", "elsewhere"]);
        machine.expect(0, &fresh.collect::<Vec<_>>());
        fs::copy(emulator.fact("ca_file"), machine.path("ca.pem")).unwrap();
        for entry in walkdir::WalkDir::new(machine.path("")) {
            lchown(entry.unwrap().path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        for (name, mode) in [("", 0o755), ("ca.pem", 0o644), ("closed", 0)] {
            fs::set_permissions(machine.path(name), fs::Permissions::from_mode(mode)).unwrap();
        }
        lchown(machine.path("closed"), Some(0), Some(0)).unwrap();
        let before = contents(&machine.path(""));
        Bench { machine, emulator, _azure: azure, before }
    }

    /// A command of nobody's in a copy, from a folder of it; what it says, and what is not as it
    /// was.
    pub fn run<S: AsRef<OsStr>>(&self, words: &[S]) -> (Said, Vec<PathBuf>) {
        self.run_with(words, "", "true", |_| {})
    }

    /// The same with a state directory that has something wrong about it.
    pub fn run_broken<S: AsRef<OsStr>>(&self, words: &[S], broken: Broken) -> (Said, Vec<PathBuf>) {
        let script = match broken {
            Broken::Full => FULL,
            Broken::Closed => "chown -R 0:0 state && chmod 700 state",
            Broken::File => "mv state away && touch state && chown 65534 state",
        };
        let (said, mut changed) = self.run_with(words, "", script, |_| {});
        changed.retain(|path| !["state", "room", "away"].iter().any(|own| path.starts_with(own)));
        (said, changed)
    }

    /// The same from another folder, after a script, with something more about it.
    pub fn run_with<S: AsRef<OsStr>>(
        &self,
        words: &[S],
        from: &str,
        script: &str,
        more: impl FnOnce(&mut Command),
    ) -> (Said, Vec<PathBuf>) {
        let own = self.emulator.command(&self.machine, &[]);
        let mut copy = tempfile::Builder::new();
        let copy = copy.prefix("azseed-bad-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let mut typed = Command::new("/usr/bin/unshare");
        typed.args(["--mount", "--propagation", "private", "sh", "-c", IN_COPY, "sh"]);
        typed
            .arg(self.machine.path("").components().as_path())
            .arg(copy.path())
            .arg(from)
            .arg(script);
        typed.arg(own.get_program()).args(own.get_args()).args(words);
        typed.env_clear().stdin(Stdio::null());
        typed.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
        typed.env("AZSEED_CA_FILE", self.machine.path("ca.pem"));
        more(&mut typed);
        let said = said(typed.output().unwrap());
        let after = contents(copy.path());
        let is_same = |path: &&PathBuf| self.before.get(*path) == after.get(*path);
        let all = self.before.keys().chain(after.keys());
        let changed = all.filter(|path| !is_same(path)).cloned().collect();
        (said, changed)
    }

    /// Each call as it is.
    pub fn each_call(&self) -> Vec<Said> {
        let all: Vec<_> = CALLS.iter().map(|_| Mutex::new(None)).collect();
        let jobs: Vec<usize> = (0..CALLS.len()).collect();
        in_turn(&jobs, |at| {
            let (command, call) = CALLS[*at];
            *all[*at].lock().unwrap() = Some(self.run(&words(command, call)).0);
        });
        all.into_iter().map(|said| said.into_inner().unwrap().unwrap()).collect()
    }
}

/// Every file and folder below one but for locks; of a drive's image how long it is and when it was
/// written.
fn contents(root: &Path) -> Contents {
    let mut found = Contents::new();
    for entry in walkdir::WalkDir::new(root).into_iter().flatten() {
        let about = entry.metadata().unwrap();
        let path = entry.path();
        let name = path.strip_prefix(root).unwrap().to_owned();
        let is_lock = name.starts_with("state") && path.extension().is_none_or(|e| e != "json");
        // A vault's record has its lease, which each command takes that may change it.
        if is_lock || name.starts_with("state/vaults") && about.is_file() {
            continue;
        }
        let is_image = path.extension().is_some_and(|end| end == "img");
        let held = match (about.is_file(), is_image) {
            (true, true) => format!("{} {}", about.size(), about.mtime_nsec()).into_bytes(),
            (true, false) => fs::read(path).unwrap(),
            (false, _) => b"folder".to_vec(),
        };
        found.insert(name, held);
    }
    found
}

/// What is wrong with how a run ended.
pub fn complaints(said: &Said, changed: &[PathBuf]) -> Vec<String> {
    let mut complaints = Vec::new();
    if !EXITS.contains(&said.code) {
        complaints.push(format!("exit code {}", said.code));
    }
    let codes: Vec<&str> = said.stderr.lines().filter_map(told_code).collect();
    for code in &codes {
        match advice::find(code) {
            None => complaints.push(format!("explain does not know {code}")),
            Some(advice) if advice.action.is_empty() => {
                complaints.push(format!("nothing to do about {code}"));
            }
            Some(_) => {}
        }
        if *code == "internal-fault" {
            complaints.push("it fell over".to_owned());
        }
    }
    if said.code != 0 && !PARTLY.contains(&said.code) {
        if codes.is_empty() && said.stdout.is_empty() {
            complaints.push("no code".to_owned());
        }
        if !changed.is_empty() {
            complaints.push(format!("half made: {changed:?}"));
        }
    }
    complaints
}

/// The code in a line that tells one.
pub fn told_code(line: &str) -> Option<&str> {
    line.strip_prefix("  code: ")?.split(' ').next()
}
