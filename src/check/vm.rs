//! Whether Azure can back a virtual machine up as it is. Pure over how Azure shows it
//! (`environment-checks` 7).

use disk_prep::limits::{MACHINE_CORES, MACHINE_DATA_DISKS, MACHINE_MEMORY_MIB};
use disk_prep::noun::{ErrorKind, count, typed};

use super::agent_version::{OLDEST_LINUX, OLDEST_WINDOWS, dotted, four};
use super::answer::Answer;
use super::finding::{Finding, good, problem, unknown, warning};
use crate::azure::{CardFacts, ExtensionFacts, Lock, MachineFacts, SizeFacts};

const AREA: &str = "vm";
/// What no size or picture can show.
const CONTROLLERS: &str = "whether it is one of several domain controllers cannot be seen; of such \
                           ones restore the disks and build the machine yourself";

/// How a machine stands in vaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protected {
    /// The vault's name.
    pub vault: String,
    /// Its resource group.
    pub group: String,
    /// Whether it is the one that is meant; `None` if none is.
    pub is_meant: Option<bool>,
}

/// How a machine stands in a vault that backs it up no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedProtection {
    /// The vault's name.
    pub vault: String,
    /// Its resource group.
    pub group: String,
    /// Whether it is the one that is meant; `None` if none is.
    pub is_meant: Option<bool>,
    /// Whether its points were deleted, and go for good on a day.
    pub is_deleted: bool,
    /// That in words.
    pub told: String,
}

/// What Azure answered about a machine.
#[derive(Debug)]
pub struct View {
    /// As a person types it, GROUP/NAME.
    pub name: String,
    /// Whether it is of the model that is no more.
    pub is_classic: bool,
    /// The machine.
    pub machine: Answer<MachineFacts>,
    /// Its network cards.
    pub cards: Answer<Vec<CardFacts>>,
    /// Whether a route leads all that it sends to a machine that looks at it.
    pub is_led_away: bool,
    /// Locks on its group.
    pub locks: Answer<Vec<Lock>>,
    /// What its size is like.
    pub size: Option<SizeFacts>,
    /// The vault that protects it, if any.
    pub protected: Answer<Option<Protected>>,
    /// The vault that protected it and still has it, if any.
    pub ended: Option<EndedProtection>,
    /// Ids of jobs about it that are under way.
    pub jobs: Answer<Vec<String>>,
}

impl View {
    /// Of a machine of the model that is no more nothing else is asked.
    pub fn classic(name: &str) -> Self {
        View {
            name: name.to_owned(),
            is_classic: true,
            machine: Answer::Unasked,
            cards: Answer::Unasked,
            is_led_away: false,
            locks: Answer::Unasked,
            size: None,
            protected: Answer::Unasked,
            ended: None,
            jobs: Answer::Unasked,
        }
    }
}

/// What is so.
pub fn findings(view: &View) -> Vec<Finding> {
    let mut all = Vec::new();
    match &view.machine {
        _ if view.is_classic => all.push(classic(&view.name)),
        Answer::Known(machine) => {
            all.push(good("model", "a machine of the Resource Manager"));
            all.push(state(machine));
            all.push(agent(machine));
            all.push(agent_flag(machine));
            all.push(extension(&view.name, machine));
            all.extend(disks(machine));
            all.push(system(machine));
            all.extend(network(view));
            all.push(size(machine, view.size.as_ref()));
        }
        Answer::Absent => {
            let found =
                problem("model", format!("there is no machine {}", view.name), "check the name");
            all.push(found.because(ErrorKind::NotFound).next("azseed vm list"));
        }
        Answer::Unknown(why) => all.push(unknown("model", format!("not known: {why}"))),
        Answer::Failed(fault) => all.push(fault.finding("model")),
        Answer::Unasked => {}
    }
    all.extend(locks(&view.locks));
    all.extend(protected(view));
    all.extend(jobs(view));
    all.into_iter().map(|own| own.of(AREA).about(&view.name)).collect()
}

