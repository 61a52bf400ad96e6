//! Calls about disks that go on after they were answered: one address with a status, one with what
//! came of it.

use serde_json::{Value, json};

use super::super::call::{Context, Path};
use super::super::fault::Fault;
use crate::http::Answer;
use crate::recovery::Came;

const WORD: &str = "DiskOperations";
/// Looks that still find an operation under way.
const LOOKS: u8 = 1;
/// Pause that callers are asked to make, seconds: none, since nothing here takes long.
const PAUSE: &str = "0";
/// Marks the address of what came of it.
const RESULT: &str = "monitor";

/// The operation that a path means.
pub(super) fn id(target: &Path) -> Option<&str> {
    match target.rest.as_slice() {
        [locations, _, word, id]
            if locations.eq_ignore_ascii_case("locations") && word.eq_ignore_ascii_case(WORD) =>
        {
            Some(id)
        }
        _ => None,
    }
}

/// An answer that says that the work goes on, with where to look, and what will be said at its end.
pub(super) fn begun(context: Context<'_>, region: &str, said: Value) -> Result<Answer, Fault> {
    let id = context
        .world
        .change(|world| Ok::<_, Fault>(world.begin(Came::Said(said), LOOKS, context.now)))?;
    let version = context.call.parameter("api-version").unwrap_or_default();
    let at = format!(
        "{}/subscriptions/{}/providers/Microsoft.Compute/locations/{region}/{WORD}/{id}?api-version={version}",
        context.origin,
        context.account.subscription.as_str()
    );
    Ok(Answer::empty(202)
        .with("retry-after", PAUSE)
        .with("azure-asyncoperation", at.clone())
        .with("location", format!("{at}&{RESULT}=true")))
}

/// One look at an operation.
pub(super) fn look(context: Context<'_>, id: &str) -> Result<Answer, Fault> {
    let came = context
        .world
        .change(|world| world.look(id).ok_or_else(|| Fault::no_resource("The operation")))?;
    let is_result = context.call.parameter(RESULT).is_some();
    let said = match came {
        Some(Came::Said(said)) => Some(said),
        Some(_) => return Err(Fault::no_resource("The operation")),
        None => None,
    };
    Ok(match (said, is_result) {
        (Some(said), true) => Answer::json(200, &said),
        (None, true) => {
            let query = context.call.parameter("api-version").unwrap_or_default();
            let again = format!(
                "{}{}?api-version={query}&{RESULT}=true",
                context.origin, context.call.path
            );
            Answer::empty(202).with("retry-after", PAUSE).with("location", again)
        }
        (said, false) => {
            let word = if said.is_some() { "Succeeded" } else { "InProgress" };
            let mut body = json!({ "name": id, "status": word });
            if let Some(said) = said {
                body["properties"] = json!({ "output": said });
            }
            Answer::json(200, &body).with("retry-after", PAUSE)
        }
    })
}
