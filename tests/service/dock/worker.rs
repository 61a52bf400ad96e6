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

/// The sockets that lead to a network, by the kernel's tables.
fn of_the_network(process: &str) -> BTreeSet<String> {
    let tables = ["tcp", "tcp6", "udp", "udp6", "raw", "raw6"]
        .map(|table| std::fs::read_to_string(format!("/proc/{process}/net/{table}")));
    let lines: String = tables.into_iter().flatten().collect();
    let number = |line: &str| line.split_whitespace().nth(9).map(str::to_owned);
    lines.lines().filter_map(number).map(|number| format!("socket:[{number}]")).collect()
}

#[test]
fn the_reader_of_a_drive_has_the_drive_and_the_line_and_nothing_of_the_emulators() {
    let drive = Drive::seal_with("S1", &[], 300 << 20);
    let datacenter = Datacenter::open();
    datacenter.shipped("job1", &[&drive]);
    let emulator = datacenter.emulator.process_id();
    let (seen, of_the_emulator, of_the_network) = std::thread::scope(|scope| {
        let docked = scope.spawn(|| datacenter.dock(&[&drive]));
        let (mut seen, mut own, mut network) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        while !docked.is_finished() {
            for process in readers(emulator) {
                seen.extend(open_files(&process).unwrap_or_default());
                own.extend(open_files(&emulator.to_string()).unwrap_or_default());
                network.extend(of_the_network(&emulator.to_string()));
            }
            std::thread::yield_now();
        }
        assert_eq!(docked.join().unwrap()[0]["status"], "Completed");
        (seen, own, network)
    });
    // Errors go where the emulator's go.
    let seen: BTreeSet<_> = seen.into_iter().filter(|(number, _)| number != "2").collect();
    let has = |number: &str, place: &str| {
        seen.iter().any(|(own, at)| own == number && at.starts_with(place))
    };
    let image = drive.image.to_str().unwrap();
    assert!(has("0", image) && has("1", "socket:"), "the reader was not seen: {seen:?}");
    let places = |of: &BTreeSet<(String, String)>, kind: &str| -> BTreeSet<String> {
        of.iter().map(|(_, place)| place.clone()).filter(|place| place.starts_with(kind)).collect()
    };
    let mut files = places(&seen, "/");
    // The listener for Ctrl-C has it.
    files.remove("/dev/null");
    assert_eq!(files, BTreeSet::from([image.to_owned()]));
    let (sockets, others) = (places(&seen, "socket:"), places(&of_the_emulator, "socket:"));
    assert!(others.iter().any(|socket| of_the_network.contains(socket)), "it listens: {others:?}");
    assert!(sockets.is_disjoint(&others), "{sockets:?} and {others:?}");
    assert!(sockets.is_disjoint(&of_the_network), "{sockets:?}");
}
