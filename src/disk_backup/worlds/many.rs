//! A disk of 8 TiB with very many written ranges, in a stand-in for the service that holds none of them:
//! how much memory a first copy, a round and a proof take. Each is measured in a process of its own.

use std::env;
use std::process::Command;
use std::sync::atomic::AtomicU64;

use bytes::Bytes;
use disk_prep::limits::{PAGE_BLOB_BYTES, PAGES_LISTED};
use disk_prep::noun::Md5Digest;

use super::*;
use crate::azure::{
    self, CopySource, Made as BlobMade, PageFacts, PageList, PageRange, SnapshotFacts,
};
use crate::disk_backup::compare_table;
use crate::disk_backup::pages::{AT_ONCE, md5_of};
use crate::disk_backup::table::BLOCK_BYTES;

const NAME: &str = "disk_backup::worlds::many::ten_million_ranges_of_8_tib_take_no_more_memory";
/// Set for the process that is measured: how many ranges, and what is measured.
const MEASURED: &str = "AZSEED_TEST_MEASURED_RANGES";
/// Set by the long run.
const ASKED: &str = "AZSEED_TEST_RANGES";
const MIB: u64 = 1 << 20;
/// More than the same with few ranges, at most.
const GROWTH_BYTES: u64 = 8 * MIB;

/// A disk or its copy. The disk makes its pages up as they are asked for; the copy counts what it is
/// given, and refuses what is not the disk's.
#[derive(Debug)]
struct Vast {
    count: u64,
    lie: Lie,
    is_copy: bool,
    metadata: Mutex<Option<BTreeMap<String, String>>>,
    snapshots: Mutex<Vec<SnapshotFacts>>,
    written: AtomicU64,
}

/// Where the pages lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lie {
    /// All over the disk.
    Apart,
    /// Each second one at its beginning: whoever proves them reads them all.
    Dense,
}

impl Vast {
    fn new(count: u64, lie: Lie, is_copy: bool) -> Arc<Self> {
        let metadata = Mutex::new((!is_copy).then(BTreeMap::new));
        let (snapshots, written) = (Mutex::default(), AtomicU64::new(0));
        Arc::new(Vast { count, lie, is_copy, metadata, snapshots, written })
    }

    /// Where the pages lie: one in each even stretch.
    fn stride(&self) -> u64 {
        match self.lie {
            Lie::Apart => PAGE_BLOB_BYTES / self.count / PAGE as u64 * PAGE as u64,
            Lie::Dense => 2 * PAGE as u64,
        }
    }

    fn content(&self, start: u64, bytes: u64) -> Bytes {
        let mut content = vec![0; bytes as usize];
        for (at, page) in content.chunks_mut(PAGE).enumerate() {
            let offset = start + (at * PAGE) as u64;
            if offset.is_multiple_of(self.stride()) && offset / self.stride() < self.count {
                page.fill((offset / PAGE as u64 % 251) as u8 + 1);
            }
        }
        content.into()
    }
}

impl PageBlob for Vast {
    fn address(&self) -> String {
        format!("https://vast/{}", if self.is_copy { "copy" } else { "disk" })
    }

    fn facts(&self, snapshot: Option<&str>) -> Result<Option<PageFacts>, azure::Error> {
        let metadata = hold(&self.metadata).clone();
        Ok(metadata.map(|metadata| PageFacts {
            bytes: PAGE_BLOB_BYTES,
            etag: "1".to_owned(),
            metadata,
            is_pages: true,
            is_leased: false,
            copy: None,
            is_azurite: false,
            is_sealed: snapshot.is_some(),
            is_incremental: false,
        }))
    }

    fn snapshots(&self) -> Result<Vec<SnapshotFacts>, azure::Error> {
        Ok(hold(&self.snapshots).clone())
    }

    fn snapshots_below(&self, _: &str) -> Result<Vec<(String, SnapshotFacts)>, azure::Error> {
        unreachable!()
    }

