//! `$Bitmap`: in use are the clusters that files take, and what lies behind the last cluster.

use super::super::parts::DATA;
use super::marks::Marks;
use super::site::{BITMAP_FILE, PIECE_BYTES, Site};
use crate::volume::fields::u64_at;

const BITS: u64 = 64;

/// Compares it with the clusters that all files take.
pub(super) fn check(site: &mut Site<'_>, taken: &Marks) {
    let Some(bitmap) = site.stream(BITMAP_FILE, DATA, "") else { return };
    let clusters = site.clusters();
    if bitmap.bytes.saturating_mul(8) < clusters {
        return site.tell(BITMAP_FILE, "it is too short for the clusters of the volume");
    }
    let mut marked = Marked { marks: Marks::new(site.geometry.clusters()), is_used: false };
    let (mut at, mut is_filled) = (0, true);
    let mut buffer = vec![0; PIECE_BYTES];
    while at < bitmap.bytes {
        let length = (bitmap.bytes - at).min(PIECE_BYTES as u64) as usize;
        // What is missing of the last word is behind the end.
        buffer.fill(0xff);
        if site.is_stopped() || !site.read(BITMAP_FILE, &bitmap, at, &mut buffer[..length]) {
            return;
        }
        for place in (0..length).step_by(8) {
            let first = (at + place as u64) * 8;
            let word = u64_at(&buffer, place);
            let ours = clusters.saturating_sub(first).min(BITS);
            let behind = if ours == BITS { 0 } else { u64::MAX << ours };
            is_filled &= word & behind == behind;
            marked.word(first, word & !behind);
        }
        at += length as u64;
    }
    if !is_filled {
        site.tell(BITMAP_FILE, "what lies behind the last cluster is not marked as used");
    }
    if let Some((clusters, parts)) = marked.finish(clusters).difference(taken) {
        let mut fault = "it does not mark the clusters that the files take".to_owned();
        let (first, last) = (clusters.start, clusters.end - 1);
        fault += &match parts {
            1 => format!(", in the clusters {first} to {last}"),
            _ => format!(
                ", first in the clusters {first} to {last}, and in {} more parts",
                parts - 1
            ),
        };
        site.tell(BITMAP_FILE, fault);
    }
}

/// The clusters that are marked, so far.
struct Marked {
    marks: Marks,
    /// Whether the last one is.
    is_used: bool,
}

impl Marked {
    /// Takes the bits of the next clusters.
    fn word(&mut self, first: u64, word: u64) {
        let mut changes = word ^ (word << 1 | u64::from(self.is_used));
        while changes != 0 {
            self.turn(first + u64::from(changes.trailing_zeros()));
            changes &= changes - 1;
        }
    }

    fn turn(&mut self, cluster: u64) {
        if self.is_used {
            self.marks.end(cluster);
        } else {
            self.marks.begin(cluster);
        }
        self.is_used = !self.is_used;
    }

    fn finish(mut self, clusters: u64) -> Marks {
        if self.is_used {
            self.marks.end(clusters);
        }
        self.marks
    }
}
