//! Lists of page ranges, and digest tables: two disks' lists in parts of any size side by side; and lists
//! and tables that nobody makes, by chance. In the test command by count; `tests/long disk-lists` goes
//! on for as long as it is told to.

use std::env;
use std::time::{Duration, Instant};

use disk_prep::noun::ReadShare;

use super::*;
use crate::azure::{PageList, PageRange};
use crate::disk_backup::listing::{Counted, Spans, allocated, bytes_of, in_step};
use crate::disk_backup::ranges::{Checked, Span, Work, joined, works};
use crate::disk_backup::table::{BLOCK_BYTES, Table, sum};
use crate::disk_backup::{compare, compare_table};

/// Rounds of the test command.
const ROUNDS: usize = 3000;
const BYTES: u64 = 40 * PAGE as u64;

/// Set by the long run: the seed, and for how many seconds.
fn asked(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap())
}

/// Does it with one chance after the other, and says how often.
fn rounds(what: &str, mut one: impl FnMut(&Chance)) {
    let seed = asked("AZSEED_TEST_SEED").unwrap_or(1);
    let chance = Chance(AtomicUsize::new(usize::try_from(seed).unwrap()));
    let (begin, time) = (Instant::now(), asked("AZSEED_TEST_SECS").map(Duration::from_secs));
    let mut count = 0;
    while time.map_or(count < ROUNDS, |time| begin.elapsed() < time) {
        one(&chance);
        count += 1;
    }
    println!("seed {seed}: {count} {what} in {:.1} s", begin.elapsed().as_secs_f64());
}

/// Two snapshots of disks whose lists come in parts of two ranges.
fn two_disks(chance: &Chance) -> [Memory; 2] {
    let shelves = Mutex::default();
    let world = Arc::new(World { shelves, clock: AtomicUsize::new(1), nature: Nature::Small });
    ["one", "other"].map(|name| {
        let disk = Memory::new(&world, name);
        disk.create(BYTES, &BTreeMap::new()).unwrap();
        for at in 0..BYTES as usize / PAGE {
            match chance.below(4) {
                0 => disk.set(at, 1 + chance.below(2) as u8, PageState::Written),
                1 => disk.set(at, 0, PageState::Cleared),
                _ => {}
            }
        }
        disk.snapshot(&BTreeMap::new(), None).unwrap();
        disk
    })
}

fn id(disk: &Memory) -> String {
    disk.snapshots().unwrap()[0].id.clone()
}

#[test]
fn lists_side_by_side_are_what_they_are_alone_whatever_their_parts() {
    rounds("pairs of lists", |chance| {
        let [one, other] = two_disks(chance);
        let ids = [id(&one), id(&other)];
        let whole = |disk: &Memory, id: &str| allocated(disk, Some(id), BYTES).unwrap();
        let [ones, others] = [whole(&one, &ids[0]), whole(&other, &ids[1])];
        let mut own = Spans::written((&one, Some(&ids[0])), BYTES).unwrap();
        let mut theirs = Spans::read((&other, Some(&ids[1])), None, BYTES, Counted::Written);
        let (mut found, mut most) = ([Vec::new(), Vec::new()], 0);
        in_step(&mut own, &mut theirs, BYTES, |own, theirs| {
            most = most.max(own.len()).max(theirs.len());
            found[0].extend_from_slice(own);
            found[1].extend_from_slice(theirs);
            Ok(())
        })
        .unwrap();
        assert_eq!(found.map(|own| joined(&own, &[])), [ones.clone(), others]);
        assert!(most <= 2, "a stretch has what a part has: {most}");
        // In blocks of some pages, what is written of each lies between its first and its last page.
        let size = PAGE as u64 * (1 + chance.below(9) as u64);
        let mut own = Spans::written((&one, Some(&ids[0])), BYTES).unwrap();
        for start in (0..BYTES).step_by(size as usize) {
            let end = (start + size).min(BYTES);
            let of = crate::disk_backup::ranges::shared(&ones, &[(start, end)]);
            let right = of.first().map(|first| (first.0, of.last().unwrap().1));
            assert_eq!(own.extent(end).unwrap(), right);
        }
    });
}

