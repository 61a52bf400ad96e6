//! Jobs of `Microsoft.DataBox` with customers' own drives, in the service's own form
//! (`azure-import-export` 1C, 1C.1).

mod changes;
mod create;
mod fields;
mod findings;
mod lists;
mod names;
mod operations;
mod places;
mod progress;
mod routes;
mod wire;

pub(super) use names::{PROVIDER, VERSIONS};
pub(super) use routes::answer;
