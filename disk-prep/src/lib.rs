//! Formats, fills and verifies drives for seeding a backup to Azure: GPT, BitLocker and NTFS
//! written in one pass. Knows drives and nothing of Azure; no network, no async.

pub mod device;
pub mod hash;
pub mod kernels;
pub mod limits;
pub mod noun;
pub mod sys;
pub mod volume;
