//! Policy and schedule of a vault in its container, beside the claim, so that another machine finds
//! them there. The policy is the vault's: the one that was set last holds on every machine. Schedule
//! and time zone are those of the machine that set them last, for a machine that has none yet.

use std::sync::Arc;

use disk_prep::noun::{KeepRule, Md5Digest, Schedule, ZoneName};
use jiff::Timestamp;
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::error::Error;
use super::record::Vault;
use super::shelf::CLAIM;
use crate::azure::{Container, Fenced};
use crate::policy::{Policy, Retention};

/// Where they stand in the claim.
const KEY: &str = "settings";
/// A claim is small; whatever is larger was not written by us, bytes.
const MOST_BYTES: u64 = 1 << 20;

/// What is kept of a vault and when it is run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// When increments are made.
    #[serde(default)]
    pub schedule: Schedule,
    /// The zone of the schedule; `None` if it is that of the machine.
    #[serde(default)]
    pub time_zone: Option<ZoneName>,
    /// So many of each span.
    #[serde(default)]
    pub retention: Retention,
    /// On which days snapshots are kept beside these, and for how long.
    #[serde(default)]
    pub keep: Vec<KeepRule>,
    /// When the policy was set; `None` if it is as the vault was made.
    #[serde(default)]
    pub policy_at: Option<Timestamp>,
}

/// Whose policy is the newer one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Newer {
    /// The container has what this machine has.
    Neither,
    /// The container's policy.
    Theirs(Policy, Option<Timestamp>),
    /// What this machine has.
    Ours,
}

impl Settings {
    /// Those of a vault as this machine has them.
    pub fn of(vault: &Vault) -> Self {
        Settings {
            schedule: vault.schedule.clone(),
            time_zone: vault.time_zone.clone(),
            retention: vault.retention,
            keep: vault.keep.clone(),
            policy_at: vault.policy_at,
        }
    }

    /// Which snapshots are kept.
    pub fn policy(&self) -> Policy {
        Policy { counts: self.retention, rules: self.keep.clone() }
    }

    /// Reads them from a vault's container; `None` if nobody has written any.
    pub fn read(container: &dyn Container) -> Result<Option<Self>, Error> {
        let Some(claim) = claim(container)? else { return Ok(None) };
        let Some(settings) = claim.get(KEY) else { return Ok(None) };
        serde_json::from_value(settings.clone()).map(Some).map_err(damaged)
    }

    /// Writes them into a vault's container and leaves all else that the claim says. Without a
    /// claim, nothing is written: the container is nobody's.
    pub fn write(&self, container: &Arc<dyn Fenced>) -> Result<(), Error> {
        let Some(mut claim) = claim(container.container().as_ref())? else { return Ok(()) };
        let settings = serde_json::to_value(self).expect("names and numbers can be written");
        claim.insert(KEY.to_owned(), settings);
        let text = serde_json::to_vec(&claim).expect("it was read");
        let md5 = Md5Digest::new(Md5::digest(&text).into());
        let failed = |source| Error::Blob { path: CLAIM.to_owned(), source };
        container.write(CLAIM, text.into(), md5).map_err(failed)
    }

    /// Which of these, from the container, and what this machine has is the newer.
    pub fn newer(settings: Option<&Self>, vault: &Vault) -> Newer {
        match settings {
            Some(theirs) if *theirs == Settings::of(vault) => Newer::Neither,
            Some(theirs)
                if theirs.policy_at > vault.policy_at && !theirs.policy().keeps_nothing() =>
            {
                Newer::Theirs(theirs.policy(), theirs.policy_at)
            }
            _ => Newer::Ours,
        }
    }
}

fn claim(container: &dyn Container) -> Result<Option<Map<String, Value>>, Error> {
    let failed = |source| Error::Blob { path: CLAIM.to_owned(), source };
    let facts = container.facts(CLAIM).map_err(failed)?;
    if facts.is_none_or(|facts| facts.bytes > MOST_BYTES) {
        return Ok(None);
    }
    let Some(text) = container.read(CLAIM).map_err(failed)? else { return Ok(None) };
    serde_json::from_slice(&text).map(Some).map_err(damaged)
}

fn damaged(source: serde_json::Error) -> Error {
    Error::Control { path: CLAIM.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use disk_prep::noun::Diagnose;

    use super::*;
    use crate::azure::memory::Memory;
    use crate::azure::{self, Fence};

    #[derive(Debug)]
    struct Open;

    impl Fence for Open {
        fn check(&self) -> Result<(), azure::Error> {
            Ok(())
        }
    }

    fn settings(secs: i64) -> Settings {
        Settings {
            schedule: "mon,wed 22:00".parse().unwrap(),
            time_zone: Some("Europe/Berlin".parse().unwrap()),
            retention: Retention { daily: Some(7), ..Retention::default() },
            keep: vec!["every Sunday for 104 weeks".parse().unwrap()],
            policy_at: Some(Timestamp::from_second(secs).unwrap()),
        }
    }

    #[test]
    fn settings_stand_in_the_claim_and_leave_what_else_it_says() {
        let memory = Memory::default();
        let container = memory.container("vault");
        let fenced = Arc::clone(&container).fenced(Arc::new(Open));
        settings(1).write(&fenced).unwrap();
        assert!(memory.contents("vault").is_empty(), "a container of nobody is left alone");
        memory.put("vault", CLAIM, br#"{"version":1,"vault":"office","later":[1]}"#);
        assert_eq!(Settings::read(container.as_ref()).unwrap(), None);
        settings(1).write(&fenced).unwrap();
        assert_eq!(Settings::read(container.as_ref()).unwrap(), Some(settings(1)));
        let text = memory.contents("vault").remove(CLAIM).unwrap();
        let claim: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!((&claim["vault"], &claim["later"][0]), (&"office".into(), &1.into()));
    }

    #[test]
    fn what_is_no_claim_is_told_and_stays() {
        let memory = Memory::default();
        let container = memory.container("vault");
        for text in ["[]", "{", r#"{"settings":{"keep":["always"]}}"#] {
            memory.put("vault", CLAIM, text.as_bytes());
            let error = Settings::read(container.as_ref()).unwrap_err();
            assert_eq!(error.code(), "vault-control-damaged", "{text}");
        }
        memory.put("vault", CLAIM, &vec![b' '; (MOST_BYTES + 1) as usize]);
        assert_eq!(Settings::read(container.as_ref()).unwrap(), None);
    }
}
