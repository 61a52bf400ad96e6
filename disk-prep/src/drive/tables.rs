//! The kernel's tables of mounts and of swap, as bytes: a path may be anything but UTF-8. Pure.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// One line of `/proc/self/mountinfo` (`proc_pid_mountinfo(5)`).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mount {
    /// Major and minor number of the file system, `8:1`.
    pub number: String,
    /// Where it is mounted.
    pub place: Vec<u8>,
    /// What is mounted: mostly a node.
    pub source: Vec<u8>,
}

/// A path of one of these tables.
pub(super) fn path_of(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

/// The mounts of a table; an error names the first line that is none.
pub(super) fn mounts(table: &[u8]) -> Result<Vec<Mount>, String> {
    let lines = lines(table).map(|(at, line)| mount(line).ok_or_else(|| wrong(at, "a mount")));
    lines.collect()
}

fn mount(line: &[u8]) -> Option<Mount> {
    let fields: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    let [_, _, number, _, place, _, rest @ ..] = fields.as_slice() else { return None };
    let end = rest.iter().position(|field| *field == b"-")?;
    let [_, source, ..] = rest.get(end + 1..)? else { return None };
    let number = std::str::from_utf8(number).ok()?;
    let (major, minor) = number.split_once(':')?;
    let is_number = |text: &str| text.parse::<u32>().is_ok();
    (is_number(major) && is_number(minor) && place.starts_with(b"/")).then(|| Mount {
        number: number.to_owned(),
        place: unescape(place),
        source: unescape(source),
    })
}

/// The nodes and files that are swapped to, of `/proc/swaps`; an error names the first line that
/// is none. The first line is a heading.
pub(super) fn swaps(table: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let swap = |(at, line): (usize, &[u8])| {
        let mut fields =
            line.split(|byte| matches!(byte, b' ' | b'\t')).filter(|at| !at.is_empty());
        let path = fields.next().filter(|path| path.starts_with(b"/"));
        let kind = fields.next().filter(|kind| matches!(*kind, b"partition" | b"file"));
        path.zip(kind).map(|(path, _)| unescape(path)).ok_or_else(|| wrong(at, "a swap"))
    };
    lines(table).skip(1).map(swap).collect()
}

fn wrong(at: usize, what: &str) -> String {
    format!("line {} is not that of {what}", at + 1)
}

fn lines(table: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let table = table.strip_suffix(b"\n").unwrap_or(table);
    let is_empty = table.is_empty();
    table.split(|byte| *byte == b'\n').enumerate().filter(move |_| !is_empty)
}

/// Blanks and the like stand in these tables as `\040`.
pub(super) fn unescape(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        let digits = after.get(..3).filter(|digits| {
            *first == b'\\' && digits.iter().all(|digit| (b'0'..=b'7').contains(digit))
        });
        let value = digits.map(|digits| {
            digits.iter().fold(0u32, |sum, digit| sum << 3 | u32::from(digit - b'0'))
        });
        match value.and_then(|value| u8::try_from(value).ok()) {
            Some(value) => {
                bytes.push(value);
                rest = &after[3..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_as_bytes() {
        assert_eq!(unescape(b"/mnt/a\\040b\\134c"), b"/mnt/a b\\c");
        assert_eq!(unescape(b"\\377\\012"), b"\xff\n");
        for same in [&b"\\"[..], b"\\99", b"a\\777", b"a\\+40", b"\xff\xfe"] {
            assert_eq!(unescape(same), same);
        }
    }

    #[test]
    fn a_mount_point_of_any_bytes_hides_no_other_line() {
        let table =
            b"21 1 8:1 / /mnt/\xff\\040x rw,noatime shared:1 master:2 - ext4 /dev/sda1 rw\n\
                      22 1 0:40 / /pool rw - btrfs /dev/sdb rw\n";
        let found = mounts(table).unwrap();
        assert_eq!((found[0].number.as_str(), &found[0].place[..]), ("8:1", &b"/mnt/\xff x"[..]));
        assert_eq!((found.len(), &found[1].source[..]), (2, &b"/dev/sdb"[..]));
        assert_eq!(mounts(b"").unwrap(), []);
        for bad in
            ["x", "1 2 8:1 / /m rw", "1 2 8 / /m rw - ext4 /dev/sda rw", "1 2 8:1 / m o - t s"]
        {
            let table = format!("21 1 8:1 / / rw - ext4 /dev/sda1 rw\n{bad}\n");
            assert_eq!(mounts(table.as_bytes()).unwrap_err(), "line 2 is not that of a mount");
        }
    }

    #[test]
    fn swaps_are_nodes_and_files() {
        let table =
            b"Filename\t\t\t\tType\t\tSize\n/dev/sda2   partition\t8\n/s\\040w\xff file\t8\n";
        assert_eq!(swaps(table).unwrap(), [&b"/dev/sda2"[..], b"/s w\xff"]);
        assert_eq!(swaps(b"Filename\tType\n").unwrap(), Vec::<Vec<u8>>::new());
        assert!(swaps(b"Filename\tType\n/dev/sda2\n").is_err());
    }
}
