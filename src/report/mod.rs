//! Every outcome and event in words and as records.

pub mod event;
