//! The fixed tables of every volume: `$AttrDef`, security descriptors and `$Secure`, the view
//! indexes of `$Secure` and `$Quota` (`ntfs-write-once` 5 and 7).

use super::time::FileTime;

/// Security id of read-only system files.
pub const SECURITY_READ_ONLY: u32 = 0x100;
/// Security id of other system files.
pub const SECURITY_SYSTEM: u32 = 0x101;
/// Security id of folders.
pub const SECURITY_FOLDER: u32 = 0x102;
/// Security id of files.
pub const SECURITY_FILE: u32 = 0x103;
/// Security id of `System Volume Information` and what is in it, in [`Edition::Second`].
pub const SECURITY_VOLUME: u32 = 0x104;

/// Which of our file systems it is. One that was begun is finished as it was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Edition {
    /// BitLocker's files have the descriptors of all others.
    First,
    /// They have that of Windows: the system and the administrators, nothing inherited.
    #[default]
    Second,
}

/// Bytes of `$AttrDef`.
pub const ATTRDEF_BYTES: usize = 2560;
/// Bytes of `$Secure:$SDS`, at most; both editions take as many clusters. In the second a header of
/// zeros stands behind the last entry, since who audits the stream may read one more.
pub const SDS_BYTES: usize = SDS_COPY_AT + 0x2b4;
/// The entries are repeated at this offset.
const SDS_COPY_AT: usize = 0x4_0000;

/// Bytes of `$Secure:$SDS` in an edition.
pub const fn security_bytes(edition: Edition) -> u64 {
    match edition {
        Edition::First => SDS_COPY_AT as u64 + 0x21c,
        Edition::Second => SDS_BYTES as u64,
    }
}

const ALL: u64 = u64::MAX;
/// Name, type, flags, smallest and largest value.
const ATTRIBUTES: [(&str, u32, u32, u64, u64); 15] = [
    ("$STANDARD_INFORMATION", 0x10, 0x40, 0x30, 0x48),
    ("$ATTRIBUTE_LIST", 0x20, 0x80, 0, ALL),
    ("$FILE_NAME", 0x30, 0x42, 0x44, 0x242),
    ("$OBJECT_ID", 0x40, 0x40, 0, 0x100),
    ("$SECURITY_DESCRIPTOR", 0x50, 0x80, 0, ALL),
    ("$VOLUME_NAME", 0x60, 0x40, 0x2, 0x100),
    ("$VOLUME_INFORMATION", 0x70, 0x40, 0xc, 0xc),
    ("$DATA", 0x80, 0, 0, ALL),
    ("$INDEX_ROOT", 0x90, 0x40, 0, ALL),
    ("$INDEX_ALLOCATION", 0xa0, 0x80, 0, ALL),
    ("$BITMAP", 0xb0, 0x80, 0, ALL),
    ("$REPARSE_POINT", 0xc0, 0x80, 0, 0x4000),
    ("$EA_INFORMATION", 0xd0, 0x40, 0x8, 0x8),
    ("$EA", 0xe0, 0, 0, 0x10000),
    ("$LOGGED_UTILITY_STREAM", 0x100, 0x80, 0, 0x10000),
];

/// `$AttrDef`: what kinds of attributes there are.
pub fn attribute_definitions() -> Vec<u8> {
    let mut table = Vec::with_capacity(ATTRDEF_BYTES);
    for (row, (name, kind, flags, least, most)) in ATTRIBUTES.into_iter().enumerate() {
        table.extend(name.encode_utf16().flat_map(u16::to_le_bytes));
        table.resize(row * 160 + 128, 0);
        table.extend(kind.to_le_bytes());
        table.extend([0; 8]);
        table.extend(flags.to_le_bytes());
        table.extend(least.to_le_bytes());
        table.extend(most.to_le_bytes());
    }
    table.resize(ATTRDEF_BYTES, 0);
    table
}

const SYSTEM: &[u32] = &[18];
const ADMINS: &[u32] = &[32, 544];
const NT: u8 = 5;
const WORLD: u8 = 1;

fn sid(authority: u8, parts: &[u32]) -> Vec<u8> {
    let mut sid = vec![1, parts.len() as u8, 0, 0, 0, 0, 0, authority];
    sid.extend(parts.iter().flat_map(|part| part.to_le_bytes()));
    sid
}

fn admins() -> Vec<u8> {
    sid(NT, ADMINS)
}

fn system() -> Vec<u8> {
    sid(NT, SYSTEM)
}

/// Control bits of a descriptor: relative, with a list of who is let in.
const PLAIN: u16 = 0x8004;
/// The same, and what the folder above hands down is not taken over.
const PROTECTED: u16 = PLAIN | 0x1000 | 0x0400;

fn descriptor(owner: &[u8], group: &[u8], flags: u8, mask: u32, allowed: &[Vec<u8>]) -> Vec<u8> {
    controlled(PLAIN, owner, group, flags, mask, allowed)
}

