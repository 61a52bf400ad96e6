//! Access to the bytes of disks and snapshots, given and ended.

use disk_prep::limits::MANAGED_SNAPSHOTS_OPEN;
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::json;

use super::super::call::Context;
use super::super::fault::Fault;
use super::kind::{Kind, absent, bench, conflict, wrong};
use super::operations;
use crate::blobs::managed::Opened;
use crate::error::Error;
use crate::http::Answer;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Asked {
    access: String,
    duration_in_seconds: i64,
}

/// Answers `beginGetAccess` and `endGetAccess`.
pub(super) fn answer(
    context: Context<'_>,
    kind: Kind,
    (group, name): (&str, &str),
    deed: &str,
) -> Result<Answer, Fault> {
    let world = context.world.read();
    let gone = || absent(kind, group, name);
    let is_begin = deed.eq_ignore_ascii_case("beginGetAccess");
    if !is_begin && !deed.eq_ignore_ascii_case("endGetAccess") {
        return Err(Fault::no_resource("The resource"));
    }
    let bench = bench(context)?;
    if !is_begin {
        return match kind {
            Kind::Disk => {
                let mut disk = world.disk(group, name).ok_or_else(gone)?.clone();
                let opened = bench.of_disk(&disk);
                let was_open = bench.pages.is_disk_open(opened, context.now);
                bench.pages.close_disk(opened).map_err(io)?;
                // Who ends the access has brought all of it.
                if was_open && disk.is_uploading {
                    disk.is_uploading = false;
                    bench.keep(disk)?;
                }
                Ok(Answer::empty(200))
            }
            Kind::Snapshot => {
                let own = world.snapshot(group, name).ok_or_else(gone)?;
                bench.pages.close_disk(bench.of_snapshot(own)).map_err(io)?;
                Ok(Answer::empty(200))
            }
        };
    }
    let asked: Asked = serde_json::from_slice(&context.call.body)
        .map_err(|error| Fault::new(400, "InvalidRequestContent", error.to_string()))?;
    if asked.duration_in_seconds <= 0 {
        return Err(wrong("durationInSeconds is above zero."));
    }
    match kind {
        Kind::Disk => {
            let disk = world.disk(group, name).ok_or_else(gone)?;
            let wanted = if disk.is_uploading { "Write" } else { "Read" };
            if asked.access != wanted {
                return Err(conflict("The state of the disk does not allow this access."));
            }
            if world.machine_of(disk).is_some_and(|vm| vm.power != "deallocated") {
                return Err(conflict("The disk is attached to a machine that is not deallocated."));
            }
            bench.provide(disk)?;
            let opened = bench.of_disk(disk);
            begin(context, &disk.region, opened, (&asked, disk.is_uploading))
        }
        Kind::Snapshot => {
            let own = world.snapshot(group, name).ok_or_else(gone)?;
            if asked.access != "Read" {
                return Err(conflict("A snapshot is only read."));
            }
            if context.now < own.whole_at {
                return Err(conflict("The snapshot is still being copied in the background."));
            }
            let opened = bench.of_snapshot(own);
            let is_open = bench.pages.is_disk_open(opened, context.now);
            let open = bench.pages.open_snapshots(&own.source_id, context.now);
            if !is_open && open >= MANAGED_SNAPSHOTS_OPEN {
                return Err(conflict("Five snapshots of a disk have access already."));
            }
            begin(context, &own.region, opened, (&asked, false))
        }
    }
}

fn begin(
    context: Context<'_>,
    region: &str,
    opened: Opened<'_>,
    (asked, is_write): (&Asked, bool),
) -> Result<Answer, Fault> {
    let bench = bench(context)?;
    let lasts = SignedDuration::from_secs(asked.duration_in_seconds);
    let until = context.now.saturating_add(lasts).unwrap_or(jiff::Timestamp::MAX);
    let link = bench.pages.open_disk(opened, is_write, (context.now, until)).map_err(io)?;
    operations::begun(context, region, json!({ "accessSAS": link }))
}

fn io(source: std::io::Error) -> Fault {
    Fault::from(Error::Folder { path: "disks".into(), source })
}
