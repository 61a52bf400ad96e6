//! The structures of a drive: partition tables, BitLocker's own, and the records of the file system
//! inside, changed by somebody who has the key.

use disk_prep::device::Device;
use disk_prep::manifest::Profile;
use disk_prep::volume::gpt::{DiskLayout, TableGuids, encode};
use disk_prep::volume::view::{FileView, ViewError, find_volume, unlock};
use uuid::Uuid;

use super::engine::{Dice, mutate};
use super::stage::{Inside, Layer, VOLUME, seal, volume_key};
use super::{SEEDS, parsers, run, tried};

#[test]
fn partition_tables() {
    let guids = TableGuids {
        disk: Uuid::from_u128(1),
        reserved: Uuid::from_u128(2),
        data: Uuid::from_u128(3),
    };
    let tables = encode(&DiskLayout::plan(parsers::TABLE_DRIVE).unwrap(), &guids).unwrap();
    let mut ends = tables.primary.to_vec();
    ends.resize(parsers::TABLE_SECTORS.0 * 512, 0);
    let mut tail = tables.backup.to_vec();
    let least = parsers::TABLE_SECTORS.1 * 512;
    tail.drain(..tail.len().saturating_sub(least));
    assert_eq!(tail.len(), least);
    ends.extend(tail);
    let seal = |bytes: &mut Vec<u8>| parsers::seal_table(bytes);
    run("partition table", &[ends.clone()], 40_000, seal, parsers::read_table);
    // Most changes hit zeros; these hit the headers and the first entries.
    for seed in *SEEDS {
        let mut dice = Dice(seed ^ 7);
        for _ in 0..20_000 {
            let mut bytes = ends.clone();
            let starts = [446, 512, 1024, ends.len() - 512, parsers::TABLE_SECTORS.0 * 512];
            let start = starts[dice.below(starts.len())];
            let field = mutate(&[bytes[start..start + 128].to_vec()], &mut dice);
            let length = field.len().min(128).min(bytes.len() - start);
            bytes[start..start + length].copy_from_slice(&field[..length]);
            parsers::seal_table(&mut bytes);
            tried("partition table", &bytes, parsers::read_table);
        }
    }
}

#[test]
fn bitlocker_and_the_file_system_inside() {
    let folder = tempfile::tempdir().unwrap();
    let (_, password) = seal(folder.path(), Profile::Legacy, 80);
    let layer = Layer::over(&folder.path().join("S1.img"));
    let (_, place) = find_volume(&layer).unwrap();
    let mut header = vec![0; 512];
    layer.read_at(&mut header, VOLUME).unwrap();
    let first = u64::from_le_bytes(header[176..184].try_into().unwrap());
    let mut block = vec![0; 2048];
    layer.read_at(&mut block, VOLUME + first).unwrap();
    // The parser sees this as a volume of another size and place, which it must find out.
    let places: Vec<u8> = [32u64 << 20, 96 << 20, 160 << 20].map(u64::to_le_bytes).concat();
    header[176..200].copy_from_slice(&places);
    block[16..24].copy_from_slice(&parsers::VOLUME_BYTES.to_le_bytes());
    block[32..56].copy_from_slice(&places);
    block[56..64].copy_from_slice(&(33u64 << 20).to_le_bytes());
    let mut whole = header;
    whole.extend(block);
    let seal = |bytes: &mut Vec<u8>| {
        bytes.resize(512 + 65_536, 0);
        parsers::seal_bitlocker(bytes);
    };
    seal(&mut whole);
    parsers::read_bitlocker(&whole);
    whole.truncate(512 + 1024);
    run("BitLocker", &[whole], 60_000, seal, parsers::read_bitlocker);

    let volume = unlock(&layer, place, &password).unwrap();
    let key = volume_key(&layer, &password);
    let inside = Inside { layer: &layer, volume: &volume, key: &key };
    file_system(&inside);
}

/// A record or node to be changed.
struct Spot {
    at: u64,
    length: usize,
}

fn file_system(inside: &Inside<'_>) {
    let record = |number| Spot { at: inside.record(number), length: 1024 };
    let node = |&at: &u64| Spot { at, length: 4096 };
    let mut spots = vec![Spot { at: 0, length: 512 }, record(0), record(3), record(5)];
    for name in ["job-1", "deep", "many", "plain", "small", "large", "leaf"] {
        spots.push(record(inside.find(name)));
    }
    spots.extend(inside.nodes(inside.find("many")).iter().map(node));
    let good = FileView::open(inside.volume).unwrap();
    assert!(good.unreadable.is_empty());
    let look = |_: &[u8]| match FileView::open(inside.volume) {
        Ok(view) => {
            let gave_up =
                |own: &&disk_prep::volume::view::Unreadable| own.fault.contains("gave up");
            assert_eq!(view.unreadable.iter().find(gave_up), None);
            for (path, file) in view.files.iter() {
                assert!(file.bytes <= inside.volume.size(), "{path}");
                let mut piece = vec![0; 4096];
                // A bad place is an error, not a panic.
                let _answer = view.read(&file, file.bytes.saturating_sub(4096), &mut piece).is_ok();
            }
        }
        Err(ViewError::FileSystem { fault }) => assert!(!fault.contains("gave up"), "{fault}"),
        Err(_) => {}
    };
    for seed in *SEEDS {
        let mut dice = Dice(seed ^ 11);
        for _ in 0..4_000 {
            inside.layer.reset();
            let mut changed = Vec::new();
            for _ in 0..=dice.below(2) {
                let spot = &spots[dice.below(spots.len())];
                // What an earlier change has left without its marks is changed as it lies there.
                let head = inside.read(spot.at, 8);
                let marks = usize::from(u16::from_le_bytes([head[4], head[5]]));
                let has_marks = marks + 2 + 2 * (spot.length / 512) <= spot.length;
                let is_whole = spot.at == 0 || !has_marks || dice.one_in(8);
                let change = |bytes: &mut Vec<u8>, dice: &mut Dice| {
                    // Most of a record is empty; its fields lie at its start.
                    let used = [64, 256, 512, bytes.len()][dice.below(4)].min(bytes.len());
                    let mut field = mutate(&[bytes[..used].to_vec()], dice);
                    field.truncate(bytes.len());
                    bytes[..field.len()].copy_from_slice(&field);
                };
                if is_whole {
                    let mut bytes = inside.read(spot.at, spot.length);
                    change(&mut bytes, &mut dice);
                    inside.write(spot.at, &bytes);
                } else {
                    inside.edit(spot.at, spot.length, |bytes| {
                        let marks = bytes[4..8].to_vec();
                        change(bytes, &mut dice);
                        bytes[4..8].copy_from_slice(&marks);
                    });
                }
                changed.extend(inside.read(spot.at, spot.length));
            }
            tried("file system", &changed, look);
        }
    }
    eprintln!("mutated inputs: file system: 8000");
}
