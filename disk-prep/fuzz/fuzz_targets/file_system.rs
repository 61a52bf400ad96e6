//! The records of the file system inside a good drive: patches of twelve bytes, each a record or
//! node, a place in it, a length of up to eight and the bytes.
#![no_main]

#[allow(clippy::disallowed_methods, clippy::unwrap_used, dead_code, reason = "a stage of the tests")]
#[path = "../../tests/hostile/stage.rs"]
mod stage;

use std::sync::LazyLock;

use disk_prep::manifest::Profile;
use disk_prep::volume::bitlocker::unlock::UnlockedVolume;
use disk_prep::volume::bitlocker::write::VolumeKey;
use disk_prep::volume::view::{FileView, find_volume, unlock};
use stage::{Inside, Layer};

struct Drive {
    layer: &'static Layer,
    volume: UnlockedVolume<'static>,
    key: VolumeKey,
    spots: Vec<(u64, usize)>,
}

static DRIVE: LazyLock<Drive> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap().keep();
    let (_, password) = stage::seal(&folder, Profile::Legacy, 80);
    let layer: &'static Layer = Box::leak(Box::new(Layer::over(&folder.join("S1.img"))));
    let (_, place) = find_volume(layer).unwrap();
    let volume = unlock(layer, place, &password).unwrap();
    let key = stage::volume_key(layer, &password);
    let spots = {
        let inside = Inside { layer, volume: &volume, key: &key };
        let names = ["job-1", "deep", "many", "plain", "small", "large", "leaf"];
        let mut records = vec![0, 3, 5];
        records.extend(names.map(|name| inside.find(name)));
        let mut spots: Vec<(u64, usize)> =
            records.into_iter().map(|number| (inside.record(number), 1024)).collect();
        spots.extend(inside.nodes(inside.find("many")).into_iter().map(|at| (at, 4096)));
        spots
    };
    Drive { layer, volume, key, spots }
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Drive { layer, volume, key, spots } = &*DRIVE;
    let inside = Inside { layer, volume, key };
    layer.reset();
    for patch in bytes.as_chunks::<12>().0 {
        let (at, length) = spots[usize::from(patch[0]) % spots.len()];
        let place = usize::from(u16::from_le_bytes([patch[1], patch[2]])) % (length - 8);
        let count = usize::from(patch[3]) % 9;
        inside.edit(at, length, |record| {
            let marks = record[4..8].to_vec();
            record[place..place + count].copy_from_slice(&patch[4..4 + count]);
            record[4..8].copy_from_slice(&marks);
        });
    }
    if let Ok(view) = FileView::open(volume) {
        assert!(view.unreadable.iter().all(|own| !own.fault.contains("gave up")));
        view.damages(&|| false);
        assert!(view.files.iter().all(|(_, file)| file.bytes <= volume.size()));
    }
});
