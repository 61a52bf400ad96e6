//! `disk-backup protect`: a disk is backed up from now on.

use std::collections::BTreeMap;
use std::sync::Arc;

use disk_prep::noun::{BlobPlace, VaultName};
use uuid::Uuid;

use super::desk::Desk;
use super::disk_backup::{
    DiskOptions, DiskWord, RoundOptions, check_source, facts, files, hold, make_container, open,
    round, whole,
};
use super::disk_files::{read_record, write_record};
use crate::azure::PageBlob;
use crate::disk_backup::{
    BACKUP, Chain, DiffWish, DiskBackup, Error, FORM, FirstCopy, Keep, Made, Verify,
};
use crate::outcome::Failure;

/// What is to be backed up, and how.
#[derive(Debug)]
pub struct ProtectOptions {
    /// Its name.
    pub name: VaultName,
    /// The source, as it was typed.
    pub source: String,
    /// The copy's place, as it was typed.
    pub to: String,
    /// Seconds from one point to the next, if that is said.
    pub every_secs: Option<u64>,
    /// How the first copy is made.
    pub first: FirstCopy,
    /// How what changed is found out.
    pub diff: DiffWish,
    /// Which points are kept, if that is said.
    pub keep: Option<Keep>,
}

/// A disk that is backed up.
#[derive(Debug)]
pub struct Protected {
    /// Its record.
    pub backup: DiskBackup,
    /// The first point; none if it was there.
    pub made: Option<Made>,
    /// Whether the copy was there already, and its record was made anew.
    pub is_taken_over: bool,
}

const PAGE_BLOB: &str = "page-blob:";
/// Twice a day.
const USUAL_SECS: u64 = 12 * 3600;

/// The source and the copy's place that a call names.
fn places(asked: &ProtectOptions) -> Result<(BlobPlace, BlobPlace), DiskWord> {
    let wrong = || DiskWord::Source { word: asked.source.clone() };
    let source = asked.source.strip_prefix(PAGE_BLOB).ok_or_else(wrong)?;
    let source: BlobPlace = source.parse().map_err(|_| wrong())?;
    // Without a blob's name the backup's own.
    let whole = match asked.to.matches('/').count() {
        1 => format!("{}/{}.vhd", asked.to, asked.name),
        _ => asked.to.clone(),
    };
    let wrong = |error: disk_prep::noun::InvalidNoun| DiskWord::Place {
        word: asked.to.clone(),
        rule: error.rule.to_owned(),
    };
    Ok((source, whole.parse().map_err(wrong)?))
}

/// Backs a disk up from now on, and makes the first point.
pub fn protect(
    asked: &ProtectOptions,
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<Protected, Failure> {
    let (source, target) = places(asked)?;
    if source == target {
        return Err(Error::Itself { blob: target.to_string() }.into());
    }
    let _lock = hold(&asked.name, desk)?;
    let state = desk.state()?;
    let wanted = DiskBackup {
        version: FORM,
        id: Uuid::new_v4(),
        name: asked.name.clone(),
        source,
        target,
        generation: 1,
        every_secs: asked.every_secs.unwrap_or(USUAL_SECS),
        first: asked.first,
        diff: asked.diff,
        run: None,
        last: None,
        keep: asked.keep.unwrap_or_default(),
        proofs: BTreeMap::new(),
        restored: None,
    };
    let old = DiskBackup::open(&state, &asked.name)?;
    if let Some(old) = &old {
        same(old, &wanted, asked)?;
    }
    let is_known = old.is_some();
    let mut backup = match old {
        Some(old) => old,
        None => left(wanted, asked, options, desk)?,
    };
    let (source, target) = open(&backup, options, desk)?;
    let is_taken_over = !is_known && adopt(&mut backup, &source, &target)?;
    check_source(&source)?;
    whole(&backup)?;
    let container = files(&backup, options, desk)?;
    if facts(&target)?.is_none() {
        make_container(&container);
    }
    let is_whole = facts(&target)?
        .and_then(|facts| Chain::parse(&facts.metadata))
        .is_some_and(|chain| chain.baseline.is_some() && chain.pending.is_none());
    backup.save(&state)?;
    if is_whole {
        write_record(&backup, &container)?;
        return Ok(Protected { backup, made: None, is_taken_over });
    }
    let verify = Verify::None;
    let wish = RoundOptions { is_now: true, is_anew: false, breaks_lease: false, verify };
    let made = round(&mut backup, wish, options, desk)?;
    Ok(Protected { backup, made: Some(made), is_taken_over })
}

/// The record that another machine has left of this backup, with what is asked of it now; else what
/// is asked. A first copy that was never one leaves nothing to go on with.
fn left(
    wanted: DiskBackup,
    asked: &ProtectOptions,
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<DiskBackup, Failure> {
    let container = files(&wanted, options, desk)?;
    let Some(found) = read_record(&wanted, &container)? else { return Ok(wanted) };
    let is_named = found.copy_names().iter().any(|name| name == wanted.target.name());
    let (_, copy) = open(&found, options, desk)?;
    if !is_named || facts(&copy)?.is_none() {
        return Ok(wanted);
    }
    Ok(DiskBackup {
        every_secs: asked.every_secs.unwrap_or(found.every_secs),
        keep: asked.keep.unwrap_or(found.keep),
        first: wanted.first,
        diff: wanted.diff,
        ..found
    })
}

/// A copy of this source by this program is taken over, whoever made it; a foreign one is refused.
fn adopt(
    backup: &mut DiskBackup,
    source: &Arc<dyn PageBlob>,
    target: &Arc<dyn PageBlob>,
) -> Result<bool, Error> {
    let Some(facts) = facts(target)? else { return Ok(false) };
    let foreign = || Error::Foreign { blob: target.address(), source_blob: source.address() };
    let id = facts.metadata.get(BACKUP).and_then(|id| id.parse().ok());
    let is_of_source = Chain::parse(&facts.metadata)
        .is_some_and(|chain| chain.source == source.address() && facts.is_pages);
    backup.id = id.filter(|_| is_of_source).ok_or_else(foreign)?;
    Ok(true)
}

/// A backup of this name that is another one is told with what differs.
fn same(old: &DiskBackup, new: &DiskBackup, asked: &ProtectOptions) -> Result<(), Error> {
    let mut what = Vec::new();
    let mut differ = |flag: &str, old: String, new: String| {
        if old != new {
            what.push(format!("{flag} is {new}, and its record has {old}"));
        }
    };
    differ("--source", old.source.to_string(), new.source.to_string());
    if old.generation == 1 {
        differ("--to", old.target.to_string(), new.target.to_string());
    }
    if asked.every_secs.is_some() {
        differ("--every", format!("{} s", old.every_secs), format!("{} s", new.every_secs));
    }
    differ("--first", format!("{:?}", old.first), format!("{:?}", new.first));
    differ("--diff", format!("{:?}", old.diff), format!("{:?}", new.diff));
    if asked.keep.is_some() {
        differ("what is kept", old.keep.to_string(), new.keep.to_string());
    }
    match what.is_empty() {
        true => Ok(()),
        false => Err(Error::Asked { name: old.name.clone(), what: what.join("; ") }),
    }
}
