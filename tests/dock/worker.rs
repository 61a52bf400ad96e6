//! The process that reads a drive, looked at while it reads.

use std::collections::BTreeSet;
use std::path::Path;

use super::datacenter::Datacenter;
use super::drive::Drive;

/// What the files that a process has open are, by number; `None` if it is gone.
fn open_files(process: &str) -> Option<Vec<(String, String)>> {
    let folder = Path::new("/proc").join(process).join("fd");
    let entries: Vec<_> = folder.read_dir().ok()?.collect::<Result<_, _>>().ok()?;
    let file = |entry: &std::fs::DirEntry| {
        let place = std::fs::read_link(entry.path()).ok()?;
        Some((entry.file_name().into_string().unwrap(), place.to_str().unwrap().to_owned()))
    };
    entries.iter().map(file).collect()
}

/// The processes that the emulator has started and that have read a mebibyte: a process that is
/// just being started still has the open files of who starts it.
fn readers(emulator: u32) -> Vec<String> {
    let threads = std::fs::read_dir(format!("/proc/{emulator}/task")).unwrap().flatten();
    let children = threads.map(|thread| std::fs::read_to_string(thread.path().join("children")));
    let children: String = children.flatten().collect();
    let is_reading = |process: &&str| {
        let counters = std::fs::read_to_string(format!("/proc/{process}/io")).unwrap_or_default();
        let read = counters.lines().find_map(|line| line.strip_prefix("rchar: "));
        read.is_some_and(|bytes| bytes.parse::<u64>().unwrap() > 1 << 20)
    };
    children.split_whitespace().filter(is_reading).map(str::to_owned).collect()
}

#[test]
fn the_reader_of_a_drive_has_nothing_open_but_the_drive_and_the_line() {
    let drive = Drive::seal_with("S1", &[], 300 << 20);
    let datacenter = Datacenter::open();
    datacenter.shipped("job1", &[&drive]);
    let emulator = datacenter.emulator.process_id();
    let errors = std::fs::read_link(format!("/proc/{emulator}/fd/2")).unwrap();
    let seen = std::thread::scope(|scope| {
        let docked = scope.spawn(|| datacenter.dock(&[&drive]));
        let mut seen = BTreeSet::new();
        while !docked.is_finished() {
            for process in readers(emulator) {
                seen.extend(open_files(&process).unwrap_or_default());
            }
            std::thread::yield_now();
        }
        assert_eq!(docked.join().unwrap()[0]["status"], "Completed");
        seen
    });
    assert!(seen.iter().any(|(number, _)| number == "0"), "the reader was not seen: {seen:?}");
    let (sockets, others): (BTreeSet<&str>, BTreeSet<&str>) = seen
        .iter()
        .filter(|(number, place)| number != "2" || Path::new(place) != errors)
        .map(|(_, place)| place.as_str())
        .partition(|place| place.starts_with("socket:"));
    assert_eq!(others, BTreeSet::from([drive.image.to_str().unwrap()]));
    assert_eq!(sockets.len(), 1, "the line and no connection: {seen:?}");
}
