//! Bytes a second of each kernel on one core, by the thread's CPU time, the portable crates beside
//! ours; what each computes is checked before it is timed. On a shared machine trust the ratios.

use std::hint::black_box;
use std::time::Duration;

use aes::Aes128;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{BenchmarkGroup, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use disk_prep::hash::{Feed, FileDigests, FileHasher, update_all};
use disk_prep::kernels::{
    MD5_START, Md5Lane, Rung, SHA256_START, STEP_BLOCKS, SectorCipher, Sha256Stream,
    advance_md5_lanes, advance_one, advance_sha256_streams, advance_three,
};
use disk_prep::noun::Cipher;
use md5::Md5;
use rustix::time::{ClockId, clock_gettime};
use sha2::{Digest, Sha256};

/// More than the caches hold, as a drive's bytes are.
const BUFFER_BYTES: usize = 64 << 20;
const BLOCK_BYTES: usize = 4 << 20;
static WALL_TIME: WallTime = WallTime;

/// CPU time of the thread.
struct CpuTime;

impl Measurement for CpuTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        let now = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
    }
    fn end(&self, began: Duration) -> Duration {
        self.start() - began
    }
    fn add(&self, a: &Duration, b: &Duration) -> Duration {
        *a + *b
    }
    fn zero(&self) -> Duration {
        Duration::ZERO
    }
    fn to_f64(&self, value: &Duration) -> f64 {
        value.as_nanos() as f64
    }
    fn formatter(&self) -> &dyn ValueFormatter {
        WALL_TIME.formatter()
    }
}

fn pattern() -> Vec<u8> {
    (0..BUFFER_BYTES).map(|at| (at * 31 + at / 4099) as u8).collect()
}

fn rungs() -> impl Iterator<Item = Rung> {
    Rung::ALL.into_iter().filter(|rung| rung.is_here())
}

fn group<'a>(c: &'a mut Criterion<CpuTime>, name: &str) -> BenchmarkGroup<'a, CpuTime> {
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::Bytes(BUFFER_BYTES as u64)).sampling_mode(SamplingMode::Flat);
    group
}

/// XTS of one sector, straight from IEEE 1619, by the portable crate block by block.
fn slow_xts(key: &[u8], sector: u64, bytes: &mut [u8]) {
    let [data, tweak] = [&key[..16], &key[16..]].map(|key| Aes128::new_from_slice(key).unwrap());
    let mut own = u128::from(sector).to_le_bytes().into();
    tweak.encrypt_block(&mut own);
    let mut own = u128::from_le_bytes(own.into());
    for block in bytes.chunks_exact_mut(16) {
        let masked = u128::from_le_bytes((&*block).try_into().unwrap()) ^ own;
        let mut masked = masked.to_le_bytes().into();
        data.encrypt_block(&mut masked);
        block.copy_from_slice(&(u128::from_le_bytes(masked.into()) ^ own).to_le_bytes());
        own = own << 1 ^ (own >> 127) * 0x87;
    }
}

fn ciphers(c: &mut Criterion<CpuTime>) {
    let mut bytes = pattern();
    let mut group = group(c, "cipher");
    for cipher in Cipher::ALL {
        let key: Vec<u8> = (0..).take(cipher.key_bytes()).collect();
        let sectors = SectorCipher::new(cipher, &key).unwrap();
        let mut own = bytes[..4096].to_vec();
        sectors.encrypt(7, &mut own);
        if cipher == Cipher::XtsAes128 {
            let mut slow = bytes[512..1024].to_vec();
            slow_xts(&key, 8, &mut slow);
            assert_eq!(own[512..1024], slow);
        }
        sectors.decrypt(7, &mut own);
        assert_eq!(own, bytes[..4096]);
        group.bench_function(format!("{cipher} encrypt"), |b| {
            b.iter(|| sectors.encrypt(7, black_box(&mut bytes)));
        });
        group.bench_function(format!("{cipher} decrypt"), |b| {
            b.iter(|| sectors.decrypt(7, black_box(&mut bytes)));
        });
    }
    let key: Vec<u8> = (0..32).collect();
    group.bench_function("xts-aes-128 encrypt, the crate, block by block", |b| {
        b.iter(|| bytes.chunks_exact_mut(512).for_each(|sector| slow_xts(&key, 7, sector)));
    });
}

/// One chain over each message, or two.
fn in_lanes(rung: Rung, messages: &[&[[u8; 64]]], has_two: bool) -> Vec<[[u32; 4]; 2]> {
    let mut ends = vec![[MD5_START; 2]; messages.len()];
    for at in (0..messages[0].len()).step_by(STEP_BLOCKS) {
        let own = messages.iter().zip(&ends);
        let mut lanes: Vec<_> = own
            .map(|(message, &chains)| Md5Lane { chains, blocks: &message[at..at + STEP_BLOCKS] })
            .collect();
        advance_md5_lanes(rung, &mut lanes, has_two);
        ends = lanes.into_iter().map(|lane| lane.chains).collect();
    }
    ends
}

