//! The record beside a disk's copy, `azseed/disks/NAME/record.json`, by which all machines that back the
//! disk up go on: what is newer there goes before what this machine knows, and what is changed here is
//! written there at once.

use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use disk_prep::noun::{BlobPlace, BlobType, Md5Digest, VaultName};
use md5::{Digest, Md5};

use super::connections::page_blob;
use super::desk::Desk;
use super::disk_bench::{DiskOptions, all_points, facts, files};
use super::repair::Open;
use crate::azure::{Container, Labels, Over, PageBlob, Sent, Upload};
use crate::disk_backup::{BACKUP, DiskBackup, Engine, Error};
use crate::outcome::Failure;

/// So often a record that others change meanwhile is changed anew.
const TRIES: u32 = 8;

/// What this program keeps in a container beside copies and vaults.
const OURS: &str = "azseed/";
/// Where what belongs to the copies of a container lies beside them.
const FOLDER: &str = "azseed/disks/";
const RECORD: &str = "/record.json";

fn record_name(name: &VaultName) -> String {
    format!("{FOLDER}{name}{RECORD}")
}

/// The record that lies in the container of a copy; `None` if there is none, it is damaged, or it
/// speaks of copies elsewhere. One of a newer program is refused.
pub(super) fn read_record(
    name: &VaultName,
    target: &BlobPlace,
    container: &Arc<dyn Container>,
) -> Result<Option<DiskBackup>, Failure> {
    let blob = record_name(name);
    let Some(text) = container.read(&blob)? else { return Ok(None) };
    let place = format!("{}/{}/{blob}", target.account(), target.container());
    let found = match DiskBackup::read(&text, Path::new(&place), name.as_str()) {
        Err(error @ Error::Record { .. }) => {
            tracing::info!(%error, "nobody goes on by it");
            None
        }
        found => Some(found?),
    };
    let is_here = |own: &DiskBackup| {
        (own.target.account(), own.target.container()) == (target.account(), target.container())
    };
    Ok(found.filter(is_here))
}

/// The same, and what a write of it may replace. What is told of the blob is asked first: a record that
/// is written between the two is met by the write.
fn seen_record(
    name: &VaultName,
    target: &BlobPlace,
    container: &Arc<dyn Container>,
) -> Result<(Option<DiskBackup>, Over), Failure> {
    let told = container.facts(&record_name(name))?;
    let over = told.map_or(Over::Nothing, |own| Over::Seen(own.etag));
    Ok((read_record(name, target, container)?, over))
}

