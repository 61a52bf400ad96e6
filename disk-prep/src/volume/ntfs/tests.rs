//! The known-answer volume of `ntfs-write-once` 16, byte for byte; and plans of many kinds as the
//! crate `ntfs` reads them.

mod editions;
mod estimate;

use std::collections::BTreeMap;
use std::sync::Arc;

use ntfs::attribute_value::NtfsAttributeValue;
use ntfs::indexes::NtfsFileNameIndex;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::*;
use crate::noun::{Diagnose, DrivePath};
use crate::volume::bitlocker::write::Placement;

const BYTES: u64 = 64 << 20;
const CLUSTER: u64 = 4096;

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Files in record order with their content.
fn tree() -> Vec<(DrivePath, Vec<u8>)> {
    let path = |text: &str| text.parse::<DrivePath>().unwrap();
    let mut files = vec![
        (path("\\hello.txt"), b"hello, ntfs\n".to_vec()),
        (path("\\data\\blob.bin"), (0..5000u32).map(|at| (at % 251) as u8).collect()),
        (path("\\data\\empty.bin"), Vec::new()),
    ];
    for number in 0..100 {
        let name = format!("entry-{number:04}.txt");
        files.push((path(&format!("\\many\\{name}")), format!("{name}\n").into_bytes()));
    }
    files
}

/// A file that is to be laid out.
#[derive(Debug, Clone)]
struct Planned {
    path: DrivePath,
    bytes: u64,
    time: FileTime,
}

impl super::Files for Vec<Planned> {
    fn count(&self) -> usize {
        self.len()
    }

    fn at(&self, index: usize) -> FileSpec<'_> {
        let Planned { ref path, bytes, time } = self[index];
        FileSpec { path: path.parts(), bytes, time }
    }
}

fn laid_out(
    params: &VolumeParams,
    files: &[Planned],
    pinned: &[PinnedRange],
) -> Result<Layout, Error> {
    Layout::plan(params, &[], Arc::new(files.to_vec()), pinned)
}

fn plan(files: &[(DrivePath, Vec<u8>)], pinned: &[PinnedRange]) -> Layout {
    let time = FileTime(133_801_632_000_000_000);
    let specs: Vec<Planned> = files
        .iter()
        .map(|(path, content)| Planned { path: path.clone(), bytes: content.len() as u64, time })
        .collect();
    let params = VolumeParams {
        volume_bytes: BYTES,
        cluster_bytes: CLUSTER as u32,
        label: "WAIMPORT".to_owned(),
        hidden_sectors: 2048,
        serial: 0x0123_4567_89ab_cdef,
        format_time: time,
        edition: Edition::First,
    };
    laid_out(&params, &specs, pinned).unwrap()
}

fn image(layout: &Layout, files: &[(DrivePath, Vec<u8>)]) -> Vec<u8> {
    let mut image = vec![0; BYTES as usize];
    for range in layout.metadata_ranges() {
        layout.fill_metadata(range.start, &mut image[range.start as usize..range.end as usize]);
    }
    for (index, (_, content)) in files.iter().enumerate() {
        let mut left = &content[..];
        for run in layout.runs(index) {
            let length = left.len().min((run.cluster_count * CLUSTER) as usize);
            let at = (run.first_cluster * CLUSTER) as usize;
            image[at..at + length].copy_from_slice(&left[..length]);
            left = &left[length..];
        }
    }
    let at = image.len() - 512;
    image[at..].copy_from_slice(&layout.boot_sector());
    image
}

