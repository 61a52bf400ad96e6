//! `disk-backup protect`: a disk is backed up from now on.

use std::collections::BTreeMap;
use std::sync::Arc;

use disk_prep::limits::PAGE_BYTES;
use disk_prep::noun::{BlobPlace, VaultName, count, typed};
use jiff::Timestamp;
use uuid::Uuid;

use super::connections::page_blob;
use super::desk::Desk;
use super::disk_backup::{Anew, RoundOptions, round};
use super::disk_bench::{
    DiskOptions, DiskWord, all_points, check_source, facts, files, hold, make_container, open,
    source_facts, whole,
};
use super::disk_first::tell_first;
use super::disk_image::{check_device, check_host, image_of};
use super::disk_manner::{Manner, MannerAsked, check_services, held, idle};
use super::disk_prune::check_keep;
use super::disk_seed::{Shipping, Turn, write_dataset};
use super::disk_seed_asked::{SeedAsked, is_same_job, job_words};
use super::disk_shared::{self, is_copy, is_ours, lives, newest, owner, read_record};
use super::settings::Given;
use crate::azure::PageBlob;
use crate::disk_backup::{
    BACKUP, Chain, DiskBackup, DiskSource, Engine, Error, FORM, FirstCopy, IMAGE, ImageHost,
    ImageTerms, Keep, MANAGED_DISK, Made, OWNER, PAGE_BLOB, Verify, VhdForm, is_address,
    typed_time, usual_form,
};
use crate::outcome::{Attendant, Failure, IdleWord, chain};
use crate::state::State;

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
    pub vhd: Option<Given<VhdForm>>,
    /// The job that brings the first copy by drive.
    pub seed: SeedAsked,
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
    /// How many points there are of a disk that is gone; none if it is there.
    pub left_points: Option<usize>,
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
    let target: BlobPlace = whole.parse().map_err(wrong)?;
    if is_ours(&target) {
        let rule = "below azseed/ is what this program keeps beside copies".to_owned();
        return Err(DiskWord::Place { word: asked.to.clone(), rule });
    }
    Ok((source, target))
}

/// What is said of an image, where there is one; what has no meaning in this call is refused.
fn terms(
    asked: &ProtectOptions,
    source: &DiskSource,
    manner: Manner,
    attendant: &dyn Attendant,
) -> Result<Option<ImageTerms>, Failure> {
    let by_drive = manner.first == FirstCopy::Drive;
    if !by_drive && asked.seed.job.is_some() {
        return Err(IdleWord { word: "--job" }.into());
    }
    let Some(path) = source.image() else {
        return match &asked.vhd {
            Some(vhd) => idle(vhd, "--vhd", attendant).map(|()| None).map_err(Into::into),
            None => Ok(None),
        };
    };
    let seed = match by_drive {
        true => Some(asked.seed.job((&asked.name, &asked.source, &asked.to))?),
        false => None,
    };
    let vhd = match &asked.vhd {
        Some(vhd) => vhd.value,
        // The record of its backup knows it.
        None if is_image_gone(source) => VhdForm::None,
        None => usual_form(path)?,
    };
    let (made_at, host) = (Timestamp::now(), Some(ImageHost::here()));
    Ok(Some(ImageTerms { vhd, made_at, seed, host, seen: None }))
}

fn is_image_gone(source: &DiskSource) -> bool {
    source.image().is_some_and(|path| path.try_exists().is_ok_and(|is_there| !is_there))
}

