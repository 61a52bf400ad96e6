//! Shared access signatures ("Create an account SAS", "Create a service SAS", "Create a user
//! delegation SAS"), in their forms since version 2015-04-05, and the keys that the last are
//! signed with.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use secrecy::ExposeSecret;

use super::fault::Fault;
use super::need::{Kind, Need, Place};
use crate::account::Account;
use crate::keys::{StorageAccount, is_signed};

/// The oldest form.
const FIRST: &str = "2015-04-05";
/// Since then the kind and the snapshot are signed too, and there are user delegation keys.
const WITH_KIND: &str = "2018-11-09";
/// Since then three ids of users are signed too.
const WITH_USERS: &str = "2020-02-10";
/// Since then the encryption scope is signed too.
const WITH_SCOPE: &str = "2020-12-06";
/// Since then whom a key is delegated to is signed too.
const WITH_DELEGATE: &str = "2025-07-05";
/// Since then headers and parameters of the call can be signed too.
const WITH_REQUEST: &str = "2026-04-06";

type Query = [(String, String)];
type Storage<'a> = (&'a Account, &'a StorageAccount);

fn value<'q>(query: &'q Query, key: &str) -> &'q str {
    query.iter().find(|(name, _)| name == key).map_or("", |(_, value)| value.as_str())
}

/// Whether a SAS has a right.
pub(super) fn gives(query: &Query, letter: &str) -> bool {
    value(query, "sp").contains(letter)
}

/// Refuses a query that carries no SAS for what a call needs.
pub(super) fn check(
    storage: Storage<'_>,
    query: &Query,
    need: Need,
    place: Place<'_>,
) -> Result<(), Fault> {
    let value = |key| value(query, key);
    let signature = value("sig");
    if signature.is_empty() {
        return Err(Fault::no_authentication());
    }
    let version = value("sv");
    let is_whole = version >= FIRST && !value("sp").is_empty() && value("srh").is_empty();
    if !is_whole || !is_open(query, ("st", "se")) {
        return Err(Fault::authentication());
    }
    let is_signed = match (value("ss"), value("skoid")) {
        ("", "") => storage.1.is_signed(&service_text(storage.1, query, place)?, signature),
        ("", _) => is_delegated(storage, query, place)?,
        _ => storage.1.is_signed(&account_text(storage.1, query), signature),
    };
    if !is_signed {
        return Err(Fault::authentication());
    }
    match value("ss") {
        "" if !need.is_inside => return Err(Fault::authentication()),
        "" => {}
        services => {
            let kind = need.kind.map(|kind| match kind {
                Kind::Service => 's',
                Kind::Container => 'c',
                Kind::Object => 'o',
            });
            if !services.contains('b') {
                return Err(Fault::new(
                    403,
                    "AuthorizationServiceMismatch",
                    "It is not for blobs.",
                ));
            }
            if kind.is_some_and(|kind| !value("srt").contains(kind)) {
                let message = "The SAS is not for this kind of resource.";
                return Err(Fault::new(403, "AuthorizationResourceTypeMismatch", message));
            }
        }
    }
    let is_given = need.letters.chars().any(|letter| value("sp").contains(letter));
    if is_given { Ok(()) } else { Err(Fault::permission()) }
}

fn account_text(own: &StorageAccount, query: &Query) -> String {
    let mut keys = vec!["sp", "ss", "srt", "st", "se", "sip", "spr", "sv"];
    if value(query, "sv") >= WITH_SCOPE {
        keys.push("ses");
    }
    let values: Vec<&str> = keys.into_iter().map(|key| value(query, key)).collect();
    format!("{}\n{}\n", own.name, values.join("\n"))
}

/// The container, blob or snapshot that a SAS is for.
fn resource(own: &StorageAccount, query: &Query, place: Place<'_>) -> Result<String, Fault> {
    match (value(query, "sr"), place.blob) {
        ("c", _) => Ok(format!("/blob/{}/{}", own.name, place.container)),
        ("b" | "bs", Some(blob)) => Ok(format!("/blob/{}/{}/{blob}", own.name, place.container)),
        _ => Err(Fault::authentication()),
    }
}

