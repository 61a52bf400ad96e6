//! Whether whoever is signed in may do all that is asked of Azure: what is needed for a purpose, minus
//! what is held, and the smallest roles that have the rest. Pure; changes nothing.

use disk_prep::noun::{ErrorKind, typed};

use super::answer::{Answer, look as look_at};
use super::finding::{Finding, good, problem, unknown, warning};
use super::roles::{ROLES, Role};
use crate::azure::{Assignment, Permission};

/// What a look at Azure is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Drives are sent, and copied into an account.
    Import,
    /// Blobs of an account are a vault.
    Vault,
    /// Disks are backed up as page blobs of an account.
    DiskBackup,
    /// Azure backs up machines of its own.
    Vm,
    /// What Azure backed up is brought back.
    Restore,
}

/// A right that is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// Of the resource manager.
    Action(&'static str),
    /// On data, such as blobs.
    Data(&'static str),
}

impl Right {
    /// As Azure names it.
    pub fn name(self) -> &'static str {
        match self {
            Right::Action(name) | Right::Data(name) => name,
        }
    }
}

use Right::{Action, Data};

/// What makes a job of Azure Data Box, and sees which there are.
pub const NEW_DATA_BOX: &[Right] =
    &[Action("Microsoft.DataBox/jobs/read"), Action("Microsoft.DataBox/jobs/write")];
/// The same in the classic service.
pub const NEW_IMPORT_EXPORT: &[Right] =
    &[Action("Microsoft.ImportExport/jobs/read"), Action("Microsoft.ImportExport/jobs/write")];
/// Jobs of Azure Data Box.
pub const DATA_BOX: &[Right] = &[
    Action("Microsoft.DataBox/jobs/read"),
    Action("Microsoft.DataBox/jobs/write"),
    Action("Microsoft.DataBox/jobs/delete"),
    Action("Microsoft.DataBox/jobs/cancel/action"),
    Action("Microsoft.DataBox/jobs/listCredentials/action"),
    Action("Microsoft.DataBox/jobs/markDevicesShipped/action"),
];
/// Jobs of the classic service.
pub const IMPORT_EXPORT: &[Right] = &[
    Action("Microsoft.ImportExport/jobs/read"),
    Action("Microsoft.ImportExport/jobs/write"),
    Action("Microsoft.ImportExport/jobs/delete"),
    Action("Microsoft.ImportExport/jobs/listBitLockerKeys/action"),
];
/// An account, and the containers in it.
pub const ACCOUNT: &[Right] = &[
    Action("Microsoft.Storage/storageAccounts/read"),
    Action("Microsoft.Storage/storageAccounts/blobServices/containers/read"),
    Action("Microsoft.Storage/storageAccounts/blobServices/containers/write"),
];
/// Blobs of it, where nothing but the sign-in opens them.
pub const BLOBS: &[Right] = &[
    Data("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"),
    Data("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write"),
    Data("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action"),
    Data("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete"),
];
/// Managed disks that are backed up as page blobs: snapshots of them are taken, read and let go.
pub const MANAGED_DISKS: &[Right] = &[
    Action("Microsoft.Compute/disks/read"),
    Action("Microsoft.Compute/snapshots/read"),
    Action("Microsoft.Compute/snapshots/write"),
    Action("Microsoft.Compute/snapshots/delete"),
    Action("Microsoft.Compute/snapshots/beginGetAccess/action"),
    Action("Microsoft.Compute/snapshots/endGetAccess/action"),
];
/// Vaults, policies, protected machines and jobs, and the machines themselves ("Manage backups with
/// Azure role-based access control").
pub const VM: &[Right] = &[
    Action("Microsoft.RecoveryServices/Vaults/read"),
    Action("Microsoft.RecoveryServices/Vaults/write"),
    Action("Microsoft.RecoveryServices/Vaults/backupPolicies/read"),
    Action("Microsoft.RecoveryServices/Vaults/backupPolicies/write"),
    Action("Microsoft.RecoveryServices/Vaults/backupFabrics/refreshContainers/action"),
    Action("Microsoft.RecoveryServices/Vaults/backupProtectableItems/read"),
    Action("Microsoft.RecoveryServices/Vaults/backupProtectedItems/read"),
    Action(
        "Microsoft.RecoveryServices/Vaults/backupFabrics/protectionContainers/protectedItems/read",
    ),
    Action(
        "Microsoft.RecoveryServices/Vaults/backupFabrics/protectionContainers/protectedItems/write",
    ),
    Action(
        "Microsoft.RecoveryServices/Vaults/backupFabrics/protectionContainers/protectedItems/delete",
    ),
    Action(
        "Microsoft.RecoveryServices/Vaults/backupFabrics/protectionContainers/protectedItems/backup/action",
    ),
    Action("Microsoft.RecoveryServices/Vaults/backupJobs/read"),
    Action("Microsoft.RecoveryServices/Vaults/backupJobs/cancel/action"),
    Action("Microsoft.Compute/virtualMachines/read"),
    Action("Microsoft.Compute/virtualMachines/write"),
];
/// Points, and where what is in them comes back to.
pub const RESTORE: &[Right] = &[
    Action("Microsoft.RecoveryServices/Vaults/read"),
    Action("Microsoft.RecoveryServices/Vaults/backupProtectedItems/read"),
    Action(
        "Microsoft.RecoveryServices/Vaults/backupFabrics/protectionContainers/protectedItems/recoveryPoints/read",
    ),
    Action(
        "Microsoft.RecoveryServices/Vaults/backupFabrics/protectionContainers/protectedItems/recoveryPoints/restore/action",
    ),
    Action("Microsoft.RecoveryServices/Vaults/backupTriggerValidateOperation/action"),
    Action("Microsoft.RecoveryServices/Vaults/backupJobs/read"),
    Action("Microsoft.Storage/storageAccounts/read"),
    Action("Microsoft.Storage/storageAccounts/write"),
    Action("Microsoft.Compute/virtualMachines/write"),
    Action("Microsoft.Network/virtualNetworks/read"),
    Action("Microsoft.Network/virtualNetworks/subnets/join/action"),
];
/// A new machine in a group.
pub const NEW_MACHINE: &[Right] = &[
    Action("Microsoft.Compute/virtualMachines/write"),
    Action("Microsoft.Network/virtualNetworks/read"),
    Action("Microsoft.Network/virtualNetworks/subnets/join/action"),
];
/// Other disks for a machine.
pub const OTHER_DISKS: &[Right] = &[Action("Microsoft.Compute/virtualMachines/write")];
/// Disks as blobs of an account.
pub const DISKS_AS_BLOBS: &[Right] = &[Action("Microsoft.Storage/storageAccounts/write")];
/// New disks in a group.
pub const NEW_DISKS: &[Right] = &[Action("Microsoft.Compute/disks/write")];

