//! Packs that a check reads piece by piece, each from its beginning to its end: their SHA-256 is their
//! name. The check itself says in words alone which pack it stumbled over, and reads no further there.

use std::collections::BTreeMap;
use std::sync::Mutex;

use disk_prep::noun::Sha256Digest;
use disk_prep::sys::hold::hold;
use sha2::{Digest, Sha256};

use super::layout::Place;

/// What was read of each pack.
#[derive(Debug, Default)]
pub(super) struct Proof(Mutex<BTreeMap<Place, Running>>);

#[derive(Debug, Default)]
struct Running {
    hash: Sha256,
    next: u32,
}

impl Proof {
    /// Takes a piece, if it is the one that follows.
    pub fn hear(&self, place: Place, offset: u32, content: &[u8]) {
        let mut all = hold(&self.0);
        let running = all.entry(place).or_default();
        if running.next == offset {
            running.hash.update(content);
            running.next = offset.saturating_add(u32::try_from(content.len()).unwrap_or(u32::MAX));
        }
    }

    /// Packs that were begun and not proven, and forgets all.
    pub fn suspects(&self) -> Vec<Place> {
        let all = std::mem::take(&mut *hold(&self.0));
        let is_proven = |(place, running): &(Place, Running)| {
            place.is_named_by(Sha256Digest::new(running.hash.clone().finalize().into()))
        };
        all.into_iter().filter(|own| !is_proven(own)).map(|(place, _)| place).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::Rank;

    #[test]
    fn a_pack_is_proven_when_all_of_it_was_read_in_order_and_is_what_its_name_says() {
        let id = Sha256Digest::new(Sha256::digest(b"one and two").into());
        let place = Place { rank: Rank::Pack, id };
        for (pieces, is_proven) in [
            (&[(0, "one"), (3, " and two")][..], true),
            (&[(0, "one and two")], true),
            (&[(0, "one"), (3, " and twp")], false),
            (&[(0, "one")], false),
            (&[(3, " and two"), (0, "one")], false),
        ] {
            let proof = Proof::default();
            pieces.iter().for_each(|(offset, text)| proof.hear(place, *offset, text.as_bytes()));
            assert_eq!(proof.suspects().is_empty(), is_proven, "{pieces:?}");
            assert_eq!(proof.suspects(), [], "they are told once");
        }
    }
}
