//! Which machine this is, and since which start of its kernel.

use std::fs;

/// This machine in words that another one does not have: its id and its name, since copied
/// machines share the id.
pub fn machine() -> (String, String) {
    let id = fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    (id.trim().to_owned(), name)
}