/// Whether a pattern of a role is of an action; words are compared without regard to case.
fn is_of(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_ascii_lowercase(), action.to_ascii_lowercase());
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = action.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// Whether a right is held by any of the roles: each without what it takes away again itself.
fn is_held(right: Right, held: &[Permission]) -> bool {
    let any = |patterns: &[String]| patterns.iter().any(|own| is_of(own, right.name()));
    held.iter().any(|own| match right {
        Action(_) => any(&own.actions) && !any(&own.not_actions),
        Data(_) => any(&own.data_actions) && !any(&own.not_data_actions),
    })
}

/// What is needed and not held.
pub fn missing(needed: &[Right], held: &[Permission]) -> Vec<Right> {
    needed.iter().copied().filter(|own| !is_held(*own, held)).collect()
}

impl Role {
    fn has(&self, right: Right) -> bool {
        let all = match right {
            Action(_) => self.actions,
            Data(_) => self.data_actions,
        };
        all.iter().any(|own| is_of(own, right.name()))
    }
}

/// The smallest roles that have the rights, each with those that it is needed for; what no role of
/// the list has stands with none.
pub fn roles(rights: &[Right]) -> Vec<(Option<&'static Role>, Vec<Right>)> {
    let smallest = |right: &Right| ROLES.iter().position(|own| own.has(*right));
    let mut places: Vec<usize> = rights.iter().filter_map(smallest).collect();
    places.sort_unstable();
    places.dedup();
    // One whose rights others have anyway is not needed.
    let is_enough = |some: &[usize]| {
        let mut known = rights.iter().filter(|own| smallest(own).is_some());
        known.all(|right| some.iter().any(|place| ROLES[*place].has(*right)))
    };
    for place in places.clone() {
        let rest: Vec<usize> = places.iter().copied().filter(|own| *own != place).collect();
        if is_enough(&rest) {
            places = rest;
        }
    }
    let mut found: Vec<(Option<&Role>, Vec<Right>)> = Vec::new();
    for place in places {
        let is_first = |right: &&Right| {
            ROLES[place].has(**right) && !found.iter().any(|(_, had)| had.contains(right))
        };
        let own: Vec<Right> = rights.iter().filter(is_first).copied().collect();
        found.push((Some(&ROLES[place]), own));
    }
    let none: Vec<Right> = rights.iter().filter(|own| smallest(own).is_none()).copied().collect();
    if !none.is_empty() {
        found.push((None, none));
    }
    found
}

