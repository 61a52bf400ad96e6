//! Long-running operations (`azure-import-export` 1C.1): where each is asked after is an address
//! with a long signed query. The query holds all that the emulator must know, so an operation goes
//! on after a restart; an address that is cut or put together anew is refused.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use percent_encoding::{CONTROLS, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::super::call::Context;
use super::super::fault::Fault;
use crate::http::Answer;
use crate::jobs::job::Job;

/// Real queries have a certificate in them; this many characters stand in for it.
const FILLING: usize = 2_400;
/// Ticks begin with the year 1; those of Unix later.
const TICKS_BEFORE_1970: i128 = 621_355_968_000_000_000;

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    Create,
    Update,
    Delete,
}

/// What the query says in its part `c`.
#[derive(Debug, Serialize, Deserialize)]
struct Ticket {
    kind: Kind,
    /// How often it was asked after.
    step: u8,
    /// The job's resource id, as a path has it.
    job: String,
}

/// Tells of an operation that has begun. What it does is durable by now.
pub(super) fn begin(context: Context<'_>, job: &Job, kind: Kind) -> Answer {
    let suffix = match kind {
        Kind::Create => "",
        Kind::Update => "-updateorder",
        Kind::Delete => "-deleteorder",
    };
    let number = job.order.as_ref().map(|order| order.id.as_str()).unwrap_or_default();
    let path = format!(
        "/subscriptions/{}/providers/Microsoft.DataBox/locations/{}/operationResults/{number}{suffix}",
        job.key.subscription, job.location
    );
    // The name of a group may have letters that no header takes.
    let own = utf8_percent_encode(&job.key.id(), CONTROLS).to_string();
    accepted(context, &path, &Ticket { kind, step: 0, job: own })
}

/// Answers who asks after an operation.
pub(super) fn follow(context: Context<'_>) -> Result<Answer, Fault> {
    let path = &context.call.path;
    let ticket = read(context).ok_or_else(|| {
        let message = "The address of the operation is not as it was given out.";
        Fault::new(403, "OperationAddressNotSigned", message)
    })?;
    Ok(match (ticket.kind, ticket.step) {
        (_, 0) => accepted(context, path, &Ticket { step: 1, ..ticket }),
        (Kind::Delete, _) => Answer::empty(204),
        (Kind::Create | Kind::Update, _) => {
            let version = context.call.parameter("api-version").unwrap_or_default();
            let job = format!("{}{}?api-version={version}", context.origin, ticket.job);
            Answer::empty(202).with("location", job)
        }
    })
}

fn accepted(context: Context<'_>, path: &str, ticket: &Ticket) -> Answer {
    let version = context.call.parameter("api-version").unwrap_or_default();
    let ticks = context.now.as_nanosecond() / 100 + TICKS_BEFORE_1970;
    let text = serde_json::to_vec(ticket).expect("names can be written");
    let content = format!("{}.{}", BASE64.encode(text), filling());
    let signed = format!("{path}?api-version={version}&t={ticks}&c={content}");
    let signature = context.account.sign_address(&signed);
    let hash = BASE64.encode(Sha256::digest(&signed));
    let address = format!("{}{signed}&s={signature}&h={hash}", context.origin);
    Answer::empty(202).with("location", address)
}

/// What the query says, if every letter of it and of the path is ours.
fn read(context: Context<'_>) -> Option<Ticket> {
    let call = context.call;
    let pairs: Vec<(&str, &str)> =
        call.query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let [("api-version", version), ("t", ticks), ("c", content), ("s", signature), ("h", hash)] =
        pairs.as_slice()
    else {
        return None;
    };
    let signed = format!("{}?api-version={version}&t={ticks}&c={content}", call.path);
    let is_ours = context.account.is_own_address(&signed, signature)
        && BASE64.encode(Sha256::digest(&signed)) == *hash;
    let (text, _) = content.split_once('.').filter(|_| is_ours)?;
    serde_json::from_slice(&BASE64.decode(text).ok()?).ok()
}

fn filling() -> String {
    let mut text = String::new();
    let mut block = Sha256::digest("an emulated certificate");
    while text.len() < FILLING {
        text.push_str(&BASE64.encode(block));
        block = Sha256::digest(block);
    }
    text
}
