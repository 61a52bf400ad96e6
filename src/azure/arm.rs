//! The resource manager: signed JSON calls with retries that honour Retry-After, and lists that
//! go on over pages of the same host. Blocks; a runtime of its own does the waiting.

use std::time::Duration;

use bytes::Bytes;
use disk_prep::noun::secret::cleared;
use reqwest::{Client, Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use tracing::info;
use url::Url;
use zeroize::Zeroizing;

use super::bounds::{self, Bounds, Failing, LONGEST_PAUSE, Meter, Walk, pause};
use super::error::Error;
use super::network::{Clear, Network, https};
use super::reason::Reason;
use super::sign_in::{ARM_SCOPE, SignIn, Tokens};
use super::trace::Attempt;
use super::transport::target;
use disk_prep::noun::Address;

const ATTEMPTS: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Where Azure is and how to reach it.
#[derive(Debug, Clone)]
pub struct ArmOptions {
    /// The resource manager.
    pub endpoint: Address,
    /// Where tokens are given.
    pub authority: Address,
    /// A token to use; without it, whoever is signed in.
    pub token: Option<SecretString>,
    /// Certificates and proxy.
    pub network: Network,
}

/// A connection to the resource manager.
pub struct Arm {
    runtime: tokio::runtime::Runtime,
    http: Client,
    endpoint: Url,
    tokens: Tokens,
    pause: fn(Duration),
    bounds: Bounds,
}

impl std::fmt::Debug for Arm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Arm({})", self.endpoint)
    }
}

/// One page of a list.
#[derive(Deserialize)]
struct Page<T> {
    value: Vec<T>,
    #[serde(rename = "nextLink", default)]
    next_link: Option<String>,
}

/// What went wrong, in the resource manager's form.
#[derive(Deserialize)]
struct Fault {
    error: FaultBody,
}

#[derive(Deserialize)]
struct FaultBody {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

impl Arm {
    /// Prepares a connection; nothing is sent yet.
    pub fn open(options: &ArmOptions) -> Result<Self, Error> {
        let endpoint = https(&options.endpoint)?;
        let authority = https(&options.authority)?;
        let http = options.network.client(&endpoint, Clear::Refused)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime of one thread needs nothing that can be missing");
        Ok(Arm {
            runtime,
            tokens: Tokens::new(
                SignIn::choose(options.token.as_ref(), &authority)?,
                http.clone(),
                ARM_SCOPE,
            ),
            http,
            endpoint,
            pause: std::thread::sleep,
            bounds: Bounds::default(),
        })
    }

