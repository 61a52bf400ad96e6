//! Both copies of a partition table, twice: as they are, and with their checksums.
#![no_main]

#[allow(dead_code, reason = "each target uses its own part")]
#[path = "../parsers.rs"]
mod parsers;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    parsers::read_table(bytes);
    let mut whole = bytes.to_vec();
    whole.resize((parsers::TABLE_SECTORS.0 + parsers::TABLE_SECTORS.1) * 512, 0);
    parsers::seal_table(&mut whole);
    parsers::read_table(&whole);
});
