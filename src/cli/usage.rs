//! The usage line of a refusal. The parser counts a flag whose variable is set as one that was typed,
//! and would tell somebody of flags that he has never seen; here they are taken out again.

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue};
use clap::parser::ValueSource;
use clap::{Arg, Command, Error};

use super::named::way;

/// The refusal with what was typed and what is missing in its usage line, and nothing that came from
/// a variable.
pub fn typed_only(mut error: Error, command: &Command, args: &[std::ffi::OsString]) -> Error {
    let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) else { return error };
    let mut text = usage.ansi().to_string();
    let mut command = command.clone();
    command.build();
    let parsed = command.clone().ignore_errors(true).try_get_matches_from(args);
    let Ok(matches) = parsed else { return error };
    let (own, matches) = way(&command, &matches);
    let styles = own.get_styles().get_literal();
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
        text = text.replace(&format!(" {styled}"), "");
    }
    error.insert(ContextKind::Usage, ContextValue::StyledStr(StyledStr::from(text)));
    error
}

/// Whether the variable of a flag is set.
fn is_set(flag: &Arg) -> bool {
    flag.get_env().is_some_and(|name| std::env::var_os(name).is_some())
}
