//! `emulator disk`: managed disks of the emulated subscription.

use std::path::{Path, PathBuf};

use azseed_emulator::{DiskDeed, DiskOrder};

use crate::cli::EmulatorDiskCommand;
use crate::journey::dock;
use crate::outcome::Ended;

/// Runs `emulator disk`.
pub fn run(command: &EmulatorDiskCommand, data: &Path) -> Ended {
    let (deed, file) = deed(command);
    Ok(Box::new(dock::managed_disks(data, deed, file)?))
}

/// What is asked about managed disks, and the file that goes with it.
fn deed(command: &EmulatorDiskCommand) -> (DiskDeed, Option<PathBuf>) {
    let named = |name: &String, group: &Option<String>| DiskOrder {
        name: name.clone(),
        group: group.clone(),
        ..DiskOrder::default()
    };
    match command {
        EmulatorDiskCommand::List => (DiskDeed::List, None),
        EmulatorDiskCommand::Remove { name, group } => (DiskDeed::Remove(named(name, group)), None),
        EmulatorDiskCommand::Write { name, group, file, offset } => {
            let (order, offset) = (named(name, group), *offset);
            (DiskDeed::Write { order, offset }, Some(file.clone()))
        }
        EmulatorDiskCommand::Set { name, group, region, sku, size, file } => {
            let order = DiskOrder {
                region: region.clone(),
                sku: sku.clone(),
                bytes: size.map(|own| own.0),
                ..named(name, group)
            };
            (DiskDeed::Set(order), file.clone())
        }
    }
}
