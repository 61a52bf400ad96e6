//! How near vaults are to what the service lets them hold (`environment-checks` 6). Pure over counts.

use disk_prep::limits::{REGION_VAULTS, VAULT_MACHINES, VAULT_POLICIES};

use super::answer::{Answer, look as look_at};
use super::finding::{Finding, good, warning};

const WHAT: &str = "limits";

/// What a subscription holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Each region with vaults, and how many.
    pub regions: Vec<(String, usize)>,
    /// Each vault, and what is in it.
    pub vaults: Vec<VaultCounts>,
}

/// What a vault holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultCounts {
    /// Its group and name.
    pub name: String,
    /// Virtual machines.
    pub machines: usize,
    /// Policies.
    pub policies: usize,
}

/// What is so: one finding, or one for each that is nearly full.
pub fn look(counts: &Answer<Counts>) -> Vec<Finding> {
    let found = match counts {
        Answer::Known(own) => judged(own),
        other => look_at(WHAT, other, "subscription", |_| good(WHAT, "")).into_iter().collect(),
    };
    found.into_iter().map(|own| own.of("azure")).collect()
}

fn judged(Counts { regions, vaults }: &Counts) -> Vec<Finding> {
    let mut near = Vec::new();
    let mut count = |held: usize, most: usize, what: String, action: &str| {
        // From nine tenths on.
        if held.saturating_mul(10) >= most.saturating_mul(9) {
            near.push(warning(WHAT, format!("{held} of {most} {what}"), action));
        }
    };
    for (region, held) in regions {
        let what = format!("vaults in {region}");
        count(*held, REGION_VAULTS, what, "delete vaults that hold nothing");
    }
    for VaultCounts { name, machines, policies } in vaults {
        let what = format!("virtual machines in the vault {name}");
        count(*machines, VAULT_MACHINES, what, "make another vault for those to come");
        let what = format!("policies in the vault {name}");
        count(*policies, VAULT_POLICIES, what, "delete policies that no machine has");
    }
    if !near.is_empty() {
        return near;
    }
    let most = |of: fn(&VaultCounts) -> usize| vaults.iter().map(of).max().unwrap_or(0);
    vec![good(
        WHAT,
        format!(
            "{} of {REGION_VAULTS} vaults in a region, {} of {VAULT_MACHINES} virtual machines and \
             {} of {VAULT_POLICIES} policies in a vault at most; a vault takes 50 changes of policies \
             a day",
            regions.iter().map(|own| own.1).max().unwrap_or(0),
            most(|own| own.machines),
            most(|own| own.policies),
        ),
    )]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::finding::Grade;

    fn counts(in_region: usize, machines: usize, policies: usize) -> Counts {
        let name = "rg/prod".to_owned();
        Counts {
            regions: vec![("eastus".to_owned(), 1), ("westus".to_owned(), in_region)],
            vaults: vec![VaultCounts { name, machines, policies }],
        }
    }

    #[test]
    fn what_is_nearly_full_is_told_from_nine_tenths_on() {
        let of = |own: Counts| look(&Answer::Known(own));
        let free = of(counts(449, 899, 179));
        assert_eq!((free.len(), free[0].grade), (1, Grade::Good));
        assert!(free[0].facts.contains("449 of 500") && free[0].id() == "azure-limits", "{free:?}");
        let full = of(counts(450, 1000, 180));
        let facts: Vec<&str> = full.iter().map(|own| own.facts.as_str()).collect();
        assert_eq!(
            facts,
            [
                "450 of 500 vaults in westus",
                "1000 of 1000 virtual machines in the vault rg/prod",
                "180 of 200 policies in the vault rg/prod",
            ]
        );
        assert!(full.iter().all(|own| own.grade == Grade::Warning));
        assert!(of(Counts::default())[0].grade == Grade::Good);
        let unseen = look(&Answer::Unknown("AuthorizationFailed".to_owned()));
        assert_eq!(unseen[0].grade, Grade::Unknown);
        assert!(look(&Answer::Unasked).is_empty());
    }
}
