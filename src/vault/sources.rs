//! What a run does with each source (`design` 7, "What a run never does"): an unmounted disk, a
//! folder that was emptied, or one that lost most of its files passes for no backup.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use disk_prep::monitor::Monitor;
use disk_prep::noun::VaultName;
use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
use secrecy::SecretString;

use super::record::{KnownSource, Vault};
use super::remark::Remark;
use crate::policy::Origin;
use crate::repository::{self, FolderStore, Repository, Snapshot, SourceTotals};

/// With fewer files than this and [`BYTES_TO_SHRINK`] a source may change as it likes.
const FILES_TO_SHRINK: u64 = 100;
const BYTES_TO_SHRINK: u64 = 100_000_000;

/// What the increments of a machine cover, and what of the repository they do not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Host name of the snapshots.
    pub host: String,
    /// The sources.
    pub sources: Vec<PathBuf>,
    /// The rest.
    pub others: Vec<Remark>,
}

impl Coverage {
    /// All of it in sentences.
    pub fn told(&self, vault: Option<&VaultName>) -> Vec<String> {
        let sources = self.sources.iter().map(|path| path.display().to_string());
        let mut told = vec![match self.sources.len() {
            0 => format!("Increments on this machine, {}, cover nothing", self.host),
            _ => format!(
                "Increments on this machine, {}, cover {}",
                self.host,
                sources.collect::<Vec<_>>().join(", ")
            ),
        }];
        told.extend(self.others.iter().map(|own| own.told(vault)));
        told
    }
}

impl Coverage {
    /// The origin whose snapshots a policy may let go.
    pub fn origin(&self) -> Origin {
        Origin { host: self.host.clone(), paths: self.sources.iter().cloned().collect() }
    }
}

/// What increments on the machine `this_host` cover: the sources of a seed that azseed wrote,
/// under the host name that they were written with; of an adopted repository those that have
/// snapshots of this machine. A seed without sources was adopted.
pub fn coverage(written: &[PathBuf], snapshots: &[Snapshot], this_host: &str) -> Coverage {
    let holds = |own: &&Snapshot| written.iter().any(|path| own.covers(path));
    let newest = snapshots.iter().rev().find(holds);
    let host = newest.map_or(this_host, |own| &own.host);
    coverage_of(host, written, snapshots)
}

/// What the increments of a vault cover on the machine `this_host`: the same, under the name that
/// this machine has staged under if that is known, with what was added and without what was
/// removed.
pub fn vault_coverage(vault: &Vault, snapshots: &[Snapshot], this_host: &str) -> Coverage {
    let written = vault.seed_sources();
    let mut coverage = match vault.seed.as_ref().and_then(|seed| seed.host.as_ref()) {
        Some(host) => coverage_of(host, written, snapshots),
        None => coverage(written, snapshots, this_host),
    };
    let sources = &mut coverage.sources;
    let new: Vec<_> = vault.added.iter().filter(|path| !sources.contains(path)).collect();
    sources.extend(new.into_iter().cloned());
    sources.retain(|path| !vault.removed.contains(path));
    coverage
}

fn coverage_of(host: &str, written: &[PathBuf], snapshots: &[Snapshot]) -> Coverage {
    let host = host.to_owned();
    let mut sources = written.to_vec();
    let mut others = Vec::new();
    let mut pipes = BTreeSet::new();
    for own in snapshots.iter().filter(|own| own.host == host) {
        if own.is_pipe {
            pipes.extend(own.paths.clone());
        } else if written.is_empty() {
            let new: Vec<_> = own.paths.iter().filter(|path| !sources.contains(path)).collect();
            sources.extend(new.into_iter().cloned());
        }
    }
    let hosts: BTreeSet<&String> =
        snapshots.iter().map(|own| &own.host).filter(|own| **own != host).collect();
    for other in hosts {
        let own = snapshots.iter().filter(|own| own.host == *other);
        let paths: BTreeSet<PathBuf> = own.flat_map(|own| own.paths.clone()).collect();
        let paths = paths.into_iter().collect();
        others.push(Remark::OtherHost { host: other.clone(), paths });
    }
    pipes.retain(|path| !sources.contains(path));
    others.extend(pipes.into_iter().map(|path| Remark::Pipe { path }));
    Coverage { host, sources, others }
}

/// What increments of a repository in a folder would cover.
pub fn covered(
    store: FolderStore,
    password: &SecretString,
    monitor: Arc<dyn Monitor>,
) -> Result<Coverage, repository::Error> {
    let opened = Repository::open(Arc::new(store), password, monitor)?;
    Ok(coverage(&[], &opened.snapshots_with_pipes()?, &this_host()))
}