    /// Reads a resource; `None` if it does not exist.
    pub fn get<T: DeserializeOwned>(&self, path: &str, version: &str) -> Result<Option<T>, Error> {
        match self.call(Method::GET, self.url(path, version)?, None) {
            Ok(bytes) => self.parse(&bytes).map(Some),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads a list to its end.
    pub fn list<T: DeserializeOwned>(&self, path: &str, version: &str) -> Result<Vec<T>, Error> {
        let mut url = self.url(path, version)?;
        let mut all = Vec::new();
        let mut walk = Walk::new(&self.host(), self.bounds);
        loop {
            let bytes = self.call(Method::GET, url.clone(), None)?;
            walk.bytes(bytes.len())?;
            let page: Page<T> = self.parse(&bytes)?;
            let link = page.next_link.filter(|link| !link.is_empty());
            walk.page(page.value.len(), link.as_deref())?;
            all.extend(page.value);
            let Some(link) = link else { return Ok(all) };
            let fault = |error: url::ParseError| self.answer(error.to_string());
            let next = Url::parse(&link).map_err(fault)?;
            if next.origin() != self.endpoint.origin() {
                return Err(Error::ForeignLink {
                    host: self.host(),
                    to: target(Some(&link), &url),
                });
            }
            url = next;
        }
    }

    /// Writes a resource and reads what it became.
    pub fn put<T: DeserializeOwned>(
        &self,
        path: &str,
        version: &str,
        body: &impl Serialize,
    ) -> Result<T, Error> {
        self.parse(&self.call(Method::PUT, self.url(path, version)?, Some(sent(body)))?)
    }

    /// Changes a resource and reads what it became.
    pub fn patch<T: DeserializeOwned>(
        &self,
        path: &str,
        version: &str,
        body: &impl Serialize,
    ) -> Result<T, Error> {
        self.parse(&self.call(Method::PATCH, self.url(path, version)?, Some(sent(body)))?)
    }

    /// Calls an action of a resource.
    pub fn post<T: DeserializeOwned>(&self, path: &str, version: &str) -> Result<T, Error> {
        self.parse(&self.call(Method::POST, self.url(path, version)?, None)?)
    }

    /// Deletes a resource.
    pub fn delete(&self, path: &str, version: &str) -> Result<(), Error> {
        self.call(Method::DELETE, self.url(path, version)?, None).map(drop)
    }

    fn url(&self, path: &str, version: &str) -> Result<Url, Error> {
        let rule = "it cannot be put together with a path";
        let invalid = |_| Error::Endpoint { endpoint: self.endpoint.to_string(), rule };
        let mut url = self.endpoint.join(path.trim_start_matches('/')).map_err(invalid)?;
        url.query_pairs_mut().append_pair("api-version", version);
        Ok(url)
    }

    fn host(&self) -> String {
        self.endpoint.host_str().unwrap_or_default().to_owned()
    }

    fn unreachable(&self, source: &reqwest::Error) -> Error {
        Error::Unreachable { host: self.host(), source: Reason::of(source) }
    }

    fn answer(&self, fault: String) -> Error {
        Error::Answer { host: self.host(), fault }
    }

    fn parse<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, Error> {
        serde_json::from_slice(bytes).map_err(|error| self.answer(fault(&error)))
    }

    /// Sends until there is an answer that stands.
    fn call(&self, method: Method, url: Url, body: Option<Bytes>) -> Result<Answer, Error> {
        let mut pause = FIRST_PAUSE;
        for attempt in 1.. {
            let sent = self.runtime.block_on(self.send(method.clone(), url.clone(), body.clone()));
            let (error, asked) = match sent? {
                Sent::Done(bytes) => return Ok(bytes),
                Sent::Again(error, asked) => (error, asked),
            };
            if attempt == ATTEMPTS {
                return Err(error);
            }
            let wait = asked.unwrap_or(pause).min(LONGEST_PAUSE);
            info!(attempt, secs = wait.as_secs(), "tries again after a pause: {error}");
            (self.pause)(wait);
            pause *= 2;
        }
        unreachable!("the loop ends with its last attempt")
    }

    async fn send(&self, method: Method, url: Url, body: Option<Bytes>) -> Result<Sent, Error> {
        let token = match self.tokens.token().await {
            Ok(token) => token,
            Err(error @ (Error::Unreachable { .. } | Error::Failing { .. })) => {
                return Ok(Sent::Again(error, None));
            }
            Err(error) => return Err(error),
        };
        let mut request =
            self.http.request(method.clone(), url.clone()).bearer_auth(token.expose_secret());
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body);
        } else {
            request = request.header("content-length", "0");
        }
        let attempt = Attempt::new(&method, &url);
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(source) => {
                attempt.unanswered();
                return Ok(Sent::Again(self.unreachable(&source), None));
            }
        };
        let status = answer.status();
        let header = |name| answer.headers().get(name)?.to_str().ok();
        attempt.answered(status.as_u16(), header);
        let asked = header("retry-after").and_then(pause);
        if status.is_redirection() {
            let to = target(header("location"), &url);
            return Err(Error::Redirected { host: self.host(), to });
        }
        let Bounds { answer_bytes, fault_bytes, .. } = self.bounds;
        let most_bytes = if status.is_success() { answer_bytes } else { fault_bytes };
        let meter = Meter::new(&self.host(), most_bytes, self.bounds);
        let bytes = match bounds::body(answer, meter).await {
            Ok(bytes) => bytes,
            Err(Failing::Network(source)) => {
                return Ok(Sent::Again(self.unreachable(&source), asked));
            }
            Err(Failing::Bound(error)) => return Err(error),
        };
        if status.is_success() {
            return Ok(Sent::Done(bytes));
        }
        if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
            let error = Error::Failing { host: self.host(), status: status.as_u16() };
            return Ok(Sent::Again(error, asked));
        }
        Err(refusal(status, url.path(), &bytes))
    }
}

/// What came of one attempt.
enum Sent {
    Done(Answer),
    Again(Error, Option<Duration>),
}

/// A body, cleared on drop: some hold keys.
type Answer = Zeroizing<Vec<u8>>;

/// A body to send, in a buffer that is cleared when the last attempt is done.
fn sent(body: &impl Serialize) -> Bytes {
    let bytes = cleared(|buffer| serde_json::to_writer(buffer, body));
    Bytes::from_owner(bytes.expect("names, numbers and texts can be written"))
}

/// What is wrong with an answer, without what it says: it may be a key of the wrong form.
fn fault(error: &serde_json::Error) -> String {
    let place = format!("in line {}, column {}", error.line(), error.column());
    let said = error.to_string();
    match error.classify() {
        Category::Data if said.starts_with("missing field") => said,
        Category::Data => format!("a value is not of the expected kind {place}"),
        Category::Eof => format!("it breaks off {place}"),
        Category::Syntax | Category::Io => format!("it is no JSON {place}"),
    }
}

fn refusal(status: StatusCode, path: &str, bytes: &[u8]) -> Error {
    let FaultBody { code, message } = serde_json::from_slice::<Fault>(bytes).map_or_else(
        |_| FaultBody { code: status.as_str().to_owned(), message: "no reason given".to_owned() },
        |fault| fault.error,
    );
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Error::NotAllowed { code, message },
        StatusCode::NOT_FOUND => Error::NotFound { what: path.to_owned(), message },
        _ => Error::Refused { code, message },
    }
}
