//! One model of an import job and the services behind it. Speaks nouns; what goes over the wire
//! stays in the file of its service.

mod deadlines;
mod error;
mod import_export;
mod job;
mod state;
mod turn;

pub use deadlines::{Deadline, deadline};
pub use error::Error;
pub use import_export::ImportExport;
pub use job::{
    Delivery, DriveEntry, DriveKey, DriveStatus, Job, JobService, Location, NewJob, Shipment,
    ShippingAddress, Written, first_name, part_name, parts,
};
pub use state::{DriveState, JobState};
pub use turn::Turn;
