//! Who may do what to blobs: a signature with the account's key, a service SAS for one container
//! or blob, or a token. Nothing is public.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::{SignedDuration, Timestamp};

use super::fault::Fault;
use crate::account::Account;
use crate::http::Call;

/// How far a signed call's date may be off.
const SKEW: SignedDuration = SignedDuration::from_mins(15);

/// What a call does, for the rights of a SAS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Right {
    Read,
    Write,
    Delete,
    List,
    /// Anything that a SAS cannot give.
    Account,
}

/// What a call is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub container: &'a str,
    pub blob: Option<&'a str>,
}

/// Refuses a call that is not allowed.
pub(super) fn check(
    account: &Account,
    call: &Call,
    right: Right,
    place: Place<'_>,
) -> Result<(), Fault> {
    if let Some(header) = call.header("authorization") {
        if let Some(token) = header.strip_prefix("Bearer ") {
            return if account.takes(token) { Ok(()) } else { Err(Fault::authentication()) };
        }
        let Some(signed) = header.strip_prefix("SharedKey ") else {
            return Err(Fault::authentication());
        };
        let Some((name, signature)) = signed.split_once(':') else {
            return Err(Fault::authentication());
        };
        let is_ours = name == account.name.as_str()
            && is_recent(call)
            && account.is_signed(&string_to_sign(name, call), signature);
        return if is_ours { Ok(()) } else { Err(Fault::authentication()) };
    }
    check_sas(account, &call.query, right, place)
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

/// Refuses a query that carries no service SAS for this right and place. The form of version
/// 2020-12-06 ("Create a service SAS").
pub(super) fn check_sas(
    account: &Account,
    query: &[(String, String)],
    right: Right,
    place: Place<'_>,
) -> Result<(), Fault> {
    let value = |key: &str| {
        query.iter().find(|(name, _)| name == key).map_or("", |(_, value)| value.as_str())
    };
    if value("sig").is_empty() {
        return Err(Fault::no_authentication());
    }
    let letter = match right {
        Right::Read => 'r',
        Right::Write => 'w',
        Right::Delete => 'd',
        Right::List => 'l',
        Right::Account => return Err(Fault::authentication()),
    };
    let resource = match (value("sr"), place.blob) {
        ("c", _) => format!("/blob/{}/{}", account.name, place.container),
        ("b", Some(blob)) => format!("/blob/{}/{}/{blob}", account.name, place.container),
        _ => return Err(Fault::authentication()),
    };
    let names = ["sp", "st", "se"].map(value).join("\n");
    let rest =
        ["si", "sip", "spr", "sv", "sr", "snapshot", "ses", "rscc", "rscd", "rsce", "rscl", "rsct"];
    let text = format!("{names}\n{resource}\n{}", rest.map(value).join("\n"));
    let now = Timestamp::now();
    let is_begun = value("st").is_empty() || moment(value("st")).is_some_and(|start| start <= now);
    let is_open = moment(value("se")).is_some_and(|end| now < end);
    if !account.is_signed(&text, value("sig")) || !is_begun || !is_open {
        return Err(Fault::authentication());
    }
    if value("sp").contains(letter) { Ok(()) } else { Err(Fault::permission()) }
}

fn moment(text: &str) -> Option<Timestamp> {
    let day = || text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    text.parse().ok().or_else(|| day().map(|day| day.timestamp()))
}

/// MD5 as headers carry it.
pub(super) fn md5_text(digest: &[u8]) -> String {
    BASE64_STANDARD.encode(digest)
}
