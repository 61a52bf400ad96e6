//! What the emulator says, in words and as records.

use azseed_emulator::{Facts, Reply};
use disk_prep::noun::{ByteSize, ErrorKind};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::journey::dock::Replies;
use crate::outcome::{Exit, Outcome};

/// What callers must know, for a script and for a shell.
#[derive(Debug)]
pub struct Listening<'a>(pub &'a Facts);

impl Outcome for Listening<'_> {
    fn lines(&self) -> Vec<String> {
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
        lines
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

impl Outcome for Replies {
    fn lines(&self) -> Vec<String> {
        let lines = |reply: &Reply| match reply {
            Reply::Clock { now } => vec![format!("It is now {now} in the datacenter")],
            Reply::Drive { serial, job, status, bytes_succeeded, error_log } => {
                let job = job.as_ref().map(|job| format!(" (job {job})")).unwrap_or_default();
                let bytes = ByteSize(*bytes_succeeded);
                let line = format!("Drive {serial}{job}: {status}, {bytes} taken in");
                let log = error_log.iter().map(|log| format!("  {log}"));
                std::iter::once(line).chain(log).collect()
            }
            Reply::Done | Reply::Refused { .. } => Vec::new(),
        };
        self.0.iter().flat_map(lines).collect()
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
