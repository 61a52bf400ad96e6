//! The last entry that this machine has seen of each custody log, kept where nobody else writes: so
//! that a log whose end was cut off, or that was written anew, is found out here.

use std::io;

use disk_prep::noun::Sha256Digest;
use disk_prep::sys::durable::{self, Access};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::state::{State, StateError, io_at, record_at};

const VERSION: u32 = 1;

/// The last entry that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Anchor {
    version: u32,
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: Sha256Digest,
}

impl Anchor {
    pub fn new(number: u64, hash: Sha256Digest) -> Self {
        Anchor { version: VERSION, number, hash }
    }

    /// What was kept of a log.
    pub fn read(state: &State, id: Uuid) -> Result<Option<Self>, StateError> {
        let path = state.folder().join("custody").join(format!("{id}.json"));
        let text = match durable::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text.map_err(io_at(&path))?,
        };
        let anchor = serde_json::from_slice(&text).map_err(io::Error::from);
        anchor.map(Some).map_err(record_at(&path))
    }

    /// Keeps it, durably.
    pub fn keep(&self, state: &State, id: Uuid) -> Result<(), StateError> {
        let folder = state.folder().join("custody");
        let path = folder.join(format!("{id}.json"));
        state.make_folder(&folder, Access::Public)?;
        let text = serde_json::to_vec(self).expect("it holds texts and numbers");
        durable::write(&path, &text, Access::Public).map_err(io_at(&path))
    }
}
