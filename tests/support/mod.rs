//! What several test programs share: the sources as text, the program and other people's
//! programs, throw-away trees. No product code.
#![allow(dead_code, reason = "each test program uses its own part")]

pub mod program;
pub mod readers;
pub mod sources;
pub mod tree;
