//! The page of the configuration file.

use std::io;

use clap::Command;
use roff::{Roff, bold, italic, roman};

use crate::config::keys;

/// The page, with every key.
pub(super) fn page(command: &Command) -> io::Result<Vec<u8>> {
    let mut roff = Roff::new();
    let source = format!("azseed {}", command.get_version().unwrap_or_default());
    roff.control("TH", ["azseed-config", "5", "", source.as_str(), ""]);
    roff.control("SH", ["NAME"]).text([roman("azseed-config - settings of azseed")]);
    roff.control("SH", ["DESCRIPTION"]);
    for paragraph in [
        "Every flag with a value has a key of the same words in a TOML file, but those that say \
         what is destroyed, shipped, restored or disclosed: they stand on the command line. A flag \
         that may be repeated takes a list.",
        "A value is, in this order: the flag, the record that the command works on, the variable of \
         the environment, the user's file, the system's file, the default. The user's file goes \
         before the system's key by key. A key that azseed does not know, and a value that its flag \
         would not take, end every command with exit 2, also in a section that nobody asked for.",
        "azseed config init writes a file with every key, commented out; azseed config show says \
         what holds, and from where.",
    ] {
        roff.control("PP", []).text([roman(paragraph)]);
    }
    roff.control("SH", ["SECTIONS"]).text([roman(
        "A table [profile.NAME] goes before the rest of its file when it is asked for: by \
         --profile-name NAME, the variable AZSEED_PROFILE_NAME, or the key profile-name outside of \
         sections. Beside sections, the key profile stands in one of them.",
    )]);
    roff.control("SH", ["KEYS"]);
    for (key, help) in keys(command) {
        roff.control("TP", []).text([bold(key), roman(" = "), italic(help.value.clone())]);
        let takers = help.takers();
        roff.text([roman(format!("{}. For {takers}; {}.", help.help, help.variable))]);
    }
    for (key, what) in [
        (
            "on-event",
            "A program that is told of every event: a list, its whole path and arguments; \
                      the event's JSON is its standard input. Its failure is a warning.",
        ),
        (
            "before",
            "A program of the same form that is called before a run of a vault, and can stop \
                    it.",
        ),
    ] {
        roff.control("TP", []).text([bold(key)]).text([roman(what)]);
    }
    roff.control("SH", ["FILES"]);
    for (path, what) in [
        ("/etc/azseed/config.toml", "the system's"),
        ("~/.config/azseed/config.toml", "the user's; in XDG_CONFIG_HOME if that is set"),
        ("AZSEED_CONFIG", "the variable that names one file instead of both"),
    ] {
        roff.control("TP", []).text([italic(path)]).text([roman(what)]);
    }
    roff.control("SH", ["SEE ALSO"]).text([bold("azseed"), roman("(1)")]);
    let mut page = Vec::new();
    roff.to_writer(&mut page)?;
    Ok(page)
}
