//! The floors of `disk-prep`.

use std::collections::BTreeSet;

use crate::guard::guard;
use crate::sources::{Source, product};

/// The floors of `disk-prep`, from the ground up.
const FLOORS: &[&[&str]] = &[
    &["sys", "noun", "limits"],
    &["drive", "device"],
    &["volume", "hash", "kernels"],
    &["plan", "fill", "journal", "manifest", "dataset", "drive_layout", "label", "seal"],
    &["error"],
    &["prepare", "prove", "verify", "inspect", "pool", "release", "known"],
];
fn floors(source: &Source) -> Vec<String> {
    if source.package() != "disk-prep" {
        return Vec::new();
    }
    let level = |room: &str| FLOORS.iter().position(|floor| floor.contains(&room));
    let Some(own) = level(source.room()) else {
        return Vec::new();
    };
    let paths = source.paths();
    let inner = paths.iter().filter_map(|path| path.strip_prefix("crate::"));
    inner
        .map(|path| path.split("::").next().unwrap_or(path))
        // What stands at the root itself are the names of the crate's error.
        .map(|room| if room.starts_with(char::is_uppercase) { "error" } else { room })
        .filter(|room| level(room).is_some_and(|other| other > own))
        .map(|room| format!("{} stands below {room} and must not name it", source.path))
        .collect()
}

#[test]
fn a_floor_of_disk_prep_uses_only_the_floors_below() {
    guard(
        floors,
        &[
            ("disk-prep/src/noun/mod.rs", "use crate::journal::Record;"),
            ("disk-prep/src/volume/ntfs/mod.rs", "use crate::{noun::Serial, fill};"),
            ("disk-prep/src/journal/mod.rs", "use super::prepare::Options;"),
            ("disk-prep/src/fill/worker.rs", "use crate::{Error, dataset::DataFile};"),
            ("disk-prep/src/error.rs", "use crate::verify::Difference;"),
        ],
    );
    let rooms: BTreeSet<String> = product()
        .iter()
        .filter(|source| source.package() == "disk-prep")
        .map(|source| source.room().to_owned())
        .collect();
    // Beside the floors stand what all of them speak through.
    let beside = ["lib", "monitor", "stop", "world"];
    let placed: BTreeSet<&str> =
        FLOORS.iter().flat_map(|floor| *floor).copied().chain(beside).collect();
    let stray: Vec<_> = rooms.iter().filter(|room| !placed.contains(room.as_str())).collect();
    assert!(stray.is_empty(), "rooms of disk-prep on no floor: {stray:?}");
}
