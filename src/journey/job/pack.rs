//! The drives on the packing table against those of a job.

use std::collections::{BTreeMap, BTreeSet};

use super::custody::note;
use super::ends::of_group;
use super::own_drives::{expect_kept, meant};
use super::target::MeantJob;
use crate::custody::Deed;
use crate::import_job::Job;
use crate::journey::custody::Logged;
use crate::journey::desk::Desk;
use crate::outcome::Failure;
use crate::staging::HeldDrive;

/// What a label of ours begins with; then come the job, a colon, and the serial.
const LABEL: &str = "azseed:";

/// What the code on a drive's label says.
pub fn label(job: &str, serial: &str) -> String {
    format!("{LABEL}{job}:{serial}")
}

/// A serial as a scanner or a tired hand sends it: blanks and case say nothing, and a label of ours
/// may be scanned in its place.
fn scanned(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let text = text.to_uppercase();
    let of_label = text.strip_prefix(&LABEL.to_uppercase()).and_then(|rest| rest.split_once(':'));
    of_label.map_or(text.clone(), |(_, serial)| serial.to_owned())
}

/// What is on the table.
#[derive(Debug, PartialEq, Eq)]
pub struct Packed {
    /// The job whose parcel is packed.
    pub job: String,
    /// Its drives that are on the table, as the job has them.
    pub present: Vec<String>,
    /// Drives that are not of this parcel, as they were scanned, and the job that has each.
    pub foreign: Vec<(String, Option<String>)>,
    /// Drives of the job that were scanned more than once.
    pub twice: Vec<String>,
    /// Drives of the job that were not scanned.
    pub missing: Vec<String>,
}

/// Compares what was scanned with the drives of the job that is meant.
pub fn check(
    target: &MeantJob<'_>,
    serials: &[String],
    desk: &Desk<'_>,
) -> Result<(Packed, Logged), Failure> {
    target.expect_seed_job(desk)?;
    let service = target.service(desk)?;
    let (_, job) = meant(target, &*service, desk)?;
    expect_kept(target, &job, desk)?;
    let mut packed = compare(&job, serials);
    if !packed.foreign.is_empty() {
        let others = of_group(target, desk)?;
        let here = known_here(target, desk)?;
        for (serial, owner) in &mut packed.foreign {
            let serial = scanned(serial);
            *owner = owner_of(&serial, &job, &others).or(here.get(&serial).cloned());
        }
    }
    let is_whole = [&packed.missing, &packed.twice].iter().all(|own| own.is_empty());
    let logged = match is_whole && packed.foreign.is_empty() {
        true => {
            let deed = Deed::Packed { job: job.name.clone(), drives: packed.present.clone() };
            note(target, &job, |_| vec![deed], desk)
        }
        false => Logged(None),
    };
    Ok((packed, logged))
}

/// Drives of other seeds that this machine knows, whose jobs may not be made yet.
fn known_here(target: &MeantJob<'_>, desk: &Desk<'_>) -> Result<BTreeMap<String, String>, Failure> {
    let Some((seed, _)) = &target.seed else { return Ok(BTreeMap::new()) };
    let known = desk.state()?.drives_of_others(seed.id)?;
    let entry = |own: HeldDrive| (scanned(own.serial.as_str()), own.job.to_string());
    Ok(known.into_iter().map(entry).collect())
}

/// The other job of a drive; one that has ended only if no other has it.
fn owner_of(serial: &str, own: &Job, all: &[Job]) -> Option<String> {
    let has = |job: &&Job| job.drives.iter().any(|drive| scanned(&drive.serial) == serial);
    let others = all.iter().filter(|job| !job.id.eq_ignore_ascii_case(&own.id));
    let owner = others.filter(has).min_by_key(|job| job.state.stage.is_over())?;
    Some(owner.name.clone())
}

fn compare(job: &Job, serials: &[String]) -> Packed {
    let (mut seen, mut twice) = (BTreeSet::new(), BTreeSet::new());
    let mut foreign = Vec::new();
    for text in serials {
        let serial = scanned(text);
        let is_new = seen.insert(serial.clone());
        let is_own = job.drives.iter().any(|drive| scanned(&drive.serial) == serial);
        match (is_own, is_new) {
            (true, true) | (false, false) => {}
            (true, false) => {
                twice.insert(serial);
            }
            (false, true) => foreign.push((text.trim().to_owned(), None)),
        }
    }
    let of = |is_meant: &dyn Fn(&str) -> bool| -> Vec<String> {
        let all = job.drives.iter().map(|drive| drive.serial.clone());
        all.filter(|serial| is_meant(&scanned(serial))).collect()
    };
    Packed {
        job: job.name.clone(),
        present: of(&|serial| seen.contains(serial)),
        missing: of(&|serial| !seen.contains(serial)),
        twice: of(&|serial| twice.contains(serial)),
        foreign,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import_job::{DriveStage, JobStage};

    fn job(name: &str, stage: JobStage, serials: &[&str]) -> Job {
        let own = Job::sample(stage, serials, DriveStage::Named);
        Job { id: format!("/jobs/{name}"), name: name.to_owned(), ..own }
    }

    fn texts(all: &[&str]) -> Vec<String> {
        all.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn a_scanner_may_send_blanks_any_case_and_a_label_of_ours() {
        let job = job("seed-1", JobStage::Waiting, &["WD-WX41A4", "s2"]);
        let all = [" wd-wx41a4\r\n", &label("seed-1", "S2")];
        let packed = compare(&job, &texts(&all));
        assert_eq!(packed.present, texts(&["WD-WX41A4", "s2"]));
        assert!(packed.missing.is_empty() && packed.twice.is_empty() && packed.foreign.is_empty());
        assert_eq!(label("seed-1", "S2"), "azseed:seed-1:S2");
        assert_eq!(scanned("WD WX41 A4"), "WDWX41A4");
    }

    #[test]
    fn what_is_missing_there_twice_or_not_of_this_parcel_is_told_once_each() {
        let job = job("seed-1", JobStage::Waiting, &["A", "B", "C"]);
        let packed = compare(&job, &texts(&["a", "X", "b", "B", "x", "B"]));
        assert_eq!(packed.present, texts(&["A", "B"]));
        assert_eq!(packed.missing, texts(&["C"]));
        assert_eq!(packed.twice, texts(&["B"]));
        assert_eq!(packed.foreign, [("X".to_owned(), None)]);
    }

    #[test]
    fn the_other_job_of_a_drive_is_one_that_still_goes_on() {
        let own = job("seed-1", JobStage::Waiting, &["A"]);
        let all = [
            job("old", JobStage::Completed, &["X", "Y"]),
            own.clone(),
            job("seed-1x2", JobStage::Shipped, &["x"]),
        ];
        let owner = |serial: &str| owner_of(serial, &own, &all);
        assert_eq!(owner("X").as_deref(), Some("seed-1x2"));
        assert_eq!(owner("Y").as_deref(), Some("old"));
        assert_eq!((owner("A"), owner("Z")), (None, None));
    }
}
