//! Every number of the outside world that the program keeps to, each with its source. No other
//! file has such a number. Those of the service are a table too, so that what is shown is what holds.

use std::ops::RangeInclusive;

/// A limit of the service, as a person reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// Its name, in small letters with dashes.
    pub name: String,
    /// What it is about.
    pub meaning: &'static str,
    /// Its value; of a span the first and the last.
    pub value: String,
    /// Where it is told.
    pub source: &'static str,
    /// When that was read last.
    pub year: u16,
}

/// A value as a person reads it.
trait Shown {
    fn shown(&self) -> String;
}

impl<N: Shown> Shown for RangeInclusive<N> {
    fn shown(&self) -> String {
        format!("{} to {}", self.start().shown(), self.end().shown())
    }
}

/// Numbers are shown as they are.
macro_rules! numbers {
    ($($kind:ty)*) => {
        $(impl Shown for $kind {
            fn shown(&self) -> String {
                self.to_string()
            }
        })*
    };
}

numbers!(u16 usize u64 i64);

/// Constants of the service, and the table of them.
macro_rules! of_the_service {
    ($($meaning:literal, $source:literal, $year:literal => $name:ident: $kind:ty = $value:expr;)*) => {
        $(
            #[doc = concat!($meaning, " Source: ", $source, ".")]
            pub const $name: $kind = $value;
        )*

        /// Every limit of the service.
        pub fn of_the_service() -> Vec<Limit> {
            vec![$(Limit {
                name: stringify!($name).to_ascii_lowercase().replace('_', "-"),
                meaning: $meaning,
                value: $name.shown(),
                source: $source,
                year: $year,
            }),*]
        }
    };
}

