//! Machines of a vault that have one name in several groups: of them the group is told.

use std::collections::{BTreeMap, BTreeSet};

use crate::azure::Arm;
use crate::vm_backup::{Job, VaultId, items};

/// Names that several machines have, in small letters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Twins(BTreeSet<String>);

impl Twins {
    /// Those of a vault, by what it has now and what its jobs were about. Who may not see the machines
    /// is told of the jobs alone.
    pub(super) fn of(arm: &Arm, vault: &VaultId, jobs: &[Job]) -> Self {
        let held = items(arm, vault).unwrap_or_default();
        let held = held.iter().map(|own| (own.machine.name.as_str(), own.machine.group.as_str()));
        let jobs =
            jobs.iter().filter_map(|own| Some((own.machine.as_str(), own.group.as_deref()?)));
        Twins::among(held.chain(jobs))
    }

    fn among<'a>(all: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut groups: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (name, group) in all {
            groups.entry(name.to_lowercase()).or_default().insert(group.to_lowercase());
        }
        let several = groups.into_iter().filter(|(_, groups)| groups.len() > 1);
        Twins(several.map(|(name, _)| name).collect())
    }

    /// The machine of a job, with its group if the name alone says too little.
    pub fn told(&self, job: &Job) -> String {
        match job.group.as_ref().filter(|_| self.0.contains(&job.machine.to_lowercase())) {
            Some(group) => format!("{group}/{}", job.machine),
            None => job.machine.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_two_groups_is_one_of_twins_whatever_its_case() {
        let all = [("web", "rg"), ("Web", "RG"), ("db", "rg"), ("DB", "rg2")];
        assert_eq!(Twins::among(all.into_iter()), Twins(BTreeSet::from(["db".to_owned()])));
    }
}
