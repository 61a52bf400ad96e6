//! An existing restic repository or a folder as it stands, read in place: only `seed.json` is
//! written.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use disk_prep::journal::begins_as_journal;
use disk_prep::noun::{ByteSize, JobName};
use jiff::Timestamp;
use rustix::fs::{Mode, OFlags};
use walkdir::WalkDir;

use super::agent::Workload;
use super::contents::{Contents, repository_path};
use super::door::{Staging, has_record};
use super::error::Error;
use super::seed::{Destination, Origin, Seed, SeedKind, SeedState, Totals};
use super::write::to_be;

/// A lock that was not renewed for so long is of a process that is gone (`staging-repository` 5).
const STALE: Duration = Duration::from_mins(30);

/// Where the source is, if it can be adopted as it stands.
pub fn check_source(source: &Path) -> Result<PathBuf, Error> {
    let source = match fs::canonicalize(source) {
        Ok(path) if path.is_dir() => path,
        _ => return Err(Error::NoSource { path: source.to_owned() }),
    };
    kind_of(&source).map(|_| source)
}

/// Refuses a folder that has this staging path in it, or is it.
pub fn check_apart(source: &Path, staging: &Path) -> Result<(), Error> {
    match to_be(staging).starts_with(source) {
        true => Err(Error::Within { path: staging.to_owned(), source_path: source.to_owned() }),
        false => Ok(()),
    }
}

/// Refuses the journal of a drive below a folder that goes to Azure as it is.
pub fn check_no_journal(source: &Path, file: &Path) -> Result<(), Error> {
    if file.extension().is_none_or(|ending| ending != "journal") {
        return Ok(());
    }
    let path = source.join(file);
    let folder = path.parent().filter(|own| own.ends_with("journals"));
    match folder.and_then(Path::parent).filter(|home| has_record(home)) {
        Some(home) => Err(Error::Within { path: home.to_owned(), source_path: source.to_owned() }),
        None if is_journal(&path) => Err(Error::Secrets { path }),
        None => Ok(()),
    }
}

/// Whether a file is the journal of a drive, as far as it can be read.
fn is_journal(path: &Path) -> bool {
    let mut start = [0; 64];
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::empty());
    let read = file.and_then(|file| rustix::io::read(file, &mut start));
    read.is_ok_and(|length| begins_as_journal(&start[..length]))
}

/// Takes `source` as the data of the staging path. A second call with the same source and job
/// finds the work done; as long as no drive is begun it looks at the source again.
pub fn adopt(
    source: &Path,
    staging: &Staging,
    target: Destination,
    workload: Option<Workload>,
    now: Timestamp,
) -> Result<Seed, Error> {
    let io_error = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::of_io(path, source)
    };
    let source = check_source(source)?;
    let kind = kind_of(&source)?;
    let base = fs::canonicalize(staging.path()).map_err(io_error(staging.path()))?;
    let data = source.strip_prefix(&base).map_or(source.clone(), Path::to_owned);
    let prefix = if kind == SeedKind::Repository { "repo/" } else { "" }.to_owned();
    let target = Destination { prefix, ..target };
    let known = Seed::find(staging)?;
    if let Some(seed) = &known {
        if seed.target.job != target.job || seed.data != data {
            let of = |job: &JobName, data: &Path| match seed.target.job == target.job {
                true => format!("{job} with the data {}", base.join(data).display()),
                false => job.to_string(),
            };
            let (held, asked) = (of(&seed.target.job, &seed.data), of(&target.job, &data));
            return Err(Error::OtherSeed { path: staging.path().to_owned(), held, asked });
        }
        if seed.workload != workload {
            let name = |own: Option<Workload>| {
                own.map_or("plain files".to_owned(), |own| format!("the staging folder of {own}"))
            };
            let (held, asked) = (name(seed.workload), name(workload));
            return Err(Error::OtherWorkload { path: staging.path().to_owned(), held, asked });
        }
        let journals = staging.root().folder(Path::new("journals"));
        let is_begun = journals.and_then(|own| own.names()).is_ok_and(|names| !names.is_empty());
        if is_begun {
            check_unchanged(seed, staging)?;
            return Ok(seed.clone());
        }
    }
    let totals = totals(&source, kind)?;
    if totals.files == 0 {
        return Err(Error::EmptySource { paths: vec![source] });
    }
    let is_repository = kind == SeedKind::Repository;
    let contents = is_repository.then(|| Contents::of(&source)).transpose();
    let contents = contents.map_err(io_error(&source))?;
    let seed = match known {
        Some(seed) => Seed { totals, contents, ..seed },
        None => {
            let seed = Seed::begin(Origin::Adopted, kind, data, target, now);
            Seed { contents, workload, ..seed }.finish(totals, now)
        }
    };
    let _held = staging.hold_record()?;
    seed.save(staging)?;
    Ok(seed)
}

