//! Operations that the service goes on with after it has answered (202): followed to their end, by
//! a status of their own (`Azure-AsyncOperation`) or by a chain of addresses (`Location`). Both are
//! signed and are asked for exactly as they were given; they are never told, not even by `-v`.
//! <https://github.com/cloud-and-ai-microsoft/resource-provider-contract/blob/master/v1.0/async-api-reference.md>

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde::Deserialize;
use url::Url;

use super::error::Error;
use super::exchange::{Ask, Exchange, Fault, Reply, host};
use super::retry::Repeat;
use super::transport::target;

/// The pause before the first look that the service asked for no other; each later one is half as
/// long again.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// No pause of ours is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// An operation is followed so long; it goes on all the same.
const FOLLOWED_FOR: Duration = Duration::from_secs(1800);
/// And looked at so often, however short the pauses are that are asked for.
const LOOKS: u32 = 2000;

/// What an operation says of itself.
#[derive(Deserialize)]
struct Status {
    status: String,
    #[serde(default)]
    error: Option<Fault>,
}

/// How an operation stands.
enum Stand {
    Running,
    Succeeded,
    Ended(Fault),
}

impl Exchange {
    /// Sends a call and follows what it begins; the answer is what it ended with.
    pub async fn follow(&self, ask: &Ask) -> Result<Reply, Error> {
        let reply = self.send(ask).await?;
        let status_at = next(&reply, "azure-asyncoperation", ask)?;
        match status_at {
            Some(at) if is_under_way(&reply) => self.watch(ask, reply, at).await,
            _ if reply.status == StatusCode::ACCEPTED => self.chase(ask, reply).await,
            _ => Ok(reply),
        }
    }

    /// Sends a call and follows the status of what it begins to its end; the answer is that status,
    /// or what a chain of addresses ended with where there is none.
    pub async fn follow_status(&self, ask: &Ask) -> Result<Reply, Error> {
        let reply = self.send(ask).await?;
        let status_at = next(&reply, "azure-asyncoperation", ask)?;
        match status_at {
            Some(at) if is_under_way(&reply) => self.await_end(ask, reply, at).await,
            _ if reply.status == StatusCode::ACCEPTED => self.chase(ask, reply).await,
            _ => Ok(reply),
        }
    }

    /// Looks at the status of an operation until it has succeeded.
    async fn await_end(&self, ask: &Ask, first: Reply, mut at: Url) -> Result<Reply, Error> {
        let mut follower = Follower::new(self, ask);
        let mut last = first;
        loop {
            follower.pause(&last).await?;
            last = self.send(&read(&at)).await?;
            match stand(&last, ask)? {
                Stand::Running => at = next(&last, "azure-asyncoperation", ask)?.unwrap_or(at),
                Stand::Ended(Fault { code, message }) => {
                    let call = Some(Box::new(last.call));
                    return Err(Error::OperationFailed { code, message, call });
                }
                Stand::Succeeded => return Ok(last),
            }
        }
    }

    /// Looks at the status of an operation until it ends, then reads what it ended with: what
    /// `Location` leads to; else, after all but an action and a deletion, the resource itself.
    async fn watch(&self, ask: &Ask, first: Reply, at: Url) -> Result<Reply, Error> {
        let result_at = next(&first, "location", ask)?;
        let last = self.await_end(ask, first, at).await?;
        match result_at {
            Some(at) => {
                let reply = self.send(&read(&at)).await?;
                match reply.status {
                    StatusCode::ACCEPTED => self.chase(ask, reply).await,
                    _ => Ok(reply),
                }
            }
            None if matches!(ask.method, Method::PUT | Method::PATCH) => {
                self.send(&read(&ask.url)).await
            }
            None => Ok(last),
        }
    }