/// Contents of several blocks, compared: what differs is found where it is, and nowhere else.
#[test]
fn contents_are_compared_to_the_page_however_their_lists_are_parted() {
    let quiet = Death { left: AtomicUsize::new(usize::MAX), machine: &|| {} };
    let chance = Chance(AtomicUsize::new(3));
    let bytes = 3 * BLOCK_BYTES + 7 * PAGE as u64;
    let world =
        World { shelves: Mutex::default(), clock: AtomicUsize::new(1), nature: Nature::Small };
    let world = Arc::new(world);
    for round in 0..6 {
        let pages = bytes as usize / PAGE;
        let disks = ["one", "other"].map(|name| {
            let disk = Memory::new(&world, &format!("{name}{round}"));
            disk.create(bytes, &BTreeMap::new()).unwrap();
            disk
        });
        let mut right = Vec::new();
        for _ in 0..chance.below(40) {
            let (at, byte) = (chance.below(pages), chance.below(3) as u8);
            disks[0].set(at, byte, PageState::Written);
            disks[1].set(at, byte, PageState::Written);
        }
        for _ in 0..chance.below(4) {
            let at = chance.below(pages);
            disks[1].set(at, 9, PageState::Written);
            right.push(((at * PAGE) as u64, ((at + 1) * PAGE) as u64));
        }
        disks.iter().for_each(|disk| drop(disk.snapshot(&BTreeMap::new(), None).unwrap()));
        let ids = [id(&disks[0]), id(&disks[1])];
        let side = |at: usize| (&disks[at] as &dyn PageBlob, Some(ids[at].as_str()));
        right.sort_unstable();
        let right = joined(&right, &[]);
        let found = compare(side(0), side(1), None, &quiet).unwrap();
        assert_eq!((found.spans, found.lengths), (right.clone(), None));
        let same = compare(side(1), side(1), None, &quiet).unwrap();
        let table = same.table.expect("all of it is equal");
        // A byte stands for a page of it.
        let content = disks[1].content(&ids[1]);
        let content: Vec<u8> = content.iter().flat_map(|byte| [*byte; PAGE]).collect();
        for (number, block) in content.chunks(BLOCK_BYTES as usize).enumerate() {
            assert_eq!(table.blocks()[number], sum(block));
        }
        let against = compare_table(&table, side(1), None, &quiet).unwrap();
        assert!(against.is_none());
        let against = compare_table(&table, side(0), None, &quiet).unwrap();
        let blocks: Vec<u64> = right.iter().map(|span| span.0 / BLOCK_BYTES).collect();
        assert!(
            against.spans.iter().all(|span| (span.0..span.1)
                .step_by(BLOCK_BYTES as usize)
                .all(|at| blocks.contains(&(at / BLOCK_BYTES)))),
            "{against:?}"
        );
        assert_eq!(against.is_none(), right.is_empty());
        let half: ReadShare = "50%".parse().unwrap();
        let share = compare(side(1), side(1), Some(half), &quiet).unwrap();
        assert!(share.table.is_none() && share.compared_bytes <= same.compared_bytes);
    }
}

/// A range as a service might send it, good or not.
fn range(chance: &Chance, at: &mut u64) -> (u64, u64) {
    let page = PAGE as u64;
    let start = *at + chance.below(3) as u64 * page;
    let end = start + (1 + chance.below(5) as u64) * page;
    *at = end;
    match chance.below(12) {
        0 => (end, start.max(page)),
        1 => (start + 1, end),
        2 => (start, end - 1),
        3 => (start.saturating_sub(4 * page), end),
        4 => (start, end + BYTES),
        5 => (end, end),
        6 => (u64::MAX - 511, u64::MAX),
        _ => (start, end),
    }
}

/// Which of the ranges is the first that cannot be.
fn first_wrong(ranges: &[PageRange]) -> Option<usize> {
    let page = PAGE as u64;
    (0..ranges.len()).find(|at| {
        let PageRange { start, end, .. } = ranges[*at];
        let before = at.checked_sub(1).map_or(0, |last| ranges[last].end);
        start >= end || start % page != 0 || end % page != 0 || start < before || end > BYTES
    })
}

const TOKENS: [&str; 24] = [
    "<PageList>",
    "</PageList>",
    "<PageRange>",
    "</PageRange>",
    "<ClearRange>",
    "</ClearRange>",
    "<Start>",
    "</Start>",
    "<End>",
    "</End>",
    "<NextMarker>",
    "</NextMarker>",
    "0",
    "511",
    "-1",
    "18446744073709551616",
    "&lt;",
    "&#49;",
    "&b;",
    "<!DOCTYPE a [<!ENTITY b \"c\">]>",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
];

