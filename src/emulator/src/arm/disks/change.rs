//! Disks and snapshots, made, changed and deleted.

use disk_prep::limits::{UPLOAD_DISK_BYTES, UPLOAD_DISK_LEAST_BYTES};
use serde::Deserialize;

use super::super::call::Context;
use super::super::fault::Fault;
use super::kind::{Kind, absent, bench, conflict, wrong};
use super::{operations, wire};
use crate::disks::Limit;
use crate::http::Answer;
use crate::recovery::{FOOTER, ManagedDisk, Origin, Tags, is_name};

const GIB: u64 = 1 << 30;
const MIB: u64 = 1 << 20;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Body {
    location: Option<String>,
    tags: Option<Tags>,
    sku: Option<Sku>,
    properties: Properties,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Sku {
    name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Properties {
    incremental: Option<bool>,
    #[serde(rename = "diskSizeGB")]
    disk_size_gb: Option<u64>,
    #[serde(rename = "creationData")]
    creation: Option<Creation>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Creation {
    create_option: String,
    source_resource_id: String,
    upload_size_bytes: Option<u64>,
}

fn body(context: Context<'_>) -> Result<Body, Fault> {
    serde_json::from_slice(&context.call.body)
        .map_err(|error| Fault::new(400, "InvalidRequestContent", error.to_string()))
}

fn sku(body: &Body) -> Result<Option<&'static str>, Fault> {
    let Some(own) = &body.sku else { return Ok(None) };
    ManagedDisk::sku_named(&own.name).map(Some).ok_or_else(|| wrong("The sku is none of a disk."))
}

/// Makes a disk or a snapshot; of one that is there only tags can be given anew.
pub(super) fn put(
    context: Context<'_>,
    kind: Kind,
    (group, name): (&str, &str),
) -> Result<Answer, Fault> {
    let body = body(context)?;
    let region = body.location.clone().unwrap_or_default().to_lowercase().replace(' ', "");
    if region.is_empty() {
        return Err(Fault::new(400, "LocationRequired", "The location is missing."));
    }
    if ![group, name].into_iter().all(is_name) {
        return Err(wrong("The name is none of a resource."));
    }
    if wire::found(context, &context.world.read(), kind, (group, name)).is_some() {
        return retag(context, kind, (group, name), body.tags.unwrap_or_default());
    }
    let creation = body.properties.creation.as_ref();
    let creation = creation.ok_or_else(|| wrong("properties.creationData is missing."))?;
    match kind {
        Kind::Disk => put_disk(context, (group, name), &region, creation, &body)?,
        Kind::Snapshot => put_snapshot(context, (group, name), &region, creation, &body)?,
    }
    let made = wire::found(context, &context.world.read(), kind, (group, name));
    operations::begun(context, &region, made.ok_or_else(|| absent(kind, group, name))?)
}

fn put_disk(
    context: Context<'_>,
    (group, name): (&str, &str),
    region: &str,
    creation: &Creation,
    body: &Body,
) -> Result<(), Fault> {
    let bench = bench(context)?;
    let (origin, bytes) = match creation.create_option.as_str() {
        "Empty" => {
            let gib = body.properties.disk_size_gb.filter(|own| (1..=65_536).contains(own));
            (Origin::Empty, gib.ok_or_else(|| wrong("diskSizeGB is missing or wrong."))? * GIB)
        }
        "Upload" => {
            let given = creation.upload_size_bytes.unwrap_or(0);
            let bytes = given.saturating_sub(FOOTER as u64);
            let is_fit = (UPLOAD_DISK_LEAST_BYTES..=UPLOAD_DISK_BYTES).contains(&given)
                && bytes.is_multiple_of(MIB);
            if !is_fit {
                return Err(wrong("uploadSizeBytes is a whole number of MiB and a footer's 512."));
            }
            (Origin::Upload, bytes)
        }
        _ => return Err(wrong("The emulator makes disks by Empty and by Upload.")),
    };
    let mut disk = ManagedDisk::new(group, name, region, bytes, context.now);
    if let Some(sku) = sku(body)? {
        disk.sku = sku.to_owned();
    }
    disk.tags = body.tags.clone().unwrap_or_default();
    (disk.origin, disk.is_uploading) = (origin, origin == Origin::Upload);
    Ok(bench.make(disk, None)?)
}

fn put_snapshot(
    context: Context<'_>,
    place: (&str, &str),
    region: &str,
    creation: &Creation,
    body: &Body,
) -> Result<(), Fault> {
    let bench = bench(context)?;
    if creation.create_option != "Copy" || body.properties.incremental != Some(true) {
        return Err(wrong("The emulator makes incremental snapshots of disks, by Copy."));
    }
    let world = context.world.read();
    let source = &creation.source_resource_id;
    let is_it = |own: &&ManagedDisk| {
        wire::id(context, Kind::Disk, (&own.group, &own.name)).eq_ignore_ascii_case(source)
    };
    let disk = world.disks.iter().find(is_it);
    let disk = disk.ok_or_else(|| {
        Fault::new(404, "ResourceNotFound", format!("The disk {source} was not found."))
    })?;
    if disk.is_uploading {
        return Err(conflict("The upload of the disk has not ended."));
    }
    if disk.region != region {
        return Err(wrong("A snapshot is in the region of its disk."));
    }
    match bench.limit(disk, &world) {
        Some(Limit::Rate) => {
            return Err(Fault::new(
                429,
                "OperationNotAllowed",
                "A disk has seven incremental snapshots in five minutes at most.",
            ));
        }
        Some(Limit::Count) => return Err(conflict("A disk has 500 snapshots at most.")),
        None => {}
    }
    let id = wire::id(context, Kind::Disk, (&disk.group, &disk.name));
    bench.snapshot(disk, &id, place, body.tags.clone().unwrap_or_default())?;
    Ok(())
}

fn retag(
    context: Context<'_>,
    kind: Kind,
    (group, name): (&str, &str),
    tags: Tags,
) -> Result<Answer, Fault> {
    context.world.change(|world| {
        match kind {
            Kind::Disk => {
                let own = world.disks.iter_mut().find(|own| own.is(group, name));
                own.into_iter().for_each(|own| own.tags.clone_from(&tags));
            }
            Kind::Snapshot => {
                let own = world.snapshots.iter_mut().find(|own| own.is(group, name));
                own.into_iter().for_each(|own| own.tags.clone_from(&tags));
            }
        }
        Ok::<_, Fault>(())
    })?;
    let body = wire::found(context, &context.world.read(), kind, (group, name));
    body.map(|own| Answer::json(200, &own)).ok_or_else(|| absent(kind, group, name))
}

/// Changes tags, and the size and the kind of a disk.
pub(super) fn patch(
    context: Context<'_>,
    kind: Kind,
    (group, name): (&str, &str),
) -> Result<Answer, Fault> {
    let body = body(context)?;
    let world = context.world.read();
    if wire::found(context, &world, kind, (group, name)).is_none() {
        return Err(absent(kind, group, name));
    }
    if let (Kind::Disk, Some(disk)) = (kind, world.disk(group, name)) {
        let mut disk = disk.clone();
        if let Some(bytes) = body.properties.disk_size_gb.map(|gib| gib.saturating_mul(GIB)) {
            if bytes < disk.bytes {
                return Err(conflict("A disk is never made smaller."));
            }
            if bytes != disk.bytes && disk.machine.is_some() {
                return Err(conflict("The disk is attached to a machine."));
            }
            bench(context)?.grow(&mut disk, bytes)?;
        }
        if let Some(sku) = sku(&body)? {
            disk.sku = sku.to_owned();
        }
        bench(context)?.keep(disk)?;
    }
    let own = |own: &Tags| Some(own.clone());
    let tags = body.tags.or_else(|| match kind {
        Kind::Disk => world.disk(group, name).and_then(|disk| own(&disk.tags)),
        Kind::Snapshot => world.snapshot(group, name).and_then(|one| own(&one.tags)),
    });
    retag(context, kind, (group, name), tags.unwrap_or_default())
}

/// Deletes a disk or a snapshot that nothing opens.
pub(super) fn delete(
    context: Context<'_>,
    kind: Kind,
    (group, name): (&str, &str),
) -> Result<Answer, Fault> {
    let bench = bench(context)?;
    let world = context.world.read();
    let in_use = || conflict("There is an active shared access signature; end the access first.");
    match kind {
        Kind::Disk => {
            let Some(disk) = world.disk(group, name) else { return Ok(Answer::empty(204)) };
            if disk.machine.is_some() {
                return Err(conflict("The disk is attached to a machine; detach it first."));
            }
            if bench.pages.is_disk_open(bench.of_disk(disk), context.now) {
                return Err(in_use());
            }
            bench.remove(disk)?;
        }
        Kind::Snapshot => {
            let Some(own) = world.snapshot(group, name) else { return Ok(Answer::empty(204)) };
            if bench.pages.is_disk_open(bench.of_snapshot(own), context.now) {
                return Err(in_use());
            }
            bench.remove_snapshot(own)?;
        }
    }
    Ok(Answer::empty(200))
}