/// Whether a folder is a repository; one that cannot be shipped as it stands is refused.
fn kind_of(source: &Path) -> Result<SeedKind, Error> {
    let has = |name: &str| source.join(name).exists();
    if !has("config") || !(has("keys") || has("key")) {
        return Ok(SeedKind::Files);
    }
    if has("key") && !has("keys") {
        return Err(Error::OldLayout { path: source.to_owned() });
    }
    check_locks(source).map(|_| SeedKind::Repository)
}

/// Refuses a repository that a process works on. Returns how many locks of processes that are
/// gone it has.
fn check_locks(source: &Path) -> Result<usize, Error> {
    let mut stale = 0;
    let Ok(locks) = fs::read_dir(source.join("locks")) else { return Ok(0) };
    for lock in locks.flatten() {
        let name = lock.file_name();
        if name.len() != 64 {
            continue;
        }
        let time = lock.metadata().and_then(|about| about.modified());
        // One of the future is as good as one of now.
        let age = time.ok().and_then(|time| SystemTime::now().duration_since(time).ok());
        match age.filter(|age| *age > STALE) {
            Some(_) => stale += 1,
            None => return Err(Error::Locked { path: source.to_owned() }),
        }
    }
    Ok(stale)
}

/// How many locks of processes that are gone a repository has.
pub fn stale_locks(source: &Path) -> usize {
    check_locks(source).unwrap_or(0)
}

/// Refuses a repository whose files are not those that were staged, as after a prune by the owner of
/// one that was adopted, or where another stands in its place: drives that were filled before and
/// after it would make no repository together. One that was adopted may be worked on, which is
/// refused too.
pub fn check_unchanged(seed: &Seed, staging: &Staging) -> Result<(), Error> {
    if seed.kind != SeedKind::Repository {
        return Ok(());
    }
    let root = staging.data(seed)?.path();
    let is_adopted = seed.origin == Origin::Adopted;
    if is_adopted {
        check_locks(&root)?;
    }
    let Some(was) = &seed.contents else { return Ok(()) };
    let is = Contents::of(&root).map_err(|source| Error::of_io(root.clone(), source))?;
    if is == *was {
        return Ok(());
    }
    let numbers = |own: &Contents| {
        format!("{} packs, {} indexes, {} snapshots", own.packs, own.indexes, own.snapshots)
    };
    let what = if numbers(&is) == numbers(was) {
        format!("of its {} some are others", numbers(was))
    } else {
        format!("it had {}, and has {}", numbers(was), numbers(&is))
    };
    Err(Error::Changed { path: root, what, is_adopted })
}

/// Refuses data of which there is less than when it was staged: what is missing would go nowhere, and
/// nobody would be told. `files` and `bytes` are there now.
pub fn check_whole(seed: &Seed, path: &Path, files: u64, bytes: u64) -> Result<(), Error> {
    let was = &seed.totals;
    if files >= was.files && bytes >= was.bytes {
        return Ok(());
    }
    let amount = |files: u64, bytes: u64| format!("{files} files, {}", ByteSize(bytes));
    let what = format!("it had {}, and has {}", amount(was.files, was.bytes), amount(files, bytes));
    let is_adopted = seed.origin == Origin::Adopted;
    Err(Error::Shrank { path: path.to_owned(), what, is_adopted })
}

/// Refuses adopted data that is away, as below a mount point where nothing is mounted: its folder is
/// gone, or there is nothing in it. What lies in the staging path is there as that is.
pub fn expect_there(seed: &Seed) -> Result<(), Error> {
    let is_elsewhere = seed.origin == Origin::Adopted && seed.data.is_absolute();
    if !is_elsewhere || seed.state != SeedState::Finished {
        return Ok(());
    }
    let is_away = match fs::read_dir(&seed.data) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    };
    if is_away { check_whole(seed, &seed.data, 0, 0) } else { Ok(()) }
}

