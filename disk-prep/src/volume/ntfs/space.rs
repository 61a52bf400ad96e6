//! Clusters handed out from the front of the volume, around the ranges that others pinned.

/// Clusters in one piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Number of the first.
    pub first_cluster: u64,
    /// How many.
    pub cluster_count: u64,
}

impl Run {
    /// The cluster behind the last.
    pub fn end(&self) -> u64 {
        self.first_cluster + self.cluster_count
    }
}

/// Hands out clusters in ascending order. It does not know where the volume ends.
#[derive(Debug)]
pub struct Space {
    pinned: Vec<Run>,
    next: u64,
    free: Vec<Run>,
}

/// So many clusters from `next` on, around the pinned runs, which are ascending.
pub fn split(pinned: &[Run], mut next: u64, mut cluster_count: u64) -> Vec<Run> {
    let ahead = pinned.partition_point(|run| run.first_cluster < next);
    let mut barriers = pinned[ahead..].iter();
    let mut runs = Vec::new();
    while cluster_count > 0 {
        let barrier = barriers.next();
        let room = barrier.map_or(u64::MAX, |run| run.first_cluster - next);
        let count = cluster_count.min(room);
        if count > 0 {
            runs.push(Run { first_cluster: next, cluster_count: count });
        }
        cluster_count -= count;
        next = barrier.map_or(next, Run::end);
    }
    runs
}

impl Space {
    /// All clusters but the pinned ones, which are ascending and do not overlap.
    pub fn new(pinned: Vec<Run>) -> Self {
        Space { pinned, next: 0, free: Vec::new() }
    }

    /// The first pinned run at or behind the next cluster.
    fn barrier(&mut self) -> Option<Run> {
        while self.pinned.first().is_some_and(|run| run.first_cluster == self.next) {
            self.next = self.pinned.remove(0).end();
        }
        self.pinned.first().copied()
    }

    /// Clusters in one piece; what is skipped in front of a pinned range stays free.
    pub fn take_whole(&mut self, cluster_count: u64) -> Run {
        while let Some(barrier) = self.barrier() {
            if cluster_count <= barrier.first_cluster - self.next {
                break;
            }
            let cluster_count = barrier.first_cluster - self.next;
            self.free.push(Run { first_cluster: self.next, cluster_count });
            self.next = barrier.first_cluster;
        }
        let first_cluster = self.next;
        self.next += cluster_count;
        Run { first_cluster, cluster_count }
    }

    /// Clusters in as many pieces as pinned ranges make of them.
    pub fn take_split(&mut self, cluster_count: u64) -> Vec<Run> {
        let runs = split(&self.pinned, self.next, cluster_count);
        if let Some(last) = runs.last() {
            self.next = last.end();
            self.pinned.retain(|run| run.first_cluster >= last.end());
        }
        runs
    }

    /// Clusters in pieces of which no more is known than that none has more than `largest`. In
    /// front of each pinned range as much is skipped as such pieces can make it.
    pub fn take_pieces(&mut self, mut cluster_count: u64, largest: u64) {
        while let Some(barrier) = self.barrier() {
            let room = barrier.first_cluster - self.next;
            if cluster_count <= room {
                break;
            }
            let skipped = room.min(largest - 1);
            let first_cluster = barrier.first_cluster - skipped;
            self.free.push(Run { first_cluster, cluster_count: skipped });
            self.next = barrier.first_cluster;
            cluster_count -= room - skipped;
        }
        self.next += cluster_count;
    }

    /// Clusters that were skipped in front of pinned ranges.
    pub fn skipped_clusters(&self) -> u64 {
        self.free.iter().map(|run| run.cluster_count).sum()
    }

    /// The cluster behind the last one handed out.
    pub fn end(&self) -> u64 {
        self.next
    }

    /// Everything that was not handed out and is not pinned, up to `cluster_total`.
    pub fn into_free(mut self, cluster_total: u64) -> Vec<Run> {
        while self.next < cluster_total {
            let end = self.barrier().map_or(cluster_total, |run| run.first_cluster);
            if self.next < end {
                let cluster_count = end - self.next;
                self.free.push(Run { first_cluster: self.next, cluster_count });
            }
            self.next = end;
        }
        self.free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(first_cluster: u64, cluster_count: u64) -> Run {
        Run { first_cluster, cluster_count }
    }

    #[test]
    fn whole_pieces_skip_pinned_ranges_and_split_ones_go_around() {
        let mut space = Space::new(vec![run(10, 2), run(12, 3), run(30, 1)]);
        assert_eq!(space.take_whole(8), run(0, 8));
        assert_eq!(space.take_whole(3), run(15, 3));
        assert_eq!(space.take_split(20), [run(18, 12), run(31, 8)]);
        assert_eq!(space.end(), 39);
        assert_eq!(space.into_free(50), [run(8, 2), run(39, 11)]);
    }

    #[test]
    fn pieces_of_unknown_size_skip_as_much_as_the_largest_may() {
        let pinned = vec![run(10, 2), run(20, 1)];
        let mut fitting = Space::new(pinned.clone());
        fitting.take_pieces(10, 10);
        assert_eq!((fitting.end(), fitting.skipped_clusters()), (10, 0));
        let mut small = Space::new(pinned.clone());
        small.take_pieces(14, 3);
        assert_eq!((small.end(), small.skipped_clusters()), (18, 2));
        let mut large = Space::new(pinned);
        large.take_pieces(14, 14);
        assert_eq!((large.end(), large.skipped_clusters()), (35, 18));
    }
}
