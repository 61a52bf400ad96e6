//! A folder as a data set: every regular file below it, checked against what NTFS, the manifest
//! and Azure can hold before anything is written.

use std::path::{Path, PathBuf};

use super::empty_folders::EmptyFolders;
use super::error::Error;
use super::file::{DataFile, Facts, check_size, clashes};
use super::listing::Listing;
use super::packer::Packer;
use super::set::DataSet;
use super::tree_walk::{Found, Walk, walk};
use crate::noun::{
    BlobPath, BlobType, ContainerName, DrivePath, ImportDisposition, JobName, check_blob_name,
    check_name, shown,
};
use crate::sys::beneath::Kind;

/// Where the files of a folder go, and what is special about some of them.
#[derive(Debug, Clone)]
pub struct FilesOptions {
    /// The folder on the drive is named after the job.
    pub job: JobName,
    /// The container of all blobs.
    pub container: ContainerName,
    /// Stands before every blob name; empty, or ends in a slash.
    pub prefix: String,
    /// Kind of all blobs.
    pub blob_type: BlobType,
    /// What happens to blobs that are there already.
    pub disposition: ImportDisposition,
    /// First path components that are never shipped (`locks` of a repository).
    pub never: &'static [&'static str],
    /// Which paths are shipped and not only lie there; all, if nothing is said.
    pub only: Option<fn(&str) -> bool>,
    /// First path components whose files lie together on one drive.
    pub together: &'static [&'static str],
}

/// Lists the files below `root`. Whatever cannot be shipped is reported at once.
pub fn scan(root: &Path, options: &FilesOptions) -> Result<DataSet, Error> {
    let mut files = Packer::default();
    let mut faults = Vec::new();
    let mut empty_folders = EmptyFolders::default();
    walk(root, |found| {
        let Found { path: relative, kind, facts } =
            found.map_err(|(path, source)| Error::Scan { path, source })?;
        let first = relative.components().next().map(|part| part.as_os_str().to_string_lossy());
        if first.as_deref().is_some_and(|name| options.never.contains(&name)) {
            return Ok(Walk::Pass);
        }
        empty_folders.note(relative, kind == Kind::Folder);
        let is_meant = |only: fn(&str) -> bool| relative.to_str().is_some_and(only);
        if kind == Kind::Folder || !options.only.is_none_or(is_meant) {
            return Ok(Walk::Enter);
        }
        if kind != Kind::File {
            let is_link = kind == Kind::Link;
            let what = if is_link { "it is a symbolic link" } else { "it is no regular file" };
            faults.push(format!("{}: {what}", shown(relative)));
            return Ok(Walk::Enter);
        }
        let together = first.as_deref().is_some_and(|name| options.together.contains(&name));
        match data_file(relative, facts, together, options) {
            Ok(file) => files.push(&file),
            Err(fault) => faults.push(format!("{}: {fault}", shown(relative))),
        }
        Ok::<_, Error>(Walk::Enter)
    })?;
    if !faults.is_empty() {
        faults.extend(clashes(files.paths()).into_iter().map(|(_, sentence)| sentence));
        return Err(Error::Unshippable { root: root.to_owned(), faults });
    }
    // A repository has folders for packs that are not there yet.
    let is_repository = !options.together.is_empty();
    let empty_folders = if is_repository { Vec::new() } else { empty_folders.finish() };
    let files = files.finish_sorted();
    Ok(DataSet { root: root.to_owned(), files, empty_folders, folders: Vec::new() })
}

