//! `completions`: for a shell.

use crate::cli::{CompletionsArgs, command};
use crate::outcome::Ended;
use crate::report::text::Text;

/// Runs `completions`.
pub fn run(args: &CompletionsArgs) -> Ended {
    let mut bytes = Vec::new();
    clap_complete::generate(args.shell, &mut command(), "azseed", &mut bytes);
    let text = String::from_utf8_lossy(&bytes).trim_end().to_owned();
    Ok(Box::new(Text::Completions(text)))
}