/// The name that this machine gives itself.
pub fn this_host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// How a source was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Where its file system is mounted; `None` if the source is not there.
    pub mount: Option<PathBuf>,
    pub totals: SourceTotals,
}

impl Found {
    /// Nothing is there.
    pub fn nothing(path: &Path) -> Self {
        Found { mount: None, totals: SourceTotals { path: path.to_owned(), files: 0, bytes: 0 } }
    }
}

/// What is done with a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Taken,
    /// Taken, and its snapshot tagged.
    Shrunk(Remark),
    LeftOut(Remark),
}

/// What is done with a source that was found so, when its backup held what is known.
pub(super) fn judge(known: Option<&KnownSource>, found: &Found) -> Verdict {
    let path = found.totals.path.clone();
    let is_accepted = known.is_some_and(|own| own.is_accepted);
    let Some(mount) = &found.mount else {
        return Verdict::LeftOut(match is_accepted {
            true => Remark::MissingAccepted { path },
            false => Remark::Missing { path },
        });
    };
    let Some(known) = known.filter(|_| !is_accepted) else { return Verdict::Taken };
    if let Some(was) = known.mount.as_ref().filter(|was| *was != mount) {
        let (was, is) = (was.clone(), mount.clone());
        return Verdict::LeftOut(Remark::Moved { path, was, is });
    }
    if found.totals.files == 0 && known.files > 0 {
        return Verdict::LeftOut(Remark::Emptied { path, files: known.files });
    }
    match shrunk(known, &found.totals) {
        Some(remark) => Verdict::Shrunk(remark),
        None => Verdict::Taken,
    }
}

/// Whether fewer than half of the files or bytes are left.
pub(super) fn shrunk(known: &KnownSource, is: &SourceTotals) -> Option<Remark> {
    let counts = known.files >= FILES_TO_SHRINK || known.bytes >= BYTES_TO_SHRINK;
    let is_less =
        is.files.saturating_mul(2) < known.files || is.bytes.saturating_mul(2) < known.bytes;
    let KnownSource { path, files, bytes, .. } = known.clone();
    let was = SourceTotals { path: path.clone(), files, bytes };
    (counts && is_less).then(|| Remark::Shrunk { path, was, is: is.clone() })
}

/// Where the file system that a path lies on is mounted; `None` if the path is not there, or has
/// become a link.
pub(super) fn mount_of(path: &Path) -> Option<PathBuf> {
    if path.symlink_metadata().ok()?.is_symlink() {
        return None;
    }
    let mut mount = path.canonicalize().ok()?;
    let own = mount_id(&mount)?;
    while let Some(above) = mount.parent() {
        if mount_id(above)? != own {
            break;
        }
        mount = above.to_owned();
    }
    Some(mount)
}

/// Two paths with one value of this lie on one mount of a file system (statx(2), since Linux 5.8).
fn mount_id(path: &Path) -> Option<(u64, u32, u32)> {
    let about = statx(CWD, path, AtFlags::empty(), StatxFlags::BASIC_STATS | StatxFlags::MNT_ID);
    let about = about.ok()?;
    Some((about.stx_mnt_id, about.stx_dev_major, about.stx_dev_minor))
}

