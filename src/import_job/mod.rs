//! One model of an import job and the services behind it. Speaks nouns; what goes over the wire
//! stays in the file of its service.

pub mod copy_log;
mod data_box;
mod deadlines;
pub mod drive_info;
mod error;
mod import_export;
mod job;
mod key_vault;
mod place;
mod service;
mod shipment;
mod state;
mod story;
mod turn;

use disk_prep::noun::{JobName, Service};

pub use data_box::DataBox;
pub use deadlines::{Clock, Deadline, Nearness};
pub use error::Error;
pub use import_export::ImportExport;
pub use job::{
    Delivery, DriveEntry, DriveKey, DriveStatus, Job, Location, NewJob, ShippingAddress,
    first_name, part_name, parts,
};
pub use service::{JobService, Written};
pub use shipment::Shipment;
pub use state::{DriveStage, DriveState, JobStage, JobState};
pub use turn::Turn;

/// Refuses a name that no job of a service can have.
pub fn check_name(service: Service, name: &JobName) -> Result<(), Error> {
    match service {
        Service::DataBox => data_box::check_name(name),
        Service::ImportExport => import_export::check_name(name),
    }
}
