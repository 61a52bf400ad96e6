//! Whether everything is in place: findings about drives, the host, a guest and Azure, pure
//! over a root folder or an answer.

pub mod account;
mod agent_units;
mod agent_version;
mod answer;
pub mod azure;
pub mod drive;
pub mod filesystems;
pub mod finding;
pub mod guest;
pub mod host;
pub mod line_rate;
mod netplan;
pub mod network;
mod network_files;
pub mod nsg;
mod pe_version;
pub mod proxy;
pub mod proxy_plan;
pub mod rights;
mod roles;
pub mod schedule;
pub mod staging;
pub mod tree;
pub mod vault_limits;
pub mod vm;
