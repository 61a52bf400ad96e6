//! What several test programs share: an emulator, bare calls, signatures. No product code but the
//! emulator itself.
#![allow(dead_code, reason = "each test program uses its own part")]

pub mod arm;
pub mod emulator;
pub mod key;
pub mod page_suite;
pub mod suite;
