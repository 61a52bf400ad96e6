//! The world in one private file, `DIR/meta/recovery.json`, written whole or not at all before
//! anybody sees a change.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use disk_prep::sys::durable::{self, Access};
use disk_prep::sys::hold::hold;
use jiff::Timestamp;

use super::attached::attach;
use super::clockwork::settle;
use super::disks::ManagedDisk;
use super::giving::give;
use super::model::{KeptDisk, World};
use super::places::{AccountFacts, AccountOrder, GroupOrder};
use super::security::{SecurityGroup, SecurityOrder};
use super::shelf::Shelf;
use super::vm::{Vm, VmOrder};
use crate::account::Nature;
use crate::dock::destination::Destination;
use crate::error::Error;
use crate::rights::RightsOrder;

const VERSION: u32 = 1;

/// The world, for many threads.
#[derive(Debug)]
pub(crate) struct WorldBook {
    path: PathBuf,
    shelf: Shelf,
    world: Mutex<World>,
}

impl WorldBook {
    /// As it was left.
    pub fn open(data: &Path, meta: &Path) -> Result<Self, Error> {
        let path = meta.join("recovery.json");
        let damaged = |fault: String| Error::Damaged { path: path.clone(), fault };
        let world = match std::fs::read(&path) {
            Ok(bytes) => {
                let world: World =
                    serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
                if world.version != VERSION {
                    return Err(damaged(format!("version {} is not known", world.version)));
                }
                world
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                World { version: VERSION, ..World::default() }
            }
            Err(source) => return Err(Error::Folder { path, source }),
        };
        Ok(WorldBook { path, shelf: Shelf::open(data, meta)?, world: Mutex::new(world) })
    }

    /// A copy to look at.
    pub fn read(&self) -> World {
        hold(&self.world).clone()
    }

    /// What may be done, if somebody said so.
    pub fn rights(&self) -> Option<RightsOrder> {
        hold(&self.world).rights.clone()
    }

    /// What the blobs of an account are like.
    pub fn nature(&self, account: &str) -> Nature {
        let world = hold(&self.world);
        let own = world.accounts.iter().find(|own| own.name == account);
        own.map_or_else(Nature::default, |own| Nature {
            is_premium: own.has_premium_pages(),
            has_folders: own.rules.has_folders,
        })
    }

    /// Changes it, or leaves it as it was.
    pub fn change<R, E: From<Error>>(
        &self,
        change: impl FnOnce(&mut World) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut world = hold(&self.world);
        let mut next = world.clone();
        let result = change(&mut next)?;
        if next != *world {
            self.take(&mut next)?;
            let text = serde_json::to_vec(&next).expect("names and times can be written");
            durable::write(&self.path, &text, Access::Private)
                .map_err(|source| Error::Folder { path: self.path.clone(), source })?;
            *world = next;
            self.shelf.sweep(&world)?;
        }
        Ok(result)
    }

    /// Points that have just begun take the disks of their machines as they are. All that begin in
    /// one change are of one moment, so a machine is read once.
    fn take(&self, world: &mut World) -> Result<(), Error> {
        let World { vms, vaults, .. } = world;
        let mut taken: Vec<(&str, Vec<KeptDisk>)> = Vec::new();
        for vault in vaults {
            for (group, vm, point) in vault.points_mut().filter(|(.., own)| own.disks.is_none()) {
                let Some(vm) = vms.iter().find(|own| own.is(group, vm)) else {
                    point.disks = Some(Vec::new());
                    continue;
                };
                let held = taken.iter().find(|(id, _)| *id == vm.id).map(|(_, own)| own.clone());
                let disks = match held {
                    Some(disks) => disks,
                    None => self.shelf.keep(vm)?,
                };
                taken.push((&vm.id, disks.clone()));
                point.disks = Some(disks);
            }
        }
        Ok(())
    }

    /// Lets time go by until `now`; what restores bring goes to the blob service or to machines.
    pub fn settle(&self, now: Timestamp, blobs: &dyn Destination) -> Result<(), Error> {
        self.change(|world| {
            settle(world, now);
            give(world, &self.shelf, blobs)?;
            attach(world, now);
            Ok(())
        })
    }