#[test]
fn the_known_answer_volume_comes_out_byte_for_byte() {
    let files = tree();
    let layout = plan(&files, &[]);
    assert_eq!((layout.used_clusters(), layout.cluster_total()), (786, 16383));
    assert_eq!(layout.record_of(0), 65);
    let image = image(&layout, &files);
    let region = |first: usize, count: usize| hex(&image[first * 4096..(first + count) * 4096]);
    for (what, actual, expected) in [
        (
            "boot",
            hex(&image[..512]),
            "74b326ec4a849f27a967cdb458128baaa3e901345870802273aed5a62222ee4e",
        ),
        (
            "mirror",
            region(2, 1),
            "e254064a439c28d8d829912ffe8377c89aa2bf0496f9ef37b4018f93456386ab",
        ),
        (
            "record bitmap",
            region(3, 1),
            "9176708ee377e26844b29598d1b6fe8f294562e0ab3ff16cdc86d55b1410b3e3",
        ),
        (
            "records",
            region(4, 64),
            "741b1b530aa1c8eab0b3ac260a74d208f6aac5fb0c96d1512b2b7a3400edd105",
        ),
        (
            "bitmap",
            region(68, 1),
            "20fef7476e635e49fab9a0418a9094e8387ae475757478e7e16c7d72cb95a1ec",
        ),
        (
            "log",
            region(69, 512),
            "4bda3a28f4ffe603c0ec1258c0034d65a1a0d35ab7bd523a834608adabf03cc5",
        ),
        (
            "attributes",
            region(613, 1),
            "8b600c6e653a08003be8155682f54b1d21ffe29c08578fab87894a162d61ea9c",
        ),
        (
            "security",
            region(614, 65),
            "be62ee03d7cb48c3deb65efd832523c5795e46b6cd5e8a8db87f94eca30f95d1",
        ),
        (
            "root index",
            region(679, 1),
            "7567ec18be1b2a697bd18a85037c068a0c3276710548c55268c0dbc54ee3ee33",
        ),
        (
            "many index",
            region(680, 3),
            "e389bfc1f81e841313ff216182bccdc3be9b0d23ba184c9a2dc273aa4a0f0019",
        ),
        ("image", hex(&image), "502cf6769dfe1d789768c83699d28d0288ea78e2b6a810312ffcfecf4dec4940"),
    ] {
        assert_eq!(actual, expected, "{what}");
    }
}

#[test]
fn metadata_is_the_same_however_it_is_asked_for() {
    let layout = plan(&tree(), &[]);
    let range = layout.metadata_ranges()[0].clone();
    let mut whole = vec![0; (range.end - range.start) as usize];
    layout.fill_metadata(range.start, &mut whole);
    for step in [1000, 4096, 65_537] {
        let mut pieces = Vec::new();
        while pieces.len() < whole.len() {
            let mut piece = vec![7; step.min(whole.len() - pieces.len())];
            layout.fill_metadata(range.start + pieces.len() as u64, &mut piece);
            pieces.extend(piece);
        }
        assert!(pieces == whole, "steps of {step}");
    }
}

#[test]
fn names_that_ntfs_takes_for_one_are_refused() {
    let file = |path: &str| (path.parse::<DrivePath>().unwrap(), vec![1]);
    let refused = |files: &[(DrivePath, Vec<u8>)]| {
        let specs: Vec<Planned> = files
            .iter()
            .map(|(path, _)| Planned { path: path.clone(), bytes: 1, time: Default::default() })
            .collect();
        let params = plan(&[], &[]).params().clone();
        let error = laid_out(&params, &specs, &[]).unwrap_err();
        let paths = check_names(files.iter().map(|(path, _)| path.parts())).unwrap_err();
        assert_eq!(paths.to_string(), error.to_string());
        (crate::noun::Diagnose::code(&error), error.to_string())
    };
    for (files, expected, named) in [
        (["\\a\\Straße", "\\a\\STRAßE"], "ntfs-names-clash", ["\\a\\Straße", "\\a\\STRAßE"]),
        (["\\x\\a", "\\x\\A\\b"], "ntfs-names-clash", ["\\x\\a", "\\x\\A"]),
        (["\\a", "\\$mft"], "ntfs-system-name", ["\\$mft", "$MFT"]),
        (["\\a", "\\$ATTRDEF"], "ntfs-system-name", ["\\$ATTRDEF", "$AttrDef"]),
        (["\\a", "\\$Extend\\b"], "ntfs-system-name", ["\\$Extend", "$Extend"]),
    ] {
        let (code, text) = refused(&files.map(file));
        assert_eq!(code, expected);
        assert!(named.iter().all(|path| text.contains(path)), "{text}");
    }
    let other_folders = ["\\a\\x", "\\b\\X", "\\b\\$MFT"];
    let other_folders = other_folders.map(|path| path.parse::<DrivePath>().unwrap());
    assert!(check_names(other_folders.iter().map(DrivePath::parts)).is_ok());
}

