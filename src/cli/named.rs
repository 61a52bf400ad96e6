//! What a command destroys, ships, restores or discloses is named on its command line (`design` 3):
//! such flags have neither variable nor key, and one that is set all the same is told.

use std::ffi::OsStr;

use clap::builder::Resettable;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use super::filters::FILTER_FLAGS;

/// Commands of `vault` that give data away, delete or forget something: their vault is named.
const NAMED_VAULT: [&str; 3] = ["detach", "forget", "restore"];

/// The variable of a flag.
fn variable(long: &str) -> String {
    format!("AZSEED_{}", long.to_uppercase().replace('-', "_"))
}

/// Takes the variable from flags that only some commands may take from the environment: `--vault`
/// is a flag of all commands of `vault`, and stays a setting for those that harm nobody.
pub(super) fn apart(command: Command) -> Command {
    let command = command.mut_subcommand("cleanup", |cleanup| cleanup.mut_arg("vault", without));
    // Where a backup begins or is foreseen, filters are settings; `vault set`, which changes a record by them, is
    // told them on its command line.
    let is_filter = |arg: &Arg| {
        FILTER_FLAGS.contains(&arg.get_id().as_str()) && arg.get_action().takes_values()
    };
    let set = |command: Command| {
        command.mut_args(|arg| match arg.get_long().filter(|_| is_filter(&arg)).map(variable) {
            Some(variable) => arg.env(variable),
            None => arg,
        })
    };
    let command = command.mut_subcommand("stage", set).mut_subcommand("plan", set);
    command.mut_subcommand("vault", |vault| {
        let flag = vault.get_arguments().find(|arg| arg.get_id() == "vault").cloned();
        let flag = flag.expect("it is a flag of `vault`");
        let names: Vec<String> =
            vault.get_subcommands().map(|inner| inner.get_name().to_owned()).collect();
        // Each command has a flag of its own; that of `vault` itself would give the variable's
        // value to all of them.
        names.into_iter().fold(vault.mut_arg("vault", without), |vault, name| {
            let own = if NAMED_VAULT.contains(&name.as_str()) {
                without(flag.clone())
            } else {
                flag.clone()
            };
            vault.mut_subcommand(name, |inner| {
                let has_more = inner.has_subcommands();
                inner.arg(own.global(has_more))
            })
        })
    })
}

/// The same command without a single variable.
pub(super) fn deaf(command: Command) -> Command {
    command.mut_args(without).mut_subcommands(deaf)
}

fn without(arg: Arg) -> Arg {
    arg.env(Resettable::<clap::builder::OsStr>::Reset)
}

/// Whether a flag of the command that was called stands on the command line.
pub fn is_named(matches: &ArgMatches, id: &str) -> bool {
    let here = matches.try_contains_id(id).is_ok_and(|is_there| is_there)
        && matches.value_source(id) == Some(ValueSource::CommandLine);
    here || matches.subcommand().is_some_and(|(_, inner)| is_named(inner, id))
}

/// The words of the command that was called.
pub(super) fn called(matches: &ArgMatches) -> &ArgMatches {
    let mut own = matches;
    while let Some((_, inner)) = own.subcommand() {
        own = inner;
    }
    own
}

/// Where the value of a flag of the command that was called comes from, as clap has it.
pub fn source(matches: &ArgMatches, id: &str) -> Option<ValueSource> {
    let own = called(matches);
    own.try_contains_id(id).is_ok_and(|is_there| is_there).then(|| own.value_source(id)).flatten()
}

/// The command that was called, of a tree that is built, and its words.
pub(super) fn way<'a>(
    mut command: &'a Command,
    mut matches: &'a ArgMatches,
) -> (&'a Command, &'a ArgMatches) {
    while let Some((name, inner)) = matches.subcommand() {
        let Some(next) = command.find_subcommand(name) else { break };
        (command, matches) = (next, inner);
    }
    (command, matches)
}

