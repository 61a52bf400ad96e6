//! Signs calls of the official client with an account's key, by Microsoft's documentation; uses
//! nothing of the product.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{ClientOptions, Context, Request, Transport};
use azure_storage_blobs::{BlobContainerClient, BlobContainerClientOptions};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use sha2::Sha256;
use url::Url;

use super::emulator::Emulator;

/// A container of an emulator's account, wherever its blobs are, by the official client.
pub fn container(emulator: &Emulator, name: &str) -> BlobContainerClient {
    let account = emulator.fact("account").to_owned();
    let key = BASE64_STANDARD.decode(emulator.fact("account_key")).unwrap();
    container_of(emulator, Key { account, key }, name)
}

/// The same of the account that a key opens.
pub fn container_of(emulator: &Emulator, key: Key, name: &str) -> BlobContainerClient {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let pem = std::fs::read(emulator.fact("ca_file")).unwrap();
    let certificate = reqwest::Certificate::from_pem(&pem).unwrap();
    let http = reqwest::Client::builder().add_root_certificate(certificate).build().unwrap();
    let account = key.account.clone();
    let client_options = ClientOptions {
        per_try_policies: vec![Arc::new(key)],
        transport: Some(Transport::new(Arc::new(http))),
        ..ClientOptions::default()
    };
    let options = BlobContainerClientOptions { client_options, ..Default::default() };
    let url = Url::parse(&format!("{}/{account}/{name}", emulator.fact("blob"))).unwrap();
    BlobContainerClient::new(url, None, Some(options)).unwrap()
}

/// Authorizes by the account's key ("Authorize with Shared Key").
pub struct Key {
    pub account: String,
    pub key: Vec<u8>,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.account)
    }
}

impl Key {
    pub fn sign(&self, text: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).unwrap();
        mac.update(text.as_bytes());
        BASE64_STANDARD.encode(mac.finalize().into_bytes())
    }

    /// Query of an account SAS that is open for so many hours ("Create an account SAS", version
    /// 2020-12-06 and later).
    pub fn account_sas(&self, services: &str, types: &str, rights: &str, hours: i64) -> String {
        let version = "2024-11-04";
        let end = Timestamp::now() + SignedDuration::from_hours(hours);
        let end = end.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let both = "https,http";
        let fields = [&self.account, rights, services, types, "", &end, "", both, version, ""];
        let signature = self.sign(&format!("{}\n", fields.join("\n")));
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs([("sv", version), ("ss", services), ("srt", types), ("sp", rights)]);
        query.extend_pairs([("se", end.as_str()), ("spr", both), ("sig", &signature)]);
        query.finish()
    }

    /// The value of `Authorization`.
    pub fn authorization(
        &self,
        method: &str,
        url: &Url,
        headers: &BTreeMap<String, String>,
    ) -> String {
        let standard = [
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
        let mut lines = vec![method.to_owned()];
        for name in standard {
            let value = headers.get(name).map_or("", String::as_str);
            let is_left_out = name == "content-length" && value == "0" || name == "date";
            lines.push(if is_left_out { String::new() } else { value.to_owned() });
        }
        let own = headers.iter().filter(|(name, _)| name.starts_with("x-ms-"));
        lines.extend(own.map(|(name, value)| format!("{name}:{}", value.trim())));
        lines.push(format!("/{}{}", self.account, url.path()));
        let mut query: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in url.query_pairs() {
            query.entry(name.to_lowercase()).or_default().push(value.into_owned());
        }
        for (name, mut values) in query {
            values.sort();
            lines.push(format!("{name}:{}", values.join(",")));
        }
        format!("SharedKey {}:{}", self.account, self.sign(&lines.join("\n")))
    }
}

/// A moment as `x-ms-date` has it.
pub fn date(time: Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[async_trait]
impl Policy for Key {
    async fn send(
        &self,
        context: &Context,
        request: &mut Request,
        next: &[Arc<dyn Policy>],
    ) -> PolicyResult {
        request.insert_header("x-ms-date", date(Timestamp::now()));
        let mut headers: BTreeMap<String, String> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), value.as_str().to_owned()))
            .collect();
        let bytes = request.body().len().unwrap_or(0).to_string();
        headers.entry("content-length".to_owned()).or_insert(bytes);
        let url = request.url().clone();
        let authorization = self.authorization(request.method().as_ref(), &url, &headers);
        request.insert_header("authorization", authorization);
        next[0].send(context, request, &next[1..]).await
    }
}
