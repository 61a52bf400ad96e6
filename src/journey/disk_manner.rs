//! How a disk is to be backed up: what `protect` is told of it, whether that goes with the disk and with
//! the services of both sides, and whether a record says otherwise.

use std::fmt::Display;
use std::sync::Arc;

use disk_prep::limits::PAGE_BLOB_BYTES;

use super::disk_bench::facts;
use super::settings::{Given, Origin};
use crate::azure::PageBlob;
use crate::disk_backup::{DiffWish, DiskBackup, DiskSource, Engine, Error, FirstCopy, Via};
use crate::outcome::{Attendant, Failure, IdleWord};

/// What a call says of it.
#[derive(Debug)]
pub struct MannerAsked {
    /// How the first copy is made.
    pub first: Given<FirstCopy>,
    /// How what changed is found out.
    pub diff: Given<DiffWish>,
    /// Who carries what changed.
    pub transfer: Given<Via>,
    /// What makes a point.
    pub engine: Given<Engine>,
}

/// What holds for a backup.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    pub first: FirstCopy,
    pub diff: DiffWish,
    pub transfer: Via,
    pub engine: Engine,
}

/// A value that has a meaning for this disk; one that has none is refused if it was typed, else told.
fn meant<T: PartialEq + Default + Copy>(
    given: &Given<T>,
    is_idle: bool,
    word: &'static str,
    attendant: &dyn Attendant,
) -> Result<T, IdleWord> {
    if !is_idle || given.value == T::default() {
        return Ok(given.value);
    }
    idle(given, word, attendant)?;
    Ok(T::default())
}

/// A value that has no meaning for this disk is refused if it was typed, else told.
pub(super) fn idle<T>(
    given: &Given<T>,
    word: &'static str,
    attendant: &dyn Attendant,
) -> Result<(), IdleWord> {
    match given.origin {
        Origin::CommandLine => return Err(IdleWord { word }),
        Origin::Variable | Origin::UserFile | Origin::SystemFile => {
            let name = &given.name;
            attendant.tell_unused(&format!("{name} is not used: it has no meaning for this disk"));
        }
        Origin::Default => {}
    }
    Ok(())
}

/// What a record holds; a flag that says otherwise is added to `what`, a variable is told.
pub(super) fn held<T: PartialEq + Display + Copy>(
    given: &Given<T>,
    held: T,
    what: &mut Vec<String>,
    attendant: &dyn Attendant,
) {
    let Given { value, origin, name } = given;
    match origin {
        _ if *value == held => {}
        Origin::CommandLine => {
            what.push(format!("{name} is {value}, and its record has {held}"));
        }
        Origin::Variable | Origin::UserFile | Origin::SystemFile => {
            attendant.tell_unused(&format!("{name} is not used: the backup's record has {held}"));
        }
        Origin::Default => {}
    }
}

impl MannerAsked {
    /// What is asked, if it goes with the disk.
    pub(super) fn of(
        &self,
        source: &DiskSource,
        attendant: &dyn Attendant,
    ) -> Result<Manner, Failure> {
        let is_image = source.image().is_some();
        let engine = meant(&self.engine, is_image, "--engine", attendant)?;
        if engine == Engine::IncrementalCopy && source.managed().is_some() {
            return Err(Error::NoEngine { engine, source_word: source.to_string() }.into());
        }
        let by_itself = engine == Engine::IncrementalCopy;
        let (first, word) = match self.first.value {
            FirstCopy::Drive => (!is_image, "--first drive"),
            FirstCopy::Copy => (is_image, "--first copy"),
            FirstCopy::Auto | FirstCopy::Stream => (false, "--first"),
        };
        let no_rounds = is_image || engine != Engine::Diff;
        Ok(Manner {
            first: meant(&self.first, first || by_itself, word, attendant)?,
            diff: meant(&self.diff, no_rounds, "--diff", attendant)?,
            transfer: meant(&self.transfer, no_rounds, "--transfer", attendant)?,
            engine,
        })
    }

    /// What a flag says otherwise than a record; a variable that does is told.
    pub(super) fn against(&self, old: &DiskBackup, attendant: &dyn Attendant) -> Vec<String> {
        let mut what = Vec::new();
        held(&self.first, old.first, &mut what, attendant);
        held(&self.diff, old.diff, &mut what, attendant);
        held(&self.transfer, old.transfer, &mut what, attendant);
        held(&self.engine, old.engine, &mut what, attendant);
        what
    }
}

/// Before anything is made: the services of both sides have what the backup needs, and the copy's
/// account can keep points.
pub(super) fn check_services(
    backup: &DiskBackup,
    source: Option<&Arc<dyn PageBlob>>,
    target: &Arc<dyn PageBlob>,
) -> Result<(), Error> {
    let blob = target.address();
    if let Some(own) = source.map(facts).transpose()?.flatten() {
        if own.bytes > PAGE_BLOB_BYTES {
            let blob = backup.source.to_string();
            return Err(Error::TooLong { blob, bytes: own.bytes });
        }
        let call = match (backup.engine, backup.transfer) {
            (Engine::IncrementalCopy, _) => Some("Incremental Copy Blob"),
            (Engine::Diff, Via::Server) => Some("Put Page From URL"),
            (Engine::Diff | Engine::FullCopy, _) => None,
        };
        if let Some(call) = call.filter(|_| own.is_azurite) {
            return Err(Error::NotServed { blob, call });
        }
    }
    match target.account() {
        Some(account) if account.sku.starts_with("Premium") => {
            Err(Error::PremiumTarget { blob, sku: account.sku })
        }
        Some(account) if account.has_folders => Err(Error::FoldersTarget { blob }),
        _ => Ok(()),
    }
}
