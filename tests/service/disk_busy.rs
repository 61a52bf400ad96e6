//! A service that gets busy in mid-round, seen from the line: how many calls of the program are under
//! way at once before it, after it, and when it is long over.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::{disk_rig, support};

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use disk_rig::{PROTECT, Rig};
use support::disk::{self, Disk, PAGE};

/// So long the line takes with what comes back.
const LATENCY: Duration = Duration::from_millis(60);

/// What was seen on the line: when a call was begun, and how many were under way then.
#[derive(Debug, Default)]
struct Seen {
    under_way: usize,
    begun: Vec<(Instant, usize)>,
}

/// A line to a service. A connection has one call at a time, from the first byte that is asked to the
/// first that is answered.
struct Line {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

impl Line {
    fn to(service: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (service, own) = (service.to_owned(), Arc::clone(&seen));
        std::thread::spawn(move || {
            for asking in listener.incoming().flatten() {
                let answering = TcpStream::connect(&service).unwrap();
                carry(asking, answering, &own);
            }
        });
        Line { address, seen }
    }

    fn under_way(&self) -> usize {
        self.seen.lock().unwrap().under_way
    }
}

fn carry(asking: TcpStream, answering: TcpStream, seen: &Arc<Mutex<Seen>>) {
    let is_asked = Arc::new(AtomicBool::new(false));
    let own = (asking.try_clone().unwrap(), answering.try_clone().unwrap());
    let (asked, book) = (Arc::clone(&is_asked), Arc::clone(seen));
    std::thread::spawn(move || {
        pass(own.0, own.1, || {
            if !asked.swap(true, Ordering::SeqCst) {
                let mut seen = book.lock().unwrap();
                seen.under_way += 1;
                let now = (Instant::now(), seen.under_way);
                seen.begun.push(now);
            }
        });
    });
    let book = Arc::clone(seen);
    std::thread::spawn(move || {
        let answered = || {
            if is_asked.load(Ordering::SeqCst) {
                std::thread::sleep(LATENCY);
                is_asked.store(false, Ordering::SeqCst);
                book.lock().unwrap().under_way -= 1;
            }
        };
        pass(answering, asking, answered);
        answered();
    });
}

/// Passes on what comes, until nothing more does.
fn pass(mut from: TcpStream, mut to: TcpStream, comes: impl Fn()) {
    to.set_nodelay(true).unwrap();
    let mut piece = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut piece) {
        comes();
        if to.write_all(&piece[..count]).is_err() {
            break;
        }
    }
    let _closed = to.shutdown(std::net::Shutdown::Write);
}

#[tokio::test]
async fn a_busy_service_gets_half_as_many_calls_at_once_and_as_many_again_by_and_by() {
    let rig = Rig::new().await;
    let mut disk = Disk::create(&rig.container, "os.vhd", 64 << 20).await;
    let service = rig.emulator.fact("blob").trim_start_matches("https://").to_owned();
    let line = Line::to(&service);
    let over = |words: &[&str]| {
        let mut run = rig.emulator.command(&rig.machine, words);
        run.env("AZSEED_BLOB_ENDPOINT", format!("https://{}", line.address));
        run.stdout(Stdio::piped()).stderr(Stdio::piped());
        run
    };
    // The emulator copies only from its own address.
    let protect = [&PROTECT[..], &["--first", "stream"]].concat();
    let protected = over(&protect).output().unwrap();
    assert!(protected.status.success(), "{}", String::from_utf8_lossy(&protected.stderr));
    line.seen.lock().unwrap().begun.clear();
    // Far enough from each other that each is a call.
    for page in 0..300 {
        disk.write(page * 400 * PAGE, &[7; PAGE]).await;
    }
    let run = over(&["disk-backup", "run", "os", "--now"]).spawn().unwrap();
    let end = Instant::now() + Duration::from_secs(30);
    while line.under_way() < 8 && Instant::now() < end {
        std::thread::yield_now();
    }
    // The next call of each of the eight is refused, and asked to come back in a second.
    rig.emulator.mischief(&rig.machine, &["retry-after-seconds:8"]);
    let ended = run.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&[ended.stdout, ended.stderr].concat()).into_owned();
    assert_eq!(ended.status.code(), Some(0), "{said}");
    let begun = line.seen.lock().unwrap().begun.clone();
    let gaps = begun.windows(2).map(|two| two[1].0 - two[0].0);
    let (at, longest) = gaps.enumerate().max_by_key(|own| own.1).unwrap();
    assert!(longest >= Duration::from_millis(500), "all of them paused: {longest:?}");
    let (before, after) = begun.split_at(at + 1);
    let most = |some: &[(Instant, usize)]| some.iter().map(|own| own.1).max().unwrap();
    let (first, rest) = after.split_at(6);
    println!(
        "at once: {} before, {} of the first six calls after, {} of the {} later ones",
        most(before),
        most(first),
        most(rest),
        rest.len()
    );
    assert!(most(before) >= 8, "{before:?}");
    assert!(most(first) <= 5, "half of them, and perhaps one about the lease: {first:?}");
    assert!(most(rest) >= 7, "as many again: {rest:?}");
    assert!(fs::read(rig.emulator.blob("disks", "backup.vhd")).unwrap() == disk.model);
    assert_eq!(disk::snapshots(&rig.container, "os.vhd").await.len(), 1);
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_asked_for_again() {
    let rig = Rig::new().await;
    let mut disk = Disk::create(&rig.container, "os.vhd", 1 << 20).await;
    disk.write(0, &[1; PAGE]).await;
    rig.told(0, &[&PROTECT[..], &["--first", "stream"]].concat(), "disk-round");
    rig.emulator.mischief(&rig.machine, &["half:2"]);
    disk.write(PAGE, &[2; PAGE]).await;
    let made = rig.round(&[]);
    let id = made["backup_snapshot"].as_str();
    assert!(disk::read(&rig.container, "backup.vhd", id).await == disk.model);
}
