//! Who may come in: the account with its key, the subscription, and the tokens that are given
//! out. Kept in one private file, so that an emulator that is started again knows its callers.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use disk_prep::noun::{AccountName, SubscriptionId, secret};
use disk_prep::sys::durable::{self, Access};
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::error::Error;

/// How long a token of the sign-in endpoint can be used.
pub(super) const TOKEN_LIFETIME: SignedDuration = SignedDuration::from_hours(1);
/// How long the token that is printed at the start can be used.
const PRINTED_LIFETIME: SignedDuration = SignedDuration::from_hours(24 * 365);

/// Goes before an address that is signed, so that no signature of one is that of a token.
const ADDRESS: &str = "address:";

/// What the command line asks for; the rest is made or remembered.
#[derive(Debug, Clone, Default)]
pub struct AccountOptions {
    /// Name of the storage account.
    pub account: Option<AccountName>,
    /// File with its key, base64.
    pub key_file: Option<PathBuf>,
    /// The subscription.
    pub subscription: Option<SubscriptionId>,
    /// File with the token that callers may use.
    pub token_file: Option<PathBuf>,
    /// Region of the storage account; without it, it is in every region.
    pub location: Option<String>,
}

/// The account and the secrets.
#[derive(Debug)]
pub(super) struct Account {
    pub name: AccountName,
    pub subscription: SubscriptionId,
    /// Region of the storage account, if it has one.
    pub location: Option<String>,
    key: SecretBox<Vec<u8>>,
    /// Signs tokens.
    secret: SecretBox<Vec<u8>>,
    /// A token that was given.
    given: Option<SecretString>,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    version: u32,
    account: AccountName,
    subscription: SubscriptionId,
    #[serde(with = "secret")]
    key: SecretString,
    #[serde(with = "secret")]
    secret: SecretString,
}

impl Account {
    /// What was asked for, else what was kept, else new.
    pub fn open(meta: &Path, options: &AccountOptions) -> Result<Self, Error> {
        let path = meta.join("account.json");
        let damaged = |path: &Path, fault: String| Error::Damaged { path: path.to_owned(), fault };
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| Error::Folder { path, source }
        };
        let mut kept = match std::fs::read(&path) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).map_err(|error| damaged(&path, error.to_string()))?
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => new(),
            Err(source) => return Err(at(&path)(source)),
        };
        if let Some(account) = &options.account {
            kept.account = account.clone();
        }
        if let Some(subscription) = &options.subscription {
            kept.subscription = subscription.clone();
        }
        if let Some(file) = &options.key_file {
            let text = std::fs::read_to_string(file).map(Zeroizing::new).map_err(at(file))?;
            kept.key = text.trim().into();
        }
        let bytes = |text: &SecretString| {
            BASE64_STANDARD
                .decode(text.expose_secret())
                .map_err(|error| damaged(&path, error.to_string()))
        };
        let (key, signs) = (bytes(&kept.key)?, bytes(&kept.secret)?);
        let given = match &options.token_file {
            Some(file) => {
                let token = std::fs::read_to_string(file).map_err(at(file))?;
                Some(SecretString::from(token.trim()))
            }
            None => None,
        };
        let text = secret::cleared(|to| serde_json::to_writer_pretty(to, &kept));
        let text = text.expect("names and texts can be written");
        durable::write(&path, &text, Access::Private).map_err(at(&path))?;
        Ok(Account {
            name: kept.account,
            subscription: kept.subscription,
            location: options.location.clone(),
            key: SecretBox::new(Box::new(key)),
            secret: SecretBox::new(Box::new(signs)),
            given,
        })
    }

    /// The account's key, base64.
    pub fn key_text(&self) -> SecretString {
        BASE64_STANDARD.encode(self.key.expose_secret()).into()
    }

    /// The signature of `text` under the account's key, base64.
    pub fn sign(&self, text: &str) -> String {
        BASE64_STANDARD.encode(sign(self.key.expose_secret(), text))
    }

    /// Whether this is the signature of `text` under the account's key.
    pub fn is_signed(&self, text: &str, signature: &str) -> bool {
        let Ok(signature) = BASE64_STANDARD.decode(signature) else { return false };
        mac(self.key.expose_secret(), text).verify_slice(&signature).is_ok()
    }

    /// The signature of an address that only we give out.
    pub fn sign_address(&self, address: &str) -> String {
        let text = format!("{ADDRESS}{address}");
        BASE64_URL_SAFE_NO_PAD.encode(sign(self.secret.expose_secret(), &text))
    }

    /// Whether this is our signature of an address.
    pub fn is_own_address(&self, address: &str, signature: &str) -> bool {
        let text = format!("{ADDRESS}{address}");
        BASE64_URL_SAFE_NO_PAD.decode(signature).is_ok_and(|signature| {
            mac(self.secret.expose_secret(), &text).verify_slice(&signature).is_ok()
        })
    }

    /// The token that is printed at the start.
    pub fn printed_token(&self) -> SecretString {
        let until = || Timestamp::now().saturating_add(PRINTED_LIFETIME);
        let own = || self.token(&Caller { tenant: self.tenant(), client: "emulator" }, until());
        self.given.clone().unwrap_or_else(own)
    }

    /// A token for somebody who signed in.
    pub fn new_token(&self, caller: &Caller<'_>) -> SecretString {
        self.token(caller, Timestamp::now().saturating_add(TOKEN_LIFETIME))
    }

    /// The tenant of the subscription: its own id, so that there is one less to know.
    pub fn tenant(&self) -> &str {
        self.subscription.as_str()
    }

    /// A token in the form of Entra's, signed by us.
    fn token(&self, caller: &Caller<'_>, until: Result<Timestamp, jiff::Error>) -> SecretString {
        let until = until.unwrap_or(Timestamp::MAX).as_second();
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let head = part(&json!({"typ": "JWT", "alg": "HS256"}));
        let body = part(&json!({
            "aud": "https://management.azure.com", "tid": caller.tenant, "oid": caller.client,
            "appid": caller.client, "idtyp": "app", "ver": "1.0", "exp": until,
        }));
        let text = format!("{head}.{body}");
        let signature = BASE64_URL_SAFE_NO_PAD.encode(sign(self.secret.expose_secret(), &text));
        format!("{text}.{signature}").into()
    }

    /// Whether a token is one of ours and not over.
    pub fn takes(&self, token: &str) -> bool {
        if self.given.as_ref().is_some_and(|given| given.expose_secret() == token) {
            return true;
        }
        let Some((text, signature)) = token.rsplit_once('.') else { return false };
        let is_ours = BASE64_URL_SAFE_NO_PAD.decode(signature).is_ok_and(|signature| {
            mac(self.secret.expose_secret(), text).verify_slice(&signature).is_ok()
        });
        is_ours && until(text).is_some_and(|until| Timestamp::now().as_second() < until)
    }
}

