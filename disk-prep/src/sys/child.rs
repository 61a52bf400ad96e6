//! The one place where programs are started: our own by a fixed path, with an empty environment,
//! from the root folder, with just the open files that they are given; the user's sign-in program
//! in his environment without secrets; a hook with nothing but what it is told, for a while;
//! a program that knows a secret, of which only the answer is heard.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use zeroize::Zeroizing;

/// What is kept of a program's complaints, bytes.
const COMPLAINT_BYTES: usize = 4096;
/// What is kept of an answer, bytes.
const ANSWER_BYTES: usize = 64 << 10;

/// Starts this very program once more. Its standard input and output are the two files given;
/// its errors go where ours go. Ctrl-C is for us, who ask it to end.
pub fn again(args: &[&str], input: OwnedFd, output: OwnedFd) -> io::Result<Child> {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    Command::new("/proc/self/exe")
        .args(args)
        .env_clear()
        .current_dir("/")
        .process_group(0)
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
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    let mut command = Command::new(program);
    command.args(args).env_clear().envs(variables.iter().copied()).stdin(Stdio::piped());
    let told = talk_to(command.stdout(Stdio::null()), input, patience)?;
    Ok((told.status, told.said))
}

/// Runs a program as [`tell`] does, without variables and input, and returns the beginning of what
/// it answers; its complaints are not heard.
pub fn ask(
    program: &OsStr,
    args: &[&OsStr],
    patience: Duration,
) -> io::Result<(ExitStatus, Vec<u8>)> {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    let mut command = Command::new(program);
    command.args(args).env_clear().stdin(Stdio::null());
    let told = talk_to(command.stdout(Stdio::piped()), &[], patience)?;
    Ok((told.status, told.answer.to_vec()))
}

/// How a program ended that was asked for something.
#[derive(Debug)]
pub struct Answered {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to its standard output, up to a length that no secret has; cleared when dropped.
    pub answer: Zeroizing<Vec<u8>>,
    /// The beginning of its complaints.
    pub said: Vec<u8>,
}

/// Runs a program of the user's own to its end and hears what it answers, from the root folder, in
/// his environment but for these variables. It is asked nothing; after `patience` it is killed as
/// with [`tell`].
pub fn ask_without(
    variables: &[&str],
    program: &OsStr,
    args: &[&OsStr],
    patience: Duration,
) -> io::Result<Answered> {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    let mut command = Command::new(program);
    for variable in variables {
        command.env_remove(variable);
    }
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped());
    talk_to(&mut command, &[], patience)
}

fn talk_to(command: &mut Command, input: &[u8], patience: Duration) -> io::Result<Answered> {
    let command = command.current_dir("/").process_group(0).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let ended = talk(&mut child, input, patience);
    if ended.is_err() {
        // Its number is not given to another process before it was waited for.
        let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
        child.wait()?;
    }
    ended
}

/// Gives a child its input and hears one of its ends until it ends; who inherited its pipes is not
/// waited for.
fn talk(child: &mut Child, mut input: &[u8], patience: Duration) -> io::Result<Answered> {
    let end = Instant::now() + patience;
    let process = pidfd_open(Pid::from_child(child), PidfdFlags::empty())?;
    let (mut to, mut from) = (child.stdin.take(), child.stderr.take());
    let mut answers = child.stdout.take();
    let pipes = [to.as_ref().map(AsFd::as_fd), from.as_ref().map(AsFd::as_fd)];
    for pipe in pipes.into_iter().chain([answers.as_ref().map(AsFd::as_fd)]) {
        pipe.map_or(Ok(()), |pipe| rustix::io::ioctl_fionbio(pipe, true))?;
    }
    let mut said = Vec::new();
    // It never grows, so that nothing of a secret is left where it was.
    let mut answer = Zeroizing::new(Vec::with_capacity(ANSWER_BYTES));
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let mut ends = vec![PollFd::new(&process, PollFlags::IN)];
        ends.extend(to.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::OUT)));
        ends.extend(from.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        ends.extend(answers.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
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
            && !hear(pipe, &mut said, COMPLAINT_BYTES)?
        {
            from = None;
        }
        if let Some(pipe) = &mut answers
            && !hear(pipe, &mut answer, ANSWER_BYTES)?
        {
            answers = None;
        }
        if is_over {
            return Ok(Answered { status: child.wait()?, answer, said });
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
fn hear(pipe: &mut impl Read, said: &mut Vec<u8>, most: usize) -> io::Result<bool> {
    let mut piece = Zeroizing::new([0; 4096]);
    loop {
        match pipe.read(piece.as_mut()) {
            Ok(0) => return Ok(false),
            Ok(bytes) => {
                let room = most.saturating_sub(said.len()).min(bytes);
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
    fn of_a_program_that_is_asked_the_answer_is_heard_apart_from_its_complaints() {
        let asked = |script: &str, patience| {
            let words = ["-c", script].map(OsStr::new);
            ask_without(&["PATH"], OsStr::new("/bin/sh"), &words, patience)
        };
        let answered = asked("echo told; echo complaint >&2; exit 3", LONG).unwrap();
        assert_eq!((answered.status.code(), &answered.answer[..]), (Some(3), &b"told\n"[..]));
        assert_eq!(answered.said, b"complaint\n");
        let long = asked("/usr/bin/yes | /usr/bin/head -c 1000000", LONG).unwrap();
        assert_eq!((long.status.code(), long.answer.len()), (Some(0), ANSWER_BYTES));
        let slow = asked("/bin/sleep 30", Duration::from_millis(200)).unwrap_err();
        assert_eq!(slow.kind(), io::ErrorKind::TimedOut);
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
