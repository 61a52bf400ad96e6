//! MD5 of many messages that are independent of each other, such as the blocks of one file: each
//! in a lane, and a lane whose message ends takes the next one.

use super::padding::finished_md5;
use crate::kernels::{MD5_START, Md5Lane, Rung, STEP_BLOCKS, advance_md5_lanes, md5_lane_count};
use crate::noun::Md5Digest;

/// A message in its lane: its number, its chain, and the whole blocks that are left of it.
struct Lane<'a> {
    number: usize,
    chain: [u32; 4],
    blocks: &'a [[u8; 64]],
}

/// MD5 of each message, in their order.
pub fn md5_of_all(messages: &[&[u8]]) -> Vec<Md5Digest> {
    md5_of_all_on(Rung::chosen(), messages)
}

fn md5_of_all_on(rung: Rung, messages: &[&[u8]]) -> Vec<Md5Digest> {
    let mut digests = vec![Md5Digest::new([0; 16]); messages.len()];
    let mut order: Vec<usize> = (0..messages.len()).collect();
    // Messages of like lengths side by side leave no lane empty for long.
    order.sort_by_key(|&number| std::cmp::Reverse(messages[number].len()));
    let begun =
        |number: usize| Lane { number, chain: MD5_START, blocks: messages[number].as_chunks().0 };
    let mut waiting = order.into_iter().map(begun);
    let mut lanes: Vec<Lane<'_>> = Vec::with_capacity(md5_lane_count(rung));
    loop {
        lanes.extend(waiting.by_ref().take(md5_lane_count(rung) - lanes.len()));
        for ended in lanes.extract_if(.., |lane| lane.blocks.is_empty()) {
            let message = messages[ended.number];
            let tail = message.as_chunks::<64>().1;
            digests[ended.number] = finished_md5(ended.chain, tail, message.len() as u64);
        }
        let Some(count) = lanes.iter().map(|lane| lane.blocks.len()).min() else {
            if waiting.len() == 0 {
                return digests;
            }
            continue;
        };
        step(rung, &mut lanes, count.min(STEP_BLOCKS));
    }
}

/// Advances all lanes by so many blocks.
fn step(rung: Rung, lanes: &mut [Lane<'_>], count: usize) {
    let mut own: Vec<Md5Lane<'_>> = lanes
        .iter()
        .map(|lane| Md5Lane { chains: [lane.chain; 2], blocks: &lane.blocks[..count] })
        .collect();
    advance_md5_lanes(rung, &mut own, false);
    let chains: Vec<[u32; 4]> = own.into_iter().map(|lane| lane.chains[0]).collect();
    for (lane, chain) in lanes.iter_mut().zip(chains) {
        (lane.chain, lane.blocks) = (chain, &lane.blocks[count..]);
    }
}

#[cfg(test)]
mod tests {
    use md5::{Digest, Md5};

    use super::*;
    use crate::limits::BLOCK_BYTES;

    #[test]
    fn messages_of_any_lengths_have_the_digests_of_the_portable_crate() {
        let block = BLOCK_BYTES as usize;
        let bytes: Vec<u8> = (0..4 * block).map(|at| (at * 31 + at / 4099) as u8).collect();
        let lengths = (0..140).chain([block, 3 * block + 77, 40_000, 65_536, block - 1]);
        let messages: Vec<&[u8]> = lengths.map(|length| &bytes[length / 7..][..length]).collect();
        let digest = |message: &&[u8]| Md5Digest::new(Md5::digest(message).into());
        let expected: Vec<Md5Digest> = messages.iter().map(digest).collect();
        for rung in Rung::ALL.into_iter().filter(|rung| rung.is_here()) {
            for count in [0, 1, 2, messages.len()] {
                let own = &messages[messages.len() - count..];
                let expected = &expected[messages.len() - count..];
                assert_eq!(md5_of_all_on(rung, own), expected, "{} {count}", rung.name());
            }
        }
    }
}
