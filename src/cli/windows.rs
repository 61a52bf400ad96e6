//! What those type who come from Microsoft's tools, AzureOfflineBackupDiskPrep and WAImportExport:
//! `s:PATH` is taken for `--staging PATH`, everything else of them is answered with what to type here.
//! <https://learn.microsoft.com/azure/import-export/storage-import-export-tool-reference>

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use clap::Command;
use disk_prep::noun::{Diagnose, ErrorKind, Hint};

/// Options of the tools, in small letters with their colon, and what to type in their place.
const ANSWERS: &[(&str, &str)] = &[
    (
        "p:",
        "Azure takes no publish settings file any more: `az login`, or see `azseed auth status`",
    ),
    (
        "u:",
        "`azseed job status` shows the job, `azseed job ship --carrier NAME --tracking-number NUMBER` says how it was sent",
    ),
    ("/j:", "leave it out: azseed keeps a journal of each drive itself"),
    ("/id:", "leave it out: the same command again goes on where it was"),
    (
        "/sk:",
        "leave the key off the command line: `az login`, or put it into AZSEED_ACCOUNT_KEY_FILE",
    ),
    ("/csas:", "leave the signature off the command line: put it into AZSEED_SAS_FILE"),
    (
        "/t:",
        "name the drive by its serial or path: `--drive SERIAL`; `azseed drive list` shows them",
    ),
    ("/initialdriveset:", "name the drives: `--drive SERIAL`, or `--driveset FILE`"),
    ("/additionaldriveset:", "name the drives: `--drive SERIAL`, or `--driveset FILE`"),
    ("/dataset:", "name the file with `azseed prep --dataset FILE`"),
    ("/srcdir:", "stage the folder first: `azseed stage adopt --source FOLDER --staging FOLDER`"),
    ("/srcfile:", "write the file into a list: `azseed prep --dataset FILE`"),
    ("/dstdir:", "say where it goes when it is staged: `azseed stage adopt --container NAME`"),
    ("/dstblob:", "write the file into a list: `azseed prep --dataset FILE`"),
    ("/bk:", "leave it out: azseed makes the recovery password, and `azseed job keys` shows it"),
    ("/format", "leave it out: `azseed prep` always formats, and `--erase SERIAL` consents to it"),
    ("/encrypt", "leave it out: `azseed prep` always encrypts"),
    ("/logdir:", "name a file with `--log-file FILE`"),
    (
        "/skipwrite",
        "`azseed job create --tool-journal FILE` makes the job of drives that the tool has prepared",
    ),
];

/// A word of another tool.
#[derive(Debug, thiserror::Error)]
#[error("`{option}` is an option of another tool")]
pub struct ForeignWord {
    /// The option without its value, which may be a secret.
    option: &'static str,
    answer: &'static str,
}

impl Diagnose for ForeignWord {
    fn code(&self) -> &'static str {
        "word-of-another-tool"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new(self.answer))
    }
}

/// The words with `--staging PATH` for each `s:PATH`, if the command that is called has that flag. In a
/// vault it may be a pattern, or a path of a snapshot.
pub fn understood(
    root: impl FnOnce() -> Command,
    words: &[OsString],
) -> Result<Vec<OsString>, ForeignWord> {
    let is_ours = |word: &OsString| staging_of(word).is_none() && foreign(word).is_none();
    if words.iter().skip(1).all(is_ours) {
        return Ok(words.to_vec());
    }
    let mut root = root();
    root.build();
    let (mut command, mut is_vault) = (&root, false);
    let mut is_value = true;
    let mut own = Vec::with_capacity(words.len());
    for (at, word) in words.iter().enumerate() {
        if word == "--" {
            own.extend_from_slice(&words[at..]);
            break;
        }
        let text = word.to_str().unwrap_or_default();
        if is_value {
            // The program's name, or what stands behind a flag that has a value.
            own.push(word.clone());
        } else if let Some(path) =
            staging_of(word).filter(|_| !is_vault && has_value(command, "--staging"))
        {
            own.extend(["--staging".into(), path]);
        } else if let Some(foreign) = foreign(word) {
            return Err(foreign);
        } else {
            command = command.find_subcommand(text).unwrap_or(command);
            is_vault |= command.get_name() == "vault";
            own.push(word.clone());
        }
        is_value = !is_value && has_value(command, text);
    }
    Ok(own)
}

