//! An existing restic repository or a folder as it stands, read in place: only `seed.json` is
//! written.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use walkdir::WalkDir;

use super::{Error, Origin, Seed, SeedKind, Staging, Target, Totals};

/// Takes `source` as the data of the staging path. A second call with the same source and job
/// finds the work done.
pub fn adopt(
    source: &Path,
    staging: &Staging,
    target: Target,
    now: Timestamp,
) -> Result<Seed, Error> {
    let io_error = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::of_io(path, source)
    };
    let source = match fs::canonicalize(source) {
        Ok(path) if path.is_dir() => path,
        _ => return Err(Error::NoSource { path: source.to_owned() }),
    };
    let kind = kind_of(&source)?;
    let base = fs::canonicalize(staging.path()).map_err(io_error(staging.path()))?;
    let data = source.strip_prefix(&base).map_or(source.clone(), Path::to_owned);
    let prefix = if kind == SeedKind::Repository { "repo/" } else { "" }.to_owned();
    let target = Target { prefix, ..target };
    if let Some(seed) = Seed::find(staging)? {
        if seed.target.job != target.job || seed.data != data {
            let (held, asked) = (seed.target.job.to_string(), target.job.to_string());
            return Err(Error::OtherSeed { path: staging.path().to_owned(), held, asked });
        }
        return Ok(seed);
    }
    let totals = totals(&source).map_err(io_error(&source))?;
    let seed = Seed::begin(Origin::Adopted, kind, data, target, now).finish(totals, now);
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
    let locks = source.join("locks");
    let is_locked = fs::read_dir(&locks).is_ok_and(|mut entries| entries.next().is_some());
    if is_locked {
        Err(Error::Locked { path: source.to_owned() })
    } else {
        Ok(SeedKind::Repository)
    }
}

pub(super) fn totals(root: &Path) -> io::Result<Totals> {
    let mut totals = Totals::default();
    for entry in WalkDir::new(root) {
        let entry = entry?;
        let first: Option<PathBuf> = entry
            .path()
            .strip_prefix(root)
            .ok()
            .and_then(|path| path.components().next())
            .map(|part| part.as_os_str().into());
        if entry.file_type().is_file() && first.as_deref() != Some(Path::new("locks")) {
            totals.files += 1;
            totals.bytes += entry.metadata()?.len();
        }
    }
    Ok(totals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_taken_as_files_and_a_repository_as_one_unless_it_is_locked() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("source");
        fs::create_dir_all(source.join("keys")).unwrap();
        fs::write(source.join("keys/k"), b"key").unwrap();
        let take = |staging: &str| {
            let staging = Staging::make(&folder.path().join(staging)).unwrap();
            adopt(&source, &staging, Target::example(), Timestamp::UNIX_EPOCH)
        };
        let files = take("one").unwrap();
        assert_eq!((files.kind, files.totals.files, files.totals.bytes), (SeedKind::Files, 1, 3));
        fs::write(source.join("config"), b"c").unwrap();
        assert_eq!(take("two").unwrap().target.prefix, "repo/");
        assert_eq!(take("two").unwrap(), take("two").unwrap(), "the second call changes nothing");
        fs::create_dir(source.join("locks")).unwrap();
        fs::write(source.join("locks/l"), b"l").unwrap();
        assert!(matches!(take("three"), Err(Error::Locked { .. })));
    }
}
