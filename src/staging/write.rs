//! What a seed is begun with: its sources, looked at before anything is made, and its record.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use disk_prep::noun::{ByteSize, VaultName};
use jiff::Timestamp;

use super::door::Staging;
use super::error::Error;
use super::probe::is_probe;
use super::seed::{Destination, Origin, REPOSITORY, Seed, SeedKind};
use super::stagers::HeldRecord;
use crate::repository::{BackupPlan, Choice, Settings, inside, survey};

/// What a former version locked while it staged.
const FORMER_LOCK: &str = ".stage.lock";

/// What would be staged, and what a person should know of it.
#[derive(Debug, Clone, Default)]
pub struct Looked {
    /// What is backed up.
    pub plan: BackupPlan,
    /// Files and links that it takes.
    pub files: u64,
    /// What is odd about it.
    pub warnings: Vec<String>,
}

/// Looks at the sources before anything is made, but not into the staging path. One that is missing,
/// patterns that leave nothing of a source that holds files, and sources without any file are errors.
pub fn look(sources: &[PathBuf], choice: Choice, staging: Option<&Path>) -> Result<Looked, Error> {
    let sources = absolute(sources)?;
    let never = staging.map(|path| inside(&to_be(path), &sources)).unwrap_or_default();
    let mut plan = BackupPlan { sources, choice, never, ..BackupPlan::default() };
    let failed = |source| Error::Repository { path: PathBuf::from("the sources"), source };
    let seen = survey(&plan).map_err(failed)?;
    if !seen.emptied.is_empty() {
        return Err(Error::AllExcluded { paths: seen.emptied });
    }
    if seen.sources.iter().all(|own| own.files == 0) {
        return Err(Error::EmptySource { paths: plan.sources });
    }
    let idle = seen.idle_patterns.iter().map(|text| format!("--exclude {text} leaves nothing out"));
    let mut warnings: Vec<String> = idle.collect();
    let empty = seen.sources.iter().filter(|own| own.files == 0);
    warnings.extend(empty.map(|own| format!("The source {} holds no file", own.path.display())));
    plan.bytes = seen.sources.iter().fold(0, |sum, own| own.bytes.saturating_add(sum));
    let files = seen.sources.iter().map(|own| own.files).sum();
    Ok(Looked { plan, files, warnings })
}

/// How much must be free where a backup is written first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// As much as the sources hold: nobody knows how much smaller it becomes.
    OfTheSources,
    /// Whatever there is; a disk that gets full stops it, and with more room it goes on.
    Any,
}

/// Refuses a disk on which fewer bytes are free than the sources hold. Nothing is made.
pub fn expect_room(staging: &Path, source_bytes: u64) -> Result<(), Error> {
    // A file system that does not say how much is free keeps nobody from trying.
    match free_bytes(staging) {
        Some(free) if free < source_bytes => Err(Error::LittleRoom {
            path: staging.to_owned(),
            free: ByteSize(free),
            source_bytes: ByteSize(source_bytes),
        }),
        _ => Ok(()),
    }
}

/// Bytes that are free at a path that may not be there yet, if its file system says so.
pub fn free_bytes(path: &Path) -> Option<u64> {
    let path = to_be(path);
    let there = path.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    let room = rustix::fs::statvfs(there).ok().filter(|room| room.f_blocks != 0)?;
    Some(room.f_bavail.saturating_mul(room.f_frsize))
}

/// A path that may not be there yet, links resolved as far as it is.
pub(super) fn to_be(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    match (fs::canonicalize(&path), path.parent(), path.file_name()) {
        (Ok(there), _, _) => there,
        (Err(_), Some(above), Some(name)) => to_be(above).join(name),
        _ => path,
    }
}

