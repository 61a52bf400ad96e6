//! The words of the house: newtypes with checked constructors. A raw `String` or `u64`
//! does not cross a room's door. No I/O happens here.

mod address;
mod bare;
mod blob_path;
mod character;
mod cipher;
mod contact;
mod count;
mod day_window;
mod diagnosis;
mod digest;
mod drive_path;
mod fault;
mod invalid;
mod keep_rule;
mod named_account;
mod named_job;
mod names;
mod rate;
mod recipient;
mod recovery_password;
mod reference;
mod schedule;
pub mod secret;
mod serial;
mod service;
mod size;
mod unknown;
mod visible;
mod weekdays;
mod wipe;
mod zone;

pub use address::{Address, InvalidAddress, User};
pub use bare::bare_addresses;
pub use blob_path::{BlobFault, BlobPath, ContainerName, check_blob_name};
pub use character::{UnfitCharacter, shown};
pub use cipher::Cipher;
pub use contact::{Contact, KeyVault, ReturnAddress, ReturnCarrier};
pub use count::{count, lines, listed};
pub use day_window::DayWindow;
pub use diagnosis::{Diagnose, ErrorKind, Hint};
pub use digest::{Md5Digest, Sha256Digest, hex_upper};
pub use drive_path::{DrivePath, NameFault, check_name};
pub use fault::{DriveError, DriveFault, JoinedFault, OnDrive};
pub use invalid::InvalidNoun;
pub use keep_rule::KeepRule;
pub use named_account::{AccountId, NamedAccount};
pub use named_job::{JobId, NamedJob};
pub use names::{
    AccountName, BlobType, ImportDisposition, JobName, ResourceGroup, SubscriptionId, VaultName,
};
pub use rate::Rate;
pub use recipient::Recipient;
pub use recovery_password::RecoveryPassword;
pub use reference::referred;
pub use schedule::{DayPart, Expression, Schedule};
pub use serial::Serial;
pub use service::Service;
pub use size::ByteSize;
pub use unknown::{unknown_fields, with_unknown};
pub use visible::{is_command, shell_word, visible, visible_line};
pub use weekdays::Weekdays;
pub use wipe::Wipe;
pub use zone::ZoneName;
