//! The journal's reader, twice: with the bytes as they are, and with each line below the digest
//! that makes it a record, since no chance finds that.
#![no_main]

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use disk_prep::journal::Journal;
use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};

/// A file in memory: the journal is read from a path.
static PATH: LazyLock<PathBuf> =
    LazyLock::new(|| PathBuf::from(format!("/dev/shm/azseed-fuzz-{}.journal", std::process::id())));

fn read(bytes: &[u8]) {
    fs::write(&*PATH, bytes).expect("there is room in memory");
    let _ = Journal::read(&PATH);
}

fn sealed(bytes: &[u8]) -> Vec<u8> {
    let mut chain = [0; 32];
    let mut journal = Vec::new();
    for text in bytes.split(|&byte| byte == b'\n') {
        chain = Sha256::new().chain_update(chain).chain_update(text).finalize().into();
        let mark: String = chain[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        journal.extend_from_slice(mark.as_bytes());
        journal.push(b' ');
        journal.extend_from_slice(text);
        journal.push(b'\n');
    }
    journal
}

fuzz_target!(|bytes: &[u8]| {
    read(bytes);
    read(&sealed(bytes));
});
