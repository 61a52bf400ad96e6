//! The one place where programs are started: our own by a fixed path, with an empty environment,
//! from the root folder, with just the open files that they are given; the user's sign-in program
//! in his environment without secrets.

use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Output, Stdio};

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

/// Runs a program of the user's own to its end, in his environment but for these variables, which
/// hold secrets that are none of its business. It is asked nothing.
pub fn run_without(variables: &[&str], program: &OsStr, args: &[&OsStr]) -> io::Result<Output> {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    let mut command = Command::new(program);
    for variable in variables {
        command.env_remove(variable);
    }
    command.args(args).stdin(Stdio::null()).output()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_gets_the_environment_without_what_is_secret() {
        let words = ["-c", "echo ${PATH:+path} ${HOME:+home}"].map(OsStr::new);
        let said = |variables: &[&str]| {
            let output = run_without(variables, OsStr::new("/bin/sh"), &words).unwrap();
            String::from_utf8(output.stdout).unwrap()
        };
        assert!(said(&[]).contains("path"));
        // A shell without PATH makes its own, so HOME tells.
        assert!(!said(&["HOME"]).contains("home"));
    }
}
