//! Settings from files: the first one written, sections, keys that are misspelt, and what holds in
//! the end; and the pages that tell of it.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;
use support::program::{Machine, Said, said};

/// Runs a command with a user's configuration.
fn with(machine: &Machine, text: &str, words: &[&str]) -> Said {
    fs::create_dir_all(machine.path(".config/azseed")).unwrap();
    fs::write(machine.path(".config/azseed/config.toml"), text).unwrap();
    machine.run(words)
}

/// What `config show` says: value and source of each key.
fn shown(said: &Said) -> BTreeMap<String, (Option<String>, String)> {
    assert_eq!(said.code, 0, "{}", said.stderr);
    let lines = said.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let text = |value: &Value| value.as_str().map(str::to_owned);
    lines
        .map(|line| {
            let key = text(&line["key"]).unwrap();
            (key, (text(&line["value"]), text(&line["source"]).unwrap()))
        })
        .collect()
}

#[test]
fn the_first_file_is_written_once_with_every_key_and_changes_nothing() {
    let machine = Machine::new();
    let before = shown(&machine.run(&["config", "show", "--json"]));
    let file = machine.text("made/config.toml");
    let said = machine.expect(0, &["config", "init", &file]);
    assert!(said.stdout.contains(&file), "{}", said.stdout);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o644);
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(machine.expect(0, &["config", "init", "-"]).stdout, text);

    let mut command = machine.command(&["config", "show", "--json"]);
    let after = shown(&said_of(command.env("AZSEED_CONFIG", &file)));
    assert_eq!(after, before);
    for key in before.keys() {
        assert!(text.contains(&format!("\n#{key} = ")), "{key}");
    }

    let again = machine.expect(0, &["config", "init", &file]);
    assert!(again.stdout.contains("unchanged"), "{}", again.stdout);
    fs::write(&file, format!("{text}container = \"seed\"\n")).unwrap();
    let refused = machine.expect(4, &["config", "init", &file]);
    assert!(refused.stderr.contains("config-exists"), "{}", refused.stderr);
    assert!(fs::read_to_string(&file).unwrap().ends_with("container = \"seed\"\n"));

    // Without a name it is the file that AZSEED_CONFIG names, which need not be there yet.
    let own = machine.path("own.toml");
    let mut command = machine.command(&["config", "init"]);
    let said = said_of(command.env("AZSEED_CONFIG", &own));
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert_eq!(fs::read_to_string(&own).unwrap(), text);

    // What tells of a fault in it is not stopped by it.
    fs::write(&own, "no settings at all").unwrap();
    for (code, words) in [(0, &["explain", "config-invalid"][..]), (2, &["vault", "list"])] {
        let said = said_of(machine.command(words).env("AZSEED_CONFIG", &own));
        assert_eq!(said.code, code, "{words:?}: {}{}", said.stdout, said.stderr);
    }

    fs::write(machine.path("plain"), "").unwrap();
    let said = machine.expect(1, &["config", "init", &machine.text("plain/config.toml")]);
    assert!(said.stderr.contains("config-not-written"), "{}", said.stderr);
}

fn said_of(command: &mut std::process::Command) -> Said {
    said(command.output().unwrap())
}

#[test]
fn a_user_without_a_home_is_asked_for_a_file() {
    let machine = Machine::new();
    let mut command = machine.other(Path::new("/usr/bin/setpriv"));
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    command.arg(env!("CARGO_BIN_EXE_azseed")).args(["config", "init"]);
    let said = said_of(command.env_remove("HOME"));
    assert_eq!(said.code, 2, "{}{}", said.stdout, said.stderr);
    assert!(said.stderr.contains("config-no-place"), "{}", said.stderr);
}

