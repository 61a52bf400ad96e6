//! A machine by its files: this one, or a tree or mounted image of another. Links are followed as that
//! machine would, within the tree and never out of it; nothing in it can make a look hang or take
//! memory without bound.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{
    Dir, FileType, Mode, OFlags, ResolveFlags, fstat, fstatvfs, open, openat2, readlinkat,
};
use rustix::io::Errno;

/// So much of a file is read; no configuration is larger.
const MOST_BYTES: u64 = 1 << 20;
/// So many names of a folder are looked at.
const MOST_NAMES: usize = 10_000;

/// The tree.
#[derive(Debug)]
pub struct Tree {
    root: OwnedFd,
}

/// Why something could not be seen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unseen {
    #[error("/{path} cannot be opened: {source}")]
    Open { path: String, source: Errno },
    #[error("/{path} cannot be listed: {source}")]
    List { path: String, source: Errno },
    #[error("/{path} cannot be read: {kind}")]
    Read { path: String, kind: io::ErrorKind },
    #[error("/{path} is no file")]
    NoFile { path: String },
    #[error("/{path} is larger than any such file")]
    Large { path: String },
    #[error("/{path} is no text")]
    NoText { path: String },
    #[error("/{path} is no JSON")]
    NoJson { path: String },
    #[error("/{path} is no YAML")]
    NoYaml { path: String },
}

/// What became of a look: what is there, `None` if nothing is, or why it could not be seen.
pub type Seen<T> = Result<Option<T>, Unseen>;

