//! The records of a journal.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use super::error::Error;
use super::keeper::{KeptPassword, SecretKeeper};
use super::reason::{FileChange, LeftOut, SetAside};
use crate::manifest::Profile;
use crate::noun::{
    Cipher, ContainerName, DrivePath, JobName, Md5Digest, RecoveryPassword, Serial, Sha256Digest,
    Wipe,
};
use crate::volume::ntfs::Edition;

/// One record.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Record {
    /// The drive was begun; always the first record.
    Begun(Box<Begun>),
    /// Both partition tables are on the medium.
    Labelled,
    /// A checkpoint: all this is on the medium.
    Progress(Progress),
    /// The pass is over and the manifest is on the medium; sealing has begun.
    Filled,
    /// Nothing will be written to the drive again.
    Sealed(Sealed),
    /// The drive failed for good; its files are free for another.
    SetAside(SetAside),
    /// The drive was given up for this job by somebody who typed its serial.
    Released,
}

/// Everything that the drive will be, decided before the first byte.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Begun {
    /// Version of the journal's form.
    pub version: u32,
    /// When, by the copy machine's clock; the format time of the volume.
    pub at: Timestamp,
    /// The job the drive is for.
    pub job: JobName,
    /// Container of the data set's blobs, when there is but one.
    pub container: Option<ContainerName>,
    /// The drive.
    pub serial: Serial,
    /// Its model; `None` for image files.
    pub model: Option<String>,
    /// Its size.
    pub drive_bytes: u64,
    /// Whether it has a turning disk.
    pub rotational: bool,
    /// Whether what was on it may be erased by this run.
    pub erase: bool,
    /// Traces of what was on it then; none for a blank drive, or from an earlier program.
    #[serde(default, skip_serializing_if = "Base64::is_empty")]
    pub traces: Base64,
    /// What happens to free space; `None` when the drive was blank.
    pub wipe: Option<Wipe>,
    /// The cipher of the volume.
    pub cipher: Cipher,
    /// Name and hash of the manifest.
    pub profile: Profile,
    /// Whether ranges of page blobs that hold nothing stay out of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub omit_zeros: bool,
    /// GUID of the disk.
    pub disk_guid: Uuid,
    /// GUIDs of the two partitions.
    pub partition_guids: [Uuid; 2],
    /// Part of the manifest's name in the modern profile.
    pub manifest_guid: Uuid,
    /// Serial number of the NTFS volume.
    pub volume_serial: u64,
    /// The protector.
    pub recovery_password: KeptPassword,
    /// The finished BitLocker metadata block; the volume key lies in it, boxed.
    pub metadata_block: Base64,
    /// The finished first 8 KiB of the partition.
    pub first_8k: Base64,
    /// SHA-256 of the plan file.
    pub plan_sha256: Sha256Digest,
}

impl Begun {
    /// The newest form. In the first, the file system is of the first edition; a program that knows
    /// no other would go on with other bytes, and so it must refuse the second.
    pub const VERSION: u32 = 2;

    /// Which of our file systems the drive gets.
    pub fn edition(&self) -> Edition {
        if self.version == 1 { Edition::First } else { Edition::Second }
    }

    /// The protector, opened by the keeper if it is sealed.
    pub fn password(&self, keeper: &dyn SecretKeeper) -> Result<RecoveryPassword, Error> {
        match &self.recovery_password {
            KeptPassword::Clear(password) => Ok(password.clone()),
            KeptPassword::Sealed { sealed } => keeper
                .open(&self.serial, sealed)
                .map_err(|source| Error::PasswordSealed { serial: self.serial.clone(), source }),
        }
    }
}

/// A checkpoint. What earlier checkpoints called finished stays so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Segments finished since the last checkpoint.
    pub finished: Vec<Finished>,
    /// How far the unfinished ones are.
    pub streams: Vec<StreamMark>,
    /// The cipher text just before each writer's position, to recognise the drive by.
    pub tails: Vec<Tail>,
}

/// A finished segment of the pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finished {
    /// Its number in the pass.
    pub segment: u64,
    /// What became of the file, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<FileRecord>,
}

