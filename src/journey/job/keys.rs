//! `job keys`: the recovery passwords, from journals and state directory alone.

use disk_prep::drive::DriveName;
use disk_prep::noun::{Diagnose, ErrorKind, Hint, JobName, RecoveryPassword, Serial};

use super::held::{Homes, NoDrives, OfJob, drives_of_job};
use super::target::JobOptions;
use crate::custody::Deed;
use crate::journey::custody::Logged;
use crate::journey::desk::Desk;
use crate::journey::drives::find_filled;
use crate::journey::escrow::{Escrow, Escrowed, prove};
use crate::journey::keeper::{KeyFiles, keeper};
use crate::outcome::Failure;

/// Shows the recovery passwords of the drives of the job that is named, or of the only one.
pub fn keys(
    target: &JobOptions,
    is_named: bool,
    reveal: bool,
    files: &KeyFiles,
    desk: &Desk<'_>,
) -> Result<(Keys, Logged), Failure> {
    let state = desk.state()?;
    let (mut keys, mut homes) = (Vec::new(), Homes::default());
    for OfJob { staging, begun, .. } in drives_of_job(target, is_named, desk)? {
        let keeper = keeper(Some(&staging), files, None, &state);
        let password = reveal.then(|| begun.password(keeper.as_ref())).transpose()?;
        if reveal {
            homes.add(&staging, begun.serial.clone());
        }
        keys.push(Key { serial: begun.serial, job: begun.job, password });
    }
    // Whoever sees a password is in the log; where it cannot be written, that is told.
    let logged = homes.leave(|drives| vec![Deed::Revealed { drives }], desk);
    Ok((Keys(keys), logged))
}

/// No key is in escrow.
#[derive(Debug, thiserror::Error)]
#[error("No recovery password is sealed: each stands clear in its journal")]
struct NoEscrow;

impl Diagnose for NoEscrow {
    fn code(&self) -> &'static str {
        "no-escrow"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::NotFound
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new("`azseed prep --encrypt-keys-for RECIPIENT` seals those of new drives"))
    }
}

/// The escrow of each drive that was looked at.
#[derive(Debug)]
pub struct Proofs(pub Vec<Escrowed>);

/// Proves that what is sealed opens the drives: these by unlocking them, else those of the job that
/// is meant by the key in their journals.
pub fn prove_keys(
    target: &JobOptions,
    is_named: bool,
    drives: &[DriveName],
    files: &KeyFiles,
    desk: &Desk<'_>,
) -> Result<(Proofs, Logged), Failure> {
    let state = desk.state()?;
    let mut work = Vec::new();
    for name in drives {
        let (drive, staging) = find_filled(
            name,
            target.staging.as_ref().map(|own| own.value.as_path()),
            &state,
            desk,
        )?;
        let staging = staging.ok_or(NoDrives)?;
        let history = staging.journals().survey_of(&drive.serial)?.ok_or(NoDrives)?;
        work.push((staging, history.begun, Some(drive)));
    }
    if drives.is_empty() {
        let all = drives_of_job(target, is_named, desk)?;
        work.extend(all.into_iter().map(|own| (own.staging, own.begun, None)));
    }
    let (mut proofs, mut homes) = (Vec::new(), Homes::default());
    for (staging, begun, drive) in work {
        let keeper = keeper(Some(&staging), files, None, &state);
        let escrow = prove(&begun, drive.as_ref(), &keeper)?;
        let proof = Escrowed { serial: begun.serial, escrow };
        proof.deed().into_iter().for_each(|deed| homes.add(&staging, deed));
        proofs.push(proof);
    }
    match proofs.iter().all(|own| matches!(own.escrow, Escrow::Clear)) {
        true => Err(NoEscrow.into()),
        false => Ok((Proofs(proofs), homes.leave(|deeds| deeds, desk))),
    }
}

/// What opens one drive.
#[derive(Debug)]
pub struct Key {
    /// The drive.
    pub serial: Serial,
    /// Its job.
    pub job: JobName,
    /// The recovery password, if it may be shown.
    pub password: Option<RecoveryPassword>,
}

/// What opens each drive of a job.
#[derive(Debug)]
pub struct Keys(pub Vec<Key>);
