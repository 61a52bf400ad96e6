//! Every number of the outside world that the program keeps to, each with its source. No other
//! file has such a number.

use std::ops::RangeInclusive;

/// Characters of a job's name in the classic service. Source: `azure-import-export` 2.4.
pub const JOB_NAME_CHARACTERS: RangeInclusive<usize> = 2..=64;
/// Characters of a job's name in Data Box. Source: `azure-import-export` 1C.
pub const ORDER_NAME_CHARACTERS: RangeInclusive<usize> = 3..=24;
/// Characters of a storage account's name. Source: "Resource name rules".
pub const ACCOUNT_NAME_CHARACTERS: RangeInclusive<usize> = 3..=24;
/// Characters of a resource group's name. Source: "Resource name rules".
pub const GROUP_NAME_CHARACTERS: RangeInclusive<usize> = 1..=90;
/// Characters of a vault's name, as Azure names its own vaults. Source: "Resource name rules".
pub const VAULT_NAME_CHARACTERS: RangeInclusive<usize> = 2..=50;
/// Jobs in one page of the service's list. Source: `azure-import-export` 1A.3.
pub const JOBS_PER_PAGE: usize = 100;
/// Blobs in one page of a container's list. Source: "List Blobs".
pub const BLOBS_PER_PAGE: usize = 5000;
/// Bytes of a pack, at most, that restic takes. Source: `staging-repository` 4.
pub const PACK_BYTES: u64 = 128 << 20;

/// Drives in one import job. Source: `azure-import-export` 2.4.
pub const DRIVES_PER_JOB: usize = 10;
/// Days a job may stay in Creating without tracking, and then in Shipping without drives.
/// Source: `azure-import-export` 2.1.
pub const CLOCK_DAYS: i64 = 14;
/// Hours that a ship date may lie ahead: a label made for the next working day. Source: our choice.
pub const SHIP_AHEAD_HOURS: i64 = 48;
/// Days a finished job is kept. Source: `azure-import-export` 2.1.
pub const RETENTION_DAYS: i64 = 90;
/// Days a customer has to answer when drives did not come. Source: `azure-import-export` 2.1.
pub const ANSWER_DAYS: i64 = 30;
/// Days until drives of a finished job have left the emulated datacenter. Source: our choice.
pub const RETURN_DAYS: i64 = 1;
/// Bytes of a block or page range in a manifest, at most. Source: `azure-import-export` 4.2.
pub const BLOCK_BYTES: u64 = 4 << 20;
/// Blocks of one block blob, at most. Source: `azure-import-export` 4.2.
pub const BLOCKS_PER_BLOB: u64 = 50_000;
/// Bytes of a page blob, at most: 8 TiB, which the service's own pages write as 8 TB. Source:
/// `azure-import-export` 2.4.
pub const PAGE_BLOB_BYTES: u64 = 8 << 40;
/// Page blobs are a multiple of this. Source: `azure-import-export` 2.4.
pub const PAGE_BYTES: u64 = 512;
/// Blob bytes above which block ids are required in a manifest. Source: `azure-import-export` 4.2.
pub const BLOCK_IDS_REQUIRED_ABOVE: u64 = 64 << 20;
/// Names and values of a blob's metadata, bytes at most. Source: "Set Blob Metadata".
pub const METADATA_BYTES: usize = 8 << 10;
/// Bytes of a metadata or properties file, at most: what Azure takes of either is far less, and
/// it is read whole. Source: our choice.
pub const SIDE_FILE_BYTES: u64 = 1 << 20;
/// Characters (UTF-16) of a blob's name, at most. Source: `azure-import-export` 2.4.
pub const BLOB_NAME_CHARACTERS: usize = 1024;
/// Parts of a blob's name between slashes, at most. Source: `azure-import-export` 2.4.
pub const BLOB_NAME_SEGMENTS: usize = 254;
/// Characters of a path beyond which programs of Windows may fail. Source: `azure-import-export`
/// 2.4.
pub const WINDOWS_PATH_CHARACTERS: usize = 256;
/// The only logical sector size the service reads. Source: `azure-import-export` 3.1.
pub const SECTOR_BYTES: u64 = 512;
/// Start of partition 1, Microsoft Reserved. Source: `azure-import-export` 3.2.
pub const RESERVED_PARTITION_START: u64 = 1 << 20;
/// Start of partition 2, basic data. Source: `azure-import-export` 3.2.
pub const DATA_PARTITION_START: u64 = 129 << 20;
/// The smallest drive we take. Source: `design` 3.
pub const SMALLEST_DRIVE_BYTES: u64 = 210_000_000;
/// The largest volume: beyond it clusters grow, and the reader we verify with misreads them.
/// Source: `design` 3, `ntfs-write-once` 17.
pub const LARGEST_VOLUME_BYTES: u64 = (16 << 40) - (1 << 20);
/// Drives above this draw a warning. Source: `azure-import-export` 2.4.
pub const DOCUMENTED_DRIVE_BYTES: u64 = 10_000_000_000_000;
/// NTFS cluster. Source: `ntfs-write-once` 1.
pub const CLUSTER_BYTES: u64 = 4096;