/// The seed that is at the staging path, if it is of this target; a place with another one, or with
/// what is no seed, is refused.
pub fn find_own(
    staging: &Staging,
    target: &Destination,
    vault: Option<&VaultName>,
) -> Result<Option<Seed>, Error> {
    if let Some(seed) = Seed::find(staging)? {
        if seed.target.job != target.job || seed.origin != Origin::Written {
            let how = if seed.target.job == target.job { ", which was adopted" } else { "" };
            let (held, asked) = (format!("{}{how}", seed.target.job), target.job.to_string());
            return Err(Error::OtherSeed { path: staging.path().to_owned(), held, asked });
        }
        seed.expect_vault(vault, staging.path())?;
        return Ok(Some(seed));
    }
    let names = staging.root().names();
    let names = names.map_err(|source| Error::of_io(staging.path().to_owned(), source))?;
    let is_own = |name: &OsStr| {
        let is_claim = name.to_str().is_some_and(Staging::is_claim);
        name == FORMER_LOCK || is_claim || Seed::is_draft(name) || is_probe(name)
    };
    if !names.iter().all(|name| is_own(name)) {
        return Err(Error::NotEmpty { path: staging.path().to_owned() });
    }
    Ok(None)
}

/// The seed that is at the staging path, or a new one for this target, saved by who holds the record.
pub fn begin(
    staging: &Staging,
    _held: &HeldRecord,
    target: Destination,
    (vault, settings): (Option<VaultName>, Settings),
    now: Timestamp,
) -> Result<Seed, Error> {
    if let Some(seed) = find_own(staging, &target, vault.as_ref())? {
        return Ok(seed);
    }
    let target = Destination { prefix: format!("{REPOSITORY}/"), ..target };
    let seed = Seed::begin(Origin::Written, SeedKind::Repository, REPOSITORY.into(), target, now);
    let settings = vault.is_none().then_some(settings);
    let seed = Seed { vault, settings, ..seed };
    seed.save(staging)?;
    Ok(seed)
}

