//! Which file and which section wins, and what a file may not say.

use std::error::Error;
use std::ffi::OsString;

use clap::{Arg, Command, FromArgMatches};
use disk_prep::noun::{Diagnose, Hint};

use super::places::named;
use super::*;
use crate::cli::{Cli, Command::Plan, PlanArgs, is_secret};

fn settings(
    files: &[(Owner, &str)],
    profile: Option<&str>,
    command: &Command,
) -> Result<Settings, ConfigError> {
    let mut parsed = Vec::new();
    for (owner, text) in files {
        let path = match owner {
            Owner::User => Path::new("c.toml"),
            Owner::System => Path::new("/etc/c.toml"),
        };
        parsed.push((path, *owner, file::parse(path, text, command, is_secret)?));
    }
    Ok(Settings { layers: layers(parsed, profile)?, is_secret })
}

fn parsed(text: &str, command: &Command) -> Result<Settings, ConfigError> {
    settings(&[(Owner::User, text)], None, command)
}

fn command() -> Command {
    Command::new("azseed")
        .arg(Arg::new("state").long("state").env("AZSEED_STATE"))
        .subcommand(Command::new("prep").arg(Arg::new("erase").long("erase")))
}

fn state(text: &str, args: &[&str]) -> Option<String> {
    let settings = parsed(text, &command()).unwrap();
    let matches = settings.apply(command()).try_get_matches_from(args).unwrap();
    matches.get_one::<String>("state").cloned()
}

#[test]
fn a_flag_goes_before_the_file() {
    let text = "state = \"/from/file\"\n";
    assert_eq!(state(text, &["azseed"]).as_deref(), Some("/from/file"));
    assert_eq!(state(text, &["azseed", "--state", "/flag"]).as_deref(), Some("/flag"));
    assert_eq!(state("", &["azseed"]), None);
}

#[test]
fn the_users_file_goes_before_the_systems_and_a_section_before_the_rest_of_its_file() {
    let user = "container = \"user\"\n[profile.office]\nlocation = \"office\"\n";
    let system = "container = \"system\"\nlocation = \"system\"\ncipher = \"cbc-aes-128\"\n\
                  [profile.office]\ncontainer = \"far\"\ncipher = \"cbc-aes-256\"\n\
                  [profile.home]\ncontainer = \"home\"\n";
    let files = [(Owner::User, user), (Owner::System, system)];
    for (profile, expected) in [
        (
            None,
            [
                Some(("user", "c.toml")),
                Some(("system", "/etc/c.toml")),
                Some(("cbc-aes-128", "/etc/c.toml")),
            ],
        ),
        (
            Some("office"),
            [
                Some(("user", "c.toml")),
                Some(("office", "[profile.office] of c.toml")),
                Some(("cbc-aes-256", "[profile.office] of /etc/c.toml")),
            ],
        ),
        (
            Some("home"),
            [
                Some(("user", "c.toml")),
                Some(("system", "/etc/c.toml")),
                Some(("cbc-aes-128", "/etc/c.toml")),
            ],
        ),
    ] {
        let settings = settings(&files, profile, &crate::cli::command()).unwrap();
        let of = |key| Some((settings.values(key)?.join(","), settings.layer_of(key)?.place()));
        let found = ["container", "location", "cipher"].map(of);
        let expected =
            expected.map(|own| own.map(|(value, place)| (value.to_owned(), place.to_owned())));
        assert_eq!(found, expected, "{profile:?}");
        assert_eq!(of("staging"), None);
    }
}

