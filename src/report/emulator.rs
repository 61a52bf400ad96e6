//! What the emulator says, in words and as records.

use std::path::PathBuf;

use azseed_emulator::{Facts, Reply, Style};
use disk_prep::noun::{AccountName, ByteSize, ErrorKind, Serial, SubscriptionId, count};
use jiff::Timestamp;
use schemars::JsonSchema;
use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::Value;
use zeroize::Zeroizing;

use super::record::{Record, line};
use crate::journey::dock::Replies;
use crate::outcome::{Exit, Outcome};

/// The emulator is up; what callers must know.
#[derive(Serialize, JsonSchema)]
pub(super) struct ListeningRecord<'a> {
    /// Address of the resource manager.
    arm: &'a str,
    /// Address of the sign-in service.
    authority: &'a str,
    /// Address of the blobs, without the account; under the cloud's own names that of the account.
    blob: &'a str,
    /// The storage account.
    #[schemars(with = "String")]
    account: &'a AccountName,
    /// Its key, which is of the emulator only.
    account_key: &'a str,
    /// The subscription.
    #[schemars(with = "String")]
    subscription: &'a SubscriptionId,
    /// A token that it takes.
    token: &'a str,
    /// The certificate that callers must trust; null without TLS.
    ca_file: Option<PathBuf>,
}

impl Record for ListeningRecord<'_> {
    const TYPE: &'static str = "listening";
}

/// A drive was read at the dock of the emulator, or not.
#[derive(Serialize, JsonSchema)]
pub(super) struct DockedRecord<'a> {
    /// Serial number.
    #[schemars(with = "String")]
    serial: &'a Serial,
    /// Its job; null if no job has it.
    job: Option<&'a str>,
    /// The datacenter's status, or why it was not read.
    status: &'a str,
    /// Bytes that arrived.
    bytes_succeeded: u64,
    /// Where the error log is; null if there is none.
    error_log: Option<&'a str>,
    /// It was read when it came before, and is what it was then.
    is_known: bool,
}

impl Record for DockedRecord<'_> {
    const TYPE: &'static str = "docked-drive";
}

/// What time it is in the emulated datacenter.
#[derive(Serialize, JsonSchema)]
pub(super) struct ClockRecord {
    /// The time.
    now: Timestamp,
}

impl Record for ClockRecord {
    const TYPE: &'static str = "emulator-clock";
}

/// What the emulator does wrong on purpose.
#[derive(Serialize, JsonSchema)]
pub(super) struct MischiefRecord<'a> {
    /// Which mischief.
    what: &'a str,
    /// How often it will strike yet; null until it is called off.
    left: Option<u32>,
    /// How often it has struck.
    struck: u32,
}

impl Record for MischiefRecord<'_> {
    const TYPE: &'static str = "emulator-mischief";
}

/// A virtual machine of the emulated subscription.
#[derive(Serialize, JsonSchema)]
pub(super) struct EmulatedVmRecord<'a> {
    /// Its name.
    name: &'a str,
    /// Its resource group.
    group: &'a str,
    /// Its region.
    region: &'a str,
    /// Its system, whether it runs, and what of it is odd.
    state: &'a str,
}

impl Record for EmulatedVmRecord<'_> {
    const TYPE: &'static str = "emulator-vm";
}

/// A managed disk of the emulated subscription.
#[derive(Serialize, JsonSchema)]
pub(super) struct EmulatedDiskRecord<'a> {
    /// Its name.
    name: &'a str,
    /// Its resource group.
    group: &'a str,
    /// Its region.
    region: &'a str,
    /// Its length.
    bytes: u64,
    /// Its kind, such as Premium_LRS.
    sku: &'a str,
}

impl Record for EmulatedDiskRecord<'_> {
    const TYPE: &'static str = "emulator-disk";
}

/// A storage account of the emulated subscription that was changed.
#[derive(Serialize, JsonSchema)]
pub(super) struct EmulatedAccountRecord<'a> {
    /// Its name.
    name: &'a str,
    /// Where it is and of which kind.
    state: &'a str,
}

impl Record for EmulatedAccountRecord<'_> {
    const TYPE: &'static str = "emulator-account";
}

