//! Virtual machines as somebody declares them, word by word.

use serde::{Deserialize, Serialize};

use super::failures;
use crate::error::Error;

/// Words for the power of a machine, with what the instance view says.
pub(crate) const POWERS: [&str; 5] = ["running", "stopped", "deallocated", "failed", "transient"];
const AGENTS: [&str; 4] = ["ok", "absent", "old", "stopped"];
const SYSTEMS: [&str; 2] = ["linux", "windows"];
const STAGES: [&str; 6] = ["extension", "snapshot", "transfer", "protect", "warning", "restore"];
/// How its backup extension stands.
const EXTENSIONS: [&str; 3] = ["none", "ok", "failed"];
/// What a machine can have that an ordinary one has not.
const ODDITIES: [&str; 11] = [
    "accelerated",
    "appliance",
    "client",
    "dns",
    "ephemeral",
    "many-snapshots",
    "no-agent-flag",
    "no-extensions",
    "public",
    "ultra",
    "unmanaged",
];
/// Sizes that it knows: cores and memory in MiB stand in the resource manager's list.
pub(crate) const SIZES: [(&str, u32, u32); 4] = [
    ("Standard_D2s_v5", 2, 8192),
    ("Standard_B1ls", 1, 512),
    ("Standard_D4s_v5", 4, 16_384),
    ("Standard_D64s_v5", 64, 262_144),
];
/// The network and subnet of a machine of which none is said.
const SUBNET: &str = "vnet/default";

/// A disk of a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Disk {
    /// The place of a data disk; `None` of the system's.
    pub lun: Option<u32>,
    pub bytes: u64,
}

/// A virtual machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Vm {
    pub id: String,
    pub group: String,
    pub name: String,
    pub region: String,
    /// `linux` or `windows`.
    pub os: String,
    /// `running`, `stopped`, `deallocated`, `failed` or `transient`.
    pub power: String,
    /// `ok`, `absent`, `old` or `stopped`.
    pub agent: String,
    /// Of the model that Azure has no more.
    pub is_classic: bool,
    /// Whether its backups take longer than half a day.
    pub is_slow: bool,
    pub failing: Option<Failing>,
    /// The system's first.
    #[serde(default)]
    pub disks: Vec<Disk>,
    /// `NETWORK/SUBNET` in its group.
    #[serde(default = "plain_subnet")]
    pub subnet: String,
    /// How many network cards it has.
    #[serde(default = "one")]
    pub nics: u32,
    /// Whether it stands behind a load balancer.
    #[serde(default)]
    pub is_balanced: bool,
    #[serde(default = "plain_size")]
    pub size: String,
    /// `none`, `ok` or `failed`.
    #[serde(default = "no_extension")]
    pub extension: String,
    /// What else is not as on an ordinary one.
    #[serde(default)]
    pub oddities: Vec<String>,
}

fn plain_subnet() -> String {
    SUBNET.to_owned()
}

fn one() -> u32 {
    1
}

fn plain_size() -> String {
    SIZES[0].0.to_owned()
}

fn no_extension() -> String {
    EXTENSIONS[0].to_owned()
}

/// What goes wrong with a machine on purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Failing {
    pub code: String,
    /// `extension`, `snapshot`, `transfer`, `protect`, `warning` or `restore`.
    pub at: String,
    /// How often yet; `None` until it is called off.
    pub left: Option<u32>,
}

/// What a machine is to be; what is not said stays, or is that of a plain machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are the words of the command")]
pub struct VmOrder {
    pub name: String,
    pub group: Option<String>,
    pub region: Option<String>,
    pub os: Option<String>,
    pub power: Option<String>,
    pub agent: Option<String>,
    /// `CODE[,at=STAGE][,times=N]`; `none` calls it off.
    pub fail: Option<String>,
    pub is_slow: Option<bool>,
    pub is_classic: bool,
    /// `NETWORK/SUBNET`.
    pub subnet: Option<String>,
    pub nics: Option<u32>,
    pub is_balanced: Option<bool>,
    pub size: Option<String>,
    pub extension: Option<String>,
    /// `none` calls them off.
    pub odd: Vec<String>,
}

impl Vm {
    pub fn is(&self, group: &str, name: &str) -> bool {
        self.group.eq_ignore_ascii_case(group) && self.name.eq_ignore_ascii_case(name)
    }

    /// Whether it would answer from the inside.
    pub fn is_running(&self) -> bool {
        self.power == "running"
    }

    /// Changes it as ordered.
    pub fn change(&mut self, order: &VmOrder) -> Result<(), Error> {
        set(&mut self.os, &order.os, &SYSTEMS)?;
        set(&mut self.power, &order.power, &POWERS)?;
        set(&mut self.agent, &order.agent, &AGENTS)?;
        if let Some(region) = &order.region {
            self.region = region.to_lowercase().replace(' ', "");
        }
        if let Some(is_slow) = order.is_slow {
            self.is_slow = is_slow;
        }
        if let Some(text) = &order.fail {
            self.failing = failing(text)?;
        }
        if let Some(subnet) = &order.subnet {
            let (network, part) = subnet.split_once('/').unwrap_or((subnet, ""));
            checked(network).and_then(|()| checked(part))?;
            self.subnet.clone_from(subnet);
        }
        if let Some(nics) = order.nics {
            self.nics = nics.clamp(1, 8);
        }
        self.is_balanced = order.is_balanced.unwrap_or(self.is_balanced);
        set(&mut self.size, &order.size, &SIZES.map(|(name, ..)| name))?;
        set(&mut self.extension, &order.extension, &EXTENSIONS)?;
        for word in &order.odd {
            match word.as_str() {
                "none" => self.oddities.clear(),
                word => self.oddities.push(one_of(word, &ODDITIES)?),
            }
        }
        self.is_classic |= order.is_classic;
        checked(&self.group).and_then(|()| checked(&self.name))
    }