#[test]
fn a_section_is_asked_for_by_flag_variable_or_key_and_must_be_there() {
    let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
    assert_eq!(named(&words("azseed --profile-name office prep")).as_deref(), Some("office"));
    assert_eq!(named(&words("azseed prep --profile-name=office")).as_deref(), Some("office"));
    assert_eq!(named(&words("azseed prep --profile-names office")), None);
    assert_eq!(named(&words("azseed prep -- --profile-name office")), None);

    let text = "profile-name = \"home\"\n[profile.home]\ncontainer = \"home\"\n[profile.office]\n";
    let container = |profile| {
        settings(&[(Owner::User, text)], profile, &crate::cli::command())
            .map(|all| all.values("container"))
    };
    assert_eq!(container(None).unwrap(), Some(vec!["home".to_owned()]));
    assert_eq!(container(Some("office")).unwrap(), None);
    let error = container(Some("ofice")).unwrap_err();
    assert_eq!(error.code(), "config-no-profile");
    assert_eq!(error.hint().unwrap().to_string(), "there are home, office");
    let error = settings(&[], Some("office"), &crate::cli::command()).unwrap_err();
    assert_eq!(error.code(), "config-no-profile");
    let error = parsed("profile-name = \"home\"", &crate::cli::command()).unwrap_err();
    assert_eq!(error.code(), "config-no-profile");
}

#[test]
fn a_key_that_is_not_known_is_told_with_the_one_that_is_meant() {
    for (text, key, hint) in [
        ("contaner = \"a\"", "contaner", Some("there is a key container")),
        ("storage_account = \"a\"", "storage_account", Some("there is a key storage-account")),
        ("on_event = [\"/a\"]", "on_event", Some("there is a key on-event")),
        ("[profile.a]\nstagin = \"/a\"", "profile.a.stagin", Some("there is a key staging")),
        ("[profile.a]\nprofile-name = \"b\"", "profile.a.profile-name", None),
        ("[stage]\ncontainer = \"a\"", "stage", Some("there is a key state")),
        (
            "profile.layout = 1",
            "profile.layout",
            Some("there is a key profile; beside sections it stands in one of them"),
        ),
        (
            "entirely-different = 1",
            "entirely-different",
            Some("`azseed config init -` prints all keys"),
        ),
    ] {
        let error = parsed(text, &crate::cli::command()).unwrap_err();
        assert_eq!(error.code(), "config-unknown-key", "{text}");
        assert!(error.to_string().contains(&format!("has the key {key},")), "{error}");
        let found = error.hint().as_ref().map(Hint::to_string);
        assert!(hint.is_none() || found.as_deref() == hint, "{text}: {found:?}");
    }
}

#[test]
fn a_flag_that_may_be_repeated_has_a_list() {
    let text = "source = [\"/srv/a\", \"/srv/b\"]\nexclude = \"*.tmp\"\nstaging = \"/s\"\n\
                storage-account = \"account1\"\ncontainer = \"seed\"\nresource-group = \"rg\"\n\
                subscription = \"11111111-2222-4333-8444-555555555555\"\n";
    let settings = parsed(text, &crate::cli::command()).unwrap();
    let words = ["azseed", "stage", "--job", "seed-1"];
    let matches = settings.apply(crate::cli::command()).try_get_matches_from(words).unwrap();
    let cli = Cli::from_arg_matches(&matches).unwrap();
    let crate::cli::Command::Stage(args) = cli.command else { panic!("it is stage") };
    assert_eq!(args.sources, [PathBuf::from("/srv/a"), "/srv/b".into()]);
    assert_eq!(args.filters.exclude, ["*.tmp"]);
    for text in [
        "source = []",
        "source = [[\"/a\"]]",
        "source = [true]",
        "staging = [\"/a\"]",
        "container = true",
        "log-file = false",
        "profile-name = true",
        "profile-name = 5",
    ] {
        assert_eq!(
            parsed(text, &crate::cli::command()).unwrap_err().code(),
            "config-value",
            "{text}"
        );
    }
}

