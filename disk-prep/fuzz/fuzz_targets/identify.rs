//! What a drive or a bridge answers to IDENTIFY DEVICE, twice: as it is, and with its checksum.
#![no_main]

#[allow(dead_code, reason = "each target uses its own part")]
#[path = "../parsers.rs"]
mod parsers;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    parsers::read_identify(bytes);
    let mut whole = bytes.to_vec();
    parsers::seal_identify(&mut whole);
    parsers::read_identify(&whole);
});
