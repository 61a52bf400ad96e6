//! What every call to the resource manager brings, and all that it is answered with.

use jiff::Timestamp;

use super::registry::Registry;
use crate::account::Account;
use crate::addresses::Addresses;
use crate::blobs::service::BlobService;
use crate::http::Call;
use crate::jobs::book::JobBook;
use crate::recovery::WorldBook;

/// What a call needs.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub account: &'a Account,
    pub book: &'a JobBook,
    pub registry: &'a Registry,
    pub world: &'a WorldBook,
    /// The blob service, if it is the emulator's own; it has the bytes of managed disks.
    pub blobs: Option<&'a BlobService>,
    pub now: Timestamp,
    /// `scheme://host:port`, as the next page of a list is reached.
    pub origin: &'a str,
    /// Where blobs are.
    pub addresses: &'a Addresses,
    pub call: &'a Call,
}

/// Where a call points to, below one provider.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Path {
    pub subscription: Option<String>,
    pub group: Option<String>,
    /// In small letters: the resource manager compares fixed words without regard to case.
    pub provider: String,
    /// What follows the provider, as it was sent.
    pub rest: Vec<String>,
}

impl Path {
    /// Takes the parts of a path apart; `None` if no provider is named.
    pub fn of(parts: &[String]) -> Option<Self> {
        let mut target =
            Path { subscription: None, group: None, provider: String::new(), rest: Vec::new() };
        let mut parts = parts.iter();
        while let Some(word) = parts.next() {
            let value = parts.next()?.clone();
            match word.to_lowercase().as_str() {
                "subscriptions" if target.subscription.is_none() => {
                    target.subscription = Some(value);
                }
                "resourcegroups" if target.subscription.is_some() && target.group.is_none() => {
                    target.group = Some(value);
                }
                "providers" => {
                    target.provider = value.to_lowercase();
                    target.rest = parts.cloned().collect();
                    return Some(target);
                }
                _ => return None,
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(path: &str) -> Option<Path> {
        Path::of(&path.split('/').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn a_path_is_a_scope_a_provider_and_the_rest() {
        let whole = target("Subscriptions/s/resourceGroups/G/providers/A.B/jobs/J").unwrap();
        assert_eq!((whole.subscription.as_deref(), whole.group.as_deref()), (Some("s"), Some("G")));
        assert_eq!((whole.provider.as_str(), whole.rest), ("a.b", vec!["jobs".into(), "J".into()]));
        assert_eq!(target("providers/A.B").unwrap().subscription, None);
        for path in ["", "subscriptions/s", "subscriptions/s/jobs", "resourceGroups/g/providers/x"]
        {
            assert_eq!(target(path), None, "{path}");
        }
    }
}
