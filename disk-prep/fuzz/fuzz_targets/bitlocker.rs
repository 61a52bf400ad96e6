//! BitLocker's header and metadata block, twice: as they are, and with the block's checksum.
#![no_main]

#[allow(dead_code, reason = "each target uses its own part")]
#[path = "../parsers.rs"]
mod parsers;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    parsers::read_bitlocker(bytes);
    let mut whole = bytes.to_vec();
    whole.resize(512 + 65_536, 0);
    parsers::seal_bitlocker(&mut whole);
    parsers::read_bitlocker(&whole);
});
