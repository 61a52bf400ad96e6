//! What restores bring once they are done: disks as fixed VHDs in page blobs, a new machine, other
//! disks for a machine.

use std::io::Write;
use std::os::unix::fs::FileExt;

use jiff::Timestamp;
use serde_json::json;

use super::disks::ManagedDisk;
use super::model::{JobState, KeptDisk, Point, Restore, RestoreKind, World};
use super::shelf::{Shelf, pour};
use super::vhd::footer;
use super::vm::{Vm, VmOrder};
use crate::blobs::record::{BlobKind, Properties};
use crate::dock::destination::{Destination, Place, own};
use crate::error::Error;

/// What the service writes beside the disks.
const CONFIGURATION: &str = "vmconfig.json";

/// Brings what restores have to bring that have just ended well; of the others nothing comes.
pub(super) fn give(world: &mut World, shelf: &Shelf, blobs: &dyn Destination) -> Result<(), Error> {
    let World { vaults, vms, disks: loose, .. } = world;
    for vault in vaults {
        for job in &mut vault.jobs {
            let (Some(restore), Some(point)) = (&mut job.restore, &mut job.point) else { continue };
            if !job.state.is_over() || restore.is_given {
                continue;
            }
            // What it would have brought is not kept for its sake any longer.
            let disks = meant(restore, point);
            point.disks = Some(Vec::new());
            restore.is_given = true;
            if job.state != JobState::Completed {
                continue;
            }
            match &restore.kind {
                RestoreKind::Disks(Some(group)) => {
                    for disk in &disks {
                        let name = format!(
                            "{}-{}",
                            blob_of(&job.vm, disk).trim_end_matches(".vhd"),
                            job.end.as_second()
                        );
                        shelf.loosen(group, &name, disk)?;
                        let (region, bytes) = (&vault.location, disk.bytes);
                        loose.push(ManagedDisk::new(group, &name, region, bytes, job.end));
                    }
                }
                RestoreKind::Disks(None) => {
                    put_disks((&job.vm, restore), point, &disks, (shelf, blobs), job.end)?;
                }
                RestoreKind::New { group, name, subnet } => {
                    let order = VmOrder {
                        name: name.clone(),
                        group: Some(group.clone()),
                        region: Some(vault.location.clone()),
                        os: Some(point.os.clone()),
                        subnet: Some(subnet.clone()),
                        ..VmOrder::default()
                    };
                    let mut vm = Vm::new(&order);
                    vm.change(&order)?;
                    shelf.give(&mut vm, &disks, "before")?;
                    vms.push(vm);
                    vms.sort_by_key(|own| (own.name.to_lowercase(), own.group.to_lowercase()));
                }
                RestoreKind::Replace => {
                    // It may have been taken away meanwhile; then nothing has these disks.
                    let vm = vms.iter_mut().find(|own| own.is(&job.group, &job.vm));
                    let before = format!("before-{}", job.id);
                    vm.map_or(Ok(()), |vm| shelf.give(vm, &disks, &before))?;
                }
            }
        }
    }
    Ok(())
}

/// The disks that are meant: the system's always.
fn meant(restore: &Restore, point: &Point) -> Vec<KeptDisk> {
    let is_meant = |disk: &&KeptDisk| match (disk.lun, &restore.luns) {
        (None, _) | (_, None) => true,
        (Some(lun), Some(luns)) => luns.contains(&lun),
    };
    point.disks.iter().flatten().filter(is_meant).cloned().collect()
}

/// What a disk's blob is called.
fn blob_of(vm: &str, disk: &KeptDisk) -> String {
    let place = disk.lun.map_or("osdisk".to_owned(), |lun| format!("datadisk-{lun:03}"));
    format!("{vm}-{place}.vhd")
}

fn place<'a>(restore: &'a Restore, name: &'a str) -> Place<'a> {
    (&restore.account, &restore.container, name)
}

fn put_disks(
    (vm, restore): (&str, &Restore),
    point: &Point,
    disks: &[KeptDisk],
    (shelf, blobs): (&Shelf, &dyn Destination),
    now: Timestamp,
) -> Result<(), Error> {
    let mut listed = Vec::new();
    for disk in disks {
        let name = blob_of(vm, disk);
        let draft = blobs.draft()?;
        pour(&shelf.read(disk)?, draft.file(), 0).map_err(own)?;
        let end = footer(disk.bytes, now);
        draft.file().write_all_at(&end, disk.bytes).map_err(own)?;
        let pages = vec![(0, disk.bytes + end.len() as u64)];
        let kind = BlobKind::PageBlob;
        blobs.put(
            place(restore, &name),
            draft,
            Properties { kind, pages, ..Properties::default() },
            now,
        )?;
        listed.push(json!({"lun": disk.lun, "blob": name, "bytes": disk.bytes}));
    }
    let configuration = json!({
        "name": vm, "osType": point.os, "recoveryPointTime": point.time, "disks": listed,
    });
    let mut draft = blobs.draft()?;
    draft.write_all(configuration.to_string().as_bytes()).map_err(own)?;
    let content_type = Some("application/json".to_owned());
    blobs.put(
        place(restore, CONFIGURATION),
        draft,
        Properties { content_type, ..Default::default() },
        now,
    )
}