    /// A plain machine of this name.
    pub fn new(order: &VmOrder) -> Self {
        Vm {
            id: uuid::Uuid::new_v4().to_string(),
            group: order.group.clone().unwrap_or_else(|| "rg".to_owned()),
            name: order.name.clone(),
            region: "westus".to_owned(),
            os: SYSTEMS[0].to_owned(),
            power: POWERS[0].to_owned(),
            agent: AGENTS[0].to_owned(),
            is_classic: false,
            is_slow: false,
            failing: None,
            disks: Vec::new(),
            subnet: plain_subnet(),
            nics: one(),
            is_balanced: false,
            size: plain_size(),
            extension: no_extension(),
            oddities: Vec::new(),
        }
    }

    /// Whether it has what an ordinary machine has not.
    pub fn is_odd(&self, word: &str) -> bool {
        self.oddities.iter().any(|own| own == word)
    }
}

/// Names of the resource manager, which are names of folders here.
pub(crate) fn is_name(text: &str) -> bool {
    let is_fit = |c: char| c.is_alphanumeric() || "-_.()".contains(c);
    (1..=90).contains(&text.chars().count()) && !text.starts_with('.') && text.chars().all(is_fit)
}

fn checked(name: &str) -> Result<(), Error> {
    let known = "a name of letters, digits and -_.()".to_owned();
    if is_name(name) { Ok(()) } else { Err(Error::VmWord { word: name.to_owned(), known }) }
}

fn set(own: &mut String, asked: &Option<String>, known: &[&str]) -> Result<(), Error> {
    if let Some(word) = asked {
        *own = one_of(word, known)?;
    }
    Ok(())
}

fn one_of(word: &str, known: &[&str]) -> Result<String, Error> {
    let found = known.iter().find(|own| own.eq_ignore_ascii_case(word));
    let wrong = || Error::VmWord { word: word.to_owned(), known: known.join(", ") };
    found.map(|own| (*own).to_owned()).ok_or_else(wrong)
}

fn failing(text: &str) -> Result<Option<Failing>, Error> {
    let mut parts = text.split(',');
    let code = parts.next().unwrap_or_default();
    if code == "none" {
        return Ok(None);
    }
    let known = || "a code of Azure as `azseed explain --list` has them, or none".to_owned();
    let wrong = |word: &str, known: String| Error::VmWord { word: word.to_owned(), known };
    let own = failures::find(code).ok_or_else(|| wrong(code, known()))?;
    let mut failing = Failing { code: own.code.to_owned(), at: "snapshot".to_owned(), left: None };
    for part in parts {
        match part.split_once('=') {
            Some(("at", stage)) => failing.at = one_of(stage, &STAGES)?,
            Some(("times", times)) => {
                let times = times.parse().ok().filter(|times| *times > 0);
                failing.left = Some(times.ok_or_else(|| wrong(part, "times=N".to_owned()))?);
            }
            _ => return Err(wrong(part, "at=STAGE, times=N".to_owned())),
        }
    }
    Ok(Some(failing))
}

#[cfg(test)]
mod tests {
    use disk_prep::noun::Diagnose;

    use super::*;

    #[test]
    fn a_machine_is_declared_word_by_word_and_a_wrong_word_names_the_right_ones() {
        let order = VmOrder { name: "web".to_owned(), ..VmOrder::default() };
        let mut vm = Vm::new(&order);
        assert!(vm.is("RG", "WEB") && vm.is_running());
        let text = |text: &str| Some(text.to_owned());
        let fail = text("UserErrorFsFreezeFailed,at=transfer,times=2");
        vm.change(&VmOrder { power: text("Stopped"), fail, ..order.clone() }).unwrap();
        assert_eq!((vm.power.as_str(), vm.is_running()), ("stopped", false));
        let failing = vm.failing.clone().unwrap();
        assert_eq!((failing.at.as_str(), failing.left), ("transfer", Some(2)));
        vm.change(&VmOrder { fail: text("none"), ..order.clone() }).unwrap();
        assert_eq!(vm.failing, None);
        for wrong in ["nothing", "UserErrorFsFreezeFailed,at=noon", "320001,times=0", "320001,x"] {
            let wrong = VmOrder { fail: text(wrong), ..order.clone() };
            assert!(vm.change(&wrong).is_err(), "{wrong:?}");
        }
        let wrong = vm.change(&VmOrder { power: text("asleep"), ..order }).unwrap_err();
        assert_eq!(wrong.code(), "emulator-vm-word");
        assert!(wrong.to_string().contains("deallocated"), "{wrong}");
    }
}
