//! What a way is gone over, and how long one step of it may take.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::azure::reason::Reason;

/// One step may take so long.
pub(super) const WITHIN: Duration = Duration::from_secs(if cfg!(test) { 2 } else { 5 });

/// Bytes in both directions, through whatever lies between.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// What a library says.
pub(super) fn told(error: &(dyn std::error::Error + 'static)) -> Reason {
    Reason::of(error)
}

/// It took too long.
pub(super) fn silence() -> Reason {
    Reason::of(&io::Error::new(io::ErrorKind::TimedOut, "nothing was heard"))
}
