//! The resource manager: signed JSON calls, what they begin followed to its end, and lists that go
//! on over pages of the same host. Blocks.

use std::time::Duration;

use bytes::Bytes;
use disk_prep::noun::secret::cleared;
use jiff::Timestamp;
use reqwest::Method;
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use url::Url;

use super::bounds::{Bounds, Walk};
use super::error::Error;
use super::exchange::{Ask, Exchange, Reply, host};
use super::network::{Clear, Network, https};
use super::retry::{RealPace, Repeat, ServiceClock};
use super::runtime::block_on;
use super::sign_in::{Auth, AuthKind, Tokens, scope};
use super::token::Claims;
use super::transport::target;
use disk_prep::noun::Address;

/// Where Azure is and how to reach it.
#[derive(Debug, Clone)]
pub struct ArmOptions {
    /// The resource manager.
    pub endpoint: Address,
    /// Whom tokens are for: the resource manager of the cloud.
    pub audience: Address,
    /// Where tokens are given.
    pub authority: Address,
    /// How to sign in.
    pub auth: Auth,
    /// Certificates and proxy.
    pub network: Network,
}

/// A connection to the resource manager.
pub struct Arm {
    exchange: Exchange,
    endpoint: Url,
}

impl std::fmt::Debug for Arm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Arm({})", self.endpoint)
    }
}

/// Who signed in, as far as the token says it.
#[derive(Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// What answered.
    pub kind: AuthKind,
    /// The tenant.
    pub tenant: Option<String>,
    /// A person's name for signing in.
    pub name: Option<String>,
    /// The application's id.
    pub application: Option<String>,
    /// The principal's id.
    pub principal: Option<String>,
    /// Until when.
    pub until: Option<Timestamp>,
}

/// One page of a list.
#[derive(Deserialize)]
struct Page<T> {
    value: Vec<T>,
    #[serde(rename = "nextLink", default)]
    next_link: Option<String>,
}

/// What the end of an operation says of the job that goes on after it.
#[derive(Deserialize)]
struct Began {
    properties: BeganProperties,
}

#[derive(Deserialize)]
struct BeganProperties {
    #[serde(rename = "jobId", default)]
    job: Option<String>,
}

impl Arm {
    /// Prepares a connection; nothing is sent yet.
    pub fn open(options: &ArmOptions) -> Result<Self, Error> {
        let endpoint = https(&options.endpoint)?;
        let authority = https(&options.authority)?;
        let http = options.network.client(&endpoint, Clear::Refused)?;
        let scope = scope(&options.audience);
        let tokens = Tokens::choose(&options.auth, &authority, http.clone(), &scope)?;
        let pace = RealPace::begin(&options.network.patience);
        let bounds = Bounds::at(options.network.patience.tempo);
        let clock = ServiceClock::default();
        let exchange = Exchange { http, tokens, bounds, pace, clock };
        Ok(Arm { exchange, endpoint })
    }

    /// Signs in, and says who that is; nothing is asked of the resource manager.
    pub fn who(&self) -> Result<SignedIn, Error> {
        let token = block_on(self.exchange.tokens.token())?;
        let claims = Claims::of(token.expose_secret());
        let until = claims.until();
        if let Some(until) = until.filter(|until| *until <= Timestamp::now()) {
            return Err(Error::TokenOver { until });
        }
        Ok(SignedIn {
            kind: self.exchange.tokens.kind(),
            tenant: claims.tid,
            name: claims.upn,
            application: claims.appid,
            principal: claims.oid,
            until,
        })
    }

