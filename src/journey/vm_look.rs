//! What Azure shows of one virtual machine and of what stands around it: asked side by side for many,
//! judged in `check`.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use disk_prep::noun::typed;

use super::answered::{answer, map};
use super::check_account::of_group;
use super::vm::Office;
use crate::azure::{Arm, CardFacts, Error as AzureError, SizeFacts, SubnetFacts};
use crate::check::azure::Answer;
use crate::check::finding::{Finding, Grade, unknown};
use crate::check::nsg::{self, Flow, Group};
use crate::check::vm::{EndedProtection, Protected, View};
use crate::vm_backup::{
    Error, Item, Machine, MachineId, Protection, RecoveryVault, VaultId, items, jobs_under_way,
    protecting, vaults,
};

/// Sizes of machines, by region.
pub(super) type Sizes = BTreeMap<String, Vec<SizeFacts>>;

/// What sizes are like where the machines are; what is not told is left out.
pub(super) fn sizes(office: &Office, all: &[Machine]) -> Sizes {
    let mut found = Sizes::new();
    for region in all.iter().map(|own| &own.region) {
        if !found.contains_key(region) {
            let sizes = office.arm.machine_sizes(office.subscription.as_str(), region);
            found.insert(region.clone(), sizes.unwrap_or_default());
        }
    }
    found
}

/// A machine, and its network as far as it was told.
pub(super) struct Looked {
    pub view: View,
    /// The security groups that all that it sends passes.
    pub groups: Answer<Vec<Group>>,
    /// Its address in its own network.
    pub address: Option<Ipv4Addr>,
    /// The name servers that it asks, if they are its owner's.
    pub name_servers: Vec<String>,
}

/// Machines that a vault has and backs up no more. Until the points are gone no other vault takes them,
/// and the service says of such a machine only that nobody protects it.
pub(super) type Ended = Vec<(VaultId, Item)>;

/// Those of the regions where the machines are. Who may not see a vault does not hear of them.
pub(super) fn ended(office: &Office, all: &[Machine]) -> Ended {
    let vaults = vaults(&office.arm, &office.subscription).unwrap_or_default();
    let is_near = |own: &RecoveryVault| all.iter().any(|machine| machine.region == own.region);
    let mut found = Ended::new();
    for vault in vaults.into_iter().filter(is_near) {
        let held = items(&office.arm, &vault.id).unwrap_or_default();
        let held = held.into_iter().filter(Item::is_ended);
        found.extend(held.map(|item| (vault.id.clone(), item)));
    }
    found
}

fn of_ended(all: &Ended, machine: &MachineId, meant: Option<&str>) -> Option<EndedProtection> {
    let (vault, item) = all.iter().find(|(_, item)| item.machine == *machine)?;
    Some(EndedProtection {
        vault: vault.name.to_string(),
        group: vault.group.to_string(),
        is_meant: meant.map(|own| own.eq_ignore_ascii_case(vault.name.as_str())),
        is_deleted: matches!(item.protection, Protection::Deleted(_)),
        told: item.protection.told(),
    })
}

/// Looks at one machine; `meant` is the vault that was named.
pub(super) fn look(
    arm: &Arm,
    own: &Machine,
    (sizes, ended): (&Sizes, &Ended),
    meant: Option<&str>,
) -> Looked {
    let machine = answer(arm.machine(&own.id.to_string()));
    let (ids, size) = match &machine {
        Answer::Known(facts) => (facts.cards.clone(), facts.size.clone()),
        _ => (Vec::new(), String::new()),
    };
    let cards = cards(arm, &ids);
    let first = cards.as_ref().ok().and_then(|all| all.first()).cloned().unwrap_or_default();
    let subnet = subnet(arm, &first);
    let group = format!("/subscriptions/{}/resourceGroups/{}", own.id.subscription, own.id.group);
    let (vault, protected) = match protecting(arm, &own.region, &own.id) {
        Ok(vault) => {
            let protected = vault.as_ref().map(|own: &VaultId| Protected {
                vault: own.name.to_string(),
                group: own.group.to_string(),
                is_meant: meant.map(|meant| meant.eq_ignore_ascii_case(own.name.as_str())),
            });
            (vault, Answer::Known(protected))
        }
        Err(error) => (None, told(Err(error))),
    };
    let jobs = match (&vault, &protected) {
        (Some(vault), _) => told(jobs_under_way(arm, vault, &own.id)),
        (None, Answer::Known(_)) => Answer::Known(Vec::new()),
        _ => Answer::Unasked,
    };
    let known = sizes.get(&own.region);
    Looked {
        groups: groups(arm, &first, &subnet),
        address: first.addresses.first().and_then(|own| own.parse().ok()),
        name_servers: name_servers(arm, &first),
        view: View {
            name: own.id.short(),
            is_classic: false,
            size: known.and_then(|all| all.iter().find(|own| own.name == size)).cloned(),
            is_led_away: is_led_away(arm, &subnet),
            cards: answer(cards.map(Some)),
            locks: answer(arm.locks(&group).map(|all| Some(of_group(all, &group)))),
            protected,
            ended: of_ended(ended, &own.id, meant),
            jobs: map(jobs, |all| all.iter().map(|own| own.id.clone()).collect()),
            machine,
        },
    }
}

