//! The page map of a page blob: which of its 512-byte pages were written, which were cleared, and
//! when, counted in snapshots. Pages that were written with zeros are there; cleared ones are not
//! ("Get Page Ranges"). Pure: knows no file and no call.

use std::collections::BTreeMap;
use std::fmt::Write;

/// What was done to pages last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PageState {
    Written,
    Cleared,
}

/// Pages next to each other that share one state. Offsets in bytes, `end` is not part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    pub start: u64,
    pub end: u64,
    pub state: PageState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    end: u64,
    /// How many snapshots there had been.
    epoch: u64,
    state: PageState,
}

/// The map; pages that it does not name were never touched.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct PageMap(BTreeMap<u64, Run>);

impl PageMap {
    /// Notes that pages were written or cleared while there had been `epoch` snapshots.
    pub fn set(&mut self, stretch: Stretch, epoch: u64) {
        let Stretch { mut start, mut end, state } = stretch;
        if start >= end {
            return;
        }
        self.split(start);
        self.split(end);
        let inner: Vec<u64> = self.0.range(start..end).map(|(start, _)| *start).collect();
        for key in inner {
            self.0.remove(&key);
        }
        let is_like = |run: &Run| run.epoch == epoch && run.state == state;
        if let Some((before, run)) = self.0.range(..start).next_back().map(|(at, run)| (*at, *run))
            && run.end == start
            && is_like(&run)
        {
            self.0.remove(&before);
            start = before;
        }
        if let Some(run) = self.0.get(&end).copied().filter(is_like) {
            self.0.remove(&end);
            end = run.end;
        }
        self.0.insert(start, Run { end, epoch, state });
    }

    /// Forgets the pages from an offset on.
    pub fn cut(&mut self, bytes: u64) {
        self.split(bytes);
        self.0.split_off(&bytes);
    }

    /// What is written between two offsets, in order of address; neighbours are one stretch.
    pub fn written(&self, from: u64, to: u64) -> impl Iterator<Item = Stretch> + '_ {
        self.chosen(from, to, |run| run.state == PageState::Written)
    }

    /// What was written or cleared since there had been more than `epoch` snapshots, in order of
    /// address.
    pub fn changed(&self, epoch: u64, from: u64, to: u64) -> impl Iterator<Item = Stretch> + '_ {
        self.chosen(from, to, move |run| run.epoch > epoch)
    }

    fn chosen<'a>(
        &'a self,
        from: u64,
        to: u64,
        is_wanted: impl Fn(&Run) -> bool + 'a,
    ) -> impl Iterator<Item = Stretch> + 'a {
        let first = self.0.range(..from).next_back().map_or(from, |(start, _)| *start);
        let mut pieces = self
            .0
            .range(first..to.max(first))
            .filter(move |(_, run)| is_wanted(run))
            .map(move |(start, run)| {
                let (start, end) = ((*start).max(from), run.end.min(to));
                Stretch { start, end, state: run.state }
            })
            .filter(|own| own.start < own.end)
            .peekable();
        std::iter::from_fn(move || {
            let mut own = pieces.next()?;
            while let Some(next) =
                pieces.next_if(|next| next.start == own.end && next.state == own.state)
            {
                own.end = next.end;
            }
            Some(own)
        })
    }

    fn split(&mut self, at: u64) {
        let Some((start, run)) = self.0.range(..at).next_back().map(|(at, run)| (*at, *run)) else {
            return;
        };
        if run.end > at {
            self.0.insert(start, Run { end: at, ..run });
            self.0.insert(at, run);
        }
    }

    /// As lines of the file that keeps it.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (start, run) in &self.0 {
            text.push_str(&line(
                Stretch { start: *start, end: run.end, state: run.state },
                run.epoch,
            ));
        }
        text
    }

    /// Takes lines in, the later over the earlier; one that was cut short is left out.
    pub fn parse(text: &str) -> Self {
        let mut map = PageMap::default();
        for line in text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
            let mut words = line.split(' ');
            let mut number = || words.next().and_then(|word| word.parse::<u64>().ok());
            let (Some(start), Some(end), Some(epoch)) = (number(), number(), number()) else {
                continue;
            };
            match words.next() {
                Some("w") => map.set(Stretch { start, end, state: PageState::Written }, epoch),
                Some("c") => map.set(Stretch { start, end, state: PageState::Cleared }, epoch),
                Some("x") => map.cut(start),
                _ => {}
            }
        }
        map
    }
}