/// Takes a source as it is found: the next run makes a snapshot of it, and what it holds now is
/// what later runs are compared with. `None` if the vault has no such source.
pub fn accept(
    vault: &mut Vault,
    path: &Path,
    survey: impl FnOnce(&Path) -> SourceTotals,
) -> Option<KnownSource> {
    if !vault.sources.iter().any(|own| own.path == path) {
        let is_known = vault.seed_sources().iter().chain(&vault.added).any(|own| own == path);
        let path = path.to_owned();
        let new = KnownSource::new(path, 0, 0);
        vault.sources.extend(is_known.then_some(new));
    }
    let own = vault.sources.iter_mut().find(|own| own.path == path)?;
    let totals = survey(path);
    own.mount = mount_of(path);
    (own.files, own.bytes) = (totals.files, totals.bytes);
    (own.is_shrunk, own.is_accepted) = (false, true);
    Some(own.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(files: u64, bytes: u64) -> SourceTotals {
        SourceTotals { path: "/srv".into(), files, bytes }
    }

    fn known(files: u64, bytes: u64) -> KnownSource {
        KnownSource { mount: Some("/".into()), ..KnownSource::new("/srv".into(), files, bytes) }
    }

    fn found(mount: Option<&str>, files: u64, bytes: u64) -> Found {
        Found { mount: mount.map(PathBuf::from), totals: totals(files, bytes) }
    }

    fn word(known: &KnownSource, found: &Found) -> &'static str {
        match judge(Some(known), found) {
            Verdict::Taken => "taken",
            Verdict::Shrunk(_) => "shrunk",
            Verdict::LeftOut(remark) => remark.code(),
        }
    }

    #[test]
    fn a_source_is_left_out_that_is_missing_emptied_or_below_another_mount_point() {
        let source = known(3, 300);
        assert_eq!(word(&source, &found(None, 0, 0)), "source-missing");
        assert_eq!(word(&source, &found(Some("/"), 0, 0)), "source-emptied");
        assert_eq!(word(&source, &found(Some("/srv"), 3, 300)), "source-moved");
        assert_eq!(word(&source, &found(Some("/"), 1, 1)), "taken", "a small one may shrink");
        assert_eq!(word(&known(0, 0), &found(Some("/"), 0, 0)), "taken", "it was empty before");
        assert_eq!(judge(None, &found(Some("/"), 0, 0)), Verdict::Taken);
        assert!(matches!(judge(None, &found(None, 0, 0)), Verdict::LeftOut(_)));
    }

    #[test]
    fn half_of_the_files_or_bytes_is_enough_and_less_is_not_from_a_hundred_on() {
        for (was, is, expected) in [
            ((100, 0), (50, 0), "taken"),
            ((100, 0), (49, 0), "shrunk"),
            ((99, 0), (1, 0), "taken"),
            ((1, 100_000_000), (1, 50_000_000), "taken"),
            ((1, 100_000_000), (1, 49_999_999), "shrunk"),
            ((1, 99_999_999), (1, 1), "taken"),
            ((100, 10), (100, 4), "shrunk"),
            ((100, 10), (1000, 10), "taken"),
        ] {
            let seen = word(&known(was.0, was.1), &found(Some("/"), is.0, is.1));
            assert_eq!(seen, expected, "{was:?} {is:?}");
        }
    }

    #[test]
    fn what_was_accepted_is_taken_as_it_is_found() {
        let source = KnownSource { is_accepted: true, ..known(100, 0) };
        assert_eq!(word(&source, &found(Some("/srv"), 0, 0)), "taken");
        let gone = judge(Some(&source), &found(None, 0, 0));
        assert_eq!(gone, Verdict::LeftOut(Remark::MissingAccepted { path: "/srv".into() }));
    }

    #[test]
    fn a_mount_point_is_the_highest_folder_of_the_same_mount() {
        assert_eq!(mount_of(Path::new("/proc/self")), None, "a link is no source");
        assert_eq!(mount_of(Path::new("/proc/sys/kernel")), Some(PathBuf::from("/proc")));
        assert_eq!(mount_of(Path::new("/nowhere/at/all")), None);
        assert_eq!(mount_of(Path::new("/")), Some(PathBuf::from("/")));
    }

    fn snapshot(host: &str, paths: &[&str], is_pipe: bool) -> Snapshot {
        Snapshot {
            id: "0".repeat(64),
            tree: "0".repeat(64),
            time: jiff::Timestamp::UNIX_EPOCH,
            host: host.to_owned(),
            paths: paths.iter().map(PathBuf::from).collect(),
            files: None,
            bytes: None,
            tags: Vec::new(),
            is_pipe,
        }
    }

    #[test]
    fn an_adopted_repository_is_covered_as_far_as_it_is_of_this_machine() {
        let all = [
            snapshot("alpha", &["/a"], false),
            snapshot("beta", &["/b"], false),
            snapshot("beta", &["/c", "/b"], false),
            snapshot("beta", &["/db.sql"], true),
        ];
        let seen = coverage(&[], &all, "beta");
        assert_eq!(seen.sources, [PathBuf::from("/b"), PathBuf::from("/c")]);
        let alpha = Remark::OtherHost { host: "alpha".into(), paths: vec!["/a".into()] };
        assert_eq!(seen.others, [alpha, Remark::Pipe { path: "/db.sql".into() }]);
        assert_eq!(coverage(&[], &all, "gamma").sources, Vec::<PathBuf>::new());
        let written = coverage(&["/a".into()], &all, "gamma");
        assert_eq!((written.host.as_str(), written.sources.len()), ("alpha", 1));
    }
}
