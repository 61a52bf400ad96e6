//! Where the password of a repository comes from: a private file, a program of the user's that
//! prints it, or a file that whoever called us holds open.

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::io::{self, IsTerminal, Read};
use std::path::PathBuf;
use std::time::Duration;

use disk_prep::noun::{ProgramLine, visible_line};
use disk_prep::sys::child;
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::password::{PasswordError, Weak, of_text, read_password};

/// How long a program may think; a person may have to type something to it.
const PATIENCE: Duration = Duration::from_secs(120);
/// What is repeated of its complaints, characters.
const COMPLAINT_CHARACTERS: usize = 200;
/// A password has fewer bytes.
const MOST_BYTES: u64 = 64 << 10;
/// The bit of `flags` in `/proc/PID/fdinfo` that says that no other program gets the file
/// (`proc_pid_fdinfo(5)`): ours have it, those that we were handed do not.
const CLOSED_ON_EXEC: u32 = 0o2_000_000;

/// Where a password comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasswordSource {
    /// A file with it, which only its owner can read.
    File(PathBuf),
    /// A program that prints it.
    Program(ProgramLine),
    /// An open file that this program was started with, by its number.
    Descriptor(u32),
}

impl fmt::Display for PasswordSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PasswordSource::File(path) => write!(f, "{}", path.display()),
            // Its arguments may be a secret that somebody should not have put there.
            PasswordSource::Program(line) => write!(f, "the program {}", line.program()),
            PasswordSource::Descriptor(number) => write!(f, "the open file {number}"),
        }
    }
}

impl PasswordSource {
    /// Reads the password; one newline at its end is no part of it. A program gets our environment
    /// without the variables that are named.
    pub fn read(&self, secrets: &[&str]) -> Result<SecretString, PasswordError> {
        match self {
            PasswordSource::File(path) => read_password(path, Weak::Accepted),
            PasswordSource::Program(line) => {
                let answer = asked(line, secrets)?;
                of_text(text(self, &answer)?, Weak::Accepted, || self.place())
            }
            PasswordSource::Descriptor(number) => {
                let content = handed_over(*number).map_err(|source| PasswordError::Read {
                    path: PathBuf::from(format!("/dev/fd/{number}")),
                    source,
                })?;
                of_text(text(self, &content)?, Weak::Accepted, || self.place())
            }
        }
    }

    fn place(&self) -> PathBuf {
        match self {
            PasswordSource::File(path) => path.clone(),
            PasswordSource::Program(line) => PathBuf::from(line.program()),
            PasswordSource::Descriptor(number) => PathBuf::from(format!("/dev/fd/{number}")),
        }
    }
}

fn text<'a>(source: &PasswordSource, bytes: &'a [u8]) -> Result<&'a str, PasswordError> {
    std::str::from_utf8(bytes).map_err(|fault| PasswordError::Read {
        path: source.place(),
        source: io::Error::new(io::ErrorKind::InvalidData, fault),
    })
}

fn asked(line: &ProgramLine, secrets: &[&str]) -> Result<Zeroizing<Vec<u8>>, PasswordError> {
    let program = || line.program().to_owned();
    let args: Vec<&OsStr> = line.args().iter().map(OsStr::new).collect();
    let answered = child::ask_without(secrets, OsStr::new(line.program()), &args, PATIENCE)
        .map_err(|source| PasswordError::Program { program: program(), source })?;
    if answered.status.success() {
        return Ok(answered.answer);
    }
    let said = String::from_utf8_lossy(&answered.said);
    let first = said.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let said: String = visible_line(first.trim()).chars().take(COMPLAINT_CHARACTERS).collect();
    let said = if said.is_empty() { said } else { format!(": {said}") };
    Err(PasswordError::ProgramFailed { program: program(), status: answered.status, said })
}

/// Reads an open file that we were started with, to its end.
fn handed_over(number: u32) -> io::Result<Zeroizing<Vec<u8>>> {
    let about = fs::read_to_string(format!("/proc/self/fdinfo/{number}"))?;
    let flags = about.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok());
    if flags.is_none_or(|flags| flags & CLOSED_ON_EXEC != 0) {
        let text = "this program was not started with it";
        return Err(io::Error::new(io::ErrorKind::NotFound, text));
    }
    let file = fs::File::open(format!("/proc/self/fd/{number}"))?;
    if file.is_terminal() {
        return Err(io::Error::other("it is a terminal, which would show what is typed"));
    }
    // As large as it may be from the beginning, so that no copy of it stays behind.
    let mut content = Zeroizing::new(Vec::with_capacity(MOST_BYTES as usize + 1));
    file.take(MOST_BYTES + 1).read_to_end(&mut content)?;
    if content.len() as u64 > MOST_BYTES {
        return Err(io::Error::other(format!("it holds more than {MOST_BYTES} bytes")));
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use disk_prep::noun::Diagnose;
    use secrecy::ExposeSecret;

    fn read(source: &PasswordSource) -> Result<String, PasswordError> {
        source.read(&[]).map(|password| password.expose_secret().to_owned())
    }

    fn by_program(line: &str) -> Result<String, PasswordError> {
        read(&PasswordSource::Program(line.parse().unwrap()))
    }

    #[test]
    fn a_program_is_started_as_it_was_named_and_says_the_password() {
        assert_eq!(by_program("/bin/echo 'a  b' '$HOME;ls'").unwrap(), "a  b $HOME;ls");
        for (line, code) in [
            ("/bin/false", "password-program"),
            ("/no/such/program", "password-program"),
            ("/bin/true", "password-empty"),
            ("/bin/printf '\\377'", "password-unread"),
        ] {
            let error = by_program(line).unwrap_err();
            assert_eq!(error.code(), code, "{error}");
        }
        let error = by_program("/bin/ls /no/such/MARKER").unwrap_err().to_string();
        assert!(error.contains("No such file"), "{error}");
        let shown = PasswordSource::Program("/bin/echo MARKER".parse().unwrap()).to_string();
        assert_eq!(shown, "the program /bin/echo");
    }

    #[test]
    fn a_file_of_our_own_is_not_taken_for_one_that_was_handed_over() {
        use std::os::fd::AsRawFd;
        let own = fs::File::open("/etc/hostname").unwrap();
        let number = own.as_raw_fd().unsigned_abs();
        for number in [number, 100_000] {
            let error = read(&PasswordSource::Descriptor(number)).unwrap_err();
            assert_eq!(error.code(), "password-unread");
        }
        rustix::io::fcntl_setfd(&own, rustix::io::FdFlags::empty()).unwrap();
        let name = fs::read_to_string("/etc/hostname").unwrap();
        let password = read(&PasswordSource::Descriptor(number)).unwrap();
        assert_eq!(password, name.strip_suffix('\n').unwrap_or(&name));
    }
}