/// Where rights are needed, and who needs them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The resource id of a subscription, a group or a resource.
    pub scope: String,
    /// The object id of who is signed in, if the token says it.
    pub principal: Option<String>,
}

/// What is so: all is held, or each role that is missing is a finding.
pub fn look(place: &Place, needed: &[Right], held: &Answer<Vec<Permission>>) -> Vec<Finding> {
    let Place { scope, principal } = place;
    let held = match held {
        Answer::Known(held) => held,
        Answer::Failed(fault) => return vec![fault.finding("rights")],
        Answer::Unknown(why) => {
            return vec![unknown("rights", format!("not known at {scope}: {why}"))];
        }
        Answer::Absent => return vec![unknown("rights", format!("not told at {scope}"))],
        Answer::Unasked => return Vec::new(),
    };
    let missing = missing(needed, held);
    if missing.is_empty() {
        return vec![good("rights", format!("all that is needed at {scope}"))];
    }
    let who = principal.as_deref().unwrap_or("WHO");
    let finding = |(role, rights): (Option<&Role>, Vec<Right>)| {
        let names: Vec<&str> = rights.iter().map(|own| own.name()).collect();
        let facts = format!("missing at {scope}: {}", names.join(", "));
        let Some(role) = role else {
            let action = "ask the owner of the subscription for a role that has them";
            return problem("rights", facts, action).because(ErrorKind::NotAllowed);
        };
        let name = role.name;
        let action = format!("the smallest role that has them is {name}; have its owner give it");
        problem("rights", facts, &action).because(ErrorKind::NotAllowed).next(typed([
            "az",
            "role",
            "assignment",
            "create",
            "--assignee",
            who,
            "--role",
            name,
            "--scope",
            scope,
        ]))
    };
    roles(&missing).into_iter().map(finding).collect()
}

