//! How drives are prepared.

use std::path::PathBuf;

use disk_prep::drive::DriveName;
use disk_prep::manifest::Profile;
use disk_prep::noun::{Cipher, Recipient, Serial, Wipe};

use crate::journey::connections::AzureOptions;
use crate::journey::keeper::KeyFiles;
use crate::journey::settings::Given;
use crate::journey::work::WorkOptions;

/// How drives are prepared.
#[derive(Debug)]
pub struct PrepOptions {
    /// What goes onto them.
    pub work: WorkOptions,
    /// The drives.
    pub drives: NamedDrives,
    /// Serials of drives that may be erased.
    pub erase: Vec<Serial>,
    /// What happens to free space that was used before.
    pub wipe: Option<Given<Wipe>>,
    /// Where the job is made; `None` to make none.
    pub azure: Option<AzureOptions>,
    /// The job's region; without it the seed's.
    pub location: Option<Given<String>>,
    /// The job's contact file; without it the seed's contact.
    pub contact: Option<Given<PathBuf>>,
    /// Whether the drives are read back.
    pub verify: bool,
    /// Whether a changed source file fails its drive.
    pub strict: bool,
    /// Whether each blob gets the MD5 of its content, on drives that are begun by this run.
    pub content_md5: bool,
    /// The volumes' cipher.
    pub cipher: Given<Cipher>,
    /// How the service knows the manifest.
    pub profile: Given<Profile>,
    /// Whether ranges of page blobs that hold nothing stay out of the manifest.
    pub omit_zeros: Given<bool>,
    /// Whether the keys of a repository go onto no drive.
    pub hold_keys: bool,
    /// For whom recovery passwords are sealed.
    pub recipient: Option<Given<Recipient>>,
    /// A file with the recipient's identity, to prove that what is sealed opens the drives.
    pub escrow_identity: Option<PathBuf>,
    /// What opens sealed ones.
    pub keys: KeyFiles,
}

/// The drives of a preparation.
#[derive(Debug)]
pub enum NamedDrives {
    /// By name.
    These(Vec<DriveName>),
    /// By the rows of a `driveset.csv`.
    Rows(PathBuf),
}