    fn pages(&self, asked: PagesAsked<'_>) -> Result<PageList, azure::Error> {
        if self.is_copy {
            return Ok(PageList::default());
        }
        let from: u64 = asked.marker.map_or(0, |marker| marker.parse().unwrap());
        let to = self.count.min(from + PAGES_LISTED as u64);
        let one = |number: u64| {
            let start = number * self.stride();
            PageRange { start, end: start + PAGE as u64, state: PageState::Written }
        };
        let next = (to < self.count).then(|| to.to_string());
        Ok(PageList { ranges: (from..to).map(one).collect(), next })
    }

    fn read(
        &self,
        _: Option<&str>,
        start: u64,
        bytes: u64,
    ) -> Result<(Bytes, Option<Md5Digest>), azure::Error> {
        Ok((self.content(start, bytes), None))
    }

    fn source(&self, _: &str) -> Result<CopySource, azure::Error> {
        unreachable!()
    }

    fn create(
        &self,
        bytes: u64,
        metadata: &BTreeMap<String, String>,
    ) -> Result<BlobMade, azure::Error> {
        assert_eq!(bytes, PAGE_BLOB_BYTES);
        *hold(&self.metadata) = Some(metadata.clone());
        Ok(BlobMade::New)
    }

    fn copy_from(
        &self,
        _: &CopySource,
        _: &BTreeMap<String, String>,
    ) -> Result<BlobMade, azure::Error> {
        unreachable!()
    }

    fn snapshot(
        &self,
        metadata: &BTreeMap<String, String>,
        _: Option<Uuid>,
    ) -> Result<String, azure::Error> {
        let mut all = hold(&self.snapshots);
        let id = format!("{:08}", all.len() + 1);
        let metadata = metadata.clone();
        let own = SnapshotFacts { id: id.clone(), metadata, bytes: PAGE_BLOB_BYTES, copied: None };
        all.push(own);
        Ok(id)
    }

    fn write(
        &self,
        start: u64,
        content: Bytes,
        md5: Md5Digest,
        _: Uuid,
    ) -> Result<(), azure::Error> {
        assert!(content == self.content(start, PAGE as u64) && md5 == md5_of(&content));
        assert!(start.is_multiple_of(self.stride()), "{start}");
        self.written.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn write_from(
        &self,
        _: &CopySource,
        _: (u64, u64),
        _: Option<Md5Digest>,
        _: Uuid,
    ) -> Result<(), azure::Error> {
        unreachable!()
    }

    fn copy_changes(&self, _: &CopySource) -> Result<(), azure::Error> {
        unreachable!()
    }

    fn clear(&self, start: u64, _: u64, _: Uuid) -> Result<(), azure::Error> {
        panic!("nothing is there at {start}")
    }

    fn resize(&self, _: u64, _: Uuid) -> Result<(), azure::Error> {
        unreachable!()
    }

    fn set_metadata(
        &self,
        metadata: &BTreeMap<String, String>,
        _: &str,
        _: Option<Uuid>,
    ) -> Result<(), azure::Error> {
        *hold(&self.metadata) = Some(metadata.clone());
        Ok(())
    }

    fn remove_snapshot(&self, id: &str) -> Result<(), azure::Error> {
        hold(&self.snapshots).retain(|own| own.id != id);
        Ok(())
    }

    fn remove(&self, _: &str) -> Result<(), azure::Error> {
        unreachable!()
    }

    fn remove_bare(&self, _: &str) -> Result<(), azure::Error> {
        unreachable!()
    }

    fn lease(&self, _: Uuid, _: i32) -> Result<(), azure::Error> {
        Ok(())
    }

    fn renew_lease(&self, _: Uuid) -> Result<(), azure::Error> {
        Ok(())
    }

    fn change_lease(&self, _: Uuid, _: Uuid) -> Result<(), azure::Error> {
        Ok(())
    }

    fn release_lease(&self, _: Uuid) -> Result<(), azure::Error> {
        Ok(())
    }

    fn break_lease(&self) -> Result<(), azure::Error> {
        Ok(())
    }

    /// One that is not there.
    fn beside(&self, _: &str) -> Arc<dyn PageBlob> {
        Vast::new(1, self.lie, true)
    }
}

/// What takes the memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    /// A first copy, and a round by the service's difference.
    Rounds,
    /// A first copy, a round by the client's, and the proof of a point by the disk and by its table.
    Proof,
}

