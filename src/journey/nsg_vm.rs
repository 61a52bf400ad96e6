//! Network security groups as they stand at a virtual machine, and a rule that is written into one.

use disk_prep::noun::{Diagnose, ErrorKind, Hint, lines};
use std::net::IpAddr;
use std::path::PathBuf;

use super::desk::Desk;
use super::nsg::{NsgLooked, tag_list};
use super::vm::{Office, VmOptions};
use super::vm_look::{Ended, look, sizes, unseen};
use crate::azure::OutboundRule;
use crate::check::azure::Answer;
use crate::check::finding::Checked;
use crate::check::nsg::{self, Group, NewRule, NsgFault};
use crate::outcome::Failure;

/// What is to be looked at.
#[derive(Debug)]
pub struct NsgOfVm {
    /// The machine, as it was typed.
    pub machine: String,
    /// The proxy that it goes through.
    pub proxy: Option<(IpAddr, u16)>,
    /// A file with the addresses of services.
    pub ranges: Option<PathBuf>,
}

/// Looks at the groups at the machine's network card and at its subnet.
pub fn suggest(
    asked: &NsgOfVm,
    options: &VmOptions,
    desk: &Desk<'_>,
) -> Result<NsgLooked, Failure> {
    let tags = asked.ranges.as_deref().map(tag_list).transpose()?;
    let office = Office::open(options, desk.attendant)?;
    let machine = office.named(std::slice::from_ref(&asked.machine))?.remove(0);
    let looked = look(&office.arm, &machine, (&sizes(&office, &[]), &Ended::new()), None);
    let flows = looked.flows(&machine.region, asked.proxy);
    let Answer::Known(groups) = &looked.groups else {
        let found = vec![unseen(&looked.groups)];
        return Ok(NsgLooked { checked: Checked(found), missing: Vec::new() });
    };
    Ok(NsgLooked {
        checked: Checked(nsg::look(groups, looked.address, &flows, tags.as_ref())),
        missing: nsg::suggest(groups, looked.address, &flows, tags.as_ref()),
    })
}

/// A rule that was written, or was there.
#[derive(Debug)]
pub struct AppliedRule {
    /// The rule, with its group.
    pub rule: NewRule,
    /// Whether it was there already.
    pub was_there: bool,
}

/// Writes a rule into a group, after it was shown and somebody said yes. One that is there as it is
/// asked for is left as it is; nothing else of the group is touched.
pub fn apply(
    rule: NewRule,
    group: &str,
    options: &VmOptions,
    desk: &Desk<'_>,
) -> Result<AppliedRule, Failure> {
    let office = Office::open(options, desk.attendant)?;
    let id = the_group(&office, group)?;
    let short = short(&id);
    let gone = || NsgRefused::NotFound { word: group.to_owned() };
    let text = office.arm.security_group(&id)?.ok_or_else(gone)?;
    let unread = |fault: NsgFault| NsgRefused::Unread { group: short.clone(), fault };
    let held = nsg::read_groups(&text).map_err(unread)?.into_iter().next();
    let is_there = held.as_ref().map(|own| is_there(own, &rule, &short)).transpose()?;
    let rule = NewRule { group: Some(short.clone()), ..rule };
    if is_there == Some(true) {
        return Ok(AppliedRule { rule, was_there: true });
    }
    let priority = rule.priority.unwrap_or_default();
    desk.attendant.consent(&format!(
        "The rule {} of priority {priority} would be written into {short}; it lets {}",
        rule.name,
        rule.opens()
    ))?;
    let own = OutboundRule {
        name: &rule.name,
        priority,
        source: &rule.source,
        destination: &rule.destination,
        ports: &rule.ports,
    };
    office.arm.write_security_rule(&id, &own)?;
    Ok(AppliedRule { rule, was_there: false })
}

/// GROUP/NAME of a resource id.
fn short(id: &str) -> String {
    let words: Vec<&str> = id.trim_matches('/').split('/').collect();
    let group = words.iter().position(|own| own.eq_ignore_ascii_case("resourceGroups"));
    let group = group.and_then(|at| words.get(at + 1)).copied().unwrap_or_default();
    format!("{group}/{}", words.last().copied().unwrap_or_default())
}

/// The group that a word names: NAME, GROUP/NAME or its resource id.
fn the_group(office: &Office, word: &str) -> Result<String, Failure> {
    let is = |own: &str| own.eq_ignore_ascii_case(word);
    let all = office.arm.security_groups(office.subscription.as_str())?;
    let is_meant = |id: &&String| {
        let short = short(id);
        is(id) || is(&short) || short.split_once('/').is_some_and(|(_, name)| is(name))
    };
    let meant: Vec<&String> = all.iter().filter(is_meant).collect();
    match meant.as_slice() {
        [one] => Ok((*one).clone()),
        [] => Err(NsgRefused::NotFound { word: word.to_owned() }.into()),
        several => {
            let all = several.iter().map(|own| short(own)).collect();
            Err(NsgRefused::Several { word: word.to_owned(), all }.into())
        }
    }
}

