//! What a seed would be, in words and as a record.

use disk_prep::limits::WORK_DAYS;
use disk_prep::noun::{ByteSize, ErrorKind, Serial, count, lasting};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::record::{Record, line};
use crate::journey::estimate::{DrivesNeeded, Estimate};
use crate::outcome::{Exit, Outcome};

/// What a seed would be, before anything is staged.
#[derive(Serialize, JsonSchema)]
pub(super) struct EstimateRecord<'a> {
    /// Files of the sources.
    files: u64,
    /// Their bytes.
    bytes: u64,
    /// What compression may leave of them.
    compressed_bytes: u64,
    /// Bytes that were read to know that.
    sampled_bytes: u64,
    /// Pieces in which they were read.
    sampled_pieces: u64,
    /// Bytes a second of the line to Azure; null if nobody said.
    uplink_bytes_per_second: Option<u64>,
    /// Seconds that the line would be busy.
    wire_seconds: Option<u64>,
    /// Seconds until all drives are full, filled side by side.
    fill_seconds: u64,
    /// Days that the datacenter aims at, the fewest and the most.
    datacenter_days: [i64; 2],
    /// How many drives of a size would do; empty if drives were named.
    drives: Vec<SizeRecord>,
    /// Serial numbers of the named drives that are needed.
    #[schemars(with = "Vec<String>")]
    needed: &'a [Serial],
    /// Bytes that have no room on the named drives.
    missing_bytes: u64,
}

/// Drives of one size.
#[derive(Serialize, JsonSchema)]
struct SizeRecord {
    /// Size of one in bytes.
    drive_bytes: u64,
    /// So many.
    drives: u64,
}

impl Record for EstimateRecord<'_> {
    const TYPE: &'static str = "estimate";
}

impl Estimate {
    fn drives_line(&self) -> String {
        match &self.drives {
            DrivesNeeded::Sizes(sizes) => {
                let sizes: Vec<String> =
                    sizes.iter().map(|(size, many)| format!("{many} of {size}")).collect();
                sizes.join(", or ")
            }
            DrivesNeeded::AtHand { serials, missing_bytes } => {
                let names: Vec<&str> = serials.iter().map(Serial::as_str).collect();
                let needed = names.join(", ");
                match missing_bytes {
                    0 => format!("{needed} {} enough", if names.len() == 1 { "is" } else { "are" }),
                    bytes => {
                        let bytes = ByteSize(*bytes);
                        format!("{needed} lack room for about {bytes}; name more drives")
                    }
                }
            }
        }
    }

    fn parcel_line(&self) -> String {
        let ((least, most), fill) = (self.parcel_days(), lasting(self.fill_secs));
        format!(
            "{least} to {most} days and the carrier's: {fill} to fill the drives, {} to {} days \
             at the datacenter, which is its aim",
            WORK_DAYS.start(),
            WORK_DAYS.end()
        )
    }
}

impl Outcome for Estimate {
    fn lines(&self) -> Vec<String> {
        let percent = (self.sample.thousandths() + 5) / 10;
        let pieces = count(self.sample.pieces, "piece");
        let mut lines = vec![
            format!("Sources     {}, {}", count(self.files, "file"), ByteSize(self.bytes)),
            format!(
                "Compressed  about {}, {percent} %, by a look at {pieces}",
                ByteSize(self.packed_bytes)
            ),
            format!("Drives      {}", self.drives_line()),
        ];
        match self.wire {
            Some((rate, secs)) => {
                let rate = ByteSize(rate.bytes());
                lines.push(format!("By wire     {}, at {rate}/s all the time", lasting(secs)));
            }
            None => {
                lines.push("By wire     unknown: say how fast the line is with --uplink".into())
            }
        }
        lines.push(format!("By parcel   {}", self.parcel_line()));
        lines.extend(self.wire.map(|_| match self.days_to_spare() {
            Some(days) => {
                format!(
                    "            Faster than the wire if the carrier takes less than {days} days"
                )
            }
            None => "            No faster than the wire".to_owned(),
        }));
        lines
    }

    fn json(&self) -> Vec<Value> {
        let (sizes, needed, missing_bytes) = match &self.drives {
            DrivesNeeded::Sizes(sizes) => (sizes.as_slice(), [].as_slice(), 0),
            DrivesNeeded::AtHand { serials, missing_bytes } => {
                ([].as_slice(), serials.as_slice(), *missing_bytes)
            }
        };
        let size =
            |(size, drives): &(ByteSize, u64)| SizeRecord { drive_bytes: size.0, drives: *drives };
        vec![line(&EstimateRecord {
            files: self.files,
            bytes: self.bytes,
            compressed_bytes: self.packed_bytes,
            sampled_bytes: self.sample.read_bytes,
            sampled_pieces: self.sample.pieces,
            uplink_bytes_per_second: self.wire.map(|(rate, _)| rate.bytes()),
            wire_seconds: self.wire.map(|(_, secs)| secs),
            fill_seconds: self.fill_secs,
            datacenter_days: [*WORK_DAYS.start(), *WORK_DAYS.end()],
            drives: sizes.iter().map(size).collect(),
            needed,
            missing_bytes,
        })]
    }

    fn exit(&self) -> Exit {
        match &self.drives {
            DrivesNeeded::AtHand { missing_bytes, .. } if *missing_bytes > 0 => {
                Exit::Failed(ErrorKind::Resumable)
            }
            _ => Exit::Done,
        }
    }
}
