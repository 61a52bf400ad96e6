//! Who uses a drive: mounts, swap, and devices built on it (LVM, arrays, encryption, loops, file
//! systems over several devices), however many floors up. Reads `/sys` and `/proc` below a root
//! folder; opens no device.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::sysfs::{children, plain};

/// Mount points without which the machine does not run.
const SYSTEM: &[&str] = &["/", "/boot", "/boot/efi", "/boot/firmware", "/efi", "/usr", "/var"];
/// Floors above a drive; real stacks have four.
const MOST_FLOORS: usize = 16;

/// One who uses a drive or a partition of it, as a person reads it; `None` when nobody does.
pub(super) fn find(root: &Path, folder: &Path) -> Option<String> {
    let stack = Stack::above(root, folder);
    let mounts = stack.mounts(root);
    let system = mounts.iter().find(|mount| SYSTEM.contains(&mount.place.as_str()));
    if let Some(mount) = system {
        return Some(format!("the running system: {}", stack.say(mount)));
    }
    if let Some(mount) = mounts.first() {
        return Some(stack.say(mount));
    }
    if let Some(name) = stack.swap(root) {
        return Some(format!("swap on {}", plain(&name)));
    }
    let (on_top, below) = stack.below.iter().next()?;
    Some(format!("/dev/{}, built on {}", plain(on_top), plain(below)))
}

/// A drive, its partitions, and all that is built on them.
struct Stack {
    /// Kernel names, by device number.
    numbers: BTreeMap<String, String>,
    names: BTreeSet<String>,
    /// What is built on top, with what it is built on.
    below: BTreeMap<String, String>,
}

struct Mount {
    place: String,
    name: String,
}

impl Stack {
    fn above(root: &Path, folder: &Path) -> Self {
        let mut stack =
            Stack { numbers: BTreeMap::new(), names: BTreeSet::new(), below: BTreeMap::new() };
        let parts = children(folder).into_iter().filter(|path| path.join("partition").exists());
        let mut floor: Vec<PathBuf> = [folder.to_owned()].into_iter().chain(parts).collect();
        for _ in 0..MOST_FLOORS {
            let mut next = Vec::new();
            for part in floor {
                let name = name_of(&part);
                if let Ok(number) = fs::read_to_string(part.join("dev")) {
                    stack.numbers.insert(number.trim().to_owned(), name.clone());
                }
                let loops = loops_on(root, &name);
                for on_top in children(&part.join("holders")).into_iter().chain(loops) {
                    stack.below.entry(name_of(&on_top)).or_insert(name.clone());
                    let parts = children(&on_top).into_iter();
                    next.extend(parts.filter(|path| path.join("partition").exists()));
                    next.push(on_top);
                }
                stack.names.insert(name);
            }
            next.retain(|path| !stack.names.contains(&name_of(path)));
            if next.is_empty() {
                break;
            }
            floor = next;
        }
        stack
    }

    fn mounts(&self, root: &Path) -> Vec<Mount> {
        let table = fs::read_to_string(root.join("proc/self/mountinfo")).unwrap_or_default();
        let of_line = |line: &str| {
            let fields: Vec<&str> = line.split(' ').collect();
            let place = unescape(fields.get(4)?);
            // Btrfs mounts have a device number of their own; then the source's name tells.
            let source =
                fields.iter().position(|field| *field == "-").and_then(|at| fields.get(at + 2));
            let source = source.and_then(|path| path.strip_prefix("/dev/"));
            let named =
                source.filter(|name| self.names.contains(*name)).map(|name| (*name).to_owned());
            let name = self.numbers.get(*fields.get(2)?).cloned().or(named)?;
            Some(Mount { place, name })
        };
        let mut mounts: Vec<Mount> = table.lines().filter_map(of_line).collect();
        // A file system over several devices names but one of them in the table.
        for pool in children(&root.join("sys/fs/btrfs")) {
            for member in children(&pool.join("devices")) {
                if self.names.contains(&name_of(&member)) {
                    let place = format!("Btrfs {}", name_of(&pool));
                    mounts.push(Mount { place, name: name_of(&member) });
                }
            }
        }
        mounts
    }

    fn swap(&self, root: &Path) -> Option<String> {
        let table = fs::read_to_string(root.join("proc/swaps")).unwrap_or_default();
        let mut nodes = table.lines().filter_map(|line| line.split_whitespace().next());
        nodes.find_map(|node| {
            let name = node.strip_prefix("/dev/")?;
            self.names.get(name).cloned()
        })
    }

    fn say(&self, mount: &Mount) -> String {
        let place = plain(&mount.place);
        match self.below.get(&mount.name) {
            Some(below) => {
                format!(
                    "the mount at {place}, by /dev/{}, built on {}",
                    plain(&mount.name),
                    plain(below)
                )
            }
            None => format!("the mount at {place}"),
        }
    }
}

/// Loop devices over a device instead of a file.
fn loops_on(root: &Path, name: &str) -> Vec<PathBuf> {
    let node = format!("/dev/{name}");
    let is_on = |folder: &PathBuf| {
        let file = fs::read_to_string(folder.join("loop/backing_file"));
        file.is_ok_and(|path| path.trim_end() == node)
    };
    children(&root.join("sys/block")).into_iter().filter(is_on).collect()
}

fn name_of(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Blanks and the like stand in the mount table as `\040`.
fn unescape(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let octal = after.get(..3).filter(|_| *first == b'\\');
        let value =
            octal.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        bytes.push(value.unwrap_or(*first));
        rest = if value.is_some() { &after[3..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_of_the_mount_table_are_undone() {
        assert_eq!(unescape("/mnt/a\\040b\\134c"), "/mnt/a b\\c");
        assert_eq!(unescape("\\"), "\\");
        assert_eq!(unescape("\\99"), "\\99");
        assert_eq!(unescape("a\\777"), "a\\777");
    }
}
