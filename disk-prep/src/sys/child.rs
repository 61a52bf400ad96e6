//! The one place where programs are started: by a fixed path, with an empty environment, from the
//! root folder, with just the open files that they are given.

use std::io;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};

/// Starts this very program once more. Its standard input and output are the two files given;
/// its errors go where ours go.
pub fn again(args: &[&str], input: OwnedFd, output: OwnedFd) -> io::Result<Child> {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    Command::new("/proc/self/exe")
        .args(args)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::from(input))
        .stdout(Stdio::from(output))
        .spawn()
}
