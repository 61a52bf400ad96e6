//! Runs `azseed` as a person would, with a state directory of its own and nothing of the
//! caller's environment.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;

use tempfile::TempDir;

use super::names::Names;

/// A throw-away copy machine: folders for everything that a journey leaves behind.
#[derive(Debug)]
pub struct Machine {
    names: Option<Names>,
    folder: Arc<TempDir>,
    host: Option<String>,
}

/// What a run of `azseed` said.
#[derive(Debug)]
pub struct Said {
    /// Exit code; 137 stands for killed.
    pub code: i32,
    /// What can be piped.
    pub stdout: String,
    /// What a person reads.
    pub stderr: String,
}

impl Machine {
    /// A new one on the disk that the build uses; memory file systems may be too small.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("azseed-test-")
            .tempdir_in(env!("CARGO_TARGET_TMPDIR"))
            .expect("the target folder can be written");
        Machine { names: None, folder: Arc::new(folder), host: None }
    }

    /// Another machine with the same folders, as over a share, with a name and a state directory
    /// of its own. Needs root.
    pub fn on_host(&self, name: &str) -> Self {
        Machine { names: None, folder: Arc::clone(&self.folder), host: Some(name.to_owned()) }
    }

    /// Its name, if it has one of its own.
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// Its state directory, below its folder.
    pub fn state(&self) -> PathBuf {
        self.path(&self.host.as_ref().map_or("state".to_owned(), |name| format!("state-{name}")))
    }

    /// One on which the hosts of a cloud have names of their own.
    pub fn with_names(arm: &[&str], blobs: &[&str]) -> Self {
        let machine = Machine::new();
        let names = Names::make(machine.folder.path(), arm, blobs);
        Machine { names: Some(names), ..machine }
    }

    /// Another program on it, with nothing of the caller's environment.
    pub fn other(&self, program: &Path) -> Command {
        let folder = self.folder.path();
        let mut command = match (&self.names, &self.host) {
            (Some(names), _) => names.command(program, folder),
            (None, Some(host)) => named(host, program),
            (None, None) => Command::new(program),
        };
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.env("HOME", folder).current_dir(folder).stdin(Stdio::null());
        command
    }

    /// A path on it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The same as text, for arguments.
    pub fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("the folder's name is UTF-8").to_owned()
    }

    /// The program, ready for arguments.
    pub fn command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = self.other(Path::new(env!("CARGO_BIN_EXE_azseed")));
        command.arg("--state").arg(self.state()).args(arguments);
        command
    }

    /// Runs it to its end.
    pub fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Said {
        said(self.command(arguments).output().expect("azseed starts"))
    }

    /// Runs it and expects this exit code.
    pub fn expect<S: AsRef<OsStr>>(&self, code: i32, arguments: &[S]) -> Said {
        let said = self.run(arguments);
        let words: Vec<_> = arguments.iter().map(|word| word.as_ref().to_string_lossy()).collect();
        assert_eq!(said.code, code, "azseed {}\n{}\n{}", words.join(" "), said.stdout, said.stderr);
        said
    }

    /// Takes a folder as it stands into a staging path, and says where that is.
    pub fn adopt(&self, source: &Path, job: &str) -> String {
        self.adopt_for(source, job, "data-box")
    }

    /// The same for one of the services.
    pub fn adopt_for(&self, source: &Path, job: &str, service: &str) -> String {
        let (staging, contact) = (self.text("staging"), self.text("contact.toml"));
        std::fs::write(&contact, super::CONTACT).unwrap();
        let source = source.to_str().expect("UTF-8");
        let mut words =
            vec!["stage", "adopt", "--source", source, "--staging", &staging, "--job", job];
        words.extend([
            "--storage-account",
            "account1",
            "--container",
            "seed",
            "--resource-group",
            "rg",
        ]);
        words.extend([
            "--subscription",
            "11111111-2222-4333-8444-555555555555",
            "--contact",
            &contact,
            "--service",
            service,
        ]);
        self.expect(0, &words);
        staging
    }

    /// Writes a drive's recovery password, as its journal holds it, to a file of its own.
    pub fn password_file(&self, staging: &Path, serial: &str) -> PathBuf {
        let journal = std::fs::read_to_string(staging.join(format!("journals/{serial}.journal")));
        let journal = journal.expect("the drive has a journal");
        let begun = journal.lines().next().expect("it has a first line");
        let (_, record) = begun.split_once(' ').expect("a digest stands before the record");
        let record: serde_json::Value = serde_json::from_str(record).expect("records are JSON");
        let password =
            record["recovery_password"].as_str().or(record["begun"]["recovery_password"].as_str());
        let file = self.path(&format!("{serial}.password"));
        std::fs::write(&file, password.expect("the first record holds it")).unwrap();
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&file, private).unwrap();
        file
    }
}

/// A program on a machine of this name.
fn named(host: &str, program: &Path) -> Command {
    let script = "echo \"$1\" > /proc/sys/kernel/hostname && shift && exec \"$@\"";
    let mut command = Command::new("/usr/bin/unshare");
    command.args(["--uts", "sh", "-c", script, "sh", host]).arg(program);
    command
}

/// Waits until something is seen that the child does; says whether it lived that long.
pub fn lives_until(child: &mut Child, mut is_seen: impl FnMut() -> bool) -> bool {
    while child.try_wait().expect("it can be asked").is_none() {
        if is_seen() {
            return true;
        }
        std::thread::yield_now();
    }
    false
}

/// Kills the child as soon as something is seen; says whether it lived that long.
pub fn kill_when(child: &mut Child, is_seen: impl FnMut() -> bool) -> bool {
    let is_alive = lives_until(child, is_seen);
    if is_alive {
        child.kill().expect("it can be killed");
    }
    child.wait().expect("it is dead");
    is_alive
}

/// The files below a folder.
pub fn files_below(folder: &Path) -> BTreeSet<PathBuf> {
    let entries = walkdir::WalkDir::new(folder).into_iter().flatten();
    entries.filter(|entry| entry.file_type().is_file()).map(|entry| entry.into_path()).collect()
}

/// What a run said; every line of JSON in it is as its schema says.
pub fn said(output: Output) -> Said {
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    super::schema::check_lines(&stdout);
    Said {
        code: output.status.code().unwrap_or(137),
        stdout,
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
