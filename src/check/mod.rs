//! Whether everything is in place: findings about drives, the host and Azure, pure
//! over a root folder or an answer.

pub mod azure;
pub mod drive;
pub mod finding;
pub mod host;
