//! `check staging`: a staging path is looked at, and a file is made there for a moment. What that means is
//! said in `check`.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use disk_prep::sys::beneath::Folder;
use disk_prep::sys::durable::Access;
use rustix::fs::{FlockOperation, flock};

use super::bounded::bounded;
use super::desk::Desk;
use crate::check::azure::Answer;
use crate::check::finding::Checked;
use crate::check::staging::{Probe, View, look as judged, mounted};
use crate::outcome::Failure;
use crate::repository::Choice;
use crate::staging::{free_bytes, look, probe_name, strangers};

/// A share that is away may let one wait for ever.
const WITHIN: Duration = Duration::from_secs(30);

/// Looks at a staging path, which need not be there yet, and at how much these sources hold.
pub fn check(staging: &Path, sources: &[PathBuf], desk: &Desk<'_>) -> Result<Checked, Failure> {
    let path = std::path::absolute(staging).unwrap_or_else(|_| staging.to_owned());
    let source_bytes = match sources {
        [] => None,
        _ => {
            let seen = look(sources, Choice::default(), Some(&path))?;
            seen.warnings.iter().for_each(|warning| desk.attendant.warn(warning));
            Some(seen.plan.bytes)
        }
    };
    let own = path.clone();
    let view = bounded(WITHIN, move || seen(own));
    let silent = || {
        let why = format!("it does not answer within {} seconds", WITHIN.as_secs());
        View { probe: Answer::Unknown(why), ..no_view(path) }
    };
    Ok(judged(&View { source_bytes, ..view.unwrap_or_else(silent) }))
}

fn no_view(path: PathBuf) -> View {
    let probe = Answer::Unasked;
    View { path, free_bytes: None, source_bytes: None, mounted: None, probe, strangers: 0 }
}

fn seen(path: PathBuf) -> View {
    // What is there and no folder cannot become one; a folder that is missing will be made.
    let there = path.ancestors().find(|own| own.exists()).unwrap_or(Path::new("/"));
    let there = there.canonicalize().unwrap_or_else(|_| there.to_owned());
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    View {
        free_bytes: free_bytes(&path),
        mounted: mounted(&mounts, &there),
        probe: probe(&there).map_or_else(|error| Answer::Unknown(error.to_string()), Answer::Known),
        strangers: strangers(&path).map_or(0, |own| own.len()),
        ..no_view(path)
    }
}

/// Makes a file beside another one, puts it in that one's place, locks it, and takes both away.
fn probe(folder: &Path) -> io::Result<Probe> {
    let folder = Folder::open(folder)?;
    let own = [probe_name(), probe_name()];
    let found = probed(&folder, &own[0], &own[1]);
    for name in &own {
        // It is not there if it was never made, or was renamed.
        let removed = folder.remove_file(name);
        removed.or_else(|error| if folder.find(name)?.is_none() { Ok(()) } else { Err(error) })?;
    }
    found
}

fn probed(folder: &Folder, draft: &Path, place: &Path) -> io::Result<Probe> {
    folder.write(place, b"old", Access::Private)?;
    let made = folder.create_new(draft, Access::Private)?;
    made.sync_all()?;
    let (now, about) = (SystemTime::now(), made.metadata()?);
    let ahead_secs = match about.modified()?.duration_since(now) {
        Ok(ahead) => ahead.as_secs().cast_signed(),
        Err(behind) => -behind.duration().as_secs().cast_signed(),
    };
    let is_renamed = folder.rename(draft, place).is_ok()
        && folder.find(draft)?.is_none()
        && is_empty(folder.file(place)?)?;
    let again = folder.file(place)?.metadata()?;
    let is_same = (about.dev(), about.ino()) == (again.dev(), again.ino());
    let own = rustix::process::geteuid().as_raw();
    let other_user = Some(about.uid()).filter(|user| *user != own);
    let is_locked = {
        let again = folder.file(place)?;
        flock(&made, FlockOperation::NonBlockingLockExclusive).is_ok()
            && flock(&again, FlockOperation::NonBlockingLockExclusive).is_err()
    };
    let mode = about.permissions().mode() & 0o7777;
    Ok(Probe { mode, is_renamed, is_locked, ahead_secs, other_user, is_same })
}

fn is_empty(mut file: File) -> io::Result<bool> {
    Ok(file.read(&mut [0])? == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_made_and_taken_away_tells_what_a_folder_keeps_to() {
        let folder = tempfile::tempdir().unwrap();
        let probe = probe(folder.path()).unwrap();
        assert!(probe.ahead_secs.abs() <= 2, "{probe:?}");
        let expected = Probe {
            mode: 0o600,
            is_renamed: true,
            is_locked: true,
            other_user: None,
            is_same: true,
            ..probe
        };
        assert_eq!(probe, expected);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "something is left");
        // A path that is not there yet is judged by the folder that it would be made in.
        let view = seen(folder.path().join("a/b"));
        assert!(
            matches!(view.probe, Answer::Known(_))
                && view.free_bytes.is_some()
                && view.mounted.is_some(),
            "{view:?}"
        );
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "something is left");
    }
}
