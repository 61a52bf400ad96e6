//! How disks and snapshots look.

use serde_json::{Value, json};

use super::super::call::Context;
use super::super::ids::{id_of, system_of};
use super::kind::Kind;
use crate::blobs::managed::Opened;
use crate::recovery::{DiskSnapshot, FOOTER, ManagedDisk, Origin, World};

const GIB: u64 = 1 << 30;

/// The resource id.
pub(super) fn id(context: Context<'_>, kind: Kind, (group, name): (&str, &str)) -> String {
    let subscription = context.account.subscription.as_str();
    format!(
        "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Compute/{}/{name}",
        kind.word()
    )
}

/// The resource id of a disk as its machine tells it: with the group in capitals, as the service does.
pub(in super::super) fn id_by_machine(context: Context<'_>, own: &ManagedDisk) -> String {
    id(context, Kind::Disk, (&own.group.to_uppercase(), &own.name))
}

/// The body of what a name means.
pub(super) fn found(
    context: Context<'_>,
    world: &World,
    kind: Kind,
    (group, name): (&str, &str),
) -> Option<Value> {
    match kind {
        Kind::Disk => world.disk(group, name).map(|own| disk(context, world, own)),
        Kind::Snapshot => world.snapshot(group, name).map(|own| snapshot(context, own)),
    }
}

fn is_open(context: Context<'_>, opened: Opened<'_>) -> bool {
    context.blobs.is_some_and(|own| own.disks().is_disk_open(opened, context.now))
}

/// A disk.
pub(super) fn disk(context: Context<'_>, world: &World, own: &ManagedDisk) -> Value {
    let is_open = is_open(context, Opened { disk: &own.id, snapshot: None });
    let machine = world.machine_of(own);
    let state = match (own.is_uploading, is_open, machine) {
        (true, true, _) => "ActiveUpload",
        (true, false, _) => "ReadyToUpload",
        (false, true, _) => "ActiveSAS",
        (false, false, None) => "Unattached",
        (false, false, Some(vm)) if vm.power == "deallocated" => "Reserved",
        (false, false, Some(_)) => "Attached",
    };
    let mut creation = json!({ "createOption": format!("{:?}", own.origin) });
    if own.origin == Origin::Upload {
        creation["uploadSizeBytes"] = (own.bytes + FOOTER as u64).into();
    }
    let mut body = json!({
        "id": id(context, Kind::Disk, (&own.group, &own.name)),
        "name": own.name, "type": "Microsoft.Compute/disks", "location": own.region,
        "tags": own.tags,
        "sku": { "name": own.sku, "tier": own.sku.split('_').next() },
        "properties": {
            "uniqueId": own.id, "diskState": state, "provisioningState": "Succeeded",
            "timeCreated": own.made.to_string(),
            "diskSizeBytes": own.bytes, "diskSizeGB": own.bytes.div_ceil(GIB),
            "creationData": creation,
        },
    });
    if let Some(vm) = machine {
        body["managedBy"] = id_of(context, vm).into();
        if own.origin == Origin::FromImage {
            body["properties"]["osType"] = system_of(vm).into();
        }
    }
    body
}

/// A snapshot.
pub(super) fn snapshot(context: Context<'_>, own: &DiskSnapshot) -> Value {
    let opened = Opened { disk: &own.source_id, snapshot: Some(&own.version) };
    let state = if is_open(context, opened) { "ActiveSAS" } else { "Unattached" };
    let mut body = json!({
        "id": id(context, Kind::Snapshot, (&own.group, &own.name)),
        "name": own.name, "type": "Microsoft.Compute/snapshots", "location": own.region,
        "tags": own.tags,
        "sku": { "name": "Standard_LRS", "tier": "Standard" },
        "properties": {
            "uniqueId": own.id, "incremental": true, "incrementalSnapshotFamilyId": own.source_id,
            "diskState": state, "provisioningState": "Succeeded",
            "timeCreated": own.made.to_string(),
            "diskSizeBytes": own.bytes, "diskSizeGB": own.bytes.div_ceil(GIB),
            "creationData": {
                "createOption": "Copy", "sourceResourceId": own.source,
                "sourceUniqueId": own.source_id,
            },
        },
    });
    if let Some(percent) = own.percent(context.now) {
        body["properties"]["completionPercent"] = json!(percent);
    }
    body
}
