//! Bytes changed by a seed, and what a call with them costs: allocations of the calling thread and
//! its time on a processor.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Duration;

/// Chance from a seed (splitmix64).
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
}

/// Numbers at which something may turn.
const EXTREMES: [u64; 14] = [
    0,
    1,
    2,
    7,
    8,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    0x7fff_ffff_ffff_ffff,
    u64::MAX,
];
/// Numbers as text, and marks that parsers of texts turn on.
const WORDS: [&[u8]; 22] = [
    b"18446744073709551615",
    b"18446744073709551616",
    b"9223372036854775807",
    b"-1",
    b"0",
    b"1e999",
    b"00000000000000000001",
    b"\0",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\xc3\x28",
    b"\r\n",
    b"\"",
    b"'",
    b"<![CDATA[",
    b"<!DOCTYPE a [<!ENTITY b \"c\">]>",
    b"&#0;&#xffffffff;&x;",
    b"../../..",
    b"%00%2e%2e%2f",
    b"[[[[[[[[[[[[[[[[",
    b"{\"a\":{\"a\":{\"a\":",
];

/// Another form of an input: one to four changes, at most twice as long and 64 KiB more.
pub fn mutate(corpus: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = corpus[dice.below(corpus.len())].clone();
    let longest = bytes.len() * 2 + (64 << 10);
    for _ in 0..=dice.below(4) {
        change(&mut bytes, corpus, dice);
    }
    bytes.truncate(longest);
    bytes
}

fn change(bytes: &mut Vec<u8>, corpus: &[Vec<u8>], dice: &mut Dice) {
    let at = dice.below(bytes.len());
    let stretch = |dice: &mut Dice, length: usize| {
        let start = dice.below(length);
        start..(start + 1 + dice.below(64)).min(length)
    };
    match dice.below(12) {
        0 if !bytes.is_empty() => bytes[at] ^= 1 << dice.below(8),
        1 if !bytes.is_empty() => bytes[at] = dice.next() as u8,
        2 => bytes.truncate(at),
        3 => {
            let piece = stretch(dice, bytes.len());
            let piece = bytes[piece].to_vec();
            bytes.splice(at..at, piece);
        }
        4 => {
            let other = &corpus[dice.below(corpus.len())];
            let from = dice.below(other.len());
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
        5 | 6 => {
            let width = 1 << dice.below(4);
            let value = EXTREMES[dice.below(EXTREMES.len())].to_le_bytes();
            // Fields lie at multiples of their size more often than not.
            let at = if dice.one_in(4) { at } else { at / width * width };
            let end = (at + width).min(bytes.len());
            bytes[at.min(end)..end].copy_from_slice(&value[..end - at.min(end)]);
        }
        7 => {
            let piece = stretch(dice, bytes.len());
            bytes.drain(piece);
        }
        8 => {
            let word = WORDS[dice.below(WORDS.len())];
            bytes.splice(at..at, word.iter().copied());
        }
        9 => {
            let piece = stretch(dice, bytes.len());
            let length = piece.len();
            let piece = bytes[piece].to_vec();
            let to = dice.below(bytes.len() + 1 - length);
            bytes[to..to + length].copy_from_slice(&piece);
        }
        10 => {
            let is_digit = |byte: &u8| byte.is_ascii_digit();
            if let Some(first) = bytes[at.min(bytes.len())..].iter().position(is_digit) {
                let first = at + first;
                let length = bytes[first..].iter().take_while(|byte| is_digit(byte)).count();
                let word = WORDS[dice.below(7)];
                bytes.splice(first..first + length, word.iter().copied());
            }
        }
        _ if !bytes.is_empty() => {
            let byte = if dice.one_in(2) { 0 } else { 0xff };
            let piece = stretch(dice, bytes.len());
            bytes[piece].fill(byte);
        }
        _ => bytes.push(dice.next() as u8),
    }
}

thread_local! {
    static HELD: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, which counts what each thread holds.
pub struct Counting;

fn count(more: usize, less: usize) {
    // A thread that ends has no counter any more; nobody asks for it.
    let counted = HELD.try_with(|held| {
        let now = held.get().wrapping_add(more).saturating_sub(less);
        held.set(now);
        now
    });
    if let Ok(now) = counted {
        let _gone = PEAK.try_with(|peak| peak.set(peak.get().max(now)));
    }
}

// SAFETY: every call is passed on to the system's allocator unchanged; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: the caller keeps the same promises to us.
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: the caller keeps the same promises to us.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size, layout.size());
        // SAFETY: the caller keeps the same promises to us.
        unsafe { System.realloc(place, layout, size) }
    }
    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        count(0, layout.size());
        // SAFETY: the caller keeps the same promises to us.
        unsafe { System.dealloc(place, layout) }
    }
}

/// What a call cost.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    pub peak_bytes: usize,
    pub time: Duration,
}

/// Does something and measures it.
pub fn measured<R>(work: impl FnOnce() -> R) -> (R, Cost) {
    let begun = thread_time();
    let before = HELD.with(Cell::get);
    PEAK.with(|peak| peak.set(before));
    let answer = work();
    let peak_bytes = PEAK.with(Cell::get).saturating_sub(before);
    let time = thread_time() - begun;
    (answer, Cost { peak_bytes, time })
}

/// How long this thread was on a processor, so that a busy machine counts for nothing.
fn thread_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}