/// A resource group of the emulated subscription.
#[derive(Serialize, JsonSchema)]
pub(super) struct EmulatedGroupRecord<'a> {
    /// Its name.
    name: &'a str,
    /// Whether it is there.
    is_there: bool,
}

impl Record for EmulatedGroupRecord<'_> {
    const TYPE: &'static str = "emulator-group";
}

/// A network security group of the emulated subscription.
#[derive(Serialize, JsonSchema)]
pub(super) struct EmulatedNsgRecord<'a> {
    /// Its name.
    name: &'a str,
    /// Its resource group.
    group: &'a str,
    /// How many rules it has, and where it stands.
    state: &'a str,
}

impl Record for EmulatedNsgRecord<'_> {
    const TYPE: &'static str = "emulator-nsg";
}

/// What whoever signs in to the emulated subscription may do.
#[derive(Serialize, JsonSchema)]
pub(super) struct EmulatedRightsRecord<'a> {
    /// That in words.
    state: &'a str,
}

impl Record for EmulatedRightsRecord<'_> {
    const TYPE: &'static str = "emulator-rights";
}

/// What callers must know, for a script and for a shell.
#[derive(Debug)]
pub struct Listening<'a> {
    /// What the emulator says of itself.
    pub facts: &'a Facts,
    /// The cloud that it stands for, as it was named.
    pub cloud: &'a PathBuf,
}

impl Listening<'_> {
    fn ca_file(&self) -> Option<PathBuf> {
        self.facts.ca_file.as_ref().and_then(|path| std::path::absolute(path).ok())
    }

    /// Where everything is.
    fn places(&self) -> Vec<(&'static str, String)> {
        let Facts { arm, authority, blob, style, .. } = self.facts;
        match style {
            Style::Path => vec![
                ("AZSEED_ARM_ENDPOINT", arm.clone()),
                ("AZSEED_AUTHORITY", authority.clone()),
                ("AZSEED_BLOB_ENDPOINT", blob.clone()),
            ],
            Style::Host => {
                let is_file = self.cloud.exists();
                let cloud = std::path::absolute(self.cloud).ok().filter(|_| is_file);
                let cloud = cloud.unwrap_or_else(|| self.cloud.to_owned());
                vec![("AZSEED_CLOUD", cloud.display().to_string())]
            }
        }
    }

    /// The variables that make the other commands talk to it.
    fn variables(&self) -> Vec<(&'static str, String)> {
        let Facts { account, account_key, subscription, token, .. } = self.facts;
        let mut all = self.places();
        all.extend([
            ("AZSEED_STORAGE_ACCOUNT", account.to_string()),
            ("AZSEED_ACCOUNT_KEY", account_key.expose_secret().to_owned()),
            ("AZSEED_SUBSCRIPTION", subscription.to_string()),
            ("AZSEED_TOKEN", token.expose_secret().to_owned()),
        ]);
        if let Some(path) = self.ca_file() {
            all.push(("AZSEED_CA_FILE", path.display().to_string()));
        }
        all
    }

    /// The same as a file that a shell and a unit of systemd (`EnvironmentFile=`) both read. Only the
    /// last line is of the shell: systemd leaves out what has no equals sign.
    pub fn environment(&self) -> Zeroizing<String> {
        let all = self.variables();
        let mut text = String::new();
        for (name, value) in &all {
            text.push_str(&format!("{name}={}\n", quoted(value)));
        }
        let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
        text.push_str(&format!("export {}\n", names.join(" ")));
        Zeroizing::new(text)
    }
}

/// A value between double quotes, which shells and systemd read alike.
fn quoted(value: &str) -> String {
    let mut text = String::from("\"");
    for c in value.chars() {
        if matches!(c, '"' | '\\' | '$' | '`') {
            text.push('\\');
        }
        text.push(c);
    }
    text + "\""
}

impl Outcome for Listening<'_> {
    fn lines(&self) -> Vec<String> {
        let line = |(name, value): (&str, String)| match name {
            "AZSEED_CLOUD" | "AZSEED_CA_FILE" => format!("export {name}='{value}'"),
            _ => format!("export {name}={value}"),
        };
        self.variables().into_iter().map(line).collect()
    }

    fn json(&self) -> Vec<Value> {
        let Facts { arm, authority, blob, account, account_key, subscription, token, .. } =
            self.facts;
        vec![line(&ListeningRecord {
            arm,
            authority,
            blob,
            account,
            account_key: account_key.expose_secret(),
            subscription,
            token: token.expose_secret(),
            ca_file: self.ca_file(),
        })]
    }
}