/// Whether a group has the rule; one of its name, or of its priority, that says something else is told.
fn is_there(group: &Group, rule: &NewRule, short: &str) -> Result<bool, NsgRefused> {
    let outbound = || group.rules.iter().filter(|own| own.is_outbound);
    if let Some(own) = group.rules.iter().find(|own| own.name.eq_ignore_ascii_case(&rule.name)) {
        let is_same = own.is_outbound
            && own.allows
            && own.is_of_tcp
            && !(own.is_from_members || own.is_to_members)
            && own.own_ports.iter().any(|own| Some(*own) == nsg::ports("*"))
            && Some(own.priority) == rule.priority
            && own.sources == [rule.source.as_str()]
            && own.destinations == [rule.destination.as_str()]
            && nsg::ports(&rule.ports).is_some_and(|ports| own.ports == [ports]);
        let (name, group) = (rule.name.clone(), short.to_owned());
        return if is_same { Ok(true) } else { Err(NsgRefused::Other { name, group }) };
    }
    match outbound().find(|own| Some(own.priority) == rule.priority) {
        Some(own) => {
            let (priority, group) = (own.priority, short.to_owned());
            Err(NsgRefused::Taken { priority, group, by: own.name.clone() })
        }
        None => Ok(false),
    }
}

/// Why a rule is not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NsgRefused {
    /// No such group.
    #[error("There is no network security group {word} in the subscription")]
    NotFound {
        /// As it was typed.
        word: String,
    },
    /// Several of one name.
    #[error("Several network security groups are named {word}:{}", lines(all))]
    Several {
        /// As it was typed.
        word: String,
        /// Those.
        all: Vec<String>,
    },
    /// What Azure tells of it is none.
    #[error("{group} is told as no network security group")]
    Unread {
        /// The group.
        group: String,
        /// Why.
        #[source]
        fault: NsgFault,
    },
    /// Another rule has that name.
    #[error("{group} has a rule {name} that says something else")]
    Other {
        /// The rule.
        name: String,
        /// The group.
        group: String,
    },
    /// Another rule has that priority.
    #[error("The priority {priority} is taken by {by} of {group}")]
    Taken {
        /// The priority.
        priority: u32,
        /// The group.
        group: String,
        /// The other rule.
        by: String,
    },
}

impl Diagnose for NsgRefused {
    fn code(&self) -> &'static str {
        match self {
            NsgRefused::NotFound { .. } => "nsg-not-found",
            NsgRefused::Several { .. } => "nsg-ambiguous",
            NsgRefused::Unread { .. } => "azure-answer",
            NsgRefused::Other { .. } => "nsg-rule-other",
            NsgRefused::Taken { .. } => "nsg-priority-taken",
        }
    }
    fn kind(&self) -> ErrorKind {
        match self {
            NsgRefused::NotFound { .. } => ErrorKind::NotFound,
            NsgRefused::Unread { .. } => ErrorKind::Failed,
            NsgRefused::Several { .. } | NsgRefused::Other { .. } => ErrorKind::Usage,
            NsgRefused::Taken { .. } => ErrorKind::Refused,
        }
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new(match self {
            NsgRefused::NotFound { .. } => "`az network nsg list -o table` shows those there are",
            NsgRefused::Several { .. } => "name the one that is meant as GROUP/NAME",
            NsgRefused::Unread { .. } => return None,
            NsgRefused::Other { .. } => "take another name with `--name`",
            NsgRefused::Taken { .. } => "take another with `--priority`",
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_there_only_if_it_says_the_same_and_a_taken_priority_is_told() {
        let text = r#"{"name":"g","properties":{"securityRules":[{"name":"allow-proxy","properties":{
          "priority":200,"direction":"Outbound","access":"Allow","protocol":"Tcp",
          "sourceAddressPrefix":"10.0.0.5/32","destinationAddressPrefix":"Internet",
          "destinationPortRange":"80-443"}}]}}"#;
        let group = nsg::read_groups(text).unwrap().remove(0);
        let rule = |name: &str, priority: u32, ports: &str| {
            let ip = "10.0.0.5".parse().unwrap();
            NewRule::of_proxy(name.to_owned(), ip, priority, ports.to_owned())
        };
        let code = |own: NewRule| is_there(&group, &own, "rg/g").map_err(|error| error.code());
        assert_eq!(code(rule("Allow-Proxy", 200, "80-443")), Ok(true));
        assert_eq!(code(rule("other", 201, "80-443")), Ok(false));
        assert_eq!(code(rule("allow-proxy", 200, "443")), Err("nsg-rule-other"));
        assert_eq!(code(rule("allow-proxy", 300, "80-443")), Err("nsg-rule-other"));
        assert_eq!(code(rule("other", 200, "80-443")), Err("nsg-priority-taken"));
        let narrow =
            text.replace("\"destinationPort", "\"sourcePortRange\":\"80\",\"destinationPort");
        let narrow = nsg::read_groups(&narrow).unwrap().remove(0);
        let told = is_there(&narrow, &rule("allow-proxy", 200, "80-443"), "rg/g").unwrap_err();
        assert_eq!(told.code(), "nsg-rule-other", "it lets nothing out");
        let held =
            |group: &str| NewRule { group: Some(group.to_owned()), ..rule("other", 1, "443") };
        let line = held("rg(1)/g").line();
        assert!(line.contains(" -g 'rg(1)' --nsg-name g -n other "), "{line}");
        let line = held("g; x").line();
        assert!(line.contains(" -g GROUP --nsg-name 'g; x' -n other "), "{line}");
        let id = "/subscriptions/s/resourceGroups/RG/providers/Microsoft.Network/networkSecurityGroups/g";
        assert_eq!(short(id), "RG/g");
    }
}