/// A line for a change.
pub(super) fn line(stretch: Stretch, epoch: u64) -> String {
    let mark = match stretch.state {
        PageState::Written => 'w',
        PageState::Cleared => 'c',
    };
    let mut text = String::new();
    // Writing to a text cannot fail.
    let _ = writeln!(text, "{} {} {epoch} {mark}", stretch.start, stretch.end);
    text
}

/// A line for a cut.
pub(super) fn cut_line(bytes: u64) -> String {
    format!("{bytes} {bytes} 0 x\n")
}

#[cfg(test)]
mod tests {
    use super::PageState::{Cleared, Written};
    use super::*;

    fn set(map: &mut PageMap, start: u64, end: u64, state: PageState, epoch: u64) {
        map.set(Stretch { start, end, state }, epoch);
    }

    fn told(stretches: impl Iterator<Item = Stretch>) -> Vec<(u64, u64, PageState)> {
        stretches.map(|own| (own.start, own.end, own.state)).collect()
    }

    #[test]
    fn written_zeros_are_there_and_cleared_pages_are_not() {
        let mut map = PageMap::default();
        set(&mut map, 0, 4096, Written, 0);
        set(&mut map, 512, 1024, Cleared, 0);
        assert_eq!(told(map.written(0, 8192)), [(0, 512, Written), (1024, 4096, Written)]);
        assert_eq!(told(map.written(256, 1536)), [(256, 512, Written), (1024, 1536, Written)]);
        map.cut(2048);
        set(&mut map, 2048, 8192, Cleared, 0);
        assert_eq!(told(map.written(1024, 8192)), [(1024, 2048, Written)]);
    }

    #[test]
    fn a_difference_is_what_was_touched_mixed_in_order_of_address() {
        let mut map = PageMap::default();
        set(&mut map, 0, 10 * 512, Written, 0);
        set(&mut map, 512, 1024, Cleared, 1);
        set(&mut map, 0, 512, Written, 1);
        set(&mut map, 4096, 4608, Written, 2);
        let one = [(0, 512, Written), (512, 1024, Cleared), (4096, 4608, Written)];
        assert_eq!(told(map.changed(0, 0, 1 << 20)), one);
        assert_eq!(told(map.changed(1, 0, 1 << 20)), one[2..]);
        assert_eq!(told(map.changed(0, 256, 1024)), [(256, 512, Written), (512, 1024, Cleared)]);
        assert_eq!(told(map.changed(2, 0, 1 << 20)), []);
    }

    #[test]
    fn what_is_kept_is_read_as_it_was_and_a_torn_line_is_left_out() {
        let mut map = PageMap::default();
        for (start, state, epoch) in [(3, Written, 0), (9, Cleared, 1), (4, Written, 1)] {
            set(&mut map, start * 512, (start + 3) * 512, state, epoch);
        }
        assert_eq!(PageMap::parse(&map.text()), map);
        let torn = format!("{}0 99999", map.text());
        assert_eq!(PageMap::parse(&torn), map);
        let cut = format!("{}{}", map.text(), cut_line(2048));
        map.cut(2048);
        assert_eq!(PageMap::parse(&cut), map);
    }

    #[test]
    fn any_row_of_changes_equals_a_plain_list_of_pages() {
        let mut seed = 15_u64;
        let mut draw = |below: u64| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        for _ in 0..200 {
            let mut map = PageMap::default();
            let mut plain: Vec<Option<(u64, PageState)>> = vec![None; 64];
            for step in 0..40 {
                let (start, end) = (draw(64), draw(65));
                let state = if draw(3) == 0 { Cleared } else { Written };
                set(&mut map, start, end, state, step);
                for page in start..end {
                    plain[usize::try_from(page).unwrap()] = Some((step, state));
                }
            }
            let (from, to, epoch) = (draw(64), draw(65), draw(40));
            let pages = |found: Vec<(u64, u64, PageState)>| -> Vec<(u64, PageState)> {
                found
                    .into_iter()
                    .flat_map(|(a, b, state)| (a..b).map(move |at| (at, state)))
                    .collect()
            };
            let expected = |is_wanted: &dyn Fn(u64, PageState) -> bool| -> Vec<(u64, PageState)> {
                (from..to)
                    .filter_map(|at| {
                        let (epoch, state) = plain[usize::try_from(at).unwrap()]?;
                        is_wanted(epoch, state).then_some((at, state))
                    })
                    .collect()
            };
            assert_eq!(pages(told(map.written(from, to))), expected(&|_, own| own == Written));
            assert_eq!(pages(told(map.changed(epoch, from, to))), expected(&|own, _| own > epoch));
        }
    }
}
