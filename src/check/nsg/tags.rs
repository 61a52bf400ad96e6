//! Service tags, networks and addresses as spans of numbers. Only IPv4: VMs reach the backup by it.

use std::net::{IpAddr, Ipv4Addr};

use serde::Deserialize;

use super::group::Destination;

/// Addresses of Azure's services, as Microsoft publishes them and as
/// `az network list-service-tags` prints them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TagList(Vec<(String, Vec<Span>)>);

/// Addresses from the first to the last.
pub(super) type Span = (u32, u32);

const ALL: Span = (0, u32::MAX);

#[derive(Deserialize)]
struct WireList {
    values: Vec<WireTag>,
}

#[derive(Deserialize)]
struct WireTag {
    name: String,
    properties: WireAddresses,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireAddresses {
    address_prefixes: Vec<String>,
}

/// Reads a list of service tags (JSON).
pub fn read_tags(text: &str) -> Result<TagList, serde_json::Error> {
    let list: WireList = serde_json::from_str(text)?;
    let tag = |own: WireTag| {
        let spans = own.properties.address_prefixes.iter().filter_map(|text| span(text));
        (own.name, spans.collect())
    };
    Ok(TagList(list.values.into_iter().map(tag).collect()))
}

impl TagList {
    fn of(&self, name: &str) -> Option<&[Span]> {
        let found = self.0.iter().find(|own| own.0.eq_ignore_ascii_case(name));
        found.map(|own| own.1.as_slice()).filter(|own| !own.is_empty())
    }
}

/// An address, or a network.
pub(super) fn span(text: &str) -> Option<Span> {
    let (address, length) = text.split_once('/').unwrap_or((text, "32"));
    let (address, length) = (address.parse::<Ipv4Addr>().ok()?, length.parse::<u32>().ok()?);
    let mask = u32::MAX.checked_shr(length).unwrap_or(0);
    let first = address.to_bits() & !mask;
    (length <= 32).then_some((first, first | mask))
}

/// The addresses of a target. Of a tag that no list has only this is known: that it has some.
pub(super) fn of_target(to: &Destination, tags: Option<&TagList>) -> Vec<Span> {
    match to {
        Destination::Address(IpAddr::V4(own)) => vec![(own.to_bits(), own.to_bits())],
        Destination::Address(IpAddr::V6(_)) => Vec::new(),
        Destination::Tag { .. } => match tags.and_then(|list| list.of(&to.told())) {
            Some(spans) => spans.to_vec(),
            None => vec![ALL],
        },
    }
}

/// Which addresses of a target the prefix of a rule is of; `None` if nothing says.
pub(super) fn of_prefix(
    prefix: &str,
    to: &Destination,
    tags: Option<&TagList>,
) -> Option<Vec<Span>> {
    let is = |name: &str| prefix.eq_ignore_ascii_case(name);
    if is("*") || is("Any") || prefix == "0.0.0.0/0" {
        return Some(vec![ALL]);
    }
    match to {
        Destination::Address(own) => of_address(prefix, *own, tags),
        Destination::Tag { name, region } => {
            let is_listed = tags.is_some_and(|list| list.of(&to.told()).is_some());
            if let Some(own) = span(prefix) {
                return is_listed.then(|| vec![own]);
            }
            if is("Internet") || is("AzureCloud") || is(name) || is(&to.told()) {
                return Some(vec![ALL]);
            }
            if let Some(own) = tags.and_then(|list| list.of(prefix)).filter(|_| is_listed) {
                return Some(own.to_vec());
            }
            let (base, of) = prefix.split_once('.').unwrap_or((prefix, ""));
            let is_cloud = base.eq_ignore_ascii_case("AzureCloud");
            match region {
                _ if !is_cloud && !base.eq_ignore_ascii_case(name) => Some(Vec::new()),
                Some(own) if own.eq_ignore_ascii_case(of) => Some(vec![ALL]),
                Some(_) => Some(Vec::new()),
                None => None,
            }
        }
    }
}

/// An address of one's own network is no part of the Internet.
fn of_address(prefix: &str, to: IpAddr, tags: Option<&TagList>) -> Option<Vec<Span>> {
    if let Some(own) = span(prefix) {
        return Some(vec![own]);
    }
    let is_private = match to {
        IpAddr::V4(own) => own.is_private() || own.is_link_local(),
        IpAddr::V6(own) => own.is_unique_local(),
    };
    let whole = |is: bool| if is { vec![ALL] } else { Vec::new() };
    let is = |name: &str| prefix.eq_ignore_ascii_case(name);
    if is("Internet") {
        return Some(whole(!is_private));
    }
    if is("VirtualNetwork") {
        // What else belongs to it is not known.
        return is_private.then(|| whole(true));
    }
    match tags.and_then(|list| list.of(prefix)) {
        Some(own) => Some(own.to_vec()),
        None => is_private.then(|| whole(false)),
    }
}

/// Whether a rule is for a VM of this address; `None` if that depends on one that is not known.
pub(super) fn is_source(prefixes: &[String], from: Option<Ipv4Addr>) -> Option<bool> {
    let from = from.map(Ipv4Addr::to_bits);
    let is = |text: &String| match span(text) {
        Some((first, last)) if (first, last) != ALL => {
            from.map(|from| (first..=last).contains(&from))
        }
        Some(_) => Some(true),
        None => {
            let is = |word: &str| text.eq_ignore_ascii_case(word);
            Some(is("*") || is("Any") || is("VirtualNetwork"))
        }
    };
    let each: Vec<Option<bool>> = prefixes.iter().map(is).collect();
    match each.contains(&Some(true)) {
        true => Some(true),
        false => (!each.contains(&None)).then_some(false),
    }
}

/// What both have.
pub(super) fn common(one: &[Span], other: &[Span]) -> Vec<Span> {
    let meet = |own: &Span, with: &Span| (own.0.max(with.0), own.1.min(with.1));
    let all = one.iter().flat_map(|own| other.iter().map(move |with| meet(own, with)));
    all.filter(|own| own.0 <= own.1).collect()
}

/// What the first has, and the other has not.
pub(super) fn without(one: &[Span], other: &[Span]) -> Vec<Span> {
    let mut left = one.to_vec();
    for gone in other {
        let mut next = Vec::with_capacity(left.len());
        for own in left {
            if gone.1 < own.0 || own.1 < gone.0 {
                next.push(own);
                continue;
            }
            if own.0 < gone.0 {
                next.push((own.0, gone.0 - 1));
            }
            if gone.1 < own.1 {
                next.push((gone.1 + 1, own.1));
            }
        }
        left = next;
    }
    left
}
