//! Containers of a storage account as the resource manager shows them: those that the blob service has.

use std::io;

use serde_json::{Value, json};

use super::call::Context;
use super::fault::Fault;
use crate::blobs::service::SeenContainer;
use crate::http::Answer;

/// Answers a call about the containers of an account, whose own id is `at`: all of them, or one.
pub(super) fn answer(
    context: Context<'_>,
    (account, at): (&str, &str),
    name: Option<&str>,
) -> Result<Answer, Fault> {
    let io = |error: io::Error| Fault::new(500, "InternalError", error.to_string());
    let found = context.blobs.map(|own| own.containers(account, context.now));
    let mut all = found.transpose().map_err(io)?.unwrap_or_default();
    let Some(name) = name else {
        let value: Vec<Value> = all.iter().map(|own| body(at, own)).collect();
        return Ok(Answer::json(200, &json!({ "value": value })));
    };
    all.retain(|own| own.name == name);
    let own = all.pop().ok_or_else(|| {
        Fault::new(404, "ContainerNotFound", "The specified container does not exist.")
    })?;
    Ok(Answer::json(200, &body(at, &own)))
}

fn body(at: &str, own: &SeenContainer) -> Value {
    let SeenContainer { name, etag, modified, state, status, metadata } = own;
    json!({
        "id": format!("{at}/blobServices/default/containers/{name}"), "name": name, "etag": etag,
        "type": "Microsoft.Storage/storageAccounts/blobServices/containers",
        "properties": {
            "lastModifiedTime": modified.to_string(), "publicAccess": "None",
            "leaseState": capital(state), "leaseStatus": capital(status), "metadata": metadata,
            "hasImmutabilityPolicy": false, "hasLegalHold": false,
        },
    })
}

/// The resource manager begins these words with a capital, the blob service does not.
fn capital(word: &str) -> String {
    word[..1].to_uppercase() + &word[1..]
}
