//! `check vm` and `vm preflight`: whether Azure can back virtual machines up, side by side for many; the
//! second looks at vault and policy, too. Asks only what reads.

use std::collections::BTreeMap;
use std::sync::Mutex;

use disk_prep::noun::{ErrorKind, ResourceGroup};
use disk_prep::sys::hold::hold;

use super::desk::Desk;
use super::vm::{Office, VmOptions};
use super::vm_look::{Looked, ended, look, sizes};
use super::vm_protect::{AT_ONCE, DEFAULT_POLICY, Machines, some};
use crate::azure::each_of;
use crate::check::azure::Answer;
use crate::check::finding::{Checked, Finding, Grade, good, problem, unknown};
use crate::check::vm::{View, findings};
use crate::outcome::Failure;
use crate::vm_backup::{Error, Machine, PolicyFacts, RecoveryVault, create_line, policies};

/// A machine that was named.
enum Named {
    /// One of today.
    Machine(Machine),
    /// One of the way that is no more.
    Classic(String),
}

/// Looks at machines as Azure sees them.
pub fn check(asked: &Machines, options: &VmOptions, desk: &Desk<'_>) -> Result<Checked, Failure> {
    let office = Office::open(options, desk.attendant)?;
    if options.vault.is_some() {
        office.vaults(options)?;
    }
    let all = named(&office, asked)?;
    let looked = each(&office, &all, options);
    Ok(Checked(all.iter().zip(&looked).flat_map(|(own, looked)| told(own, looked)).collect()))
}

/// The same, and at the vault and the policy that would protect them.
pub fn preflight(
    asked: &Machines,
    policy: Option<&str>,
    options: &VmOptions,
    desk: &Desk<'_>,
) -> Result<Checked, Failure> {
    let office = Office::open(options, desk.attendant)?;
    let all = named(&office, asked)?;
    let shelves = shelves(&office, &all, options);
    let policy = policy.unwrap_or(DEFAULT_POLICY);
    let mut found = Vec::new();
    for (own, looked) in all.iter().zip(&each(&office, &all, options)) {
        let mut more = told(own, looked);
        if let (Named::Machine(machine), Some(looked)) = (own, looked) {
            let how = (policy, options.group.as_ref());
            more.extend(of_shelf(&shelves[&machine.region], machine, how));
            more.extend(next(&shelves[&machine.region], looked, &more, policy));
        }
        found.extend(more);
    }
    Ok(Checked(found))
}

/// The machines that are meant. One of the way that is no more is told as that, beside the others.
fn named(office: &Office, asked: &Machines) -> Result<Vec<Named>, Failure> {
    if asked.is_all || asked.words.is_empty() {
        return Ok(some(office, asked)?.into_iter().map(Named::Machine).collect());
    }
    let (mut all, mut faults) = (Vec::new(), Vec::new());
    for (word, own) in asked.words.iter().zip(office.each_named(&asked.words)?) {
        match own {
            Ok(machine) if machines(&all).iter().any(|own| own.id == machine.id) => {}
            Ok(machine) => all.push(Named::Machine(machine)),
            Err(Error::Classic { .. }) => all.push(Named::Classic(word.clone())),
            Err(fault) => faults.push(fault),
        }
    }
    Error::of_all(faults)?;
    Ok(all)
}

/// Looks at each machine of today, several at once; in their order.
fn each(office: &Office, all: &[Named], options: &VmOptions) -> Vec<Option<Looked>> {
    let today = machines(all);
    let (sizes, ended) = (sizes(office, &today), ended(office, &today));
    let meant = options.vault.as_ref().map(|own| own.as_str());
    let found: Mutex<Vec<(usize, Option<Looked>)>> = Mutex::new(Vec::new());
    let one = |at: usize| {
        let looked = match &all[at] {
            Named::Machine(own) => Some(look(&office.arm, own, (&sizes, &ended), meant)),
            Named::Classic(_) => None,
        };
        hold(&found).push((at, looked));
        Ok::<(), std::convert::Infallible>(())
    };
    let Ok(()) = each_of(0..all.len(), AT_ONCE, one);
    let mut found = std::mem::take(&mut *hold(&found));
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, looked)| looked).collect()
}

