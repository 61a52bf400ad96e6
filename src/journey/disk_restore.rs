//! `disk-backup restore`: a point becomes a disk or an image file.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use disk_prep::noun::{BlobPath, BlobPlace, VaultName};
use jiff::Timestamp;
use uuid::Uuid;

use super::connections::{BlobAccess, container, managed_disk, page_blob};
use super::desk::Desk;
use super::disk_bench::{
    Attended, DiskOptions, DiskWord, Engine, by_service, facts, files, hold, known, make_container,
    open, own_points, source_access,
};
use super::disk_files::{check_length, check_point, table_of};
use super::disk_shared::{begin, change, is_ours, lives, newest, read_record, shared_where};
use crate::azure::PageBlob;
use crate::disk_backup::{
    Check, DiskBackup, DiskPoint, DiskSource, Error, FirstCopy, IMAGE, ImageFile, MANAGED_DISK,
    MadeDisk, MadeImage, PAGE_BLOB, Restoration, RestoredFrom, Table, Verify, check_image,
    check_upload, file_begun_with, filled_with, point_at,
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
    /// Whether all of it was compared with its digest table; none if it has none.
    pub is_compared: Option<bool>,
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
    let all = own_points(&backup, source.as_ref(), &target)?;
    let begun = begun_with(&backup, &aim, (options, desk))?;
    // A newer point may have been made since.
    let is_begun = |own: &&DiskPoint| begun.as_ref() == Some(&own.backup_snapshot);
    let is_meant = |own: &&DiskPoint| own.time().is_some_and(|time| time <= asked.at);
    let point = match all.iter().filter(is_begun).find(is_meant) {
        Some(begun) => begun.clone(),
        None => point_at(&backup.name, &all, asked.at)?.clone(),
    };
    let copy = target.beside(&point.copy);
    let watch = Attended::new(format!("restore {name}"), desk.attendant);
    let table = table_of(&backup, &point, options, desk)?;
    let (new, is_compared) = match aim {
        Aim::Image(path) => {
            let verify = asked.verify;
            let file = ImageFile { point: &point, copy: &copy, path: &path, verify };
            let made = file.make(&watch)?;
            if let Some(table) = &table {
                check_image(&file, table, &watch)?;
            }
            (NewDisk::Image { path, made }, true)
        }
        Aim::Disk(place) => {
            let from = Origin { backup: &backup, point: &point, copy: &copy };
            from.compared(place, table.as_ref(), asked, &watch, (options, desk))?
        }
    };
    let is_compared = table.map(|_| is_compared);
    Ok(RestoredDisk { name: name.clone(), point, new, is_compared })
}

/// What opens the account of a new disk.
fn access(backup: &DiskBackup, place: &BlobPlace, options: &DiskOptions) -> BlobAccess {
    let is_of_source = backup.source.place().map(BlobPlace::account) == Some(place.account());
    match place.account() == backup.target.account() && !is_of_source {
        true => options.blobs.clone(),
        false => source_access(options),
    }
}

/// The snapshot of the point that this place was begun with, and is not whole with.
fn begun_with(
    backup: &DiskBackup,
    aim: &Aim,
    (options, desk): (&DiskOptions, &Desk<'_>),
) -> Result<Option<String>, Failure> {
    let place = match aim {
        Aim::Image(path) => return Ok(file_begun_with(path)),
        Aim::Disk(place) => place,
    };
    let from = |own: DiskBackup| own.restored.map(|from| from.backup_snapshot);
    let is_it = |own: &DiskBackup| {
        let from = own.restored.as_ref();
        own.source == *place && from.is_some_and(|own| own.name == backup.name && !own.is_whole)
    };
    if let Some(own) = DiskBackup::all(&desk.state()?)?.all.into_iter().find(is_it) {
        return Ok(from(own));
    }
    if let Some(own) = shared_where(is_it, backup, options, desk)? {
        return Ok(from(own));
    }
    let Some(place) = place.place() else { return Ok(None) };
    let disk = page_blob(&options.azure, &access(backup, place, options), place, desk.attendant)?;
    Ok(facts(&disk)?.and_then(|facts| filled_with(&facts).map(str::to_owned)))
}

/// What went wrong with a new disk, which names the backup that was to be its own.
fn half(error: Error, own: Option<&DiskBackup>) -> Error {
    match error {
        Error::PointHalf { snapshot, blob, offset, made, .. } => {
            let backup = own.map(|own| own.name.clone());
            Error::PointHalf { snapshot, blob, offset, made, backup }
        }
        error => error,
    }
}

/// What is restored.
struct Origin<'a> {
    backup: &'a DiskBackup,
    point: &'a DiskPoint,
    copy: &'a Arc<dyn PageBlob>,
}

impl Origin<'_> {
    /// The page blob, in a container that is made if it is not there.
    fn blob(
        &self,
        place: &BlobPlace,
        (options, desk): (&DiskOptions, &Desk<'_>),
    ) -> Result<Arc<dyn PageBlob>, Failure> {
        let access = access(self.backup, place, options);
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

    /// The new disk of a point that may have a digest table: compared before, if all is to be read, else
    /// while it is read; and whether all of it was.
    fn compared(
        &self,
        place: DiskSource,
        table: Option<&Table>,
        asked: &RestoreOptions,
        watch: &Attended<'_>,
        (options, desk): (&DiskOptions, &Desk<'_>),
    ) -> Result<(NewDisk, bool), Failure> {
        let point = (self.point, self.copy);
        if let Some(table) = table {
            check_length(self.backup, point, table)?;
        }
        let is_before = asked.verify == Verify::Full;
        if let Some(table) = table.filter(|_| is_before) {
            check_point(self.backup, point, table, watch)?;
        }
        let time = self.point.source_snapshot.as_str();
        let check = table.filter(|_| !is_before).map(|table| Check { table, point: time });
        let new = self.disk(place, check, asked, watch, (options, desk))?;
        let is_compared =
            is_before || matches!(&new, NewDisk::Disk { made, .. } if made.is_compared);
        Ok((new, is_compared))
    }

    fn disk(
        &self,
        place: DiskSource,
        check: Option<Check<'_>>,
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
            check,
        };
        let made = restoration.make(watch).map_err(|error| half(error, own.as_ref()))?;
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
        let is_it = |own: &DiskBackup| own.source == *place && own.name != self.backup.name;
        let is_same = |own: &DiskBackup| {
            own.restored.as_ref().is_some_and(|own| {
                (&own.name, &own.backup_snapshot) == (&from.name, &from.backup_snapshot)
            })
        };
        let old = match all.into_iter().find(is_it) {
            Some(old) if !is_same(&old) => {
                return Err(Error::Taken { blob: place.to_string() }.into());
            }
            Some(old) => Some(old),
            // Another machine may have begun it.
            None => {
                let is_new = |own: &DiskBackup| !DiskBackup::is_known(&state, &own.name);
                let is_there = |own: &DiskBackup| is_it(own) && is_same(own) && is_new(own);
                shared_where(is_there, self.backup, options, desk)?
            }
        };
        if let Some(old) = old {
            let other = match &asked.backup_name {
                _ if asked.is_alone => Some("`--without-backup` is said".to_owned()),
                Some(name) if *name != old.name => Some(format!("--backup-name is {name}")),
                _ => None,
            };
            return match other {
                None => {
                    let name = old.name.clone();
                    Ok(Some((Some(old), name)))
                }
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
