//! `disk-backup restore` and `disk-backup promote`: a point becomes a disk or an image file, or goes
//! over the disk itself.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use disk_prep::noun::{
    AccountName, BlobPath, BlobPlace, Diagnose, ErrorKind, Hint, VaultName, visible_line,
};
use jiff::Timestamp;
use uuid::Uuid;

use super::connections::{container, managed_disk, page_blob};
use super::desk::Desk;
use super::disk_bench::{
    Attended, DiskOptions, DiskWord, Engine, by_service, facts, files, hold, known, make_container,
    open, own_points, source_access,
};
use super::disk_files::{check_point, table_of};
use super::disk_shared::{begin, change, is_ours, lives, newest, read_record};
use crate::azure::PageBlob;
use crate::disk_backup::{
    DiskBackup, DiskPoint, DiskSource, Error, FirstCopy, IMAGE, ImageFile, MANAGED_DISK, MadeDisk,
    MadeImage, PAGE_BLOB, Promoted, Promotion, Restoration, RestoredFrom, Verify, check_image,
    check_upload, point_at,
};
use crate::outcome::{Failure, IdleWord};

/// What is wished of a restore.
#[derive(Debug)]
pub struct RestoreOptions {
    /// The point's time.
    pub at: Timestamp,
    /// Where to, as it was typed.
    pub to: String,
    /// What the new disk's backup is called; without it a name that is free.
    pub backup_name: Option<VaultName>,
    /// Whether the new disk gets no backup of its own.
    pub is_alone: bool,
    /// What is read back.
    pub verify: Verify,
}

/// Where a point goes.
#[derive(Debug)]
enum Aim {
    Disk(DiskSource),
    Image(PathBuf),
}

/// What a point became.
#[derive(Debug)]
pub enum NewDisk {
    /// A page blob or a managed disk.
    Disk {
        /// Where.
        place: DiskSource,
        /// Its address.
        address: String,
        /// What was done.
        made: MadeDisk,
        /// Its own backup; none if it has none.
        backup: Option<Box<DiskBackup>>,
    },
    /// An image file.
    Image {
        /// Where.
        path: PathBuf,
        /// What was done.
        made: MadeImage,
    },
}

/// A point that was restored.
#[derive(Debug)]
pub struct RestoredDisk {
    /// The backup.
    pub name: VaultName,
    /// The point.
    pub point: DiskPoint,
    /// What it became.
    pub new: NewDisk,
}

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

fn aim(word: &str) -> Result<Aim, DiskWord> {
    let wrong = || DiskWord::Aim { word: word.to_owned() };
    match word.strip_prefix(IMAGE) {
        Some(path) if !path.is_empty() => Ok(Aim::Image(path.into())),
        None if [PAGE_BLOB, MANAGED_DISK].iter().any(|own| word.starts_with(own)) => {
            let disk: DiskSource = word.parse().map_err(|_| wrong())?;
            // There this program keeps what belongs to copies and vaults.
            if disk.place().is_some_and(is_ours) { Err(wrong()) } else { Ok(Aim::Disk(disk)) }
        }
        _ => Err(wrong()),
    }
}

/// The point that a time means, and the copy that has it.
pub(super) fn found(
    backup: &DiskBackup,
    at: Timestamp,
    (source, target): (Option<&Arc<dyn PageBlob>>, &Arc<dyn PageBlob>),
) -> Result<(DiskPoint, Arc<dyn PageBlob>), Error> {
    let all = own_points(backup, source, target)?;
    let point = point_at(&backup.name, &all, at)?.clone();
    let copy = target.beside(&point.copy);
    Ok((point, copy))
}

