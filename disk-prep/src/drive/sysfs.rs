//! What the kernel says of a block device: whether it is a whole drive, its serial and model, how
//! it is attached, and who uses it. Reads below a root folder that tests replace; opens no device.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use serde::Serialize;

use super::holder;
use super::identify::{Rotation, Zones};

/// Attributes are short; a longer one is cut.
const MOST_TEXT: usize = 4096;
/// The kernel counts sizes in these, whatever the drive's sectors are.
const KERNEL_SECTOR: u64 = 512;

/// How a drive is attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// A port of its own.
    Sata,
    /// A USB bridge or stick, in the old protocol.
    Usb,
    /// A USB bridge, in the new protocol.
    Uas,
    /// NVMe.
    Nvme,
    /// A SAS adapter; the drive may be SATA all the same.
    Sas,
    /// The disk of a virtual machine.
    Virtio,
    /// A memory card.
    Mmc,
    /// Something else.
    Other,
    /// No hardware: a loop, an array, a mapping, memory.
    Virtual,
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Transport::Sata => "sata",
            Transport::Usb => "usb",
            Transport::Uas => "uas",
            Transport::Nvme => "nvme",
            Transport::Sas => "sas",
            Transport::Virtio => "virtio",
            Transport::Mmc => "mmc",
            Transport::Other => "other",
            Transport::Virtual => "virtual",
        })
    }
}

/// The facts of one block device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockFacts {
    /// Kernel name, `sda`; for looking up again at once, never for storing.
    pub name: String,
    /// A number that no other device has had since the machine was started.
    pub sequence: Option<u64>,
    /// Whether it is a whole drive, not a partition.
    pub whole: bool,
    /// Serial number as the kernel or udev has it; behind a bridge it may be the bridge's.
    pub serial: Option<String>,
    /// Model name.
    pub model: Option<String>,
    /// Size.
    pub bytes: u64,
    /// Logical sector size.
    pub sector_bytes: u64,
    /// Physical sector size.
    pub physical_sector_bytes: u64,
    /// How it turns.
    pub rotation: Rotation,
    /// Whether it is shingled.
    pub zones: Zones,
    /// How it is attached.
    pub transport: Transport,
    /// Whether the kernel has it for an ATA drive, or for one that may be.
    pub ata: Ata,
    /// Whether it has a medium that can be taken out, as sticks pretend.
    pub removable: bool,
    /// Whether the kernel passes discards on.
    pub discards: bool,
    /// Whether the kernel lets nobody write.
    pub read_only: bool,
    /// Who uses it or one of its partitions, as a person reads it; `None` when nobody does.
    pub holder: Option<String>,
}

/// Whether a drive speaks ATA, as far as the kernel knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ata {
    /// It does.
    Yes,
    /// Only asking it tells.
    Perhaps,
    /// It does not.
    No,
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
        .filter(|folder| {
            !is_virtual(root, folder) && read(&folder.join("hidden")).as_deref() != Some("1")
        })
        .map(|folder| facts(root, &folder))
        // Optical drives and floppies, and slots without a card.
        .filter(|facts| !facts.name.starts_with("sr") && !facts.name.starts_with("fd"))
        .filter(|facts| !facts.removable || facts.bytes > 0)
        .collect()
}

/// Loops, memory disks, and what is built on other drives. NVMe with several paths is no such.
fn is_virtual(root: &Path, folder: &Path) -> bool {
    let below = folder.strip_prefix(root.join("sys/devices/virtual"));
    below.is_ok_and(|below| !below.starts_with("nvme-subsystem"))
}

fn facts(root: &Path, folder: &Path) -> BlockFacts {
    let text = |relative: &str| read(&folder.join(relative));
    let number = |relative: &str| text(relative).and_then(|text| text.parse::<u64>().ok());
    let udev = text("dev").and_then(|number| udev_serial(root, &number));
    let serial =
        text("serial").or_else(|| text("device/serial")).or_else(|| page_80(folder)).or(udev);
    let transport = transport(root, folder);
    let sector_bytes = number("queue/logical_block_size").unwrap_or(KERNEL_SECTOR);
    BlockFacts {
        name: folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        sequence: number("diskseq"),
        whole: !folder.join("partition").exists(),
        serial: serial.map(|serial| serial.replace(' ', "")),
        model: text("device/model").map(|model| plain(&model)),
        bytes: number("size").unwrap_or(0).saturating_mul(KERNEL_SECTOR),
        sector_bytes,
        physical_sector_bytes: number("queue/physical_block_size").unwrap_or(sector_bytes),
        rotation: match number("queue/rotational") {
            Some(0) => Rotation::Solid,
            Some(_) => Rotation::Turning(None),
            None => Rotation::Unknown,
        },
        zones: match text("queue/zoned").as_deref() {
            Some("host-managed") => Zones::HostManaged,
            Some("host-aware") => Zones::HostAware,
            Some("drive-managed") => Zones::DriveManaged,
            _ => Zones::None,
        },
        transport,
        ata: ata(transport, text("device/vendor").as_deref(), number("device/type")),
        removable: number("removable") == Some(1),
        discards: number("queue/discard_max_bytes").is_some_and(|bytes| bytes > 0),
        read_only: number("ro") == Some(1),
        holder: holder::find(root, folder),
    }
}

