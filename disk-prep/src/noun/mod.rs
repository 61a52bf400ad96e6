//! The words of the house: newtypes with checked constructors. A raw `String` or `u64`
//! does not cross a room's door. No I/O happens here.

mod address;
mod blob_path;
mod character;
mod cipher;
mod contact;
mod count;
mod diagnosis;
mod digest;
mod drive_path;
mod names;
mod recovery_password;
pub mod secret;
mod serial;
mod size;
mod visible;
mod wipe;

pub use address::bare_addresses;
pub use blob_path::{BlobFault, BlobPath, ContainerName, check_blob_name};
pub use character::{UnfitCharacter, shown};
pub use cipher::Cipher;
pub use contact::{Contact, ReturnAddress, ReturnCarrier};
pub use count::{count, lines, listed};
pub use diagnosis::{Diagnose, ErrorKind, Hint, Retry};
pub use digest::{Md5Digest, Sha256Digest, hex_upper};
pub use drive_path::{DrivePath, NameFault, check_name};
pub use names::{
    AccountName, BlobType, ImportDisposition, JobName, ResourceGroup, SubscriptionId, VaultName,
};
pub use recovery_password::RecoveryPassword;
pub use serial::Serial;
pub use size::ByteSize;
pub use visible::{is_command, shell_word, visible, visible_line};
pub use wipe::Wipe;

/// A text that is not a valid noun: which noun, what was given, and the rule it breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not a valid {noun}: {rule}")]
pub struct InvalidNoun {
    /// The field's word for it, for example "container name".
    pub noun: &'static str,
    /// What was given; `***` for secrets.
    pub value: String,
    /// The rule, as a person reads it.
    pub rule: &'static str,
}

impl Diagnose for InvalidNoun {
    fn code(&self) -> &'static str {
        "invalid-name"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
}

impl InvalidNoun {
    pub(crate) fn new(noun: &'static str, value: &str, rule: &'static str) -> Self {
        InvalidNoun { noun, value: value.to_owned(), rule }
    }
}