of_the_service! {
    "Characters of a job's name in the classic service.", "`azure-import-export` 2.4", 2026
        => JOB_NAME_CHARACTERS: RangeInclusive<usize> = 2..=64;
    "Characters of a job's name in Data Box.", "`azure-import-export` 1C", 2026
        => ORDER_NAME_CHARACTERS: RangeInclusive<usize> = 3..=24;
    "Characters of a storage account's name.", "\"Resource name rules\"", 2026
        => ACCOUNT_NAME_CHARACTERS: RangeInclusive<usize> = 3..=24;
    "Characters of a resource group's name.", "\"Resource name rules\"", 2026
        => GROUP_NAME_CHARACTERS: RangeInclusive<usize> = 1..=90;
    "Drives in one import job.", "`azure-import-export` 2.4", 2026
        => DRIVES_PER_JOB: usize = 10;
    "Days a job may stay in Creating without tracking, and then in Shipping without drives.", "`azure-import-export` 2.1", 2026
        => CLOCK_DAYS: i64 = 14;
    "Days a finished job is kept.", "`azure-import-export` 2.1", 2026
        => RETENTION_DAYS: i64 = 90;
    "Days after the arrival of all drives within which they are read; an aim, no promise.", "`azure-import-export` 2.4", 2026
        => WORK_DAYS: RangeInclusive<i64> = 7..=10;
    "Days a customer has to answer when drives did not come.", "`azure-import-export` 2.1", 2026
        => ANSWER_DAYS: i64 = 30;
    "Bytes of a block or page range in a manifest, at most.", "`azure-import-export` 4.2", 2026
        => BLOCK_BYTES: u64 = 4 << 20;
    "Blocks of one block blob, at most.", "`azure-import-export` 4.2", 2026
        => BLOCKS_PER_BLOB: u64 = 50_000;
    "Bytes of a page blob, at most: 8 TiB, which the service's own pages write as 8 TB.", "`azure-import-export` 2.4", 2026
        => PAGE_BLOB_BYTES: u64 = 8 << 40;
    "Bytes of a managed disk that is uploaded, footer included, at least.", "`managed-disks` 3", 2026
        => UPLOAD_DISK_LEAST_BYTES: u64 = (20 << 20) + 512;
    "Bytes of a managed disk that is uploaded, footer included, at most.", "`managed-disks` 3", 2026
        => UPLOAD_DISK_BYTES: u64 = (32_767 << 30) + 512;
    "Signs of a managed disk's name, at most.", "`managed-disks`", 2026
        => DISK_NAME_SIGNS: usize = 80;
    "Snapshots of one premium page blob.", "Snapshot Blob", 2026
        => PREMIUM_SNAPSHOTS: usize = 100;
    "Snapshots of one managed disk that may be read at once.", "`managed-disks` 2", 2026
        => MANAGED_SNAPSHOTS_OPEN: usize = 5;
    "Incremental snapshots of one managed disk in five minutes.", "`managed-disks` 2", 2026
        => MANAGED_SNAPSHOTS_AT_ONCE: usize = 7;
    "Incremental snapshots of one managed disk.", "`managed-disks` 2", 2026
        => MANAGED_SNAPSHOTS: usize = 500;
    "Page blobs are a multiple of this.", "`azure-import-export` 2.4", 2026
        => PAGE_BYTES: u64 = 512;
    "Blob bytes above which block ids are required in a manifest.", "`azure-import-export` 4.2", 2026
        => BLOCK_IDS_REQUIRED_ABOVE: u64 = 64 << 20;
    "Names and values of a blob's metadata, bytes at most.", "\"Set Blob Metadata\"", 2026
        => METADATA_BYTES: usize = 8 << 10;
    "Characters (UTF-16) of a blob's name, at most.", "`azure-import-export` 2.4", 2026
        => BLOB_NAME_CHARACTERS: usize = 1024;
    "Parts of a blob's name between slashes, at most.", "`azure-import-export` 2.4", 2026
        => BLOB_NAME_SEGMENTS: usize = 254;
    "The only logical sector size the service reads.", "`azure-import-export` 3.1", 2026
        => SECTOR_BYTES: u64 = 512;
    "Drives above this draw a warning.", "`azure-import-export` 2.4", 2026
        => DOCUMENTED_DRIVE_BYTES: u64 = 10_000_000_000_000;
    "Characters of the name of a policy for virtual machines.", "`vault-and-vm-backup` 4", 2026
        => POLICY_NAME_CHARACTERS: RangeInclusive<usize> = 3..=150;
    "Days that a snapshot stays beside a virtual machine by the standard policy.", "`vault-and-vm-backup` 4", 2026
        => INSTANT_DAYS: RangeInclusive<i64> = 1..=5;
    "Days that a policy for virtual machines keeps points, as it is told and not documented.", "`vault-and-vm-backup` 4", 2026
        => POLICY_DAYS: RangeInclusive<u16> = 7..=9_999;
    "Weeks that it keeps them at most, as is told.", "`vault-and-vm-backup` 4", 2026
        => POLICY_MOST_WEEKS: u16 = 5_163;
    "Months that it keeps them at most, as is told.", "`vault-and-vm-backup` 4", 2026
        => POLICY_MOST_MONTHS: u16 = 1_188;
    "Years that it keeps them at most, as is told.", "`vault-and-vm-backup` 4", 2026
        => POLICY_MOST_YEARS: u16 = 99;
    "Days that a vault keeps what was deleted from it.", "`vault-and-vm-backup` 3", 2026
        => SOFT_DELETE_DAYS: i64 = 14;
    "Hours after which a backup of a virtual machine takes longer than it should.", "`error-catalogue`", 2026
        => LONG_BACKUP_HOURS: i64 = 12;
    "Hours after which a restore of a virtual machine takes longer than it should.", "`error-catalogue`", 2026
        => LONG_RESTORE_HOURS: i64 = 6;
    "Virtual machines whose backups should begin together at most.", "`vault-and-vm-backup` 4", 2026
        => MACHINES_AT_ONCE: usize = 4;
    "Data disks of a virtual machine that is backed up.", "\"Support matrix for Azure VM backups\"", 2026
        => MACHINE_DATA_DISKS: usize = 32;
    "Cores that a virtual machine should have to be backed up.", "`environment-checks` 7", 2026
        => MACHINE_CORES: u64 = 2;
    "Memory that a virtual machine should have to be backed up, MiB.", "`environment-checks` 7", 2026
        => MACHINE_MEMORY_MIB: u64 = 1024;
    "Characters of the name of a virtual machine with Linux.", "\"Resource name rules\"", 2026
        => MACHINE_NAME_CHARACTERS: usize = 64;
    "Recovery Services vaults of a subscription in one region.", "`environment-checks` 6", 2026
        => REGION_VAULTS: usize = 500;
    "Virtual machines that one vault protects.", "`environment-checks` 6", 2026
        => VAULT_MACHINES: usize = 1000;
    "Policies of one vault.", "`environment-checks` 6", 2026
        => VAULT_POLICIES: usize = 200;
}