fn classic(name: &str) -> Finding {
    let facts = format!(
        "{name} is a classic machine; classic virtual machines and cloud services no longer exist in \
         Azure"
    );
    let action = "if you have its disks as VHD blobs, back those up with `azseed disk-backup`";
    problem("model", facts, action).because(ErrorKind::Refused).explained("vm-classic")
}

/// The word of a state, `running` of `PowerState/running`.
fn word<'a>(machine: &'a MachineFacts, kind: &str) -> Option<&'a str> {
    let own = machine.states.iter().find_map(|own| own.strip_prefix(kind)?.strip_prefix('/'));
    own.map(|own| own.split('/').next().unwrap_or(own))
}

fn state(machine: &MachineFacts) -> Finding {
    let provisioning = machine.provisioning.as_str();
    if provisioning.eq_ignore_ascii_case("Failed") {
        let facts = "the machine's last change failed (provisioning state Failed)";
        let found = problem("state", facts, "see what failed, and repeat or undo the change");
        return found.because(ErrorKind::Refused).explained("UserErrorVmProvisioningStateFailed");
    }
    let power = word(machine, "PowerState");
    match power {
        Some("running") => good("state", "it runs"),
        Some(own @ ("stopped" | "deallocated")) => {
            good("state", format!("it is off ({own}): a point will be crash-consistent"))
        }
        None => unknown("state", "not known: Azure does not say whether it runs"),
        Some(own) => {
            let facts = format!("it is neither running nor off, but {own}");
            let found = problem("state", facts, "wait until it runs, then look again");
            found.because(ErrorKind::Refused).explained("UserErrorVmNotInDesirableState")
        }
    }
}

fn is_running(machine: &MachineFacts) -> bool {
    word(machine, "PowerState") == Some("running")
}

fn agent(machine: &MachineFacts) -> Finding {
    let refused = |facts: String, entry: &str| {
        let action = "run `azseed check guest` in the machine, it says what to install or to start";
        problem("agent", facts, action).because(ErrorKind::Refused).explained(entry)
    };
    match &machine.agent {
        Some(own) if own.state.eq_ignore_ascii_case("Ready") => {
            let is_windows = machine.system.eq_ignore_ascii_case("Windows");
            let oldest = if is_windows { OLDEST_WINDOWS } else { OLDEST_LINUX };
            let facts = format!("version {} is ready", own.version);
            if four(&own.version).is_none_or(|version| version >= oldest) {
                return good("agent", facts);
            }
            let facts = format!("{facts}, and older than {}", dotted(oldest));
            let action = "update it in the machine, while no backup runs";
            match is_windows {
                true => refused(facts, "agent-version-too-old"),
                false => warning("agent", facts, action).explained("agent-update-needed"),
            }
        }
        Some(own) => refused(format!("version {} is {}", own.version, own.state), "AzureVmOffline"),
        None if is_running(machine) => {
            refused("the machine runs, and no agent answers in it".to_owned(), "vm-agent-missing")
        }
        None => unknown("agent", "not known: the machine is off"),
    }
}

fn agent_flag(machine: &MachineFacts) -> Finding {
    let refused = |facts: &str, action: &str| {
        problem("agent-flag", facts, action)
            .because(ErrorKind::Refused)
            .explained("vm-agent-missing")
    };
    match (machine.has_agent, machine.takes_extensions) {
        (Some(false), _) => refused(
            "the machine was made without an agent: the box was not ticked",
            "install the agent in the machine, then look again with it running",
        ),
        (_, Some(false)) => refused(
            "no extensions may be put into the machine (allowExtensionOperations is false)",
            "have that allowed, or no backup extension can be put in",
        ),
        _ => good("agent-flag", "an agent and extensions are meant to be in it"),
    }
}

fn extension(name: &str, machine: &MachineFacts) -> Finding {
    let own: Vec<&ExtensionFacts> =
        machine.extensions.iter().filter(|own| own.is_of_backup()).collect();
    let failed = own.iter().find(|own| own.is_failed());
    match (failed, own.first()) {
        (None, None) => good("extension", "the backup brings its extension along"),
        (Some(own), _) => {
            let facts = format!("the backup extension {} failed", own.name);
            let action = "remove it; the next backup puts it in anew";
            warning("extension", facts, action)
                .next(typed(["azseed", "vm", "extension", "remove", name]))
                .explained("basic-snapshot-extension-stuck")
        }
        (None, Some(own)) => good("extension", format!("{} {} is in it", own.name, own.version)),
    }
}

