//! Blobs as plain files that anyone can look at, `ACCOUNT/CONTAINER/BLOB` below one folder.
//! Everything opens beneath the handle of that folder, step by step, and no link is followed.
//!
//! | on disk | stands for |
//! |---|---|
//! | `%XX` | a byte that a file name cannot hold, `%` itself, a segment `.` or `..` |
//! | `%` alone | an empty segment |
//! | `…%-/…` | one segment, longer than a file name may be, in pieces |
//! | `…%d` | a folder whose own name is taken by a file |
//! | `…%f` | a file whose own name is taken by a folder |

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

/// Bytes of a piece of a name; a mark of two more still fits a file name of 255.
const PIECE: usize = 240;

/// The folder of all blobs.
#[derive(Debug)]
pub(super) struct Tree(OwnedFd);

/// What a new file may need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    Make,
    Leave,
}

impl Tree {
    /// The folder, which must exist.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Tree(rustix::fs::openat(CWD, path, FOLDER, Mode::empty())?))
    }

    /// Whether a container's folder exists.
    pub fn has(&self, account: &str, container: &str) -> io::Result<bool> {
        Ok(self.container(account, container, Missing::Leave)?.is_some())
    }

    /// Makes a container's folder.
    pub fn make(&self, account: &str, container: &str) -> io::Result<()> {
        self.container(account, container, Missing::Make).map(drop)
    }

    /// Removes a container's folder with all that is in it, also what is no blob.
    pub fn drop_container(&self, account: &str, container: &str) -> io::Result<()> {
        let Some(account) = step(self.0.as_fd(), account, Missing::Leave)? else { return Ok(()) };
        if let Some(folder) = step(account.as_fd(), container, Missing::Leave)? {
            clear(folder.as_fd())?;
        }
        match rustix::fs::unlinkat(account, container, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The containers of an account.
    pub fn containers(&self, account: &str) -> io::Result<Vec<String>> {
        let Some(folder) = step(self.0.as_fd(), account, Missing::Leave)? else {
            return Ok(Vec::new());
        };
        let mut names: Vec<String> =
            entries(folder.as_fd())?.into_iter().filter(|own| own.1).map(|own| own.0).collect();
        names.sort();
        Ok(names)
    }

    /// Opens a blob's file; `None` if there is none.
    pub fn read(&self, account: &str, container: &str, blob: &str) -> io::Result<Option<File>> {
        self.open_file(account, container, blob, OFlags::RDONLY)
    }

    /// The same to read, or to be changed in place.
    pub fn open_file(
        &self,
        account: &str,
        container: &str,
        blob: &str,
        how: OFlags,
    ) -> io::Result<Option<File>> {
        let Some((folder, name)) = self.place(account, container, blob, Missing::Leave)? else {
            return Ok(None);
        };
        let flags = how | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        match rustix::fs::openat(&folder, name.as_str(), flags, Mode::empty()) {
            Ok(file) => {
                let file = File::from(file);
                Ok(file.metadata()?.is_file().then_some(file))
            }
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Puts a finished draft in a blob's place.
    pub fn put(&self, account: &str, container: &str, blob: &str, draft: &Path) -> io::Result<()> {
        let (folder, name) = self
            .place(account, container, blob, Missing::Make)?
            .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        rustix::fs::renameat(CWD, draft, &folder, name.as_str())?;
        // A folder that is open only as a path cannot be flushed; it is opened once more.
        File::from(rustix::fs::openat(&folder, ".", FOLDER, Mode::empty())?).sync_all()
    }

    /// Removes a blob's file, and folders that it leaves empty.
    pub fn remove(&self, account: &str, container: &str, blob: &str) -> io::Result<()> {
        let Some((folder, name)) = self.place(account, container, blob, Missing::Leave)? else {
            return Ok(());
        };
        match rustix::fs::unlinkat(&folder, name.as_str(), AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
        let root = self.container(account, container, Missing::Leave)?;
        if let Some(root) = root {
            let pieces = pieces(blob);
            prune(root.as_fd(), &pieces[..pieces.len() - 1])?;
        }
        Ok(())
    }

    /// The names of a container's blobs, in no order.
    pub fn names(&self, account: &str, container: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        if let Some(root) = self.container(account, container, Missing::Leave)? {
            collect(root.as_fd(), "", &mut names)?;
        }
        Ok(names)
    }

    fn container(
        &self,
        account: &str,
        container: &str,
        missing: Missing,
    ) -> io::Result<Option<OwnedFd>> {
        match step(self.0.as_fd(), account, missing)? {
            Some(account) => step(account.as_fd(), container, missing),
            None => Ok(None),
        }
    }

    /// The folder and the file name of a blob.
    fn place(
        &self,
        account: &str,
        container: &str,
        blob: &str,
        missing: Missing,
    ) -> io::Result<Option<(OwnedFd, String)>> {
        // A container is made on purpose only, never on the way to a blob.
        let Some(mut folder) = self.container(account, container, Missing::Leave)? else {
            return Ok(None);
        };
        let pieces = pieces(blob);
        let (file, folders) = pieces.split_last().expect("a name has at least one segment");
        for piece in folders {
            let name = free_name(folder.as_fd(), piece, Wanted::Folder)?;
            match step(folder.as_fd(), &name, missing)? {
                Some(next) => folder = next,
                None => return Ok(None),
            }
        }
        let name = free_name(folder.as_fd(), file, Wanted::File)?;
        Ok(Some((folder, name)))
    }
}

const FOLDER: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

fn step(at: BorrowedFd<'_>, name: &str, missing: Missing) -> io::Result<Option<OwnedFd>> {
    if missing == Missing::Make {
        match rustix::fs::mkdirat(at, name, Mode::from_raw_mode(0o755)) {
            Ok(()) => File::from(rustix::fs::openat(at, ".", FOLDER, Mode::empty())?).sync_all()?,
            Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
    }
    match rustix::fs::openat(at, name, FOLDER, Mode::empty()) {
        Ok(folder) => Ok(Some(folder)),
        Err(Errno::NOENT | Errno::NOTDIR) if missing == Missing::Leave => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Folder,
    File,
}

/// The marked name if it is in use; the plain one unless something of the other kind has it.
fn free_name(at: BorrowedFd<'_>, plain: &str, wanted: Wanted) -> io::Result<String> {
    let kind = |name: &str| match rustix::fs::statat(at, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(FileType::from_raw_mode(stat.st_mode))),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(io::Error::from(error)),
    };
    let (mark, own) = match wanted {
        Wanted::Folder => ("%d", FileType::Directory),
        Wanted::File => ("%f", FileType::RegularFile),
    };
    let marked = format!("{plain}{mark}");
    if kind(&marked)?.is_some() {
        return Ok(marked);
    }
    match kind(plain)? {
        Some(taken) if taken != own => Ok(marked),
        _ => Ok(plain.to_owned()),
    }
}

fn prune(at: BorrowedFd<'_>, folders: &[String]) -> io::Result<()> {
    let Some((first, rest)) = folders.split_first() else { return Ok(()) };
    let name = free_name(at, first, Wanted::Folder)?;
    if let Some(folder) = step(at, &name, Missing::Leave)? {
        prune(folder.as_fd(), rest)?;
    }
    match rustix::fs::unlinkat(at, name.as_str(), AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT | Errno::NOTEMPTY | Errno::NOTDIR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Names of a folder, and whether each is a folder; other kinds are no blobs.
fn entries(folder: BorrowedFd<'_>) -> io::Result<Vec<(String, bool)>> {
    let mut found = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().to_str() else { continue };
        let kind = match entry.file_type() {
            FileType::Unknown => {
                let stat = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
                FileType::from_raw_mode(stat.st_mode)
            }
            kind => kind,
        };
        if name != "."
            && name != ".."
            && matches!(kind, FileType::Directory | FileType::RegularFile)
        {
            found.push((name.to_owned(), kind == FileType::Directory));
        }
    }
    Ok(found)
}

/// Removes everything in a folder; of a link, the link.
fn clear(folder: BorrowedFd<'_>) -> io::Result<()> {
    let entries: Vec<_> = Dir::read_from(folder)?.collect::<Result<_, _>>()?;
    for entry in entries {
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        match rustix::fs::unlinkat(folder, name, AtFlags::empty()) {
            Err(Errno::ISDIR) => {
                let inner = rustix::fs::openat(folder, name, FOLDER, Mode::empty())?;
                clear(inner.as_fd())?;
                rustix::fs::unlinkat(folder, name, AtFlags::REMOVEDIR)?;
            }
            other => other?,
        }
    }
    Ok(())
}

fn collect(folder: BorrowedFd<'_>, before: &str, names: &mut Vec<String>) -> io::Result<()> {
    for (name, is_folder) in entries(folder)? {
        if is_folder {
            let (text, end) = match (name.strip_suffix("%-"), name.strip_suffix("%d")) {
                (Some(piece), _) => (piece, ""),
                (_, Some(text)) => (text, "/"),
                _ => (name.as_str(), "/"),
            };
            let inner = step(folder, &name, Missing::Leave)?;
            if let Some(inner) = inner {
                collect(inner.as_fd(), &format!("{before}{text}{end}"), names)?;
            }
        } else {
            let text = name.strip_suffix("%f").unwrap_or(&name);
            names.push(decode(&format!("{before}{text}")));
        }
    }
    Ok(())
}

/// A blob's name as folders and a file.
fn pieces(blob: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    for segment in blob.split('/') {
        let mut text = encode(segment);
        while text.len() > PIECE {
            let rest = text.split_off(text.floor_char_boundary(PIECE));
            pieces.push(format!("{text}%-"));
            text = rest;
        }
        pieces.push(text);
    }
    pieces
}

fn encode(segment: &str) -> String {
    if segment.is_empty() {
        return "%".to_owned();
    }
    let is_dots = segment == "." || segment == "..";
    let mut text = String::with_capacity(segment.len());
    for c in segment.chars() {
        if c == '%' || c.is_ascii_control() || is_dots {
            text.push_str(&format!("%{:02X}", u32::from(c)));
        } else {
            text.push(c);
        }
    }
    text
}

fn decode(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        name.push_str(before);
        let code = after.get(..2).and_then(|code| u8::from_str_radix(code, 16).ok());
        rest = match code {
            Some(code) => {
                name.push(char::from(code));
                &after[2..]
            }
            None => after,
        };
    }
    name.push_str(rest);
    name
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read;

    use super::*;

    struct Rig {
        folder: tempfile::TempDir,
        tree: Tree,
    }

    impl Rig {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            fs::create_dir(folder.path().join("blobs")).unwrap();
            let tree = Tree::open(&folder.path().join("blobs")).unwrap();
            tree.make("account", "box").unwrap();
            Rig { folder, tree }
        }

        fn put(&self, blob: &str) {
            let draft = self.folder.path().join("draft");
            fs::write(&draft, blob).unwrap();
            self.tree.put("account", "box", blob, &draft).unwrap();
        }

        fn names(&self) -> Vec<String> {
            let mut names = self.tree.names("account", "box").unwrap();
            names.sort();
            names
        }

        fn text(&self, blob: &str) -> Option<String> {
            let mut text = String::new();
            self.tree.read("account", "box", blob).unwrap()?.read_to_string(&mut text).unwrap();
            Some(text)
        }
    }

    #[test]
    fn a_plain_name_is_a_plain_file() {
        let rig = Rig::new();
        rig.put("data/3f/pack");
        let path = rig.folder.path().join("blobs/account/box/data/3f/pack");
        assert_eq!(fs::read(path).unwrap(), b"data/3f/pack");
        rig.tree.remove("account", "box", "data/3f/pack").unwrap();
        assert!(!rig.folder.path().join("blobs/account/box/data").exists());
    }

    #[test]
    fn every_name_that_azure_takes_is_found_again_under_its_own_name() {
        let rig = Rig::new();
        let long = "ü".repeat(500);
        let names = [
            "a",
            "a/b",
            "a/b/c",
            "a//b",
            ".",
            "..",
            "../x",
            "x/./y",
            "100%",
            "%41",
            "a%d",
            "a%f",
            "a%-/b",
            "/",
            "tab\there",
            "back\\slash",
            &long,
            "deep/",
            &format!("{long}/{long}"),
        ];
        for name in names {
            rig.put(name);
        }
        let mut sorted: Vec<String> = names.map(str::to_owned).to_vec();
        sorted.sort();
        assert_eq!(rig.names(), sorted);
        for name in names {
            assert_eq!(rig.text(name).as_deref(), Some(name));
        }
        for (count, name) in names.iter().enumerate() {
            rig.tree.remove("account", "box", name).unwrap();
            assert_eq!(rig.names().len(), names.len() - count - 1, "{name}");
        }
        assert!(!rig.folder.path().join("x").exists());
    }

    #[test]
    fn a_link_leads_nowhere() {
        let rig = Rig::new();
        let root = rig.folder.path().join("blobs/account/box");
        fs::write(rig.folder.path().join("secret"), "secret").unwrap();
        std::os::unix::fs::symlink(rig.folder.path(), root.join("out")).unwrap();
        std::os::unix::fs::symlink(rig.folder.path().join("secret"), root.join("link")).unwrap();
        assert_eq!(rig.text("out/secret"), None);
        assert_eq!(rig.text("link"), None);
        assert!(rig.names().is_empty());
    }
}