/// Makes a disk or a file of a point.
pub fn restore(
    name: &VaultName,
    asked: &RestoreOptions,
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<RestoredDisk, Failure> {
    let aim = aim(&asked.to)?;
    let of_disk =
        [(asked.is_alone, "--without-backup"), (asked.backup_name.is_some(), "--backup-name")];
    let idle = of_disk.into_iter().find(|(is_said, _)| *is_said && matches!(aim, Aim::Image(_)));
    if let Some((_, word)) = idle {
        return Err(IdleWord { word }.into());
    }
    let _lock = hold(name, desk)?;
    let backup = newest(known(name, desk)?, options, desk)?;
    let (source, target) = open(&backup, options, desk)?;
    let (point, copy) = found(&backup, asked.at, (source.as_ref(), &target))?;
    let watch = Attended::new(format!("restore {name}"), desk.attendant);
    let new = match aim {
        Aim::Image(path) => {
            let verify = asked.verify;
            let file = ImageFile { point: &point, copy: &copy, path: &path, verify };
            let made = file.make(&watch)?;
            if let Some(table) = table_of(&backup, &point, options, desk)? {
                check_image(&file, &table, &watch)?;
            }
            NewDisk::Image { path, made }
        }
        Aim::Disk(place) => {
            if asked.verify == Verify::Full {
                check_point(&backup, (&point, &copy), &watch, (options, desk))?;
            }
            let from = Origin { backup: &backup, point: &point, copy: &copy };
            from.disk(place, asked, &watch, (options, desk))?
        }
    };
    Ok(RestoredDisk { name: name.clone(), point, new })
}

/// What is restored.
struct Origin<'a> {
    backup: &'a DiskBackup,
    point: &'a DiskPoint,
    copy: &'a Arc<dyn PageBlob>,
}

