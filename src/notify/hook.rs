//! Hooks: programs of the user that are told what happened, and one that may keep a run from
//! beginning (`design` 3). A program is named by a list, so no shell takes it apart; it finds the
//! event in `AZSEED_EVENT` and on its standard input, and nothing of our environment. Who may write
//! the file that names it decides what root runs, so only root and the caller may.

use std::ffi::OsStr;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use disk_prep::noun::{Diagnose, ErrorKind, Hint, visible_line};
use disk_prep::sys::child;

/// How long a hook may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// What is repeated of its complaints, characters.
const COMPLAINT_CHARACTERS: usize = 200;
/// What a hook may always be told by.
const VARIABLE: &str = "AZSEED_EVENT";

/// A program that is called, and the file that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// The key.
    pub key: &'static str,
    /// The configuration file.
    pub file: PathBuf,
    /// The program by its whole path, and its arguments.
    pub words: Vec<String>,
}

/// The hooks of a call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hooks {
    /// Is told what happened.
    pub on_event: Option<Hook>,
    /// Is asked before a run begins.
    pub before: Option<Hook>,
}

/// A hook that did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// Others could put their program there.
    #[error("The key {key} of {} is not followed, as others can write to {}", file.display(), place.display())]
    Open {
        /// The key.
        key: &'static str,
        /// The file.
        file: PathBuf,
        /// What others can write to: the file or a folder above it.
        place: PathBuf,
    },
    /// It could not be started or heard.
    #[error("The program of {key}, {program}, cannot be run")]
    Run {
        /// The key.
        key: &'static str,
        /// The program.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It took too long.
    #[error("The program of {key}, {program}, was stopped after {} s", patience.as_secs())]
    Slow {
        /// The key.
        key: &'static str,
        /// The program.
        program: String,
        /// How long it had.
        patience: Duration,
    },
    /// It ended with an error.
    #[error("The program of {key}, {program}, ended with {status}{}", because(said))]
    Failed {
        /// The key.
        key: &'static str,
        /// The program.
        program: String,
        /// How it ended.
        status: std::process::ExitStatus,
        /// What it said, in one line.
        said: String,
    },
}

fn because(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(": {said}") }
}

impl Diagnose for HookError {
    fn code(&self) -> &'static str {
        match self {
            HookError::Open { .. } => "hook-open",
            HookError::Run { .. } => "hook-not-run",
            HookError::Slow { .. } => "hook-slow",
            HookError::Failed { .. } => "hook-failed",
        }
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Failed
    }
    fn hint(&self) -> Option<Hint> {
        let text = "let the file and the folders above it belong to root or to you, and close them \
                    to others";
        matches!(self, HookError::Open { .. }).then(|| Hint::new(text))
    }
}

impl Hook {
    /// Calls the program and waits for its end. `event` is its name, `line` what there is to know
    /// of it, one JSON object.
    pub fn call(&self, event: &str, line: &str) -> Result<(), HookError> {
        self.call_within(PATIENCE, event, line)
    }

    fn call_within(&self, patience: Duration, event: &str, line: &str) -> Result<(), HookError> {
        let Hook { key, file, words } = self;
        let about = || (*key, words.first().cloned().unwrap_or_default());
        let run = |source| {
            let (key, program) = about();
            HookError::Run { key, program, source }
        };
        if let Some(place) = writable(file).map_err(run)? {
            return Err(HookError::Open { key, file: file.clone(), place });
        }
        let mut words = words.iter().map(OsStr::new);
        let program = words.next().unwrap_or_default();
        let args: Vec<&OsStr> = words.collect();
        let input = format!("{line}\n");
        let told = child::tell(program, &args, &[(VARIABLE, event)], input.as_bytes(), patience);
        let (key, program) = about();
        match told {
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                Err(HookError::Slow { key, program, patience })
            }
            Err(source) => Err(HookError::Run { key, program, source }),
            Ok((status, _)) if status.success() => Ok(()),
            Ok((status, said)) => {
                let text = String::from_utf8_lossy(&said);
                let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
                let said = visible_line(first.trim()).chars().take(COMPLAINT_CHARACTERS).collect();
                Err(HookError::Failed { key, program, status, said })
            }
        }
    }
}

/// The file, or the folder above it, that somebody beside root and the caller can write to. A
/// sticky folder of root lets nobody replace what others have in it.
fn writable(file: &Path) -> io::Result<Option<PathBuf>> {
    let file = std::fs::canonicalize(file)?;
    let own = rustix::process::geteuid().as_raw();
    for (depth, place) in file.ancestors().enumerate() {
        let about = std::fs::metadata(place)?;
        let is_trusted = about.uid() == 0 || about.uid() == own;
        let is_sticky = depth > 0 && about.uid() == 0 && about.mode() & 0o1000 != 0;
        if !is_trusted || (about.mode() & 0o022 != 0 && !is_sticky) {
            return Ok(Some(place.to_owned()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn hook(folder: &Path, script: &str) -> Hook {
        let file = folder.join("config.toml");
        std::fs::write(&file, "").unwrap();
        set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        let words = ["/bin/sh", "-c", script, "hook", "; touch $HOME"].map(str::to_owned);
        Hook { key: "on-event", file, words: words.to_vec() }
    }

    #[test]
    fn a_hook_reads_the_event_and_its_words_are_taken_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let script = format!("(cat; echo $AZSEED_EVENT; echo \"$1\") > {}", out.display());
        hook(folder.path(), &script).call("job-changed", "{\"a\":1}").unwrap();
        let told = std::fs::read_to_string(out).unwrap();
        assert_eq!(told, "{\"a\":1}\njob-changed\n; touch $HOME\n");
    }

    #[test]
    fn what_a_failed_hook_said_is_told_in_one_short_line() {
        let folder = tempfile::tempdir().unwrap();
        let long = "printf '\\n\\033[31m%0999d\\nmore' 7 >&2; exit 4";
        let error = hook(folder.path(), long).call("a", "{}").unwrap_err();
        assert_eq!((error.code(), error.kind()), ("hook-failed", ErrorKind::Failed));
        let text = error.to_string();
        assert!(text.contains("/bin/sh, ended with exit status: 4: "), "{text}");
        assert!(text.len() < 400 && !text.contains(['\n', '\u{1b}']), "{text}");
        let slow = hook(folder.path(), "sleep 30");
        let error = slow.call_within(Duration::from_millis(200), "a", "{}").unwrap_err();
        assert_eq!(error.code(), "hook-slow");
        let mut missing = hook(folder.path(), "");
        missing.words[0] = "/no/such/program".to_owned();
        assert_eq!(missing.call("a", "{}").unwrap_err().code(), "hook-not-run");
    }

    #[test]
    fn a_file_that_others_can_write_or_replace_names_no_program() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let hook = hook(folder.path(), &format!("touch {}", out.display()));
        for (place, mode) in [(hook.file.as_path(), 0o620), (folder.path(), 0o707)] {
            let before = std::fs::metadata(place).unwrap().permissions();
            set_permissions(place, Permissions::from_mode(mode)).unwrap();
            let error = hook.call("a", "{}").unwrap_err();
            assert_eq!(error.code(), "hook-open", "{error}");
            assert!(error.to_string().ends_with(&place.display().to_string()), "{error}");
            set_permissions(place, before).unwrap();
        }
        assert!(!out.exists());
        hook.call("a", "{}").unwrap();
        assert!(out.exists());
    }
}