impl Outcome for Replies {
    fn lines(&self) -> Vec<String> {
        let lines = |reply: &Reply| match reply {
            Reply::Clock { now } => vec![format!("It is now {now:.0} in the datacenter")],
            Reply::Drive { serial, job, status, bytes_succeeded, error_log, is_known } => {
                let job = job.as_ref().map(|job| format!(" (job {job})")).unwrap_or_default();
                let bytes = ByteSize(*bytes_succeeded);
                let before = if *is_known { " before" } else { "" };
                let line = format!("Drive {serial}{job}: {status}, {bytes} taken in{before}");
                let log = error_log.iter().map(|log| format!("  {log}"));
                std::iter::once(line).chain(log).collect()
            }
            Reply::Mischief { what, left, struck } => {
                let left = match left {
                    Some(left) => format!("will strike {} yet", count(u64::from(*left), "time")),
                    None => "is on until it is called off".to_owned(),
                };
                let struck = count(u64::from(*struck), "time");
                vec![format!("{what} {left}, has struck {struck}")]
            }
            Reply::Vm { name, group, region, state } => {
                vec![format!("{group}/{name}  {region}  {state}")]
            }
            Reply::Disk { name, group, region, bytes, sku } => {
                vec![format!("{group}/{name}  {region}  {}, {sku}", ByteSize(*bytes))]
            }
            Reply::Account { name, state } => vec![format!("{name}  {state}")],
            Reply::Group { name, is_there: true } => vec![format!("The group {name} is there")],
            Reply::Group { name, is_there: false } => {
                vec![format!("The group {name} is not there")]
            }
            Reply::Security { name, group, state } => vec![format!("{group}/{name}  {state}")],
            Reply::Rights { state } => vec![format!("Who signs in may do: {state}")],
            Reply::Done | Reply::Refused { .. } => Vec::new(),
        };
        self.0.iter().flat_map(lines).collect()
    }

    fn json(&self) -> Vec<Value> {
        let record = |reply: &Reply| match reply {
            Reply::Clock { now } => Some(line(&ClockRecord { now: *now })),
            Reply::Drive { serial, job, status, bytes_succeeded, error_log, is_known } => {
                Some(line(&DockedRecord {
                    serial,
                    job: job.as_deref(),
                    status,
                    bytes_succeeded: *bytes_succeeded,
                    error_log: error_log.as_deref(),
                    is_known: *is_known,
                }))
            }
            Reply::Mischief { what, left, struck } => {
                Some(line(&MischiefRecord { what, left: *left, struck: *struck }))
            }
            Reply::Vm { name, group, region, state } => {
                Some(line(&EmulatedVmRecord { name, group, region, state }))
            }
            Reply::Disk { name, group, region, bytes, sku } => {
                Some(line(&EmulatedDiskRecord { name, group, region, bytes: *bytes, sku }))
            }
            Reply::Account { name, state } => Some(line(&EmulatedAccountRecord { name, state })),
            Reply::Group { name, is_there } => {
                Some(line(&EmulatedGroupRecord { name, is_there: *is_there }))
            }
            Reply::Security { name, group, state } => {
                Some(line(&EmulatedNsgRecord { name, group, state }))
            }
            Reply::Rights { state } => Some(line(&EmulatedRightsRecord { state })),
            // Said by the end of the answer, and by an error.
            Reply::Done | Reply::Refused { .. } => None,
        };
        self.0.iter().filter_map(record).collect()
    }

    fn exit(&self) -> Exit {
        let is_bad =
            |reply: &&Reply| matches!(reply, Reply::Drive { status, .. } if status != "Completed");
        Exit::of(self.0.iter().find(is_bad).map(|_| ErrorKind::LeftOut))
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_value_is_quoted_as_a_shell_and_systemd_read_it() {
        assert_eq!(quoted(r#"/a b/"c"$d`e\f"#), r#""/a b/\"c\"\$d\`e\\f""#);
    }
}
