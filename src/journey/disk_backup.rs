//! `disk-backup run`: the points that are due.

use std::sync::Arc;

use disk_prep::noun::{BlobPath, BlobPlace, VaultName, typed};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::desk::Desk;
use super::disk_bench::{
    Attended, DiskOptions, DiskWord, Failed, all_points, by_service, check_source, facts, files,
    hold, known, leased, named, open, shown, whole, without_points,
};
use super::disk_files::write_table;
use super::disk_first::tell_first;
use super::disk_image::point_of_image;
use super::disk_seed::{Turn, Underway};
use super::disk_shared::{change, newest};
use crate::azure::{PageBlob, SnapshotFacts};
use crate::disk_backup::{
    Chain, DiffWish, DiskBackup, Engine, Error, FirstCopy, ImageHost, ImageSeen, Known, LastRound,
    Made, Mode, OWNER, Proof, ProvenBy, Round, ServiceRound, Verify, Via, Watch, WholeRound,
    tells_differences,
};
use crate::outcome::{Failure, IdleWord, chain};

/// What is wished of a run.
#[derive(Debug, Clone, Copy)]
pub struct RoundOptions {
    /// Whether a point is made even if none is due.
    pub is_now: bool,
    /// When a whole new copy is made.
    pub anew: Anew,
    /// Whether the lease of another run is ended.
    pub breaks_lease: bool,
    /// What is read back.
    pub verify: Verify,
}

/// When a whole new copy is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anew {
    /// Not at all.
    Never,
    /// Where the one that is there cannot be gone on with.
    IfLost,
    /// In any case.
    Always,
}

/// What came of a run.
#[derive(Debug)]
pub struct Rounds(pub Vec<RoundEnd>);

/// What came of one disk.
#[derive(Debug)]
pub struct RoundEnd {
    /// Its name.
    pub name: VaultName,
    /// The point; none if none was due.
    pub made: Option<Made>,
    /// The job that brings the first copy, if it has not yet.
    pub underway: Option<Underway>,
    /// How long it took.
    pub secs: u64,
    /// When the next is due.
    pub next: Timestamp,
}