/// Whatever is listed: what is taken is in order, in whole pages, within the blob, and its works are its
/// bytes; what is not is refused at the range that is wrong.
#[test]
fn whatever_a_list_holds_it_is_refused_or_a_list() {
    let taken = AtomicUsize::new(0);
    rounds("lists", |chance| {
        let mut at = 0;
        let ranges: Vec<PageRange> = (0..chance.below(8))
            .map(|_| {
                let (start, end) = range(chance, &mut at);
                let state = [PageState::Written, PageState::Cleared][chance.below(2)];
                PageRange { start, end, state }
            })
            .collect();
        let one = |range: &PageRange| {
            let name = match range.state {
                PageState::Written => "PageRange",
                PageState::Cleared => "ClearRange",
            };
            // The service names the last byte.
            let (start, last) = (range.start, range.end.wrapping_sub(1));
            format!("<{name}><Start>{start}</Start><End>{last}</End></{name}>")
        };
        let text: String = ranges.iter().map(one).collect();
        let text = format!("<?xml version=\"1.0\"?><PageList>{text}<NextMarker/></PageList>");
        // As it was meant.
        let list = PageList::parse(text.as_bytes()).unwrap();
        assert_eq!(list.ranges, ranges);
        let mut checked = Checked::new(BYTES);
        match (checked.take(&list.ranges), first_wrong(&ranges)) {
            (Ok(()), None) => {
                let page_bytes: u64 = works(&ranges).iter().map(bytes_written).sum();
                assert_eq!(page_bytes, ranges.iter().map(|own| own.end - own.start).sum::<u64>());
                taken.fetch_add(1, Ordering::Relaxed);
            }
            (Err((_, offset)), Some(at)) => assert_eq!(offset, ranges[at].start),
            (found, right) => panic!("{found:?}, {right:?}: {text}"),
        }
        // Pieces of it in another order, tokens and bytes among them.
        let mut bytes = text.into_bytes();
        for _ in 0..1 + chance.below(6) {
            let at = chance.below(bytes.len() + 1);
            match chance.below(4) {
                0 => drop(bytes.splice(at..at, TOKENS[chance.below(TOKENS.len())].bytes())),
                1 => bytes.truncate(at),
                2 => bytes.insert(at, chance.below(256) as u8),
                _ => {
                    let end = at + chance.below(bytes.len() + 1 - at);
                    let piece: Vec<u8> = bytes.drain(at..end).collect();
                    let to = chance.below(bytes.len() + 1);
                    drop(bytes.splice(to..to, piece));
                }
            }
        }
        if let Ok(list) = PageList::parse(&bytes)
            && Checked::new(BYTES).take(&list.ranges).is_ok()
        {
            assert_eq!(first_wrong(&list.ranges), None);
            assert!(works(&list.ranges).iter().map(bytes_written).sum::<u64>() <= BYTES);
        }
    });
    assert!(taken.into_inner() > 0, "some are taken");
}

fn bytes_written(work: &Work) -> u64 {
    let spans = |spans: &[Span]| bytes_of(spans);
    match work {
        Work::Clear(span) => spans(&[*span]),
        Work::Write { whole, pages } => {
            assert!(
                whole.1 - whole.0 <= BLOCK_BYTES
                    && whole.0 / BLOCK_BYTES == (whole.1 - 1) / BLOCK_BYTES
            );
            spans(pages)
        }
    }
}

/// A table that is not what was written is refused, but for the disk's length, which its digest does not
/// have: a block may be shorter than all others.
#[test]
fn whatever_a_table_holds_it_is_refused_or_the_table() {
    rounds("tables", |chance| {
        let bytes = (1 + chance.below(5 * BLOCK_BYTES as usize / PAGE)) as u64 * PAGE as u64;
        let mut table = Table::empty(bytes);
        for block in 0..table.blocks().len() {
            if chance.below(3) > 0 {
                table.set(block, sum(&chance.below(1000).to_le_bytes()));
            }
        }
        let whole = table.encode();
        assert_eq!(Table::parse(&whole), Ok(table.clone()));
        let mut text = whole.clone();
        for _ in 0..1 + chance.below(4) {
            let at = chance.below(text.len() + 1);
            match chance.below(4) {
                0 => text.truncate(at),
                1 => text.insert(at, chance.below(256) as u8),
                2 if at < text.len() => text[at] = chance.below(256) as u8,
                _ => {
                    let end = at + chance.below(text.len() + 1 - at);
                    let piece: Vec<u8> = text[at..end].to_vec();
                    text.extend(piece);
                }
            }
        }
        if let Ok(read) = Table::parse(&text) {
            assert_eq!(read.blocks(), table.blocks(), "{text:?}");
            assert_eq!(read.bytes().div_ceil(BLOCK_BYTES), bytes.div_ceil(BLOCK_BYTES));
        }
    });
}
