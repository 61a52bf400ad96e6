//! `emulator`: Azure and the datacenter's dock on this machine.

use std::fs::File;
use std::os::fd::OwnedFd;

use azseed_emulator::{
    AccountOptions, EmulatorOptions, Error, Facts, Reply, dock, forward_clock, read_drive, start,
};
use disk_prep::drive::{DriveName, find};
use disk_prep::noun::{ByteSize, ErrorKind, Serial};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::{Failure, Outcome, Told};
use crate::cli::{EmulatorArgs, EmulatorCommand};
use crate::exit::Exit;
use crate::ui::Ui;

/// Runs `emulator`.
pub fn run(args: &EmulatorArgs, ui: &Ui) -> Result<Box<dyn Outcome>, Failure> {
    match &args.command {
        None => {
            let emulator = start(&EmulatorOptions {
                listen: args.listen,
                data: args.data.clone(),
                is_plain: args.http,
                blob_endpoint: args.blob_endpoint.clone(),
                account: AccountOptions {
                    account: args.account.clone(),
                    key_file: args.account_key_file.clone(),
                    subscription: args.subscription.clone(),
                    token_file: args.token_file.clone(),
                },
            })?;
            ui.show(&Listening(&emulator.facts));
            if args.attached {
                // Nothing is ever sent; the end comes when the other side is gone.
                let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
                return Ok(Box::new(Told));
            }
            loop {
                std::thread::park();
            }
        }
        Some(EmulatorCommand::Clock { by }) => {
            Ok(Box::new(Replies(forward_clock(&args.data, *by)?)))
        }
        Some(EmulatorCommand::Dock { drives }) => {
            let drives = drives.iter().map(open_drive).collect::<Result<_, _>>()?;
            Ok(Box::new(Replies(dock(&args.data, drives)?)))
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

/// A drive, open for reading only.
fn open_drive(name: &DriveName) -> Result<(Serial, OwnedFd), disk_prep::drive::Error> {
    let drive = find(name)?;
    let file = File::open(&drive.path)
        .map_err(|source| disk_prep::drive::Error::Open { path: drive.path.clone(), source })?;
    Ok((drive.serial, file.into()))
}

/// What callers must know, for a script and for a shell.
struct Listening<'a>(&'a Facts);

impl Outcome for Listening<'_> {
    fn text(&self) -> String {
        let Facts { arm, blob, account, account_key, subscription, token, ca_file } = self.0;
        let mut lines = vec![
            format!("export AZSEED_ARM_ENDPOINT={arm}"),
            format!("export AZSEED_AUTHORITY={arm}"),
            format!("export AZSEED_BLOB_ENDPOINT={blob}"),
            format!("export AZSEED_STORAGE_ACCOUNT={account}"),
            format!("export AZSEED_ACCOUNT_KEY={}", account_key.expose_secret()),
            format!("export AZSEED_SUBSCRIPTION={subscription}"),
            format!("export AZSEED_TOKEN={}", token.expose_secret()),
        ];
        if let Some(path) = ca_file {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            lines.push(format!("export AZSEED_CA_FILE='{}'", path.display()));
        }
        lines.join("\n")
    }

    fn json(&self) -> Vec<Value> {
        let Facts { arm, blob, account, account_key, subscription, token, ca_file } = self.0;
        let ca_file = ca_file.as_ref().map(|path| std::path::absolute(path).ok());
        vec![json!({
            "type": "listening", "version": 1, "arm": arm, "authority": arm, "blob": blob,
            "account": account, "account_key": account_key.expose_secret(),
            "subscription": subscription, "token": token.expose_secret(), "ca_file": ca_file,
        })]
    }
}

/// What a running emulator answered.
struct Replies(Vec<Reply>);

impl Outcome for Replies {
    fn text(&self) -> String {
        let line = |reply: &Reply| match reply {
            Reply::Clock { now } => format!("It is now {now} in the datacenter"),
            Reply::Drive { serial, job, status, bytes_succeeded, error_log } => {
                let job = job.as_ref().map(|job| format!(" (job {job})")).unwrap_or_default();
                let log = error_log.as_ref().map(|log| format!("\n  {log}")).unwrap_or_default();
                let bytes = ByteSize(*bytes_succeeded);
                format!("Drive {serial}{job}: {status}, {bytes} taken in{log}")
            }
            Reply::Done | Reply::Refused { .. } => String::new(),
        };
        self.0.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    fn json(&self) -> Vec<Value> {
        let line = |reply: &Reply| {
            let mut line = serde_json::to_value(reply).expect("texts and numbers can be written");
            line["type"] = match reply {
                Reply::Drive { .. } => json!("docked-drive"),
                _ => json!("emulator-clock"),
            };
            line["version"] = json!(1);
            line
        };
        self.0.iter().map(line).collect()
    }

    fn exit(&self) -> Exit {
        let is_bad =
            |reply: &&Reply| matches!(reply, Reply::Drive { status, .. } if status != "Completed");
        Exit::of(self.0.iter().find(is_bad).map(|_| ErrorKind::LeftOut))
    }
}
