//! What is left out of a backup, as it was said.

use crate::cli::LeftOutArgs;
use crate::outcome::Failure;
use crate::repository::{Choice, PatternForm, read_patterns};

/// The choice that the flags say; files of patterns are read now, as they were meant then.
pub fn choice(args: &LeftOutArgs) -> Result<Choice, Failure> {
    let LeftOutArgs { iexclude, exclude_if_present, exclude_larger_than, .. } = args.clone();
    let mut exclude = args.exclude.clone();
    // Our own variables may hold secrets, and what is said here comes to stand in records.
    let is_ours = |name: &str| name.starts_with("AZSEED_");
    let variable = |name: &str| if is_ours(name) { None } else { std::env::var(name).ok() };
    for path in &args.exclude_file {
        exclude.extend(read_patterns(path, variable)?);
    }
    let choice = Choice {
        exclude,
        exclude_form: PatternForm::Restic,
        one_file_system: args.one_file_system,
        iexclude,
        exclude_if_present,
        exclude_larger_than: exclude_larger_than.map(|size| size.0),
        exclude_caches: args.exclude_caches,
    };
    choice.check()?;
    Ok(choice)
}

/// What no flag says.
pub fn nothing_left_out() -> Choice {
    Choice { exclude_form: PatternForm::Restic, ..Choice::default() }
}
