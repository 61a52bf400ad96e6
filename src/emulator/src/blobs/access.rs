//! Who may do what to blobs: a signature with the account's key, a shared access signature, or a
//! token. Nothing is public.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::{SignedDuration, Timestamp};

use super::call::Context;
use super::fault::Fault;
use super::need::{Need, Place};
use super::sas;
use crate::http::Call;

/// How far a signed call's date may be off.
const SKEW: SignedDuration = SignedDuration::from_mins(15);

/// How a caller proved himself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    Key,
    Token,
    Sas,
}

/// Refuses a call that is not allowed.
pub(super) fn check(context: Context<'_>, need: Need, place: Place<'_>) -> Result<Proof, Fault> {
    let Context { account, own, call, .. } = context;
    let Some(header) = call.header("authorization") else {
        sas::check((account, own), &call.query, need, place)?;
        let only_creates = need.letters == "wc" && !sas::gives(&call.query, "w");
        if only_creates && has(context, place)? {
            return Err(Fault::permission());
        }
        return Ok(Proof::Sas);
    };
    if let Some(token) = header.strip_prefix("Bearer ") {
        return if account.takes(token) { Ok(Proof::Token) } else { Err(Fault::authentication()) };
    }
    let signed = header.strip_prefix("SharedKey ").and_then(|signed| signed.split_once(':'));
    let (name, signature) = signed.ok_or_else(Fault::authentication)?;
    let is_ours = name == own.name.as_str()
        && is_recent(call)
        && own.is_signed(&string_to_sign(name, call), signature);
    if is_ours { Ok(Proof::Key) } else { Err(Fault::authentication()) }
}

fn has(context: Context<'_>, place: Place<'_>) -> Result<bool, Fault> {
    let key = (context.own.name.as_str(), place.container);
    let found = place.blob.map(|name| context.store.hold().blob(key, name)).transpose()?;
    Ok(found.flatten().is_some())
}

fn is_recent(call: &Call) -> bool {
    let date = call.header("x-ms-date").or_else(|| call.header("date")).unwrap_or_default();
    let Ok(date) = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date) else {
        return false;
    };
    Timestamp::now().duration_since(date).abs() <= SKEW
}

/// The text that a shared key signs ("Authorize with Shared Key", blob service form).
pub(crate) fn string_to_sign(account: &str, call: &Call) -> String {
    let header = |name: &str| call.header(name).unwrap_or_default();
    let length = match header("content-length") {
        "0" => "",
        length => length,
    };
    let date = if call.headers.contains_key("x-ms-date") { "" } else { header("date") };
    let mut text = format!(
        "{}\n{}\n{}\n{length}\n{}\n{}\n{date}\n{}\n{}\n{}\n{}\n{}\n",
        call.method,
        header("content-encoding"),
        header("content-language"),
        header("content-md5"),
        header("content-type"),
        header("if-modified-since"),
        header("if-match"),
        header("if-none-match"),
        header("if-unmodified-since"),
        header("range"),
    );
    let mut own: Vec<(&str, &str)> = call
        .headers
        .iter()
        .filter(|(name, _)| name.as_str().starts_with("x-ms-"))
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default()))
        .collect();
    own.sort_unstable();
    for (name, value) in own {
        text.push_str(&format!("{name}:{}\n", value.trim()));
    }
    text.push_str(&format!("/{account}{}", call.path));
    let mut pairs: Vec<(String, &str)> =
        call.query.iter().map(|(key, value)| (key.to_lowercase(), value.as_str())).collect();
    pairs.sort_unstable();
    let mut last = None;
    for (key, value) in &pairs {
        if last == Some(key) {
            text.push_str(&format!(",{value}"));
        } else {
            text.push_str(&format!("\n{key}:{value}"));
        }
        last = Some(key);
    }
    text
}

/// MD5 as headers carry it.
pub(super) fn md5_text(digest: &[u8]) -> String {
    BASE64_STANDARD.encode(digest)
}
