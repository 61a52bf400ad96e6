//! The known-answer volume of `ntfs-write-once` 16, byte for byte.

use sha2::{Digest, Sha256};

use super::*;
use crate::noun::DrivePath;

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

fn plan(files: &[(DrivePath, Vec<u8>)], pinned: &[PinnedRange]) -> Layout {
    let time = FileTime(133_801_632_000_000_000);
    let specs: Vec<FileSpec> = files
        .iter()
        .map(|(path, content)| FileSpec {
            path: path.clone(),
            bytes: content.len() as u64,
            times: time.into(),
        })
        .collect();
    let params = VolumeParams {
        volume_bytes: BYTES,
        cluster_bytes: CLUSTER as u32,
        label: "WAIMPORT".to_owned(),
        hidden_sectors: 2048,
        serial: 0x0123_4567_89ab_cdef,
        format_time: time,
    };
    Layout::plan(&params, &[], &specs, pinned).unwrap()
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
        let specs: Vec<FileSpec> = files
            .iter()
            .map(|(path, _)| FileSpec { path: path.clone(), bytes: 1, times: Default::default() })
            .collect();
        let params = plan(&[], &[]).params().clone();
        crate::noun::Diagnose::code(&Layout::plan(&params, &[], &specs, &[]).unwrap_err())
    };
    assert_eq!(refused(&[file("\\a\\Straße"), file("\\a\\STRAßE")]), "ntfs-names-clash");
    assert_eq!(refused(&[file("\\a"), file("\\A\\b")]), "ntfs-names-clash");
    assert_eq!(refused(&[file("\\$mft")]), "ntfs-system-name");
}