impl Tree {
    /// Opens the tree below a folder.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Tree { root: open(folder, flags, Mode::empty())? })
    }

    fn reach(&self, path: &str, flags: OFlags) -> Seen<OwnedFd> {
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        match openat2(&self.root, path, flags | OFlags::CLOEXEC, Mode::empty(), resolve) {
            Ok(found) => Ok(Some(found)),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(source) => Err(Unseen::Open { path: path.to_owned(), source }),
        }
    }

    /// Up to `most` bytes of a file from an offset on; a device is read like a file.
    pub fn bytes(&self, path: &str, offset: u64, most: u64) -> Seen<Vec<u8>> {
        self.read(path, io::SeekFrom::Start(offset), most)
    }

    /// The last bytes of a file, `most` of them.
    pub fn end(&self, path: &str, most: u64) -> Seen<Vec<u8>> {
        self.read(path, io::SeekFrom::End(-most.cast_signed()), most)
    }

    fn read(&self, path: &str, from: io::SeekFrom, most: u64) -> Seen<Vec<u8>> {
        // A FIFO must not wait for its other end.
        let Some(found) = self.reach(path, OFlags::RDONLY | OFlags::NONBLOCK)? else {
            return Ok(None);
        };
        let path = || path.to_owned();
        let failed = |error: io::Error| Unseen::Read { path: path(), kind: error.kind() };
        let kind = fstat(&found).map_err(|error| failed(error.into()))?;
        match FileType::from_raw_mode(kind.st_mode) {
            FileType::RegularFile | FileType::BlockDevice => {}
            _ => return Err(Unseen::NoFile { path: path() }),
        }
        let mut file = File::from(found);
        let mut content = Vec::new();
        // One that is shorter than its end is read from its beginning.
        let is_shorter = matches!(from, io::SeekFrom::End(back) if kind.st_size < -back);
        let from = if is_shorter { io::SeekFrom::Start(0) } else { from };
        io::Seek::seek(&mut file, from).map_err(failed)?;
        file.take(most).read_to_end(&mut content).map_err(failed)?;
        Ok(Some(content))
    }

    /// What is free in the file system of a folder that can be written to; `None` if it is not there
    /// or says nothing.
    pub fn free_bytes(&self, path: &str) -> Option<u64> {
        let found = self.reach(path, OFlags::PATH | OFlags::DIRECTORY).ok()??;
        let room = fstatvfs(&found).ok()?;
        let is_read_only = room.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY);
        (!is_read_only).then(|| room.f_bavail.saturating_mul(room.f_frsize))
    }

    /// A text; what is no UTF-8 in it is replaced.
    pub fn text(&self, path: &str) -> Seen<String> {
        let Some(content) = self.bytes(path, 0, MOST_BYTES + 1)? else { return Ok(None) };
        if content.len() as u64 > MOST_BYTES {
            return Err(Unseen::Large { path: path.to_owned() });
        }
        if content.contains(&0) {
            return Err(Unseen::NoText { path: path.to_owned() });
        }
        Ok(Some(String::from_utf8_lossy(&content).into_owned()))
    }

    /// Names in a folder, sorted; none if there is no such folder.
    pub fn names(&self, path: &str) -> Result<Vec<String>, Unseen> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let Some(found) = self.reach(path, flags)? else { return Ok(Vec::new()) };
        let failed = |source| Unseen::List { path: path.to_owned(), source };
        let mut names = Vec::new();
        for entry in Dir::read_from(&found).map_err(failed)?.take(MOST_NAMES) {
            let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
            if name != "." && name != ".." {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// Whether something is there, a link that leads nowhere too.
    pub fn has(&self, path: &str) -> bool {
        matches!(self.reach(path, OFlags::PATH | OFlags::NOFOLLOW), Ok(Some(_)))
    }

    /// Where a link says that it leads; `None` if it is none.
    pub fn link(&self, path: &str) -> Option<String> {
        let found = self.reach(path, OFlags::PATH | OFlags::NOFOLLOW).ok()??;
        let to = readlinkat(&found, "", Vec::new()).ok()?;
        to.into_string().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_are_followed_within_the_tree_and_never_out_of_it() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), "outside").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        std::fs::create_dir_all(at("usr/lib")).unwrap();
        std::fs::create_dir(at("etc")).unwrap();
        std::fs::write(at("usr/lib/os-release"), "ID=debian\n").unwrap();
        symlink("../usr/lib/os-release", at("etc/os-release")).unwrap();
        symlink("/usr/lib/os-release", at("etc/absolute")).unwrap();
        symlink(outside.path().join("secret"), at("etc/out")).unwrap();
        symlink("../../../../../../../../etc/passwd", at("etc/up")).unwrap();
        symlink("loop", at("etc/loop")).unwrap();
        let tree = Tree::open(folder.path()).unwrap();
        assert_eq!(tree.text("etc/os-release"), Ok(Some("ID=debian\n".to_owned())));
        assert_eq!(tree.text("etc/absolute"), Ok(Some("ID=debian\n".to_owned())));
        assert_eq!((tree.text("etc/out"), tree.text("etc/up")), (Ok(None), Ok(None)));
        assert!(tree.text("etc/loop").is_err() && tree.has("etc/loop") && tree.has("etc/out"));
        assert_eq!(tree.link("etc/loop"), Some("loop".to_owned()));
        assert_eq!((tree.link("usr/lib"), tree.has("etc/none")), (None, false));
        assert_eq!(tree.names("usr").unwrap(), ["lib"]);
        assert_eq!(tree.names("none").unwrap(), [""; 0]);
    }

    #[test]
    fn what_is_no_text_of_a_sane_size_is_said_to_be_that() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        std::fs::write(at("zero"), b"a\0b").unwrap();
        File::create(at("large")).unwrap().set_len(100 << 20).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, at("fifo"), FileType::Fifo, 0o600.into(), 0).unwrap();
        let tree = Tree::open(folder.path()).unwrap();
        for (name, why) in
            [("zero", "no text"), ("large", "larger"), ("fifo", "no file"), ("", "no file")]
        {
            let seen = tree.text(if name.is_empty() { "." } else { name });
            assert!(
                seen.as_ref().is_err_and(|own| own.to_string().contains(why)),
                "{name}: {seen:?}"
            );
        }
        assert_eq!(tree.bytes("zero", 1, 1), Ok(Some(vec![0])));
        assert_eq!(tree.end("zero", 2), Ok(Some(b"\0b".to_vec())));
        assert_eq!(tree.end("zero", 9), Ok(Some(b"a\0b".to_vec())));
        assert!(tree.free_bytes(".").is_some() && tree.free_bytes("none").is_none());
    }
}