/// Who signed in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller<'a> {
    pub tenant: &'a str,
    pub client: &'a str,
}

/// When a token ends that we have signed.
fn until(text: &str) -> Option<i64> {
    let (_, body) = text.split_once('.')?;
    let body = BASE64_URL_SAFE_NO_PAD.decode(body).ok()?;
    serde_json::from_slice::<Value>(&body).ok()?.get("exp")?.as_i64()
}

fn new() -> Kept {
    let random = |count: usize| -> Vec<u8> {
        (0..count).flat_map(|_| uuid::Uuid::new_v4().into_bytes()).collect()
    };
    Kept {
        version: 1,
        account: "seedaccount".parse().expect("the name keeps the rule"),
        subscription: uuid::Uuid::new_v4().to_string().parse().expect("a GUID is a GUID"),
        key: BASE64_STANDARD.encode(random(4)).into(),
        secret: BASE64_STANDARD.encode(random(4)).into(),
    }
}

fn mac(key: &[u8], text: &str) -> Hmac<Sha256> {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("a key of any length does");
    mac.update(text.as_bytes());
    mac
}

fn sign(key: &[u8], text: &str) -> Vec<u8> {
    mac(key, text).finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn an_account_is_remembered_in_a_private_file_and_its_tokens_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let first = Account::open(folder.path(), &AccountOptions::default()).unwrap();
        let again = Account::open(folder.path(), &AccountOptions::default()).unwrap();
        assert_eq!(first.key_text().expose_secret(), again.key_text().expose_secret());
        assert!(again.takes(first.printed_token().expose_secret()));
        let mode = folder.path().join("account.json").metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_token_that_is_over_or_altered_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let account = Account::open(folder.path(), &AccountOptions::default()).unwrap();
        let caller = Caller { tenant: "tenant", client: "client" };
        let over = account.token(&caller, Ok(Timestamp::now() - SignedDuration::from_secs(1)));
        assert!(!account.takes(over.expose_secret()));
        let token = account.new_token(&caller);
        let token = token.expose_secret();
        assert!(account.takes(token));
        let (text, signature) = token.rsplit_once('.').unwrap();
        let longer = BASE64_URL_SAFE_NO_PAD.encode(json!({"exp": i64::MAX}).to_string());
        let (head, _) = text.split_once('.').unwrap();
        assert!(!account.takes(&format!("{head}.{longer}.{signature}")));
        assert!(!account.takes(""));
    }
}
