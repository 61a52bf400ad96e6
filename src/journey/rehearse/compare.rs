//! Whether a restored copy is equal to its source: names, kinds, contents, modes, owners, times,
//! targets of links.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

/// What was compared.
#[derive(Debug, Default)]
pub struct Comparison {
    /// Files and folders that are equal.
    pub equal: u64,
    /// Bytes of equal files.
    pub bytes: u64,
    /// What differs: the path, a colon, how.
    pub differences: Vec<String>,
}

/// Compares each source with its copy below `restored`.
pub fn compare(sources: &[PathBuf], restored: &Path) -> Comparison {
    let mut found = Comparison::default();
    for source in sources {
        let below = |path: &Path| restored.join(path.strip_prefix("/").unwrap_or(path));
        for entry in WalkDir::new(source).sort_by_file_name() {
            let path = match entry {
                Ok(entry) => entry.into_path(),
                Err(error) => {
                    found.differences.push(error.to_string());
                    continue;
                }
            };
            match difference(&path, &below(&path)) {
                Ok(None) => {
                    found.equal += 1;
                    found.bytes += fs::symlink_metadata(&path)
                        .map_or(0, |about| if about.is_file() { about.len() } else { 0 });
                }
                Ok(Some(how)) => found.differences.push(format!("{}: {how}", path.display())),
                Err(error) => found.differences.push(format!("{}: {error}", path.display())),
            }
        }
        let copies = WalkDir::new(below(source)).into_iter().flatten();
        for copy in copies {
            let path =
                Path::new("/").join(copy.path().strip_prefix(restored).unwrap_or(copy.path()));
            if fs::symlink_metadata(&path).is_err() {
                found.differences.push(format!("{}: it is in the copy only", path.display()));
            }
        }
    }
    found
}

fn difference(source: &Path, copy: &Path) -> io::Result<Option<&'static str>> {
    let one = fs::symlink_metadata(source)?;
    let other = match fs::symlink_metadata(copy) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Some("it is missing in the copy"));
        }
        other => other?,
    };
    if one.file_type() != other.file_type() || one.mode() != other.mode() {
        return Ok(Some("its kind or mode is another"));
    }
    if one.is_symlink() {
        let is_same = fs::read_link(source)? == fs::read_link(copy)?;
        return Ok((!is_same).then_some("the link leads elsewhere"));
    }
    if (one.mtime(), one.mtime_nsec()) != (other.mtime(), other.mtime_nsec()) {
        return Ok(Some("its time is another"));
    }
    if is_root() && (one.uid(), one.gid()) != (other.uid(), other.gid()) {
        return Ok(Some("its owner is another"));
    }
    if one.is_file() && !is_same_content(source, &one, copy, &other)? {
        return Ok(Some("its content is another"));
    }
    Ok(None)
}

/// Only root can give files to others.
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn is_same_content(
    source: &Path,
    one: &Metadata,
    copy: &Path,
    other: &Metadata,
) -> io::Result<bool> {
    if one.len() != other.len() {
        return Ok(false);
    }
    let (mut one, mut other) = (File::open(source)?, File::open(copy)?);
    let (mut here, mut there) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    loop {
        let count = one.read(&mut here)?;
        if count == 0 {
            return Ok(true);
        }
        other.read_exact(&mut there[..count])?;
        if here[..count] != there[..count] {
            return Ok(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn each_kind_of_difference_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("source");
        fs::create_dir(&source).unwrap();
        let restored = folder.path().join("restored");
        let copy = restored.join(source.strip_prefix("/").unwrap());
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        let time = filetime::FileTime::from_unix_time(1_000_000, 7);
        let fill = |root: &Path| {
            fs::create_dir_all(root).unwrap();
            for name in ["content", "mode", "time", "missing", "equal"] {
                fs::write(root.join(name), "0123").unwrap();
                filetime::set_file_mtime(root.join(name), time).unwrap();
            }
            symlink("equal", root.join("link")).unwrap();
            filetime::set_file_mtime(root, time).unwrap();
        };
        fill(&source);
        fill(&copy);
        assert_eq!(
            compare(std::slice::from_ref(&source), &restored).differences,
            Vec::<String>::new()
        );
        fs::write(copy.join("content"), "0124").unwrap();
        filetime::set_file_mtime(copy.join("content"), time).unwrap();
        fs::set_permissions(copy.join("mode"), fs::Permissions::from_mode(0o600)).unwrap();
        filetime::set_file_mtime(copy.join("time"), filetime::FileTime::from_unix_time(2, 0))
            .unwrap();
        fs::remove_file(copy.join("missing")).unwrap();
        fs::remove_file(copy.join("link")).unwrap();
        symlink("mode", copy.join("link")).unwrap();
        fs::write(copy.join("more"), "").unwrap();
        filetime::set_file_mtime(&copy, time).unwrap();
        let found = compare(&[source], &restored);
        let names: Vec<&str> = found
            .differences
            .iter()
            .map(|text| text.split(':').next().unwrap().rsplit('/').next().unwrap())
            .collect();
        assert_eq!(names, ["content", "link", "missing", "mode", "time", "more"]);
        assert_eq!(found.equal, 2);
    }
}