#[test]
fn a_section_is_taken_by_flag_variable_or_key_and_one_that_is_not_there_is_refused() {
    let machine = Machine::new();
    let text = "container = \"base\"\nlocation = \"westeurope\"\nprofile-name = \"home\"\n\
                [profile.home]\ncontainer = \"home\"\n\
                [profile.office]\ncontainer = \"office\"\n";
    let of = |said: &Said| {
        let shown = shown(said);
        (shown["container"].clone(), shown["location"].0.clone().unwrap())
    };
    let file = machine.text(".config/azseed/config.toml");
    let expected = |name: &str| {
        let source = format!("file, [profile.{name}] of {file}");
        ((Some(name.to_owned()), source), "westeurope".to_owned())
    };
    let show = ["config", "show", "--json"];
    assert_eq!(of(&with(&machine, text, &show)), expected("home"));
    let words = ["--profile-name", "office", "config", "show", "--json"];
    assert_eq!(of(&with(&machine, text, &words)), expected("office"));
    let mut command = machine.command(&show);
    let by_variable = said_of(command.env("AZSEED_PROFILE_NAME", "office"));
    assert_eq!(of(&by_variable), expected("office"));
    let mut command = machine.command(&show);
    let by_both = said_of(command.env("AZSEED_CONTAINER", "variable"));
    assert_eq!(
        of(&by_both).0,
        (Some("variable".to_owned()), "environment, AZSEED_CONTAINER".to_owned())
    );

    let refused = with(&machine, text, &["--profile-name", "offce", "config", "show"]);
    assert_eq!(refused.code, 2, "{}", refused.stdout);
    assert!(refused.stderr.contains("config-no-profile"), "{}", refused.stderr);
    assert!(refused.stderr.contains("home, office"), "{}", refused.stderr);
}

#[test]
fn a_key_that_is_not_known_names_the_one_that_is_meant_and_nothing_is_done() {
    let machine = Machine::new();
    for (text, meant) in [
        ("stageing = \"/s\"\n", "there is a key staging"),
        ("[profile.x]\nresource_group = \"rg\"\n", "there is a key resource-group"),
    ] {
        let said = with(&machine, text, &["vault", "list"]);
        assert_eq!(said.code, 2, "{text}");
        assert!(said.stderr.contains("config-unknown-key"), "{}", said.stderr);
        assert!(said.stderr.contains(meant), "{}", said.stderr);
    }
}

#[test]
fn what_no_command_takes_from_a_file_is_shown_as_such() {
    let machine = Machine::new();
    let text =
        "job = \"seed-1\"\nexclude = [\"*.tmp\", \"cache/\"]\nbefore = [\"/bin/true\", \"-x\"]\n";
    let shown = shown(&with(&machine, text, &["config", "show", "--json"]));
    assert!(shown["job"].1.starts_with("not used: name it with --job"), "{:?}", shown["job"]);
    assert_eq!(shown["exclude"].0.as_deref(), Some("*.tmp, cache/"));
    assert_eq!(shown["before"].0.as_deref(), Some("/bin/true -x"));
}

/// Of each command a page with all that a reader of man pages looks for; and none of them says less
/// than another.
#[test]
fn every_command_has_a_page_with_its_usage_and_all_sections() {
    fn commands(command: &clap::Command, all: &mut Vec<(String, String)>) {
        let usage = command.clone().render_usage().to_string();
        let first = usage.trim_start_matches("Usage:").trim().lines().next().unwrap().to_owned();
        all.push((command.get_display_name().unwrap_or("azseed").to_owned(), first));
        let inner = command.get_subcommands().filter(|inner| !inner.is_hide_set());
        inner.for_each(|inner| commands(inner, all));
    }
    let machine = Machine::new();
    machine.expect(0, &["man", &machine.text("man")]);
    let mut tree = azseed::cli::command().disable_help_subcommand(true);
    tree.build();
    let mut all = Vec::new();
    commands(&tree, &mut all);
    assert!(all.len() > 80, "{}", all.len());
    for (name, usage) in &all {
        let page = fs::read_to_string(machine.path(&format!("man/{name}.1"))).unwrap();
        let plain = page.replace("\\fB", "").replace("\\fR", "").replace("\\-", "-");
        for section in [
            "NAME",
            "SYNOPSIS",
            "OPTIONS",
            "\"EXIT STATUS\"",
            "ENVIRONMENT",
            "FILES",
            "\"SEE ALSO\"",
        ] {
            assert!(page.contains(&format!(".SH {section}\n")), "{name}: {section}\n{page}");
        }
        assert!(plain.contains(usage.as_str()), "{name}: {usage}\n{plain}");
        assert!(plain.contains("azseed-config(5)") && plain.contains("interrupted"), "{name}");
    }
    let made = fs::read_dir(machine.path("man")).unwrap().count();
    assert_eq!(made, all.len() + 1);
    let page = fs::read_to_string(machine.path("man/azseed-config.5")).unwrap();
    for key in shown(&machine.run(&["config", "show", "--json"])).keys() {
        assert!(page.contains(&format!("\\fB{}\\fR", key.replace('-', "\\-"))), "{key}\n{page}");
    }
}
