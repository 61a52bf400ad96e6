//! Network and mount namespaces with the names of a cloud in their own hosts file, for tests of the
//! addresses that real users have. Needs root; nothing of it is seen outside.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// The addresses of resource manager and blobs in there; port 443 of each is free.
pub const ARM: &str = "127.0.0.2";
pub const BLOBS: &str = "127.0.0.3";

/// The namespaces; they end with the value.
#[derive(Debug)]
pub struct Names {
    holder: Child,
}

impl Names {
    /// Makes them, with the hosts of a cloud that are meant: of the resource manager and the
    /// sign-in, and of blobs.
    pub fn make(folder: &Path, arm: &[&str], blobs: &[&str]) -> Self {
        let hosts = folder.join("hosts");
        let line = |address: &str, names: &[&str]| format!("{address} {}\n", names.join(" "));
        let text = [line("127.0.0.1", &["localhost"]), line(ARM, arm), line(BLOBS, blobs)];
        std::fs::write(&hosts, text.concat()).unwrap();
        let script =
            "ip link set lo up && mount --bind \"$1\" /etc/hosts && echo ready && exec cat";
        let mut holder = Command::new("unshare")
            .args(["--net", "--mount", "--propagation", "private", "sh", "-c", script, "sh"])
            .arg(&hosts)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare starts");
        let mut line = String::new();
        let said = holder.stdout.take().expect("it is piped");
        BufReader::new(said).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "namespaces need root");
        Names { holder }
    }

    /// A program in there, in a folder, with nothing of the caller's environment.
    pub fn command(&self, program: &Path, folder: &Path) -> Command {
        let mut command = Command::new("/usr/bin/nsenter");
        command.args(["--target", &self.holder.id().to_string(), "--net", "--mount"]);
        command.arg(format!("--wdns={}", folder.display())).arg("--").arg(program);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").stdin(Stdio::null());
        command
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
