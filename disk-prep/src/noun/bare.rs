//! The one place that says how an address is shown: without user info, query and fragment, since
//! a shared access signature is a query and a proxy's password is user info. Works on any text,
//! so that messages of libraries, which repeat the address they failed at, go through it too.

use std::borrow::Cow;

/// A text with every address in it bare.
pub fn bare_addresses(text: &str) -> Cow<'_, str> {
    if !text.contains("://") {
        return Cow::Borrowed(text);
    }
    let mut bare = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, address) = rest.split_at(at + 3);
        bare.push_str(before);
        let end = address.find(|c: char| c.is_whitespace() || "\"'<>`".contains(c));
        let (own, after) = address.split_at(end.unwrap_or(address.len()));
        // A bracket or a full stop behind it belongs to the sentence.
        let inner = own.trim_end_matches([')', ']', ',', ';', '.', ':']);
        bare.push_str(bared(inner));
        bare.push_str(&own[inner.len()..]);
        rest = after;
    }
    bare.push_str(rest);
    Cow::Owned(bare)
}

/// Host and path of what stands behind `://`.
fn bared(address: &str) -> &str {
    let authority = address.split(['/', '?', '#']).next().unwrap_or_default();
    let is_port = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    // A password with a slash in it makes the rest of it a path; no port looks like that.
    let is_torn = !authority.starts_with('[')
        && authority.split_once(':').is_some_and(|(_, port)| !is_port(port));
    let user_end = match () {
        () if authority.contains('@') || is_torn => address.rfind('@').map_or(0, |at| at + 1),
        () => 0,
    };
    let host = &address[user_end..];
    let host = host.split(['?', '#']).next().unwrap_or_default();
    // Without an `@` there is no telling where a torn one ends.
    if is_torn && user_end == 0 { authority.split(':').next().unwrap_or_default() } else { host }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_host_and_path_only() {
        for (text, shown) in [
            ("no address", "no address"),
            ("https://a.b/c/d", "https://a.b/c/d"),
            ("https://a.b:8443/c?sv=1&sig=SECRET", "https://a.b:8443/c"),
            ("for url (https://a.b/c?sig=SECRET): refused", "for url (https://a.b/c): refused"),
            ("http://user:SECRET@proxy:3128/", "http://proxy:3128/"),
            ("http://user:SE@CRET@proxy", "http://proxy"),
            ("http://user:SE/CR?ET@proxy:1", "http://proxy:1"),
            ("http://user:SECRET:x", "http://user"),
            ("'https://a/b#SECRET' and \"http://x:SECRET@h\"", "'https://a/b' and \"http://h\""),
            ("https://[::1]:8443/blob?SECRET", "https://[::1]:8443/blob"),
            ("https://a/b?x=(SECRET)&y=SECRET).", "https://a/b)."),
        ] {
            assert_eq!(bare_addresses(text), shown);
        }
    }
}
