//! What the kernel says of a block device: whether it is a whole drive, its serial and model, and
//! who uses it. Reads below a root folder that tests replace; opens no device.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The facts of one block device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockFacts {
    /// Kernel name, `sda`; for looking up again at once, never for storing.
    pub name: String,
    /// Whether it is a whole drive, not a partition.
    pub whole: bool,
    /// Serial number as the drive gives it.
    pub serial: Option<String>,
    /// Model name.
    pub model: Option<String>,
    /// Logical sector size, bytes.
    pub sector_bytes: u64,
    /// Whether it has a turning disk.
    pub rotational: bool,
    /// Whether the kernel lets nobody write.
    pub read_only: bool,
    /// Who uses it or one of its partitions, as a person reads it; `None` when nobody does.
    pub holder: Option<String>,
}

/// Reads the facts of device `major:minor` from `/sys` and `/proc` below `root`.
pub fn block_facts(root: &Path, major: u32, minor: u32) -> io::Result<BlockFacts> {
    Ok(facts(root, &fs::canonicalize(root.join(format!("sys/dev/block/{major}:{minor}")))?))
}

/// The facts of every whole drive that the kernel knows; what is no hardware is left out.
pub fn whole_drives(root: &Path) -> Vec<BlockFacts> {
    children(&root.join("sys/block"))
        .into_iter()
        .filter_map(|link| fs::canonicalize(link).ok())
        // Loops, memory disks, and what is built on other drives.
        .filter(|folder| !folder.starts_with(root.join("sys/devices/virtual")))
        .map(|folder| facts(root, &folder))
        .collect()
}

fn facts(root: &Path, folder: &Path) -> BlockFacts {
    let text = |relative: &str| -> Option<String> {
        let text = fs::read_to_string(folder.join(relative)).ok()?;
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    let number = |relative: &str| text(relative).and_then(|text| text.parse::<u64>().ok());
    BlockFacts {
        name: folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        whole: !folder.join("partition").exists(),
        serial: text("serial").or_else(|| text("device/serial")).or_else(|| page_80(folder)),
        model: text("device/model"),
        sector_bytes: number("queue/logical_block_size").unwrap_or(512),
        rotational: number("queue/rotational") == Some(1),
        read_only: number("ro") == Some(1),
        holder: holder(root, folder),
    }
}

/// The serial in the SCSI vital product data, page 0x80: four bytes of head, then ASCII.
fn page_80(folder: &Path) -> Option<String> {
    let page = fs::read(folder.join("device/vpd_pg80")).ok()?;
    let text = std::str::from_utf8(page.get(4..)?).ok()?.trim_matches(['\0', ' ']);
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

/// Mounts, swap, and devices built on top (LVM, md, dm), of the drive and its partitions.
fn holder(root: &Path, folder: &Path) -> Option<String> {
    let mut parts = vec![folder.to_owned()];
    parts.extend(children(folder).into_iter().filter(|path| path.join("partition").exists()));
    let numbers: BTreeSet<String> = parts
        .iter()
        .filter_map(|part| fs::read_to_string(part.join("dev")).ok())
        .map(|text| text.trim().to_owned())
        .collect();
    let mounts = fs::read_to_string(root.join("proc/self/mountinfo")).unwrap_or_default();
    for line in mounts.lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        if fields.len() > 4 && numbers.contains(fields[2]) {
            return Some(format!("the mount at {}", fields[4]));
        }
    }
    let swaps = fs::read_to_string(root.join("proc/swaps")).unwrap_or_default();
    for part in &parts {
        let name = part.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let node = format!("/dev/{name}");
        if swaps.lines().any(|line| line.split_whitespace().next() == Some(&node)) {
            return Some(format!("swap on {name}"));
        }
        if let Some(on_top) = children(&part.join("holders")).first() {
            let on_top = on_top.file_name().unwrap_or_default().to_string_lossy().into_owned();
            return Some(format!("/dev/{on_top}, built on {name}"));
        }
    }
    None
}

fn children(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in [
            ("sys/block/sda/dev", "8:0\n"),
            ("sys/block/sda/ro", "0\n"),
            ("sys/block/sda/queue/logical_block_size", "512\n"),
            ("sys/block/sda/queue/rotational", "1\n"),
            ("sys/block/sda/device/model", "WDC WD40EFRX    \n"),
            ("sys/block/sda/device/vpd_pg80", "\0\u{1}\0\u{8} WX41A1B"),
            ("sys/block/sda/sda1/dev", "8:1\n"),
            ("sys/block/sda/sda1/partition", "1\n"),
            ("proc/self/mountinfo", "22 1 254:0 / / rw - ext4 /dev/vda rw\n"),
            ("proc/swaps", "Filename Type Size Used Priority\n"),
        ] {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        fs::create_dir_all(root.path().join("sys/dev/block")).unwrap();
        for (link, to) in [("8:0", "../../block/sda"), ("8:1", "../../block/sda/sda1")] {
            std::os::unix::fs::symlink(to, root.path().join("sys/dev/block").join(link)).unwrap();
        }
        root
    }

    fn holder_after(path: &str, text: &str) -> Option<String> {
        let root = tree();
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        block_facts(root.path(), 8, 0).unwrap().holder
    }

    #[test]
    fn a_whole_drive_tells_its_serial_model_and_sectors_and_a_partition_is_none() {
        let root = tree();
        let facts = block_facts(root.path(), 8, 0).unwrap();
        assert_eq!(facts.serial.as_deref(), Some("WX41A1B"));
        assert_eq!(facts.model.as_deref(), Some("WDC WD40EFRX"));
        assert_eq!((facts.whole, facts.rotational, facts.sector_bytes), (true, true, 512));
        assert_eq!(facts.holder, None);
        assert_eq!(whole_drives(root.path()), [facts]);
        assert!(!block_facts(root.path(), 8, 1).unwrap().whole);
        assert!(block_facts(root.path(), 8, 2).is_err());
    }

    #[test]
    fn whoever_uses_the_drive_or_a_partition_of_it_is_named() {
        let mounted =
            holder_after("proc/self/mountinfo", "9 1 8:1 / /data rw - ext4 /dev/sda1 rw\n");
        assert_eq!(mounted.as_deref(), Some("the mount at /data"));
        let swap = holder_after("proc/swaps", "Filename\n/dev/sda1 partition 1 0 -2\n");
        assert_eq!(swap.as_deref(), Some("swap on sda1"));
        let array = holder_after("sys/block/sda/sda1/holders/md0", "");
        assert_eq!(array.as_deref(), Some("/dev/md0, built on sda1"));
    }
}