fn controlled(
    control: u16,
    owner: &[u8],
    group: &[u8],
    flags: u8,
    mask: u32,
    allowed: &[Vec<u8>],
) -> Vec<u8> {
    let mut entries = Vec::new();
    for who in allowed {
        entries.extend([0, flags]);
        entries.extend((8 + who.len() as u16).to_le_bytes());
        entries.extend(mask.to_le_bytes());
        entries.extend(who);
    }
    let list_bytes = 8 + entries.len();
    let owner_at = 0x14 + list_bytes;
    let mut bytes = vec![1, 0];
    bytes.extend(control.to_le_bytes());
    bytes.extend((owner_at as u32).to_le_bytes());
    bytes.extend(((owner_at + owner.len()) as u32).to_le_bytes());
    bytes.extend(0u32.to_le_bytes());
    bytes.extend(0x14u32.to_le_bytes());
    bytes.extend([2, 0]);
    bytes.extend((list_bytes as u16).to_le_bytes());
    bytes.extend((allowed.len() as u16).to_le_bytes());
    bytes.extend([0, 0]);
    bytes.extend(entries);
    bytes.extend(owner);
    bytes.extend(group);
    bytes
}

const READ: u32 = 0x12_0089;
const READ_WRITE: u32 = 0x12_019f;
const FULL: u32 = 0x1f_01ff;

/// The descriptor in the record of a system file that has no security id.
pub fn own_descriptor(read_only: bool) -> Vec<u8> {
    let mask = if read_only { READ } else { READ_WRITE };
    descriptor(&system(), &admins(), 0, mask, &[system(), admins()])
}

/// The shared descriptors, by ascending id from 0x100.
fn shared_descriptors(edition: Edition) -> Vec<Vec<u8>> {
    let some = [system(), admins()];
    let all = [system(), admins(), sid(WORLD, &[0])];
    let mut descriptors = vec![
        descriptor(&admins(), &admins(), 0, READ, &some),
        descriptor(&admins(), &admins(), 0, READ_WRITE, &some),
        descriptor(&admins(), &system(), 3, FULL, &all),
        descriptor(&admins(), &system(), 0x10, FULL, &all),
    ];
    if edition == Edition::Second {
        descriptors.push(controlled(PROTECTED, &admins(), &system(), 3, FULL, &some));
    }
    descriptors
}

fn descriptor_hash(descriptor: &[u8]) -> u32 {
    let (words, _) = descriptor.as_chunks::<4>();
    words
        .iter()
        .fold(0u32, |hash, word| hash.rotate_left(3).wrapping_add(u32::from_le_bytes(*word)))
}

/// A descriptor's entry in `$SDS`: its 20-byte header is repeated in the indexes.
struct Secured {
    id: u32,
    hash: u32,
    offset: usize,
    descriptor: Vec<u8>,
}

impl Secured {
    fn header(&self) -> Vec<u8> {
        let mut header = self.hash.to_le_bytes().to_vec();
        header.extend(self.id.to_le_bytes());
        header.extend((self.offset as u64).to_le_bytes());
        header.extend((20 + self.descriptor.len() as u32).to_le_bytes());
        header
    }
}

fn secured(edition: Edition) -> Vec<Secured> {
    let mut offset = 0;
    let mut entries = Vec::new();
    for (id, descriptor) in (SECURITY_READ_ONLY..).zip(shared_descriptors(edition)) {
        let length = 20 + descriptor.len();
        entries.push(Secured { id, hash: descriptor_hash(&descriptor), offset, descriptor });
        offset += length.next_multiple_of(16);
    }
    entries
}

/// `$Secure:$SDS`.
pub fn security_stream(edition: Edition) -> Vec<u8> {
    let mut stream = vec![0; security_bytes(edition) as usize];
    for entry in secured(edition) {
        let bytes = [entry.header(), entry.descriptor.clone()].concat();
        for at in [entry.offset, SDS_COPY_AT + entry.offset] {
            stream[at..at + bytes.len()].copy_from_slice(&bytes);
        }
    }
    stream
}

/// The root of a view index: no type, its own collation, all entries in the record.
pub fn view_root(collation: u32, entries: &[Vec<u8>], blocks_unit: u8) -> Vec<u8> {
    let end = [0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 2, 0, 0, 0];
    let bytes: usize = entries.iter().map(Vec::len).sum::<usize>() + end.len();
    let mut root = 0u32.to_le_bytes().to_vec();
    root.extend(collation.to_le_bytes());
    root.extend(4096u32.to_le_bytes());
    root.extend([blocks_unit, 0, 0, 0]);
    root.extend(16u32.to_le_bytes());
    root.extend((16 + bytes as u32).to_le_bytes());
    root.extend((16 + bytes as u32).to_le_bytes());
    root.extend(0u32.to_le_bytes());
    root.extend(entries.concat());
    root.extend(end);
    root
}

