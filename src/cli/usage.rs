//! The usage line of a refusal. The parser counts a flag whose variable is set as one that was typed,
//! and would tell somebody of flags that he has never seen; here they are taken out again.

use clap::builder::{Resettable, StyledStr};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, Command, Error};

use super::named::way;

/// The refusal with what was typed and what is missing in its usage line, and nothing that came from
/// a variable. A variable without which there would be no such refusal is named below it.
pub fn typed_only(mut error: Error, mut command: Command, args: &[std::ffi::OsString]) -> Error {
    // A value that cannot be read is refused without one.
    let mut usage = match error.get(ContextKind::Usage) {
        Some(ContextValue::StyledStr(usage)) => Some(usage.ansi().to_string()),
        _ => None,
    };
    // Said before the tree is built, so that all of its commands hear of it.
    let parsed = command.clone().ignore_errors(true).try_get_matches_from(args);
    let Ok(matches) = parsed else { return error };
    command.build();
    let (own, matches) = way(&command, &matches);
    let styles = own.get_styles().get_literal();
    let mut causes = Vec::new();
    for flag in own.get_arguments().filter(|flag| is_set(flag)) {
        let is_known = matches.try_contains_id(flag.get_id().as_str()).is_ok();
        let source = is_known.then(|| matches.value_source(flag.get_id().as_str())).flatten();
        let Some(long) = flag.get_long().filter(|_| source != Some(ValueSource::CommandLine))
        else {
            continue;
        };
        // As the parser writes it, a letter of colour for a letter.
        let plain = flag.to_string();
        let value = plain.strip_prefix(&format!("--{long}")).unwrap_or_default();
        let styled = format!("{styles}--{long}{styles:#}{value}");
        usage = usage.map(|text| text.replace(&format!(" {styled}"), ""));
        if is_cause(&error, &command, args, flag) {
            let variable = flag.get_env().unwrap_or_default().display();
            causes.push(format!("{variable} is set and stands for --{long}").into());
        }
    }
    if !causes.is_empty() {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(causes));
    }
    if let Some(text) = usage {
        error.insert(ContextKind::Usage, ContextValue::StyledStr(StyledStr::from(text)));
    }
    error
}

/// Whether a flag that is missing would not be, two would not contradict each other, or a value would
/// not be refused, without the variable of this one.
fn is_cause(error: &Error, command: &Command, args: &[std::ffi::OsString], flag: &Arg) -> bool {
    let may_be = [
        ErrorKind::MissingRequiredArgument,
        ErrorKind::ArgumentConflict,
        ErrorKind::InvalidValue,
        ErrorKind::ValueValidation,
    ];
    if !may_be.contains(&error.kind()) {
        return false;
    }
    let said = |error: &Error| {
        (error.kind(), error.get(ContextKind::InvalidArg).cloned().map(|own| own.to_string()))
    };
    let other = without(command.clone(), flag.get_id().as_str()).try_get_matches_from(args);
    other.err().is_none_or(|other| said(&other) != said(error))
}

/// The command with a flag that hears no variable.
fn without(command: Command, id: &str) -> Command {
    let deaf = |arg: Arg| match arg.get_id() == id {
        true => arg.env(Resettable::Reset),
        false => arg,
    };
    command.mut_args(deaf).mut_subcommands(|inner| without(inner, id))
}

/// Whether the variable of a flag is set.
fn is_set(flag: &Arg) -> bool {
    flag.get_env().is_some_and(|name| std::env::var_os(name).is_some())
}
