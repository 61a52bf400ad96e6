//! Signatures with an account's key: of calls ("Authorize with Shared Key") and of service SAS
//! ("Create a service SAS").

use azure_core::http::Request;
use azure_core::http::headers::HeaderName;
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
        let length = HeaderName::from_static("content-length");
        let is_said = request.headers().get_optional_str(&length).is_some();
        // The transport says it where the call did not, after it was signed.
        if let Some(bytes) = request.body().len().filter(|&bytes| !is_said && bytes > 0) {
            request.insert_header(length, bytes.to_string());
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use azure_core::http::Method;
    use disk_prep::noun::Diagnose;
    use url::Url;

    /// The key that the storage emulators of Azure publish. The signatures below were computed
    /// apart from this program, by Python's `hmac`.
    const KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr\
                       /KBHBeksoGMGw==";

    fn key() -> SharedKey {
        SharedKey::new("myaccount".parse().unwrap(), &KEY.to_owned().into()).unwrap()
    }

    fn moment() -> Timestamp {
        "2015-06-26T23:39:12Z".parse().unwrap()
    }

    fn authorized(mut request: Request) -> (String, String) {
        key().authorize(&mut request, moment());
        let own = request.headers().iter();
        let mut own = own.filter(|(name, _)| name.as_str() == "authorization");
        let header = own.next().unwrap().1.as_str().to_owned();
        (string_to_sign(&key().account, &request), header)
    }

    #[test]
    fn a_call_is_signed_as_the_services_manual_shows_it() {
        // <https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key>
        let url = "https://myaccount.blob.core.windows.net/mycontainer?restype=container\
                   &comp=metadata&timeout=20";
        let mut request = Request::new(Url::parse(url).unwrap(), Method::Get);
        request.insert_header("x-ms-version", "2015-02-21");
        let (text, header) = authorized(request);
        assert_eq!(
            text,
            "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\n\
             x-ms-version:2015-02-21\n/myaccount/mycontainer\ncomp:metadata\n\
             restype:container\ntimeout:20"
        );
        assert_eq!(header, "SharedKey myaccount:1u9lui2jDxj0+fpbHjQ5m5NnastJRSYM+PSmfi8TXx4=");
    }

    #[test]
    fn headers_have_their_places_and_a_length_of_nothing_is_left_out() {
        let url = || Url::parse("https://myaccount.blob.core.windows.net/c/a%20b").unwrap();
        let mut request = Request::new(url(), Method::Put);
        for (name, value) in [
            ("x-ms-meta-m1", "v1 "),
            ("content-type", "text/plain"),
            ("content-length", "11"),
            ("if-none-match", "*"),
            ("x-ms-blob-type", "BlockBlob"),
        ] {
            request.insert_header(name, value);
        }
        let (text, header) = authorized(request);
        assert_eq!(
            text,
            "PUT\n\n\n11\n\ntext/plain\n\n\n\n*\n\n\nx-ms-blob-type:BlockBlob\n\
             x-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-meta-m1:v1\n/myaccount/c/a%20b"
        );
        assert_eq!(header, "SharedKey myaccount:0q829+agtqYwyDIbG/Fn1r5/8Xq3O/yRDIMhKwy5iN8=");
        let mut request = Request::new(url(), Method::Put);
        request.insert_header("content-length", "0");
        assert!(authorized(request).0.starts_with("PUT\n\n\n\n\n"));
        let mut request = Request::new(url(), Method::Put);
        request.set_body("a body".to_owned());
        assert!(authorized(request).0.starts_with("PUT\n\n\n6\n\n"), "as the transport says it");
    }

    #[test]
    fn a_sas_lets_read_one_container_for_an_hour() {
        let sas = key().read_sas(&"seed".parse().unwrap(), "https", moment());
        assert_eq!(
            sas,
            "sv=2022-11-02&sr=c&sp=r&st=2015-06-26T23%3A24%3A12Z&se=2015-06-27T00%3A39%3A12Z\
             &spr=https&sig=mOCAiCvuhPT6ZiKhuiRARurRroSWY7VwrOPZz5UbbtU%3D"
        );
    }

    #[test]
    fn a_key_that_is_no_base64_is_refused_and_none_is_ever_shown() {
        let account = || "myaccount".parse().unwrap();
        let error = SharedKey::new(account(), &"###".to_owned().into()).unwrap_err();
        assert_eq!(error.code(), "account-key-malformed");
        let padded = format!(" {KEY}\n").into();
        let shown = format!("{:?}", SharedKey::new(account(), &padded).unwrap());
        assert_eq!(shown, "SharedKey(myaccount, ***)");
    }
}
