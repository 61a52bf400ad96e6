//! Several calls in one ("Blob Batch"): deletions and changes of tier, each with its own
//! authorization and its own answer.

use hyper::body::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{HeaderMap, Method};

use super::call::{Context, Path3};
use super::fault::Fault;
use crate::http::{Answer, Body, Call};

/// "Blob Batch": the most calls in one.
const MOST: usize = 256;

/// Answers one call.
type Route = fn(Context<'_>, Path3) -> Result<Answer, Fault>;

/// Answers a batch, of the account or of a container; `route` answers each of its calls.
pub(super) fn answer(context: Context<'_>, place: &Path3, route: Route) -> Result<Answer, Fault> {
    let kind = context.call.header("content-type").unwrap_or_default();
    let boundary = boundary(kind).ok_or_else(|| Fault::header("content-type"))?;
    let body = std::str::from_utf8(&context.call.body).map_err(|_| malformed())?;
    let parts = parts(body, boundary).ok_or_else(malformed)?;
    if parts.is_empty() || parts.len() > MOST {
        return Err(Fault::new(400, "InvalidInput", "A batch has 1 to 256 calls."));
    }
    let own = format!("batchresponse_{}", uuid::Uuid::new_v4());
    let mut text = String::new();
    for part in &parts {
        let (id, call) = read(part).ok_or_else(malformed)?;
        let answer =
            one((context, route), place, &call).unwrap_or_else(|fault| fault.answer(false));
        text.push_str(&format!("--{own}\r\nContent-Type: application/http\r\n"));
        if let Some(id) = id {
            text.push_str(&format!("Content-ID: {id}\r\n"));
        }
        text.push_str(&told(&answer));
    }
    text.push_str(&format!("--{own}--\r\n"));
    let answer = Answer::of(202, Body::Whole(text.into()));
    Ok(answer.with("content-type", format!("multipart/mixed; boundary={own}")))
}

fn malformed() -> Fault {
    Fault::new(400, "InvalidInput", "The batch cannot be read.")
}

fn boundary(kind: &str) -> Option<&str> {
    let (kind, rest) = kind.split_once(';')?;
    let boundary = rest.split(';').find_map(|own| own.trim().strip_prefix("boundary="))?;
    let boundary = boundary.trim_matches('"');
    let is_mixed = kind.trim().eq_ignore_ascii_case("multipart/mixed");
    (is_mixed && !boundary.is_empty()).then_some(boundary)
}

/// What stands between the marks, the last of which ends it.
fn parts<'b>(body: &'b str, boundary: &str) -> Option<Vec<&'b str>> {
    let mark = format!("--{boundary}");
    let mut parts = body.split(mark.as_str());
    parts.next()?;
    let mut found = Vec::new();
    for part in parts {
        if part.starts_with("--") {
            return Some(found);
        }
        found.push(part.trim_start());
    }
    None
}

/// The id of a part and the call in it.
fn read(part: &str) -> Option<(Option<String>, Call)> {
    let mut lines = part.lines();
    let mut id = None;
    for line in lines.by_ref().take_while(|line| !line.trim().is_empty()) {
        let (name, value) = line.split_once(':')?;
        if name.eq_ignore_ascii_case("content-id") {
            id = Some(value.trim().to_owned());
        }
    }
    let mut words = lines.next()?.split(' ');
    let method: Method = words.next()?.parse().ok()?;
    let (path, query) = words.next().map(|to| to.split_once('?').unwrap_or((to, "")))?;
    let mut headers = HeaderMap::new();
    for line in lines.take_while(|line| !line.trim().is_empty()) {
        let (name, value) = line.split_once(':')?;
        let name: HeaderName = name.trim().parse().ok()?;
        headers.insert(name, HeaderValue::from_str(value.trim()).ok()?);
    }
    let query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let path = path.to_owned();
    Some((id, Call { method, path, query, headers, body: Bytes::new() }))
}

/// One call, which stays inside the account, and inside the container if the batch is of one.
fn one(
    (context, route): (Context<'_>, Route),
    place: &Path3,
    call: &Call,
) -> Result<Answer, Fault> {
    let is_known = matches!(
        (&call.method, call.operation()),
        (&Method::DELETE, (None, None)) | (&Method::PUT, (None, Some("tier")))
    );
    if !is_known {
        return Err(Fault::input("A batch holds deletions and changes of tier."));
    }
    let nowhere = || Fault::new(404, "ResourceNotFound", "There is nothing at this path.");
    let own = place.account.as_str();
    let is_named = context.addresses.account_of(context.call.host()).is_some();
    let begins = call.path.strip_prefix('/').and_then(|rest| rest.strip_prefix(own));
    // Some clients leave the account out of the path though the address has it there.
    let named = match begins {
        Some(rest) if !is_named && rest.starts_with('/') => None,
        _ => Some(own.to_owned()),
    };
    let path = Path3::parse(named, &call.path).ok_or_else(nowhere)?;
    let is_inside = place.container.is_none() || place.container == path.container;
    if path.account != own || !is_inside || path.blob.is_none() {
        return Err(nowhere());
    }
    route(Context { call, ..context }, path)
}

/// An answer as a part of the batch's.
fn told(answer: &Answer) -> String {
    let status = hyper::StatusCode::from_u16(answer.status);
    let reason = status.ok().and_then(|status| status.canonical_reason()).unwrap_or_default();
    let mut text = format!("\r\nHTTP/1.1 {} {reason}\r\n", answer.status);
    for (name, value) in &answer.headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    let body = match &answer.body {
        Body::Whole(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Body::Stretch { .. } | Body::Head(_) => String::new(),
    };
    text.push_str(&format!("content-length: {}\r\n\r\n{body}\r\n", body.len()));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_taken_apart_whatever_ends_its_lines() {
        let text = "--b\r\nContent-Type: application/http\r\nContent-ID: 0\r\n\r\n\
                    DELETE /account1/box/a%20b?x=1 HTTP/1.1\r\nx-ms-date: now\r\n\r\n--b--\r\n";
        for text in [text.to_owned(), text.replace("\r\n", "\n")] {
            let all = parts(&text, "b").unwrap();
            let (id, call) = read(all[0]).unwrap();
            assert_eq!((all.len(), id.as_deref()), (1, Some("0")));
            assert_eq!(
                (call.method.as_str(), call.path.as_str()),
                ("DELETE", "/account1/box/a%20b")
            );
            assert_eq!((call.parameter("x"), call.header("x-ms-date")), (Some("1"), Some("now")));
        }
        assert_eq!(parts("--b\r\nContent-Type: a\r\n", "b"), None, "it was cut off");
    }

    #[test]
    fn only_a_batch_has_a_boundary() {
        assert_eq!(boundary("multipart/mixed; boundary=b"), Some("b"));
        assert_eq!(boundary("multipart/mixed; charset=x; boundary=\"b\""), Some("b"));
        for kind in ["", "multipart/mixed", "text/plain; boundary=b", "multipart/mixed; boundary="]
        {
            assert_eq!(boundary(kind), None, "{kind}");
        }
    }
}