/// What became of a file of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Its index in the plan.
    pub index: usize,
    /// Its length.
    pub bytes: u64,
    /// Time of its last change, nanoseconds since 1970.
    pub modified_ns: i64,
    /// What became of it.
    pub end: FileEnd,
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileEnd {
    /// All of it is on the medium.
    Copied(Copied),
    /// It is not in the manifest.
    LeftOut(LeftOut),
}

/// The digests of a copied file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copied {
    /// MD5 of the file.
    pub md5: Md5Digest,
    /// SHA-256 of the file.
    pub sha256: Sha256Digest,
    /// MD5 of every block; empty when the file is one block or none.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "packed")]
    pub(super) blocks: Vec<Md5Digest>,
}

impl Copied {
    /// Keeps the digests; a single block's is the file's own and not kept twice.
    pub fn new(md5: Md5Digest, sha256: Sha256Digest, mut blocks: Vec<Md5Digest>) -> Self {
        if blocks.len() == 1 {
            blocks.clear();
        }
        Copied { md5, sha256, blocks }
    }
}

/// How far an unfinished segment is on the medium; of a file, always whole blocks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamMark {
    /// Its number in the pass.
    pub segment: u64,
    /// Bytes of it that are on the medium.
    pub done_bytes: u64,
    /// MD5 of the file's blocks since the mark before.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "packed")]
    pub new_blocks: Vec<Md5Digest>,
    /// State of the whole-file hashers behind these bytes.
    #[serde(default, skip_serializing_if = "Base64::is_empty")]
    pub hash_state: Base64,
    /// Why the file is left out, in words, if that is known already; the rest becomes zeros.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    left_out: Option<String>,
    /// The same for programs. Earlier programs read the words alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    left_out_code: Option<FileChange>,
}

impl StreamMark {
    /// A mark at so many bytes, for a segment that needs no hashers.
    pub fn new(segment: u64, done_bytes: u64) -> Self {
        let (new_blocks, hash_state) = (Vec::new(), Base64::default());
        let (left_out, left_out_code) = (None, None);
        StreamMark { segment, done_bytes, new_blocks, hash_state, left_out, left_out_code }
    }

    /// Notes that the file is left out.
    pub fn leave_out(&mut self, why: &LeftOut) {
        (self.left_out, self.left_out_code) = (Some(why.text.clone()), Some(why.change));
    }

    /// Why the file is left out, if that is known already.
    pub fn left_out(&self) -> Option<LeftOut> {
        let reason = self.left_out.clone()?;
        Some(LeftOut::new(self.left_out_code.unwrap_or_default(), reason))
    }
}

/// A stretch of the drive and its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tail {
    /// Where it begins on the drive.
    pub offset: u64,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of it, as it lies on the medium.
    pub sha256: Sha256Digest,
}

/// What the job needs to know of a sealed drive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// When.
    pub at: Timestamp,
    /// The manifest on the drive.
    pub manifest: DrivePath,
    /// Its hash as the profile wants it, upper-case hexadecimal.
    pub manifest_hash: String,
    /// The header hash; only in the modern profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header_hash: Option<String>,
    /// Files on the drive that are in its manifest.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Bytes that stand in a record as Base64 without padding.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Base64(pub Vec<u8>);

impl Base64 {
    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Debug for Base64 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD_NO_PAD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD_NO_PAD.decode(text).map(Base64).map_err(serde::de::Error::custom)
    }
}

/// Many digests as one Base64 text, 16 bytes each.
mod packed {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Base64;
    use crate::noun::Md5Digest;

    pub fn serialize<S: Serializer>(
        digests: &[Md5Digest],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        Base64(digests.iter().flat_map(|digest| *digest.bytes()).collect()).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Md5Digest>, D::Error> {
        let Base64(bytes) = Base64::deserialize(deserializer)?;
        let (digests, rest) = bytes.as_chunks::<16>();
        if !rest.is_empty() {
            return Err(serde::de::Error::custom("a digest has 16 bytes"));
        }
        Ok(digests.iter().map(|digest| Md5Digest::new(*digest)).collect())
    }
}
