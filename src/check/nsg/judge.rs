//! Which rule of a group decides.

use std::net::Ipv4Addr;

use super::group::{Destination, EPHEMERAL, Flow, Group, Rule};
use super::tags::{self, Span, TagList};

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
    /// This rule may be of it, and decides then.
    Unknown(&'a Rule, Doubt),
}

/// What would have to be known of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// Which addresses a service has.
    Addresses,
    /// Which address the VM has.
    Source,
    /// Who is in an application security group.
    Members,
    /// Which port the VM sends from.
    OwnPort,
}

impl Doubt {
    /// In words, with what helps.
    pub fn told(self) -> &'static str {
        match self {
            Doubt::Addresses => "name a list of Azure's addresses with --ranges",
            Doubt::Source => "it is for some addresses: name the VM's with --vm-ip",
            Doubt::Members => {
                "it is for the members of an application security group, and who they are is not \
                 told"
            }
            Doubt::OwnPort => "it is for some of the ports that a system sends from",
        }
    }
}

/// What becomes of each address of a flow: the first rule that is of it decides. A rule that may be of
/// it is weighed both ways, and is told only if that makes a difference.
pub fn judge<'a>(
    group: &'a Group,
    from: Option<Ipv4Addr>,
    flow: &Flow,
    tags: Option<&TagList>,
) -> Said<'a> {
    let rules = meant(group, from, flow);
    let is_near =
        |(own, doubt): &&(&Rule, Option<Doubt>)| doubt.is_some() && meets(own, flow, tags);
    let doubtful = rules.iter().find(is_near);
    let best = walk(&rules, true, flow, tags);
    let Some((rule, Some(doubt))) = doubtful else { return best };
    let worst = walk(&rules, false, flow, tags);
    match (best, worst) {
        (_, Said::Allowed(own)) => Said::Allowed(own),
        (Said::Allowed(_), _) => Said::Unknown(rule, *doubt),
        // Whatever is so of the others, this one blocks.
        (best, _) => best,
    }
}

/// Before which priority a rule has to stand to let a flow out, whatever is so of what is not known.
pub(super) fn blocker(
    group: &Group,
    from: Option<Ipv4Addr>,
    flow: &Flow,
    tags: Option<&TagList>,
) -> Option<u32> {
    match walk(&meant(group, from, flow), false, flow, tags) {
        Said::Allowed(_) | Said::Blocked { by: None, .. } => None,
        Said::Blocked { by: Some(rule), .. } | Said::Unknown(rule, _) => Some(rule.priority),
    }
}

/// The rules that are of a flow or may be, by rising priority.
fn meant<'a>(
    group: &'a Group,
    from: Option<Ipv4Addr>,
    flow: &Flow,
) -> Vec<(&'a Rule, Option<Doubt>)> {
    let of = |own: &'a Rule| {
        let has_port = own.ports.iter().any(|(first, last)| (*first..=*last).contains(&flow.port));
        let is_meant = own.is_outbound && own.is_of(flow.protocol) && has_port;
        is_meant.then(|| of_sender(own, from)).flatten().map(|doubt| (own, doubt))
    };
    let mut rules: Vec<(&Rule, Option<Doubt>)> = group.rules.iter().filter_map(of).collect();
    rules.sort_by_key(|(own, _)| own.priority);
    rules
}

/// Whether a rule is for a VM, at what it sends from a port of its system: `None` if it is not, else the
/// doubt that there is.
fn of_sender(own: &Rule, from: Option<Ipv4Addr>) -> Option<Option<Doubt>> {
    let source = match tags::is_source(&own.sources, from) {
        Some(true) => None,
        _ if own.is_from_members => Some(Doubt::Members),
        Some(false) => return None,
        None => Some(Doubt::Source),
    };
    let is_all = |(first, last): &(u16, u16)| *first <= EPHEMERAL.0 && EPHEMERAL.1 <= *last;
    if own.own_ports.iter().any(is_all) {
        return Some(source);
    }
    let wide = |(first, last): &(u16, u16)| (u32::from(*first), u32::from(*last));
    let ports: Vec<Span> = own.own_ports.iter().map(wide).collect();
    let ephemeral = [wide(&EPHEMERAL)];
    if tags::common(&ephemeral, &ports).is_empty() {
        return None;
    }
    let is_whole = tags::without(&ephemeral, &ports).is_empty();
    Some(source.or((!is_whole).then_some(Doubt::OwnPort)))
}

/// Whether a rule is about some of the addresses of a flow, or may be.
fn meets(rule: &Rule, flow: &Flow, tags: Option<&TagList>) -> bool {
    let open = tags::of_target(&flow.to, tags);
    let meets = |own: &String| match tags::of_prefix(own, &flow.to, tags) {
        Some(known) => !tags::common(&open, &known).is_empty(),
        None => true,
    };
    rule.destinations.iter().any(meets) || is_to_members(rule, flow)
}

/// Of a service no machine of one's own network is a part.
fn is_to_members(rule: &Rule, flow: &Flow) -> bool {
    rule.is_to_members && matches!(flow.to, Destination::Address(_))
}

/// Goes through rules; those in doubt are of the flow if they do what is hoped for.
fn walk<'a>(
    rules: &[(&'a Rule, Option<Doubt>)],
    hopes: bool,
    flow: &Flow,
    tags: Option<&TagList>,
) -> Said<'a> {
    let mut open = tags::of_target(&flow.to, tags);
    let (mut allowed, mut blocked) = (None, None);
    for (rule, _) in rules.iter().filter(|(own, doubt)| doubt.is_none() || own.allows == hopes) {
        let each = rule.destinations.iter().map(|own| tags::of_prefix(own, &flow.to, tags));
        let each: Vec<Option<Vec<_>>> = each.collect();
        let known: Vec<_> = each.iter().flatten().flatten().copied().collect();
        let met = tags::common(&open, &known);
        if !met.is_empty() {
            match rule.allows {
                true => allowed = Some(*rule),
                false => blocked = blocked.or(Some(*rule)),
            }
            open = tags::without(&open, &known);
        }
        if open.is_empty() {
            break;
        }
        let is_to_members = is_to_members(rule, flow);
        if (is_to_members || each.contains(&None)) && blocked.is_none() {
            let doubt = if is_to_members { Doubt::Members } else { Doubt::Addresses };
            return Said::Unknown(rule, doubt);
        }
    }
    match (allowed, blocked) {
        (Some(rule), None) if open.is_empty() => Said::Allowed(rule),
        (allowed, by) => Said::Blocked { by, in_part: allowed.is_some() },
    }
}
