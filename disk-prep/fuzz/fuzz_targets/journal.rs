//! The journal's reader, twice: with the bytes as they are, and with each line below the digest
//! that makes it a record, since no chance finds that.
#![no_main]

use std::path::Path;

use disk_prep::journal::Journal;
use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};

fn read(bytes: &[u8]) {
    let _ = Journal::parse(Path::new("S1.journal"), bytes);
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
