//! `disk-backup protect`: a disk is backed up from now on.

use std::collections::BTreeMap;
use std::sync::Arc;

use disk_prep::limits::PAGE_BYTES;
use disk_prep::noun::{BlobPlace, JobName, ResourceGroup, Service, SubscriptionId, VaultName};
use jiff::Timestamp;
use uuid::Uuid;

use super::desk::Desk;
use super::disk_backup::{RoundOptions, round};
use super::disk_bench::{
    DiskOptions, DiskWord, all_points, check_source, facts, files, hold, make_container, open,
    whole,
};
use super::disk_files::{read_record, write_record};
use super::disk_first::tell_first;
use super::disk_image::image_of;
use super::disk_manner::{Manner, MannerAsked, check_services};
use super::disk_seed::{Shipping, Turn, write_dataset};
use crate::azure::PageBlob;
use crate::disk_backup::{
    BACKUP, Chain, DiskBackup, DiskSource, Engine, Error, FORM, FirstCopy, IMAGE, ImageTerms, Keep,
    MANAGED_DISK, Made, OWNER, PAGE_BLOB, SeedJob, Verify, VhdForm, typed_time, usual_form,
};
use crate::outcome::{Failure, IdleWord, MissingFlags};

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
    /// How it is backed up.
    pub manner: MannerAsked,
    /// Which points are kept, if that is said.
    pub keep: Option<Keep>,
    /// How an image becomes a VHD, if that is said.
    pub vhd: Option<VhdForm>,
    /// The job that brings the first copy by drive.
    pub seed: SeedAsked,
}

/// What is said of the job that brings a first copy.
#[derive(Debug, Default)]
pub struct SeedAsked {
    /// Its name.
    pub job: Option<JobName>,
    /// The subscription that it will be in.
    pub subscription: Option<SubscriptionId>,
    /// Its group.
    pub resource_group: Option<ResourceGroup>,
    /// The service that has it.
    pub service: Option<Service>,
}

/// A disk that is backed up.
#[derive(Debug)]
pub struct Protected {
    /// Its record.
    pub backup: DiskBackup,
    /// The first point; none if it was there, or a drive brings it.
    pub made: Option<Made>,
    /// What a person does so that a drive brings it.
    pub shipping: Option<Shipping>,
    /// Whether the copy was there already, and its record was made anew.
    pub is_taken_over: bool,
}

/// Twice a day.
const USUAL_SECS: u64 = 12 * 3600;