#[test]
fn a_pinned_range_in_the_boot_area_is_refused() {
    let params = plan(&[], &[]).params().clone();
    let pinned = |first_cluster| {
        let path = "\\pinned".parse().unwrap();
        laid_out(&params, &[], &[PinnedRange { first_cluster, cluster_count: 1, path }])
    };
    for first_cluster in [0, 1] {
        let refused = pinned(first_cluster).unwrap_err();
        assert!(matches!(refused, Error::Pinned { first_cluster: at } if at == first_cluster));
        assert_eq!(refused.code(), "ntfs-pinned");
    }
    assert!(pinned(2).is_ok());
}

#[test]
fn a_volume_of_odd_clusters_or_with_a_long_label_is_refused() {
    let params = plan(&[], &[]).params().clone();
    let refused = |params: VolumeParams| laid_out(&params, &[], &[]).unwrap_err().code();
    let label = |length| VolumeParams { label: "x".repeat(length), ..params.clone() };
    assert_eq!(refused(label(33)), "ntfs-label");
    assert!(laid_out(&label(32), &[], &[]).is_ok());
    let clusters = |cluster_bytes| VolumeParams { cluster_bytes, ..params.clone() };
    for cluster_bytes in [0, 256, 3000, 1 << 17] {
        assert_eq!(refused(clusters(cluster_bytes)), "ntfs-cluster-size", "{cluster_bytes}");
    }
    let large = VolumeParams { volume_bytes: 16 << 40, ..params.clone() };
    assert_eq!(refused(large), "ntfs-cluster-size", "the clusters need more than 32 bits");
}

/// Six inner blocks leave the record of the folder exactly the room that the spec counts; an index
/// that lies far away takes eight bytes more.
#[test]
fn a_folder_whose_record_would_overflow_is_refused() {
    let file = |number| Planned {
        path: format!("\\d\\{number:05}").parse().unwrap(),
        bytes: 0,
        time: Default::default(),
    };
    let files: Vec<Planned> = (0..8600).map(file).collect();
    let params = VolumeParams { volume_bytes: 15 << 40, ..plan(&[], &[]).params().clone() };
    let pinned = |cluster_count| PinnedRange {
        first_cluster: 64,
        cluster_count,
        path: "\\pinned".parse().unwrap(),
    };
    let near = laid_out(&params, &files, &[pinned(1)]).unwrap();
    assert_eq!(near.index(1).block_count(), 211);
    let far = laid_out(&params, &files, &[pinned(3 << 30)]);
    let far = far.unwrap_err();
    assert_eq!(far.code(), "ntfs-record");
    let Error::FolderRecord { path, expected: 1024, actual: 1032 } = far else {
        panic!("the record must not overflow: {far:?}");
    };
    assert_eq!(path, "\\d\\");
}

/// A volume that is nothing but its metadata, for readers that do not look at data.
struct Unwritten<'a> {
    layout: &'a Layout,
    at: u64,
}

impl std::io::Read for Unwritten<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.layout.fill_metadata(self.at, buffer);
        self.at += buffer.len() as u64;
        Ok(buffer.len())
    }
}

impl std::io::Seek for Unwritten<'_> {
    fn seek(&mut self, to: std::io::SeekFrom) -> std::io::Result<u64> {
        self.at = match to {
            std::io::SeekFrom::Start(at) => at,
            std::io::SeekFrom::Current(by) => self.at.wrapping_add_signed(by),
            std::io::SeekFrom::End(_) => return Err(std::io::ErrorKind::Unsupported.into()),
        };
        Ok(self.at)
    }
}

/// Files by path, with their length and runs in bytes.
type Files = BTreeMap<String, (u64, Vec<(u64, u64)>)>;

