//! Whether a drive will do: what forbids it, and what a person should know first. Pure: judges
//! what was found.

use super::fault::Fault;
use super::find::{Drive, Hardware};
use super::identify::Zones;
use super::sysfs::{Ata, Transport, Usage};
use crate::limits::{DOCUMENTED_DRIVE_BYTES, SECTOR_BYTES, SMALLEST_DRIVE_BYTES};
use crate::noun::{ByteSize, DriveError};

impl Drive {
    /// Why this drive cannot be prepared; `Ok` if nothing that is known so far forbids it.
    pub fn check_fit(&self) -> Result<(), DriveError<Fault>> {
        self.faults().into_iter().next().map_or(Ok(()), Err)
    }

    /// All that forbids it, the most pressing first.
    pub fn faults(&self) -> Vec<DriveError<Fault>> {
        let own = |fault| DriveError::new(&self.serial, fault);
        self.judge().into_iter().map(own).collect()
    }

    fn judge(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        match &self.usage {
            Usage::Free => {}
            Usage::By(holder) => {
                faults.push(Fault::InUse { holder: holder.clone() });
            }
            Usage::Protected => faults.push(Fault::WriteProtected),
            Usage::Unknown(what) => {
                faults.push(Fault::UseUnknown { what: what.clone() });
            }
        }
        if let Some(second) = self.hardware.as_ref().and_then(|own| own.twin.clone()) {
            let first = self.path.clone();
            faults.push(Fault::SerialShared { first, second });
        }
        if let Some(what) = self.hardware.as_ref().and_then(not_sata) {
            faults.push(Fault::NotSata { what });
        }
        let own = self.hardware.as_ref().and_then(|own| own.identity.as_ref());
        let sizes = [Some(self.sector_bytes), own.map(|own| own.logical_bytes)];
        if let Some(actual) = sizes.into_iter().flatten().find(|&bytes| bytes != SECTOR_BYTES) {
            faults.push(Fault::SectorSize { expected: SECTOR_BYTES, actual });
        }
        if self.hardware.as_ref().is_some_and(|own| own.zones == Zones::HostManaged) {
            faults.push(Fault::HostManaged);
        }
        // An image is rounded down to a whole MiB, so 210M may have come as a little less.
        let expected = SMALLEST_DRIVE_BYTES >> 20 << 20;
        if self.bytes < expected {
            faults.push(Fault::TooSmall { expected, actual: self.bytes });
        }
        if !self.bytes.is_multiple_of(SECTOR_BYTES) {
            faults.push(Fault::NotWholeSectors { actual: self.bytes });
        }
        faults
    }

    /// Whether what is discarded on it is guaranteed to read as zeros.
    pub fn check_discard(&self) -> Result<(), Fault> {
        let refuse = |what: &str| Err(Fault::DiscardNotSafe { what: what.to_owned() });
        match &self.hardware {
            // A hole in a file reads as zeros.
            None => Ok(()),
            Some(own) if !own.discards => refuse("no discard reaches it"),
            // Discards are holes in the file below.
            Some(own) if own.name.starts_with("loop") => Ok(()),
            Some(own) if own.identity.as_ref().is_some_and(|own| own.trims_to_zero) => Ok(()),
            Some(_) => refuse("it does not promise that discarded sectors read as zeros"),
        }
    }

    /// What a person should know before it is used, though nothing forbids it.
    pub fn concerns(&self) -> Vec<String> {
        let mut concerns = Vec::new();
        if self.bytes > DOCUMENTED_DRIVE_BYTES {
            let documented = ByteSize(DOCUMENTED_DRIVE_BYTES);
            concerns.push(format!("it is larger than {documented}, which the service documents"));
        }
        let Some(own) = &self.hardware else { return concerns };
        match own.transport {
            Transport::Virtual => concerns.push(
                "it is no hardware: the kernel makes it of something else, so nobody can ship it"
                    .to_owned(),
            ),
            Transport::Usb | Transport::Uas if own.identity.is_none() => concerns.push(format!(
                "its USB bridge does not let the drive be asked: compare {} with the label, since \
                 the service goes by the drive's own serial",
                self.serial
            )),
            Transport::Usb | Transport::Uas => concerns.push(
                "it is attached by a USB bridge: take it out of its case before it is shipped"
                    .to_owned(),
            ),
            _ => {}
        }
        if matches!(own.zones, Zones::DriveManaged | Zones::HostAware) {
            concerns.push("it is shingled (SMR), so it may be slow at times".to_owned());
        }
        if own.is_healthy == Some(false) {
            concerns.push("its SMART record says that it is about to fail".to_owned());
        }
        if let Some(bytes) = own.identity.as_ref().map(|own| own.bytes())
            && bytes != self.bytes
        {
            concerns
                .push(format!("it says that it has {bytes} bytes, the kernel says {}", self.bytes));
        }
        concerns
    }
}

/// Why the service, which connects drives by SATA only, could not read it.
fn not_sata(own: &Hardware) -> Option<String> {
    let is_ata = own.identity.is_some() || own.ata == Ata::Yes;
    let what = match own.transport {
        Transport::Sata | Transport::Virtual => return None,
        Transport::Nvme => "it is an NVMe drive",
        Transport::Virtio => "it is the disk of a virtual machine",
        Transport::Mmc => "it is a memory card",
        _ if is_ata => return None,
        Transport::Usb | Transport::Uas if own.is_removable => "it is a USB stick or a card reader",
        Transport::Usb | Transport::Uas => return None,
        Transport::Sas => "it is a SAS drive",
        Transport::Other => "no ATA drive answers there",
    };
    Some(what.to_owned())
}