    /// Follows `Location` from answer to answer until one is final.
    async fn chase(&self, ask: &Ask, mut reply: Reply) -> Result<Reply, Error> {
        let mut follower = Follower::new(self, ask);
        let mut at = None;
        while reply.status == StatusCode::ACCEPTED {
            at = next(&reply, "location", ask)?.or(at);
            let Some(at) = at.as_ref() else {
                let fault = "it says that the work goes on, but not where to look".to_owned();
                let call = Some(Box::new(reply.call));
                return Err(Error::Answer { host: host(&ask.url), fault, call });
            };
            follower.pause(&reply).await?;
            reply = self.send(&read(at)).await?;
        }
        match end(&reply) {
            Some(Fault { code, message }) => {
                let call = Some(Box::new(reply.call));
                Err(Error::OperationFailed { code, message, call })
            }
            None => Ok(reply),
        }
    }
}

/// What a chain of addresses ended with, if that was a failure that came with 200: a status with an
/// error, in place of the resource.
fn end(reply: &Reply) -> Option<Fault> {
    let status: Status = serde_json::from_slice(&reply.body).ok()?;
    status.error.as_ref()?;
    match ended(status) {
        Stand::Ended(fault) => Some(fault),
        Stand::Running | Stand::Succeeded => None,
    }
}

/// Counts the looks at one operation.
struct Follower<'a> {
    exchange: &'a Exchange,
    ask: &'a Ask,
    begun: Duration,
    looks: u32,
    pause: Duration,
}

impl<'a> Follower<'a> {
    fn new(exchange: &'a Exchange, ask: &'a Ask) -> Self {
        let begun = exchange.pace.now();
        Follower { exchange, ask, begun, looks: 0, pause: FIRST_PAUSE }
    }

    /// Waits before the next look as long as the last answer asks for, else a little longer than
    /// the last time; or says that it was followed long enough.
    async fn pause(&mut self, last: &Reply) -> Result<(), Error> {
        let pace = &self.exchange.pace;
        let wait = last.pause().unwrap_or(self.pause);
        self.pause = self.pause.mul_f64(1.5).min(LONGEST_PAUSE);
        self.looks += 1;
        let followed = pace.now().saturating_sub(self.begun);
        if self.looks > LOOKS || followed.saturating_add(wait) > FOLLOWED_FOR {
            let what = self.ask.url.path().to_owned();
            let call = Some(Box::new(last.call.clone()));
            let secs = followed.as_secs();
            return Err(Error::OperationGoesOn { what, followed_secs: secs, call });
        }
        pace.wait(wait).await;
        Ok(())
    }
}

/// Reads an address that the service gave.
fn read(at: &Url) -> Ask {
    Ask { method: Method::GET, url: at.clone(), body: None, repeat: Repeat::Harmless }
}

/// Whether an answer with a status of its own is one of an operation that has only begun. 204 has
/// nothing to follow.
fn is_under_way(reply: &Reply) -> bool {
    matches!(reply.status, StatusCode::OK | StatusCode::CREATED | StatusCode::ACCEPTED)
}

/// Where to look next, by one of the headers; only at the host that was asked, since the token
/// goes along.
fn next(reply: &Reply, name: &'static str, ask: &Ask) -> Result<Option<Url>, Error> {
    let Some(text) = reply.header(name) else { return Ok(None) };
    // An address that is relative is one of the host.
    let fault = |error: url::ParseError| Error::Answer {
        host: host(&ask.url),
        fault: error.to_string(),
        call: Some(Box::new(reply.call.clone())),
    };
    let at = ask.url.join(text).map_err(fault)?;
    if at.origin() != ask.url.origin() {
        return Err(Error::ForeignLink { host: host(&ask.url), to: target(Some(text), &ask.url) });
    }
    Ok(Some(at))
}

/// How the operation stands, by what its status says. One without a body ends by its code.
fn stand(reply: &Reply, ask: &Ask) -> Result<Stand, Error> {
    if reply.body.is_empty() {
        return Ok(match reply.status {
            StatusCode::ACCEPTED => Stand::Running,
            _ => Stand::Succeeded,
        });
    }
    let status: Status = serde_json::from_slice(&reply.body).map_err(|_| Error::Answer {
        host: host(&ask.url),
        fault: "the status of an operation is not of the documented form".to_owned(),
        call: Some(Box::new(reply.call.clone())),
    })?;
    Ok(ended(status))
}