fn view_entry(key: &[u8], data: &[u8], behind: &[u8]) -> Vec<u8> {
    let data_at = 0x10 + key.len();
    let length = (data_at + data.len() + behind.len()).next_multiple_of(8);
    let mut entry = (data_at as u16).to_le_bytes().to_vec();
    entry.extend((data.len() as u16).to_le_bytes());
    entry.extend([0; 4]);
    entry.extend((length as u16).to_le_bytes());
    entry.extend((key.len() as u16).to_le_bytes());
    entry.extend([0; 4]);
    entry.extend(key);
    entry.extend(data);
    entry.extend(behind);
    entry.resize(length, 0);
    entry
}

/// `$Secure:$SDH`: descriptors by hash.
pub fn by_hash(edition: Edition) -> Vec<Vec<u8>> {
    let mut entries = secured(edition);
    entries.sort_by_key(|entry| (entry.hash, entry.id));
    let key = |entry: &Secured| [entry.hash.to_le_bytes(), entry.id.to_le_bytes()].concat();
    entries.iter().map(|entry| view_entry(&key(entry), &entry.header(), b"I\0I\0")).collect()
}

/// `$Secure:$SII`: descriptors by id.
pub fn by_id(edition: Edition) -> Vec<Vec<u8>> {
    secured(edition)
        .iter()
        .map(|entry| view_entry(&entry.id.to_le_bytes(), &entry.header(), &[]))
        .collect()
}

/// `$Quota:$Q`: no limits, for the defaults and for the administrators.
pub fn quotas(time: FileTime) -> Vec<Vec<u8>> {
    let mut value = [2u32.to_le_bytes(), 1u32.to_le_bytes()].concat();
    value.extend([0; 8]);
    value.extend(time.0.to_le_bytes());
    value.extend([0xff; 16]);
    value.extend([0; 8]);
    let admins = [value.clone(), admins()].concat();
    vec![
        view_entry(&1u32.to_le_bytes(), &value, &[]),
        view_entry(&0x100u32.to_le_bytes(), &admins, &[]),
    ]
}

/// `$Quota:$O`: the administrators' quota by their SID.
pub fn owners() -> Vec<Vec<u8>> {
    vec![view_entry(&admins(), &0x100u32.to_le_bytes(), &0x20u32.to_le_bytes())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_attribute_definitions_are_those_of_windows() {
        assert_eq!(
            hex(&Sha256::digest(attribute_definitions())),
            "d7de5b1b2f79f45f235ceb1adbc46908ed64eae174eb90ed66aefe5f25165da3"
        );
    }

    #[test]
    fn the_descriptors_have_the_published_hashes() {
        let hashes =
            |edition| secured(edition).iter().map(|entry| entry.hash).collect::<Vec<u32>>();
        let first = [0xf803_12f0, 0x00b3_2451, 0xf6bc_cdbc, 0x5ebd_1bbd];
        assert_eq!(hashes(Edition::First), first);
        assert_eq!(hashes(Edition::Second)[..4], first, "those of the first stay as they are");
        assert_eq!(own_descriptor(true).len(), 100);
        assert_eq!(
            hex(&shared_descriptors(Edition::First)[3]),
            "010004805c0000006c00000000000000140000000200480003000000\
             00101400ff011f00010100000000000512000000\
             00101800ff011f0001020000000000052000000020020000\
             00101400ff011f00010100000000000100000000\
             01020000000000052000000020020000010100000000000512000000"
        );
    }

    #[test]
    fn the_descriptor_of_bitlockers_files_is_cut_off_from_the_folder_above() {
        // O:BAG:SYD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)
        assert_eq!(
            hex(&shared_descriptors(Edition::Second)[4]),
            "010004944800000058000000000000001400000002003400020000000003\
             1400ff011f000101000000000005120000000003\
             1800ff011f0001020000000000052000000020020000\
             01020000000000052000000020020000010100000000000512000000"
        );
        assert_eq!(secured(Edition::Second)[4].id, SECURITY_VOLUME);
    }

    #[test]
    fn the_stream_is_as_long_as_it_says_and_takes_as_many_clusters_in_both_editions() {
        for edition in [Edition::First, Edition::Second] {
            let last = secured(edition).pop().unwrap();
            let end = SDS_COPY_AT + last.offset + 20 + last.descriptor.len();
            let bytes = match edition {
                Edition::First => end,
                Edition::Second => end.next_multiple_of(16) + 20,
            };
            assert_eq!(
                (bytes as u64, security_stream(edition).len()),
                (security_bytes(edition), bytes)
            );
            for cluster in [512, 1024, 4096, 65536] {
                let clusters = security_bytes(edition).div_ceil(cluster);
                assert_eq!(clusters, (SDS_BYTES as u64).div_ceil(cluster), "{edition:?} {cluster}");
            }
        }
    }
}
