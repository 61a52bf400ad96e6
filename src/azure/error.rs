//! What can go wrong between here and Azure.

use std::path::PathBuf;

use disk_prep::noun::{ByteSize, Diagnose, ErrorKind, Hint};

use super::asked::{Asked, SIGN_IN_AGAIN};
use super::call::Call;
use super::reason::Reason;

/// Why a program could not sign in as itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Its secret is another.
    Secret,
    /// Its secret is over.
    SecretOver,
    /// The tenant does not exist.
    Tenant,
    /// The tenant does not know the application.
    Application,
    /// Something else, in the words of the service.
    Other,
}

impl Why {
    /// By the code that the words of the service begin with
    /// (<https://learn.microsoft.com/entra/identity-platform/reference-error-codes>).
    pub(super) fn of(message: &str) -> Self {
        let code = message.split([':', ' ']).next().unwrap_or_default();
        match code {
            "AADSTS7000215" => Why::Secret,
            "AADSTS7000222" => Why::SecretOver,
            "AADSTS90002" | "AADSTS900023" | "AADSTS900021" => Why::Tenant,
            "AADSTS700016" => Why::Application,
            _ => Why::Other,
        }
    }
}

/// Why a lease that was held is held no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// Another run has it, or somebody ended it.
    #[error("another run has it, or somebody has ended it")]
    Taken,
    /// It was not renewed in time.
    #[error("it could not be renewed in time")]
    Late,
    /// The service does not let it be renewed.
    #[error("the service refused to renew it")]
    Refused,
    /// Who signed in may not renew it any more.
    #[error("the service does not allow it to be renewed any more")]
    NotAllowed,
    /// The window of the day is over in which the run may work.
    #[error("the window of the day is over in which this run may work")]
    Closed,
}