    /// Makes or changes a machine; files that come along are its disks, the system's first.
    pub fn order(&self, order: &VmOrder, disks: &[File]) -> Result<Vm, Error> {
        self.change(|world| {
            let mut vm = named(world, order)?.cloned().unwrap_or_else(|| Vm::new(order));
            vm.change(order)?;
            self.shelf.provide(&mut vm, disks)?;
            world.vms.retain(|own| !own.is(&vm.group, &vm.name));
            world.vms.push(vm.clone());
            world.vms.sort_by_key(|own| (own.name.to_lowercase(), own.group.to_lowercase()));
            Ok(vm)
        })
    }

    /// Makes a storage account other than a plain one.
    pub fn order_account(&self, order: &AccountOrder) -> Result<AccountFacts, Error> {
        self.change(|world| {
            let held = world.accounts.iter().find(|own| own.name == order.name).cloned();
            let mut own = held.unwrap_or_else(|| AccountFacts::plain(&order.name));
            order.change(&mut own)?;
            world.accounts.retain(|other| other.name != own.name);
            world.accounts.push(own.clone());
            Ok(own)
        })
    }

    /// Lets a resource group be there or not, or locks it.
    pub fn order_group(&self, order: &GroupOrder) -> Result<(), Error> {
        self.change(|world| order.change(&mut world.gone_groups, &mut world.locks))
    }

    /// Makes or changes a network security group.
    pub fn order_security(&self, order: &SecurityOrder) -> Result<SecurityGroup, Error> {
        self.change(|world| {
            let new = SecurityGroup::new(order);
            let held = world.security.iter().find(|own| own.is(&new.group, &new.name)).cloned();
            let mut own = held.unwrap_or(new);
            own.change(order)?;
            world.security.retain(|other| !other.is(&own.group, &own.name));
            world.security.push(own.clone());
            Ok(own)
        })
    }

    /// Changes what whoever signs in may do.
    pub fn order_rights(&self, order: &RightsOrder) -> Result<(), Error> {
        self.change(|world| {
            world.rights = Some(order.clone());
            Ok(())
        })
    }

    /// Takes a machine away, protected or not.
    pub fn remove(&self, order: &VmOrder) -> Result<Vm, Error> {
        self.change(|world| {
            let vm = named(world, order)?.cloned();
            let none = || Error::Refused { message: format!("there is no machine {}", order.name) };
            let vm = vm.ok_or_else(none)?;
            world.vms.retain(|own| !own.is(&vm.group, &vm.name));
            self.shelf.drop(&vm)?;
            Ok(vm)
        })
    }

    /// The bytes of a managed disk that a machine has, or that a restore of one made; `None` of another.
    pub fn bytes_of(&self, disk: &ManagedDisk) -> Result<Option<File>, Error> {
        let Some(own) = &disk.machine else { return self.shelf.loose(&disk.group, &disk.name) };
        let world = hold(&self.world);
        let vm = world.machine_of(disk);
        vm.map(|vm| self.shelf.of_machine(vm, own.lun)).transpose()
    }

    /// Writes into a disk of a machine.
    pub fn write(
        &self,
        order: &VmOrder,
        (lun, offset): (Option<u32>, u64),
        content: &File,
    ) -> Result<Vm, Error> {
        // Nobody takes a point meanwhile.
        let world = hold(&self.world);
        let none = || Error::Refused { message: format!("there is no machine {}", order.name) };
        let vm = named(&world, order)?.cloned().ok_or_else(none)?;
        self.shelf.write(&vm, lun, content, offset)?;
        Ok(vm)
    }
}

/// The machine that is meant: of its group, or the only one of its name.
fn named<'a>(world: &'a World, order: &VmOrder) -> Result<Option<&'a Vm>, Error> {
    let is_named = |own: &&Vm| own.name.eq_ignore_ascii_case(&order.name);
    let is_of_group =
        |own: &&Vm| order.group.as_ref().is_none_or(|group| own.group.eq_ignore_ascii_case(group));
    let all: Vec<&Vm> = world.vms.iter().filter(is_named).filter(is_of_group).collect();
    match all.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(*one)),
        _ => {
            let message = format!("{} machines are named {}; say the group", all.len(), order.name);
            Err(Error::Refused { message })
        }
    }
}
