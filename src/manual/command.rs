//! The page of one command.

use std::io;

use clap::Command;
use clap_mangen::Man;
use roff::{Roff, bold, italic, roman};

use crate::exit::MEANINGS;

/// The page of a command; `parent` is the page of the command above it.
pub(super) fn page(command: &Command, parent: Option<&str>) -> io::Result<Vec<u8>> {
    let man = Man::new(command.clone());
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    synopsis(command).to_writer(&mut page)?;
    man.render_description_section(&mut page)?;
    if command.get_arguments().any(|arg| !arg.is_hide_set()) {
        man.render_options_section(&mut page)?;
    }
    if command.get_subcommands().any(|inner| !inner.is_hide_set()) {
        man.render_subcommands_section(&mut page)?;
    }
    if let Some(text) = command.get_after_help() {
        examples(&text.to_string()).to_writer(&mut page)?;
    }
    exit_status().to_writer(&mut page)?;
    environment(command).to_writer(&mut page)?;
    files().to_writer(&mut page)?;
    see_also(command, parent).to_writer(&mut page)?;
    Ok(page)
}

/// The usage as `--help` has it: what must be there, and where the rest stands.
fn synopsis(command: &Command) -> Roff {
    let usage = command.clone().render_usage().to_string();
    let mut roff = Roff::new();
    roff.control("SH", ["SYNOPSIS"]).control("nf", []);
    for line in usage.trim_start_matches("Usage:").lines().map(str::trim) {
        roff.text([bold(line)]);
    }
    roff.control("fi", []);
    roff
}

/// What stands behind the help, its lines as they are.
fn examples(text: &str) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["EXAMPLES"]).control("nf", []);
    for line in text.lines().filter(|line| *line != "Example:") {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
    roff
}

fn exit_status() -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["EXIT STATUS"]);
    for (code, meaning) in MEANINGS {
        roff.control("TP", []).text([bold(code.to_string())]).text([roman(meaning)]);
    }
    roff
}

fn environment(command: &Command) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["ENVIRONMENT"]);
    for arg in command.get_arguments() {
        let (Some(variable), Some(long)) = (arg.get_env(), arg.get_long()) else { continue };
        roff.control("TP", []).text([bold(variable.to_string_lossy())]);
        roff.text([
            roman("the value of "),
            bold(format!("--{long}")),
            roman(", if it is not given"),
        ]);
    }
    roff.control("TP", []).text([bold("AZSEED_CONFIG")]);
    roff.text([roman("the one configuration file that counts")]);
    roff
}

fn files() -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["FILES"]);
    for (path, what) in [
        ("/etc/azseed/config.toml", "settings of the system"),
        ("~/.config/azseed/config.toml", "settings of the user, which go before them"),
        ("/var/lib/azseed", "what root's runs remember: drives, jobs, vaults, keys"),
        ("~/.local/state/azseed", "what other users' runs remember"),
    ] {
        roff.control("TP", []).text([italic(path)]).text([roman(what)]);
    }
    roff
}

fn see_also(command: &Command, parent: Option<&str>) -> Roff {
    let inner = command.get_subcommands().filter(|inner| !inner.is_hide_set());
    let inner = inner.map(|inner| inner.get_display_name().unwrap_or(inner.get_name()).to_owned());
    let above = parent.map(str::to_owned).into_iter();
    let pages = above.chain(inner).map(|page| (page, "(1)"));
    let mut words = Vec::new();
    for (page, section) in pages.chain([("azseed-config".to_owned(), "(5)")]) {
        if !words.is_empty() {
            words.push(roman(", "));
        }
        words.extend([bold(page), roman(section)]);
    }
    let mut roff = Roff::new();
    roff.control("SH", ["SEE ALSO"]).text(words);
    roff
}