/// Characters of a vault's name, as Azure names its own vaults. Source: "Resource name rules".
pub const VAULT_NAME_CHARACTERS: RangeInclusive<usize> = 2..=50;
/// Jobs in one page of the service's list. Source: `azure-import-export` 1A.
pub const JOBS_PER_PAGE: usize = 100;
/// Blobs in one page of a container's list. Source: "List Blobs".
pub const BLOBS_PER_PAGE: usize = 5000;
/// Bytes of a stretch of a blob, at most, whose checksum comes with it. Source: "Get Blob".
pub const SUMMED_BYTES: u64 = 4 << 20;
/// Bytes of pages, at most, that one call writes. Source: "Put Page".
pub const PAGE_WRITE_BYTES: u64 = 4 << 20;
/// Bytes a second, at most, that one page blob takes; an aim of the service. Source: "Scalability
/// targets for Blob storage".
pub const PAGE_BLOB_RATE: u64 = 60 << 20;
/// Page ranges in one part of a list that comes in parts. Source: "Get Page Ranges".
pub const PAGES_LISTED: usize = 10_000;
/// Bytes between changed pages that are sent along, so that fewer calls do. Source: our choice.
pub const JOINED_GAP_BYTES: u64 = 16 << 10;
/// Seconds between two snapshots of one premium page blob, at least. Source: "Snapshot Blob".
pub const SHORTEST_ROUND_SECS: u64 = 600;
/// Seconds that a lease of a blob lasts, at most, but for ever. Source: "Lease Blob".
pub const BLOB_LEASE_SECS: i32 = 60;
/// Bytes of a pack, at most, that restic takes. Source: `staging-repository` 4.
pub const PACK_BYTES: u64 = 128 << 20;
/// Hours that a ship date may lie ahead: a label made for the next working day. Source: our choice.
pub const SHIP_AHEAD_HOURS: i64 = 48;
/// Days until drives of a finished job have left the emulated datacenter. Source: our choice.
pub const RETURN_DAYS: i64 = 1;
/// Bytes of a metadata or properties file, at most: what Azure takes of either is far less, and
/// it is read whole. Source: our choice.
pub const SIDE_FILE_BYTES: u64 = 1 << 20;
/// Characters of a path beyond which programs of Windows may fail. Source: `azure-import-export`
/// 2.4.
pub const WINDOWS_PATH_CHARACTERS: usize = 256;
/// Start of partition 1, Microsoft Reserved. Source: `azure-import-export` 3.2.
pub const RESERVED_PARTITION_START: u64 = 1 << 20;
/// Start of partition 2, basic data. Source: `azure-import-export` 3.2.
pub const DATA_PARTITION_START: u64 = 129 << 20;
/// The smallest drive we take. Source: `design` 3.
pub const SMALLEST_DRIVE_BYTES: u64 = 210_000_000;
/// The largest volume: beyond it clusters grow, and the reader we verify with misreads them.
/// Source: `design` 3, `ntfs-write-once` 17.
pub const LARGEST_VOLUME_BYTES: u64 = (16 << 40) - (1 << 20);
/// NTFS cluster. Source: `ntfs-write-once` 1.
pub const CLUSTER_BYTES: u64 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_of_a_limit_is_what_holds() {
        let all = of_the_service();
        let value = |name: &str| all.iter().find(|own| own.name == name).unwrap().value.clone();
        assert_eq!(value("drives-per-job"), DRIVES_PER_JOB.to_string());
        assert_eq!(value("order-name-characters"), "3 to 24");
        assert_eq!(value("page-blob-bytes"), (8_u64 << 40).to_string());
        for (at, Limit { name, meaning, source, .. }) in all.iter().enumerate() {
            assert!(meaning.ends_with('.') && !source.is_empty(), "{name}");
            assert!(all[..at].iter().all(|other| other.name != *name), "{name} twice");
        }
    }
}
