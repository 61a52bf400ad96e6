//! An emulated Azure with a caller, and jobs without real drives.

use serde_json::{Value, json};

use crate::support::arm::{self, Arm, Told};
use crate::support::emulator::{Emulator, Folder};

/// A recovery password that keeps the rules; a published example.
pub const KEY: &str = "238810-662376-448998-450120-652806-203390-606320-483076";

/// The Azure of one test.
pub struct Office {
    // Ends before its folder goes away.
    pub emulator: Emulator,
    _folder: Folder,
    pub arm: Arm,
}

/// What a job says of a drive.
pub fn drive(serial: &str) -> Value {
    json!({
        "driveId": serial, "bitLockerKey": KEY, "manifestFile": "\\DriveManifest.xml",
        "manifestHash": "109B21108597EF36D5785F08303F3638",
    })
}

/// A job of one drive of this serial.
pub fn body(serial: &str) -> Value {
    arm::body(json!([drive(serial)]))
}

impl Office {
    pub fn open() -> Self {
        let folder = Folder::new();
        let emulator = Emulator::start(&folder);
        let arm = Arm::of(&emulator);
        Office { emulator, _folder: folder, arm }
    }

    /// Opens with a job `job1` of one drive.
    pub fn with_job() -> Self {
        let office = Office::open();
        assert_eq!(office.put("job1", &body("S1")).status, 201);
        office
    }

    /// The same, on its way.
    pub fn with_parcel() -> Self {
        let office = Office::with_job();
        assert_eq!(office.patch("job1", &arm::parcel("1Z1")).status, 200);
        office
    }

    pub fn put(&self, name: &str, body: &Value) -> Told {
        self.arm.put(&arm::job(name), body)
    }

    pub fn patch(&self, name: &str, body: &Value) -> Told {
        self.arm.patch(&arm::job(name), body)
    }

    /// Changes properties of `job1`.
    pub fn set(&self, properties: Value) -> Told {
        self.patch("job1", &json!({ "properties": properties }))
    }

    pub fn get(&self, name: &str) -> Told {
        self.arm.get(&arm::job(name))
    }

    pub fn state(&self, name: &str) -> Value {
        self.get(name).properties()["state"].take()
    }

    /// Puts the clock forward.
    pub fn forward(&self, by: &str) {
        self.emulator.forward(by);
    }

    /// Lets `job1` end, since its parcel never comes.
    pub fn close_job1(&self) {
        self.forward("+14d");
        assert_eq!(self.state("job1"), "Shipping");
        self.forward("+30d");
        assert_eq!(self.state("job1"), "Closed");
    }
}
