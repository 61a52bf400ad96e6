//! Which commands ask and which do: `--quiet` prints what was asked for, and of a deed only what
//! went wrong (`design`, "Quiet and loud").

use clap::ArgMatches;

/// Commands whose result is what somebody wants to read.
const QUESTIONS: &[&str] = &[
    "auth status",
    "completions",
    "config init",
    "config show",
    "custody show",
    "disk-backup list",
    "disk-backup snapshot list",
    "disk-backup status",
    "drive list",
    "emulator",
    "emulator clock",
    "emulator mischief",
    "emulator disk list",
    "emulator vm list",
    "explain",
    "inspect",
    "job export",
    "job keys",
    "job list",
    "job locations",
    "job show",
    "job status",
    "limits show",
    "nsg rule",
    "nsg suggest",
    "packing-slip",
    "plan",
    "provider list",
    "proxy plan",
    "stage status",
    "status",
    "subscriptions list",
    "vault find",
    "vault key list",
    "vault list",
    "vault ls",
    "vault policy show",
    "vault policy simulate",
    "vault policy template",
    "vault policy templates",
    "vault show",
    "vault snapshots",
    "vault source list",
    "vault status",
    "vm discover",
    "vm extension show",
    "vm guide",
    "vm job list",
    "vm job show",
    "vm list",
    "vm point list",
    "vm point show",
    "vm policy list",
    "vm policy show",
    "vm policy simulate",
    "vm policy stagger",
    "vm policy template",
    "vm register",
    "vm show",
    "vm status",
    "vm vault list",
    "vm vault plan",
    "vm vault redundancy show",
    "vm vault show",
    "vm vault tree",
];

/// Whether the command that was called is a question; a dry run always is.
pub fn is_question(matches: &ArgMatches) -> bool {
    let mut path = Vec::new();
    let mut own = matches;
    while let Some((name, inner)) = own.subcommand() {
        path.push(name);
        own = inner;
    }
    if matches!(own.try_get_one("dry_run"), Ok(Some(true))) {
        return true;
    }
    // `job keys prove` is a deed of its own, `job keys` is none.
    QUESTIONS.contains(&path.join(" ").as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(command: &clap::Command, path: &str, all: &mut Vec<String>) {
        all.push(path.to_owned());
        for inner in command.get_subcommands() {
            let path = format!("{path} {}", inner.get_name());
            leaves(inner, path.trim_start(), all);
        }
    }

    /// A new command is named here or it is a deed.
    #[test]
    fn every_question_is_a_command() {
        let mut all = Vec::new();
        leaves(&crate::cli::command(), "", &mut all);
        for question in QUESTIONS {
            assert!(all.iter().any(|own| own == question), "{question}");
        }
        // Each `list`, `show` and `status` asks.
        for own in
            all.iter().filter(|own| ["list", "show", "status"].iter().any(|end| own.ends_with(end)))
        {
            assert!(QUESTIONS.contains(&own.as_str()), "{own}");
        }
    }

    #[test]
    fn what_was_called_is_known_by_its_whole_path() {
        let asks = |words: &str| {
            let matches = crate::cli::command().try_get_matches_from(words.split(' ')).unwrap();
            is_question(&matches)
        };
        assert!(asks("azseed vault list") && asks("azseed job keys"));
        assert!(asks("azseed cleanup --dry-run") && asks("azseed disk-backup prune --dry-run"));
        assert!(
            !asks("azseed cleanup")
                && !asks("azseed vault run")
                && !asks("azseed job keys prove --identity f")
        );
    }
}
