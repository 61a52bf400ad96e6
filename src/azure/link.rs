//! A link to a blob, as a service gives it: followed only to the account that is meant.

use disk_prep::noun::{AccountName, ContainerName, check_blob_name};
use percent_encoding::percent_decode_str;
use url::Url;

use super::cloud::BlobHome;
use super::error::Error;

/// Container and name of the blob that a link leads to; `None` if it is none of this account at
/// this endpoint. What else the link says, a signature for one, is not used.
pub fn blob_at(
    link: &str,
    account: &AccountName,
    home: &BlobHome,
) -> Result<Option<(ContainerName, String)>, Error> {
    let base = home.of(account)?;
    Ok(Url::parse(link).ok().and_then(|link| place(&link, &base)))
}

fn place(link: &Url, base: &Url) -> Option<(ContainerName, String)> {
    let is_there = link.scheme() == base.scheme()
        && link.host_str()?.eq_ignore_ascii_case(base.host_str()?)
        && link.port_or_known_default() == base.port_or_known_default()
        && link.username().is_empty()
        && link.password().is_none();
    let path = link.path().strip_prefix(base.path()).filter(|_| is_there)?;
    let path = percent_decode_str(path).decode_utf8().ok()?;
    let (container, name) = path.split_once('/').unwrap_or(("$root", &path));
    let container: ContainerName = container.parse().ok()?;
    check_blob_name(&container, name).ok()?;
    Some((container, name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::cloud::CloudChoice;

    fn at(link: &str, endpoint: Option<&str>) -> Option<String> {
        let home = match endpoint {
            Some(text) => BlobHome::Endpoint(text.parse().unwrap()),
            None => BlobHome::Names(CloudChoice::Public.cloud().unwrap().suffix),
        };
        let found = blob_at(link, &"account1".parse().unwrap(), &home).unwrap();
        found.map(|(container, name)| format!("{container}/{name}"))
    }

    #[test]
    fn a_link_leads_to_a_blob_of_the_account_and_nowhere_else() {
        let own = "https://account1.blob.core.windows.net";
        let log = || Some("logs/a b.xml".to_owned());
        for (link, found) in [
            (format!("{own}/logs/a b.xml"), log()),
            (format!("{own}/logs/a%20b.xml?sv=1&sig=SECRET"), log()),
            (format!("{own}:443/logs/a%20b.xml"), log()),
            (format!("{own}/a.xml"), Some("$root/a.xml".to_owned())),
            (format!("{own}/logs/x/%2e%2e/a b.xml"), log()),
            (format!("{own}/logs/x%2f..%2fa.xml"), None),
            (format!("{own}/logs/"), None),
            (format!("{own}/Logs/a.xml"), None),
            (format!("{own}:444/logs/a.xml"), None),
            ("http://account1.blob.core.windows.net/logs/a.xml".to_owned(), None),
            ("https://account2.blob.core.windows.net/logs/a.xml".to_owned(), None),
            ("https://account1.blob.core.windows.net.evil/logs/a.xml".to_owned(), None),
            ("https://account1.blob.core.windows.net@evil/logs/a.xml".to_owned(), None),
            ("https://user@account1.blob.core.windows.net/logs/a.xml".to_owned(), None),
            ("file:///etc/passwd".to_owned(), None),
            ("logs/a.xml".to_owned(), None),
        ] {
            assert_eq!(at(&link, None), found, "{link}");
        }
        let here = "https://127.0.0.1:9000";
        let of = |link: &str| at(&format!("{here}{link}"), Some(here));
        assert_eq!(of("/account1/logs/a.xml"), Some("logs/a.xml".to_owned()));
        assert_eq!(of("/account11/logs/a.xml"), None);
        assert_eq!(of("/account1/../account2/logs/a.xml"), None);
        assert_eq!(of("/account2/logs/a.xml"), None);
    }
}