/// The path in `s:PATH`.
fn staging_of(word: &OsStr) -> Option<OsString> {
    match word.as_bytes() {
        [b's' | b'S', b':', path @ ..] if !path.is_empty() => {
            Some(OsString::from_vec(path.to_vec()))
        }
        _ => None,
    }
}

fn foreign(word: &OsStr) -> Option<ForeignWord> {
    let word = word.as_bytes().to_ascii_lowercase();
    let found = ANSWERS.iter().find(|(option, _)| match option.ends_with(':') {
        true => word.starts_with(option.as_bytes()),
        false => word == option.as_bytes(),
    });
    found.map(|&(option, answer)| ForeignWord { option, answer })
}

fn has_value(command: &Command, flag: &str) -> bool {
    let mut flags = command.get_arguments().filter(|arg| arg.get_action().takes_values());
    flags.any(|arg| arg.get_long().is_some_and(|long| flag.strip_prefix("--") == Some(long)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli;

    fn of(text: &str) -> Result<String, ForeignWord> {
        let words: Vec<OsString> = text.split(' ').map(OsString::from).collect();
        let own = understood(cli::command, &words)?;
        Ok(own.iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn the_staging_path_of_the_tool_is_understood_where_there_is_one() {
        for (typed, meant) in [
            ("azseed prep s:/mnt/a", "azseed prep --staging /mnt/a"),
            ("azseed --json job status S:/mnt/a", "azseed --json job status --staging /mnt/a"),
            // No staging path, a value, nothing to name.
            ("azseed vault find s:x", "azseed vault find s:x"),
            ("azseed prep --drive s:/a", "azseed prep --drive s:/a"),
            ("azseed prep --drive=a s:", "azseed prep --drive=a s:"),
            ("azseed prep -- s:/a", "azseed prep -- s:/a"),
            ("azseed stage --source p:x", "azseed stage --source p:x"),
        ] {
            assert_eq!(of(typed).unwrap(), meant);
        }
    }

    #[test]
    fn what_has_no_meaning_here_is_answered_with_what_to_type_and_no_secret_is_said() {
        for (typed, option, answer) in [
            ("azseed prep s:/mnt/a p:C:\\azure.publishsettings", "p:", "az login"),
            ("azseed u: s:/mnt/a", "u:", "job ship"),
            ("azseed prep /SK:c2VjcmV0 /t:D", "/sk:", "AZSEED_ACCOUNT_KEY_FILE"),
            ("azseed PrepImport /j:a.jrn", "/j:", "journal"),
            ("azseed prep /format", "/format", "--erase"),
        ] {
            let error = of(typed).unwrap_err();
            let hint = error.hint().unwrap().to_string();
            assert!(hint.contains(answer), "{hint}");
            assert_eq!(error.to_string(), format!("`{option}` is an option of another tool"));
        }
        // A path is no option.
        assert!(of("azseed drive list /tmp/j").is_ok() && of("azseed drive list /formats").is_ok());
    }

    /// Flags in the answers are flags that there are.
    #[test]
    fn every_command_in_an_answer_can_be_typed() {
        for (option, answer) in ANSWERS {
            for call in answer.split('`').filter(|part| part.starts_with("azseed ")) {
                let mut root = cli::command();
                root.build();
                let mut command = &root;
                for word in call.split(' ').skip(1) {
                    match word.strip_prefix("--") {
                        Some(flag) => assert!(
                            command.get_arguments().any(|arg| arg.get_long() == Some(flag)),
                            "{option}: {call}"
                        ),
                        None => command = command.find_subcommand(word).unwrap_or(command),
                    }
                }
            }
        }
    }
}
