//! What a seed would be, before anything is staged: how large, how long it would take by wire and by
//! parcel, and how many drives it needs. The sources are walked, a few pieces of them are read, and
//! nothing is written.

use std::path::PathBuf;

use disk_prep::drive::{DriveName, find};
use disk_prep::limits::WORK_DAYS;
use disk_prep::noun::{ByteSize, Rate, Serial};
use disk_prep::pool::room;

use super::desk::Desk;
use super::plan::drive_bytes;
use crate::outcome::Failure;
use crate::repository::{Choice, Sample, Settings, sample};
use crate::staging::{Looked, look};

/// Bytes a second of a drive that is filled, on the average from its outer tracks to its inner ones;
/// of a slow one, so that nobody waits longer than he was told.
const FILL_BYTES: u64 = 150_000_000;
/// Hundredths of a drive that its file system and its manifest may take.
const OWN_SHARE: u64 = 1;
const DAY_SECS: u64 = 24 * 60 * 60;
/// What drives are sold as, in T, for who names none.
const SIZES: [u64; 3] = [4, 8, 16];

/// What is asked.
#[derive(Debug)]
pub struct EstimateOptions {
    /// What would be staged.
    pub sources: Vec<PathBuf>,
    /// What of it would be left out.
    pub choice: Choice,
    /// How fast the line to Azure is.
    pub uplink: Option<Rate>,
    /// Drives that are at hand.
    pub drives: Vec<DriveName>,
    /// Drives of this size are counted, if none is at hand.
    pub size: Option<ByteSize>,
}

/// Drives that would be needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DrivesNeeded {
    /// So many of one of these sizes.
    Sizes(Vec<(ByteSize, u64)>),
    /// Of the drives at hand these.
    AtHand {
        /// The largest, until all has room.
        serials: Vec<Serial>,
        /// What has none.
        missing_bytes: u64,
    },
}

/// What a seed would be.
#[derive(Debug)]
pub struct Estimate {
    /// Its files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What was looked at of them.
    pub sample: Sample,
    /// What may be left of their bytes.
    pub packed_bytes: u64,
    /// The line, and the seconds that it would be busy.
    pub wire: Option<(Rate, u64)>,
    /// The drives.
    pub drives: DrivesNeeded,
    /// Seconds until they are full.
    pub fill_secs: u64,
}

impl Estimate {
    /// Days until all is in Azure by parcel, without the carrier's: the fewest and the most, as the
    /// datacenter aims at.
    pub fn parcel_days(&self) -> (u64, u64) {
        let fill = self.fill_secs.div_ceil(DAY_SECS);
        let work = |days: &i64| fill + days.unsigned_abs();
        (work(WORK_DAYS.start()), work(WORK_DAYS.end()))
    }

    /// Days that the carrier may take until the wire would have been as fast; none if it is anyway.
    pub fn days_to_spare(&self) -> Option<u64> {
        let wire = self.wire?.1 / DAY_SECS;
        wire.checked_sub(self.parcel_days().1).filter(|days| *days > 0)
    }
}

/// Looks at the sources.
pub fn estimate(options: EstimateOptions, desk: &Desk<'_>) -> Result<Estimate, Failure> {
    let Looked { plan, files, warnings } = look(&options.sources, options.choice, None)?;
    warnings.iter().for_each(|text| desk.attendant.warn(text));
    let sample = sample(&plan, Settings::default().compression).map_err(|source| {
        crate::staging::Error::Repository { path: "the sources".into(), source }
    })?;
    if sample.unread > 0 {
        let pieces = disk_prep::noun::count(sample.unread, "piece");
        desk.attendant.warn(&format!("{pieces} could not be read, and tell nothing"));
    }
    let packed_bytes = sample.of(plan.bytes);
    let sizes = options
        .size
        .map_or(SIZES.map(|size| ByteSize(size * 1_000_000_000_000)).to_vec(), |own| vec![own]);
    let drives = match options.drives.is_empty() {
        true => of_sizes(packed_bytes, sizes)?,
        false => at_hand(packed_bytes, &options.drives)?,
    };
    // They are filled side by side; the fullest takes longest.
    let fullest = match &drives {
        DrivesNeeded::Sizes(sizes) => sizes.iter().map(|(_, many)| packed_bytes / many).max(),
        DrivesNeeded::AtHand { serials, .. } => packed_bytes.checked_div(serials.len() as u64),
    };
    Ok(Estimate {
        files,
        bytes: plan.bytes,
        sample,
        packed_bytes,
        wire: options.uplink.map(|rate| (rate, packed_bytes.div_ceil(rate.bytes()))),
        drives,
        fill_secs: fullest.unwrap_or_default().div_ceil(FILL_BYTES),
    })
}

/// What a drive of this size holds of packs.
fn held_by(serial: &Serial, bytes: u64) -> Result<u64, Failure> {
    let volume = room(serial, bytes)?.volume_bytes;
    Ok(volume / 100 * (100 - OWN_SHARE))
}

fn of_sizes(bytes: u64, sizes: Vec<ByteSize>) -> Result<DrivesNeeded, Failure> {
    let serial = Serial::new("DRIVE").expect("this is a serial");
    let count = |size: ByteSize| -> Result<_, Failure> {
        Ok((size, bytes.div_ceil(held_by(&serial, drive_bytes(size)?)?.max(1)).max(1)))
    };
    Ok(DrivesNeeded::Sizes(sizes.into_iter().map(count).collect::<Result<_, _>>()?))
}

fn at_hand(bytes: u64, names: &[DriveName]) -> Result<DrivesNeeded, Failure> {
    let mut drives = Vec::new();
    for name in names {
        let drive = find(name)?;
        drive.check_fit()?;
        drives.push((held_by(&drive.serial, drive.bytes)?, drive.serial));
    }
    drives.sort_by_key(|(held, _)| std::cmp::Reverse(*held));
    let (mut missing_bytes, mut serials) = (bytes, Vec::new());
    for (held, serial) in drives {
        if missing_bytes > 0 || serials.is_empty() {
            missing_bytes = missing_bytes.saturating_sub(held);
            serials.push(serial);
        }
    }
    Ok(DrivesNeeded::AtHand { serials, missing_bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drives_are_counted_by_what_they_hold() {
        let count = |bytes, size: &str| match of_sizes(bytes, vec![size.parse().unwrap()]).unwrap()
        {
            DrivesNeeded::Sizes(sizes) => sizes[0].1,
            other => panic!("{other:?}"),
        };
        let tera = 1_000_000_000_000;
        assert_eq!(count(0, "4T"), 1);
        assert_eq!(count(3 * tera, "4T"), 1);
        // What the file system takes for itself has no room on the first.
        assert_eq!(count(4 * tera, "4T"), 2);
        assert_eq!(count(30 * tera, "4T"), 8);
    }

    #[test]
    fn the_wire_is_compared_with_the_slowest_parcel() {
        let of = |wire_days: u64, fill_days: u64| Estimate {
            files: 1,
            bytes: 1,
            sample: Sample::default(),
            packed_bytes: 1,
            wire: Some(("1".parse().unwrap(), wire_days * DAY_SECS)),
            drives: DrivesNeeded::Sizes(Vec::new()),
            fill_secs: fill_days * DAY_SECS,
        };
        assert_eq!(of(90, 2).parcel_days(), (9, 12));
        assert_eq!(of(90, 2).days_to_spare(), Some(78));
        assert_eq!(of(12, 2).days_to_spare(), None);
        assert_eq!(of(1, 0).days_to_spare(), None);
    }
}