fn disks(machine: &MachineFacts) -> Vec<Finding> {
    let own = machine.disks;
    let disks = |number: usize| count(number, "data disk");
    let mut all = Vec::new();
    if own.unmanaged > 0 {
        let facts = format!("{} blobs of a storage account, not managed", count_are(own.unmanaged));
        let action =
            "convert them to managed disks, or back the blobs up with `azseed disk-backup`";
        all.push(problem("disks", facts, action).because(ErrorKind::Refused));
    }
    if own.data > MACHINE_DATA_DISKS {
        let facts = format!("{}; {MACHINE_DATA_DISKS} are backed up at most", disks(own.data));
        let found = problem("disks", facts, "spread the data over fewer disks or more machines");
        all.push(found.because(ErrorKind::Refused).explained("vm-many-disks"));
    }
    for (is, what) in [
        (own.is_ephemeral, "the system's disk is ephemeral"),
        (own.accelerated > 0, "a disk has a write accelerator"),
    ] {
        all.extend(is.then(|| {
            warning("disks", format!("{what}: it is left out of backups"), "keep nothing on it")
        }));
    }
    if own.ultra > 0 {
        let facts = "it has ultra disks, which only enhanced policies back up";
        all.push(warning("disks", facts, "give it an enhanced policy in the portal"));
    }
    if all.is_empty() {
        all.push(good("disks", format!("the system's and {}", disks(own.data))));
    }
    all
}

fn count_are(number: usize) -> String {
    if number == 1 { "one disk is".to_owned() } else { format!("{number} disks are") }
}

fn system(machine: &MachineFacts) -> Finding {
    let Some([publisher, offer, sku]) = &machine.image else {
        let facts = format!("{}, not of an image of the gallery", machine.system);
        return good("os", facts);
    };
    let told = format!("{publisher} {offer} {sku}");
    let is_client = publisher.eq_ignore_ascii_case("MicrosoftWindowsDesktop");
    let is_server = publisher.eq_ignore_ascii_case("MicrosoftWindowsServer");
    let is_old = is_server && (sku.starts_with("2003") || sku.starts_with("2008-SP"));
    if is_old {
        let found =
            problem("os", format!("{told} is older than Windows Server 2008 R2"), "update it");
        return found.because(ErrorKind::Refused).explained("basic-os-unsupported");
    }
    match is_client {
        true => warning("os", format!("{told}: a client's Windows"), "servers are what is meant"),
        false => good("os", told),
    }
}

fn network(view: &View) -> Vec<Finding> {
    const WHAT: &str = "network";
    let mut all = Vec::new();
    match &view.cards {
        Answer::Known(cards) => {
            let odd = hard_to_restore(cards);
            match odd.is_empty() {
                true => all.push(good(WHAT, "one network card, no load balancer")),
                false => {
                    let action = "to restore it, restore the disks and build the machine yourself: \
                                  `azseed vm restore disks`";
                    all.push(warning(WHAT, format!("it has {}", odd.join(", ")), action));
                }
            }
        }
        Answer::Unknown(why) => all.push(unknown(WHAT, format!("not known: {why}"))),
        Answer::Failed(fault) => all.push(unknown(WHAT, fault.facts.clone())),
        Answer::Absent => all.push(unknown(WHAT, "its network cards are not told")),
        Answer::Unasked => {}
    }
    if view.is_led_away {
        let facts = "a route leads all that it sends to a machine that looks at it";
        let action = "see that this one lets Azure's service tags through";
        all.push(warning("route", facts, action));
    }
    all.push(good("controllers", CONTROLLERS));
    all
}

