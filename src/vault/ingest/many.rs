//! A seed of very many blobs, in a stand-in for the containers that holds none of them: how much
//! memory it takes to list, compare and copy them. Measured in a process of its own.

use std::env;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use disk_prep::monitor::VoidMonitor;
use disk_prep::noun::{ContainerName, Md5Digest, Sha256Digest};
use uuid::Uuid;

use super::*;
use crate::azure::{
    self, BlobFacts, Container, Copied, CopySource, Fence, Fenced, Made, Removed, Sent, Supply,
    Upload, Vouched,
};
use crate::repository::Place;
use crate::vault::seed_list::SeedBlob;
use crate::vault::shelf::Import;
use bytes::Bytes;

const NAME: &str = "vault::ingest::many::a_million_blobs_are_taken_in_within_200_mib";
/// Set for the process that is measured: how many blobs.
const MEASURED: &str = "AZSEED_TEST_MEASURED_BLOBS";
/// Set by the long run.
const ASKED: &str = "AZSEED_TEST_BLOBS";
const MIB: u64 = 1 << 20;

fn place(number: usize) -> Place {
    let mut id = [0; 32];
    id[..8].copy_from_slice(&(number as u64).to_be_bytes());
    Place { rank: Rank::Pack, id: Sha256Digest::new(id) }
}

fn number(path: &str) -> usize {
    let id = *Place::of(path).unwrap().id.bytes();
    u64::from_be_bytes(id[..8].try_into().unwrap()) as usize
}

fn md5(number: usize) -> Md5Digest {
    Md5Digest::new((number as u128).to_be_bytes())
}

/// An account that makes its blobs up as they are asked for, and knows which were copied.
#[derive(Debug)]
struct Many {
    name: ContainerName,
    is_import: bool,
    count: usize,
    copied: Arc<Vec<AtomicU64>>,
    lists: AtomicUsize,
}

impl Many {
    fn has(&self, number: usize) -> bool {
        self.is_import
            || self.copied[number / 64].load(Ordering::Relaxed) & (1 << (number % 64)) != 0
    }
}

impl Container for Many {
    fn name(&self) -> &ContainerName {
        &self.name
    }
    fn make(&self) -> Result<(), azure::Error> {
        unreachable!()
    }
    fn walk(
        &self,
        prefix: &str,
        show: &mut dyn FnMut(String, BlobFacts) -> bool,
    ) -> Result<(), azure::Error> {
        self.lists.fetch_add(1, Ordering::Relaxed);
        for number in (0..self.count).filter(|number| self.has(*number)) {
            let name = format!("{prefix}{}", place(number).path());
            let etag = format!("0x{number:016X}");
            let md5 = (!self.is_import).then_some(md5(number));
            assert!(show(
                name,
                BlobFacts { bytes: 1 << 26, md5, etag, modified_at: None, is_unfinished: false }
            ));
        }
        Ok(())
    }
    fn facts(&self, _: &str) -> Result<Option<BlobFacts>, azure::Error> {
        unreachable!()
    }
    fn read(&self, _: &str) -> Result<Option<Bytes>, azure::Error> {
        unreachable!()
    }
    fn source(&self, name: &str) -> CopySource {
        CopySource::played(&self.name, name, None)
    }
    fn read_part(&self, _: &str, _: u64, _: u64) -> Result<Bytes, azure::Error> {
        unreachable!()
    }
    fn write_new(&self, _: &str, _: Bytes) -> Result<Made, azure::Error> {
        unreachable!()
    }
    fn lease(&self, _: &str, _: Uuid, _: i32) -> Result<(), azure::Error> {
        unreachable!()
    }
    fn renew_lease(&self, _: &str, _: Uuid) -> Result<(), azure::Error> {
        unreachable!()
    }
    fn change_lease(&self, _: &str, _: Uuid, _: Uuid) -> Result<(), azure::Error> {
        unreachable!()
    }
    fn release_lease(&self, _: &str, _: Uuid) -> Result<(), azure::Error> {
        unreachable!()
    }
    fn fenced(self: Arc<Self>, _: Arc<dyn Fence>) -> Arc<dyn Fenced> {
        self
    }
}

