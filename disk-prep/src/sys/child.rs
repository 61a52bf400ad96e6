//! The one place where programs are started: our own by a fixed path, with an empty environment,
//! from the root folder, with just the open files that they are given; the user's sign-in program
//! in his environment without secrets; a hook with nothing but what it is told, for a while.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

/// What is kept of a program's complaints, bytes.
const COMPLAINT_BYTES: usize = 4096;

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

/// Runs a program to its end, with these variables and no others, from the root folder; it reads
/// `input` if it likes. Returns how it ended and the beginning of its complaints. What it began in
/// its own process group is killed with it when `patience` is over: that is `TimedOut`.
pub fn tell(
    program: &OsStr,
    args: &[&OsStr],
    variables: &[(&str, &str)],
    input: &[u8],
    patience: Duration,
) -> io::Result<(ExitStatus, Vec<u8>)> {
    let mut child = bare(program, args, variables, [Stdio::null(), Stdio::piped()])?;
    let from = child.stderr.take().map(OwnedFd::from);
    patient(child, from, input, patience)
}

/// Runs a program as [`tell`] does, without variables and input, and returns the beginning of what
/// it answers; its complaints are not heard.
pub fn ask(
    program: &OsStr,
    args: &[&OsStr],
    patience: Duration,
) -> io::Result<(ExitStatus, Vec<u8>)> {
    let mut child = bare(program, args, &[], [Stdio::piped(), Stdio::null()])?;
    let from = child.stdout.take().map(OwnedFd::from);
    patient(child, from, b"", patience)
}

fn bare(
    program: &OsStr,
    args: &[&OsStr],
    variables: &[(&str, &str)],
    [output, errors]: [Stdio; 2],
) -> io::Result<Child> {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    Command::new(program)
        .args(args)
        .env_clear()
        .envs(variables.iter().copied())
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(output)
        .stderr(errors)
        .spawn()
}

fn patient(
    mut child: Child,
    from: Option<OwnedFd>,
    input: &[u8],
    patience: Duration,
) -> io::Result<(ExitStatus, Vec<u8>)> {
    let ended = talk(&mut child, from, input, patience);
    if ended.is_err() {
        // Its number is not given to another process before it was waited for.
        let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
        child.wait()?;
    }
    ended
}

/// Gives a child its input and hears one of its ends until it ends; who inherited its pipes is not
/// waited for.
fn talk(
    child: &mut Child,
    from: Option<OwnedFd>,
    mut input: &[u8],
    patience: Duration,
) -> io::Result<(ExitStatus, Vec<u8>)> {
    let end = Instant::now() + patience;
    let process = pidfd_open(Pid::from_child(child), PidfdFlags::empty())?;
    let (mut to, mut from) = (child.stdin.take(), from.map(File::from));
    for pipe in [to.as_ref().map(AsFd::as_fd), from.as_ref().map(AsFd::as_fd)] {
        pipe.map_or(Ok(()), |pipe| rustix::io::ioctl_fionbio(pipe, true))?;
    }
    let mut said = Vec::new();
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let mut ends = vec![PollFd::new(&process, PollFlags::IN)];
        ends.extend(to.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::OUT)));
        ends.extend(from.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        let wait = Timespec::try_from(left).map_err(io::Error::other)?;
        match poll(&mut ends, Some(&wait)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let is_over = !ends[0].revents().is_empty();
        drop(ends);
        if let Some(pipe) = &mut to
            && !give(pipe, &mut input)?
        {
            to = None;
        }
        if let Some(pipe) = &mut from
            && !hear(pipe, &mut said)?
        {
            from = None;
        }
        if is_over {
            return Ok((child.wait()?, said));
        }
    }
}

/// Writes what a pipe takes; whether there is more to give to somebody who reads.
fn give(pipe: &mut impl Write, input: &mut &[u8]) -> io::Result<bool> {
    while !input.is_empty() {
        match pipe.write(input) {
            Ok(taken) => *input = &input[taken..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

/// Reads what is there and keeps the beginning of all; whether more may come.
fn hear(pipe: &mut impl Read, said: &mut Vec<u8>) -> io::Result<bool> {
    let mut piece = [0; 4096];
    loop {
        match pipe.read(&mut piece) {
            Ok(0) => return Ok(false),
            Ok(bytes) => {
                let room = COMPLAINT_BYTES.saturating_sub(said.len()).min(bytes);
                said.extend_from_slice(&piece[..room]);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(script: &str, input: &[u8], patience: Duration) -> io::Result<(ExitStatus, String)> {
        let words = ["-c", script].map(OsStr::new);
        let variables = [("AZSEED_EVENT", "job-changed")];
        let shell = OsStr::new("/bin/sh");
        let (status, said) = tell(shell, &words, &variables, input, patience)?;
        Ok((status, String::from_utf8(said).unwrap()))
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_hook_gets_its_input_and_its_variable_and_nothing_else() {
        let script =
            "cat >&2; pwd >&2; env | grep -v -e ^PWD -e ^SHLVL -e ^_= -e ^OLDPWD >&2; exit 3";
        let (status, said) = told(script, b"{}\n", LONG).unwrap();
        assert_eq!((status.code(), said.as_str()), (Some(3), "{}\n/\nAZSEED_EVENT=job-changed\n"));
    }

    #[test]
    fn one_that_reads_nothing_or_says_too_much_does_not_hang() {
        let input = vec![b'x'; 1 << 20];
        assert!(told("exec <&-; exit 0", &input, LONG).unwrap().0.success());
        let (status, said) = told("yes | head -c 1000000 >&2", &input, LONG).unwrap();
        assert_eq!((status.code(), said.len()), (Some(0), COMPLAINT_BYTES));
        // Somebody else holds its pipes after its end.
        let began = Instant::now();
        assert!(told("sleep 30 & exit 0", b"", LONG).unwrap().0.success());
        assert!(began.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn what_a_program_answers_is_heard_and_what_it_complains_of_is_not() {
        let words = ["-c", "echo answer; echo complaint >&2; env | grep -c HOME; exit 2"];
        let (status, said) = ask(OsStr::new("/bin/sh"), &words.map(OsStr::new), LONG).unwrap();
        assert_eq!((status.code(), said.as_slice()), (Some(2), &b"answer\n0\n"[..]));
    }

    #[test]
    fn one_that_does_not_end_is_killed_with_what_it_began() {
        let folder = std::env::temp_dir().join(format!("azseed-hook-{}", std::process::id()));
        let script = format!("(sleep 5; echo late > {}) & wait", folder.display());
        let began = Instant::now();
        let error = told(&script, b"", Duration::from_millis(200)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(began.elapsed() < Duration::from_secs(4), "its child was waited for");
        let none = tell(OsStr::new("/no/such/program"), &[], &[], b"", LONG);
        assert_eq!(none.unwrap_err().kind(), io::ErrorKind::NotFound);
    }

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