/// Flags of the command that was called which have neither variable nor key, though one is set:
/// what is set, and the flag. The command has parsed the words, which built the way to that one.
pub fn unused(
    command: &Command,
    matches: &ArgMatches,
    is_variable: impl Fn(&OsStr) -> bool,
    is_key: impl Fn(&str) -> bool,
) -> Vec<String> {
    let (command, _) = way(command, matches);
    let mut told = Vec::new();
    for flag in command.get_arguments().filter(|arg| arg.get_env().is_none()) {
        let Some(long) = flag.get_long() else { continue };
        let variable = variable(long);
        if is_variable(OsStr::new(&variable)) {
            told.push(format!("{variable} is not used: name it with `--{long}`"));
        }
        if is_key(long) {
            told.push(format!("The key {long} is not used: name it with `--{long}`"));
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every command that destroys, ships, restores or discloses, with words that make its call
    /// whole, and the flags that say what it touches.
    const TOUCHING: [(&str, &[&str]); 22] = [
        ("job delete", &["job"]),
        ("job cancel", &["job"]),
        (
            "job ship --carrier FedEx --tracking-number 1",
            &["job", "tracking-number", "ship-date", "drive-count", "from"],
        ),
        ("job ship --all-jobs parcels.csv", &["all-jobs"]),
        (
            "job return-address --contact c.toml",
            &[
                "job",
                "job-file",
                "recipient",
                "street",
                "second-line",
                "city",
                "postal-code",
                "email",
            ],
        ),
        ("job return-shipping --carrier DHL --account 1", &["job", "job-file"]),
        ("job export --file job.toml", &["job", "file"]),
        ("packing-slip", &["job", "job-file", "html"]),
        ("pack check S1", &["job", "job-file"]),
        ("job keys --reveal", &["job", "reveal"]),
        ("job create", &["job"]),
        ("job show", &["job"]),
        // That of a virtual machine, which is not the one that this program goes through.
        ("proxy apply --proxy 10.0.0.5:3128", &["proxy", "root"]),
        ("nsg suggest --vm web", &["proxy"]),
        ("cleanup", &["vault", "yes"]),
        (
            "vault restore --target there",
            &[
                "vault", "target", "snapshot", "path", "host", "source", "include", "exclude",
                "ignore",
            ],
        ),
        ("vault detach", &["vault"]),
        ("vault forget --source /srv --all", &["vault", "source"]),
        ("prep --staging s --drive d.img", &["job", "drive", "erase", "wipe", "driveset"]),
        ("plan --staging s --drive d.img", &["job", "drive"]),
        (
            "stage --source s --staging t --job job-1 --storage-account acct --container cont --subscription 11111111-2222-4333-8444-555555555555 --resource-group rg",
            &["job"],
        ),
        (
            "stage adopt --source s --staging t --job job-1 --storage-account acct --container cont --subscription 11111111-2222-4333-8444-555555555555 --resource-group rg",
            &["job"],
        ),
    ];

    #[test]
    fn what_is_touched_has_neither_variable_nor_key_and_one_that_is_set_is_told() {
        for (words, flags) in TOUCHING {
            let mut command = crate::cli::command();
            let words = std::iter::once("azseed").chain(words.split(' '));
            let matches = command.try_get_matches_from_mut(words.clone()).unwrap();
            for flag in flags {
                let variable = format!("AZSEED_{}", flag.to_uppercase().replace('-', "_"));
                let told = unused(&command, &matches, |own| own == variable.as_str(), |_| false);
                let right = format!("{variable} is not used: name it with `--{flag}`");
                assert_eq!(told, [right], "{words:?}");
                let told = unused(&command, &matches, |_| false, |key| key == *flag);
                assert_eq!(told, [format!("The key {flag} is not used: name it with `--{flag}`")]);
            }
        }
    }

    #[test]
    fn a_vault_is_a_setting_where_nothing_is_given_away_or_deleted() {
        let mut command = crate::cli::command();
        command.build();
        let vault = command.find_subcommand("vault").unwrap();
        for inner in vault.get_subcommands().filter(|inner| inner.get_name() != "help") {
            let flags: Vec<_> =
                inner.get_arguments().filter(|arg| arg.get_long() == Some("vault")).collect();
            assert_eq!(flags.len(), 1, "{}", inner.get_name());
            let is_setting = flags[0].get_env().is_some();
            let is_named = NAMED_VAULT.contains(&inner.get_name());
            assert_eq!(is_setting, !is_named, "{}", inner.get_name());
        }
        let deaf = deaf(crate::cli::command());
        let vault = deaf.find_subcommand("vault").unwrap().find_subcommand("run").unwrap();
        assert!(vault.get_arguments().all(|arg| arg.get_env().is_none()));
    }

    #[test]
    fn a_flag_before_and_behind_the_command_is_named() {
        for words in
            ["vault --vault office restore --target t", "vault restore --target t --vault office"]
        {
            let words = std::iter::once("azseed").chain(words.split(' '));
            let matches = crate::cli::command().try_get_matches_from(words).unwrap();
            assert!(is_named(&matches, "vault") && is_named(&matches, "target"));
            assert!(!is_named(&matches, "snapshot") && !is_named(&matches, "staging"));
            let cli = <crate::cli::Cli as clap::FromArgMatches>::from_arg_matches(&matches);
            let crate::cli::Command::Vault(args) = cli.unwrap().command else { panic!() };
            assert_eq!(args.target.vault.unwrap().as_str(), "office");
        }
    }
}