/// The roles that somebody has at a scope or above it, as they were given.
pub fn assigned(scope: &str, held: &Answer<Vec<Assignment>>) -> Option<Finding> {
    // Who may not look at roles may still have them.
    let held = match held {
        Answer::Failed(fault) => &Answer::Unknown(fault.facts.clone()),
        other => other,
    };
    look_at("assignments", held, "scope", |all| {
        if all.is_empty() {
            let action = "have the owner of the subscription give one, if rights are missing";
            return warning("assignments", format!("no role is given at {scope}"), action);
        }
        let told: Vec<String> =
            all.iter().map(|own| format!("{} at {}", own.role, own.scope)).collect();
        good("assignments", told.join("; "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(actions: &[&str], not_actions: &[&str]) -> Vec<Permission> {
        let own = |all: &[&str]| all.iter().map(|own| (*own).to_owned()).collect();
        vec![Permission {
            actions: own(actions),
            not_actions: own(not_actions),
            ..Permission::default()
        }]
    }

    #[test]
    fn a_pattern_is_of_the_actions_that_azure_means_by_it() {
        for (pattern, action, is) in [
            ("*", "A/b/read", true),
            ("*/read", "A/b/read", true),
            ("*/read", "A/b/reads", false),
            ("microsoft.compute/*", "Microsoft.Compute/disks/write", true),
            ("Microsoft.Compute/*", "Microsoft.ComputeX/disks/write", false),
            ("A/*/c/*", "A/b/c/d", true),
            ("A/*/c/*", "A/b/d", false),
            ("A/b", "A/b", true),
            ("A/b", "A/b/c", false),
            ("", "A", false),
            ("A/*/A", "A/A", false),
        ] {
            assert_eq!(is_of(pattern, action), is, "{pattern} {action}");
        }
    }

    #[test]
    fn what_a_role_takes_away_another_may_give() {
        let own = held(&["*"], &["Microsoft.Compute/*/write"]);
        let write = Action("Microsoft.Compute/virtualMachines/write");
        assert_eq!(missing(&[write], &own), [write]);
        let both = [own, held(&["Microsoft.Compute/virtualMachines/*"], &[])].concat();
        assert_eq!(missing(&[write], &both), []);
        // The owner of everything still has no right to data.
        assert_eq!(missing(&[BLOBS[0]], &held(&["*"], &[])), [BLOBS[0]]);
    }

    #[test]
    fn the_smallest_roles_are_named_and_none_twice() {
        let names = |rights: &[Right]| -> Vec<Option<&'static str>> {
            roles(rights).into_iter().map(|(role, _)| role.map(|own| own.name)).collect()
        };
        assert_eq!(names(&VM[..1]), [Some("Backup Reader")]);
        assert_eq!(names(&[VM[0], VM[10]]), [Some("Backup Operator")], "it covers the reader");
        assert_eq!(names(VM), [Some("Backup Contributor"), Some("Virtual Machine Contributor")]);
        assert_eq!(names(BLOBS), [Some("Storage Blob Data Contributor")]);
        assert_eq!(names(DATA_BOX), [Some("Data Box Contributor")]);
        let disks = [Some("Disk Backup Reader"), Some("Disk Snapshot Contributor")];
        assert_eq!(names(MANAGED_DISKS), disks);
        assert_eq!(names(IMPORT_EXPORT), [Some("Contributor")]);
        assert_eq!(names(&[Data("Microsoft.Other/data/read")]), [None]);
        // Every right that is named belongs to exactly one role.
        for all in [
            DATA_BOX,
            ACCOUNT,
            BLOBS,
            VM,
            RESTORE,
            NEW_MACHINE,
            NEW_DISKS,
            OTHER_DISKS,
            MANAGED_DISKS,
        ] {
            let told: usize = roles(all).iter().map(|(_, own)| own.len()).sum();
            assert_eq!(told, all.len());
        }
    }

    #[test]
    fn what_is_missing_is_a_problem_with_the_line_that_gives_it() {
        let scope = "/subscriptions/s/resourceGroups/rg(1)".to_owned();
        let place = Place { scope, principal: Some("me".to_owned()) };
        let found = look(&place, VM, &Answer::Known(held(&["*/read"], &[])));
        assert_eq!(found.len(), 2);
        let command = found[0].command.as_deref().unwrap();
        assert!(command.contains("--assignee me --role 'Backup Contributor'"), "{command}");
        assert!(command.ends_with("--scope '/subscriptions/s/resourceGroups/rg(1)'"), "{command}");
        assert!(found[0].facts.contains("Vaults/write"), "{}", found[0].facts);
        assert!(!found[0].facts.contains("Vaults/read"), "{}", found[0].facts);
        let found = look(&place, VM, &Answer::Known(held(&["*"], &[])));
        assert_eq!(found[0].grade.word(), "good");
        let found = look(&place, VM, &Answer::Unknown("AuthorizationFailed".to_owned()));
        assert_eq!(found[0].grade.word(), "unknown");
        assert!(look(&place, VM, &Answer::Unasked).is_empty());
    }

    #[test]
    fn roles_are_told_as_they_were_given_and_who_may_not_look_is_no_fault() {
        let own = |role: &str| Assignment { role: role.to_owned(), scope: "/s".to_owned() };
        let of = |held: Answer<Vec<Assignment>>| assigned("/s/rg", &held).unwrap();
        let told = of(Answer::Known(vec![own("Owner"), own("Reader")]));
        assert_eq!(told.facts, "Owner at /s; Reader at /s");
        assert_eq!(of(Answer::Known(Vec::new())).grade.word(), "warning");
        assert_eq!(of(Answer::Unknown("AuthorizationFailed".to_owned())).grade.word(), "unknown");
    }
}