/// What a folder amounts to; of a repository only what is part of one.
pub(super) fn totals(root: &Path, kind: SeedKind) -> Result<Totals, Error> {
    let failed = |error: walkdir::Error| Error::of_io(root.to_owned(), error.into());
    let mut totals = Totals::default();
    for entry in WalkDir::new(root) {
        let entry = entry.map_err(failed)?;
        if kind == SeedKind::Files {
            check_no_journal(root, entry.path())?;
        }
        let is_meant = kind == SeedKind::Files || repository_path(root, entry.path()).is_some();
        if entry.file_type().is_file() && is_meant {
            totals.files += 1;
            totals.bytes += entry.metadata().map_err(failed)?.len();
        }
    }
    Ok(totals)
}

#[cfg(test)]
mod tests {
    use super::*;
    use disk_prep::noun::{Diagnose, ErrorKind};
    use std::fs::File;

    #[test]
    fn a_folder_is_taken_as_files_and_a_repository_as_one_unless_it_is_locked() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("source");
        fs::create_dir_all(source.join("keys")).unwrap();
        fs::write(source.join("keys/k"), b"key").unwrap();
        let take = |staging: &str| {
            let staging = Staging::make(&folder.path().join(staging)).unwrap();
            adopt(&source, &staging, Destination::example(), None, Timestamp::UNIX_EPOCH)
        };
        let files = take("one").unwrap();
        assert_eq!((files.kind, files.totals.files, files.totals.bytes), (SeedKind::Files, 1, 3));
        fs::write(source.join("config"), b"c").unwrap();
        assert_eq!(take("two").unwrap().target.prefix, "repo/");
        assert_eq!(take("two").unwrap(), take("two").unwrap(), "the second call changes nothing");
        fs::create_dir(source.join("locks")).unwrap();
        let lock = source.join("locks").join("a".repeat(64));
        fs::write(&lock, b"l").unwrap();
        let Err(locked) = take("three") else { panic!("a live lock must be refused") };
        assert_eq!((locked.code(), locked.kind()), ("repository-locked", ErrorKind::Guard));
        let age = |mins| SystemTime::now() - Duration::from_mins(mins);
        let set = |time| File::open(&lock).unwrap().set_modified(time).unwrap();
        set(age(29));
        assert!(matches!(take("three"), Err(Error::Locked { .. })));
        set(age(31));
        take("three").unwrap();
        assert_eq!(stale_locks(&source), 1);
    }

    #[test]
    fn what_is_no_part_of_a_repository_is_left_out_and_a_prune_after_the_first_drive_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("repo");
        let staging = Staging::make(&folder.path().join("staging")).unwrap();
        let id = |digit: char| digit.to_string().repeat(64);
        let files = [
            "config".to_owned(),
            format!("keys/{}", id('1')),
            format!("data/aa/{}", id('a')),
            format!("data/bb/{}", id('b')),
            format!("index/{}", id('2')),
            format!("snapshots/{}", id('3')),
        ];
        let stray = [".DS_Store".to_owned(), "@eaDir/i".to_owned(), format!("data/ab/{}", id('a'))];
        for path in files.iter().chain(&stray) {
            let path = source.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, b"xy").unwrap();
        }
        let take = || adopt(&source, &staging, Destination::example(), None, Timestamp::UNIX_EPOCH);
        let seed = take().unwrap();
        assert_eq!((seed.totals.files, seed.totals.bytes), (6, 12));
        fs::remove_file(source.join(&files[3])).unwrap();
        let error = check_unchanged(&seed, &staging).unwrap_err();
        assert_eq!((error.code(), error.kind()), ("repository-changed", ErrorKind::Guard));
        assert!(error.to_string().contains("it had 2 packs"), "{error}");
        let again = take().unwrap();
        assert_eq!(again.totals.files, 5, "no drive is begun");
        check_unchanged(&again, &staging).unwrap();
        let journals = staging.path().join("journals");
        fs::create_dir_all(&journals).unwrap();
        fs::write(journals.join("S1.journal"), b"x").unwrap();
        fs::write(source.join(&files[3]), b"xy").unwrap();
        assert_eq!(take().unwrap_err().code(), "repository-changed");
        assert_eq!(Seed::open(&staging).unwrap(), again);
        fs::remove_file(source.join(&files[3])).unwrap();
        fs::write(source.join(".DS_Store"), b"longer").unwrap();
        assert_eq!(take().unwrap(), again, "what is no part of it may change");
    }
}
