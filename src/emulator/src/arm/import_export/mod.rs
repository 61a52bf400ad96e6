//! Jobs of `Microsoft.ImportExport` in the service's own form (`azure-import-export` 1A).

mod requests;
mod routes;
mod wire;

pub(super) use routes::{PROVIDER, VERSIONS, answer};