impl Fenced for Many {
    fn check(&self) -> Result<(), azure::Error> {
        Ok(())
    }
    fn container(&self) -> Arc<dyn Container> {
        let (name, copied) = (self.name.clone(), Arc::clone(&self.copied));
        let (is_import, count, lists) = (self.is_import, self.count, AtomicUsize::new(0));
        Arc::new(Many { name, is_import, count, copied, lists })
    }
    fn write(&self, _: &str, _: Bytes, _: Md5Digest) -> Result<(), azure::Error> {
        unreachable!()
    }
    fn send(&self, _: &Upload<'_>, _: &mut dyn Supply) -> Result<Sent, azure::Error> {
        unreachable!()
    }
    fn copy_from(
        &self,
        source: &CopySource,
        name: &str,
        own: Md5Digest,
    ) -> Result<Copied, azure::Error> {
        let number = number(name);
        assert_eq!((source.name(), md5(number)), (name, own));
        let before = self.copied[number / 64].fetch_or(1 << (number % 64), Ordering::Relaxed);
        assert_eq!(before & (1 << (number % 64)), 0, "copied twice");
        Ok(Copied::Done)
    }
    fn vouch(&self, _: &str, _: &str, _: Md5Digest) -> Result<Vouched, azure::Error> {
        unreachable!()
    }
    fn remove(&self, _: &str, _: &str) -> Result<Removed, azure::Error> {
        unreachable!()
    }
    fn remove_any(&self, _: &str) -> Result<Removed, azure::Error> {
        unreachable!()
    }
}

/// Takes so many blobs in; the most memory that the process had, bytes.
fn measure(count: usize) -> u64 {
    let copied: Arc<Vec<AtomicU64>> =
        Arc::new((0..count.div_ceil(64)).map(|_| AtomicU64::new(0)).collect());
    let many = |is_import| Many {
        name: "many".parse().unwrap(),
        is_import,
        count,
        copied: Arc::clone(&copied),
        lists: AtomicUsize::new(0),
    };
    let mut blobs = Vec::with_capacity(count);
    blobs.extend((0..count).map(|number| SeedBlob {
        place: place(number),
        bytes: 1 << 26,
        md5: md5(number),
    }));
    let seed = SeedList::new(blobs).unwrap();
    let shelf = Shelf {
        vault: Arc::new(many(false)),
        vault_prefix: String::new(),
        import: Import::Container(Arc::new(many(true)), String::new()),
    };
    let taking = Taking {
        spare: &|_| Ok(None),
        repair_limit: None,
        tell: &|_| (),
        prove: None,
        versions: None,
    };
    let done = ingest(&seed, &shelf, taking, &VoidMonitor).unwrap();
    assert_eq!(done, Ingested { copied: count as u64, ..Ingested::default() });
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// The same in a process of its own.
fn peak_of(count: usize) -> u64 {
    #[expect(clippy::disallowed_methods, reason = "the test measures a process of its own")]
    let mut command = Command::new(env::current_exe().unwrap());
    let said = command.args(["--exact", NAME, "--nocapture"]).env(MEASURED, count.to_string());
    let said = said.output().unwrap();
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    let peak = text.split("peak bytes ").nth(1).and_then(|rest| rest.split_whitespace().next());
    peak.unwrap_or_else(|| panic!("{text}")).parse().unwrap()
}

#[test]
fn a_million_blobs_are_taken_in_within_200_mib() {
    let of = |name| env::var(name).ok().map(|text| text.parse::<usize>().unwrap());
    if let Some(count) = of(MEASURED) {
        println!("peak bytes {} ", measure(count));
        return;
    }
    let count = of(ASKED).unwrap_or(100_000);
    let (least, most) = (peak_of(64), peak_of(count));
    let of_a_blob = most.saturating_sub(least) / count as u64;
    println!("{count} blobs: {} MiB, {of_a_blob} bytes a blob", most / MIB);
    assert!(least + of_a_blob * 1_000_000 <= 200 * MIB, "{least} and {of_a_blob} bytes a blob");
    assert!(most <= 200 * MIB, "{most}");
}