/// Whoever takes the `#` from any key of the example has a file that is taken.
#[test]
fn every_key_of_the_example_is_one_and_its_value_is_taken() {
    let text = example(&crate::cli::command());
    assert!(parsed(&text, &crate::cli::command()).unwrap().keys().next().is_none());
    let is_key = |line: &&str| {
        line.strip_prefix('#')
            .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_lowercase()))
    };
    let keys: Vec<&str> = text.lines().filter(is_key).map(|line| &line[1..]).collect();
    assert!(keys.len() > 50, "{keys:#?}");
    for line in &keys {
        // The section that it names stands in another line.
        let line = format!("{line}\n[profile.office]\n");
        if !line.starts_with("profile =") {
            parsed(&line, &crate::cli::command())
                .unwrap_or_else(|error| panic!("{line}: {error}, {:?}", error.source()));
        }
    }
    for line in text.lines().filter(|line| !keys.contains(&line.trim_start_matches('#'))) {
        assert!(line.len() <= 80, "{line}");
    }
}

#[test]
fn a_drive_size_of_the_file_counts_drives_unless_some_are_named() {
    let plan = |args: &[&str]| {
        let command = crate::cli::command;
        let text = "drive-size = \"4T\"\nstaging = \"/staging\"\n";
        let settings = parsed(text, &command()).unwrap();
        let args = ["azseed", "plan"].iter().chain(args);
        let matches = settings.apply(command()).try_get_matches_from(args).unwrap();
        let cli = Cli::from_arg_matches(&matches).unwrap();
        let Plan(PlanArgs { with, .. }) = cli.command else { panic!("it is plan") };
        (with.named.len(), with.size.map(|size| size.0))
    };
    assert_eq!(plan(&[]), (0, Some(4_000_000_000_000)));
    assert_eq!(plan(&["--drive-size", "8T"]), (0, Some(8_000_000_000_000)));
    assert_eq!(plan(&["--drive", "a.img,size=1T", "--drive", "S1"]), (2, None));
}

#[test]
fn what_consents_or_names_has_no_key_and_an_unknown_one_is_refused() {
    for text in ["nonsense = 1", "no toml"] {
        assert!(parsed(text, &command()).is_err(), "{text}");
    }
    let text = "erase = \"S1\"\njob = \"seed-9\"\nvault = \"other\"\n";
    let command = crate::cli::command;
    let settings = parsed(text, &command()).unwrap();
    let value = |words: &[&str], id: &str| {
        let words = ["azseed"].iter().chain(words);
        let matches = settings.apply(command()).try_get_matches_from(words).unwrap();
        let mut inner = &matches;
        while let Some((_, next)) = inner.subcommand() {
            inner = next;
        }
        inner.get_raw(id).map(|mut all| all.next().unwrap().to_owned())
    };
    assert_eq!(value(&["prep", "--staging", "s", "--drive", "d.img"], "erase"), None);
    assert_eq!(value(&["job", "delete"], "job"), None);
    assert_eq!(value(&["cleanup"], "vault"), None);
    assert_eq!(value(&["vault", "restore", "--target", "t"], "vault"), None);
    assert_eq!(value(&["vault", "run"], "vault"), Some("other".into()));
}

#[test]
fn a_bad_value_is_blamed_on_the_file_and_the_key() {
    for (text, reason) in [
        ("drive-size = \"4 parsecs\"", ""),
        ("drive-size = [\"4T\"]", "a key has one value"),
        ("profile = \"modem\"", "it takes one of legacy, modern"),
        ("compression = 99", "99 is not in -7..=22"),
        ("staging = \"\"", "the value is empty"),
        ("on-event = \"/bin/mail root\"", "it takes a list of texts"),
        ("before = [\"mail\"]", "a program by its whole path"),
        ("before = []", "it takes a list"),
        ("on-event = [\"/bin/mail\", 1]", "it takes a list"),
    ] {
        let error = parsed(text, &crate::cli::command()).unwrap_err();
        let key = text.split(' ').next().unwrap();
        assert_eq!(error.code(), "config-value", "{text}");
        assert!(error.to_string().starts_with(&format!("c.toml sets {key} to ")), "{error}");
        let source = error.source().unwrap().to_string();
        assert!(source.contains(reason) && !source.contains("--"), "{source}");
    }
    let text = "drive-size = \"4T\"\nprofile = \"modern\"\ncompression = -3\n";
    assert!(parsed(text, &crate::cli::command()).is_ok());
}
