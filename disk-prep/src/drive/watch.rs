//! Drives that come and go.

use std::collections::BTreeSet;

use super::find::Plugged;
use super::kernel::Kernel;

/// Compares what is plugged in with what was.
#[derive(Debug)]
pub struct DriveWatch {
    kernel: Kernel,
    known: BTreeSet<Plugged>,
    last: BTreeSet<Plugged>,
}

/// What came and went between two looks.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct DriveChanges {
    /// Drives that came, told of when two looks agree on them, so that node and names are there.
    pub plugged_in: Vec<Plugged>,
    /// Drives that went.
    pub unplugged: Vec<Plugged>,
}

impl DriveWatch {
    /// Tells also of the drives that are there already.
    pub fn from_nothing(kernel: Kernel) -> Self {
        DriveWatch { kernel, known: BTreeSet::new(), last: BTreeSet::new() }
    }

    /// Tells only of what comes and goes from now on.
    pub fn from_now(kernel: Kernel) -> Self {
        let mut watch = DriveWatch::from_nothing(kernel);
        if let Ok(now) = watch.kernel.plugged() {
            (watch.known, watch.last) = (now.clone(), now);
        }
        watch
    }

    /// Looks again. A look that fails tells of nothing; the next one does.
    pub fn look(&mut self) -> DriveChanges {
        let Ok(now) = self.kernel.plugged() else { return DriveChanges::default() };
        let unplugged: Vec<Plugged> = self.known.difference(&now).cloned().collect();
        let settled = now.intersection(&self.last);
        let plugged_in: Vec<Plugged> =
            settled.filter(|one| !self.known.contains(one)).cloned().collect();
        self.known.retain(|one| now.contains(one));
        self.known.extend(plugged_in.iter().cloned());
        self.last = now;
        DriveChanges { plugged_in, unplugged }
    }
}
