//! Drives that somebody with the key made hostile, or that fail: each structure of the file system
//! changed in the ways that lead a reader astray, and a sector that cannot be read in each place
//! that is read. What is whole is read all the same, the rest is told, nothing is followed for ever.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests set their stage with plain files and may fail anywhere"
)]

mod stage;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use disk_prep::drive::{DriveName, find};
use disk_prep::journal::JournalFolder;
use disk_prep::manifest::Profile;
use disk_prep::monitor::VoidMonitor;
use disk_prep::noun::{Diagnose, RecoveryPassword};
use disk_prep::verify::{Difference, VerifyOptions, VerifyReport, verify};
use disk_prep::volume::bitlocker::unlock::UnlockedVolume;
use disk_prep::volume::bitlocker::write::VolumeKey;
use disk_prep::volume::view::{FileView, Unreadable, ViewError, find_volume, unlock};

use stage::{Inside, Layer, VOLUME, attribute, seal, u16_at, u32_at, volume_key};

struct Bench {
    folder: tempfile::TempDir,
    name: DriveName,
    password: RecoveryPassword,
}

impl Bench {
    fn new(profile: Profile, entries: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (name, password) = seal(folder.path(), profile, entries);
        Bench { folder, name, password }
    }

    fn image(&self) -> std::path::PathBuf {
        self.folder.path().join("S1.img")
    }

    fn verify(&self) -> Result<VerifyReport, disk_prep::Error> {
        let journals = Some(JournalFolder::new(self.folder.path().join("journals")));
        let options = VerifyOptions { journals, ..VerifyOptions::default() };
        verify(&find(&self.name)?, &options, &VoidMonitor)
    }
}

