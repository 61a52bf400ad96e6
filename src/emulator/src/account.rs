//! Who may come in: the account with its key, the subscription, and the tokens that are given
//! out. Kept in one private file, so that an emulator that is started again knows its callers.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use disk_prep::noun::{AccountName, SubscriptionId, secret};
use disk_prep::sys::durable::{self, Access};
use disk_prep::sys::given;
use hmac::Mac;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::error::Error;
use super::keys::{StorageAccount, mac, sign};

/// What the blobs of a storage account are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Nature {
    /// Whether its page blobs are on premium storage, and have rules of their own.
    pub is_premium: bool,
    /// Whether they are files in folders.
    pub has_folders: bool,
}

/// How long a token of the sign-in endpoint can be used.
pub(super) const TOKEN_LIFETIME: SignedDuration = SignedDuration::from_hours(1);
/// How long the token that is printed at the start can be used.
const PRINTED_LIFETIME: SignedDuration = SignedDuration::from_hours(24 * 365);

/// The subscription of an emulator that is told none: that of the guide, so that its commands can be
/// typed as they stand there.
const GUIDES: &str = "00000000-0000-0000-0000-000000000000";

/// Goes before an address that is signed, so that no signature of one is that of a token.
const ADDRESS: &str = "address:";
/// The same of a key that is derived.
const DERIVED: &str = "key:";

/// What the command line asks for; the rest is made or remembered.
#[derive(Debug, Clone, Default)]
pub struct AccountOptions {
    /// Names of the storage accounts, the one that is printed first.
    pub accounts: Vec<AccountName>,
    /// File with the first one's key, base64.
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
    /// The storage accounts, the one that is printed first; there is always one.
    storage: Vec<StorageAccount>,
    pub subscription: SubscriptionId,
    /// Region of the storage accounts, if they have one.
    pub location: Option<String>,
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
    #[serde(default)]
    others: Vec<KeptAccount>,
}

#[derive(Serialize, Deserialize)]
struct KeptAccount {
    account: AccountName,
    #[serde(with = "secret")]
    key: SecretString,
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
        let mut asked = options.accounts.iter();
        if let Some(account) = asked.next() {
            kept.account = account.clone();
        }
        for account in asked {
            if kept.others.iter().all(|own| own.account != *account) {
                kept.others.push(KeptAccount { account: account.clone(), key: new_key() });
            }
        }
        if let Some(subscription) = &options.subscription {
            kept.subscription = subscription.clone();
        }
        if let Some(file) = &options.key_file {
            let text = given::read_text(file).map(Zeroizing::new).map_err(at(file))?;
            kept.key = text.trim().into();
        }
        let bytes = |text: &SecretString| {
            BASE64_STANDARD
                .decode(text.expose_secret())
                .map_err(|error| damaged(&path, error.to_string()))
        };
        let signs = bytes(&kept.secret)?;
        let mut storage = vec![StorageAccount::new(kept.account.clone(), bytes(&kept.key)?)];
        for other in kept.others.iter().filter(|other| other.account != kept.account) {
            storage.push(StorageAccount::new(other.account.clone(), bytes(&other.key)?));
        }
        let given = match &options.token_file {
            Some(file) => {
                let token = given::read_text(file).map_err(at(file))?;
                Some(SecretString::from(token.trim()))
            }
            None => None,
        };
        let text = secret::cleared(|to| serde_json::to_writer_pretty(to, &kept));
        let text = text.expect("names and texts can be written");
        durable::write(&path, &text, Access::Private).map_err(at(&path))?;
        Ok(Account {
            storage,
            subscription: kept.subscription,
            location: options.location.clone(),
            secret: SecretBox::new(Box::new(signs)),
            given,
        })
    }

    /// The storage account that is printed at the start.
    pub fn first(&self) -> &StorageAccount {
        self.storage.first().expect("there is always one")
    }

    /// A storage account by its name.
    pub fn storage(&self, name: &str) -> Option<&StorageAccount> {
        self.storage.iter().find(|own| own.name.as_str() == name)
    }

    /// The names of all storage accounts.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.storage.iter().map(|own| own.name.as_str())
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
            // Two of one second are two.
            "uti": uuid::Uuid::new_v4().to_string(),
        }));
        let text = format!("{head}.{body}");
        let signature = BASE64_URL_SAFE_NO_PAD.encode(sign(self.secret.expose_secret(), &text));
        format!("{text}.{signature}").into()
    }

    /// A key for what a text says, which nobody else can know.
    pub fn derive(&self, text: &str) -> SecretBox<Vec<u8>> {
        let text = format!("{DERIVED}{text}");
        SecretBox::new(Box::new(sign(self.secret.expose_secret(), &text)))
    }

    /// User and tenant of a token; of one that was given to the emulator, its own.
    pub fn identity(&self, token: &str) -> (String, String) {
        let body = token.split('.').nth(1).and_then(|own| BASE64_URL_SAFE_NO_PAD.decode(own).ok());
        let body = body.and_then(|own| serde_json::from_slice::<Value>(&own).ok());
        let of = |key: &str| body.as_ref()?.get(key)?.as_str().map(str::to_owned);
        let own = || self.tenant().to_owned();
        (of("oid").unwrap_or_else(own), of("tid").unwrap_or_else(own))
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
    Kept {
        version: 1,
        account: "seedaccount".parse().expect("the name keeps the rule"),
        subscription: GUIDES.parse().expect("a GUID is a GUID"),
        key: new_key(),
        secret: new_key(),
        others: Vec::new(),
    }
}

/// 64 bytes, base64.
fn new_key() -> SecretString {
    let random: Vec<u8> = (0..4).flat_map(|_| uuid::Uuid::new_v4().into_bytes()).collect();
    BASE64_STANDARD.encode(random).into()
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
        let key = |own: &Account| own.first().key_text().expose_secret().to_owned();
        assert_eq!(key(&first), key(&again));
        assert!(again.takes(first.printed_token().expose_secret()));
        let mode = folder.path().join("account.json").metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn every_account_has_a_key_of_its_own_which_stays() {
        let folder = tempfile::tempdir().unwrap();
        let two = ["account1", "account2"].map(|name| name.parse().unwrap()).to_vec();
        let options = AccountOptions { accounts: two, ..AccountOptions::default() };
        let first = Account::open(folder.path(), &options).unwrap();
        let again = Account::open(folder.path(), &AccountOptions::default()).unwrap();
        let key = |own: &Account, name: &str| {
            own.storage(name).unwrap().key_text().expose_secret().to_owned()
        };
        assert_ne!(key(&first, "account1"), key(&first, "account2"));
        assert_eq!(key(&first, "account2"), key(&again, "account2"));
        assert_eq!(again.first().name.as_str(), "account1");
        assert!(again.storage("account3").is_none());
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
