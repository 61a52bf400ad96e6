//! `emulator`: Azure and the datacenter's dock on this machine.

use std::path::PathBuf;

use azseed_emulator::{
    AccountOptions, EmulatorOptions, Error, Style, VmDeed, VmOrder, Wanted, read_drive, start,
};

use super::call::Call;
use crate::cli::{EmulatorArgs, EmulatorCommand, EmulatorVmCommand};
use crate::journey::dock;
use crate::outcome::{Attendant, Ended, Told};
use crate::report::emulator::Listening;

/// Runs `emulator`; what the subscription has beside machines are verbs of their own.
pub fn run(command: Option<&EmulatorCommand>, args: &EmulatorArgs, call: &Call<'_>) -> Ended {
    match command {
        None => {
            let cloud = dock::names(&args.cloud.cloud)?;
            let emulator = start(&EmulatorOptions {
                listen: args.listen,
                blob_listen: args.blob_listen,
                names: cloud,
                style: if args.host_names { Style::Host } else { Style::Path },
                data: args.data.clone(),
                is_plain: args.http,
                blob_endpoint: args.blob_endpoint.clone(),
                account: AccountOptions {
                    accounts: args.account.clone(),
                    key_file: args.account_key_file.clone(),
                    subscription: args.subscription.clone(),
                    token_file: args.token_file.clone(),
                    location: args.account_location.clone(),
                },
                unregistered: args.unregistered.clone(),
                mischief: Wanted::all(&args.mischief)?,
            })?;
            let listening = Listening { facts: &emulator.facts, cloud: &args.cloud.cloud };
            dock::keep(&args.data, &listening.environment())?;
            call.ui.show(&listening);
            if args.attached {
                // Nothing is ever sent; the end comes when the other side is gone.
                let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
                return Ok(Box::new(Told));
            }
            loop {
                std::thread::park();
            }
        }
        Some(EmulatorCommand::Clock { by }) => Ok(Box::new(dock::forward(&args.data, *by)?)),
        Some(EmulatorCommand::Mischief { what, clear }) => {
            Ok(Box::new(dock::mischief(&args.data, Wanted::all(what)?, *clear)?))
        }
        Some(EmulatorCommand::Vm(command)) => {
            let (deed, files) = deed(command);
            Ok(Box::new(dock::machines(&args.data, deed, &files)?))
        }
        Some(EmulatorCommand::Dock { drives }) => {
            Ok(Box::new(dock::bring(&args.data, drives, &call.desk())?))
        }
        Some(EmulatorCommand::DockWorker) => {
            read_drive().map_err(|error| Error::Worker {
                serial: "on standard input".to_owned(),
                fault: error.to_string(),
            })?;
            Ok(Box::new(Told))
        }
    }
}

/// What is asked about machines, and the files that go with it.
fn deed(command: &EmulatorVmCommand) -> (VmDeed, Vec<PathBuf>) {
    let named = |name: &String, group: &Option<String>| VmOrder {
        name: name.clone(),
        group: group.clone(),
        ..VmOrder::default()
    };
    match command {
        EmulatorVmCommand::List => (VmDeed::List, Vec::new()),
        EmulatorVmCommand::Remove { name, group } => {
            (VmDeed::Remove(named(name, group)), Vec::new())
        }
        EmulatorVmCommand::Write { name, group, lun, file, offset } => {
            let (order, lun, offset) = (named(name, group), *lun, *offset);
            (VmDeed::Write { order, lun, offset }, vec![file.clone()])
        }
        EmulatorVmCommand::Set(own) => {
            let order = VmOrder {
                region: own.region.clone(),
                os: own.os.clone(),
                power: own.power.clone(),
                agent: own.agent.clone(),
                fail: own.fail.clone(),
                is_slow: own.slow,
                is_classic: own.classic,
                subnet: own.subnet.clone(),
                nics: own.nics,
                is_balanced: own.load_balancer,
                size: own.size.clone(),
                extension: own.extension.clone(),
                odd: own.odd.clone(),
                ..named(&own.name, &own.group)
            };
            (VmDeed::Set(order), own.disk.clone())
        }
    }
}
