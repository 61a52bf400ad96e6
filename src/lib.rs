//! The program `azseed`: seeds the first backup to Azure on drives instead of over the wire.
//! A library for its own tests; the binary is its only user.

pub mod advice;
pub mod azure;
pub mod cli;
pub mod commands;
pub mod emulator;
pub mod import_job;
pub mod repository;
pub mod staging;
pub mod state;
pub mod ui;
pub mod vault;