/// Whether any copy of a backup is there; `beside` is a blob of its container.
pub(super) fn lives(backup: &DiskBackup, beside: &Arc<dyn PageBlob>) -> Result<bool, Error> {
    let copy = beside.beside(backup.target.name());
    if backup.engine == Engine::FullCopy {
        return Ok(!all_points(backup, None, &copy)?.is_empty());
    }
    for name in backup.copy_names().iter().rev() {
        if facts(&copy.beside(name))?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a place is among what this program keeps in a container.
pub(super) fn is_ours(place: &BlobPlace) -> bool {
    place.name().starts_with(OURS)
}

/// Whether a place is that of one of a backup's copies.
pub(super) fn is_copy(backup: &DiskBackup, place: &BlobPlace) -> bool {
    let own = &backup.target;
    (own.account(), own.container()) == (place.account(), place.container())
        && backup.copy_names().iter().any(|name| name == place.name())
}

/// The backup of another name that the copy of one belongs to, by its identity: one that this machine
/// knows, or whose record lies beside the copy; `None` if no record says so.
pub(super) fn owner(
    backup: &DiskBackup,
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<Option<DiskBackup>, Failure> {
    let is_owner = |own: &DiskBackup| {
        // Such a copy cannot say whose it is.
        let is_bound = own.engine == Engine::IncrementalCopy && is_copy(own, &backup.target);
        own.name != backup.name && (own.id == backup.id || is_bound)
    };
    match DiskBackup::all(&desk.state()?)?.all.into_iter().find(is_owner) {
        Some(own) => Ok(Some(own)),
        None => shared_where(is_owner, backup, options, desk),
    }
}

/// A backup of which all of this is true, whose record lies beside the copies of another.
pub(super) fn shared_where(
    is_it: impl Fn(&DiskBackup) -> bool,
    other: &DiskBackup,
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<Option<DiskBackup>, Failure> {
    let container = files(other, options, desk)?;
    for blob in container.list(FOLDER)?.keys() {
        let name = blob.strip_prefix(FOLDER).and_then(|own| own.strip_suffix(RECORD));
        let Some(name) = name.and_then(|own| own.parse::<VaultName>().ok()) else { continue };
        let found = read_record(&name, &other.target, &container)?;
        if let Some(own) = found.filter(&is_it) {
            return Ok(Some(own));
        }
    }
    Ok(None)
}

/// Of the record that was found beside the copy of a backup that this machine knows: one of another
/// backup is none of its, as long as the copy itself says whose it is.
fn of_it(
    own: &DiskBackup,
    found: Option<DiskBackup>,
    (options, desk): (&DiskOptions, &Desk<'_>),
) -> Result<Option<DiskBackup>, Failure> {
    if found.as_ref().is_none_or(|found| found.id == own.id) {
        return Ok(found);
    }
    let copy = page_blob(&options.azure, &options.blobs, &own.target, desk.attendant)?;
    let id = own.id.to_string();
    match facts(&copy)?.is_some_and(|facts| facts.metadata.get(BACKUP) == Some(&id)) {
        true => Ok(None),
        false => {
            let place = format!("{}/{}", own.target.account(), own.target.container());
            Err(Error::Replaced { name: own.name.clone(), place }.into())
        }
    }
}

/// A backup as this machine knows it, with what is newer beside its copy.
pub(super) fn newest(
    own: DiskBackup,
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<DiskBackup, Failure> {
    let container = files(&own, options, desk)?;
    let found = read_record(&own.name, &own.target, &container)?;
    Ok(match of_it(&own, found, (options, desk))? {
        Some(found) => own.joined(found),
        None => own,
    })
}

/// Changes a backup for all machines: on top of what others have written meanwhile, there and here.
pub(super) fn change(
    backup: &mut DiskBackup,
    options: &DiskOptions,
    desk: &Desk<'_>,
    what: impl Fn(&mut DiskBackup),
) -> Result<(), Failure> {
    let container = files(backup, options, desk)?;
    let is_of = |found| of_it(backup, found, (options, desk));
    let own = changed(backup, &container, is_of, what)?;
    own.save(&desk.state()?)?;
    *backup = own;
    Ok(())
}

/// Changes the record beside the copy of a backup. What another machine writes at the same moment is
/// read anew, and changed in its turn.
fn changed(
    backup: &DiskBackup,
    container: &Arc<dyn Container>,
    is_of: impl Fn(Option<DiskBackup>) -> Result<Option<DiskBackup>, Failure>,
    what: impl Fn(&mut DiskBackup),
) -> Result<DiskBackup, Failure> {
    for _ in 0..TRIES {
        let (found, over) = seen_record(&backup.name, &backup.target, container)?;
        let mut own = match is_of(found)? {
            Some(found) => backup.clone().joined(found),
            None => backup.clone(),
        };
        what(&mut own);
        own.revision = own.revision.saturating_add(1);
        if is_written(&own, over, container)? {
            return Ok(own);
        }
    }
    Err(Error::RecordBusy { name: backup.name.clone() }.into())
}

/// Keeps the record of a backup that begins, or that this machine takes over, whatever was there.
pub(super) fn begin(
    backup: &mut DiskBackup,
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<(), Failure> {
    let container = files(backup, options, desk)?;
    begun(backup, &container)?;
    Ok(backup.save(&desk.state()?)?)
}

/// Writes the record of a backup that begins. Of two that begin under one name at the same moment the
/// first has it.
fn begun(backup: &mut DiskBackup, container: &Arc<dyn Container>) -> Result<(), Failure> {
    let mut former: Option<Option<DiskBackup>> = None;
    for _ in 0..TRIES {
        let (found, over) = seen_record(&backup.name, &backup.target, container)?;
        let id = |own: &Option<DiskBackup>| own.as_ref().map(|own| own.id);
        let is_anothers = id(&found).is_some_and(|own| own != backup.id);
        if is_anothers && former.as_ref().is_some_and(|former| id(former) != id(&found)) {
            let place = format!("{}/{}", backup.target.account(), backup.target.container());
            return Err(Error::Replaced { name: backup.name.clone(), place }.into());
        }
        if found.as_ref() == Some(&DiskBackup { run: None, ..backup.clone() }) {
            return Ok(());
        }
        let revision = found.as_ref().map_or(0, |found| found.revision).max(backup.revision);
        let own = DiskBackup { revision: revision.saturating_add(1), ..backup.clone() };
        if is_written(&own, over, container)? {
            *backup = own;
            return Ok(());
        }
        former = Some(found);
    }
    Err(Error::RecordBusy { name: backup.name.clone() }.into())
}

/// Whether a record was written; not if another one than was seen is there by now.
fn is_written(
    backup: &DiskBackup,
    over: Over,
    container: &Arc<dyn Container>,
) -> Result<bool, Failure> {
    // The id of a run is this machine's alone: who has it takes the lease over.
    let own = DiskBackup { run: None, ..backup.clone() };
    let (text, name) = (own.text(), record_name(&backup.name));
    let upload = Upload {
        name: &name,
        kind: BlobType::BlockBlob,
        bytes: text.len() as u64,
        md5: Md5Digest::new(Md5::digest(&text).into()),
        over,
        labels: &Labels::default(),
    };
    let fenced = Arc::clone(container).fenced(Arc::new(Open));
    Ok(matches!(fenced.send(&upload, &mut Cursor::new(text))?, Sent::Done))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::faulty::{Pause, Plan};
    use crate::azure::memory::{Manners, Memory};
    use disk_prep::noun::Diagnose;
    use uuid::Uuid;

    fn backup(memory: &Memory) -> (DiskBackup, Arc<dyn Container>) {
        (DiskBackup::example(), memory.container("backup"))
    }

    fn lies(memory: &Memory) -> DiskBackup {
        let own = memory.container("backup");
        let place = DiskBackup::example();
        read_record(&place.name, &place.target, &own).unwrap().unwrap()
    }

    #[test]
    fn of_two_machines_that_change_a_record_at_once_neither_loses_what_the_other_said() {
        // Before each of the calls of one machine the other one changes the record.
        for before in 0..4 {
            let memory = Memory::new(Manners::default());
            let (mut own, plain) = backup(&memory);
            begun(&mut own, &plain).unwrap();
            let (other, behind) = (own.clone(), memory.container("backup"));
            let meanwhile = Pause(Box::new(move || {
                changed(&other, &behind, Ok, |own| own.every_secs = 60).unwrap();
            }));
            let plan = Plan::of_life(&[], None, Some((before, meanwhile)));
            let held = plan.container(Arc::clone(&plain));
            let done = changed(&own, &held, Ok, |own| own.keep.last = Some(3)).unwrap();
            let lying = lies(&memory);
            assert_eq!(lying.keep.last, Some(3), "{before}");
            let is_met = before < 3;
            assert_eq!(lying.every_secs == 60, is_met, "{before}");
            assert_eq!(lying.revision, if is_met { 3 } else { 2 }, "{before}");
            assert_eq!(done, lying);
        }
    }

    #[test]
    fn of_two_that_begin_under_one_name_at_once_the_first_has_it() {
        let memory = Memory::new(Manners::default());
        let (mut own, plain) = backup(&memory);
        let (first, behind) = (Uuid::from_u128(7), memory.container("backup"));
        let meanwhile = Pause(Box::new(move || {
            let mut other = DiskBackup { id: first, ..DiskBackup::example() };
            begun(&mut other, &behind).unwrap();
        }));
        let plan = Plan::of_life(&[], None, Some((2, meanwhile)));
        let refused = begun(&mut own, &plan.container(plain)).unwrap_err();
        assert_eq!(refused.0.code(), "disk-backup-other");
        assert_eq!(lies(&memory).id, first);
        // What was there when it was looked at is written over, as that was asked for.
        begun(&mut own, &memory.container("backup")).unwrap();
        assert_eq!((lies(&memory).id, lies(&memory).revision), (own.id, 2));
    }

    #[test]
    fn a_record_that_others_change_for_ever_is_given_up() {
        let memory = Memory::new(Manners::default());
        let (mut own, plain) = backup(&memory);
        begun(&mut own, &plain).unwrap();
        let changes = |_: Option<DiskBackup>| {
            memory.put("backup", &record_name(&own.name), &own.text());
            Ok(None)
        };
        let refused = changed(&own, &plain, changes, |_| {}).unwrap_err();
        assert_eq!(
            (refused.0.code(), Diagnose::kind(&*refused.0)),
            ("disk-backup-busy", disk_prep::noun::ErrorKind::Busy)
        );
    }
}