/// The source and the copy's place that a call names.
fn places(asked: &ProtectOptions) -> Result<(DiskSource, BlobPlace), DiskWord> {
    let wrong = || DiskWord::Source { word: asked.source.clone() };
    let source = match asked.source.strip_prefix(IMAGE) {
        Some("") => return Err(wrong()),
        // The same file, wherever the next call is made.
        Some(path) => DiskSource::Image(std::path::absolute(path).map_err(|_| wrong())?),
        None if [PAGE_BLOB, MANAGED_DISK].iter().any(|word| asked.source.starts_with(word)) => {
            asked.source.parse().map_err(|_| wrong())?
        }
        None => return Err(wrong()),
    };
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

/// What is said of an image, where there is one; what has no meaning in this call is refused.
fn terms(
    asked: &ProtectOptions,
    source: &DiskSource,
    manner: Manner,
) -> Result<Option<ImageTerms>, Failure> {
    let SeedAsked { job, subscription, resource_group, service } = &asked.seed;
    let by_drive = manner.first == FirstCopy::Drive;
    let is_image = source.image().is_some();
    let idle = [(!is_image && asked.vhd.is_some(), "--vhd"), (!by_drive && job.is_some(), "--job")];
    if let Some((_, word)) = idle.into_iter().find(|(is_idle, _)| *is_idle) {
        return Err(IdleWord { word }.into());
    }
    let Some(path) = source.image() else { return Ok(None) };
    let missing = MissingFlags::one;
    let seed = match by_drive {
        false => None,
        true => Some(SeedJob {
            job: job.clone().ok_or(missing("--job"))?,
            subscription: subscription.clone().ok_or(missing("--subscription"))?,
            resource_group: resource_group.clone().ok_or(missing("--resource-group"))?,
            service: *service,
        }),
    };
    let vhd = asked.vhd.map_or_else(|| usual_form(path), Ok)?;
    Ok(Some(ImageTerms { vhd, made_at: Timestamp::now(), seed }))
}

/// Backs a disk up from now on, and makes the first point.
pub fn protect(
    asked: &ProtectOptions,
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<Protected, Failure> {
    let (source, target) = places(asked)?;
    if source.place() == Some(&target) {
        return Err(Error::Itself { blob: target.to_string() }.into());
    }
    let manner = asked.manner.of(&source, desk.attendant)?;
    let image = terms(asked, &source, manner)?;
    let _lock = hold(&asked.name, desk)?;
    let state = desk.state()?;
    let wanted = DiskBackup {
        version: FORM,
        id: Uuid::new_v4(),
        name: asked.name.clone(),
        source,
        image,
        target,
        generation: 1,
        every_secs: asked.every_secs.unwrap_or(USUAL_SECS),
        first: manner.first,
        diff: manner.diff,
        transfer: manner.transfer,
        engine: manner.engine,
        run: None,
        last: None,
        keep: asked.keep.unwrap_or_default(),
        proofs: BTreeMap::new(),
        restored: None,
    };
    let old = DiskBackup::open(&state, &asked.name)?;
    if let Some(old) = &old {
        same(old, &wanted, asked, desk)?;
    }
    let is_known = old.is_some();
    let mut backup = match old {
        Some(old) => old,
        None => left(wanted, asked, options, desk)?,
    };
    begin(&mut backup, is_known, options, desk)
}

/// Looks at all that is there before anything is made.
fn begin(
    backup: &mut DiskBackup,
    is_known: bool,
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<Protected, Failure> {
    let (source, target) = open(backup, options, desk)?;
    let address = source.as_ref().map_or_else(|| backup.source.to_string(), |own| own.address());
    let is_taken_over = !is_known && adopt(backup, &address, (source.as_ref(), &target))?;
    match &source {
        Some(source) => check_source(source)?,
        None => look_at(backup, desk)?,
    }
    whole(backup)?;
    check_services(backup, source.as_ref(), &target)?;
    let state = desk.state()?;
    let container = files(backup, options, desk)?;
    if facts(&target)?.is_none() {
        make_container(&container);
    }
    let is_whole = match backup.engine {
        Engine::Diff => facts(&target)?
            .and_then(|facts| Chain::parse(&facts.metadata))
            .is_some_and(|chain| chain.baseline.is_some() && chain.pending.is_none()),
        Engine::IncrementalCopy | Engine::FullCopy => {
            !all_points(backup, source.as_ref(), &target)?.is_empty()
        }
    };
    if !is_whole {
        tell_first(backup, source.as_ref(), desk)?;
    }
    let seed = backup.image.as_ref().and_then(|terms| terms.seed.as_ref());
    let shipping = match seed.filter(|_| !is_whole) {
        Some(seed) => Some(write_dataset(backup, seed, desk)?),
        None => None,
    };
    backup.save(&state)?;
    let protected = |backup: &DiskBackup, made, shipping| {
        Ok(Protected { backup: backup.clone(), made, shipping, is_taken_over })
    };
    if is_whole {
        write_record(backup, &container)?;
        return protected(backup, None, None);
    }
    let verify = Verify::None;
    let wish = RoundOptions { is_now: true, is_anew: false, breaks_lease: false, verify };
    match round(backup, wish, options, desk)? {
        Turn::Made(made) => protected(backup, Some(made), None),
        Turn::Underway(_) => protected(backup, None, shipping),
    }
}

/// The image is one that can be backed up, and that a drive can bring if one is to.
fn look_at(backup: &DiskBackup, desk: &Desk<'_>) -> Result<(), Failure> {
    let image = image_of(backup, desk)?;
    let bytes = image.own_bytes();
    let by_drive = backup.first == FirstCopy::Drive;
    match by_drive && !bytes.is_multiple_of(PAGE_BYTES) {
        true => Err(Error::ImageLength { path: image.path().to_owned(), bytes }.into()),
        false => Ok(()),
    }
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
    let (source, copy) = open(&found, options, desk)?;
    let is_there = match found.engine {
        Engine::FullCopy => !all_points(&found, source.as_ref(), &copy)?.is_empty(),
        Engine::Diff | Engine::IncrementalCopy => facts(&copy)?.is_some(),
    };
    if !is_named || !is_there {
        return Ok(wanted);
    }
    let found = asked.manner.over(found, desk.attendant)?;
    Ok(DiskBackup {
        every_secs: asked.every_secs.unwrap_or(found.every_secs),
        keep: asked.keep.unwrap_or(found.keep),
        ..found
    })
}

/// A copy of this source by this program is taken over, whoever made it; a foreign one is refused.
fn adopt(
    backup: &mut DiskBackup,
    source: &str,
    (disk, target): (Option<&Arc<dyn PageBlob>>, &Arc<dyn PageBlob>),
) -> Result<bool, Error> {
    if backup.engine == Engine::FullCopy {
        let owner = backup.copies(source).owner(target, source)?;
        let owner = owner.and_then(|id| id.parse().ok());
        backup.id = owner.unwrap_or(backup.id);
        return Ok(owner.is_some());
    }
    let Some(facts) = facts(target)? else { return Ok(false) };
    let foreign = || Error::Foreign { blob: target.address(), source_blob: source.to_owned() };
    if backup.engine == Engine::IncrementalCopy {
        let points = all_points(backup, disk, target)?;
        let newest = points.last().filter(|_| facts.is_incremental).ok_or_else(foreign)?;
        // The copy cannot say whose it is; the snapshot of the disk that it holds does.
        let own = taken_at(disk, &newest.source_snapshot)?;
        backup.id = own.and_then(|id| id.parse().ok()).unwrap_or(backup.id);
        return Ok(true);
    }
    // What a drive has brought says nothing of itself; the first round looks at what it is.
    let is_by_drive = backup.image.as_ref().is_some_and(|terms| terms.seed.is_some());
    if is_by_drive && facts.is_pages && !facts.metadata.contains_key(BACKUP) {
        return Ok(false);
    }
    let id = facts.metadata.get(BACKUP).and_then(|id| id.parse().ok());
    let is_of_source =
        Chain::parse(&facts.metadata).is_some_and(|chain| chain.source == source && facts.is_pages);
    backup.id = id.filter(|_| is_of_source).ok_or_else(foreign)?;
    Ok(true)
}

/// Whose snapshot of a disk one is.
fn taken_at(disk: Option<&Arc<dyn PageBlob>>, snapshot: &str) -> Result<Option<String>, Error> {
    let Some(disk) = disk else { return Ok(None) };
    let facts = disk.facts(Some(snapshot));
    let facts = facts.map_err(|source| Error::Blob { blob: disk.address(), source })?;
    Ok(facts.and_then(|own| own.metadata.get(OWNER).cloned()))
}

/// A backup of this name that is another one is told with what differs.
fn same(
    old: &DiskBackup,
    new: &DiskBackup,
    asked: &ProtectOptions,
    desk: &Desk<'_>,
) -> Result<(), Error> {
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
        differ("--every", typed_time(old.every_secs), typed_time(new.every_secs));
    }
    if let (Some(old), Some(new)) = (&old.image, &new.image) {
        if asked.vhd.is_some() {
            differ("--vhd", old.vhd.to_string(), new.vhd.to_string());
        }
        let words = |own: &Option<SeedJob>| match own {
            Some(own) => format!("{} in {}, {}", own.job, own.subscription, own.resource_group),
            None => "none".to_owned(),
        };
        differ("the job", words(&old.seed), words(&new.seed));
    }
    if asked.keep.is_some() {
        differ("what is kept", old.keep.to_string(), new.keep.to_string());
    }
    what.extend(asked.manner.against(old, desk.attendant));
    match what.is_empty() {
        true => Ok(()),
        false => Err(Error::Asked { name: old.name.clone(), what: what.join("; ") }),
    }
}