impl Origin<'_> {
    fn source_account(&self) -> Option<&AccountName> {
        self.backup.source.place().map(BlobPlace::account)
    }

    /// The page blob, in a container that is made if it is not there.
    fn blob(
        &self,
        place: &BlobPlace,
        (options, desk): (&DiskOptions, &Desk<'_>),
    ) -> Result<Arc<dyn PageBlob>, Failure> {
        let access = match place.account() == self.backup.target.account() {
            true if self.source_account() != Some(place.account()) => options.blobs.clone(),
            _ => source_access(options),
        };
        let DiskOptions { azure, .. } = options;
        let disk = page_blob(azure, &access, place, desk.attendant)?;
        if facts(&disk)?.is_none() {
            let folder =
                container(azure, &access, place.account(), place.container(), desk.attendant);
            make_container(&folder?);
        }
        Ok(disk)
    }

    /// The new disk; nothing of it is there yet, or it was begun before.
    fn opened(
        &self,
        place: &DiskSource,
        label: &str,
        (options, desk): (&DiskOptions, &Desk<'_>),
    ) -> Result<Arc<dyn PageBlob>, Failure> {
        match place {
            DiskSource::PageBlob(own) => self.blob(own, (options, desk)),
            DiskSource::Managed(id) => {
                check_upload(self.point, self.copy.as_ref())?;
                let like = self.backup.source.managed();
                let DiskOptions { azure, blobs, .. } = options;
                Ok(managed_disk(azure, blobs, (id, label), like, desk.attendant)?)
            }
            DiskSource::Image(_) => Err(DiskWord::Aim { word: place.to_string() }.into()),
        }
    }

    fn disk(
        &self,
        place: DiskSource,
        asked: &RestoreOptions,
        watch: &Attended<'_>,
        (options, desk): (&DiskOptions, &Desk<'_>),
    ) -> Result<NewDisk, Failure> {
        let named = self.named(&place, asked, (options, desk))?;
        let label = named.as_ref().map_or(self.backup.name.as_str(), |own| own.1.as_str());
        let disk = self.opened(&place, label, (options, desk))?;
        let address = disk.address();
        let by_service = by_service(self.backup, &[self.copy, &disk])?;
        let own = match named {
            None => None,
            Some((Some(old), _)) => Some(newest(old, options, desk)?),
            Some((None, name)) => {
                let mut own = self.onward(&place, &disk, name)?;
                // Other machines go on with it too.
                begin(&mut own, options, desk)?;
                Some(own)
            }
        };
        let run = Uuid::new_v4();
        let (mut own, former) = match own {
            None => (None, None),
            Some(mut own) => {
                let former = own.run.replace(run);
                own.save(&desk.state()?)?;
                (Some(own), former)
            }
        };
        let onward = own.as_ref().map(|own| self.copy.beside(own.target.name()));
        let restoration = Restoration {
            point: self.point,
            copy: self.copy,
            disk: &disk,
            onward: onward.as_ref(),
            backup: own.as_ref().map_or_else(Uuid::new_v4, |own| own.id),
            run,
            former,
            by_service,
            verify: asked.verify,
        };
        let made = restoration.make(watch)?;
        if let Some(own) = &mut own
            && own.restored.as_ref().is_some_and(|from| !from.is_whole)
        {
            change(own, options, desk, |own| {
                own.restored.iter_mut().for_each(|from| from.is_whole = true);
            })?;
        }
        Ok(NewDisk::Disk { place, address, made, backup: own.map(Box::new) })
    }

    fn from(&self) -> RestoredFrom {
        RestoredFrom {
            name: self.backup.name.clone(),
            backup_snapshot: self.point.backup_snapshot.clone(),
            is_whole: false,
        }
    }

    /// The record of the new disk's backup that was begun before, if one was, and what the backup is
    /// called; none if it is to have none.
    fn named(
        &self,
        place: &DiskSource,
        asked: &RestoreOptions,
        (options, desk): (&DiskOptions, &Desk<'_>),
    ) -> Result<Option<(Option<DiskBackup>, VaultName)>, Failure> {
        let state = desk.state()?;
        let (from, all) = (self.from(), DiskBackup::all(&state)?.all);
        let is_it = |own: &&DiskBackup| own.source == *place && own.name != self.backup.name;
        if let Some(old) = all.iter().find(is_it) {
            let is_same = old.restored.as_ref().is_some_and(|own| {
                (&own.name, &own.backup_snapshot) == (&from.name, &from.backup_snapshot)
            });
            if !is_same {
                return Err(Error::Taken { blob: place.to_string() }.into());
            }
            let other = match &asked.backup_name {
                _ if asked.is_alone => Some("`--without-backup` is said".to_owned()),
                Some(name) if *name != old.name => Some(format!("--backup-name is {name}")),
                _ => None,
            };
            return match other {
                None => Ok(Some((Some(old.clone()), old.name.clone()))),
                Some(what) => Err(Error::RestoredOther { backup: old.name.clone(), what }.into()),
            };
        }
        if asked.is_alone {
            return Ok(None);
        }
        let is_free = |name: &VaultName| {
            let is_known = DiskBackup::is_known(&state, name);
            Ok::<_, Failure>(!is_known && !self.lives_there(name, options, desk)?)
        };
        let name = match &asked.backup_name {
            Some(name) if !is_free(name)? => {
                let what = format!("`restore` would name the backup of {place} so");
                let (name, flag) = (name.clone(), "--backup-name");
                return Err(Error::NotFree { name, what, flag }.into());
            }
            Some(name) => name.clone(),
            None => self.free_name(&is_free)?,
        };
        Ok(Some((None, name)))
    }

    /// Whether another machine backs a disk up under this name beside this copy.
    fn lives_there(
        &self,
        name: &VaultName,
        options: &DiskOptions,
        desk: &Desk<'_>,
    ) -> Result<bool, Failure> {
        let container = files(self.backup, options, desk)?;
        match read_record(name, &self.backup.target, &container)? {
            Some(found) => Ok(lives(&found, self.copy)?),
            None => Ok(false),
        }
    }

    /// `os-r1`, or the next number: a name that is nobody's, here and beside the copy.
    fn free_name(
        &self,
        is_free: &dyn Fn(&VaultName) -> Result<bool, Failure>,
    ) -> Result<VaultName, Failure> {
        let mut number = 1_u32;
        loop {
            let word = format!("{}-r{number}", self.backup.name);
            let name: VaultName = word.parse().map_err(|_| DiskWord::Aim { word })?;
            let copy = self.copy.beside(&format!("{name}.vhd"));
            if is_free(&name)? && facts(&copy)?.is_none() {
                return Ok(name);
            }
            number += 1;
        }
    }

    /// The record of the new disk's backup; both of its disks are nobody's.
    fn onward(
        &self,
        place: &DiskSource,
        disk: &Arc<dyn PageBlob>,
        name: VaultName,
    ) -> Result<DiskBackup, Failure> {
        let path = BlobPath::new(self.backup.target.container().clone(), &format!("{name}.vhd"));
        let path = path.map_err(|error| DiskWord::Place {
            word: name.to_string(),
            rule: error.rule.to_owned(),
        })?;
        let target = BlobPlace::new(self.backup.target.account().clone(), path);
        for blob in [disk, &self.copy.beside(target.name())] {
            if facts(blob)?.is_some() {
                return Err(Error::Taken { blob: blob.address() }.into());
            }
        }
        Ok(DiskBackup {
            revision: 0,
            id: Uuid::new_v4(),
            name,
            source: place.clone(),
            image: None,
            first: FirstCopy::Auto,
            // Its copy is a blob that was written, which the service does not copy into.
            engine: Engine::Diff,
            target,
            generation: 1,
            run: None,
            last: None,
            proofs: BTreeMap::new(),
            restored: Some(self.from()),
            ..self.backup.clone()
        })
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
    let (point, copy) = found(&backup, at, (Some(&disk), &target))?;
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
    check_point(&backup, (&point, &copy), &watch, (options, desk))?;
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