fn service_text(own: &StorageAccount, query: &Query, place: Place<'_>) -> Result<String, Fault> {
    let version = value(query, "sv");
    let mut keys = vec!["si", "sip", "spr", "sv"];
    if version >= WITH_KIND {
        keys.extend(["sr", "snapshot"]);
    }
    if version >= WITH_SCOPE {
        keys.push("ses");
    }
    text(query, &resource(own, query, place)?, &keys)
}

fn text(query: &Query, resource: &str, keys: &[&str]) -> Result<String, Fault> {
    let before = ["sp", "st", "se"].map(|key| value(query, key)).join("\n");
    let keys = keys.iter().chain(&["rscc", "rscd", "rsce", "rscl", "rsct"]);
    // A snapshot is signed where the signature is for it alone; a container's opens all of them.
    let is_signed = |key: &str| key != "snapshot" || value(query, "sr") == "bs";
    let signed = |key: &&str| if is_signed(key) { value(query, key) } else { "" };
    let after: Vec<&str> = keys.map(signed).collect();
    Ok(format!("{before}\n{resource}\n{}", after.join("\n")))
}

/// Whether a SAS is signed with a key that was delegated and is still open.
fn is_delegated(
    (account, own): Storage<'_>,
    query: &Query,
    place: Place<'_>,
) -> Result<bool, Fault> {
    let version = value(query, "sv");
    let mut keys = vec!["skoid", "sktid", "skt", "ske", "sks", "skv"];
    if version >= WITH_USERS {
        keys.extend(["saoid", "suoid", "scid"]);
    }
    if version >= WITH_DELEGATE {
        keys.extend(["skdutid", "sduoid"]);
    }
    keys.extend(["sip", "spr", "sv", "sr", "snapshot"]);
    if version >= WITH_SCOPE {
        keys.push("ses");
    }
    if version >= WITH_REQUEST {
        keys.extend(["srh", "srq"]);
    }
    let text = text(query, &resource(own, query, place)?, &keys)?;
    let delegation = Delegation {
        user: value(query, "skoid"),
        tenant: value(query, "sktid"),
        start: value(query, "skt"),
        end: value(query, "ske"),
        version: value(query, "skv"),
    };
    let key = delegation.key(account, own);
    let is_ours = is_signed(key.expose_secret(), &text, value(query, "sig"));
    Ok(is_ours && version >= WITH_KIND && is_open(query, ("skt", "ske")))
}

/// Whom a key is delegated to, and from when until when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Delegation<'a> {
    pub user: &'a str,
    pub tenant: &'a str,
    pub start: &'a str,
    pub end: &'a str,
    pub version: &'a str,
}

impl Delegation<'_> {
    /// The key, which follows from what it is for, so that none must be kept.
    pub fn key(self, account: &Account, own: &StorageAccount) -> secrecy::SecretBox<Vec<u8>> {
        let Delegation { user, tenant, start, end, version } = self;
        let text = format!("{user}\n{tenant}\n{start}\n{end}\n{version}\n{}", own.name);
        account.derive(&text)
    }

    /// The same, base64.
    pub fn key_text(self, account: &Account, own: &StorageAccount) -> String {
        BASE64_STANDARD.encode(self.key(account, own).expose_secret())
    }
}

fn is_open(query: &Query, (start, end): (&str, &str)) -> bool {
    let now = Timestamp::now();
    let start = value(query, start);
    let is_begun = start.is_empty() || moment(start).is_some_and(|start| start <= now);
    is_begun && moment(value(query, end)).is_some_and(|end| now < end)
}

/// A time of a SAS; a day is its first moment.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    let day = || text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    // Minutes are enough: `2026-01-02T03:04Z`.
    let minute = || text.strip_suffix('Z').and_then(|own| format!("{own}:00Z").parse().ok());
    text.parse().ok().or_else(minute).or_else(|| day().map(|day| day.timestamp()))
}