/// The error of this room.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each sentence names its fields")]
pub enum Error {
    #[error("{endpoint} is not an endpoint: {rule}")]
    Endpoint { endpoint: String, rule: &'static str },
    #[error("Cannot use the certificate authority in {path}")]
    CaFile {
        path: PathBuf,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("Cannot read of a cloud in {path}")]
    CloudFile {
        path: PathBuf,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("Cannot set up the network client")]
    Client {
        #[source]
        source: Reason,
    },
    #[error("Cannot reach {host}")]
    Unreachable {
        host: String,
        #[source]
        call: Box<Call>,
    },
    #[error("{host} failed with status {status}")]
    Failing {
        host: String,
        status: u16,
        #[source]
        call: Option<Box<Call>>,
    },
    #[error("{host} asks for a pause of {wait_secs} s, which is longer than a call waits")]
    AskedToWait {
        host: String,
        wait_secs: u64,
        #[source]
        call: Option<Box<Call>>,
    },
    #[error("Nobody is signed in to Azure")]
    NotSignedIn,
    #[error("The sign-in was refused: {message}")]
    SignInRefused { why: Why, message: String },
    #[error("Signing in by {kind} needs {missing}, and that is not set")]
    SignInIncomplete { kind: &'static str, missing: &'static str },
    #[error("A token is given, and the sign-in is to be by {kind}")]
    AuthContradicted { kind: &'static str },
    #[error("The Azure CLI is not installed on this machine")]
    CliMissing,
    #[error("The Azure CLI gives no token: nobody is signed in with it")]
    CliSignedOut,
    #[error("This machine has no managed identity: {why}")]
    NoIdentity { why: String },
    #[error("{path} cannot prove who signs in: {rule}")]
    ClientCertificate { path: PathBuf, rule: &'static str },
    #[error("The shared access signature is none: {rule}")]
    Sas { rule: &'static str },
    #[error("What is to be sent as a token is none: it has a line end or the like in it")]
    TokenForm,
    #[error("The token was good until {until:.0}")]
    TokenOver { until: jiff::Timestamp },
    #[error("Azure does not take the sign-in: {code}: {message}")]
    NotTaken {
        code: String,
        message: String,
        #[source]
        call: Option<Box<Call>>,
    },
    #[error("Azure does not allow this: {code}: {message}")]
    NotAllowed {
        asked: Asked,
        code: String,
        message: String,
        #[source]
        call: Option<Box<Call>>,
    },
    #[error("Azure does not know {what}: {message}")]
    NotFound {
        what: String,
        message: String,
        #[source]
        call: Option<Box<Call>>,
    },
    #[error("Azure knows no such subscription: {message}")]
    NoSubscription {
        message: String,
        #[source]
        call: Option<Box<Call>>,
    },
    #[error("Azure refused the request: {code}: {message}")]
    Refused {
        code: String,
        message: String,
        #[source]
        call: Option<Box<Call>>,
    },
    #[error("{host} gave an answer that is not understood: {fault}")]
    Answer {
        host: String,
        fault: String,
        #[source]
        call: Option<Box<Call>>,
    },
    #[error("Azure did not carry the operation out: {code}: {message}")]
    OperationFailed {
        code: String,
        message: String,
        #[source]
        call: Option<Box<Call>>,
    },
    #[error("The operation on {what} has not ended after {followed_secs} s and may still go on")]
    OperationGoesOn {
        what: String,
        followed_secs: u64,
        #[source]
        call: Option<Box<Call>>,
    },
    #[error("{path} cannot hold a secret")]
    SecretFile {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{host} sent more than {} in one answer", ByteSize(*most_bytes))]
    TooLarge {
        host: String,
        most_bytes: u64,
        #[source]
        call: Option<Box<Call>>,
    },
    #[error("{host} sends its answer too slowly: {bytes} bytes so far")]
    TooSlow {
        host: String,
        bytes: u64,
        #[source]
        call: Option<Box<Call>>,
    },
    #[error("A list of {host} does not end: after {pages} pages, {why}")]
    EndlessList { host: String, pages: usize, why: &'static str },
    #[error("{host} sends the call on to {to}, which is not followed")]
    Redirected { host: String, to: String },
    #[error("What answers for {host} is not Azure: {fault}")]
    Stranger {
        host: String,
        fault: &'static str,
        #[source]
        call: Option<Box<Call>>,
    },
    #[error("Cannot read {path}")]
    SecretUnreadable {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("The shared access signature is over since {ended}")]
    SasOver { ended: jiff::Timestamp },
    #[error("The variable {name} is not UTF-8")]
    Variable { name: &'static str },
    #[error("The account key is not base64")]
    AccountKey,
    #[error("{what} is leased by another run")]
    Leased { what: String },
    #[error("The lease of {what} is lost: {why}")]
    LeaseLost { what: String, why: Lost },
    #[error("A list of {host} goes on at another host: {to}")]
    ForeignLink { host: String, to: String },
}

impl Error {
    /// The same error, with the call that it ended; one that has a call of its own, such as that
    /// of a sign-in, keeps it, and takes over how often it was made.
    pub(super) fn of_call(mut self, made: Call) -> Self {
        match &mut self {
            Error::Unreachable { call, .. } => **call = call.as_ref().clone().within(&made),
            Error::Failing { call, .. }
            | Error::AskedToWait { call, .. }
            | Error::NotTaken { call, .. }
            | Error::NotAllowed { call, .. }
            | Error::NotFound { call, .. }
            | Error::NoSubscription { call, .. }
            | Error::Refused { call, .. }
            | Error::Answer { call, .. }
            | Error::Stranger { call, .. }
            | Error::TooLarge { call, .. }
            | Error::TooSlow { call, .. } => {
                *call = Some(Box::new(match call.take() {
                    Some(own) => own.within(&made),
                    None => made,
                }));
            }
            _ => {}
        }
        self
    }
}

impl Error {
    /// Whether the subscription has never used the provider that was asked.
    pub fn is_unregistered(&self) -> bool {
        let code = match self {
            Error::Refused { code, .. } | Error::NotAllowed { code, .. } => code,
            _ => return false,
        };
        ["MissingSubscriptionRegistration", "SubscriptionNotRegistered"].contains(&code.as_str())
    }
}

/// Whether the other side's certificate was signed by nobody whom this machine knows.
fn is_of_unknown_issuer(error: &Error) -> bool {
    is_caused_by(error, &["UnknownIssuer"])
}

/// Whether the other side's certificate is of another time than this machine's clock shows.
fn is_of_another_time(error: &Error) -> bool {
    is_caused_by(error, &["certificate not valid yet", "certificate expired"])
}

/// Whether a cause has one of these texts; the network's library has no other form for them.
fn is_caused_by(error: &Error, texts: &[&str]) -> bool {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    causes.map(ToString::to_string).any(|cause| texts.iter().any(|text| cause.contains(text)))
}

/// Whether a code of the service means that a token has come to its end.
fn is_over(code: &str) -> bool {
    code.contains("Expired")
}

impl Diagnose for Error {
    fn code(&self) -> &'static str {
        match self {
            Error::Endpoint { .. } => "endpoint-invalid",
            Error::CaFile { .. } => "ca-file",
            Error::CloudFile { .. } => "cloud-file",
            Error::Client { .. } => "network-client",
            Error::Unreachable { .. } => "azure-unreachable",
            Error::Failing { .. } => "azure-failing",
            Error::AskedToWait { .. } => "azure-asked-to-wait",
            Error::NotSignedIn => "not-signed-in",
            Error::SignInRefused { why, .. } => match why {
                Why::Secret => "client-secret-wrong",
                Why::SecretOver => "client-secret-over",
                Why::Tenant => "tenant-unknown",
                Why::Application => "application-unknown",
                Why::Other => "sign-in-refused",
            },
            Error::SignInIncomplete { .. } => "sign-in-incomplete",
            Error::AuthContradicted { .. } => "auth-contradicted",
            Error::CliMissing => "azure-cli-missing",
            Error::CliSignedOut => "azure-cli-signed-out",
            Error::NoIdentity { .. } => "managed-identity-missing",
            Error::ClientCertificate { .. } => "client-certificate-unusable",
            Error::Sas { .. } => "sas-malformed",
            Error::SasOver { .. } => "sas-over",
            Error::TokenOver { .. } => "azure-token-over",
            Error::NotTaken { code, .. } if is_over(code) => "azure-token-over",
            Error::TokenForm | Error::NotTaken { .. } => "azure-token-refused",
            Error::NotAllowed { .. } => "azure-not-allowed",
            Error::NotFound { .. } => "azure-not-found",
            Error::NoSubscription { .. } => "azure-no-subscription",
            Error::Refused { .. } => "azure-refused",
            Error::Answer { .. } | Error::Stranger { .. } => "azure-answer",
            Error::OperationFailed { .. } => "azure-operation-failed",
            Error::OperationGoesOn { .. } => "azure-operation-goes-on",
            Error::ForeignLink { .. } => "azure-foreign-link",
            Error::TooLarge { .. } => "azure-answer-too-large",
            Error::TooSlow { .. } => "azure-answer-too-slow",
            Error::EndlessList { .. } => "azure-list-endless",
            Error::Redirected { .. } => "azure-redirect",
            Error::SecretFile { .. } => "secret-file-mode",
            Error::SecretUnreadable { .. } => "secret-file-unreadable",
            Error::Variable { .. } => "variable-not-text",
            Error::AccountKey => "account-key-malformed",
            Error::Leased { .. } => "blob-leased",
            Error::LeaseLost { why: Lost::Closed, .. } => "vault-window-over",
            Error::LeaseLost { .. } => "lease-lost",
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Error::Endpoint { .. }
            | Error::CaFile { .. }
            | Error::CloudFile { .. }
            | Error::SecretFile { .. }
            | Error::SecretUnreadable { .. }
            | Error::Variable { .. }
            | Error::AuthContradicted { .. }
            | Error::ClientCertificate { .. }
            | Error::Sas { .. }
            | Error::AccountKey => ErrorKind::Usage,
            Error::Leased { .. } | Error::LeaseLost { why: Lost::Taken, .. } => ErrorKind::Busy,
            Error::LeaseLost { why: Lost::Late | Lost::Refused | Lost::Closed, .. }
            | Error::OperationGoesOn { .. } => ErrorKind::Resumable,
            Error::Client { .. }
            | Error::Answer { .. }
            | Error::TooLarge { .. }
            | Error::EndlessList { .. }
            | Error::Redirected { .. }
            | Error::ForeignLink { .. } => ErrorKind::Failed,
            Error::Unreachable { .. }
            | Error::Failing { .. }
            | Error::AskedToWait { .. }
            | Error::Stranger { .. }
            | Error::TooSlow { .. } => ErrorKind::Unreachable,
            Error::NotSignedIn
            | Error::SignInRefused { .. }
            | Error::SignInIncomplete { .. }
            | Error::CliMissing
            | Error::CliSignedOut
            | Error::NoIdentity { .. }
            | Error::SasOver { .. }
            | Error::TokenForm
            | Error::TokenOver { .. }
            | Error::NotTaken { .. }
            | Error::NotAllowed { .. }
            | Error::LeaseLost { why: Lost::NotAllowed, .. } => ErrorKind::NotAllowed,
            Error::NotFound { .. } | Error::NoSubscription { .. } => ErrorKind::NotFound,
            Error::Refused { .. } | Error::OperationFailed { .. } => ErrorKind::Refused,
        }
    }

    fn hint(&self) -> Option<Hint> {
        let text = match self {
            Error::NotSignedIn => {
                "run `az login`, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET"
            }
            Error::SignInRefused { why, .. } => match why {
                Why::Secret => {
                    "put the value of a secret of this application into AZURE_CLIENT_SECRET, not \
                     its id"
                }
                Why::SecretOver => {
                    "make a new secret for the application and put it into AZURE_CLIENT_SECRET"
                }
                Why::Tenant => "check AZURE_TENANT_ID",
                Why::Application => "check AZURE_CLIENT_ID, and that it is of this tenant",
                Why::Other => "check tenant, client and secret",
            },
            Error::SignInIncomplete { .. } => "set it, or choose another sign-in with `--auth`",
            Error::AuthContradicted { .. } => "leave the token out, or say `--auth token`",
            Error::CliMissing => "install it and run `az login`, or sign in another way (`--auth`)",
            Error::CliSignedOut => "run `az login`",
            Error::NoSubscription { .. } => {
                "`azseed subscriptions list` shows those that this sign-in reaches"
            }
            Error::CloudFile { .. } => {
                "`--cloud` is AzureCloud, AzureUSGovernment, AzureChinaCloud, or a file as \
                 docs/guide.md shows it"
            }
            Error::NoIdentity { .. } => {
                "on a machine outside Azure sign in another way (`--auth`); inside, give it an \
                 identity"
            }
            Error::Sas { .. } => {
                "put what stands behind the `?` of the address into the file of `--sas-file`, or into \
                 AZSEED_SAS"
            }
            Error::AccountKey => {
                "put the account's key, as Azure shows it, into the file of `--account-key-file`, or \
                 into AZSEED_ACCOUNT_KEY"
            }
            Error::TokenForm | Error::TokenOver { .. } | Error::NotTaken { .. } => SIGN_IN_AGAIN,
            Error::NotAllowed { asked, code, .. } => asked.advice(code),
            Error::SasOver { .. } => "make a new signature, and put it where this one is",
            Error::Unreachable { .. } if is_of_unknown_issuer(self) => {
                "if the certificate is that of your own network, name its authority with `--ca-file \
                 FILE`"
            }
            Error::Unreachable { .. } if is_of_another_time(self) => {
                "compare this machine's clock with the right time: by it the certificate is not valid"
            }
            Error::Unreachable { .. } => "check network and proxy, then run the same command again",
            Error::SecretFile { path, .. } => return Some(Hint::MakePrivate(path.clone())),
            Error::Leased { .. } => "wait a minute for the other run to end",
            Error::LeaseLost { why: Lost::NotAllowed, .. } => {
                "nothing was changed since; see what has become of the sign-in's rights, then run \
                 the same command again, it goes on"
            }
            Error::LeaseLost { .. } => {
                "nothing was changed since; run the same command again, it goes on"
            }
            Error::Redirected { .. } | Error::Stranger { .. } => {
                "check the endpoint, and whether a proxy or a sign-in page of the network answers"
            }
            Error::Failing { .. } | Error::TooSlow { .. } => "run the same command again later",
            Error::OperationGoesOn { .. } => {
                "run the same command again in a while, it looks at what has become of it"
            }
            Error::AskedToWait { .. } => "run the same command again when that time is over",
            _ => return None,
        };
        Some(Hint::new(text))
    }
}