fn machines(all: &[Named]) -> Vec<Machine> {
    let machine = |own: &Named| match own {
        Named::Machine(own) => Some(own.clone()),
        Named::Classic(_) => None,
    };
    all.iter().filter_map(machine).collect()
}

fn told(own: &Named, looked: &Option<Looked>) -> Vec<Finding> {
    match (own, looked) {
        (Named::Machine(machine), Some(looked)) => {
            let mut all = findings(&looked.view);
            all.extend(looked.let_out(&machine.region));
            all
        }
        (Named::Machine(_), None) => Vec::new(),
        (Named::Classic(name), _) => findings(&View::classic(name)),
    }
}

/// The vault that would protect the machines of a region, with its policies; or why there is none.
type Shelf = Result<(RecoveryVault, Vec<PolicyFacts>), Failure>;

fn shelves(office: &Office, all: &[Named], options: &VmOptions) -> BTreeMap<String, Shelf> {
    let mut found = BTreeMap::new();
    for own in machines(all) {
        found.entry(own.region.clone()).or_insert_with(|| {
            let vault = office.vault(options, Some(&own.region))?;
            let policies = policies(&office.arm, &vault.id)?;
            Ok((vault, policies))
        });
    }
    found
}

/// Whether the vault is in the machine's region and has the policy.
fn of_shelf(
    shelf: &Shelf,
    machine: &Machine,
    (policy, group): (&str, Option<&ResourceGroup>),
) -> Vec<Finding> {
    let Machine { id, region, .. } = machine;
    let all = match shelf {
        Err(Failure(error)) => {
            let command = create_line(group, region);
            let hint = error.hint().map(|own| own.to_string()).unwrap_or_default();
            let found = problem("vault", error.to_string(), &hint).because(error.kind());
            match error.code() {
                "vm-vault-not-found" => vec![found.next(command)],
                code => vec![found.explained(code)],
            }
        }
        Ok((vault, policies)) => {
            let name = &vault.id.name;
            let mut all = vec![match vault.region == *region {
                true => good("vault", format!("{name} is in {region}, too")),
                false => {
                    let facts =
                        format!("{name} is in {}, and the machine in {region}", vault.region);
                    let action = "a vault protects machines of its own region";
                    problem("vault", facts, action)
                        .because(ErrorKind::Refused)
                        .next(create_line(group, region))
                        .explained("vm-other-region")
                }
            }];
            let held = policies.iter().find(|own| own.name.eq_ignore_ascii_case(policy));
            all.push(match held {
                Some(held) => {
                    let when = held.policy.as_ref().map(|own| format!(": {}", own.schedule));
                    good("policy", format!("{}{}", held.name, when.unwrap_or_default()))
                }
                None => {
                    let found =
                        problem("policy", format!("{name} has no policy {policy}"), "make it");
                    found
                        .because(ErrorKind::NotFound)
                        .next(vault.id.line(["policy", "list"]))
                        .explained("vm-policy-not-found")
                }
            });
            all
        }
    };
    all.into_iter().map(|own| own.of("vm").about(id.short())).collect()
}

/// The line that protects a machine, if nothing speaks against it.
fn next(shelf: &Shelf, looked: &Looked, found: &[Finding], policy: &str) -> Option<Finding> {
    if let (Answer::Known(Some(_)), None) = (&looked.view.protected, &looked.view.ended) {
        return None;
    }
    let name = &looked.view.name;
    let is_bad = |own: &Finding| matches!(own.grade, Grade::Problem(_));
    let own = match shelf {
        Ok((vault, _)) if !found.iter().any(is_bad) => {
            let line = vault.id.line(["protect", name, "--policy", policy]);
            good("ready", "it can be protected").next(line)
        }
        _ => unknown("ready", "not before the problems are mended"),
    };
    Some(own.of("vm").about(name))
}