/// Every file that the crate `ntfs` finds.
fn found(layout: &Layout) -> Files {
    fn walk(
        ntfs: &ntfs::Ntfs,
        volume: &mut Unwritten<'_>,
        record: u64,
        path: &str,
        files: &mut Files,
    ) {
        let folder = ntfs.file(volume, record).unwrap();
        let index = folder.directory_index(volume).unwrap();
        let mut entries = index.entries();
        let mut names = Vec::new();
        while let Some(entry) = entries.next(volume) {
            let entry = entry.unwrap();
            let name = entry.key().unwrap().unwrap().name().to_string_lossy();
            names.push((entry.file_reference().file_record_number(), name));
        }
        for (record, name) in names.into_iter().filter(|(record, _)| *record >= 64) {
            let path = format!("{path}\\{name}");
            let file = ntfs.file(volume, record).unwrap();
            if file.is_directory() {
                walk(ntfs, volume, record, &path, files);
                continue;
            }
            let item = file.data(volume, "").unwrap().unwrap();
            let value = item.to_attribute().unwrap().value(volume).unwrap();
            let runs = match &value {
                NtfsAttributeValue::NonResident(value) => value
                    .data_runs()
                    .map(|run| run.unwrap())
                    .map(|run| (run.data_position().value().unwrap().get(), run.allocated_size()))
                    .collect(),
                _ => Vec::new(),
            };
            assert!(files.insert(path, (value.len(), runs)).is_none());
        }
    }
    let mut volume = Unwritten { layout, at: 0 };
    let ntfs = ntfs::Ntfs::new(&mut volume).unwrap();
    let mut files = BTreeMap::new();
    walk(&ntfs, &mut volume, 5, "", &mut files);
    files
}

/// A plan of `count` files and the five pinned ranges that BitLocker would have.
fn large_plan(
    volume_bytes: u64,
    names: &[(String, u64)],
) -> (VolumeParams, Vec<Planned>, Vec<PinnedRange>) {
    let params = VolumeParams { volume_bytes, ..plan(&[], &[]).params().clone() };
    let spec = |(path, bytes): &(String, u64)| Planned {
        path: path.parse().unwrap(),
        bytes: *bytes,
        time: Default::default(),
    };
    let placement = Placement::plan(volume_bytes, CLUSTER, 0).unwrap();
    let pinned = placement.pinned().map(|file| PinnedRange {
        first_cluster: file.offset / CLUSTER,
        cluster_count: file.bytes / CLUSTER,
        path: format!("\\{}", file.path).parse().unwrap(),
    });
    (params, names.iter().map(spec).collect(), pinned.to_vec())
}

/// What was planned is found by the crate `ntfs`, lies nowhere twice, and takes no more than the
/// estimate said.
fn check_plan(volume_bytes: u64, names: &[(String, u64)]) {
    let (params, specs, pinned) = large_plan(volume_bytes, names);
    let layout = laid_out(&params, &specs, &pinned).unwrap();
    let mut files = found(&layout);
    let mut taken: Vec<(u64, u64)> = Vec::new();
    for range in &pinned {
        let (bytes, runs) = files.remove(range.path.as_str()).unwrap();
        assert_eq!(runs, [(range.first_cluster * CLUSTER, range.cluster_count * CLUSTER)]);
        assert_eq!(bytes, range.cluster_count * CLUSTER);
        taken.extend(runs);
    }
    assert_eq!(files.len(), names.len());
    for (path, bytes) in names {
        let (found_bytes, runs) = &files[path];
        assert_eq!(found_bytes, bytes, "{path}");
        assert_eq!(runs.iter().map(|run| run.1).sum::<u64>(), bytes.next_multiple_of(CLUSTER));
        taken.extend(runs);
    }
    taken.extend(
        layout.metadata_ranges().into_iter().map(|range| (range.start, range.end - range.start)),
    );
    taken.extend(
        layout.free_ranges().into_iter().map(|range| (range.start, range.end - range.start)),
    );
    taken.sort_unstable();
    let mut end = 0;
    for (start, bytes) in taken.into_iter().filter(|run| run.1 > 0) {
        assert_eq!(start, end, "no gap and no overlap");
        end = start + bytes;
    }
    assert_eq!(end, layout.cluster_total() * CLUSTER);

    estimate::check(volume_bytes, names);
}

#[test]
fn every_count_of_names_around_the_splits_of_an_index_is_found() {
    for count in (1..=400).chain([1300, 5000]) {
        check_plan(200 << 20, &many(count));
    }
}

fn many(count: u64) -> Vec<(String, u64)> {
    (0..count).map(|number| (format!("\\many\\entry-{number:04}.txt"), number)).collect()
}