fn data_file(
    relative: &Path,
    facts: Facts,
    together: bool,
    options: &FilesOptions,
) -> Result<DataFile, String> {
    let text = relative.to_str().ok_or("the name is not UTF-8")?;
    for name in text.split('/') {
        check_name(name).map_err(|fault| fault.to_string())?;
    }
    let path = format!("\\{}\\{}", options.job, text.replace('/', "\\"));
    // Both were checked, part by part.
    let path = DrivePath::of_parts(&path, "");
    let name = format!("{}{text}", options.prefix);
    check_blob_name(&options.container, &name).map_err(|fault| fault.to_string())?;
    check_size(facts.bytes, options.blob_type)?;
    Ok(DataFile {
        source: PathBuf::from(relative),
        path,
        blob: BlobPath::of_parts(&options.container, [&name, ""]),
        blob_type: options.blob_type,
        disposition: options.disposition,
        bytes: facts.bytes,
        modified_ns: facts.modified_ns,
        together,
        listing: Listing::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::ffi::OsStrExt;

    fn options() -> FilesOptions {
        FilesOptions {
            job: "seed-1".parse().unwrap(),
            container: "target".parse().unwrap(),
            prefix: "repo/".into(),
            blob_type: BlobType::BlockBlob,
            disposition: ImportDisposition::Overwrite,
            never: &["locks"],
            only: None,
            together: &["config", "keys"],
        }
    }

    #[test]
    fn a_repository_becomes_files_with_blobs_and_never_its_locks() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["config", "keys/k1", "data/3f/3f00", "locks/l1"] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, b"x").unwrap();
        }
        let set = scan(folder.path(), &options()).unwrap();
        let seen: Vec<_> = set
            .files
            .iter()
            .map(|file| (file.path().to_string(), file.blob().to_string(), file.together()))
            .collect();
        assert_eq!(
            seen,
            [
                ("\\seed-1\\config".into(), "target/repo/config".into(), true),
                ("\\seed-1\\data\\3f\\3f00".into(), "target/repo/data/3f/3f00".into(), false),
                ("\\seed-1\\keys\\k1".into(), "target/repo/keys/k1".into(), true),
            ]
        );
        assert_eq!(set.total_bytes(), 3);
    }

    #[test]
    fn page_blobs_have_whole_pages_and_all_that_have_not_are_told_at_once() {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in [("a", 0), ("b", 512), ("c", 513), ("d", 100)] {
            fs::write(folder.path().join(name), vec![0; bytes]).unwrap();
        }
        let options = FilesOptions { blob_type: BlobType::PageBlob, together: &[], ..options() };
        let Err(Error::Unshippable { faults, .. }) = scan(folder.path(), &options) else {
            panic!("half a page is no page");
        };
        assert_eq!(faults.len(), 2, "{faults:?}");
        assert!(faults[0].contains("c: it has 513 bytes"), "{faults:?}");
        fs::write(folder.path().join("c"), vec![0; 1024]).unwrap();
        fs::remove_file(folder.path().join("d")).unwrap();
        let set = scan(folder.path(), &options).unwrap();
        assert!(set.files.iter().all(|file| file.blob_type() == BlobType::PageBlob));
    }

    #[test]
    fn every_name_that_cannot_be_shipped_is_reported_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let odd = "odd\u{fffe}\u{1b}".as_bytes();
        for name in [&b"a:b"[..], b"nul", b"dot.", b"\xff", odd, b"fine", b"x", b"X"] {
            fs::write(folder.path().join(OsStr::from_bytes(name)), b"x").unwrap();
        }
        std::os::unix::fs::symlink("fine", folder.path().join("link")).unwrap();
        let Err(Error::Unshippable { faults, .. }) = scan(folder.path(), &options()) else {
            panic!("such names must be refused");
        };
        assert_eq!(faults.len(), 7, "{faults:?}");
        let said = faults.join("\n");
        assert!(said.contains("\"odd\\u{fffe}\\u{1b}\": it has U+FFFE, a noncharacter"), "{said}");
        assert!(said.contains("\\seed-1\\X and \\seed-1\\x are one name"), "{said}");
    }

    #[test]
    fn long_paths_and_empty_folders_are_remarked_but_not_those_of_a_repository() {
        let folder = tempfile::tempdir().unwrap();
        let long = format!("{}/{}", "l".repeat(130), "m".repeat(125));
        for path in ["a/b", "c", "d"] {
            fs::create_dir_all(folder.path().join(path)).unwrap();
        }
        for path in ["c/file", long.as_str()] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, b"x").unwrap();
        }
        let plain = FilesOptions { never: &[], together: &[], ..options() };
        let set = scan(folder.path(), &plain).unwrap();
        assert_eq!(set.empty_folders, [Path::new("a/b"), Path::new("d")]);
        let remarks = set.remarks();
        assert!(
            remarks[0].starts_with("1 path on the drive will have more than 256"),
            "{remarks:?}"
        );
        assert_eq!(remarks[1], "2 empty folders will not be copied:\n  a/b\n  d");
        let set = scan(folder.path(), &options()).unwrap();
        assert_eq!((set.empty_folders.len(), set.remarks().len()), (0, 1));
    }
}