/// What of a machine's network a restore does not bring back.
pub fn hard_to_restore(cards: &[CardFacts]) -> Vec<String> {
    let addresses: usize = cards.iter().map(|own| own.public_addresses).sum();
    let mut odd = Vec::new();
    odd.extend((cards.len() > 1).then(|| count(cards.len(), "network card")));
    odd.extend(cards.iter().any(|own| own.is_balanced).then(|| "a load balancer".to_owned()));
    odd.extend((addresses > 1).then(|| format!("{addresses} public addresses")));
    odd
}

fn size(machine: &MachineFacts, facts: Option<&SizeFacts>) -> Finding {
    let Some(SizeFacts { cores, memory_mib, .. }) = facts else {
        return unknown("size", format!("what {} is like is not told", machine.size));
    };
    let told = format!("{}: {}, {memory_mib} MiB", machine.size, count(*cores, "core"));
    match *cores < MACHINE_CORES || *memory_mib < MACHINE_MEMORY_MIB {
        true => {
            let action =
                "a snapshot needs room beside the work; take a larger size if backups fail";
            warning("size", told, action).explained("snapshot-high-cpu-memory")
        }
        false => good("size", told),
    }
}

fn locks(answer: &Answer<Vec<Lock>>) -> Option<Finding> {
    Some(match answer {
        Answer::Known(own) => match own.first() {
            None => good("lock", "none on its group"),
            Some(lock) => {
                let facts = format!("its group has the lock {} ({})", lock.name, lock.level);
                let action = "backups fail after a while where their snapshots cannot be deleted";
                warning("lock", facts, action)
            }
        },
        Answer::Unknown(why) => unknown("lock", format!("not known: {why}")),
        _ => return None,
    })
}

fn protected(view: &View) -> Option<Finding> {
    const WHAT: &str = "protected";
    if let Some(own) = &view.ended {
        return Some(ended(WHAT, &view.name, own));
    }
    Some(match &view.protected {
        Answer::Known(None) => good(WHAT, "by no vault yet"),
        Answer::Known(Some(Protected { vault, is_meant: Some(false), .. })) => {
            let facts = format!("the vault {vault} protects it");
            let found = problem(WHAT, facts, "name that vault, or end its protection there first");
            found.because(ErrorKind::Refused).next(typed(["azseed", "vm", "show", &view.name]))
        }
        Answer::Known(Some(Protected { vault, .. })) => {
            good(WHAT, format!("the vault {vault} protects it"))
        }
        Answer::Unknown(why) => unknown(WHAT, format!("not known: {why}")),
        _ => return None,
    })
}

/// Whoever protects it takes the points of that vault along, or cannot.
fn ended(what: &'static str, name: &str, own: &EndedProtection) -> Finding {
    let EndedProtection { vault, group, is_meant, is_deleted, told } = own;
    let facts = format!("the vault {vault} backs it up no more: {told}");
    let found = match (is_meant, is_deleted) {
        (Some(false), _) => {
            let action = "no other vault takes it as long as that one has it: protect it there";
            problem(what, facts, action)
                .because(ErrorKind::Refused)
                .explained("vm-protection-ended")
        }
        (_, true) => {
            let action = "protect it there before that day, and its points are had back";
            warning(what, facts, action).explained("vm-protection-ended")
        }
        (_, false) => good(what, facts),
    };
    let words = ["azseed", "vm", "protect", name, "--vault", vault, "--resource-group", group];
    found.next(typed(words))
}

fn jobs(view: &View) -> Option<Finding> {
    Some(match &view.jobs {
        Answer::Known(own) if own.is_empty() => good("jobs", "none is under way"),
        Answer::Known(own) => {
            let facts = format!("{} under way: {}", count(own.len(), "job"), own.join(", "));
            let action = "do not update the agent and do not stop the machine before they are over";
            let vault = match &view.protected {
                Answer::Known(Some(own)) => {
                    vec!["--vault", own.vault.as_str(), "--resource-group", own.group.as_str()]
                }
                _ => Vec::new(),
            };
            let words = ["azseed", "vm", "job", "wait"].into_iter();
            let words = words.chain(own.iter().map(String::as_str)).chain(vault);
            warning("jobs", facts, action).next(typed(words))
        }
        Answer::Unknown(why) => unknown("jobs", format!("not known: {why}")),
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
