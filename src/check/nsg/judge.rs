//! Which rule of a group decides.

use std::net::Ipv4Addr;

use super::group::{Flow, Group, Rule};
use super::tags::{self, TagList};

/// What a group says of a flow.
#[derive(Debug, PartialEq, Eq)]
pub enum Said<'a> {
    /// All of it is allowed, by this rule at last.
    Allowed(&'a Rule),
    /// It is not, or a part of it is not.
    Blocked {
        /// The first rule that blocks; none if no rule is of it.
        by: Option<&'a Rule>,
        /// Whether another part gets through.
        in_part: bool,
    },
    /// This rule may be of it, and comes first.
    Unknown(&'a Rule),
}

/// What becomes of each address of a flow: the first rule that is of it decides.
pub fn judge<'a>(
    group: &'a Group,
    from: Option<Ipv4Addr>,
    flow: &Flow,
    tags: Option<&TagList>,
) -> Said<'a> {
    let is_meant = |own: &&Rule| {
        let has_port = own.ports.iter().any(|(first, last)| (*first..=*last).contains(&flow.port));
        own.is_outbound
            && own.is_of(flow.protocol)
            && has_port
            && tags::is_source(&own.sources, from)
    };
    let mut rules: Vec<&Rule> = group.rules.iter().filter(is_meant).collect();
    rules.sort_by_key(|own| own.priority);
    let mut open = tags::of_target(&flow.to, tags);
    let (mut allowed, mut blocked) = (None, None);
    for rule in rules {
        let each = rule.destinations.iter().map(|own| tags::of_prefix(own, &flow.to, tags));
        let each: Vec<Option<Vec<_>>> = each.collect();
        let known: Vec<_> = each.iter().flatten().flatten().copied().collect();
        let met = tags::common(&open, &known);
        if !met.is_empty() {
            match rule.allows {
                true => allowed = Some(rule),
                false => blocked = blocked.or(Some(rule)),
            }
            open = tags::without(&open, &known);
        }
        if open.is_empty() {
            break;
        }
        if each.contains(&None) && blocked.is_none() {
            return Said::Unknown(rule);
        }
    }
    match (allowed, blocked) {
        (Some(rule), None) if open.is_empty() => Said::Allowed(rule),
        (allowed, by) => Said::Blocked { by, in_part: allowed.is_some() },
    }
}