/// What a story's error is as an answer: who may not look does not know.
fn told<T>(asked: Result<T, Error>) -> Answer<T> {
    match asked {
        Ok(found) => Answer::Known(found),
        Err(Error::Azure(error)) => answer(Err(error)),
        Err(error) => Answer::Unknown(error.to_string()),
    }
}

/// The network cards of these ids.
pub(super) fn cards(arm: &Arm, ids: &[String]) -> Result<Vec<CardFacts>, AzureError> {
    let found = ids.iter().map(|id| arm.card(id)).collect::<Result<Vec<_>, _>>()?;
    Ok(found.into_iter().flatten().collect())
}

fn subnet(arm: &Arm, card: &CardFacts) -> Result<SubnetFacts, AzureError> {
    match card.subnets.first() {
        Some(id) => Ok(arm.subnet(id)?.unwrap_or_default()),
        None => Ok(SubnetFacts::default()),
    }
}

/// Those at the card, else those of its network. Who may not see the network does not hear of them.
fn name_servers(arm: &Arm, card: &CardFacts) -> Vec<String> {
    match card.subnets.first() {
        Some(subnet) if card.name_servers.is_empty() => {
            arm.name_servers(subnet).unwrap_or_default()
        }
        _ => card.name_servers.clone(),
    }
}

/// Who may not see the routes does not hear of them.
fn is_led_away(arm: &Arm, subnet: &Result<SubnetFacts, AzureError>) -> bool {
    let table = subnet.as_ref().ok().and_then(|own| own.routes.as_ref());
    table.is_some_and(|table| arm.leads_away(table).unwrap_or(false))
}

/// The groups at a card and at its subnet, in the order in which they are passed.
fn groups(
    arm: &Arm,
    card: &CardFacts,
    subnet: &Result<SubnetFacts, AzureError>,
) -> Answer<Vec<Group>> {
    let subnet = match subnet {
        Ok(subnet) => subnet,
        Err(error) => return Answer::Unknown(error.to_string()),
    };
    let mut all = Vec::new();
    for id in card.group.iter().chain(&subnet.group) {
        match answer(arm.security_group(id)) {
            Answer::Known(text) => match nsg::read_groups(&text) {
                Ok(groups) => {
                    all.extend(groups.into_iter().map(|own| own.as_for(&card.memberships)));
                }
                Err(fault) => return Answer::Unknown(fault.to_string()),
            },
            Answer::Absent => return Answer::Unknown(format!("{id} is not there")),
            other => return map(other, |_| Vec::new()),
        }
    }
    Answer::Known(all)
}

/// Why the groups are not known.
pub(super) fn unseen(groups: &Answer<Vec<Group>>) -> Finding {
    let why = match groups {
        Answer::Unknown(why) => why.clone(),
        Answer::Failed(fault) => fault.facts.clone(),
        Answer::Known(_) | Answer::Absent | Answer::Unasked => "nobody tells".to_owned(),
    };
    unknown("groups", format!("not known: {why}")).of("nsg")
}

impl Looked {
    /// What has to get out for a backup, straight or by a proxy.
    pub fn flows(&self, region: &str, proxy: Option<(IpAddr, u16)>) -> Vec<Flow> {
        let own = nsg::flows(Some(region), proxy).into_iter();
        own.chain(nsg::name_flows(&self.name_servers)).collect()
    }

    /// What its security groups let out of what a backup needs.
    pub fn let_out(&self, region: &str) -> Vec<Finding> {
        let name = &self.view.name;
        let found = match (&self.view.machine, &self.groups) {
            (Answer::Known(_), Answer::Known(groups)) => {
                nsg::look(groups, self.address, &self.flows(region, None), None)
            }
            (Answer::Known(_), other) => vec![unseen(other)],
            _ => Vec::new(),
        };
        let with_next = |own: Finding| match own.grade {
            Grade::Problem(_) | Grade::Warning => {
                let action = Some("add the rules that are missing".to_owned());
                Finding { action, ..own }.next(typed(["azseed", "nsg", "suggest", "--vm", name]))
            }
            Grade::Good | Grade::Unknown => own,
        };
        found.into_iter().map(|own| with_next(own).about(name)).collect()
    }
}
