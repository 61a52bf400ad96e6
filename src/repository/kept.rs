//! What a run has read of a repository in Azure and will read again: small files, which never change,
//! and stretches of packs with folders, which lie in the order in which a backup asks for them. Each
//! call costs a way to the service and back, and an increment of nothing is made of calls.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use bytes::Bytes;
use disk_prep::sys::hold::hold;

/// So much is read where a folder is asked for.
pub(super) const WINDOW_BYTES: u32 = 512 << 10;
/// Stretches that are held; the oldest makes room.
const MOST_WINDOWS: usize = 16;
/// Bytes of small files that are held; what comes after is read each time.
const MOST_FILES_BYTES: usize = 32 << 20;

/// What is held.
#[derive(Debug, Default)]
pub(super) struct Kept {
    files: Mutex<Files>,
    windows: Mutex<VecDeque<Window>>,
}

#[derive(Debug, Default)]
struct Files {
    by_name: BTreeMap<String, Bytes>,
    bytes: usize,
}

#[derive(Debug)]
struct Window {
    name: String,
    offset: u32,
    content: Bytes,
}

impl Window {
    /// A stretch of the pack, if it is all in here.
    fn part(&self, name: &str, offset: u32, length: u32) -> Option<Bytes> {
        let start = offset.checked_sub(self.offset).filter(|_| self.name == name)? as usize;
        let end = start.checked_add(length as usize)?;
        (end <= self.content.len()).then(|| self.content.slice(start..end))
    }
}

impl Kept {
    /// A small file.
    pub fn file(&self, name: &str) -> Option<Bytes> {
        hold(&self.files).by_name.get(name).cloned()
    }

    /// Holds a small file, if there is room.
    pub fn keep_file(&self, name: &str, content: &Bytes) {
        let mut files = hold(&self.files);
        if files.bytes + content.len() <= MOST_FILES_BYTES {
            files.bytes += content.len();
            let before = files.by_name.insert(name.to_owned(), content.clone());
            files.bytes -= before.map_or(0, |before| before.len());
        }
    }

    /// A stretch of a pack.
    pub fn part(&self, name: &str, offset: u32, length: u32) -> Option<Bytes> {
        hold(&self.windows).iter().find_map(|window| window.part(name, offset, length))
    }

    /// Holds a stretch of a pack.
    pub fn keep_part(&self, name: &str, offset: u32, content: Bytes) {
        let mut windows = hold(&self.windows);
        if windows.len() == MOST_WINDOWS {
            windows.pop_front();
        }
        windows.push_back(Window { name: name.to_owned(), offset, content });
    }

    /// Forgets a file that is written or removed.
    pub fn drop_file(&self, name: &str) {
        let mut files = hold(&self.files);
        if let Some(content) = files.by_name.remove(name) {
            files.bytes -= content.len();
        }
        drop(files);
        hold(&self.windows).retain(|window| window.name != name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_is_found_only_where_all_of_it_is_held_and_the_oldest_makes_room() {
        let kept = Kept::default();
        kept.keep_part("pack", 10, Bytes::from_static(b"0123456789"));
        assert_eq!(kept.part("pack", 10, 10).unwrap(), "0123456789");
        assert_eq!(kept.part("pack", 12, 3).unwrap(), "234");
        for (name, offset, length) in
            [("pack", 9, 2), ("pack", 15, 6), ("pack", 21, 1), ("other", 12, 3)]
        {
            assert_eq!(kept.part(name, offset, length), None, "{name} {offset} {length}");
        }
        for number in 0..MOST_WINDOWS as u32 {
            kept.keep_part("more", number * 10, Bytes::from_static(b"x"));
        }
        assert_eq!(kept.part("pack", 12, 3), None);
    }

    #[test]
    fn files_are_held_up_to_the_bytes_they_may_take_and_forgotten_when_written() {
        let kept = Kept::default();
        let large = Bytes::from(vec![0; MOST_FILES_BYTES - 1]);
        kept.keep_file("large", &large);
        kept.keep_file("large", &Bytes::from_static(b"small"));
        assert_eq!(kept.file("large").unwrap().len(), large.len(), "there is no room for both");
        kept.keep_file("one", &Bytes::from_static(b"1"));
        kept.keep_file("two", &Bytes::from_static(b"2"));
        assert_eq!((kept.file("one").unwrap(), kept.file("two")), (Bytes::from("1"), None));
        kept.drop_file("large");
        kept.keep_file("two", &Bytes::from_static(b"2"));
        assert_eq!((kept.file("two").unwrap(), kept.file("large")), (Bytes::from("2"), None));
    }
}
