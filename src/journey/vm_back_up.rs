//! `vm backup`: backups now, one job a machine; one that is under way is taken for the one that is asked
//! for, if its point is kept as long.

use jiff::Timestamp;

use super::desk::Desk;
use super::vm::{Office, VmOptions};
use super::vm_begun::{forget_asked, is_asked, is_kept, note_asked, note_kept};
use super::vm_protect::{Came, Deed, Deeds, Machines, protected, side_by_side};
use crate::outcome::Failure;
use crate::state::State;
use crate::vm_backup::{Error, MachineId, VaultId, back_up, items, job as job_of};

/// Backs machines up now; one whose backup is under way is not begun a second time.
pub fn back_up_all(
    asked: &Machines,
    until: Option<Timestamp>,
    options: &VmOptions,
    desk: &Desk<'_>,
) -> Result<Deeds, Failure> {
    let office = Office::open(options, desk.attendant)?;
    let vault = office.vault(options, None)?.id;
    let held = items(&office.arm, &vault)?;
    let all = protected(asked, &vault, &held)?;
    // By the service's time, which its answers have told by now.
    if let Some(until) = until.filter(|until| *until <= office.arm.now()) {
        return Err(Error::KeptUntilThen { until }.into());
    }
    let state = until.and_then(|_| desk.state().ok());
    let deeds = side_by_side((&all, &vault), |machine| {
        let ended = held.iter().find(|own| own.machine == *machine && own.is_ended());
        if let Some(own) = ended {
            return Err(own.ended(&vault));
        }
        let notes = state.as_ref().zip(until).map(|(state, until)| (state, &vault, machine, until));
        let now = || office.arm.now();
        let begun = back_up(&office.arm, &vault, machine, until, || {
            // Without it a call that is killed now does not know its own backup again; no more.
            let _ = notes.map(|asked| note_asked(asked, now()));
        });
        if let (Err(_), Some(asked)) = (&begun, notes) {
            forget_asked(asked);
        }
        let (job, is_new) = begun?;
        Ok(match is_new {
            true => (Came::Done("backup begun"), job),
            false => {
                kept_as_asked((&office, state.as_ref(), &vault), machine, job.as_deref(), until)?;
                (Came::Unchanged("a backup is under way already"), job)
            }
        })
    });
    note_all(state.as_ref(), &deeds, until, desk);
    let ids: Vec<&str> = deeds.iter().filter_map(|own| own.job.as_deref()).collect();
    let next = (!ids.is_empty()).then(|| wait_line(&ids, &vault));
    Ok(Deeds { vault, all: deeds, next })
}

/// A backup that is under way is the one that is asked for only if its point is kept as long.
fn kept_as_asked(
    (office, state, vault): (&Office, Option<&State>, &VaultId),
    machine: &MachineId,
    job: Option<&str>,
    until: Option<Timestamp>,
) -> Result<(), Error> {
    let (Some(job), Some(until)) = (job, until) else { return Ok(()) };
    if state.is_some_and(|state| is_kept(state, job, until)) {
        return Ok(());
    }
    // A call that was killed before it heard of its job.
    let start = job_of(&office.arm, vault, job)?.start;
    let is_own = |(state, start)| is_asked((state, vault, machine, until), start);
    if state.zip(start).is_some_and(is_own) {
        return Ok(());
    }
    let (machine, id, vault) = (machine.short(), job.to_owned(), Box::new(vault.clone()));
    Err(Error::KeptOtherwise { machine, id, vault, until })
}

/// Notes how long the points of new backups are kept, so that the same call finds them.
fn note_all(state: Option<&State>, all: &[Deed], until: Option<Timestamp>, desk: &Desk<'_>) {
    let (Some(state), Some(until)) = (state, until) else { return };
    let is_new = |own: &&Deed| matches!(own.came, Came::Done(_));
    for job in all.iter().filter(is_new).filter_map(|own| own.job.as_deref()) {
        if let Err(error) = note_kept(state, job, until) {
            let what = format!("How long job {job} keeps its point is not noted: {error}");
            desk.attendant.warn(&what);
        }
    }
}

/// The line that waits for jobs.
pub(super) fn wait_line(jobs: &[impl AsRef<str>], vault: &VaultId) -> String {
    vault.line(["job", "wait"].into_iter().chain(jobs.iter().map(AsRef::as_ref)))
}
