//! `vm guide`: the way from nothing to protected machines in six steps, how each of them stands, and
//! the lines to type. It tells the steps even where nobody is signed in.

use disk_prep::noun::{count, typed};

use super::desk::Desk;
use super::vm::{Office, VmOptions};
use crate::outcome::{Failure, chain};
use crate::vm_backup::{Item, Protection, RecoveryVault, items, machines};

/// How a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepState {
    /// Nothing is left to do.
    Done,
    /// It is the next one, or a later one.
    Open,
    /// It cannot be seen from here.
    Unseen,
}

/// A step.
#[derive(Debug)]
pub struct GuideStep {
    /// What it is called.
    pub title: &'static str,
    /// How it stands.
    pub state: StepState,
    /// What of it is known or to be known.
    pub text: String,
    /// The lines to type.
    pub run: Vec<String>,
}

/// All steps.
#[derive(Debug)]
pub struct Guide(pub Vec<GuideStep>);

/// What can be seen.
#[derive(Default)]
struct Seen {
    subscription: Option<String>,
    /// Why it was not seen.
    fault: Option<String>,
    vault: Option<RecoveryVault>,
    /// Whether another vault has its name, so that the lines to type name its group, too.
    has_namesake: bool,
    vaults: usize,
    machines: Option<usize>,
    region: Option<String>,
    items: Vec<Item>,
}

/// Looks how far it is, and tells the steps.
pub fn guide(options: &VmOptions, desk: &Desk<'_>) -> Result<Guide, Failure> {
    let mut seen = Seen::default();
    let opened =
        Office::open(options, desk.attendant).and_then(|office| Ok((office.all_vaults()?, office)));
    let looked = match opened {
        Ok((all, office)) => {
            let meant = options.of(all.clone())?;
            look(&mut seen, (&all, meant), &office)
        }
        Err(failure) => Err(failure),
    };
    if let Err(Failure(error)) = looked {
        seen.fault = Some(chain(&*error));
    }
    Ok(Guide(steps(&seen)))
}

fn look(
    seen: &mut Seen,
    (every, vaults): (&[RecoveryVault], Vec<RecoveryVault>),
    office: &Office,
) -> Result<(), Failure> {
    seen.subscription = Some(office.subscription.to_string());
    seen.vaults = vaults.len();
    let all = machines(&office.arm, &office.subscription)?;
    seen.machines = Some(all.len());
    seen.region = all.first().map(|own| own.region.clone());
    // Of several the one that has most.
    for vault in vaults {
        let own = items(&office.arm, &vault.id)?;
        if seen.vault.is_none() || own.len() > seen.items.len() {
            seen.items = own;
            seen.vault = Some(vault);
        }
    }
    seen.has_namesake = seen.vault.as_ref().is_some_and(|own| {
        every
            .iter()
            .filter(|other| other.id.name.as_str().eq_ignore_ascii_case(own.id.name.as_str()))
            .count()
            > 1
    });
    Ok(())
}

fn steps(seen: &Seen) -> Vec<GuideStep> {
    let vault = match &seen.vault {
        Some(own) if seen.has_namesake => {
            typed([own.id.name.as_str(), "--resource-group", own.id.group.as_str()])
        }
        Some(own) => own.id.name.to_string(),
        None => "VAULT".to_owned(),
    };
    let mut steps = found(seen, &vault);
    steps.push(GuideStep {
        title: "The agent in each machine",
        state: StepState::Unseen,
        text: "images of the gallery have it; run this in machines that came from elsewhere"
            .to_owned(),
        run: vec!["azseed check guest".to_owned()],
    });
    steps.extend(protected(seen, &vault));
    steps
}

impl Seen {
    fn state(&self, is_done: bool) -> StepState {
        match (self.subscription.is_some(), is_done) {
            (false, _) => StepState::Unseen,
            (true, true) => StepState::Done,
            (true, false) => StepState::Open,
        }
    }
}

/// Subscription, vault and machines.
fn found(seen: &Seen, vault: &str) -> Vec<GuideStep> {
    let region = seen.region.clone().unwrap_or_else(|| "REGION".to_owned());
    let has_machines = seen.machines.is_some_and(|count| count > 0);
    vec![
        GuideStep {
            title: "A subscription, and a sign-in that reaches it",
            state: seen.state(true),
            text: match (&seen.subscription, &seen.fault) {
                (_, Some(fault)) => fault.clone(),
                (Some(id), None) => format!("subscription {id}"),
                (None, None) => String::new(),
            },
            run: vec!["azseed subscriptions list".to_owned()],
        },
        GuideStep {
            title: "A vault in the region of the machines",
            state: seen.state(seen.vault.is_some()),
            text: match seen.vaults {
                0 => "geo keeps the points in two regions, local in one datacenter; it is chosen \
                      now, or never once a machine is protected"
                    .to_owned(),
                vaults => count(vaults, "vault"),
            },
            run: vec![format!(
                "azseed vm vault create NAME --resource-group GROUP --location {region} \
                 --redundancy geo"
            )],
        },
        GuideStep {
            title: "The machines, found",
            state: seen.state(has_machines && seen.vault.is_some()),
            text: match seen.machines {
                Some(machines) => count(machines, "machine"),
                None => "the service looks for machines of the vault's region".to_owned(),
            },
            run: vec![format!("azseed vm discover --vault {vault}")],
        },
    ]
}

/// Policy and first backup.
fn protected(seen: &Seen, vault: &str) -> [GuideStep; 2] {
    let is_live =
        |own: &&Item| !matches!(own.protection, Protection::Deleted(_) | Protection::Stopped);
    let live: Vec<&Item> = seen.items.iter().filter(is_live).collect();
    let backed_up = live.iter().filter(|own| own.protection == Protection::Protected).count();
    [
        GuideStep {
            title: "A policy, and the machines protected by it",
            state: seen.state(!live.is_empty()),
            text: match live.len() {
                0 => "DefaultPolicy makes a backup a day and keeps it for 30 days".to_owned(),
                machines => format!("{} protected", count(machines, "machine")),
            },
            run: vec![
                format!("azseed vm policy list --vault {vault}"),
                format!("azseed vm protect --all --vault {vault} --policy DefaultPolicy"),
            ],
        },
        GuideStep {
            title: "The first backup",
            state: seen.state(!live.is_empty() && backed_up == live.len()),
            text: match live.len() {
                0 => "the policy's next time makes it, or you do, now".to_owned(),
                machines => format!("{backed_up} of {machines} have one"),
            },
            run: vec![
                format!("azseed vm backup --all --vault {vault} --wait"),
                format!("azseed vm status --vault {vault}"),
            ],
        },
    ]
}
