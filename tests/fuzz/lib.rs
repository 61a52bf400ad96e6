//! The parsers, each as a function of bytes that asserts what must hold of what was read.

#![allow(dead_code, reason = "of each file that is taken in, its parser is used")]

#[path = "../../src/check/filesystems.rs"]
mod filesystems;
#[path = "../../src/check/finding.rs"]
mod finding;
#[path = "../../src/check/netplan.rs"]
mod netplan;
#[path = "../../src/check/network_files.rs"]
mod network_files;
#[path = "../../src/azure/page_list.rs"]
mod page_list;
#[path = "../../src/check/pe_version.rs"]
mod pe_version;
#[path = "../../src/disk_backup/ranges.rs"]
mod ranges;
#[path = "../../src/disk_backup/table.rs"]
mod table;
#[path = "../../src/check/tree.rs"]
mod tree;

/// The words of the room that the ranges are written in.
mod azure {
    pub use crate::page_list::{PageRange, PageState};
}

use page_list::{PageList, PageState};
use ranges::{Checked, Work, works};
use sha2::{Digest, Sha256};
use table::{BLOCK_BYTES, Table};

/// A disk as large as the service has any.
const DISK_BYTES: u64 = 8 << 40;

/// A part of a list of pages: what is read is the same when it is written and read again, and what passes
/// for the list of a disk is worked off byte by byte.
pub fn read_page_list(bytes: &[u8]) {
    let Ok(list) = PageList::parse(bytes) else { return };
    let mut text = String::from("<PageList>");
    for range in &list.ranges {
        let kind = match range.state {
            PageState::Written => "PageRange",
            PageState::Cleared => "ClearRange",
        };
        let (start, last) = (range.start, range.end - 1);
        text.push_str(&format!("<{kind}><Start>{start}</Start><End>{last}</End></{kind}>"));
    }
    text.push_str("</PageList>");
    let again = PageList::parse(text.as_bytes()).expect("it is a list");
    assert_eq!(again.ranges, list.ranges);
    if Checked::new(DISK_BYTES).take(&list.ranges).is_err() {
        return;
    }
    let count = |state| {
        let own = list.ranges.iter().filter(|own| own.state == state);
        own.map(|own| own.end - own.start).sum::<u64>()
    };
    // A range of a whole disk is two million calls, which no input should be able to make here.
    if count(PageState::Written) > 1 << 30 {
        return;
    }
    let (mut written, mut cleared, mut end) = (0, 0, 0);
    for work in works(&list.ranges) {
        let whole = match &work {
            Work::Clear(span) => {
                cleared += span.1 - span.0;
                *span
            }
            Work::Write { whole, pages } => {
                written += pages.iter().map(|own| own.1 - own.0).sum::<u64>();
                assert!(whole.1 - whole.0 <= BLOCK_BYTES);
                *whole
            }
        };
        assert!(whole.0 >= end && whole.1 > whole.0);
        end = whole.1;
    }
    assert_eq!((written, cleared), (count(PageState::Written), count(PageState::Cleared)));
}

/// A digest table: what is taken is written byte by byte as it was.
pub fn read_table(bytes: &[u8]) {
    if let Ok(table) = Table::parse(bytes) {
        assert_eq!(table.encode(), bytes);
        assert_eq!(table.blocks().len() as u64, table.bytes().div_ceil(BLOCK_BYTES));
    }
}

/// The first half of a table's header, the number of its blocks and the digest of them, which no chance
/// finds.
pub fn seal_table(bytes: &[u8]) -> Vec<u8> {
    let (disk, blocks) = bytes.split_at(bytes.len().min(3));
    let blocks = &blocks[..blocks.len() / 32 * 32];
    let count = (blocks.len() / 32) as u64;
    // What is missing of the last block of the disk.
    let less = disk.iter().fold(0, |all, own| all << 8 | u64::from(*own)) % BLOCK_BYTES;
    let mut text = Table::empty(0).encode()[..16].to_vec();
    text.extend((count * BLOCK_BYTES).saturating_sub(less).to_le_bytes());
    text.extend(count.to_le_bytes());
    text.extend(Sha256::digest(blocks));
    text.extend(blocks);
    text
}

/// A program of Windows: its version stands where the first mark on a multiple of four does.
pub fn read_program(bytes: &[u8]) {
    let mark = [0xBD, 0x04, 0xEF, 0xFE];
    let at = (0..bytes.len()).step_by(4).find(|at| bytes[*at..].starts_with(&mark));
    let half = |at: usize| Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    let own =
        at.and_then(|at| Some([half(at + 18)?, half(at + 16)?, half(at + 22)?, half(at + 20)?]));
    assert_eq!(pe_version::product_version(bytes), own.filter(|_| bytes.starts_with(b"MZ")));
}

/// The list of mounts: one a line at most, and no more text than there was.
pub fn read_mounts(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mounts = filesystems::mounts(&text);
    assert!(mounts.len() <= text.lines().count());
    let length = |own: &filesystems::Mount| {
        own.point.len() + own.kind.len() + own.options.iter().map(String::len).sum::<usize>()
    };
    assert!(mounts.iter().map(length).sum::<usize>() <= text.len());
}

/// A file of whoever sets the addresses of interfaces, in each of their forms; the first byte says which.
pub fn read_network_file(bytes: &[u8]) {
    let paths = [
        "etc/netplan/50-cloud-init.yaml",
        "etc/systemd/network/10-eth0.network",
        "etc/network/interfaces",
        "etc/NetworkManager/system-connections/eth0.nmconnection",
        "etc/sysconfig/network-scripts/ifcfg-eth0",
    ];
    let Some((which, text)) = bytes.split_first() else { return };
    let text = String::from_utf8_lossy(text);
    let found = network_files::said(paths[usize::from(*which) % paths.len()], &text);
    // Of an interface that is said nothing of, its file gives the name.
    let most = text.len() + "eth0".len();
    assert!(found.iter().all(|(name, _)| name != "lo" && name.len() <= most));
    let all: Vec<_> = found.into_iter().map(|own| (String::new(), own)).collect();
    assert_eq!(network_files::first(&all).is_none(), all.is_empty());
}
