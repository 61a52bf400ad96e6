//! Each disk of a machine is a managed disk of its group, too. Its bytes stay in the machine's own file;
//! here is only which managed disk is of which machine.

use jiff::Timestamp;

use super::disks::{Attachment, ManagedDisk, Origin};
use super::model::World;
use super::vm::{Disk, Vm};

/// The kind of a machine's disks, and of its data disks if it has ultra ones.
const SKU: &str = "Premium_LRS";
const ULTRA_SKU: &str = "UltraSSD_LRS";

/// The disks of a machine that are managed ones.
fn managed(vm: &Vm) -> impl Iterator<Item = &Disk> {
    let has_none = vm.is_classic || vm.is_odd("unmanaged");
    let is_ephemeral = vm.is_odd("ephemeral");
    vm.disks.iter().filter(move |own| !(has_none || is_ephemeral && own.lun.is_none()))
}

/// Makes what machines have managed disks, and lets go those that none has any more. A disk that is
/// shorter than it was is another one.
pub(super) fn attach(world: &mut World, now: Timestamp) {
    let World { vms, disks, .. } = world;
    let is_kept = |disk: &ManagedDisk, own: &Attachment| {
        let vm = vms.iter().find(|vm| vm.id == own.vm);
        vm.is_some_and(|vm| managed(vm).any(|new| new.lun == own.lun && new.bytes >= disk.bytes))
    };
    disks.retain(|disk| disk.machine.as_ref().is_none_or(|own| is_kept(disk, own)));
    for vm in vms {
        for own in managed(vm) {
            let machine = Attachment { vm: vm.id.clone(), lun: own.lun };
            let place = disks.iter().position(|disk| disk.machine.as_ref() == Some(&machine));
            let place = place.unwrap_or_else(|| {
                let name = free_name(disks, vm, own.lun);
                let mut new = ManagedDisk::new(&vm.group, &name, &vm.region, own.bytes, now);
                let is_ultra = own.lun.is_some() && vm.is_odd("ultra");
                new.sku = if is_ultra { ULTRA_SKU } else { SKU }.to_owned();
                new.origin = if own.lun.is_some() { Origin::Empty } else { Origin::FromImage };
                new.machine = Some(machine);
                disks.push(new);
                disks.len() - 1
            });
            disks[place].bytes = own.bytes;
            disks[place].region.clone_from(&vm.region);
        }
    }
    disks.sort_by_key(|own| (own.name.to_lowercase(), own.group.to_lowercase()));
}

/// A name for a disk of a machine that no other disk of its group has.
fn free_name(disks: &[ManagedDisk], vm: &Vm, lun: Option<u32>) -> String {
    let place = lun.map_or("os".to_owned(), |lun| lun.to_string());
    let is_sign = |own: char| own.is_ascii_alphanumeric() || "-_.".contains(own);
    let plain = format!("{}-{place}", vm.name).replace(|own| !is_sign(own), "_");
    let mut name = plain.clone();
    let mut number = 1u32;
    while disks.iter().any(|own| own.is(&vm.group, &name)) {
        number += 1;
        name = format!("{plain}_{number}");
    }
    name
}

#[cfg(test)]
mod tests {
    use super::super::vm::VmOrder;
    use super::*;

    fn names(world: &World) -> Vec<String> {
        world.disks.iter().map(|own| own.name.clone()).collect()
    }

    #[test]
    fn each_disk_of_a_machine_is_a_managed_one_as_long_as_the_machine_has_it() {
        let now: Timestamp = "2026-11-29T04:00:00Z".parse().unwrap();
        let named = |name: &str| VmOrder { name: name.to_owned(), ..VmOrder::default() };
        let mut vm = Vm::new(&named("we b"));
        let disk = |lun, bytes| Disk { lun, bytes };
        vm.disks = vec![disk(None, 1024), disk(Some(0), 512)];
        let mut world = World::default();
        // A disk of that name is somebody else's.
        world.disks.push(ManagedDisk::new("RG", "we_b-0", "westus", 512, now));
        world.vms.push(vm);
        attach(&mut world, now);
        assert_eq!(names(&world), ["we_b-0", "we_b-0_2", "we_b-os"]);
        let before = world.clone();
        attach(&mut world, now + jiff::SignedDuration::from_hours(1));
        assert_eq!(world, before, "twice is once");
        world.vms[0].disks = vec![disk(None, 2048), disk(Some(0), 512)];
        world.vms[0].region = "eastus".to_owned();
        attach(&mut world, now);
        let own = |world: &World| world.disk("rg", "we_b-os").cloned();
        let (old, new) = (own(&before).unwrap(), own(&world).unwrap());
        assert_eq!((&new.id, new.bytes, new.region.as_str()), (&old.id, 2048, "eastus"));
        assert_eq!((new.sku.as_str(), new.origin), ("Premium_LRS", Origin::FromImage));
        // One that is shorter is another one.
        world.vms[0].disks[0].bytes = 512;
        attach(&mut world, now);
        assert_ne!(own(&world).unwrap().id, old.id);
        world.vms[0].oddities = vec!["ephemeral".to_owned()];
        attach(&mut world, now);
        assert_eq!(names(&world), ["we_b-0", "we_b-0_2"]);
        world.vms[0].oddities = vec!["unmanaged".to_owned()];
        attach(&mut world, now);
        assert_eq!(names(&world), ["we_b-0"]);
    }
}