/// The most memory that this process ever had, after a deed with so many ranges.
fn measure(count: u64, deed: Deed) -> u64 {
    let (lie, mode) = match deed {
        Deed::Rounds => (Lie::Apart, Mode::Service),
        Deed::Proof => (Lie::Dense, Mode::Client),
    };
    let (disk, copy) = (Vast::new(count, lie, false), Vast::new(count, lie, true));
    let (source, target): (Arc<dyn PageBlob>, Arc<dyn PageBlob>) = (disk.clone(), copy.clone());
    let quiet = Death { left: AtomicUsize::new(usize::MAX), machine: &|| {} };
    for turn in 1..=2_u64 {
        let round = Round {
            source: &source,
            target: &target,
            backup: Uuid::from_u128(7),
            run: Uuid::from_u128(u128::from(turn)),
            former: None,
            mode,
            by_service: false,
            first_via: Via::Client,
            via: Via::Client,
            verify: Verify::None,
            is_anew: false,
        };
        let made = round.make(&quiet).unwrap();
        // A client sees that nothing changed.
        let is_sent = turn == 1 || mode == Mode::Service;
        assert_eq!(made.counts.requests, if is_sent { count } else { 0 }, "each range once");
    }
    let turns = if mode == Mode::Service { 2 } else { 1 };
    assert_eq!(copy.written.load(Ordering::Relaxed), count * turns);
    if deed == Deed::Proof {
        let twin = Vast::new(count, lie, false);
        let (own, theirs) = ((disk.as_ref() as _, Some("1")), (twin.as_ref() as _, Some("1")));
        let found = compare(own, theirs, None, &quiet).unwrap();
        assert!(found.is_none() && found.compared_bytes >= count * PAGE as u64);
        let found = compare_table(&found.table.unwrap(), theirs, None, &quiet).unwrap();
        assert!(found.is_none());
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

/// The same in a process of its own.
#[expect(clippy::disallowed_methods, reason = "a test runs itself")]
fn peak_of(count: u64, deed: Deed) -> u64 {
    let mut own = Command::new(env::current_exe().unwrap());
    own.args(["--exact", NAME, "--nocapture", "--test-threads", "1"]);
    let said = own.env(MEASURED, format!("{count} {deed:?}")).output().unwrap();
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.status.success(), "{text}{}", String::from_utf8_lossy(&said.stderr));
    let words: Vec<&str> = text.split_whitespace().collect();
    let at = words.iter().position(|word| *word == "peak").unwrap();
    words[at + 2].parse().unwrap()
}

#[test]
fn ten_million_ranges_of_8_tib_take_no_more_memory() {
    if let Ok(asked) = env::var(MEASURED) {
        let (count, deed) = asked.split_once(' ').unwrap();
        let deed = if deed == "Proof" { Deed::Proof } else { Deed::Rounds };
        println!("peak bytes {} ", measure(count.parse().unwrap(), deed));
        return;
    }
    let count = env::var(ASKED).map_or(200_000, |text| text.parse().unwrap());
    for deed in [Deed::Rounds, Deed::Proof] {
        // As many as give each call under way its content.
        let few = 8 * PAGES_LISTED as u64;
        let (least, most) = (peak_of(few, deed), peak_of(count, deed));
        let (of_most, of_least) = (most / MIB, least / MIB);
        println!("{deed:?}: {count} ranges of 8 TiB: {of_most} MiB, {of_least} MiB with {few}");
        // How many of the calls under way hold a block's bytes twice at once is chance.
        let by_chance = if deed == Deed::Proof { AT_ONCE as u64 * BLOCK_BYTES } else { 0 };
        let bound = least + GROWTH_BYTES + by_chance;
        assert!(most <= bound, "{deed:?}: {least} with few, and {most}");
    }
}
