//! Whether everything is in place: findings about drives and the host, pure over a root folder.

pub mod drive;
pub mod finding;
pub mod host;
