//! The partition table: where the volume lies on a drive, both copies of the table as bytes,
//! and a reader of its own that trusts nothing (`azure-import-export` 3.2; UEFI 2.10, 5.3).

mod error;
mod layout;
mod other;
mod read;

pub use error::Error;
pub use layout::{BASIC_DATA, DiskLayout, EncodedTables, MICROSOFT_RESERVED, TableGuids, encode};
pub use other::{MbrPartition, OtherLayout, other_layout};
pub use read::{Partition, PartitionTable, PartitionTables, TableDoubt, TableFault, read_gpt};
