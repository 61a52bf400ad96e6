//! Operations that go on after their call was answered: two addresses each, one with a status of its
//! own, one that leads to what came of it.

use serde_json::json;

use super::super::call::Context;
use super::super::fault::Fault;
use super::times;
use crate::http::Answer;
use crate::recovery::{Came, World};

/// Pause that callers are asked to make, seconds; the real service asks for a minute.
const PAUSE: &str = "1";

/// An answer that says that the work goes on, with where to look. `status` and `result` are the
/// words of both addresses below `place`.
pub(super) fn accepted(
    context: Context<'_>,
    place: &str,
    (status, result): (&str, &str),
    id: &str,
) -> Answer {
    let version = context.call.parameter("api-version").unwrap_or_default();
    let at = |word: &str| format!("{}{place}/{word}/{id}?api-version={version}", context.origin);
    let answer = Answer::empty(202).with("retry-after", PAUSE).with("location", at(result));
    if status.is_empty() { answer } else { answer.with("azure-asyncoperation", at(status)) }
}

/// One look at an operation by its status.
pub(super) fn status(context: Context<'_>, id: &str) -> Result<Answer, Fault> {
    let (came, begun) = look(context, id)?;
    let word = match &came {
        None => "InProgress",
        Some(Came::Job(_) | Came::Validated(_) | Came::Said(_)) => "Succeeded",
        Some(Came::Failed { .. }) => "Failed",
    };
    let mut body = json!({
        "id": id, "name": id, "status": word, "startTime": times::told(begun),
        "endTime": times::told(if came.is_some() { context.now } else { begun }),
    });
    match came {
        Some(Came::Job(Some(job))) => {
            body["properties"] =
                json!({"objectType": "OperationStatusJobExtendedInfo", "jobId": job});
        }
        Some(Came::Failed { code, message }) => {
            body["error"] = json!({"code": code, "message": message});
        }
        Some(Came::Validated(said)) => {
            let one = |(code, message): &(String, String)| json!({"code": code, "message": message, "recommendations": []});
            body["properties"] = json!({
                "objectType": "OperationStatusValidateOperationExtendedInfo",
                "validateOperationResponse": {
                    "validationResults": said.iter().map(one).collect::<Vec<_>>(),
                },
            });
        }
        Some(Came::Job(None) | Came::Said(_)) | None => {}
    }
    let answer = Answer::json(200, &body);
    Ok(if word == "InProgress" { answer.with("retry-after", PAUSE) } else { answer })
}

/// One look at an operation by what came of it: `result` makes the last answer.
pub(super) fn result(
    context: Context<'_>,
    id: &str,
    result: impl FnOnce(&World) -> Answer,
) -> Result<Answer, Fault> {
    let version = context.call.parameter("api-version").unwrap_or_default();
    match look(context, id)?.0 {
        None => {
            let again = format!("{}{}?api-version={version}", context.origin, context.call.path);
            Ok(Answer::empty(202).with("retry-after", PAUSE).with("location", again))
        }
        Some(Came::Job(_) | Came::Validated(_) | Came::Said(_)) => {
            Ok(result(&context.world.read()))
        }
        Some(Came::Failed { code, message }) => {
            let error = json!({"code": code, "message": message});
            Ok(Answer::json(400, &json!({ "error": error })))
        }
    }
}

fn look(context: Context<'_>, id: &str) -> Result<(Option<Came>, jiff::Timestamp), Fault> {
    context.world.change(|world| {
        let begun = world.operations.iter().find(|own| own.id.eq_ignore_ascii_case(id));
        let begun = begun.map(|own| own.begun);
        let came = world.look(id).ok_or_else(|| Fault::no_resource("The operation"))?;
        Ok((came, begun.unwrap_or(context.now)))
    })
}
