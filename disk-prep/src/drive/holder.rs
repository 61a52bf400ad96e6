//! Who uses a drive: mounts, swap, and devices built on it (LVM, arrays, encryption, loops, file
//! systems over several devices), however many floors up. Reads `/sys` and `/proc` below a root
//! folder; opens no drive. What is there and cannot be read is an error, never "nobody".

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::error::Error;
use super::kernel::Kernel;
use super::loops::{self, Loop};
use super::reading::{bytes, children, exists, malformed, plain, plain_bytes, text};
use super::tables::{self, Mount, path_of};

/// Mount points without which the machine does not run.
const SYSTEM: &[&[u8]] =
    &[b"/", b"/boot", b"/boot/efi", b"/boot/firmware", b"/efi", b"/usr", b"/var"];
/// Floors above a drive; real stacks have four.
const MOST_FLOORS: usize = 16;

/// One who uses a drive or a partition of it, as a person reads it; `None` when nobody does.
pub(super) fn find(kernel: &Kernel, folder: &Path) -> Result<Option<String>, Error> {
    let stack = Stack::above(kernel, folder)?;
    let used = stack.mounts(kernel)?;
    if let Some((mount, name)) = used.iter().find(|(mount, _)| SYSTEM.contains(&&mount.place[..])) {
        return Ok(Some(format!("the running system: {}", stack.say(mount, name))));
    }
    if let Some((mount, name)) = used.first() {
        return Ok(Some(stack.say(mount, name)));
    }
    if let Some(pool) = stack.pool(kernel)? {
        return Ok(Some(pool));
    }
    if let Some(name) = stack.swap(kernel)? {
        return Ok(Some(format!("swap on {}", plain(&name))));
    }
    let mut on_top = stack.below.iter();
    Ok(on_top.next().map(|(top, below)| format!("/dev/{}, built on {}", plain(top), plain(below))))
}

/// What is mounted, here.
pub(super) fn mounts(kernel: &Kernel) -> Result<Vec<Mount>, Error> {
    let path = kernel.root().join("proc/self/mountinfo");
    // Every kernel has this table; without it `/proc` is not there, and nobody can tell.
    let table = bytes(&path)?.ok_or_else(|| malformed(&path, "there is no such table"))?;
    tables::mounts(&table).map_err(|what| malformed(&path, what))
}

/// What is swapped to; nothing with a kernel that does not swap.
pub(super) fn swaps(kernel: &Kernel) -> Result<Vec<Vec<u8>>, Error> {
    let path = kernel.root().join("proc/swaps");
    match bytes(&path)? {
        Some(table) => tables::swaps(&table).map_err(|what| malformed(&path, what)),
        None => Ok(Vec::new()),
    }
}

/// A drive, its partitions, and all that is built on them.
struct Stack {
    /// Kernel names, by device number.
    numbers: BTreeMap<String, String>,
    names: BTreeSet<String>,
    /// What is built on top, with what it is built on.
    below: BTreeMap<String, String>,
}

impl Stack {
    fn above(kernel: &Kernel, folder: &Path) -> Result<Self, Error> {
        let mut stack =
            Stack { numbers: BTreeMap::new(), names: BTreeSet::new(), below: BTreeMap::new() };
        let loops = loops::attached(kernel)?;
        let mut floor = partitions(folder)?;
        floor.insert(0, folder.to_owned());
        for _ in 0..MOST_FLOORS {
            let mut next = Vec::new();
            for part in floor {
                let name = name_of(&part);
                let number = text(&part.join("dev"))?;
                let is_on_it = |one: &&Loop| one.is_on(kernel, &name, number.as_deref());
                let looped = loops.iter().filter(is_on_it).map(|one| one.folder.clone());
                let on_top: Vec<PathBuf> =
                    children(&part.join("holders"))?.into_iter().chain(looped).collect();
                for on_top in on_top {
                    stack.below.entry(name_of(&on_top)).or_insert(name.clone());
                    next.extend(partitions(&on_top)?);
                    next.push(on_top);
                }
                if let Some(number) = number {
                    stack.numbers.insert(number, name.clone());
                }
                stack.names.insert(name);
            }
            next.retain(|path| !stack.names.contains(&name_of(path)));
            if next.is_empty() {
                return Ok(stack);
            }
            floor = next;
        }
        Err(malformed(folder, "too much is built one on the other"))
    }

    /// The mounts of what is in the stack, with the name of it.
    fn mounts(&self, kernel: &Kernel) -> Result<Vec<(Mount, String)>, Error> {
        let mut used = Vec::new();
        for mount in mounts(kernel)? {
            // Btrfs mounts have a device number of their own; then the source tells.
            let name = self
                .numbers
                .get(&mount.number)
                .cloned()
                .or_else(|| self.node(kernel, &mount.source));
            used.extend(name.map(|name| (mount, name)));
        }
        Ok(used)
    }

    /// A mounted file system over several devices names but one of them in the table.
    fn pool(&self, kernel: &Kernel) -> Result<Option<String>, Error> {
        for pool in children(&kernel.root().join("sys/fs/btrfs"))? {
            for member in children(&pool.join("devices"))? {
                let name = name_of(&member);
                if self.names.contains(&name) {
                    let pool = plain(&name_of(&pool));
                    return Ok(Some(format!("the mount at Btrfs {pool}, by {}", plain(&name))));
                }
            }
        }
        Ok(None)
    }

    fn swap(&self, kernel: &Kernel) -> Result<Option<String>, Error> {
        Ok(swaps(kernel)?.iter().find_map(|path| self.node(kernel, path)))
    }

    /// What in the stack a path of the kernel's tables names, by its name or by its number.
    fn node(&self, kernel: &Kernel, path: &[u8]) -> Option<String> {
        let name = path.strip_prefix(b"/dev/").map(String::from_utf8_lossy);
        if let Some(name) = name.filter(|name| self.names.contains(&**name)) {
            return Some(name.into_owned());
        }
        let path = path_of(path);
        // A name that leads nowhere here names nothing that could be told by its number.
        let (major, minor) = kernel.numbers(path).ok().filter(|_| path.is_absolute())??;
        self.numbers.get(&format!("{major}:{minor}")).cloned()
    }

    fn say(&self, mount: &Mount, name: &str) -> String {
        let place = plain_bytes(&mount.place);
        match self.below.get(name) {
            Some(below) => {
                let (name, below) = (plain(name), plain(below));
                format!("the mount at {place}, by /dev/{name}, built on {below}")
            }
            None => format!("the mount at {place}"),
        }
    }
}

fn partitions(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut parts = Vec::new();
    for path in children(folder)? {
        if exists(&path.join("partition"))? {
            parts.push(path);
        }
    }
    Ok(parts)
}

fn name_of(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
