//! The journal's reader, twice: with the bytes as they are, and with each line below the digest
//! that makes it a record.
#![no_main]

#[allow(dead_code, reason = "each target uses its own part")]
#[path = "../parsers.rs"]
mod parsers;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    parsers::read_journal(bytes);
    parsers::read_journal(&parsers::seal_journal(bytes));
});
