//! Mischief on purpose: what a service does wrong on a bad day. Stands before both doors, told by a
//! flag at the start, by the control socket, or by a call's own header. Knows calls and answers,
//! nothing of what they mean.

mod alter;
mod kind;
mod refuse;

use std::collections::BTreeSet;
use std::sync::Mutex;

use disk_prep::sys::hold::hold;
use sha2::{Digest, Sha256};

pub(super) use kind::{COPIES, Door};
pub use kind::{Mischief, Wanted};

use crate::http::{Answer, Call};
use kind::bearer;

/// With this header a call asks for mischief on itself.
const HEADER: &str = "x-emulator-mischief";

/// How a mischief stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Which.
    pub mischief: Mischief,
    /// How often it will strike yet; `None` until it is called off.
    pub left: Option<u32>,
    /// How often it has struck.
    pub struck: u32,
}

/// All mischief that is on.
#[derive(Debug, Default)]
pub(super) struct Imp(Mutex<Mood>);

#[derive(Debug, Default)]
struct Mood {
    all: Vec<Standing>,
    /// Tokens that are over, by their hashes.
    over: BTreeSet<[u8; 32]>,
    /// Tokens that have opened something while one was to be over.
    seen: BTreeSet<[u8; 32]>,
    /// Calls that come once more after the lease went to another.
    late: Vec<Call>,
}

impl Imp {
    /// What is wanted from the start.
    pub fn new(wanted: &[Wanted]) -> Self {
        let own = Imp::default();
        own.add(wanted);
        own
    }

    /// Adds mischief; one that is on begins anew.
    pub fn add(&self, wanted: &[Wanted]) {
        let mut mood = hold(&self.0);
        for Wanted { mischief, times } in wanted {
            mood.all.retain(|own| own.mischief != *mischief);
            mood.all.push(Standing { mischief: *mischief, left: *times, struck: 0 });
        }
    }

    /// Calls all of it off; tokens that are over stay so.
    pub fn clear(&self) {
        let mut mood = hold(&self.0);
        mood.all.clear();
        mood.seen.clear();
        mood.late.clear();
    }

    /// What is on, and what has been.
    pub fn standing(&self) -> Vec<Standing> {
        hold(&self.0).all.clone()
    }

    /// Answers a call, with all the mischief that strikes it.
    pub fn answer(&self, door: Door, mut call: Call, well: impl Fn(&Call) -> Answer) -> Answer {
        if is_sign_in(&call) {
            return well(&call);
        }
        if bearer(&call).is_some_and(|token| hold(&self.0).over.contains(&hash(token))) {
            return refuse::expired(door);
        }
        let asked = call.header(HEADER).unwrap_or_default();
        let own: Vec<Mischief> =
            asked.split(',').filter_map(|name| name.trim().parse().ok()).collect();
        let meant = self.meant(door, &call, &own);
        for mischief in &meant {
            if let Some(answer) = refuse::answer(*mischief, door, &call) {
                self.strike(*mischief);
                return answer;
            }
        }
        alter::copies(&mut call, &meant);
        let is_second = alter::call(&mut call);
        let mut answer = well(&call);
        if meant.contains(&Mischief::LateDuplicates) {
            hold(&self.0).late.push(call.clone());
        }
        if is_end_of_lease(&call) {
            let all = std::mem::take(&mut hold(&self.0).late);
            for late in all {
                // Who sent it has its answer; nobody waits for this one.
                drop(well(&late));
                self.strike(Mischief::LateDuplicates);
            }
        }
        for mischief in meant {
            if (mischief, is_second) != (Mischief::EmptyPages, true)
                && alter::answer(mischief, door, &call, &mut answer)
            {
                self.strike(mischief);
            }
        }
        answer
    }

    /// What may strike a call: what is on and what it asks for itself.
    fn meant(&self, door: Door, call: &Call, own: &[Mischief]) -> Vec<Mischief> {
        let mut mood = hold(&self.0);
        let is_on = |standing: &&Standing| standing.left != Some(0);
        let on: Vec<Mischief> = mood.all.iter().filter(is_on).map(|own| own.mischief).collect();
        let all = on.into_iter().chain(own.iter().copied());
        let mut meant: Vec<Mischief> = all.filter(|own| own.is_for(door, call)).collect();
        meant.dedup();
        // In mid-run: the token has opened something before.
        if let (true, Some(token)) = (meant.contains(&Mischief::ExpiredToken), bearer(call)) {
            let token = hash(token);
            if mood.seen.insert(token) && !own.contains(&Mischief::ExpiredToken) {
                meant.retain(|own| *own != Mischief::ExpiredToken);
            } else {
                mood.over.insert(token);
            }
        }
        meant
    }

    fn strike(&self, mischief: Mischief) {
        let mut mood = hold(&self.0);
        if let Some(own) = mood.all.iter_mut().find(|own| own.mischief == mischief) {
            own.struck = own.struck.saturating_add(1);
            own.left = own.left.map(|left| left.saturating_sub(1));
        }
    }
}