/// The contract knows three words for the end; any other is a stage on the way.
fn ended(status: Status) -> Stand {
    match status.status.to_ascii_lowercase().as_str() {
        "succeeded" => Stand::Succeeded,
        word @ ("failed" | "canceled" | "cancelled") => {
            let Fault { code, message } = status.error.unwrap_or_default();
            let or = |text: String, other: &str| match text.is_empty() {
                true => other.to_owned(),
                false => text,
            };
            Stand::Ended(Fault {
                code: or(code, if word == "failed" { "Failed" } else { "Canceled" }),
                message: or(message, "no reason given"),
            })
        }
        _ => Stand::Running,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::played::{Answer, Played, answer};
    use crate::azure::principal::Proof;
    use crate::azure::runtime::block_on;
    use crate::azure::sign_in::SignIn;
    use disk_prep::noun::{Diagnose, ErrorKind};

    const RESOURCE: &str = "{\"name\":\"job\"}";
    const RUNNING: &str = "{\"status\":\"InProgress\"}";
    const SUCCEEDED: &str = "{\"status\":\"Succeeded\"}";

    /// What an operation ended with: status and body, or the code of the error and what it says.
    type Ended = Result<(u16, String), (&'static str, String)>;

    fn follow(played: &Played, method: Method) -> Ended {
        let url = played.url("/rg/job?api-version=1");
        let ask = Ask { method, url, body: None, repeat: Repeat::Harmless };
        let ended = block_on(played.exchange().follow(&ask));
        let ended = ended.map(|reply| {
            let body = String::from_utf8(reply.body.to_vec()).unwrap();
            (reply.status.as_u16(), body)
        });
        ended.map_err(|error| (error.code(), error.to_string()))
    }

    fn ended(status: u16, body: &str) -> Ended {
        Ok((status, body.to_owned()))
    }

    fn asked(played: &Played) -> Vec<String> {
        played.asked().into_iter().skip(1).collect()
    }

    #[test]
    fn a_chain_of_addresses_is_followed_to_the_resource_as_each_was_given() {
        // As it was recorded, with shorter signatures.
        let played = Played::start(vec![
            answer(202, "location: {}/results/1?t=1&c=M%2bI&s=a%20b&h=x%3D", ""),
            answer(202, "location: {}/results/1?t=2&c=M%2bI&s=c&h=y", ""),
            answer(202, "location: {}/rg/job?api-version=1", ""),
            answer(200, "", RESOURCE),
        ]);
        assert_eq!(follow(&played, Method::PUT), ended(200, RESOURCE));
        assert_eq!(
            asked(&played),
            [
                "GET /results/1?t=1&c=M%2bI&s=a%20b&h=x%3D",
                "GET /results/1?t=2&c=M%2bI&s=c&h=y",
                "GET /rg/job?api-version=1",
            ]
        );
        assert_eq!(played.pauses_ms(), [1000, 1500, 2250]);
    }

    #[test]
    fn a_deletion_ends_with_nothing_and_an_address_that_is_not_given_again_stays() {
        let played = Played::start(vec![
            answer(202, "location: /results/1?s=S\r\nretry-after: 7", ""),
            answer(202, "retry-after: 3", ""),
            answer(204, "", ""),
        ]);
        assert_eq!(follow(&played, Method::DELETE), ended(204, ""));
        assert_eq!(asked(&played), ["GET /results/1?s=S", "GET /results/1?s=S"]);
        assert_eq!(played.pauses_ms(), [7000, 3000]);
    }

    #[test]
    fn an_address_with_doubled_parts_that_comes_twice_is_asked_for_as_it_was_given() {
        let (at, asked_for) =
            ("/subscriptions//subscriptions/S/r?a=1", "GET /subscriptions//subscriptions/S/r?a=1");
        for header in ["location", "azure-asyncoperation"] {
            for host in ["", "{}"] {
                let twice = format!("{header}: {host}{at}\r\n{header}: {host}{at}");
                let all = vec![answer(202, &twice, ""), answer(200, "", SUCCEEDED)];
                let played = Played::start(all);
                assert_eq!(follow(&played, Method::POST), ended(200, SUCCEEDED));
                assert_eq!(asked(&played), [asked_for], "{header} {host}");
            }
        }
    }

    #[test]
    fn what_is_done_at_once_is_not_followed() {
        for (status, headers) in
            [(200, ""), (201, "location: /elsewhere"), (204, "azure-asyncoperation: /status")]
        {
            let played = Played::start(vec![answer(status, headers, "")]);
            assert_eq!(follow(&played, Method::PUT), ended(status, ""));
            assert!(asked(&played).is_empty() && played.pauses_ms().is_empty());
        }
    }

    #[test]
    fn a_status_of_its_own_goes_before_an_address_and_what_came_of_it_is_read_after() {
        let both = "azure-asyncoperation: {}/status?s=1\r\nlocation: {}/result?s=2";
        let run = |method, first: Answer, more: Vec<Answer>| {
            let played = Played::start([vec![first], more].concat());
            (follow(&played, method), asked(&played))
        };
        let looks = || vec![answer(200, "", RUNNING), answer(200, "", SUCCEEDED)];
        let with = |last: Answer| [looks(), vec![last]].concat();
        let status = "GET /status?s=1";
        let (came, asked) =
            run(Method::POST, answer(202, both, ""), with(answer(200, "", RESOURCE)));
        assert_eq!(came, ended(200, RESOURCE));
        assert_eq!(asked, [status, status, "GET /result?s=2"]);
        let only = "azure-asyncoperation: {}/status?s=1";
        for method in [Method::PUT, Method::PATCH] {
            for code in [200, 201, 202] {
                let first = answer(code, only, "{\"name\":\"not yet\"}");
                let (came, asked) = run(method.clone(), first, with(answer(200, "", RESOURCE)));
                assert_eq!(came, ended(200, RESOURCE));
                assert_eq!(asked, [status, status, "GET /rg/job?api-version=1"]);
            }
        }
        let (came, asked) = run(Method::DELETE, answer(202, only, ""), looks());
        assert_eq!((came, asked.len()), (ended(200, SUCCEEDED), 2));
        // The status moves, and has no body while it runs.
        let moved = answer(202, "azure-asyncoperation: {}/moved", "");
        let (came, asked) =
            run(Method::DELETE, answer(202, only, ""), vec![moved, answer(200, "", SUCCEEDED)]);
        assert_eq!(
            (came.is_ok(), asked.as_slice()),
            (true, &[status.into(), "GET /moved".into()][..])
        );
    }

    #[test]
    fn a_chain_that_ends_with_a_failure_is_no_resource_though_the_answer_is_200() {
        let run = |body: &str| {
            let first = answer(202, "location: /results/1?s=S", "");
            follow(&Played::start(vec![first, answer(200, "", body)]), Method::PUT)
        };
        let (code, text) =
            run(r#"{"status":"Failed","error":{"code":"Word","message":"a rule"}}"#).unwrap_err();
        assert_eq!(code, "azure-operation-failed");
        assert!(text.contains("Word: a rule"), "{text}");
        for body in [RESOURCE, SUCCEEDED, r#"{"status":"Failed","name":"job"}"#] {
            assert_eq!(run(body), ended(200, body), "{body}");
        }
    }

    #[test]
    fn an_operation_that_fails_says_why_though_the_answer_is_200() {
        for (body, text) in [
            (r#"{"status":"Failed","error":{"code":"Word","message":"a rule"}}"#, "Word: a rule"),
            (r#"{"status":"failed"}"#, "Failed: no reason given"),
            (r#"{"status":"Canceled","error":{}}"#, "Canceled: no reason given"),
        ] {
            let first = answer(202, "azure-asyncoperation: {}/status", "");
            let played = Played::start(vec![first, answer(200, "", body)]);
            let (code, told) = follow(&played, Method::PUT).unwrap_err();
            assert_eq!(code, "azure-operation-failed");
            assert!(told.ends_with(text), "{told}");
        }
        let first = answer(202, "azure-asyncoperation: {}/status", "");
        let played = Played::start(vec![first, answer(200, "", "{\"state\": 1}")]);
        assert_eq!(follow(&played, Method::PUT).unwrap_err().0, "azure-answer");
        let played = Played::start(vec![answer(202, "", "")]);
        assert_eq!(follow(&played, Method::PUT).unwrap_err().0, "azure-answer");
        // The chain itself may end so.
        let gone = answer(404, "", r#"{"error":{"code":"Gone","message":"no such thing"}}"#);
        let played = Played::start(vec![answer(202, "location: /r", ""), gone]);
        assert_eq!(follow(&played, Method::PUT).unwrap_err().0, "azure-not-found");
    }

    #[test]
    fn no_other_host_is_asked_and_nothing_of_its_address_is_told() {
        for header in ["location", "azure-asyncoperation"] {
            for at in ["https://elsewhere/x?sig=SECRET", "//elsewhere/x?sig=SECRET"] {
                let text = format!("{header}: {at}");
                let played = Played::start(vec![answer(202, &text, "")]);
                let (code, told) = follow(&played, Method::PUT).unwrap_err();
                assert_eq!(code, "azure-foreign-link");
                assert!(!told.contains("SECRET"), "{told}");
                let played =
                    Played::start(vec![answer(202, "location: /r", ""), answer(202, &text, "")]);
                let came = follow(&played, Method::PUT);
                assert!(header != "location" || came.unwrap_err().0 == "azure-foreign-link");
            }
        }
    }

    #[test]
    fn a_look_that_fails_is_repeated_and_an_endless_operation_is_left_to_itself() {
        let played = Played::start(vec![
            answer(202, "location: /r?s=SECRET", ""),
            answer(503, "retry-after: 2", ""),
            answer(200, "", RESOURCE),
        ]);
        assert_eq!(follow(&played, Method::PUT), ended(200, RESOURCE));
        assert_eq!(played.pauses_ms(), [1000, 2000]);
        for (header, looks) in [("retry-after: 600", 3), ("retry-after: 0", LOOKS as usize)] {
            let again = answer(202, &format!("location: /r?s=SECRET\r\n{header}"), "");
            let played = Played::start(vec![again; looks + 1]);
            let url = played.url("/rg/job");
            let ask = Ask { method: Method::PUT, url, body: None, repeat: Repeat::Harmless };
            let error = block_on(played.exchange().follow(&ask)).unwrap_err();
            assert_eq!(error.code(), "azure-operation-goes-on");
            assert_eq!(error.kind(), ErrorKind::Resumable);
            assert!(error.hint().is_some() && !format!("{error:?}").contains("SECRET"));
            assert_eq!(asked(&played).len(), looks);
        }
    }

    #[test]
    fn a_token_that_ends_on_the_way_is_renewed_once_and_one_that_was_given_is_not() {
        let token = || answer(200, "", r#"{"access_token":"t","expires_in":3600}"#);
        let expired = || answer(401, "", r#"{"error":{"code":"ExpiredAuthenticationToken"}}"#);
        let begun = || answer(202, "location: /r", "");
        let by_principal = |answers| {
            let played = Played::start(answers);
            let proof = Proof::Secret("secret".to_owned().into());
            let url = played.url("/token");
            let exchange =
                played.exchange_by(SignIn::Principal { url, client: "c".to_owned(), proof });
            let url = played.url("/rg/job");
            let ask = Ask { method: Method::PUT, url, body: None, repeat: Repeat::Harmless };
            let came = block_on(exchange.follow(&ask)).map(|reply| reply.status.as_u16());
            (came.map_err(|error| error.code()), played.asked())
        };
        let all = vec![token(), begun(), expired(), token(), answer(200, "", RESOURCE)];
        let (came, asked) = by_principal(all);
        assert_eq!(came, Ok(200));
        assert_eq!(asked, ["POST /token", "PUT /rg/job", "GET /r", "POST /token", "GET /r"]);
        let (came, asked) = by_principal(vec![token(), begun(), expired(), token(), expired()]);
        assert_eq!((came, asked.len()), (Err("azure-token-over"), 5));
        let played = Played::start(vec![begun(), expired()]);
        assert_eq!(follow(&played, Method::PUT).unwrap_err().0, "azure-token-over");
    }
}