    /// Reads a resource; `None` if it does not exist.
    pub fn get<T: DeserializeOwned>(&self, path: &str, version: &str) -> Result<Option<T>, Error> {
        match self.call(Method::GET, self.url(path, version)?, None) {
            Ok(reply) => self.parse(&reply).map(Some),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads a list to its end.
    pub fn list<T: DeserializeOwned>(&self, path: &str, version: &str) -> Result<Vec<T>, Error> {
        let mut url = self.url(path, version)?;
        let mut all = Vec::new();
        let mut walk = Walk::new(&self.host(), self.exchange.bounds);
        loop {
            let reply = self.call(Method::GET, url.clone(), None)?;
            walk.bytes(reply.body.len())?;
            let page: Page<T> = self.parse(&reply)?;
            let link = page.next_link.filter(|link| !link.is_empty());
            walk.page(page.value.len(), link.as_deref())?;
            all.extend(page.value);
            let Some(link) = link else { return Ok(all) };
            let fault = |error: url::ParseError| self.answer(error.to_string(), &reply);
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

    /// Writes a resource, follows what this begins to its end, and reads what it became.
    pub fn put<T: DeserializeOwned>(
        &self,
        path: &str,
        version: &str,
        body: &impl Serialize,
    ) -> Result<T, Error> {
        self.write(Method::PUT, self.url(path, version)?, body)
    }

    /// Changes a resource, follows what this begins to its end, and reads what it became.
    pub fn patch<T: DeserializeOwned>(
        &self,
        path: &str,
        version: &str,
        body: &impl Serialize,
    ) -> Result<T, Error> {
        self.write(Method::PATCH, self.url(path, version)?, body)
    }

    /// Reads what is given out only to a POST, such as keys.
    pub fn fetch<T: DeserializeOwned>(&self, path: &str, version: &str) -> Result<T, Error> {
        self.parse(&self.call(Method::POST, self.url(path, version)?, None)?)
    }

    /// Calls an action of a resource and follows what this begins to its end; `None` if that has
    /// nothing to say. It is sent a second time only if the first was not taken.
    pub fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        version: &str,
        body: &impl Serialize,
    ) -> Result<Option<T>, Error> {
        let (url, body) = (self.url(path, version)?, Some(sent(body)));
        let ask = Ask { method: Method::POST, url, body, repeat: Repeat::IfUntaken };
        let reply = block_on(self.exchange.follow(&ask))?;
        self.told(&reply)
    }

    /// Writes a resource; what that begins is followed, and the job is told that it made, if any.
    pub fn put_job(
        &self,
        path: &str,
        version: &str,
        body: &impl Serialize,
    ) -> Result<Option<String>, Error> {
        self.job(Method::PUT, path, version, Some(sent(body)))
    }

    /// The same of an action; it is sent a second time only if the first was not taken.
    pub fn post_job(
        &self,
        path: &str,
        version: &str,
        body: &impl Serialize,
    ) -> Result<Option<String>, Error> {
        self.job(Method::POST, path, version, Some(sent(body)))
    }

    /// Asks something that changes nothing and takes a while; the whole status that it ended with.
    pub fn post_status<T: DeserializeOwned>(
        &self,
        path: &str,
        version: &str,
        body: &impl Serialize,
    ) -> Result<Option<T>, Error> {
        let (url, body) = (self.url(path, version)?, Some(sent(body)));
        let ask = Ask { method: Method::POST, url, body, repeat: Repeat::Harmless };
        let reply = block_on(self.exchange.follow_status(&ask))?;
        self.told(&reply)
    }

    /// The same of a deletion.
    pub fn delete_job(&self, path: &str, version: &str) -> Result<Option<String>, Error> {
        self.job(Method::DELETE, path, version, None)
    }

    fn job(
        &self,
        method: Method,
        path: &str,
        version: &str,
        body: Option<Bytes>,
    ) -> Result<Option<String>, Error> {
        let url = self.url(path, version)?;
        let repeat = if method == Method::POST { Repeat::IfUntaken } else { Repeat::Harmless };
        let reply = block_on(self.exchange.follow_status(&Ask { method, url, body, repeat }))?;
        let began: Option<Began> = serde_json::from_slice(&reply.body).ok();
        Ok(began.and_then(|began| began.properties.job))
    }

    /// Deletes a resource and follows this to its end.
    pub fn delete(&self, path: &str, version: &str) -> Result<(), Error> {
        let (method, url) = (Method::DELETE, self.url(path, version)?);
        let ask = Ask { method, url, body: None, repeat: Repeat::Harmless };
        block_on(self.exchange.follow(&ask)).map(drop)
    }

    fn write<T: DeserializeOwned>(
        &self,
        method: Method,
        url: Url,
        body: &impl Serialize,
    ) -> Result<T, Error> {
        let ask =
            Ask { method, url: url.clone(), body: Some(sent(body)), repeat: Repeat::Harmless };
        let mut reply = block_on(self.exchange.follow(&ask))?;
        if reply.body.is_empty() {
            reply = self.call(Method::GET, url, None)?;
        }
        self.parse(&reply)
    }

    /// What time it is by the service's last answer, which counts the days of what it keeps; by this
    /// machine as long as no answer has said it.
    pub fn now(&self) -> Timestamp {
        let Exchange { clock, pace, .. } = &self.exchange;
        clock.time(pace.now()).unwrap_or_else(Timestamp::now)
    }

    /// Lets time go by between two looks.
    pub(super) fn wait(&self, pause: Duration) {
        block_on(async { self.exchange.pace.wait(pause).await });
    }

    fn url(&self, path: &str, version: &str) -> Result<Url, Error> {
        let rule = "it cannot be put together with a path";
        let invalid = |_| Error::Endpoint { endpoint: self.endpoint.to_string(), rule };
        let mut url = self.endpoint.join(path.trim_start_matches('/')).map_err(invalid)?;
        url.query_pairs_mut().append_pair("api-version", version);
        Ok(url)
    }

    fn host(&self) -> String {
        host(&self.endpoint)
    }

    fn answer(&self, fault: String, reply: &Reply) -> Error {
        let call = Some(Box::new(reply.call.clone()));
        Error::Answer { host: self.host(), fault, call }
    }

    /// What the end of an operation says, if anything.
    fn told<T: DeserializeOwned>(&self, reply: &Reply) -> Result<Option<T>, Error> {
        if reply.body.is_empty() { Ok(None) } else { self.parse(reply).map(Some) }
    }

    fn parse<T: DeserializeOwned>(&self, reply: &Reply) -> Result<T, Error> {
        serde_json::from_slice(&reply.body).map_err(|error| self.answer(fault(&error), reply))
    }

    /// Sends what reads until there is an answer that stands.
    fn call(&self, method: Method, url: Url, body: Option<Bytes>) -> Result<Reply, Error> {
        let ask = Ask { method, url, body, repeat: Repeat::Harmless };
        block_on(self.exchange.send(&ask))
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::played::{Answer, Played, answer};
    use disk_prep::noun::Diagnose;
    use serde_json::{Value, json};

    const RESOURCE: &str = "{\"name\":\"job\"}";

    fn played(answers: Vec<Answer>) -> (Played, Arm) {
        let played = Played::start(answers);
        let arm = Arm { exchange: played.exchange(), endpoint: played.url("/arm/") };
        (played, arm)
    }

    #[test]
    fn what_is_written_is_read_as_it_became_whether_the_last_answer_has_it_or_not() {
        let begun = || answer(202, "location: /r", "");
        for answers in [
            vec![answer(201, "", RESOURCE)],
            vec![begun(), answer(200, "", RESOURCE)],
            vec![begun(), answer(204, "", ""), answer(200, "", RESOURCE)],
            vec![answer(204, "", ""), answer(200, "", RESOURCE)],
        ] {
            let (_, arm) = played(answers.clone());
            let made: Value = arm.put("rg/job", "1", &json!({})).unwrap();
            assert_eq!(made, json!({"name": "job"}));
            let (_, arm) = played(answers);
            let made: Value = arm.patch("rg/job", "1", &json!({})).unwrap();
            assert_eq!(made, json!({"name": "job"}));
        }
    }

    #[test]
    fn an_action_may_have_something_to_say_and_is_not_done_twice() {
        let post = |answers| {
            let (played, arm) = played(answers);
            let said = arm.post::<Value>("rg/job/cancel", "1", &json!({"reason": "none"}));
            (said.map_err(|error| error.code()), played.asked().len())
        };
        assert_eq!(post(vec![answer(204, "", "")]), (Ok(None), 1));
        assert_eq!(post(vec![answer(200, "", "7")]), (Ok(Some(json!(7))), 1));
        let begun = answer(202, "location: /r", "");
        assert_eq!(post(vec![begun, answer(200, "", "7")]), (Ok(Some(json!(7))), 2));
        assert_eq!(post(vec![answer(429, "", ""), answer(204, "", "")]), (Ok(None), 2));
        assert_eq!(post(vec![answer(500, "", "")]), (Err("azure-failing"), 1));
        // No answer at all: it may have been done.
        assert_eq!(post(vec![]), (Err("azure-unreachable"), 1));
    }

    #[test]
    fn the_job_that_an_operation_made_is_told_by_its_status_and_by_none_without_one() {
        let status = "{\"status\":\"Succeeded\",\"properties\":{\"jobId\":\"j-1\"}}";
        let both = "azure-asyncoperation: /s\nlocation: /r";
        let (played, arm) = played(vec![answer(202, both, ""), answer(200, "", status)]);
        let job = arm.post_job("rg/item/backup", "1", &json!({})).unwrap();
        assert_eq!(job.as_deref(), Some("j-1"));
        assert_eq!(played.asked(), ["POST /arm/rg/item/backup?api-version=1", "GET /s"]);
        let chain = vec![answer(202, "location: /r", ""), answer(204, "", "")];
        let (_, arm) = super::tests::played(chain);
        assert_eq!(arm.put_job("rg/item", "1", &json!({})).unwrap(), None);
        let failed =
            "{\"status\":\"Failed\",\"error\":{\"code\":\"UserErrorX\",\"message\":\"m\"}}";
        let (_, arm) = super::tests::played(vec![answer(202, both, ""), answer(200, "", failed)]);
        let error = arm.delete_job("rg/item", "1").unwrap_err();
        assert_eq!(error.code(), "azure-operation-failed");
    }

    #[test]
    fn the_time_is_that_of_the_last_answer_which_says_it() {
        let of_ours = |arm: &Arm| Timestamp::now().duration_since(arm.now()).as_secs().abs();
        let date = "date: Thu, 01 Jan 2026 00:01:00 GMT";
        let later = "date: Sat, 03 Jan 2026 00:00:00 GMT";
        let answers =
            [answer(200, date, "7"), answer(404, later, ""), answer(200, "date: today", "7")];
        let (_, arm) = played(answers.to_vec());
        assert!(of_ours(&arm) < 60, "nothing was heard yet");
        for right in ["2026-01-01T00:01:00Z", "2026-01-03T00:00:00Z", "2026-01-03T00:00:00Z"] {
            arm.get::<Value>("rg/job", "1").unwrap();
            let told = arm.now().duration_since(right.parse().unwrap());
            assert!((0..60).contains(&told.as_secs()), "{told}");
        }
    }

    #[test]
    fn what_is_not_there_is_none_and_a_deletion_is_followed() {
        let missing = answer(404, "", "");
        let (_, arm) = played(vec![missing]);
        assert!(arm.get::<Value>("rg/job", "1").unwrap().is_none());
        let (played, arm) = played(vec![answer(202, "location: /r", ""), answer(204, "", "")]);
        arm.delete("rg/job", "1").unwrap();
        assert_eq!(played.asked(), ["DELETE /arm/rg/job?api-version=1", "GET /r"]);
    }
}
