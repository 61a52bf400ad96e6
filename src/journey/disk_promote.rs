//! `disk-backup promote`: a point goes over the disk itself.

use disk_prep::noun::{BlobPlace, Diagnose, ErrorKind, Hint, VaultName, visible_line};
use jiff::Timestamp;
use uuid::Uuid;

use super::desk::Desk;
use super::disk_bench::{Attended, DiskOptions, hold, known, open, own_points};
use super::disk_files::{check_point, table_of};
use super::disk_shared::newest;
use crate::disk_backup::{DiskPoint, Error, Promoted, Promotion, Verify, point_at};
use crate::outcome::Failure;

/// A point that went over the disk itself.
#[derive(Debug)]
pub struct PromotedDisk {
    /// The backup.
    pub name: VaultName,
    /// The disk.
    pub disk: BlobPlace,
    /// The point.
    pub point: DiskPoint,
    /// What was done.
    pub made: Promoted,
}

/// Nobody has said that a disk is to be written over.
#[derive(Debug, thiserror::Error)]
#[error("A point of {name} would go over the disk {disk} itself, and that was not confirmed")]
struct NotTyped {
    name: VaultName,
    disk: BlobPlace,
}

impl Diagnose for NotTyped {
    fn code(&self) -> &'static str {
        "disk-not-confirmed"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Guard
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new(format!(
            "nothing was written; if that is what is wanted, add `--overwrite {}`",
            self.name
        )))
    }
}

/// Puts a point over the disk itself.
pub fn promote(
    name: &VaultName,
    at: Timestamp,
    overwrite: Option<&VaultName>,
    verify: Verify,
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<PromotedDisk, Failure> {
    let _lock = hold(name, desk)?;
    let mut backup = newest(known(name, desk)?, options, desk)?;
    let (disk, target) = open(&backup, options, desk)?;
    let place = backup.source.place().cloned();
    let (Some(disk), Some(place)) = (disk, place) else {
        let name = name.clone();
        return Err(match backup.source.managed() {
            Some(_) => Error::OfManaged { name },
            None => Error::OfImage { name },
        }
        .into());
    };
    let all = own_points(&backup, Some(&disk), &target)?;
    let point = point_at(&backup.name, &all, at)?.clone();
    let copy = target.beside(&point.copy);
    let run = Uuid::new_v4();
    let promotion = Promotion {
        point: &point,
        copy: &copy,
        disk: &disk,
        backup: backup.id,
        run,
        former: backup.run,
        verify,
    };
    promotion.begun()?;
    let watch = Attended::new(format!("promote {name}"), desk.attendant);
    if let Some(table) = table_of(&backup, &point, options, desk)? {
        check_point(&backup, (&point, &copy), &table, &watch)?;
    }
    let question = format!(
        "The disk {} becomes what it was at {}. What it holds now is kept in a snapshot.",
        place, point.source_snapshot
    );
    let question = format!("{}\nType the backup's name to go on: ", visible_line(&question));
    let is_said = match overwrite {
        Some(said) => said == name,
        None if desk.attendant.can_ask() => {
            desk.attendant.ask(&question).as_deref() == Some(name.as_str())
        }
        None => false,
    };
    if !is_said {
        return Err(NotTyped { name: name.clone(), disk: place }.into());
    }
    backup.run = Some(run);
    backup.save(&desk.state()?)?;
    let made = promotion.make(&watch)?;
    Ok(PromotedDisk { name: name.clone(), disk: place, point, made })
}