/// How it is attached, by the way to it through the kernel's tree of devices.
fn transport(root: &Path, folder: &Path) -> Transport {
    if is_virtual(root, folder) {
        return Transport::Virtual;
    }
    let below = folder.strip_prefix(root).unwrap_or(folder);
    let parts: Vec<&str> = below.components().filter_map(part).collect();
    let has = |prefix: &str| {
        parts.iter().any(|part| {
            let rest = part.strip_prefix(prefix);
            rest.is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
        })
    };
    let is_sas = || has("end_device-") || folder.join("device/sas_address").exists();
    if has("virtio") {
        Transport::Virtio
    } else if has("usb") {
        if is_uas(root, folder) { Transport::Uas } else { Transport::Usb }
    } else if has("nvme") || parts.contains(&"nvme") {
        Transport::Nvme
    } else if has("mmc") {
        Transport::Mmc
    } else if is_sas() {
        Transport::Sas
    } else if has("ata") {
        Transport::Sata
    } else {
        Transport::Other
    }
}

fn part(component: Component<'_>) -> Option<&str> {
    match component {
        Component::Normal(name) => name.to_str(),
        _ => None,
    }
}

/// Whether the USB interface above is driven by `uas`.
fn is_uas(root: &Path, folder: &Path) -> bool {
    let above = folder.ancestors().take_while(|path| *path != root);
    let driver = above
        .filter(|path| path.join("bInterfaceClass").exists())
        .find_map(|path| fs::read_link(path.join("driver")).ok());
    driver.is_some_and(|path| path.file_name().is_some_and(|name| name == "uas"))
}

fn ata(transport: Transport, vendor: Option<&str>, scsi_type: Option<u64>) -> Ata {
    match transport {
        // Not to be asked: no SCSI below, or no disk (type 0; 14h is one with zones).
        Transport::Nvme | Transport::Virtio | Transport::Mmc | Transport::Virtual => Ata::No,
        _ if !matches!(scsi_type, None | Some(0 | 0x14)) => Ata::No,
        Transport::Sata => Ata::Yes,
        // Adapters give SATA drives this vendor (SCSI / ATA Translation - 5, 10.3.1).
        _ if vendor == Some("ATA") => Ata::Yes,
        _ => Ata::Perhaps,
    }
}

/// The serial in the SCSI vital product data, page 0x80: four bytes of head, then ASCII.
fn page_80(folder: &Path) -> Option<String> {
    let page = fs::read(folder.join("device/vpd_pg80")).ok()?;
    let text = std::str::from_utf8(page.get(4..)?).ok()?.trim_matches(['\0', ' ']);
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

/// The serial as udev keeps it.
fn udev_serial(root: &Path, number: &str) -> Option<String> {
    if !number.bytes().all(|byte| byte.is_ascii_digit() || byte == b':') {
        return None;
    }
    let record = fs::read_to_string(root.join(format!("run/udev/data/b{number}"))).ok()?;
    let serial = record.lines().find_map(|line| line.strip_prefix("E:ID_SERIAL_SHORT="))?;
    Some(serial.trim().to_owned()).filter(|text| !text.is_empty())
}

/// The stable name that udev made for a device, the plainest if there are several.
pub(super) fn by_id(root: &Path, name: &str) -> Option<PathBuf> {
    let links = children(&root.join("dev/disk/by-id")).into_iter();
    let of_device = links.filter(|link| {
        fs::read_link(link).is_ok_and(|to| to.file_name().is_some_and(|last| last == name))
    });
    let names = of_device.filter_map(|link| link.file_name()?.to_str().map(str::to_owned));
    let rank = |name: &String| {
        let order = ["ata-", "usb-", "nvme-", "scsi-", "wwn-"];
        order.iter().position(|prefix| name.starts_with(prefix)).unwrap_or(order.len())
    };
    names
        .min_by_key(|name| (rank(name), name.clone()))
        .map(|name| Path::new("/dev/disk/by-id").join(name))
}

/// One attribute; `None` if there is none or it is empty.
fn read(path: &Path) -> Option<String> {
    let bytes = fs::read(path).ok()?;
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MOST_TEXT)]).into_owned();
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    (!text.is_empty()).then(|| text.to_owned())
}

/// Text from a device or a mount table, safe on a terminal: what cannot be printed becomes `?`.
pub(super) fn plain(text: &str) -> String {
    let is_odd = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffd}')
    };
    text.chars().take(256).map(|c| if is_odd(c) { '?' } else { c }).collect()
}

/// What lies in a folder, in order.
pub(super) fn children(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}