/// The sources as later increments will name them: absolute, links resolved, each once.
fn absolute(sources: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let mut all = Vec::new();
    for path in sources {
        let path = fs::canonicalize(path).map_err(|_| Error::NoSource { path: path.clone() })?;
        if !all.contains(&path) {
            all.push(path);
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use disk_prep::monitor::VoidMonitor;
    use secrecy::SecretString;

    use super::super::joined::Drives;
    use super::super::seed::SeedState;
    use super::super::stage::{StageOptions, Staged, stage};
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;
    use std::sync::Arc;

    const PASSWORD: &str = "a password of many letters";

    fn options(sources: &[PathBuf], staging: &Path) -> StageOptions {
        let settings = Settings { compression: 3, pack_bytes: 64 << 20 };
        let plan = look(sources, Choice::default(), Some(staging)).unwrap().plan;
        StageOptions {
            plan,
            settings,
            host: "web1".to_owned(),
            drives: Drives::None,
            base: None,
            adds: false,
        }
    }

    fn begun(staging: &Staging, target: Destination) -> Result<Seed, Error> {
        let how = (None, Settings::default());
        begin(staging, &staging.hold_record()?, target, how, Timestamp::UNIX_EPOCH)
    }

    /// Begins a seed and stages into it.
    fn staged(staging: &Staging, options: &StageOptions) -> Result<Staged, Error> {
        begun(staging, Destination::example())?;
        let (password, now) = (SecretString::from(PASSWORD), || Timestamp::UNIX_EPOCH);
        stage(staging, staging.hold_record()?, &password, options, now, Arc::new(VoidMonitor))
    }

    fn run(folder: &Path) -> Result<Staged, Error> {
        let staging = Staging::make(&folder.join("staging"))?;
        staged(&staging, &options(&[folder.join("source")], staging.path()))
    }

    fn source(folder: &Path) {
        let source = folder.join("source/inner");
        fs::create_dir_all(&source).unwrap();
        fs::write(source.join("large"), vec![7; 3_000_000]).unwrap();
        fs::write(source.join("empty"), []).unwrap();
        std::os::unix::fs::symlink("large", source.join("link")).unwrap();
    }

    /// restic itself, as the independent reader.
    fn restic(folder: &Path, args: &[&str]) -> String {
        #[expect(clippy::disallowed_methods, reason = "tests run other people's readers")]
        let output = Command::new("restic")
            .args(["--no-cache", "-r"])
            .arg(folder.join("staging/repo"))
            .args(args)
            .env("RESTIC_PASSWORD", PASSWORD)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    #[test]
    fn restic_checks_and_restores_what_was_staged() {
        let folder = tempfile::tempdir().unwrap();
        source(folder.path());
        let staged = run(folder.path()).unwrap();
        assert_eq!(staged.seed.state, SeedState::Finished);
        assert_eq!(staged.backup.unwrap().unreadable, []);
        assert!(restic(folder.path(), &["check", "--read-data"]).contains("no errors were found"));
        let target = folder.path().join("restored");
        restic(folder.path(), &["restore", "latest", "--target", target.to_str().unwrap()]);
        let source = fs::canonicalize(folder.path().join("source/inner")).unwrap();
        let restored = target.join(source.strip_prefix("/").unwrap());
        assert_eq!(fs::read(restored.join("large")).unwrap(), vec![7; 3_000_000]);
        assert_eq!(fs::read_link(restored.join("link")).unwrap(), Path::new("large"));
        assert!(run(folder.path()).unwrap().backup.is_none(), "finished stays finished");
    }

    #[test]
    fn an_interrupted_run_is_gone_on_with_and_ends_with_the_same_tree() {
        let folder = tempfile::tempdir().unwrap();
        source(folder.path());
        let tree = run(folder.path()).unwrap().backup.unwrap().tree;
        // As a kill leaves it: no index, no snapshot, a draft, and the seed unfinished.
        let staging = folder.path().join("staging");
        for name in ["index", "snapshots"] {
            fs::remove_dir_all(staging.join("repo").join(name)).unwrap();
        }
        fs::write(staging.join("repo/data/00.draft"), b"half").unwrap();
        unfinish(&staging);
        let packs = || restic_free_count(&staging.join("repo/data"));
        let before = packs();
        assert_eq!(run(folder.path()).unwrap().backup.unwrap().tree, tree);
        assert!(packs() < before + 2, "finished packs are used again: {before} {}", packs());
        assert!(restic(folder.path(), &["check"]).contains("no errors were found"));
    }

    fn unfinish(staging: &Path) {
        let staging = Staging::open(staging).unwrap();
        let seed = Seed { state: SeedState::Unfinished, ..Seed::open(&staging).unwrap() };
        seed.save(&staging).unwrap();
    }

    fn restic_free_count(data: &Path) -> usize {
        walkdir::WalkDir::new(data)
            .into_iter()
            .flatten()
            .filter(|entry| entry.file_type().is_file())
            .count()
    }

    #[test]
    fn a_kill_before_the_config_leaves_no_second_key() {
        let folder = tempfile::tempdir().unwrap();
        source(folder.path());
        let keys = folder.path().join("staging/repo/keys");
        run(folder.path()).unwrap();
        let stray = fs::read_dir(&keys).unwrap().next().unwrap().unwrap();
        let (name, content) = (stray.file_name(), fs::read(stray.path()).unwrap());
        fs::remove_dir_all(folder.path().join("staging")).unwrap();
        let staging = Staging::make(&folder.path().join("staging")).unwrap();
        begun(&staging, Destination::example()).unwrap();
        fs::create_dir_all(&keys).unwrap();
        fs::write(keys.join(&name), content).unwrap();
        run(folder.path()).unwrap();
        assert_eq!(fs::read_dir(&keys).unwrap().count(), 1);
        assert!(restic(folder.path(), &["check"]).contains("no errors were found"));
        fs::remove_file(folder.path().join("staging/repo/config")).unwrap();
        let staging = folder.path().join("staging");
        unfinish(&staging);
        assert!(run(folder.path()).is_err(), "data without a config is not written over");
        assert_eq!(fs::read_dir(&keys).unwrap().count(), 1);
    }

    #[test]
    fn what_a_stranger_puts_where_a_draft_goes_is_not_written_through() {
        let folder = tempfile::tempdir().unwrap();
        let staging = Staging::make(&folder.path().join("staging")).unwrap();
        let secret = folder.path().join("secret");
        fs::write(&secret, "secret").unwrap();
        let draft = format!("seed.json.{}.new", std::process::id());
        std::os::unix::fs::symlink(&secret, staging.path().join(&draft)).unwrap();
        begun(&staging, Destination::example()).unwrap();
        assert_eq!(fs::read_to_string(&secret).unwrap(), "secret");
        assert!(fs::symlink_metadata(staging.path().join("seed.json")).unwrap().is_file());
        assert!(!staging.path().join(draft).exists());
    }

    #[test]
    fn a_folder_with_other_files_is_refused_and_so_is_another_job() {
        let folder = tempfile::tempdir().unwrap();
        source(folder.path());
        let staging = folder.path().join("staging");
        fs::create_dir(&staging).unwrap();
        fs::write(staging.join("mine"), b"x").unwrap();
        assert!(matches!(run(folder.path()), Err(Error::NotEmpty { .. })));
        fs::remove_file(staging.join("mine")).unwrap();
        // What a kill in the middle of the very first write leaves is no foreign file.
        fs::write(staging.join("seed.json.77.new"), b"{").unwrap();
        // Nor is what a look at the folder leaves.
        fs::write(staging.join(crate::staging::probe_name()), b"old").unwrap();
        run(folder.path()).unwrap();
        assert!(!staging.join("seed.json.77.new").exists());
        let other = Destination { job: "job-2".parse().unwrap(), ..Destination::example() };
        let opened = Staging::open(&staging).unwrap();
        let again = begun(&opened, other);
        assert!(matches!(again, Err(Error::OtherSeed { .. })));
        let mode = fs::metadata(staging.join("seed.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644, "no secret is in it");
    }

    fn listing(folder: &Path) -> String {
        restic(folder, &["ls", "latest"])
    }

    #[test]
    fn a_staging_path_below_its_source_is_left_out_whatever_its_name() {
        for name in ["staging", "a [b] {c} *?!"] {
            let folder = tempfile::tempdir().unwrap();
            let source = folder.path().join("source");
            fs::create_dir_all(&source).unwrap();
            fs::write(source.join("kept"), b"x").unwrap();
            let staging = Staging::make(&source.join(name)).unwrap();
            let options = options(std::slice::from_ref(&source), staging.path());
            let staged = staged(&staging, &options).unwrap();
            assert_eq!(staged.backup.unwrap().files, 1, "{name}");
        }
    }

    #[test]
    fn sources_in_any_order_and_inside_each_other_make_one_sound_tree() {
        let folder = tempfile::tempdir().unwrap();
        source(folder.path());
        for name in ["a/one", "b/two", "a/three/four"] {
            let path = folder.path().join("more").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        let more = |name: &str| folder.path().join("more").join(name);
        let sources = vec![more("b"), more("a/three"), more("b/two"), more("a")];
        let staging = Staging::make(&folder.path().join("staging")).unwrap();
        let options = options(&sources, staging.path());
        staged(&staging, &options).unwrap();
        assert!(restic(folder.path(), &["check", "--read-data"]).contains("no errors were found"));
        let listing = listing(folder.path());
        for name in ["more/a/one", "more/b/two", "more/a/three/four"] {
            let found = listing.lines().filter(|line| line.ends_with(name)).count();
            assert_eq!(found, 1, "{name} in {listing}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_counted_and_named_and_the_rest_is_staged() {
        let folder = tempfile::tempdir().unwrap();
        source(folder.path());
        let unreadable = fs::canonicalize("/proc/self").unwrap().join("clear_refs");
        let sources = vec![folder.path().join("source"), unreadable.clone()];
        let staging = Staging::make(&folder.path().join("staging")).unwrap();
        let options = options(&sources, staging.path());
        let staged = staged(&staging, &options).unwrap();
        assert_eq!(staged.seed.totals.unreadable_files, 1);
        let named = staged.backup.unwrap().unreadable;
        assert!(named[0].to_string().starts_with(&unreadable.display().to_string()), "{named:?}");
        assert!(listing(folder.path()).contains("/source/inner/large"));
    }
}
