//! Names of files that are made for a moment to see what a folder keeps to. One that a killed run has
//! left keeps nobody from staging there.

use std::ffi::OsStr;
use std::path::PathBuf;

use uuid::Uuid;

const BEGIN: &str = ".azseed.";
const END: &str = ".probe";

/// A name that nobody else has.
pub fn probe_name() -> PathBuf {
    PathBuf::from(format!("{BEGIN}{}{END}", Uuid::new_v4().simple()))
}

/// Whether a file has such a name.
pub(super) fn is_probe(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with(BEGIN) && name.ends_with(END))
}