fn md5_chains(c: &mut Criterion<CpuTime>) {
    let bytes = pattern();
    let (blocks, _) = bytes.as_chunks::<64>();
    let one = |blocks: &[[u8; 64]]| {
        let mut chain = MD5_START;
        advance_one(&mut chain, blocks);
        chain
    };
    let mut portable = MD5_START;
    md5::block_api::compress(&mut portable, blocks);
    assert_eq!(one(blocks), portable);
    let mut group = group(c, "md5");
    group.bench_function("the crate", |b| b.iter(|| Md5::digest(black_box(&bytes))));
    group.bench_function("one chain", |b| b.iter(|| one(black_box(blocks))));
    for rung in rungs() {
        for (count, has_two) in [(16, false), (16, true), (8, true), (4, true)] {
            let messages: Vec<_> = blocks.chunks(blocks.len() / count).collect();
            let ends = in_lanes(rung, &messages, has_two);
            assert!(ends.iter().zip(&messages).all(|(end, message)| end[0] == one(message)));
            let chains = if has_two { "two chains" } else { "one chain" };
            group.bench_function(format!("{}, {count} messages, {chains}", rung.name()), |b| {
                b.iter(|| in_lanes(rung, black_box(&messages), has_two));
            });
        }
    }
}

fn sha256(c: &mut Criterion<CpuTime>) {
    let bytes = pattern();
    let (blocks, _) = bytes.as_chunks::<64>();
    let side_by_side = |count: usize| -> Vec<[u32; 8]> {
        let stream = |blocks| Sha256Stream { state: SHA256_START, blocks };
        let mut streams: Vec<_> = blocks.chunks(blocks.len() / count).map(stream).collect();
        advance_sha256_streams(Rung::chosen(), &mut streams);
        streams.into_iter().map(|stream| stream.state).collect()
    };
    let mut group = group(c, "sha-256");
    group.bench_function("the crate", |b| b.iter(|| Sha256::digest(black_box(&bytes))));
    for count in [1, 2, 4, 16] {
        for (state, message) in side_by_side(count).into_iter().zip(blocks.chunks(blocks.len() / count)) {
            let mut portable = SHA256_START;
            sha2::block_api::compress256(&mut portable, message);
            assert_eq!(state, portable);
        }
        group.bench_function(format!("{count} streams"), |b| b.iter(|| side_by_side(count)));
    }
}

/// The digests of each file, all side by side.
fn together(files: &[&[u8]]) -> Vec<FileDigests> {
    const AT_HAND: usize = 1 << 20;
    let mut hashers = vec![FileHasher::new(); files.len()];
    for at in (0..files[0].len()).step_by(AT_HAND) {
        let left = hashers.iter_mut().zip(files).filter(|(_, file)| file.len() > at);
        let feeds = left.map(|(hasher, file)| Feed {
            hasher,
            bytes: &file[at..file.len().min(at + AT_HAND)],
        });
        update_all(feeds.collect());
    }
    hashers.into_iter().map(FileHasher::finish).collect()
}

fn apart(bytes: &[u8]) -> (Vec<[u8; 16]>, [u8; 16], [u8; 32]) {
    let blocks = bytes.chunks(BLOCK_BYTES).map(|block| Md5::digest(block).into()).collect();
    (blocks, Md5::digest(bytes).into(), Sha256::digest(bytes).into())
}

fn digests(c: &mut Criterion<CpuTime>) {
    let bytes = pattern();
    let (blocks, _) = bytes.as_chunks::<64>();
    let mut group = group(c, "block md5, file md5, sha-256");
    group.bench_function("three crates", |b| b.iter(|| apart(black_box(&bytes))));
    for rung in rungs() {
        let three = |blocks| {
            let (mut md5, mut sha256) = ([MD5_START, [1, 2, 3, 4]], SHA256_START);
            advance_three(rung, &mut md5, &mut sha256, blocks);
            (md5, sha256)
        };
        let mut portable = ([MD5_START, [1, 2, 3, 4]], SHA256_START);
        portable.0.iter_mut().for_each(|chain| md5::block_api::compress(chain, blocks));
        sha2::block_api::compress256(&mut portable.1, blocks);
        assert_eq!(three(blocks), portable);
        group.bench_function(format!("one file, {}", rung.name()), |b| b.iter(|| three(blocks)));
    }
    for count in [1, 8, 16, 2000] {
        let files: Vec<&[u8]> = bytes.chunks(bytes.len().div_ceil(count)).collect();
        for (own, file) in together(&files).into_iter().zip(&files) {
            let (blocks, md5, sha256) = apart(file);
            let own_blocks = own.blocks.iter().map(|block| *block.bytes());
            assert!(own_blocks.eq(blocks) && *own.md5.bytes() == md5 && *own.sha256.bytes() == sha256);
        }
        group.bench_function(format!("{count} files side by side"), |b| b.iter(|| together(&files)));
    }
}

criterion_group! {
    name = kernels;
    config = Criterion::default()
        .with_measurement(CpuTime)
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1));
    targets = ciphers, md5_chains, sha256, digests
}
criterion_main!(kernels);
