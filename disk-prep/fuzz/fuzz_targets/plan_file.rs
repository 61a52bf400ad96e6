//! The plan of a drive, with the digest that its journal would have.
#![no_main]

#[allow(dead_code, reason = "each target uses its own part")]
#[path = "../parsers.rs"]
mod parsers;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    parsers::read_plan_file(bytes);
});