/// Searches the index of the folder `many` for each name. The length of the data and of its
/// clusters as the index tells them, and as the record does.
fn search(layout: &Layout, names: &[&str]) -> Vec<Option<[(u64, u64); 2]>> {
    let mut volume = Unwritten { layout, at: 0 };
    let mut ntfs = ntfs::Ntfs::new(&mut volume).unwrap();
    ntfs.read_upcase_table(&mut volume).unwrap();
    let index_of = |folder: &ntfs::NtfsFile<'_>, volume: &mut Unwritten<'_>, name: &str| {
        let index = folder.directory_index(volume).unwrap();
        let mut finder = index.finder();
        let entry = NtfsFileNameIndex::find(&mut finder, &ntfs, volume, name)?.unwrap();
        let key = entry.key().unwrap().unwrap();
        let file = entry.to_file(&ntfs, volume).unwrap();
        Some((file, (key.data_size(), key.allocated_size())))
    };
    let root = ntfs.root_directory(&mut volume).unwrap();
    let (many, _) = index_of(&root, &mut volume, "MANY").unwrap();
    let search_one = |name: &&str| {
        let (file, in_index) = index_of(&many, &mut volume, name)?;
        let data = file.data(&mut volume, "").unwrap().unwrap();
        let value = data.to_attribute().unwrap().value(&mut volume).unwrap();
        let allocated = match &value {
            NtfsAttributeValue::NonResident(value) => {
                value.data_runs().map(|run| run.unwrap().allocated_size()).sum()
            }
            _ => 0,
        };
        Some([in_index, (value.len(), allocated)])
    };
    names.iter().map(search_one).collect()
}

#[test]
fn a_search_by_name_finds_all_of_1_to_400_names_and_no_other() {
    for count in 1..=400 {
        let names = many(count);
        let (params, specs, pinned) = large_plan(200 << 20, &names);
        let layout = laid_out(&params, &specs, &pinned).unwrap();
        let mut searched: Vec<&str> = names.iter().map(|(path, _)| &path[6..]).collect();
        searched.push("entry-0000.tx");
        let found = search(&layout, &searched);
        let missing = found.iter().position(Option::is_none);
        assert_eq!(missing, Some(names.len()), "of {count}");
    }
}

#[test]
fn a_file_of_more_than_4_gib_has_its_sizes_in_the_index_and_in_its_record() {
    let bytes = (5 << 30) + 1;
    let names = [("\\many\\large".to_owned(), bytes), ("\\many\\split".to_owned(), bytes)];
    check_plan(16 << 30, &names);
    let (params, specs, pinned) = large_plan(16 << 30, &names);
    let layout = laid_out(&params, &specs, &pinned).unwrap();
    assert_eq!([0, 1].map(|file| layout.runs(file).len()), [1, 3]);
    let sizes = Some([(bytes, bytes.next_multiple_of(CLUSTER)); 2]);
    assert_eq!(search(&layout, &["large", "split"]), [sizes, sizes]);
}

#[test]
fn files_around_the_pinned_ranges_are_split_and_nothing_overlaps() {
    let names = [("\\a", 60 << 20), ("\\b", 100 << 20), ("\\c", 4096), ("\\d\\e", 70 << 20)]
        .map(|(path, bytes)| (path.to_owned(), bytes));
    check_plan(256 << 20, &names);
    let (params, specs, pinned) = large_plan(256 << 20, &names);
    let layout = laid_out(&params, &specs, &pinned).unwrap();
    assert!((0..4).any(|file| layout.runs(file).len() > 1), "some file is split");
    let too_much = [names.as_slice(), &[("\\f".to_owned(), 40 << 20)]].concat();
    let (params, specs, pinned) = large_plan(256 << 20, &too_much);
    let refused = laid_out(&params, &specs, &pinned);
    assert_eq!(refused.unwrap_err().code(), "ntfs-too-small");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn random_trees_are_found_whole(
        trees in prop::collection::btree_map("[a-dA-D€𝄞]{1,3}", prop::collection::btree_map(
            "[a-z0-9äß名𝄞]{1,120}", 0u64..40_000, 0..60), 1..6),
        odd in 0u64..8,
    ) {
        let mut names = Vec::new();
        for (number, (folder, files)) in trees.iter().enumerate() {
            for (file, bytes) in files {
                names.push((format!("\\{number}{folder}\\{file}"), *bytes));
            }
        }
        check_plan((160 << 20) + odd * 512, &names);
    }
}
