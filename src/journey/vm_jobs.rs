//! `vm job` and `vm point`: what a vault is doing, and what it has of a machine.

use std::time::Duration;

use disk_prep::noun::{Diagnose, ErrorKind, Hint};
use jiff::Timestamp;

use super::desk::Desk;
use super::vm::{Office, VmOptions};
use super::vm_back_up::wait_line;
use super::vm_protect::{Machines, protected};
use super::vm_twins::Twins;
use crate::outcome::Failure;
use crate::vm_backup::{
    Error, Job, JobFilter, MachineId, Point, VaultId, cancel, items, job, jobs, points,
};

/// Pauses between two looks at a job: the first, and the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How often a wish to stop is looked for.
const BEAT: Duration = Duration::from_millis(200);

/// Jobs of a vault.
#[derive(Debug)]
pub struct Jobs {
    /// The vault.
    pub vault: VaultId,
    /// The jobs.
    pub all: Vec<Job>,
    /// How they are told.
    pub manner: Manner,
    /// Machines of which the group is told, too.
    pub twins: Twins,
}

/// How jobs are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// A line each.
    Listed,
    /// Each with its parts and what went wrong.
    Whole,
    /// The same; how they ended is how the command ends.
    Awaited,
}

/// Somebody asked to stop waiting.
#[derive(Debug, thiserror::Error)]
#[error("Stopped waiting; the service goes on with its work")]
pub struct WaitStopped {
    ids: Vec<String>,
    vault: VaultId,
}

impl Diagnose for WaitStopped {
    fn code(&self) -> &'static str {
        "vm-wait-stopped"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Interrupted
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new(format!("`{}` goes on waiting", wait_line(&self.ids, &self.vault))))
    }
}

/// Lists jobs.
pub fn list(filter: &JobFilter, options: &VmOptions, desk: &Desk<'_>) -> Result<Jobs, Failure> {
    let office = Office::open(options, desk.attendant)?;
    let vault = office.vault(options, None)?.id;
    let all = jobs(&office.arm, &vault, filter)?;
    let twins = Twins::of(&office.arm, &vault, &all);
    Ok(Jobs { vault, all, manner: Manner::Listed, twins })
}

/// Shows one job.
pub fn show(id: &str, options: &VmOptions, desk: &Desk<'_>) -> Result<Jobs, Failure> {
    let office = Office::open(options, desk.attendant)?;
    let vault = office.vault(options, None)?.id;
    let all = vec![job(&office.arm, &vault, id)?];
    let twins = Twins::of(&office.arm, &vault, &all);
    Ok(Jobs { vault, all, manner: Manner::Whole, twins })
}

/// Cancels a job, if that can be done.
pub fn stop(id: &str, options: &VmOptions, desk: &Desk<'_>) -> Result<Jobs, Failure> {
    let office = Office::open(options, desk.attendant)?;
    let vault = office.vault(options, None)?.id;
    let all = vec![cancel(&office.arm, &vault, id)?];
    let twins = Twins::of(&office.arm, &vault, &all);
    Ok(Jobs { vault, all, manner: Manner::Whole, twins })
}

/// Looks at jobs until all of them are over. Who leaves meanwhile ends nothing.
pub fn wait(ids: &[String], options: &VmOptions, desk: &Desk<'_>) -> Result<Jobs, Failure> {
    let office = Office::open(options, desk.attendant)?;
    let vault = office.vault(options, None)?.id;
    await_all(ids, &office, &vault, desk)
}

fn await_all(
    ids: &[String],
    office: &Office,
    vault: &VaultId,
    desk: &Desk<'_>,
) -> Result<Jobs, Failure> {
    let stop = desk.attendant.stop_flag();
    let mut pause = FIRST_PAUSE;
    let mut told: Vec<String> = Vec::new();
    let mut twins: Option<Twins> = None;
    loop {
        let all: Vec<Job> =
            ids.iter().map(|id| job(&office.arm, vault, id)).collect::<Result<_, _>>()?;
        let twins = twins.get_or_insert_with(|| Twins::of(&office.arm, vault, &all));
        for own in &all {
            let (machine, state) = (twins.told(own), own.state.word());
            let line = format!("{} of {machine}: {state}", own.operation);
            let line = match own.tasks.last().filter(|_| !own.state.is_over()) {
                Some(task) => format!("{line}, {}", task.name),
                None => line,
            };
            if !told.contains(&line) {
                desk.attendant.say(&line);
                told.push(line);
            }
        }
        if all.iter().all(|own| own.state.is_over()) {
            let (vault, twins) = (vault.clone(), twins.clone());
            return Ok(Jobs { vault, all, manner: Manner::Awaited, twins });
        }
        let mut waited = Duration::ZERO;
        while waited < pause {
            if stop.is_asked() {
                let ids = ids.to_vec();
                return Err(WaitStopped { ids, vault: vault.clone() }.into());
            }
            std::thread::sleep(BEAT);
            waited += BEAT;
        }
        pause = pause.mul_f64(1.5).min(LONGEST_PAUSE);
    }
}

/// Points of a machine.
#[derive(Debug)]
pub struct VmPoints {
    /// The machine.
    pub machine: MachineId,
    /// Its points, the newest first.
    pub all: Vec<Point>,
    /// The vault, if one point was asked for and what can be done with it is told.
    pub vault: Option<VaultId>,
}

/// Lists the points of a machine.
pub fn point_list(
    machine: &str,
    since: Option<Timestamp>,
    options: &VmOptions,
    desk: &Desk<'_>,
) -> Result<VmPoints, Failure> {
    let office = Office::open(options, desk.attendant)?;
    let vault = office.vault(options, None)?.id;
    points_of(machine, since, &office, &vault)
}

/// Shows one point of a machine.
pub fn point_show(
    machine: &str,
    id: &str,
    options: &VmOptions,
    desk: &Desk<'_>,
) -> Result<VmPoints, Failure> {
    let office = Office::open(options, desk.attendant)?;
    let vault = office.vault(options, None)?.id;
    let mut own = points_of(machine, None, &office, &vault)?;
    own.all.retain(|point| point.id.eq_ignore_ascii_case(id));
    if own.all.is_empty() {
        let (word, machine) = (id.to_owned(), own.machine.short());
        let (vault, near) = (Box::new(vault), Vec::new());
        return Err(Error::NoPoint { word, machine, vault, near }.into());
    }
    own.vault = Some(vault);
    Ok(own)
}

fn points_of(
    machine: &str,
    since: Option<Timestamp>,
    office: &Office,
    vault: &VaultId,
) -> Result<VmPoints, Failure> {
    let asked = Machines { words: vec![machine.to_owned()], is_all: false };
    let mut found = protected(&asked, vault, &items(&office.arm, vault)?)?;
    let machine = found.remove(0);
    let all = points(&office.arm, vault, &machine, since)?;
    Ok(VmPoints { machine, all, vault: None })
}
