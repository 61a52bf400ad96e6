//! Signatures with an account's key: of calls ("Authorize with Shared Key") and of service SAS
//! ("Create a service SAS").

use azure_core::http::Request;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use disk_prep::noun::{AccountName, ContainerName};
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use sha2::Sha256;

use super::error::Error;

const SAS_VERSION: &str = "2022-11-02";
/// How long a SAS for a copy can be used.
const SAS_LIFETIME: SignedDuration = SignedDuration::from_hours(1);
/// Clocks of two machines differ.
const SKEW: SignedDuration = SignedDuration::from_mins(15);

/// Headers that have a place of their own in what is signed, in this order.
const SIGNED_HEADERS: [&str; 11] = [
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
];

/// An account's key.
pub(super) struct SharedKey {
    account: AccountName,
    key: SecretBox<Vec<u8>>,
}

impl std::fmt::Debug for SharedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SharedKey({}, ***)", self.account)
    }
}

impl SharedKey {
    /// A key from its base64 text.
    pub fn new(account: AccountName, text: &SecretString) -> Result<Self, Error> {
        let key = BASE64_STANDARD.decode(text.expose_secret().trim());
        let key = key.map_err(|_| Error::AccountKey)?;
        Ok(SharedKey { account, key: SecretBox::new(Box::new(key)) })
    }

    fn sign(&self, text: &str) -> String {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(self.key.expose_secret())
            .expect("a key of any length does");
        mac.update(text.as_bytes());
        BASE64_STANDARD.encode(mac.finalize().into_bytes())
    }

    /// Dates and signs a call.
    pub fn authorize(&self, request: &mut Request, now: Timestamp) {
        let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&now);
        request.insert_header("x-ms-date", date.unwrap_or_default());
        let signature = self.sign(&string_to_sign(&self.account, request));
        request.insert_header("authorization", format!("SharedKey {}:{signature}", self.account));
    }

    /// The query of a SAS that lets its holder read one container. `protocols` is `https`, or
    /// `https,http` for an endpoint on this machine.
    pub fn read_sas(&self, container: &ContainerName, protocols: &str, now: Timestamp) -> String {
        let moment = |by| {
            let moment = now.saturating_add(by).unwrap_or(now);
            moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
        };
        let (start, end) = (moment(-SKEW), moment(SAS_LIFETIME));
        let resource = format!("/blob/{}/{container}", self.account);
        // Identifier, IP, then behind the resource kind: snapshot, scope and five headers.
        let text = format!(
            "r\n{start}\n{end}\n{resource}\n\n\n{protocols}\n{SAS_VERSION}\nc\n\n\n\n\n\n\n"
        );
        url::form_urlencoded::Serializer::new(String::new())
            .append_pair("sv", SAS_VERSION)
            .append_pair("sr", "c")
            .append_pair("sp", "r")
            .append_pair("st", &start)
            .append_pair("se", &end)
            .append_pair("spr", protocols)
            .append_pair("sig", &self.sign(&text))
            .finish()
    }
}

fn string_to_sign(account: &AccountName, request: &Request) -> String {
    let headers: Vec<(&str, &str)> =
        request.headers().iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let header = |wanted: &str| {
        headers.iter().find(|(name, _)| *name == wanted).map_or("", |(_, value)| *value)
    };
    let mut text = format!("{}\n", request.method().as_str());
    for name in SIGNED_HEADERS {
        let value = match (name, header(name)) {
            ("content-length", "0") => "",
            (_, value) => value,
        };
        text.push_str(value);
        text.push('\n');
    }
    let mut own: Vec<_> =
        headers.iter().filter(|(name, _)| name.starts_with("x-ms-")).copied().collect();
    own.sort_unstable();
    for (name, value) in own {
        text.push_str(&format!("{name}:{}\n", value.trim()));
    }
    text.push_str(&format!("/{account}{}", request.url().path()));
    let mut pairs: Vec<(String, String)> = request
        .url()
        .query_pairs()
        .map(|(key, value)| (key.to_lowercase(), value.into_owned()))
        .collect();
    pairs.sort();
    for (key, value) in pairs {
        text.push_str(&format!("\n{key}:{value}"));
    }
    text
}
