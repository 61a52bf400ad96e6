//! GiB/s of each kernel on one core, by the thread's CPU time, the portable crates beside ours.
//! `cargo bench -p disk-prep`; on a shared machine trust the ratios, not the figures.

#![allow(clippy::print_stdout)]

use std::hint::black_box;

use disk_prep::hash::{Feed, FileHasher, update_all};
use disk_prep::kernels::{
    MD5_START, Md5Lane, Rung, SHA256_START, STEP_BLOCKS, SectorCipher, Sha256Stream,
    advance_md5_lanes, advance_one, advance_sha256_streams, advance_three,
};
use disk_prep::noun::Cipher;
use md5::Md5;
use sha2::{Digest, Sha256};

const BUFFER_BYTES: usize = 64 << 20;
const ROUNDS: usize = 5;

/// CPU seconds of this thread, as the kernel's scheduler counts them.
fn cpu_secs() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos: f64 = text.split(' ').next().and_then(|field| field.parse().ok()).unwrap_or(0.0);
    nanos / 1e9
}

/// The best of some rounds, since neighbours only ever slow a round down.
fn measure(name: &str, mut run: impl FnMut()) {
    let mut best_secs = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = cpu_secs();
        run();
        best_secs = best_secs.min(cpu_secs() - start);
    }
    let gib = BUFFER_BYTES as f64 / f64::from(1 << 30);
    println!("{name:<44} {:>7.2} GiB/s {:>7.3} CPU s/GiB", gib / best_secs, best_secs / gib);
}

fn main() {
    let mut bytes: Vec<u8> = (0..BUFFER_BYTES).map(|at| (at * 31 + at / 4099) as u8).collect();
    for cipher in Cipher::ALL {
        let key: Vec<u8> = (0..).take(cipher.key_bytes()).collect();
        let sectors = SectorCipher::new(cipher, &key).expect("the key has the cipher's length");
        measure(&format!("{cipher} encrypt"), || sectors.encrypt(7, black_box(&mut bytes)));
        measure(&format!("{cipher} decrypt"), || sectors.decrypt(7, black_box(&mut bytes)));
    }
    let (blocks, _) = bytes.as_chunks::<64>();
    measure("md5, portable crate", || {
        black_box(Md5::digest(&bytes));
    });
    measure("md5, one chain", || advance_one(&mut MD5_START.clone(), black_box(blocks)));
    for rung in Rung::ALL.into_iter().filter(|rung| rung.is_here()) {
        measure(&format!("md5, two chains, and sha-256, {}", rung.name()), || {
            let (mut md5, mut sha256) = ([MD5_START, [1, 2, 3, 4]], SHA256_START);
            advance_three(rung, &mut md5, &mut sha256, black_box(blocks));
        });
        for (count, has_two) in [(16, false), (16, true), (8, true), (4, true)] {
            let chains = if has_two { "two chains" } else { "one chain" };
            measure(&format!("md5, {}, {count} messages, {chains}", rung.name()), || {
                let messages: Vec<_> = blocks.chunks(blocks.len() / count).collect();
                let mut ends = vec![[MD5_START; 2]; count];
                for at in (0..messages[0].len()).step_by(STEP_BLOCKS) {
                    let own = messages.iter().zip(&ends);
                    let mut lanes: Vec<_> = own
                        .map(|(message, &chains)| Md5Lane {
                            chains,
                            blocks: &message[at..at + STEP_BLOCKS],
                        })
                        .collect();
                    advance_md5_lanes(rung, &mut lanes, has_two);
                    ends = lanes.into_iter().map(|lane| lane.chains).collect();
                }
                black_box(ends);
            });
        }
    }
    for count in [1, 2, 4, 16] {
        measure(&format!("sha-256, {count} streams"), || {
            let messages = blocks.chunks(blocks.len() / count);
            let stream = |blocks| Sha256Stream { state: SHA256_START, blocks };
            let mut streams: Vec<_> = messages.map(stream).collect();
            advance_sha256_streams(Rung::chosen(), &mut streams);
            black_box(streams);
        });
    }
    measure("sha-256, portable crate", || {
        black_box(Sha256::digest(&bytes));
    });
    measure("block md5, file md5, sha-256, three crates", || {
        for block in bytes.chunks(4 << 20) {
            black_box(Md5::digest(block));
        }
        black_box(Md5::digest(&bytes));
        black_box(Sha256::digest(&bytes));
    });
    for piece_mib in [1, 16, 64] {
        measure(&format!("the same, file hasher, {piece_mib} MiB at hand"), || {
            let mut hasher = FileHasher::new();
            bytes.chunks(piece_mib << 20).for_each(|piece| hasher.update(piece));
            black_box(hasher.finish());
        });
    }
    for count in [16, 8, 2000] {
        measure(&format!("the same, {count} files side by side"), || {
            let files: Vec<&[u8]> = bytes.chunks(bytes.len() / count).collect();
            let mut hashers = vec![FileHasher::new(); files.len()];
            for at in (0..files[0].len()).step_by(2 << 20) {
                let left = hashers.iter_mut().zip(&files).filter(|(_, file)| file.len() > at);
                let feeds = left.map(|(hasher, file)| Feed {
                    hasher,
                    bytes: &file[at..file.len().min(at + (2 << 20))],
                });
                update_all(feeds.collect());
            }
            hashers.into_iter().for_each(|hasher| drop(black_box(hasher.finish())));
        });
    }
    measure("the same, a file of 4 MiB", || {
        for file in bytes.chunks(4 << 20) {
            let mut hasher = FileHasher::new();
            hasher.update(file);
            black_box(hasher.finish());
        }
    });
}
