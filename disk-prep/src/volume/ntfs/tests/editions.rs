//! The editions of the file system: what was begun in the first is finished so, and the second lies
//! where the first does.

use super::*;

const VOLUME_BYTES: u64 = 256 << 20;

/// All metadata of a volume with files and BitLocker's places, by the place of each record.
fn metadata(edition: Edition) -> (Layout, Vec<u8>) {
    let names = [("\\a".to_owned(), 5000), ("\\d\\e".to_owned(), 70 << 20)];
    let (params, specs, pinned) = large_plan(VOLUME_BYTES, &names);
    let params = VolumeParams { edition, ..params };
    let layout = laid_out(&params, &specs, &pinned).unwrap();
    let mut bytes = Vec::new();
    for range in layout.metadata_ranges() {
        let mut part = vec![0; (range.end - range.start) as usize];
        layout.fill_metadata(range.start, &mut part);
        bytes.extend(part);
    }
    (layout, bytes)
}

#[test]
fn the_second_edition_lies_where_the_first_does_and_differs_in_what_is_bitlockers_only() {
    let (first, old) = metadata(Edition::First);
    let (second, new) = metadata(Edition::Second);
    assert_eq!(first.metadata_ranges(), second.metadata_ranges());
    assert_eq!([0, 1].map(|file| first.runs(file)), [0, 1].map(|file| second.runs(file)));
    assert_eq!((first.need_clusters(), old.len()), (second.need_clusters(), new.len()));

    let mut record = [[0; 1024]; 2];
    let mut differing = Vec::new();
    for number in 0..200 {
        first.fill_record(number, &mut record[0]);
        second.fill_record(number, &mut record[1]);
        if record[0] != record[1] {
            differing.push(number);
        }
    }
    let is_volumes = |number: &u64| {
        use super::super::tree::Entry;
        *number >= 64
            && match first.tree().node(*number).entry {
                Entry::Pinned(_) => true,
                Entry::Folder(folder) => first.tree().folders()[folder as usize].hidden,
                Entry::File(_) => false,
            }
    };
    let names = 64..64 + first.tree().len();
    let right: Vec<u64> = [9].into_iter().chain(names.filter(is_volumes)).collect();
    assert_eq!((differing.len(), &differing), (7, &right), "`$Secure`, a folder and five files");
    for number in &right[1..] {
        second.fill_record(*number, &mut record[1]);
        // The security id in `$STANDARD_INFORMATION`, the first attribute.
        let id = u32::from_le_bytes(record[1][0x38 + 0x18 + 0x34..][..4].try_into().unwrap());
        assert_eq!(id, 0x104, "{number}");
    }
}

#[test]
fn a_begun_drive_keeps_its_edition_and_a_new_one_has_the_second() {
    use crate::manifest::Profile;
    use crate::prepare::tests::Bench;
    let bench = Bench::blank(Profile::Legacy, Vec::new());
    let begun = bench.begun().clone();
    assert_eq!((begun.version, begun.edition()), (2, Edition::Second));
    let old = crate::journal::Begun { version: 1, ..begun };
    assert_eq!(old.edition(), Edition::First);
}
