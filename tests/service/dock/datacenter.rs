//! An emulated datacenter with its callers, and the question that every refusal answers.

use serde_json::{Value, json};

use super::drive::Drive;
use crate::support::arm::{self, Arm};
use crate::support::emulator::Emulator;
use crate::support::program::Machine;

/// The datacenter of one test.
pub struct Datacenter {
    // Ends before its folder goes away.
    pub emulator: Emulator,
    pub machine: Machine,
    pub arm: Arm,
}

impl Datacenter {
    pub fn open() -> Self {
        let machine = Machine::new();
        let emulator = Emulator::start(&machine);
        let arm = Arm::of(&emulator);
        Datacenter { emulator, machine, arm }
    }

    /// Makes a job of these drives.
    pub fn make(&self, name: &str, drives: &[&Drive]) {
        let entries = drives.iter().map(|drive| drive.entry.clone()).collect();
        self.make_with(name, entries, &json!({}));
    }

    /// The same with more properties.
    pub fn make_with(&self, name: &str, drives: Value, more: &Value) {
        let mut body = arm::body(drives);
        for (property, value) in more.as_object().unwrap() {
            body["properties"][property] = value.clone();
        }
        let made = self.arm.put(&arm::job(name), &body);
        assert_eq!(made.status, 201, "{}", made.text);
    }

    /// Sends its parcel; the tracking number is the job's name.
    pub fn ship(&self, name: &str) {
        let shipped = self.arm.patch(&arm::job(name), &arm::parcel(name));
        assert_eq!(shipped.properties()["state"], "Shipping");
    }

    /// A job of these drives, on its way.
    pub fn shipped(&self, name: &str, drives: &[&Drive]) {
        self.make(name, drives);
        self.ship(name);
    }

    /// The job's properties.
    pub fn job(&self, name: &str) -> Value {
        self.arm.get(&arm::job(name)).properties()
    }

    /// Brings drives to the dock; what it says of each, in the drives' order.
    pub fn dock(&self, drives: &[&Drive]) -> Vec<Value> {
        let name = |drive: &&Drive| format!("{},serial={}", drive.image.display(), drive.serial);
        let names: Vec<String> = drives.iter().map(name).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let said = self.emulator.dock(&self.machine, &names);
        assert_eq!(said.len(), drives.len(), "{said:?}");
        let of = |drive: &&Drive| said.iter().find(|line| line["serial"] == drive.serial.as_str());
        drives.iter().map(|drive| of(drive).expect("each is told of").clone()).collect()
    }

    /// A blob of the container `seed`, if it is there.
    pub fn blob(&self, name: &str) -> Option<Vec<u8>> {
        std::fs::read(self.emulator.blob("seed", name)).ok()
    }

    /// Whether all that is on a drive has become blobs.
    pub fn has_all_of(&self, drive: &Drive) -> bool {
        drive.blobs().into_iter().all(|(name, content)| self.blob(&name) == Some(content))
    }

    /// Whether nothing that is on a drive has become a blob.
    pub fn has_none_of(&self, drive: &Drive) -> bool {
        drive.blobs().iter().all(|(name, _)| self.blob(name).is_none())
    }

    /// The text of a log that a job names.
    #[track_caller]
    pub fn log(&self, address: &Value) -> String {
        let address = address.as_str().expect("there is a log");
        let origin = format!("{}/", self.emulator.fact("blob"));
        let path = address.strip_prefix(&origin).expect("it lies in this Azure");
        std::fs::read_to_string(self.emulator.data().join("blobs").join(path)).unwrap()
    }
}

/// Spoils drive S1, sends it with a sound drive, and expects the datacenter to refuse it with
/// this status, to say so everywhere, and to take the sound drive whole.
#[track_caller]
pub fn expect_refusal(status: &str, spoil: impl FnOnce(&mut Drive)) {
    expect_refusal_of(Drive::seal("S1"), status, spoil);
}

/// The same for another drive.
#[track_caller]
pub fn expect_refusal_of(mut bad: Drive, status: &str, spoil: impl FnOnce(&mut Drive)) {
    let sound = Drive::seal("S2");
    spoil(&mut bad);
    let datacenter = Datacenter::open();
    datacenter.shipped("job1", &[&bad, &sound]);
    let said = datacenter.dock(&[&bad, &sound]);
    assert_eq!((&said[0]["status"], &said[1]["status"]), (&json!(status), &json!("Completed")));
    assert_eq!(said[0]["bytes_succeeded"], 0);
    let job = datacenter.job("job1");
    assert_eq!(job["state"], "Closed", "{job}");
    let [first, second] = [&job["driveList"][0], &job["driveList"][1]];
    assert_eq!(first["state"], "CompletedMoreInfo", "{job}");
    assert_eq!(first["copyStatus"], status, "{job}");
    assert_eq!(second["state"], "Completed", "{job}");
    assert_eq!(second.get("errorLogUri"), None, "{job}");
    assert!(datacenter.has_all_of(&sound) && datacenter.has_none_of(&bad));
    assert_eq!(first["errorLogUri"], said[0]["error_log"]);
    let log = datacenter.log(&first["errorLogUri"]);
    assert!(log.contains(&format!("<DriveId>{}</DriveId>", bad.serial)), "{log}");
    assert!(log.contains(&format!("<Status>{status}</Status>")), "{log}");
}
