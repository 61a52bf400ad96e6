//! Which keys there are: those of flags, and those of programs.

use clap::{Arg, Command};

/// Keys that no flag has: programs that are called. Each is a list, the program first.
pub const PROGRAM_KEYS: [&str; 2] = ["on-event", "before"];
/// The flag that chooses a section, and its key outside of sections.
pub const PROFILE_KEY: &str = "profile-name";

/// Whether the value of a flag is never repeated.
pub type IsSecret = fn(&str) -> bool;

/// The configuration key of a flag: its words; only flags that have an environment variable.
pub fn key(arg: &Arg) -> Option<String> {
    arg.get_env()?;
    arg.get_long().map(str::to_owned)
}

/// All flags of a command and those below it.
pub(super) fn flags(command: &Command) -> Vec<&Arg> {
    command.get_arguments().chain(command.get_subcommands().flat_map(flags)).collect()
}
