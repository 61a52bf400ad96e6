//! Who else can write where a staging path lies: the staging folder, its folders and those above
//! it, judged by owner and mode.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use disk_prep::sys::beneath::{Folder, Kind};
use disk_prep::sys::durable::Access;

use super::probe::probe_name;

/// Folders of a staging path in which another's folder counts as the staging folder itself.
const INNER: [&str; 2] = ["journals", "repo"];
/// Links on the way, at most, as the kernel has it.
const LINKS: usize = 40;
const ROOT: u32 = 0;
const STICKY: u32 = 0o1000;
const WRITABLE: u32 = 0o022;

/// File systems that give a file the owner who made it: ext, XFS, Btrfs, F2FS, tmpfs, overlay,
/// ZFS. Source: linux/magic.h, and OpenZFS for its own.
const LOCAL: [u64; 7] =
    [0xEF53, 0x5846_5342, 0x9123_683E, 0xF2F5_2010, 0x0102_1994, 0x794C_7630, 0x2FC1_2FC1];

/// A folder in which somebody else can write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stranger {
    /// The folder.
    pub path: PathBuf,
    /// Why it is not ours alone.
    pub why: Why,
}

/// Why a folder is not ours alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It has another owner than what we make there.
    Owner(u32),
    /// Its group or all may write in it.
    Mode(u32),
    /// Nothing could be made there to compare it with.
    Unknown,
}

impl std::fmt::Display for Stranger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = self.path.display();
        match self.why {
            Why::Owner(uid) => write!(f, "{path} belongs to user {uid}"),
            Why::Mode(mode) => write!(f, "{path} can be written by others (mode {mode:03o})"),
            Why::Unknown => write!(f, "{path} takes no file to tell whose it is"),
        }
    }
}

/// Facts of one folder.
#[derive(Debug, Clone, Copy)]
struct Facts {
    uid: u32,
    mode: u32,
    device: u64,
}

/// Where a folder stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Above,
    Inside,
}

/// What decides whether a folder is ours.
#[derive(Debug, Clone, Copy)]
struct Judge {
    /// Device of the staging folder's file system.
    device: u64,
    /// Owner of what we make there; `None` if nothing could be made.
    us: Option<u32>,
}

impl Judge {
    fn verdict(self, facts: Facts, level: Level) -> Option<Why> {
        if level == Level::Above && facts.uid == ROOT && facts.mode & STICKY != 0 {
            return None;
        }
        let own = if facts.device == self.device { self.us } else { Some(ROOT) };
        match own {
            None => Some(Why::Unknown),
            Some(own) if own != facts.uid => Some(Why::Owner(facts.uid)),
            Some(_) if facts.mode & WRITABLE != 0 => Some(Why::Mode(facts.mode & 0o7777)),
            Some(_) => None,
        }
    }
}

/// The folders of a staging path, and above it, in which somebody else can write. It need not
/// exist; what would be made is judged by where.
pub fn strangers(path: &Path) -> io::Result<Vec<Stranger>> {
    let way = way(path)?;
    let last = way.folders.last().map_or(Path::new("/"), PathBuf::as_path);
    let folder = Folder::open(last)?;
    let device = facts(last)?.device;
    let judge = Judge { device, us: owner_of_new_file(&folder) };
    let mut found = Vec::new();
    for path in &way.folders {
        let is_staging = way.is_whole && path == last;
        let level = if is_staging { Level::Inside } else { Level::Above };
        let why = judge.verdict(facts(path)?, level);
        found.extend(why.map(|why| Stranger { path: path.clone(), why }));
    }
    if way.is_whole {
        for name in INNER {
            let Some(about) = folder.find(Path::new(name))? else { continue };
            if about.kind == Kind::Folder {
                let facts = Facts { uid: about.uid, mode: about.mode, device: about.id.0 };
                let why = judge.verdict(facts, Level::Inside);
                found.extend(why.map(|why| Stranger { path: last.join(name), why }));
            }
        }
    }
    Ok(found)
}

fn facts(path: &Path) -> io::Result<Facts> {
    let found = fs::symlink_metadata(path)?;
    Ok(Facts { uid: found.uid(), mode: found.mode() & 0o7777, device: found.dev() })
}

/// The owner that a file gets which this process makes in a folder.
fn owner_of_new_file(folder: &Folder) -> Option<u32> {
    let kind = rustix::fs::fstatfs(folder.handle()).ok()?.f_type;
    if LOCAL.contains(&(kind as u64)) {
        return Some(rustix::process::geteuid().as_raw());
    }
    let name = probe_name();
    let file = folder.create(&name, Access::Private).ok()?;
    let owner = file.metadata().map(|made| made.uid());
    let removed = folder.remove_file(&name);
    removed.and(owner).ok()
}