/// Makes a point, and keeps what came of it.
pub(super) fn round(
    backup: &mut DiskBackup,
    wish: RoundOptions,
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<Turn, Failure> {
    let state = desk.state()?;
    whole(backup)?;
    let (source, target) = open(backup, options, desk)?;
    if let Some(source) = &source {
        check_source(source)?;
    }
    look_at_points(backup, (source.as_ref(), &target), desk)?;
    let held = leased(backup, &target);
    if wish.breaks_lease && facts(&held)?.is_some_and(|facts| facts.is_leased) {
        held.break_lease()?;
    }
    let former = backup.run;
    let run = Uuid::new_v4();
    // Known before it is used, so that a run after a kill takes the lease over at once.
    backup.run = Some(run);
    backup.save(&state)?;
    let (made, seen) = match source {
        None => match point_of_image(backup, &target, (run, former), wish.verify, (options, desk))?
        {
            (Turn::Made(made), seen) => (made, Some(seen)),
            (underway @ Turn::Underway(_), _) => return Ok(underway),
        },
        Some(source) => {
            let watch = Attended::new(format!("disk {}", backup.name), desk.attendant);
            let runs = (run, former);
            (point_of_disk(backup, (&source, &target), runs, wish.verify, &watch)?, None)
        }
    };
    keep(backup, &made, seen, (options, desk))?;
    Ok(Turn::Made(made))
}

/// Whether the points of a copy are there. What stands in its place and has none is another, whatever it
/// says of itself; a last one that somebody deleted is told.
fn look_at_points(
    backup: &DiskBackup,
    (source, target): (Option<&Arc<dyn PageBlob>>, &Arc<dyn PageBlob>),
    desk: &Desk<'_>,
) -> Result<(), Error> {
    let Some(last) = backup.last.as_ref().filter(|_| backup.engine != Engine::FullCopy) else {
        return Ok(());
    };
    let mut all = all_points(backup, source, target)?;
    all.retain(|own| own.generation == backup.generation);
    let Some(newest) = all.last() else { return Err(without_points(backup, target)?) };
    if newest.backup_snapshot < last.backup_snapshot {
        let (name, point) = (&backup.name, &last.source_snapshot);
        let anew = match backup.source.image() {
            None if backup.engine == Engine::Diff => {
                " If nothing is under way it is made anew of what the copy holds;"
            }
            _ => "",
        };
        let line = typed(["azseed", "disk-backup", "verify", name.as_str()]);
        desk.attendant.warn(&format!(
            "the point {point} of {name}, the last one, is gone: somebody deleted its snapshot.{anew} \
             `{line}` compares the next point as a whole"
        ));
    }
    Ok(())
}

/// Makes a point of what is in Azure, by the engine that was chosen.
fn point_of_disk(
    own: &DiskBackup,
    (source, target): (&Arc<dyn PageBlob>, &Arc<dyn PageBlob>),
    (run, former): (Uuid, Option<Uuid>),
    verify: Verify,
    watch: &dyn Watch,
) -> Result<Made, Error> {
    let (backup, lock) = (own.id, &leased(own, target));
    match own.engine {
        Engine::Diff => {
            let (mode, by_service) = manner(own, source, target)?;
            let is_streamed = own.first == FirstCopy::Stream;
            let first_via = if is_streamed { Via::Client } else { own.transfer };
            let (via, is_anew) = (own.transfer, own.generation > 1);
            let round = Round {
                source,
                target,
                backup,
                run,
                former,
                mode,
                by_service,
                first_via,
                via,
                verify,
                is_anew,
            };
            round.make(watch)
        }
        Engine::IncrementalCopy => {
            let name = own.target.name();
            let before = all_points(own, Some(source), target)?;
            let before = before.into_iter().filter(|point| point.generation < own.generation);
            let older = before.map(|point| point.source_snapshot).max();
            ServiceRound { source, target, name, lock, backup, run, former, verify, older }
                .make(watch)
        }
        Engine::FullCopy => {
            let by_service = match source.is_managed() {
                true => own.first == FirstCopy::Copy,
                false => by_service(own, &[source])?,
            };
            let copies = &own.copies(&source.address());
            WholeRound { source, copies, lock, backup, run, former, by_service, verify }.make(watch)
        }
    }
}

/// Keeps what came of a round, here and beside the copy.
fn keep(
    backup: &mut DiskBackup,
    made: &Made,
    seen: Option<ImageSeen>,
    (options, desk): (&DiskOptions, &Desk<'_>),
) -> Result<(), Failure> {
    let now = Timestamp::now();
    let last = LastRound {
        at: now,
        source_snapshot: made.source_snapshot.clone(),
        backup_snapshot: made.point.clone(),
        changed_bytes: made.counts.written_bytes,
        cleared_bytes: made.counts.cleared_bytes,
        requests: made.counts.requests,
    };
    // Known here even if it cannot be said to the others any more.
    backup.last = Some(last.clone());
    backup.image.iter_mut().for_each(|terms| terms.seen.clone_from(&seen));
    backup.save(&desk.state()?)?;
    let mut proof = None;
    if let Some(proven) = &made.proven {
        if let Some(table) = &proven.table {
            let container = files(backup, options, desk)?;
            write_table(backup, &made.source_snapshot, table, &container)?;
        }
        // An image has no snapshot; its digests were compared.
        let by = backup.source.image().map_or(ProvenBy::Source, |_| ProvenBy::Table);
        proof = Some(Proof { at: now, by, is_whole: true });
    }
    change(backup, options, desk, |own| {
        own.last = Some(last.clone());
        own.proofs.extend(proof.clone().map(|proof| (made.point.clone(), proof)));
        if let Some(terms) = &mut own.image {
            terms.host.get_or_insert_with(ImageHost::here);
            terms.seen.clone_from(&seen);
        }
    })
}

/// How what changed is found out, and who makes the first copy: what was asked for, or what the
/// services of both sides can be trusted with.
fn manner(
    backup: &DiskBackup,
    source: &Arc<dyn PageBlob>,
    target: &Arc<dyn PageBlob>,
) -> Result<(Mode, bool), Error> {
    if source.is_managed() {
        // The service keeps its own differences of incremental snapshots, and beside them is no blob.
        let is_client = backup.diff == DiffWish::Client;
        let mode = if is_client { Mode::Client } else { Mode::Service };
        // The service's own copy must end while the access lasts, so it is made when that is asked for.
        return Ok((mode, backup.first == FirstCopy::Copy));
    }
    let is_azurite = facts(source)?.is_some_and(|facts| facts.is_azurite);
    let is_begun = facts(target)?.is_some();
    let mode = match backup.diff {
        DiffWish::Service => Mode::Service,
        DiffWish::Client => Mode::Client,
        DiffWish::Auto if is_azurite => Mode::Client,
        // The first copy needs no difference.
        DiffWish::Auto if !is_begun => Mode::Service,
        DiffWish::Auto => match tells_differences(source.as_ref(), backup.id) {
            true => Mode::Service,
            false => Mode::Client,
        },
    };
    Ok((mode, by_service(backup, &[source, target])?))
}

/// When the next point is due.
pub(super) fn next(backup: &DiskBackup) -> Timestamp {
    let now = Timestamp::now();
    let Some(last) = &backup.last else { return now };
    // A clock that was ahead then is no reason to wait until it is right again.
    if last.at > now {
        return now;
    }
    let made = last.source_snapshot.parse::<Timestamp>().unwrap_or(last.at);
    let every = SignedDuration::from_secs(i64::try_from(backup.every_secs).unwrap_or(i64::MAX));
    made.saturating_add(every).unwrap_or(Timestamp::MAX)
}

/// Makes the points that are due.
pub fn run(
    names: &[VaultName],
    wish: RoundOptions,
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<Rounds, Failure> {
    let (names, mut failures) = meant(names, desk)?;
    let mut ends = Vec::new();
    for name in names {
        match one(&name, wish, options, desk) {
            Ok((end, shrunk)) => {
                ends.push(end);
                failures.extend(shrunk.map(|error| (Some(name.clone()), error.into())));
            }
            // The others have their turn all the same; what was done is shown before it.
            Err(failure) => failures.push((Some(name.clone()), named(&name)(failure))),
        }
    }
    let is_empty = ends.is_empty();
    shown(Rounds(ends), is_empty, failures, desk)
}

/// The backups that are meant: those that are named, which are all known, or all; and why records of
/// others cannot be used.
pub(super) fn meant(
    names: &[VaultName],
    desk: &Desk<'_>,
) -> Result<(Vec<VaultName>, Vec<Failed>), Failure> {
    let state = desk.state()?;
    if names.is_empty() {
        let Known { all, unusable } = DiskBackup::all(&state)?;
        let failures = unusable.into_iter().map(|error| (None, error.into())).collect();
        return Ok((all.into_iter().map(|own| own.name).collect(), failures));
    }
    match names.iter().find(|name| !DiskBackup::is_known(&state, name)) {
        Some(name) => Err(Error::Unknown { name: name.clone() }.into()),
        None => Ok((names.to_vec(), Vec::new())),
    }
}

/// A backup whose time may have come, and whether it has. Where nothing is due as far as is known here,
/// a copy that cannot be asked is no fault.
fn awaited(
    name: &VaultName,
    wish: RoundOptions,
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<(DiskBackup, bool), Failure> {
    use disk_prep::noun::ErrorKind::{NotAllowed, Refused, Unreachable};
    let own = known(name, desk)?;
    let is_due = |own: &DiskBackup| {
        // Of one that is due at once that is now.
        let due = next(own);
        wish.is_now || Timestamp::now() >= due
    };
    let found = match newest(own.clone(), options, desk) {
        Err(Failure(error))
            if !is_due(&own) && matches!(error.kind(), NotAllowed | Refused | Unreachable) =>
        {
            let why = chain(error.as_ref());
            desk.attendant.warn(&format!("what others have changed of {name} is not known: {why}"));
            return Ok((own, false));
        }
        found => found?,
    };
    if found != own {
        found.save(&desk.state()?)?;
    }
    let is_stopped = || {
        is_stopped(&found, options, desk).unwrap_or_else(|Failure(error)| {
            tracing::info!(%error, "whether a round of {name} was stopped is not known");
            false
        })
    };
    let is_due = is_due(&found) || is_stopped();
    Ok((found, is_due))
}

/// Whether a round was stopped before its point was made, and nobody is at it. It is not left until the
/// next one is due: what it has taken of the disk would stay there as long.
fn is_stopped(
    backup: &DiskBackup,
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<bool, Failure> {
    let (source, target) = open(backup, options, desk)?;
    let chain = facts(&target)?.and_then(|facts| Chain::parse(&facts.metadata));
    let is_begun = chain.is_some_and(|chain| chain.pending.is_some())
        || match (source, &backup.last) {
            // It may have been stopped before it could say so, and some copies say nothing.
            (Some(source), Some(last)) => is_left(backup, &source.snapshots()?, last),
            _ => false,
        };
    let held = leased(backup, &target);
    let is_held = || {
        // The lease of a run of this machine, which holds its lock no more, is nobody's.
        let is_ours = backup.run.is_some_and(|run| held.renew_lease(run).is_ok());
        Ok::<_, Failure>(!is_ours && facts(&held)?.is_some_and(|own| own.is_leased))
    };
    Ok(is_begun && !is_held()?)
}

/// Whether a backup has a snapshot of its disk that is later than its last point.
fn is_left(backup: &DiskBackup, all: &[SnapshotFacts], last: &LastRound) -> bool {
    let id = backup.id.to_string();
    let is_later = |own: &SnapshotFacts| own.id.as_str() > last.source_snapshot.as_str();
    all.iter().any(|own| own.metadata.get(OWNER) == Some(&id) && is_later(own))
}

/// What an image was at the last point.
fn seen(backup: &DiskBackup) -> Option<&ImageSeen> {
    backup.image.as_ref().and_then(|own| own.seen.as_ref())
}

/// That an image is less than half of what it was: it may be another one.
fn shrunk(backup: &DiskBackup, before: Option<&ImageSeen>) -> Option<Error> {
    let (before, now) = (before?, seen(backup)?);
    let path = backup.source.image().filter(|_| before.has_shrunk(now))?.to_owned();
    let (name, before, now) = (backup.name.clone(), before.bytes, now.bytes);
    Some(Error::ImageShrunk { name, path, before, now })
}

fn one(
    name: &VaultName,
    wish: RoundOptions,
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<(RoundEnd, Option<Error>), Failure> {
    let _lock = hold(name, desk)?;
    // Read under the lock: another run may just have made a point.
    let (mut backup, is_due) = awaited(name, wish, options, desk)?;
    if !is_due {
        let (name, next) = (name.clone(), next(&backup));
        return Ok((RoundEnd { name, made: None, underway: None, secs: 0, next }, None));
    }
    let begun = std::time::Instant::now();
    let before = seen(&backup).cloned();
    let is_asked = wish.anew == Anew::Always && is_begun(&backup, options, desk)?;
    let lost = match is_asked {
        true => None,
        false => Some(round(&mut backup, wish, options, desk)),
    };
    let turn = match lost {
        Some(Err(Failure(error))) if wish.anew == Anew::Never || !is_lost(error.code()) => {
            return Err(Failure(error));
        }
        Some(Ok(turn)) => turn,
        None | Some(Err(_)) => {
            anew(&mut backup, options, desk)?;
            let (source, _) = open(&backup, options, desk)?;
            tell_first(&backup, source.as_ref(), desk)?;
            round(&mut backup, wish, options, desk)?
        }
    };
    let next = next(&backup);
    let secs = begun.elapsed().as_secs();
    let (made, underway) = match turn {
        Turn::Made(made) => (Some(made), None),
        // There is nothing yet that a whole new copy would stand beside.
        Turn::Underway(_) if wish.anew == Anew::Always => {
            return Err(IdleWord { word: "--full" }.into());
        }
        Turn::Underway(underway) => (None, Some(underway)),
    };
    let shrunk = shrunk(&backup, before.as_ref());
    Ok((RoundEnd { name: name.clone(), made, underway, secs, next }, shrunk))
}

/// Whether only a whole new copy goes on.
fn is_lost(code: &str) -> bool {
    let all = [
        "disk-baseline-lost",
        "disk-difference-refused",
        "disk-copy-changed",
        "disk-copy-gone",
        "disk-points-gone",
    ];
    all.contains(&code)
}

/// Whether the copy that goes on has had a point, so that a whole new one is another. Whole copies are
/// new each time; one that a run has begun and not ended is gone on with.
fn is_begun(backup: &DiskBackup, options: &DiskOptions, desk: &Desk<'_>) -> Result<bool, Failure> {
    if backup.engine == Engine::FullCopy || backup.last.is_some() {
        return Ok(backup.engine != Engine::FullCopy);
    }
    let (source, target) = open(backup, options, desk)?;
    let all = all_points(backup, source.as_ref(), &target)?;
    Ok(all.iter().any(|own| own.generation == backup.generation))
}

/// The next generation: another blob beside the old one, which stays with its points.
fn anew(backup: &mut DiskBackup, options: &DiskOptions, desk: &Desk<'_>) -> Result<(), Failure> {
    let generation = backup.generation.saturating_add(1);
    let name = backup.copy_name(generation);
    let path = BlobPath::new(backup.target.container().clone(), &name)
        .map_err(|error| DiskWord::Place { word: name.clone(), rule: error.rule.to_owned() })?;
    let target = BlobPlace::new(backup.target.account().clone(), path);
    // Said before it begins, so that no other machine begins another one.
    change(backup, options, desk, |own| {
        own.target = target.clone();
        own.generation = generation;
        // It has no point yet, and is due until it has one.
        own.last = None;
    })?;
    desk.attendant.say(&format!("A whole new copy is made: {}", backup.target));
    Ok(())
}