/// Backs a disk up from now on, and makes the first point.
pub fn protect(
    asked: &ProtectOptions,
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<Protected, Failure> {
    check_keep(asked.keep)?;
    let (source, target) = places(asked)?;
    if source.place() == Some(&target) {
        return Err(Error::Itself { blob: target.to_string() }.into());
    }
    let manner = asked.manner.of(&source, desk.attendant)?;
    let image = terms(asked, &source, manner, desk.attendant)?;
    let _lock = hold(&asked.name, desk)?;
    let state = desk.state()?;
    let wanted = DiskBackup {
        version: FORM,
        revision: 0,
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
    match known(&wanted, &state, options, desk)? {
        Some(mut old) => {
            let what = differing(&old, &wanted, asked, desk);
            match what.is_empty() {
                true => begin(&mut old, Origin::Known, options, desk),
                false => Err(Error::Asked { name: old.name, what: what.join("; ") }.into()),
            }
        }
        None => {
            let (mut backup, origin) = left(wanted, asked, options, desk)?;
            begin(&mut backup, origin, options, desk)
        }
    }
}

/// Where the record of a backup comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// This machine has it.
    Known,
    /// Another machine has left it beside the copy.
    Left,
    /// It was asked for now.
    Asked,
}

/// What is known of the backup: here, and of the same copy by what others have made of it since. A
/// record that cannot be read is made anew.
fn known(
    wanted: &DiskBackup,
    state: &State,
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<Option<DiskBackup>, Failure> {
    let own = match DiskBackup::open(state, &wanted.name) {
        Err(error @ Error::Record { .. }) => {
            desk.attendant.warn(&format!("{}; it is made anew", chain(&error)));
            return Ok(None);
        }
        own => own?,
    };
    let place = |own: &DiskBackup| (own.target.account().clone(), own.target.container().clone());
    match own {
        Some(own) if place(&own) == place(wanted) => newest(own, options, desk).map(Some),
        own => Ok(own),
    }
}

/// Looks at all that is there before anything is made.
fn begin(
    backup: &mut DiskBackup,
    origin: Origin,
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<Protected, Failure> {
    let (source, target) = open(backup, options, desk)?;
    let address = source.as_ref().map_or_else(|| backup.source.to_string(), |own| own.address());
    let recorded = (origin == Origin::Left).then_some(backup.id);
    let is_adopted =
        origin != Origin::Known && adopt(backup, &address, (source.as_ref(), &target))?;
    if is_adopted && recorded != Some(backup.id) {
        nobodys(backup, options, desk)?;
    }
    let is_taken_over = is_adopted || origin == Origin::Left;
    if let Some(points) = left_points(backup, origin, source.as_ref(), &target)? {
        let (disk, there) = (&backup.source, count(points, "point"));
        let text = format!("{disk} is gone: no point was made of it, and {there} can be restored");
        desk.attendant.warn(&text);
        backup.save(&desk.state()?)?;
        let (backup, left_points) = (backup.clone(), Some(points));
        return Ok(Protected { backup, made: None, shipping: None, is_taken_over, left_points });
    }
    match &source {
        Some(source) => check_source(source)?,
        None => {
            own_image(backup, desk)?;
            look_at(backup, desk)?;
        }
    }
    whole(backup)?;
    check_services(backup, source.as_ref(), &target)?;
    if facts(&target)?.is_none() {
        make_container(&files(backup, options, desk)?);
    }
    let is_whole = is_whole(backup, source.as_ref(), &target)?;
    if !is_whole {
        tell_first(backup, source.as_ref(), desk)?;
    }
    let seed = backup.image.as_ref().and_then(|terms| terms.seed.as_ref());
    let shipping = match seed.filter(|_| !is_whole) {
        Some(seed) => Some(write_dataset(backup, seed, desk)?),
        None => None,
    };
    disk_shared::begin(backup, options, desk)?;
    let protected = |backup: &DiskBackup, made, shipping| {
        let backup = backup.clone();
        Ok(Protected { backup, made, shipping, is_taken_over, left_points: None })
    };
    if is_whole {
        return protected(backup, None, None);
    }
    let verify = Verify::None;
    let wish = RoundOptions { is_now: true, anew: Anew::Never, breaks_lease: false, verify };
    match round(backup, wish, options, desk)? {
        Turn::Made(made) => protected(backup, Some(made), None),
        Turn::Underway(_) => protected(backup, None, shipping),
    }
}

/// Whether the first point is there.
fn is_whole(
    backup: &DiskBackup,
    source: Option<&Arc<dyn PageBlob>>,
    target: &Arc<dyn PageBlob>,
) -> Result<bool, Error> {
    Ok(match backup.engine {
        Engine::Diff => facts(target)?
            .and_then(|facts| Chain::parse(&facts.metadata))
            .is_some_and(|chain| chain.baseline.is_some() && chain.pending.is_none()),
        Engine::IncrementalCopy | Engine::FullCopy => {
            !all_points(backup, source, target)?.is_empty()
        }
    })
}

/// How many points a backup has whose disk is gone: they can be restored all the same. Without its
/// record nobody knows what an image was made into.
fn left_points(
    backup: &DiskBackup,
    origin: Origin,
    source: Option<&Arc<dyn PageBlob>>,
    target: &Arc<dyn PageBlob>,
) -> Result<Option<usize>, Error> {
    let is_gone = match source {
        Some(source) => source_facts(source)?.is_none(),
        None => is_image_gone(&backup.source) && origin != Origin::Asked,
    };
    if !is_gone {
        return Ok(None);
    }
    let points = all_points(backup, source, target)?.len();
    Ok((points > 0).then_some(points))
}

/// An image of another machine, or on another device, becomes that of this backup once that is said; who
/// has it is remembered.
fn own_image(backup: &mut DiskBackup, desk: &Desk<'_>) -> Result<(), Failure> {
    if let Err(other) = check_host(backup) {
        let what = format!("{other}; its backup goes on with the image of this machine");
        desk.attendant.consent(&what).map_err(|_| other)?;
        backup.image.iter_mut().for_each(|terms| terms.host = None);
    }
    if let Err(other) = check_device(backup) {
        let what = format!("{other}; its backup goes on with this one");
        desk.attendant.consent(&what).map_err(|_| other)?;
        backup.image.iter_mut().for_each(|terms| terms.seen = None);
    }
    if let Some(terms) = &mut backup.image {
        terms.host.get_or_insert_with(ImageHost::here);
    }
    Ok(())
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

/// The record that another machine has left of this backup, where what is asked does not differ from
/// it; else what is asked. A first copy that was never one leaves nothing to go on with.
fn left(
    wanted: DiskBackup,
    asked: &ProtectOptions,
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<(DiskBackup, Origin), Failure> {
    let container = files(&wanted, options, desk)?;
    let Some(found) = read_record(&wanted.name, &wanted.target, &container)? else {
        return Ok((wanted, Origin::Asked));
    };
    let copy = page_blob(&options.azure, &options.blobs, &found.target, desk.attendant)?;
    let is_there = lives(&found, &copy)?;
    // A copy that is named and is of another disk says so itself.
    let is_told = found.engine != Engine::FullCopy
        && found.source != wanted.source
        && is_copy(&found, &wanted.target);
    if !is_there || is_told {
        return Ok((wanted, Origin::Asked));
    }
    let what = differing(&found, &wanted, asked, desk);
    if !what.is_empty() {
        let place = format!("{}/{}", found.target.account(), found.target.container());
        return Err(Error::Kept { name: found.name, place, what: what.join("; ") }.into());
    }
    Ok((found, Origin::Left))
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
    let is_of_source = Chain::parse(&facts.metadata)
        .is_some_and(|chain| is_address(&chain.source, source) && facts.is_pages);
    backup.id = id.filter(|_| is_of_source).ok_or_else(foreign)?;
    Ok(true)
}

/// A copy that a backup of another name goes on with is left to it: two would delete each other's
/// points.
fn nobodys(backup: &DiskBackup, options: &DiskOptions, desk: &Desk<'_>) -> Result<(), Failure> {
    let Some(own) = owner(backup, options, desk)? else { return Ok(()) };
    let (source, target) = (own.source.word(), own.target.to_string());
    let words = ["azseed", "disk-backup", "protect", own.name.as_str(), "--source", &source];
    let line = typed(words.into_iter().chain(["--to", &target]));
    Err(Error::OfOther { blob: backup.target.to_string(), owner: own.name, line }.into())
}

/// Whose snapshot of a disk one is.
fn taken_at(disk: Option<&Arc<dyn PageBlob>>, snapshot: &str) -> Result<Option<String>, Error> {
    let Some(disk) = disk else { return Ok(None) };
    let facts = disk.facts(Some(snapshot));
    let facts = facts.map_err(|source| Error::Blob { blob: disk.address(), source })?;
    Ok(facts.and_then(|own| own.metadata.get(OWNER).cloned()))
}

/// What a call says of a backup otherwise than its record.
fn differing(
    old: &DiskBackup,
    new: &DiskBackup,
    asked: &ProtectOptions,
    desk: &Desk<'_>,
) -> Vec<String> {
    let mut what = Vec::new();
    let mut differ = |flag: &str, is_same: bool, old: String, new: String| {
        if !is_same {
            what.push(format!("{flag} is {new}, and its record has {old}"));
        }
    };
    let is_same = old.source == new.source;
    differ("--source", is_same, old.source.to_string(), new.source.to_string());
    let is_same = is_copy(old, &new.target);
    differ("--to", is_same, old.target.to_string(), new.target.to_string());
    if asked.every_secs.is_some() {
        let is_same = old.every_secs == new.every_secs;
        differ("--every", is_same, typed_time(old.every_secs), typed_time(new.every_secs));
    }
    if let (Some(old), Some(new)) = (&old.image, &new.image)
        && let Some(new) = &new.seed
    {
        let settled = |old| asked.seed.settled(old, new, desk.attendant);
        let new = old.seed.as_ref().map_or(new.clone(), settled);
        let is_same = is_same_job(old.seed.as_ref(), Some(&new));
        differ("the job", is_same, job_words(old.seed.as_ref()), job_words(Some(&new)));
    }
    if asked.keep.is_some() {
        differ("what is kept", old.keep == new.keep, old.keep.to_string(), new.keep.to_string());
    }
    if let (Some(vhd), Some(old)) = (&asked.vhd, &old.image) {
        held(vhd, old.vhd, &mut what, desk.attendant);
    }
    what.extend(asked.manner.against(old, desk.attendant));
    what
}