/// The folders that a path leads through, each by its real path, from the root on.
#[derive(Debug)]
struct Way {
    folders: Vec<PathBuf>,
    /// Whether the path ends at the last of them.
    is_whole: bool,
}

fn way(path: &Path) -> io::Result<Way> {
    let path = std::path::absolute(path)?;
    let mut left: Vec<PathBuf> = parts(&path);
    let (mut at, mut links) = (PathBuf::from("/"), 0);
    let mut folders = vec![at.clone()];
    while let Some(part) = left.pop() {
        match part.components().next() {
            Some(Component::RootDir) => at = PathBuf::from("/"),
            Some(Component::ParentDir) => {
                at.pop();
            }
            Some(Component::Normal(name)) => {
                let next = at.join(name);
                let found = match fs::symlink_metadata(&next) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        return Ok(Way { folders, is_whole: false });
                    }
                    found => found?,
                };
                if found.is_symlink() {
                    links += 1;
                    if links > LINKS {
                        return Err(rustix::io::Errno::LOOP.into());
                    }
                    left.extend(parts(&fs::read_link(&next)?));
                    continue;
                }
                if !found.is_dir() {
                    return Err(io::ErrorKind::NotADirectory.into());
                }
                at = next;
            }
            _ => continue,
        }
        if !folders.contains(&at) {
            folders.push(at.clone());
        }
    }
    // The staging folder stands last, also if the way led through it before.
    folders.retain(|folder| *folder != at);
    folders.push(at);
    Ok(Way { folders, is_whole: true })
}

/// The parts of a path, the first one last.
fn parts(path: &Path) -> Vec<PathBuf> {
    path.components().rev().map(|part| PathBuf::from(part.as_os_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    const SHARE: u64 = 7;

    fn verdict(us: Option<u32>, facts: (u32, u32, u64), level: Level) -> Option<Why> {
        let (uid, mode, device) = facts;
        Judge { device: SHARE, us }.verdict(Facts { uid, mode, device }, level)
    }

    #[test]
    fn on_the_share_our_own_file_says_who_we_are_and_above_it_root_does() {
        let nobody = Some(65534);
        for (us, facts, level, expected) in [
            // A squashed share: all files have one owner, and root's are somebody else's.
            (nobody, (65534, 0o755, SHARE), Level::Inside, None),
            (nobody, (0, 0o755, SHARE), Level::Inside, Some(Why::Owner(0))),
            (nobody, (0, 0o755, SHARE), Level::Above, Some(Why::Owner(0))),
            (nobody, (0, 0o755, 1), Level::Above, None),
            (nobody, (65534, 0o755, 1), Level::Above, Some(Why::Owner(65534))),
            // A mapped one, as SMB has it.
            (Some(0), (0, 0o755, SHARE), Level::Inside, None),
            (Some(0), (0, 0o777, SHARE), Level::Inside, Some(Why::Mode(0o777))),
            // Modes and owners of plain folders.
            (Some(0), (0, 0o775, SHARE), Level::Above, Some(Why::Mode(0o775))),
            (Some(0), (1000, 0o700, SHARE), Level::Above, Some(Why::Owner(1000))),
            // Root's sticky folder counts above only, and only root's.
            (Some(0), (0, 0o1777, SHARE), Level::Above, None),
            (Some(0), (0, 0o1777, SHARE), Level::Inside, Some(Why::Mode(0o1777))),
            (Some(0), (1000, 0o1777, SHARE), Level::Above, Some(Why::Owner(1000))),
            (None, (0, 0o755, SHARE), Level::Inside, Some(Why::Unknown)),
        ] {
            assert_eq!(verdict(us, facts, level), expected, "{us:?} {facts:?} {level:?}");
        }
    }

    #[test]
    fn a_way_names_every_folder_that_it_leads_through_links_too() {
        let folder = tempfile::tempdir().unwrap();
        let real = fs::canonicalize(folder.path()).unwrap();
        for name in ["mine", "theirs", "mine/staging"] {
            fs::create_dir(real.join(name)).unwrap();
        }
        symlink(real.join("mine"), real.join("theirs/link")).unwrap();
        let found = way(&real.join("theirs/link/staging")).unwrap();
        assert!(found.is_whole);
        assert!(found.folders.contains(&real.join("theirs")), "{found:?}");
        assert!(found.folders.contains(&real.join("mine")), "{found:?}");
        assert_eq!(found.folders.last().unwrap(), &real.join("mine/staging"));
        let new = way(&real.join("theirs/link/new/deeper")).unwrap();
        assert!(!new.is_whole);
        assert_eq!(new.folders.last().unwrap(), &real.join("mine"));
        symlink("loop", real.join("loop")).unwrap();
        assert!(way(&real.join("loop/x")).is_err());
        fs::write(real.join("file"), "").unwrap();
        assert!(way(&real.join("file/x")).is_err());
    }
}
