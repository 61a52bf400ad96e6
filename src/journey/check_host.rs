//! `check host`: this machine, and the state directory that its records would lie in. Without one all else
//! is looked at nevertheless.

use super::desk::Desk;
use crate::check::finding::Checked;
use crate::check::host::{self, Records};

/// Looks at this machine.
pub fn check(desk: &Desk<'_>) -> Checked {
    match desk.state() {
        Ok(state) => host::check(Records::In(state.folder())),
        Err(error) => host::check(Records::Nowhere { why: error.to_string() }),
    }
}
