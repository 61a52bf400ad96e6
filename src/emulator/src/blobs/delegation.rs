//! "Get User Delegation Key": a key for who signed in, with which he signs for others.

use jiff::SignedDuration;
use quick_xml::Reader;
use quick_xml::escape::escape;
use quick_xml::events::Event;

use super::access::Proof;
use super::call::{Context, VERSION};
use super::fault::Fault;
use super::sas::{Delegation, moment};
use crate::http::Answer;

/// The longest that a key is good for.
const LONGEST: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Gives a key to who came with a token.
pub(super) fn answer(context: Context<'_>, proof: Proof) -> Result<Answer, Fault> {
    if proof != Proof::Token {
        return Err(Fault::authentication());
    }
    let (start, end) = parse(&context.call.body)?;
    let times = moment(&start).zip(moment(&end)).ok_or_else(Fault::xml)?;
    let now = jiff::Timestamp::now();
    if times.1 <= now || times.1 <= times.0 || times.1.duration_since(now) > LONGEST {
        return Err(Fault::input("A key is for a time that is to come, seven days at most."));
    }
    let token = context.call.header("authorization").unwrap_or_default();
    let (user, tenant) = context.account.identity(token.trim_start_matches("Bearer "));
    let (user, tenant) = (user.as_str(), tenant.as_str());
    let version = context.call.header("x-ms-version").unwrap_or(VERSION);
    let own = Delegation { user, tenant, start: &start, end: &end, version };
    let value = own.key_text(context.account, context.own);
    Ok(Answer::xml(
        200,
        format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><UserDelegationKey>\
             <SignedOid>{}</SignedOid><SignedTid>{}</SignedTid><SignedStart>{}</SignedStart>\
             <SignedExpiry>{}</SignedExpiry><SignedService>b</SignedService>\
             <SignedVersion>{}</SignedVersion><Value>{value}</Value></UserDelegationKey>",
            escape(user),
            escape(tenant),
            escape(&start),
            escape(&end),
            escape(version),
        ),
    ))
}

/// From when until when.
fn parse(body: &[u8]) -> Result<(String, String), Fault> {
    let mut reader = Reader::from_reader(body);
    reader.config_mut().trim_text(true);
    let (mut start, mut end, mut tag) = (String::new(), String::new(), Vec::new());
    loop {
        match reader.read_event().map_err(|_| Fault::xml())? {
            Event::Start(own) => tag = own.name().as_ref().to_vec(),
            Event::Text(text) => {
                let text = text.decode().map_err(|_| Fault::xml())?;
                match tag.as_slice() {
                    b"Start" => start.push_str(&text),
                    b"Expiry" => end.push_str(&text),
                    _ => {}
                }
            }
            Event::End(_) => tag.clear(),
            Event::GeneralRef(_) | Event::DocType(_) => return Err(Fault::xml()),
            Event::Eof => break,
            _ => {}
        }
    }
    if end.is_empty() { Err(Fault::xml()) } else { Ok((start, end)) }
}
