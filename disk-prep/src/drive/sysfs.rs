//! What the kernel says of a block device: whether it is a whole drive, its serial and model, how
//! it is attached, and who uses it. Reads below a root folder that tests replace; opens no drive.

use std::error::Error as _;
use std::fmt;
use std::fs;
use std::path::{Component, Path, PathBuf};

use rustix::io::Errno;
use serde::Serialize;

use super::error::Error;
use super::identify::{Rotation, Zones};
use super::kernel::Kernel;
use super::reading::{bytes, children, exists, is_absent, number, plain, text, unreadable};
use super::{holder, loops, medium};

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
    /// Who uses it or one of its partitions.
    pub usage: Usage,
}

/// Whether anybody uses a drive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Usage {
    /// Nobody, as far as the kernel tells.
    Free,
    /// Somebody, as a person reads it.
    By(String),
    /// Nobody, and nobody can write to it.
    Protected,
    /// It cannot be told, for this reason.
    Unknown(String),
}

impl Usage {
    /// Takes an error for what it is: nobody can tell.
    pub(super) fn of(found: Result<Option<String>, Error>) -> Self {
        match found {
            Ok(None) => Usage::Free,
            Ok(Some(user)) => Usage::By(user),
            Err(error) => {
                let cause = error.source().map_or(String::new(), |cause| format!(": {cause}"));
                Usage::Unknown(plain(&format!("{error}{cause}")))
            }
        }
    }
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

/// Reads the facts of device `major:minor` from `/sys` and `/proc`.
pub(super) fn block_facts(kernel: &Kernel, major: u32, minor: u32) -> Result<BlockFacts, Error> {
    let link = kernel.root().join(format!("sys/dev/block/{major}:{minor}"));
    facts(kernel, &fs::canonicalize(&link).map_err(|source| unreadable(&link, source))?)
}

/// The facts of a drive by its name, or why they cannot be read.
pub(super) type Named = (String, Result<BlockFacts, Error>);

/// The facts of every whole drive that the kernel knows; what is no hardware is left
/// out. The list itself must be read; what cannot be read of a drive is that drive's error.
pub(super) fn whole_drives(kernel: &Kernel) -> Result<Vec<Named>, Error> {
    let mut drives = Vec::new();
    for link in children(&kernel.root().join("sys/block"))? {
        let folder = match fs::canonicalize(&link) {
            Ok(folder) => folder,
            // Unplugged just now.
            Err(error) if is_absent(&error) => continue,
            Err(error) => return Err(unreadable(&link, error)),
        };
        let name = name_of(&folder);
        // Optical drives and floppies are none.
        let is_disc = name.starts_with("sr") || name.starts_with("fd");
        if is_disc || is_virtual(kernel.root(), &folder) {
            continue;
        }
        match (is_hidden(&folder), facts(kernel, &folder)) {
            (Ok(true), _) => {}
            // Slots without a card.
            (Ok(false), Ok(facts)) if facts.removable && facts.bytes == 0 => {}
            (Err(error), _) => drives.push((name, Err(error))),
            (Ok(false), facts) => drives.push((name, facts)),
        }
    }
    Ok(drives)
}

/// Whether it is but one of several ways to a drive that has a name of its own.
fn is_hidden(folder: &Path) -> Result<bool, Error> {
    Ok(text(&folder.join("hidden"))?.as_deref() == Some("1"))
}

/// Loops, memory disks, and what is built on other drives. NVMe with several paths is no such.
fn is_virtual(root: &Path, folder: &Path) -> bool {
    let below = folder.strip_prefix(root.join("sys/devices/virtual"));
    below.is_ok_and(|below| !below.starts_with("nvme-subsystem"))
}

fn name_of(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn facts(kernel: &Kernel, folder: &Path) -> Result<BlockFacts, Error> {
    let text = |relative: &str| text(&folder.join(relative));
    let number = |relative: &str| number(&folder.join(relative));
    let serial = match text("serial")?.or(text("device/serial")?).or(page_80(folder)?) {
        Some(serial) => Some(serial),
        None => text("dev")?.map_or(Ok(None), |number| udev_serial(kernel.root(), &number))?,
    };
    let transport = transport(kernel.root(), folder);
    // Memory cards say it in words.
    let scsi_type = text("device/type")?.and_then(|kind| kind.parse().ok());
    let sector_bytes = number("queue/logical_block_size")?.unwrap_or(KERNEL_SECTOR);
    Ok(BlockFacts {
        name: name_of(folder),
        sequence: number("diskseq")?,
        whole: !exists(&folder.join("partition"))?,
        serial: serial.map(|serial| serial.replace(' ', "")),
        model: text("device/model")?.map(|model| plain(&model)),
        bytes: number("size")?.unwrap_or(0).saturating_mul(KERNEL_SECTOR),
        sector_bytes,
        physical_sector_bytes: number("queue/physical_block_size")?.unwrap_or(sector_bytes),
        rotation: match text("queue/rotational")?.as_deref() {
            Some("0") => Rotation::Solid,
            Some("1") => Rotation::Turning(None),
            _ => Rotation::Unknown,
        },
        zones: match text("queue/zoned")?.as_deref() {
            Some("host-managed") => Zones::HostManaged,
            Some("host-aware") => Zones::HostAware,
            Some("drive-managed") => Zones::DriveManaged,
            _ => Zones::None,
        },
        transport,
        ata: ata(transport, text("device/vendor")?.as_deref(), scsi_type),
        removable: number("removable")? == Some(1),
        discards: number("queue/discard_max_bytes")?.is_some_and(|bytes| bytes > 0),
        read_only: number("ro")? == Some(1),
        usage: Usage::of(user(kernel, folder)),
    })
}

/// Who uses a device; of a loop device also who uses what is below it.
fn user(kernel: &Kernel, folder: &Path) -> Result<Option<String>, Error> {
    if let Some(user) = holder::find(kernel, folder)? {
        return Ok(Some(user));
    }
    let name = name_of(folder);
    let mut loops = loops::attached(kernel)?.into_iter();
    let Some(own) = loops.find(|one| one.name == name) else { return Ok(None) };
    if let Some(node) = own.node(kernel) {
        let node = plain(&node.to_string_lossy());
        return Ok(Some(format!("the drive below it: name {node}, which it is made of")));
    }
    let Some((path, file)) = own.file() else { return Ok(None) };
    let user = medium::user(kernel, &path, file, Some(&name))?;
    let path = plain(&path.to_string_lossy());
    Ok(user.map(|user| format!("{user}, by way of {path}, which it is made of")))
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
fn page_80(folder: &Path) -> Result<Option<String>, Error> {
    let path = folder.join("device/vpd_pg80");
    let page = match fs::read(&path) {
        Ok(page) => page,
        // Older kernels say so of a drive without this page.
        Err(error) if error.raw_os_error() == Some(Errno::INVAL.raw_os_error()) => return Ok(None),
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(unreadable(&path, error)),
    };
    let text = page.get(4..).and_then(|text| std::str::from_utf8(text).ok());
    let text = text.map(|text| text.trim_matches(['\0', ' ']).to_owned());
    Ok(text.filter(|text| !text.is_empty()))
}

/// The serial as udev keeps it.
fn udev_serial(root: &Path, number: &str) -> Result<Option<String>, Error> {
    if !number.bytes().all(|byte| byte.is_ascii_digit() || byte == b':') {
        return Ok(None);
    }
    let record = root.join(format!("run/udev/data/b{number}"));
    let Some(record) = bytes(&record)? else { return Ok(None) };
    let mut lines = record.split(|byte| *byte == b'\n');
    let serial = lines.find_map(|line| line.strip_prefix(b"E:ID_SERIAL_SHORT="));
    let serial = serial.map(|serial| String::from_utf8_lossy(serial).trim().to_owned());
    Ok(serial.filter(|text| !text.is_empty()))
}

/// The stable name that udev made for a device, the plainest if there are several. For showing:
/// where the names cannot be listed, there is none.
pub(super) fn by_id(root: &Path, name: &str) -> Option<PathBuf> {
    let links = children(&root.join("dev/disk/by-id")).ok()?.into_iter();
    let of_device = links.filter(|link| {
        let target = fs::read_link(link).ok();
        target.is_some_and(|to| to.file_name().is_some_and(|last| last == name))
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
