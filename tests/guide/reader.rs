//! Somebody who follows a page: two machines, a terminal on each, and what he has lying about.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

/// Enters a machine: its folders over those of this one, then a shell that goes on where the last
/// line ended. Paths are relative, since what is mounted may hide the folder itself.
const ENTER: &str = "cd \"$1\"\n\
    for name in srv mnt root usr/share/doc usr/local/bin tmp var/lib; do\n\
      mount --bind \"./$name\" \"/$name\" || exit 99\n\
    done\n\
    echo \"$2\" > /proc/sys/kernel/hostname\n\
    cd /root && shift 2 && exec \"$@\"";

/// A line in the surroundings that the lines before it made.
const LINE: &str = "[ ! -f .session ] || . ./.session\n\
    eval \"$1\"\ncode=$?\nexport -p > .session\nexit $code";

/// A reader.
#[derive(Debug)]
pub struct Reader {
    folder: TempDir,
    /// What runs in other terminals.
    running: Vec<Child>,
}

impl Reader {
    /// One with data in `/srv`, and the program.
    pub fn new() -> Self {
        let parent = env!("CARGO_TARGET_TMPDIR");
        let folder = tempfile::Builder::new().prefix("azseed-reader-").tempdir_in(parent).unwrap();
        let reader = Reader { folder, running: Vec::new() };
        for machine in ["old", "new"] {
            for name in ["srv", "mnt", "root", "tmp", "usr/share/doc", "usr/local/bin", "var/lib"] {
                std::fs::create_dir_all(reader.path(machine, name)).unwrap();
            }
            let program = reader.path(machine, "usr/local/bin/azseed");
            std::fs::copy(env!("CARGO_BIN_EXE_azseed"), program).unwrap();
        }
        for (name, files) in [("srv/data", 5), ("srv/mail", 2), ("srv/photos", 3)] {
            reader.fill(name, files);
        }
        reader.fill("usr/share/doc", 2);
        // What he was told to have: a new password, and the journal of another tool.
        let private = |name: &str, text: &[u8]| {
            let path = reader.path("old", name);
            std::fs::write(&path, text).unwrap();
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            std::fs::set_permissions(&path, mode).unwrap();
        };
        private("root/vault-2027.password", b"a-password-of-the-year-2027\n");
        let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        let journal =
            std::fs::read(fixtures.join("tool-journals/9WM35C2V.jrn")).unwrap_or_default();
        private("root/9WM35C2V.jrn", &journal);
        reader
    }

    fn path(&self, machine: &str, name: &str) -> PathBuf {
        self.folder.path().join(machine).join(name)
    }

    fn fill(&self, name: &str, files: usize) {
        let folder = self.path("old", name);
        std::fs::create_dir_all(&folder).unwrap();
        for number in 0..files {
            let content = vec![number as u8; 40_000 + number];
            std::fs::write(folder.join(format!("file-{number}")), content).unwrap();
        }
    }

    /// Writes a file of the page.
    pub fn write(&mut self, name: &str, text: &str) {
        std::fs::write(self.path("old", &format!("root/{name}")), format!("{text}\n")).unwrap();
    }

    /// A line, ready to be typed on a machine.
    fn line(&self, machine: &str, text: &str) -> Command {
        let mut command = Command::new("/usr/bin/unshare");
        command.args(["--mount", "--uts", "--propagation", "private", "sh", "-c", ENTER, "sh"]);
        command.arg(self.folder.path().join(machine)).arg(format!("{machine}-machine"));
        command.args(["bash", "-c", LINE, "bash", text]);
        command.env_clear().env("HOME", "/root").env("TERM", "dumb");
        command.env("PATH", "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        command.stdin(Stdio::null());
        command
    }

    /// Types a line of a page, and expects that it ends well.
    pub fn types(&mut self, text: &str, where_to: &str, place: &str) {
        // As a package or `cargo install` would have it.
        let text = text.replace("cargo run --release --", "azseed").replace("sudo ", "");
        let began = std::time::Instant::now();
        let output = match where_to {
            "in another terminal, where it runs on" => return self.leaves_running(&text, place),
            "at a terminal that asks" => self.answers(&text),
            "on a new machine" => self.on_the_new_machine(&text),
            "" => self.line("old", &text).output().unwrap(),
            other => panic!("{place}: a reader does not know what {other:?} is"),
        };
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if std::env::var_os("GUIDE_SHOWN").is_some() {
            let shown = said(&output.stdout) + &said(&output.stderr);
            println!("{place} {:.1} s: {text}\n{shown}", began.elapsed().as_secs_f64());
        }
        assert!(
            output.status.success(),
            "{place}: {text}\nends with {}\n{}{}",
            output.status,
            said(&output.stdout),
            said(&output.stderr)
        );
    }

    /// Starts what runs until it is stopped; it is up when it says its first line.
    fn leaves_running(&mut self, text: &str, place: &str) {
        let mut command = self.line("old", &format!("exec {text}"));
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        assert!(!first.is_empty(), "{place}: {text} ended");
        self.running.push(child);
    }

    /// At a terminal, with `y` as the answer.
    fn answers(&self, text: &str) -> Output {
        std::fs::write(self.path("old", "root/asked"), text).unwrap();
        std::fs::write(self.path("old", "root/answer"), "y\n").unwrap();
        let typed = "script -qec \"$(cat asked)\" /dev/null < answer";
        self.line("old", typed).output().unwrap()
    }

    /// A machine that has nothing of the old one but a copy of the password and Azure's addresses.
    fn on_the_new_machine(&self, text: &str) -> Output {
        let old = |name: &str| self.path("old", name);
        let new = |name: &str| self.path("new", name);
        if !new("root/.session").exists() {
            std::fs::copy(old("root/.session"), new("root/.session")).unwrap();
            std::fs::copy(old("root/vault-2027.password"), new("root/vault.password")).unwrap();
            std::fs::create_dir_all(new("tmp/azure")).unwrap();
            std::fs::copy(old("tmp/azure/ca.pem"), new("tmp/azure/ca.pem")).unwrap();
        }
        self.line("new", text).output().unwrap()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        for child in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