/// A good drive, unlocked, with a layer in which each case changes something.
fn with_inside(entries: usize, work: impl FnOnce(&Inside<'_>, &Bench)) {
    let bench = Bench::new(Profile::Legacy, entries);
    let layer = Layer::over(&bench.image());
    let key: VolumeKey = volume_key(&layer, &bench.password);
    let (_, place) = find_volume(&layer).unwrap();
    let volume: UnlockedVolume<'_> = unlock(&layer, place, &bench.password).unwrap();
    work(&Inside { layer: &layer, volume: &volume, key: &key }, &bench);
}

const ENTRIES: usize = 200;
/// More than may lie within each other.
const DEEP: usize = 600;

/// The files of the drive, without those of the volume itself.
fn names(view: &FileView<'_>) -> BTreeSet<String> {
    view.files.iter().map(|(path, _)| path).filter(|path| path.starts_with("\\job-1\\")).collect()
}

/// How a node of an index ends: the place of its last entry.
fn last_entry(node: &[u8]) -> usize {
    let mut at = 24 + u32_at(node, 24) as usize;
    while node[at + 12] & 2 == 0 {
        at += u16_at(node, at + 8);
    }
    at
}

/// Makes the last entry of a node lead to another node.
fn lead_to(node: &mut [u8], vcn: u64) {
    let at = last_entry(node);
    node[at + 8..at + 10].copy_from_slice(&24u16.to_le_bytes());
    node[at + 12] = 3;
    node[at + 16..at + 24].copy_from_slice(&vcn.to_le_bytes());
    let used = (at + 24 - 24) as u32;
    node[28..32].copy_from_slice(&used.to_le_bytes());
}

/// Replaces a name in a folder whose names lie in its record, by one of the same length.
fn rename(inside: &Inside<'_>, from: &str, to: &str) {
    let wide = |name: &str| name.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let (from, to) = (wide(from), wide(to));
    assert_eq!(from.len(), to.len());
    inside.edit_attribute(inside.find("job-1"), 0x90, |root| {
        let at = root.windows(from.len()).position(|window| window == from).unwrap();
        root[at..at + to.len()].copy_from_slice(&to);
    });
}

type Change = fn(&Inside<'_>);

fn nodes_of_many(inside: &Inside<'_>) -> Vec<u64> {
    inside.nodes(inside.find("many"))
}

/// Changes to one part: what is told of it, of which path.
const PARTS: &[(&str, Change, &str, &str)] = &[
    (
        "a node that leads to itself",
        |inside| inside.edit(nodes_of_many(inside)[0], 4096, |node| lead_to(node, 0)),
        "lead back to themselves",
        "\\job-1\\many",
    ),
    (
        "two nodes that lead to each other",
        |inside| {
            let nodes = nodes_of_many(inside);
            inside.edit(nodes[1], 4096, |node| lead_to(node, 2));
            inside.edit(nodes[2], 4096, |node| lead_to(node, 1));
        },
        "lead back to themselves",
        "\\job-1\\many",
    ),
    (
        "a node that leads to one beside it",
        |inside| inside.edit(nodes_of_many(inside)[3], 4096, |node| lead_to(node, 4)),
        "lead back to themselves",
        "\\job-1\\many",
    ),
    (
        "a node that says that it is another",
        |inside| inside.edit(nodes_of_many(inside)[2], 4096, |node| node[16] = 99),
        "not the one it should be",
        "\\job-1\\many",
    ),
    (
        "a node that is torn",
        |inside| {
            let at = nodes_of_many(inside)[1];
            let mut node = inside.read(at, 4096);
            node[1022] ^= 1;
            inside.write(at, &node);
        },
        "torn",
        "\\job-1\\many",
    ),
    (
        "an entry without a length",
        |inside| {
            inside.edit(nodes_of_many(inside)[1], 4096, |node| {
                let at = 24 + u32_at(node, 24) as usize;
                node[at + 8..at + 10].fill(0);
            });
        },
        "length of an index entry",
        "\\job-1\\many",
    ),
    (
        "a node that uses more than it has",
        |inside| {
            inside.edit(nodes_of_many(inside)[1], 4096, |node| node[28..32].fill(0xff));
        },
        "size of its index node",
        "\\job-1\\many",
    ),
    (
        "a node whose entries begin behind their end",
        |inside| {
            inside.edit(nodes_of_many(inside)[1], 4096, |node| {
                let end = u32_at(node, 28) + 8;
                node[24..28].copy_from_slice(&end.to_le_bytes());
            });
        },
        "size of its index node",
        "\\job-1\\many",
    ),
    (
        "a key that is longer than its entry",
        |inside| {
            inside.edit(nodes_of_many(inside)[1], 4096, |node| {
                let at = 24 + u32_at(node, 24) as usize;
                node[at + 10..at + 12].fill(0xff);
            });
        },
        "length of an index entry",
        "\\job-1\\many",
    ),
    (
        "index records of two gigabytes",
        |inside| {
            inside.edit_attribute(inside.find("many"), 0x90, |root| {
                let at = u16_at(root, 20) + 8;
                root[at..at + 4].copy_from_slice(&0x8000_0000u32.to_le_bytes());
            });
        },
        "size of index records",
        "\\job-1\\many",
    ),
    (
        "an attribute that is longer than its record",
        |inside| {
            inside.edit_attribute(inside.find("plain"), 0x30, |own| {
                own[4..8].copy_from_slice(&0xffff_fff8u32.to_le_bytes());
            });
        },
        "attribute length",
        "\\job-1\\plain",
    ),
    (
        "an attribute without a length",
        |inside| inside.edit_attribute(inside.find("plain"), 0x30, |own| own[4..8].fill(0)),
        "attribute length",
        "\\job-1\\plain",
    ),
    (
        "a value that is longer than its attribute",
        |inside| {
            inside.edit_attribute(inside.find("small"), 0x30, |own| own[16..20].fill(0xff));
        },
        "attribute value",
        "\\job-1\\small",
    ),
    (
        "a name of an attribute outside of it",
        |inside| {
            inside.edit_attribute(inside.find("plain"), 0x80, |own| {
                own[9] = 255;
                own[10..12].fill(0xff);
            });
        },
        "attribute name",
        "\\job-1\\plain",
    ),
    (
        "clusters that the volume does not have",
        |inside| {
            inside.edit_attribute(inside.find("plain"), 0x80, |own| {
                let at = u16_at(own, 32);
                own[at..at + 6].copy_from_slice(&[0x41, 2, 0xff, 0xff, 0xff, 0x7f]);
                own[at + 6] = 0;
            });
        },
        "clusters that the volume does not have",
        "\\job-1\\plain",
    ),
    (
        "a hole of 2^60 bytes",
        |inside| {
            inside.edit_attribute(inside.find("plain"), 0x80, |own| {
                let at = u16_at(own, 32);
                own[at..at + 8].copy_from_slice(&[0x07, 0, 0, 0, 0, 0, 0, 1]);
                own[24..32].copy_from_slice(&((1u64 << 48) - 1).to_le_bytes());
                for place in [40, 48, 56] {
                    own[place..place + 8].copy_from_slice(&(1u64 << 60).to_le_bytes());
                }
            });
        },
        "clusters that the volume does not have",
        "\\job-1\\plain",
    ),
    (
        "runs that do not add up",
        |inside| inside.edit_attribute(inside.find("plain"), 0x80, |own| own[24] = 77),
        "runs",
        "\\job-1\\plain",
    ),
    (
        "a run of no length",
        |inside| {
            inside.edit_attribute(inside.find("plain"), 0x80, |own| {
                let at = u16_at(own, 32);
                own[at] &= 0xf0;
            });
        },
        "list of runs",
        "\\job-1\\plain",
    ),
    (
        "more data than clusters",
        |inside| {
            inside.edit_attribute(inside.find("plain"), 0x80, |own| {
                own[48..56].copy_from_slice(&(1u64 << 60).to_le_bytes());
            });
        },
        "size",
        "\\job-1\\plain",
    ),
    (
        "data that was never written",
        |inside| inside.edit_attribute(inside.find("plain"), 0x80, |own| own[56..64].fill(0)),
        "were ever written",
        "\\job-1\\plain",
    ),
    (
        "data that is compressed",
        |inside| inside.edit_attribute(inside.find("plain"), 0x80, |own| own[12] = 1),
        "compressed",
        "\\job-1\\plain",
    ),
    (
        "data that is encrypted",
        |inside| inside.edit_attribute(inside.find("plain"), 0x80, |own| own[13] = 0x40),
        "encrypted",
        "\\job-1\\plain",
    ),
    (
        "a reparse point",
        |inside| inside.edit_attribute(inside.find("plain"), 0x80, |own| own[0] = 0xc0),
        "reparse point",
        "\\job-1\\plain",
    ),
    (
        "a folder that is a reparse point",
        |inside| inside.edit_attribute(inside.find("many"), 0x10, |own| own[0] = 0xc0),
        "reparse point",
        "\\job-1\\many",
    ),
    (
        "a list of attributes",
        |inside| inside.edit_attribute(inside.find("plain"), 0x10, |own| own[0] = 0x20),
        "spread over several records",
        "\\job-1\\plain",
    ),
    (
        "a file without data",
        |inside| inside.edit_attribute(inside.find("plain"), 0x80, |own| own[0] = 0xe0),
        "no data",
        "\\job-1\\plain",
    ),
    (
        "a record that is torn",
        |inside| {
            let at = inside.record(inside.find("plain"));
            let mut record = inside.read(at, 1024);
            record[510] ^= 1;
            inside.write(at, &record);
        },
        "torn",
        "\\job-1\\plain",
    ),
    (
        "a record that is none",
        |inside| {
            let at = inside.record(inside.find("plain"));
            inside.write(at, &[0xaa; 1024]);
        },
        "no record where one should be",
        "\\job-1\\plain",
    ),
    (
        "an update sequence outside of its record",
        |inside| {
            let at = inside.record(inside.find("plain"));
            let mut record = inside.read(at, 1024);
            record[4..8].fill(0xff);
            inside.write(at, &record);
        },
        "update sequence",
        "\\job-1\\plain",
    ),
    (
        "a record that is free",
        |inside| inside.edit(inside.record(inside.find("plain")), 1024, |record| record[22] = 0),
        "no longer its own",
        "\\job-1\\plain",
    ),
    (
        "a record of another time",
        |inside| inside.edit(inside.record(inside.find("plain")), 1024, |record| record[16] ^= 7),
        "no longer its own",
        "\\job-1\\plain",
    ),
    (
        "a record that uses more than it has",
        |inside| {
            inside.edit(inside.record(inside.find("plain")), 1024, |record| {
                record[24..28].fill(0xff);
            });
        },
        "size",
        "\\job-1\\plain",
    ),
    (
        "attributes without an end",
        |inside| {
            inside.edit(inside.record(inside.find("plain")), 1024, |record| {
                let (at, length) = attribute(record, 0x80).unwrap();
                record[24..28].copy_from_slice(&((at + length) as u32).to_le_bytes());
            });
        },
        "end of its attributes",
        "\\job-1\\plain",
    ),
    ("a name with NUL", |inside| rename(inside, "plain", "pl\0in"), "none that a file", "pl\\0in"),
    ("a name with a path", |inside| rename(inside, "plain", "..\\in"), "none that a file", "in"),
    ("a name with a slash", |inside| rename(inside, "plain", "pl/in"), "none that a file", "pl/in"),
    (
        "a folder that holds itself",
        |inside| {
            let own = inside.find("job-1");
            let sequence = u16_at(&inside.read(inside.record(own), 1024), 16) as u64;
            inside.edit_attribute(inside.find("deep"), 0x90, |root| {
                let at = u16_at(root, 20) + 16 + 16;
                root[at..at + 8].copy_from_slice(&(sequence << 48 | own).to_le_bytes());
            });
        },
        "met before",
        "\\job-1\\deep",
    ),
    (
        "a record that the file table does not have",
        |inside| {
            inside.edit_attribute(inside.find("deeper"), 0x90, |root| {
                let at = u16_at(root, 20) + 16 + 16;
                root[at..at + 6].fill(0xff);
            });
        },
        "not in the file table",
        "leaf",
    ),
    (
        "a folder without a list of names",
        |inside| inside.edit_attribute(inside.find("many"), 0x90, |root| root[0] = 0xe0),
        "not that of a folder",
        "\\job-1\\many",
    ),
];

/// Changes after which nothing can be read, and what is said.
const WHOLE: &[(&str, Change, &str)] = &[
    ("no boot sector", |inside| inside.write(0, &[0; 512]), "boot signature"),
    ("clusters of no size", |inside| boot(inside, 13, &[0]), "cluster size"),
    ("clusters of 254 sectors", |inside| boot(inside, 13, &[254]), "cluster size"),
    ("records of 127 clusters", |inside| boot(inside, 64, &[127]), "record size"),
    ("records of 2^31 bytes", |inside| boot(inside, 64, &[0xe1]), "record size"),
    ("more sectors than there are", |inside| boot(inside, 40, &[0xff; 8]), "number of sectors"),
    ("a file table elsewhere", |inside| boot(inside, 48, &[0xff; 8]), "place of the file table"),
    ("a file table at the start", |inside| boot(inside, 48, &[0; 8]), "place of the file table"),
    (
        "a file table whose runs are broken",
        |inside| {
            inside.edit_attribute(0, 0x80, |own| {
                let at = u16_at(own, 32);
                own[at] = 0xff;
            });
        },
        "list of runs",
    ),
    (
        "a file table that lies elsewhere",
        |inside| {
            inside.edit_attribute(0, 0x80, |own| own[24..32].fill(0xff));
        },
        "runs",
    ),
    (
        "a file table in a list",
        |inside| inside.edit_attribute(0, 0x10, |own| own[0] = 0x20),
        "spread over several records",
    ),
    (
        "a file table without data",
        |inside| inside.edit_attribute(0, 0x80, |own| own[0] = 0xe0),
        "no attribute of type Data",
    ),
    (
        "no version",
        |inside| {
            inside.edit_attribute(3, 0x70, |own| own[16..20].copy_from_slice(&4u32.to_le_bytes()));
        },
        "volume information",
    ),
    (
        "no root folder",
        |inside| inside.edit_attribute(5, 0x90, |own| own[0] = 0xe0),
        "not that of a folder",
    ),
];

fn boot(inside: &Inside<'_>, at: usize, bytes: &[u8]) {
    let mut sector = inside.read(0, 512);
    sector[at..at + bytes.len()].copy_from_slice(bytes);
    inside.write(0, &sector);
}

#[test]
fn each_hostile_part_is_told_and_the_rest_is_read() {
    with_inside(ENTRIES, |inside, _| {
        let good = names(&FileView::open(inside.volume).unwrap());
        assert_eq!(good.len(), ENTRIES + 6);
        for (what, change, fault, path) in PARTS {
            inside.layer.reset();
            change(inside);
            let begun = Instant::now();
            let view =
                FileView::open(inside.volume).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert!(begun.elapsed() < Duration::from_secs(5), "{what} ends soon");
            let told: Vec<String> = view.unreadable.iter().map(ToString::to_string).collect();
            let is_it = |text: &&String| text.contains(fault) && text.contains(path);
            assert!(told.iter().any(|text| is_it(&text)), "{what}: {told:?}");
            assert!(told.len() <= 2, "{what}: {told:?}");
            let found = names(&view);
            assert!(found.is_subset(&good) && found.len() < good.len(), "{what}");
            let below = if path.contains("many") { "\\job-1\\large" } else { "\\job-1\\many\\" };
            assert!(found.iter().any(|own| own.starts_with(below)), "{what}: the rest is read");
        }
        inside.layer.reset();
        assert_eq!(names(&FileView::open(inside.volume).unwrap()), good);
    });
}

#[test]
fn a_volume_without_its_first_structures_says_which() {
    with_inside(ENTRIES, |inside, _| {
        for (what, change, fault) in WHOLE {
            inside.layer.reset();
            change(inside);
            match FileView::open(inside.volume) {
                Err(ViewError::FileSystem { fault: told }) => {
                    assert!(told.contains(fault), "{what}: {told}");
                }
                other => panic!("{what}: {:?}", other.map(|view| view.unreadable)),
            }
        }
    });
}

/// Turns the entries of the large folder into folders, each within the one before.
fn chain(inside: &Inside<'_>) {
    let first = inside.find("a rather long name of an entry 0000");
    for number in first..first + DEEP as u64 {
        let sequence = |number| u16_at(&inside.read(inside.record(number), 1024), 16) as u64;
        let next =
            (number + 1 < first + DEEP as u64).then(|| sequence(number + 1) << 48 | (number + 1));
        let mut root = Vec::new();
        root.extend(0x90u32.to_le_bytes());
        root.extend([0; 4]);
        root.extend([0, 4, 24, 0, 0, 0, 9, 0]);
        root.extend([0; 4]);
        root.extend([32, 0, 0, 0]);
        root.extend("$I30".encode_utf16().flat_map(u16::to_le_bytes));
        let mut value = Vec::new();
        value.extend([0x30, 0, 0, 0, 1, 0, 0, 0, 0, 16, 0, 0, 1, 0, 0, 0]);
        let mut entries = Vec::new();
        if let Some(next) = next {
            let mut entry = next.to_le_bytes().to_vec();
            entry.extend([88, 0, 68, 0, 0, 0, 0, 0]);
            entry.extend([0; 64]);
            entry.extend([1, 1, b'd', 0, 0, 0, 0, 0]);
            entries.extend(entry);
        }
        entries.extend([0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 2, 0, 0, 0]);
        value.extend(16u32.to_le_bytes());
        value.extend((16 + entries.len() as u32).to_le_bytes());
        value.extend((16 + entries.len() as u32).to_le_bytes());
        value.extend([0; 4]);
        value.extend(entries);
        root[16..20].copy_from_slice(&(value.len() as u32).to_le_bytes());
        root.extend(value);
        let length = root.len() as u32;
        root[4..8].copy_from_slice(&length.to_le_bytes());
        inside.edit(inside.record(number), 1024, |record| {
            record[22] = 3;
            let at = u16_at(record, 20);
            record[at..at + root.len()].copy_from_slice(&root);
            let end = at + root.len();
            record[end..end + 4].fill(0xff);
            record[end + 4..end + 8].fill(0);
            record[24..28].copy_from_slice(&(end as u32 + 8).to_le_bytes());
        });
    }
}

/// The first folder of the chain; its name is gone.
fn deepest_first(inside: &Inside<'_>) -> u64 {
    let is_it = |number: &u64| {
        let record = inside.read(inside.record(*number), 1024);
        record[22] == 3 && attribute(&record, 0x30).is_none()
    };
    (24..1000).find(is_it).unwrap()
}

#[test]
fn folders_within_folders_end_somewhere() {
    with_inside(DEEP, |inside, _| {
        chain(inside);
        // The large folder itself names them all; so the first is named by another alone.
        inside.edit_attribute(inside.find("many"), 0x90, |root| root[0] = 0xe0);
        inside.edit_attribute(inside.find("deep"), 0x90, |root| {
            let at = u16_at(root, 20) + 16 + 16;
            let record = deepest_first(inside);
            root[at..at + 6].copy_from_slice(&record.to_le_bytes()[..6]);
        });
        let view = FileView::open(inside.volume).unwrap();
        let told: Vec<String> = view.unreadable.iter().map(ToString::to_string).collect();
        assert!(told.iter().any(|text| text.contains("below more than 512 folders")), "{told:?}");
        assert!(view.files.get("\\job-1\\large").is_some());
    });
}

/// Every place that is read on the way from the first sector to the last name, unreadable in turn.
#[test]
fn a_bad_sector_anywhere_costs_at_most_what_lies_in_it() {
    let bench = Bench::new(Profile::Legacy, ENTRIES);
    let layer = Layer::over(&bench.image());
    *layer.read.lock().unwrap() = Some(Vec::new());
    let (_, place) = find_volume(&layer).unwrap();
    let of_the_table = layer.read.lock().unwrap().replace(Vec::new()).unwrap();
    for range in of_the_table {
        layer.reset();
        layer.bad.lock().unwrap().push(range.clone());
        let (tables, found) = find_volume(&layer).unwrap();
        assert_eq!(found, place, "the other copy says the same");
        let is_told = tables.primary.is_err() != tables.backup.is_err();
        assert!(is_told || range.start == 0 && tables.doubts.len() == 1, "{range:?}");
    }
    layer.reset();
    let volume = unlock(&layer, place, &bench.password).unwrap();
    layer.read.lock().unwrap().replace(Vec::new());
    let good = names(&FileView::open(&volume).unwrap());
    let read = layer.read.lock().unwrap().take().unwrap();
    let pages: BTreeSet<u64> =
        read.iter().flat_map(|range| range.start / 4096..range.end.div_ceil(4096)).collect();
    assert!(pages.len() > 50, "{}", pages.len());
    let (mut whole, mut parts, mut small) = (0, 0, 0);
    for page in pages {
        layer.reset();
        layer.bad.lock().unwrap().push(page * 4096..(page + 1) * 4096);
        match FileView::open(&volume) {
            Err(error) => {
                let told = format!("{error} {error:?}");
                assert!(told.contains("os error 5") || told.contains("code: 5"), "{told}");
                whole += 1;
            }
            Ok(view) => {
                let found = names(&view);
                assert!(found.is_subset(&good), "page {page}");
                let is_told = view.unreadable.iter().any(|own| own.fault.contains("os error 5"));
                assert!(found == good || is_told, "page {page}: {:?}", view.unreadable);
                // A page holds four records, or one node of some thirty names.
                small += usize::from(found.len() + 60 > good.len());
                parts += 1;
            }
        }
    }
    assert!(whole >= 2 && small * 4 > parts * 3, "{whole} {parts} {small}");
}

/// The metadata blocks are three, and a drive with one opens.
#[test]
fn a_bad_sector_in_the_encryptions_own_places_is_told_with_its_code() {
    let bench = Bench::new(Profile::Legacy, ENTRIES);
    let layer = Layer::over(&bench.image());
    let (_, place) = find_volume(&layer).unwrap();
    let metadata = unlock(&layer, place, &bench.password).unwrap().metadata().clone();
    let fail = |at: u64| layer.bad.lock().unwrap().push(VOLUME + at..VOLUME + at + 512);
    metadata.metadata[..2].iter().for_each(|&at| fail(at));
    assert_eq!(unlock(&layer, place, &bench.password).unwrap().intact_copies(), 1);
    fail(metadata.metadata[2]);
    let code = |error| match error {
        ViewError::Unlock(error) => error.code(),
        other => panic!("{other}"),
    };
    assert_eq!(code(unlock(&layer, place, &bench.password).unwrap_err()), "volume-read");
    layer.reset();
    fail(0);
    assert_eq!(code(unlock(&layer, place, &bench.password).unwrap_err()), "volume-read");
    layer.reset();
    fail(metadata.header_copy);
    let volume = unlock(&layer, place, &bench.password).unwrap();
    assert_eq!(code(FileView::open(&volume).unwrap_err()), "volume-read");
}

#[test]
fn what_cannot_be_read_of_ours_is_a_difference_and_the_rest_is_compared() {
    with_inside(ENTRIES, |inside, bench| {
        assert_eq!(bench.verify().unwrap().differences, []);
        inside.edit_attribute(inside.find("plain"), 0x80, |own| own[12] = 1);
        inside.edit(nodes_of_many(inside)[0], 4096, |node| lead_to(node, 0));
        inside.layer.settle(&bench.image());
        let report = bench.verify().unwrap();
        let unreadable: Vec<&str> = report
            .differences
            .iter()
            .filter_map(|difference| match difference {
                Difference::Unreadable { path, .. } => Some(path.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(unreadable, ["\\job-1\\plain", "\\job-1\\many"]);
        assert!(report.files >= 5, "{}", report.files);
        assert_eq!(report.added, Vec::<String>::new());
    });
}

/// A stream of a file of the system: where its first cluster lies.
fn stream(inside: &Inside<'_>, record: u64, kind: u32, name: &str) -> u64 {
    let bytes = inside.read(inside.record(record), 1024);
    let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut at = u16_at(&bytes, 20);
    loop {
        let (own, length) = (u32_at(&bytes, at), u32_at(&bytes, at + 4) as usize);
        let value = &bytes[at..at + length];
        let name_at = u16_at(value, 10);
        if own == kind
            && value[name_at..].starts_with(&name)
            && usize::from(value[9]) * 2 == name.len()
        {
            let runs = &value[u16_at(value, 32)..];
            let (count, place) = (usize::from(runs[0] & 15), usize::from(runs[0] >> 4));
            let first = runs[1 + count..][..place].iter().rev();
            let first = first.fold(0u64, |number, &byte| number << 8 | u64::from(byte));
            return first * inside.cluster_bytes();
        }
        at += length;
    }
}

/// Changes a block of the cipher, as a change of one raw byte does.
fn garble(inside: &Inside<'_>, at: u64) {
    let sector = at / 512 * 512;
    let mut bytes = inside.read(sector, 512);
    let block = (at - sector) as usize / 16 * 16;
    for (place, byte) in bytes[block..block + 16].iter_mut().enumerate() {
        *byte ^= 0xa5u8.rotate_left(place as u32) | 1;
    }
    inside.write(sector, &bytes);
}

const DATA: u32 = 0x80;
const BITMAP: u32 = 0xb0;

type Place = fn(&Inside<'_>) -> u64;

/// Places in files of the system, and which file it is.
const PLACES: &[(&str, Place, &str)] = &[
    ("the boot sector, unused", |_| 0x60, "$Boot"),
    ("behind the boot sector", |_| 5000, "$Boot"),
    ("the last sector", |inside| inside.volume.size() - 512 + 0x30, "$Boot"),
    ("the end of the last sector", |inside| inside.volume.size() - 16, "$Boot"),
    ("the mirror", |inside| stream(inside, 1, DATA, ""), "$MFTMirr"),
    ("the end of the mirror", |inside| stream(inside, 1, DATA, "") + 4095, "$MFTMirr"),
    ("what is mirrored, unused", |inside| inside.record(2) + 900, "$MFTMirr"),
    ("the log", |inside| stream(inside, 2, DATA, ""), "$LogFile"),
    ("the log's inside", |inside| stream(inside, 2, DATA, "") + 1_300_000, "$LogFile"),
    ("$AttrDef", |inside| stream(inside, 4, DATA, "") + 2000, "$AttrDef"),
    ("$AttrDef's end", |inside| stream(inside, 4, DATA, "") + 2559, "$AttrDef"),
    ("$UpCase", |inside| stream(inside, 10, DATA, "") + 100_000, "$UpCase"),
    ("a descriptor", |inside| stream(inside, 9, DATA, "$SDS") + 0x60, "$Secure"),
    ("a head of a descriptor", |inside| stream(inside, 9, DATA, "$SDS") + 0x80, "$Secure"),
    ("between descriptors and copy", |inside| stream(inside, 9, DATA, "$SDS") + 9999, "$Secure"),
    ("a copy", |inside| stream(inside, 9, DATA, "$SDS") + 0x4_0100, "$Secure"),
    ("the table's bitmap", |inside| stream(inside, 0, BITMAP, ""), "$MFT"),
    ("the table's bitmap's end", |inside| stream(inside, 0, BITMAP, "") + 32, "$MFT"),
    ("$Bitmap", |inside| stream(inside, 6, DATA, ""), "$Bitmap"),
    ("free clusters", |inside| stream(inside, 6, DATA, "") + 1800, "$Bitmap"),
    ("a free record of the system", |inside| inside.record(17), "$MFT"),
    ("a free record", |inside| inside.record(40) + 0x20, "$MFT"),
    ("the names of the root", |inside| inside.nodes(5)[0] + 0x50, "$AttrDef"),
];

/// Bytes of a file that are proved, if it is of the system: all of its record that is in use.
const RECORDS: &[(u64, &str)] = &[
    (4, "$AttrDef"),
    (6, "$Bitmap"),
    (7, "$Boot"),
    (8, "$BadClus"),
    (9, "$Secure"),
    (10, "$UpCase"),
    (11, "$Extend"),
    (12, "$MFT"),
    (24, "$Quota"),
    (25, "$ObjId"),
    (26, "$Reparse"),
];

/// The files of the system that are said to be damaged.
fn damaged(inside: &Inside<'_>) -> Vec<(&'static str, String)> {
    match FileView::open(inside.volume) {
        Ok(view) => {
            let damages = view.damages(&|| false).into_iter();
            damages.map(|damage| (damage.file, damage.fault)).collect()
        }
        Err(error) => vec![("all", error.to_string())],
    }
}

#[test]
fn a_block_of_any_file_of_the_system_that_changed_is_told_of_it() {
    with_inside(ENTRIES, |inside, bench| {
        assert_eq!(damaged(inside), []);
        for (what, place, file) in PLACES {
            inside.layer.reset();
            garble(inside, place(inside));
            let told = damaged(inside);
            assert!(told.iter().any(|(own, _)| own == file), "{what}: {told:?}");
        }
        let mut silent = Vec::new();
        for &(number, file) in RECORDS {
            inside.layer.reset();
            let record = inside.record(number);
            let used = u32_at(&inside.read(record, 32), 24) as u64;
            for block in 0..used / 16 {
                inside.layer.reset();
                garble(inside, record + block * 16);
                let told = damaged(inside);
                if told.is_empty() {
                    silent.push((file, block * 16));
                }
            }
        }
        assert_eq!(silent, []);
        inside.layer.reset();
        garble(inside, stream(inside, 1, DATA, "") + 1024);
        inside.layer.settle(&bench.image());
        let report = bench.verify().unwrap();
        let fault = "record 1: a record has a signature that does not fit".to_owned();
        assert_eq!(
            report.differences,
            [Difference::FileSystem { file: "$MFTMirr".to_owned(), fault }]
        );
        let told = report.differences[0].to_string();
        assert!(told.starts_with("$MFTMirr of the file system is damaged: "), "{told}");
    });
}

/// Places in records and nodes of ours that no reader of the data needs.
const BESIDE: &[(&str, Place, &str, &str)] = &[
    ("times", |inside| inside.record(inside.find("plain")) + 0x60, "\\job-1\\plain", "times"),
    ("versions", |inside| inside.record(inside.find("plain")) + 0x70, "\\job-1\\plain", "times"),
    ("sizes", |inside| inside.record(inside.find("plain")) + 0xe0, "\\job-1\\plain", "sizes"),
    ("a folder's times", |inside| inside.record(inside.find("many")) + 0xc0, "\\job-1\\many", ""),
    ("its bitmap", |inside| inside.record(inside.find("many")) + 448, "\\job-1\\many", "bitmap"),
    ("a node", |inside| nodes_of_many(inside)[1] + 0x70, "\\job-1\\many\\a rather", "its folder"),
];

#[test]
fn what_stands_beside_the_names_and_data_of_ours_is_a_difference() {
    with_inside(ENTRIES, |inside, bench| {
        assert_eq!(FileView::open(inside.volume).unwrap().odd, []);
        for (what, place, path, fault) in BESIDE {
            inside.layer.reset();
            garble(inside, place(inside));
            let view = FileView::open(inside.volume).unwrap();
            let is_it = |odd: &Unreadable| odd.path.starts_with(path) && odd.fault.contains(fault);
            assert!(view.odd.iter().any(is_it), "{what}: {:?} {:?}", view.odd, view.unreadable);
        }
        inside.layer.reset();
        // The folder alone says another length.
        inside.edit_attribute(inside.find("job-1"), 0x90, |root| {
            let name: Vec<u8> = "plain".encode_utf16().flat_map(u16::to_le_bytes).collect();
            let at = root.windows(name.len()).position(|window| window == name).unwrap();
            root[at - 18] ^= 1;
        });
        let view = FileView::open(inside.volume).unwrap();
        let told: Vec<String> = view.odd.iter().map(|odd| odd.fault.clone()).collect();
        assert_eq!(told, ["its folder says that it has 5001 bytes, it has 5000"]);
        inside.layer.settle(&bench.image());
        let report = bench.verify().unwrap();
        let file = "\\job-1\\plain".to_owned();
        let fault = told[0].clone();
        assert_eq!(report.differences, [Difference::FileSystem { file, fault }]);
    });
}

/// Has `ntfs-3g` mount the volume and work in it.
fn use_elsewhere(inside: &Inside<'_>, work: impl FnOnce(&Path)) {
    const PAGE: usize = 4096;
    let folder = tempfile::tempdir().unwrap();
    let (image, place) = (folder.path().join("volume"), folder.path().join("mounted"));
    fs::create_dir(&place).unwrap();
    let before = inside.read(0, inside.volume.size() as usize);
    fs::write(&image, &before).unwrap();
    let mut mount = Command::new("ntfs-3g");
    let mut mounted = mount.arg("-ono_detach,permissions").args([&image, &place]).spawn().unwrap();
    let begun = Instant::now();
    while !place.join("job-1").exists() {
        assert!(mounted.try_wait().unwrap().is_none() && begun.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(20));
    }
    work(&place);
    assert!(Command::new("umount").arg(&place).status().unwrap().success());
    assert!(mounted.wait().unwrap().success());
    let after = fs::read(&image).unwrap();
    let pages = before.chunks(PAGE).zip(after.chunks(PAGE)).enumerate();
    for (number, (_, page)) in pages.filter(|(_, (before, after))| before != after) {
        inside.write((number * PAGE) as u64, page);
    }
}

#[test]
fn a_drive_that_another_system_has_used_is_whole() {
    with_inside(ENTRIES, |inside, bench| {
        use_elsewhere(inside, |root| {
            fs::write(root.join("note.txt"), "seen").unwrap();
            let below = root.join("$RECYCLE.BIN/S-1-5-21");
            fs::create_dir_all(&below).unwrap();
            for number in 0..300 {
                let path = below.join(format!("a name {number}"));
                fs::write(&path, vec![1; 10 * number]).unwrap();
                // Each another security descriptor.
                let mode = fs::Permissions::from_mode(0o400 + number as u32 % 0o100);
                fs::set_permissions(path, mode).unwrap();
            }
            (0..300).step_by(3).for_each(|number| {
                fs::remove_file(below.join(format!("a name {number}"))).unwrap();
            });
        });
        assert_eq!(damaged(inside), []);
        assert_eq!(FileView::open(inside.volume).unwrap().odd, []);
        inside.layer.settle(&bench.image());
        let report = bench.verify().unwrap();
        assert_eq!((report.differences, report.added.len()), (vec![], 201));
    });
}

#[test]
fn what_the_jobs_header_hash_covers_is_compared_too() {
    use std::os::unix::fs::FileExt;
    let bench = Bench::new(Profile::Modern, 3);
    assert_eq!(bench.verify().unwrap().differences, []);
    let file = std::fs::File::options().write(true).open(bench.image()).unwrap();
    file.write_all_at(b"x", 100 << 10).unwrap();
    let places = |at: &str| vec![Difference::HeaderHash { place: at.to_owned() }];
    assert_eq!(bench.verify().unwrap().differences, places("0"));
    file.write_all_at(b"\0", 100 << 10).unwrap();
    file.write_all_at(b"x", VOLUME + 5000).unwrap();
    assert_eq!(bench.verify().unwrap().differences, places(&VOLUME.to_string()));
}
