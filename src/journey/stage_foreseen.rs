//! What `stage` would do, looked at as `stage` itself does before it makes anything.

use std::path::PathBuf;

use disk_prep::noun::VaultName;

use super::desk::Desk;
use super::stage::{Ready, WriteOptions, ready};
use super::stage_place::{LostSeed, look_at_neighbours, seed_at};
use crate::outcome::Failure;
use crate::staging::{Destination, SeedKind, find_own, free_bytes};

/// What would be done.
#[derive(Debug)]
pub struct StageForeseen {
    /// Where it would be written.
    pub staging: PathBuf,
    /// Where it would go.
    pub target: Destination,
    /// What would be read; none if all is staged already.
    pub sources: Vec<PathBuf>,
    /// Files and links of it.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What would be left out, a sentence each.
    pub left_out: Vec<String>,
    /// Bytes that are free where it would be written, if the file system says so.
    pub free_bytes: Option<u64>,
    /// The vault that it would join.
    pub vault: Option<VaultName>,
    /// Whether all that is asked is staged already.
    pub is_done: bool,
}

/// Looks, and makes nothing.
pub fn foresee(options: &WriteOptions, desk: &Desk<'_>) -> Result<StageForeseen, Failure> {
    let Ready { target, joint, looked, is_done, .. } = ready(options, desk)?;
    let vault = joint.as_ref().map(|joint| joint.name().clone());
    if seed_at(&options.staging).is_none() {
        let state = desk.state()?;
        let lost = LostSeed::at(&options.staging, &state);
        lost.iter().for_each(|own| desk.attendant.warn(&own.to_string()));
        if joint.is_none() {
            let asked = (&target, SeedKind::Repository);
            look_at_neighbours(asked, &options.staging, &state, desk.attendant)?;
        }
    }
    if options.staging.exists() {
        find_own(&desk.enter(&options.staging)?, &target, vault.as_ref())?;
    }
    looked.warnings.iter().for_each(|warning| desk.attendant.warn(warning));
    Ok(StageForeseen {
        staging: options.staging.clone(),
        target,
        files: looked.files,
        bytes: looked.plan.bytes,
        left_out: looked.plan.choice.told(),
        sources: looked.plan.sources,
        free_bytes: free_bytes(&options.staging),
        vault,
        is_done,
    })
}
