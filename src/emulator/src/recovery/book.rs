//! The world in one private file, `DIR/meta/recovery.json`, written whole or not at all before
//! anybody sees a change.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use disk_prep::sys::durable::{self, Access};
use disk_prep::sys::hold::hold;
use jiff::Timestamp;

use super::clockwork::settle;
use super::model::World;
use super::vm::{Vm, VmOrder};
use crate::error::Error;

const VERSION: u32 = 1;

/// The world, for many threads.
#[derive(Debug)]
pub(crate) struct WorldBook {
    path: PathBuf,
    world: Mutex<World>,
}

impl WorldBook {
    /// As it was left.
    pub fn open(meta: &Path) -> Result<Self, Error> {
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
        Ok(WorldBook { path, world: Mutex::new(world) })
    }

    /// A copy to look at.
    pub fn read(&self) -> World {
        hold(&self.world).clone()
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
            let text = serde_json::to_vec(&next).expect("names and times can be written");
            durable::write(&self.path, &text, Access::Private)
                .map_err(|source| Error::Folder { path: self.path.clone(), source })?;
            *world = next;
        }
        Ok(result)
    }

    /// Lets time go by until `now`.
    pub fn settle(&self, now: Timestamp) -> Result<(), Error> {
        self.change(|world| {
            settle(world, now);
            Ok(())
        })
    }

    /// Makes or changes a machine.
    pub fn order(&self, order: &VmOrder) -> Result<Vm, Error> {
        self.change(|world| {
            let mut vm = named(world, order)?.cloned().unwrap_or_else(|| Vm::new(order));
            vm.change(order)?;
            world.vms.retain(|own| !own.is(&vm.group, &vm.name));
            world.vms.push(vm.clone());
            world.vms.sort_by_key(|own| (own.name.to_lowercase(), own.group.to_lowercase()));
            Ok(vm)
        })
    }

    /// Takes a machine away, protected or not.
    pub fn remove(&self, order: &VmOrder) -> Result<Vm, Error> {
        self.change(|world| {
            let vm = named(world, order)?.cloned();
            let none = || Error::Refused { message: format!("there is no machine {}", order.name) };
            let vm = vm.ok_or_else(none)?;
            world.vms.retain(|own| !own.is(&vm.group, &vm.name));
            Ok(vm)
        })
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
