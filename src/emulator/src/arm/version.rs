//! Whether a version that was asked for is one that a call has.

use super::call::Context;
use super::fault::Fault;

/// Refuses a version that a call does not have.
pub(super) fn check_version(context: Context<'_>, known: &[&str]) -> Result<(), Fault> {
    let (code, message) = match context.call.parameter("api-version") {
        Some(version) if known.contains(&version) => return Ok(()),
        Some(version) => {
            ("InvalidApiVersionParameter", format!("The api-version {version} is not known."))
        }
        None => ("MissingApiVersionParameter", "The api-version is missing.".to_owned()),
    };
    Err(Fault::new(400, code, message))
}