/// Whether a lease goes to another, or to nobody.
fn is_end_of_lease(call: &Call) -> bool {
    let action = call.header("x-ms-lease-action").unwrap_or_default();
    ["release", "change", "break"].contains(&action)
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// Nobody could sign in anew if mischief struck there.
fn is_sign_in(call: &Call) -> bool {
    call.path.ends_with("/oauth2/v2.0/token") || call.path.contains("/.well-known/")
}

#[cfg(test)]
mod tests {
    use hyper::Method;
    use hyper::body::Bytes;

    use super::*;

    fn call(method: Method, path: &str, headers: &[(&'static str, &'static str)]) -> Call {
        let headers = headers.iter().map(|(name, value)| {
            (name.parse().unwrap(), hyper::header::HeaderValue::from_static(value))
        });
        let headers = headers.collect();
        Call { method, path: path.to_owned(), query: Vec::new(), headers, body: Bytes::new() }
    }

    fn status(imp: &Imp, call: Call) -> u16 {
        imp.answer(Door::Arm, call, |_| Answer::empty(200)).status
    }

    #[test]
    fn a_burst_ends_and_is_counted() {
        let imp = Imp::new(&["burst-503:2".parse().unwrap()]);
        let get = || call(Method::GET, "/subscriptions", &[]);
        let statuses: Vec<u16> = (0..3).map(|_| status(&imp, get())).collect();
        assert_eq!(statuses, [503, 503, 200]);
        assert_eq!((imp.standing()[0].left, imp.standing()[0].struck), (Some(0), 2));
        imp.clear();
        assert!(imp.standing().is_empty());
    }

    #[test]
    fn pages_come_once_more_when_the_lease_is_anothers() {
        let imp = Imp::new(&["late-duplicates".parse().unwrap()]);
        let seen = Mutex::new(Vec::new());
        let ask = |comp: &str, headers: &[(&'static str, &'static str)]| {
            let call = call(Method::PUT, "/a/c/b", headers);
            let call = Call { query: vec![("comp".to_owned(), comp.to_owned())], ..call };
            imp.answer(Door::Blobs, call, |call| {
                hold(&seen).push(call.parameter("comp").unwrap_or_default().to_owned());
                Answer::empty(201)
            });
        };
        ask("page", &[("x-ms-lease-id", "one")]);
        ask("page", &[]);
        ask("lease", &[("x-ms-lease-action", "renew")]);
        ask("lease", &[("x-ms-lease-action", "release")]);
        ask("lease", &[("x-ms-lease-action", "release")]);
        assert_eq!(*hold(&seen), ["page", "page", "lease", "lease", "page", "lease"]);
        assert_eq!(imp.standing()[0].struck, 1);
    }

    #[test]
    fn a_header_asks_for_its_own_call_alone() {
        let imp = Imp::default();
        let own = call(Method::GET, "/subscriptions", &[("x-emulator-mischief", "burst-500")]);
        assert_eq!(status(&imp, own), 500);
        assert_eq!(status(&imp, call(Method::GET, "/subscriptions", &[])), 200);
    }

    #[test]
    fn a_list_begins_with_an_empty_page_and_has_all_on_the_next() {
        let imp = Imp::new(&["empty-pages".parse().unwrap()]);
        let body = serde_json::json!({"value": [1, 2]});
        let ask = |query: Vec<(String, String)>| {
            let call = call(Method::GET, "/subscriptions/s/jobs", &[("host", "h:1")]);
            imp.answer(Door::Arm, Call { query, ..call }, |_| Answer::json(200, &body))
        };
        let json = |answer: Answer| match answer.body {
            crate::http::Body::Whole(bytes) => serde_json::from_slice(&bytes).unwrap(),
            other => panic!("{other:?}"),
        };
        let first: serde_json::Value = json(ask(vec![("api-version".into(), "1".into())]));
        assert_eq!(first["value"], serde_json::json!([]));
        let next = url::Url::parse(first["nextLink"].as_str().unwrap()).unwrap();
        assert_eq!((next.host_str(), next.path()), (Some("h"), "/subscriptions/s/jobs"));
        let second: serde_json::Value = json(ask(next.query_pairs().into_owned().collect()));
        assert_eq!(second, body);
    }

    #[test]
    fn a_token_is_over_in_mid_run_and_stays_so() {
        let imp = Imp::new(&["expired-token".parse().unwrap()]);
        let by = |token| call(Method::GET, "/subscriptions", &[("authorization", token)]);
        let statuses = ["Bearer a", "Bearer a", "Bearer b", "Bearer a", "Bearer b"];
        let statuses = statuses.map(|token| status(&imp, by(token)));
        assert_eq!(statuses, [200, 401, 200, 401, 200]);
        imp.clear();
        assert_eq!(status(&imp, by("Bearer a")), 401);
        let sign_in = call(Method::POST, "/t/oauth2/v2.0/token", &[]);
        imp.add(&["burst-500".parse().unwrap()]);
        assert_eq!(status(&imp, sign_in), 200, "or nobody could go on");
    }
}
