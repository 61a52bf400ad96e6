//! Where a file is cut: behind places that its own bytes choose, so that an insertion moves one cut
//! and not all behind it. The places are those of the library of this format and, but for some within
//! 64 bytes of the least length, of restic: a fingerprint of the last 64 bytes by Michael O. Rabin,
//! modulo the repository's polynomial, ends in zeros.
//! <https://restic.readthedocs.io/en/stable/100_references.html#backups-and-deduplication>.

use rustic_core::repofile::{Chunker, ConfigFile};

use super::super::repo::Library;

/// Bytes that a fingerprint is of.
const WINDOW: usize = 64;
/// Places that one lane looks at. A window needs nothing of the one before it, so that several
/// stretches are looked at side by side: the processor waits for a table at every byte.
const LANE: usize = 8 << 10;
const LANES: usize = 4;

/// Cuts files.
#[derive(Debug)]
pub(super) struct Cutter {
    least: usize,
    most: usize,
    rabin: Option<Box<Rabin>>,
}

impl Cutter {
    /// That of a repository.
    pub fn of(config: &ConfigFile) -> Library<Self> {
        let (least, most) = (config.chunk_min_size(), config.chunk_max_size());
        Ok(match config.chunker() {
            Chunker::FixedSize => Cutter { least: 1, most: config.chunk_size(), rabin: None },
            Chunker::Rabin => {
                let rabin = Rabin::of(config.poly()?, config.chunk_size() as u64 - 1);
                Cutter { least: least.max(WINDOW), most, rabin: Some(Box::new(rabin)) }
            }
        })
    }

    /// The most bytes of a piece.
    pub fn most(&self) -> usize {
        self.most
    }

    /// The length of the first piece, if the data has its end. Up to `seen` there is none, as an
    /// earlier look at less of the data has found.
    pub fn cut(&self, data: &[u8], seen: usize) -> Option<usize> {
        let end = data.len().min(self.most);
        let found = match &self.rabin {
            Some(rabin) if end >= self.least => rabin.find(&data[..end], self.least, seen),
            _ => None,
        };
        found.or((end == self.most).then_some(end))
    }
}

/// A place must be zero under the mask.
#[derive(Debug)]
struct Rabin {
    mask: u64,
    /// Where the eight highest bits of a fingerprint stand.
    shift: u32,
    /// What takes eight bits above a fingerprint away.
    above: [u64; 256],
    /// What a byte has become when it leaves the window, 64 bytes later.
    gone: [u64; 256],
}

impl Rabin {
    fn of(polynomial: u64, mask: u64) -> Self {
        let degree = 63 - polynomial.leading_zeros();
        let reduced = |mut value: u64| {
            while value != 0 && 63 - value.leading_zeros() >= degree {
                value ^= polynomial << (63 - value.leading_zeros() - degree);
            }
            value
        };
        let above = std::array::from_fn(|byte| {
            let value = (byte as u64) << degree;
            reduced(value) | value
        });
        let gone = std::array::from_fn(|byte| {
            (0..WINDOW).fold(reduced(byte as u64), |value, _| reduced(value << 8))
        });
        Rabin { mask, shift: degree - 8, above, gone }
    }

    fn push(&self, print: u64, byte: u8) -> u64 {
        let high = (print >> self.shift) as u8;
        (print << 8) ^ u64::from(byte) ^ self.above[usize::from(high)]
    }

    fn slide(&self, print: u64, byte: u8, gone: u8) -> u64 {
        self.push(print, byte) ^ self.gone[usize::from(gone)]
    }

    fn is_cut(&self, print: u64) -> bool {
        print & self.mask == 0
    }

    /// The first place from `least` on, beyond `seen`.
    fn find(&self, data: &[u8], least: usize, seen: usize) -> Option<usize> {
        let full = least + WINDOW;
        let near = if seen < full { self.find_near(data, least) } else { None };
        near.filter(|place| *place > seen).or_else(|| {
            let mut from = full.max(seen + 1);
            while from <= data.len() {
                let end = (from + LANES * LANE).min(data.len() + 1);
                if let found @ Some(_) = self.find_between(data, from, end) {
                    return found;
                }
                from = end;
            }
            None
        })
    }

    /// Near the least length the library has a window of its own: it begins with 63 bytes, of which
    /// the last of the least length is none.
    fn find_near(&self, data: &[u8], least: usize) -> Option<usize> {
        let first = &data[least - WINDOW..least - 1];
        let mut print = first.iter().fold(0, |print, byte| self.push(print, *byte));
        let leaving = [&[0], first].concat();
        let mut arriving = data[least..].iter().zip(leaving);
        let mut place = least;
        loop {
            if self.is_cut(print) {
                return Some(place);
            }
            let (byte, gone) = arriving.next()?;
            print = self.slide(print, *byte, gone);
            place += 1;
        }
    }

    /// The first of the places `from..end`, all of which have a whole window before them.
    fn find_between(&self, data: &[u8], from: usize, end: usize) -> Option<usize> {
        let at = |lane: usize| from + lane * LANE;
        if end != at(LANES) || end > data.len() {
            return self.find_in_lane(data, from, end);
        }
        let stretch = |begin: usize| data[begin..].first_chunk::<LANE>();
        let mut lanes = Vec::with_capacity(LANES);
        for lane in 0..LANES {
            lanes.push((stretch(at(lane))?, stretch(at(lane) - WINDOW)?));
        }
        let lanes: [_; LANES] = lanes.try_into().ok()?;
        let mut prints: [u64; LANES] = std::array::from_fn(|lane| self.whole(data, at(lane)));
        let mut found = [None; LANES];
        for step in 0..LANE {
            if prints.iter().any(|print| self.is_cut(*print)) {
                for lane in 0..LANES {
                    if self.is_cut(prints[lane]) {
                        found[lane].get_or_insert(at(lane) + step);
                    }
                }
                if found[0].is_some() {
                    break;
                }
            }
            for (print, (arriving, leaving)) in prints.iter_mut().zip(lanes) {
                *print = self.slide(*print, arriving[step], leaving[step]);
            }
        }
        found.into_iter().flatten().next()
    }

    fn find_in_lane(&self, data: &[u8], from: usize, end: usize) -> Option<usize> {
        let mut print = self.whole(data, from);
        for place in from..end {
            if self.is_cut(print) {
                return Some(place);
            }
            let byte = data.get(place).copied().unwrap_or_default();
            print = self.slide(print, byte, data[place - WINDOW]);
        }
        None
    }

    /// The fingerprint at a place.
    fn whole(&self, data: &[u8], place: usize) -> u64 {
        data[place - WINDOW..place].iter().fold(0, |print, byte| self.push(print, *byte))
    }
}
