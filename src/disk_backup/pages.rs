//! Stretches of a blob, read and written one call at a time: what is read must be what the service says
//! that it sends, what is written goes out with its MD5, under the lease of the run.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use disk_prep::limits::PAGE_BYTES;
use disk_prep::noun::Md5Digest;
use md5::{Digest, Md5};

use super::error::{Error, is_lease_lost};
use super::keeper::Keeper;
use super::ranges::Span;
use super::record::Verify;
use super::watch::Watch;
use crate::azure::{self, PageBlob};

/// Calls under way at once; a page blob takes no more than that at full size.
pub(super) const AT_ONCE: usize = 8;

/// A blob as it is, or a snapshot of it.
pub type Side<'a> = (&'a dyn PageBlob, Option<&'a str>);

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Bytes that were written.
    pub written_bytes: u64,
    /// Bytes that were cleared.
    pub cleared_bytes: u64,
    /// Bytes that were read from the source.
    pub read_bytes: u64,
    /// Calls that wrote or cleared.
    pub requests: u64,
}

/// The same while it goes on.
#[derive(Default)]
pub(super) struct Tally {
    written: AtomicU64,
    cleared: AtomicU64,
    read: AtomicU64,
    requests: AtomicU64,
}

impl Counts {
    /// What was done by one and by the other.
    pub fn plus(self, other: Counts) -> Counts {
        Counts {
            written_bytes: self.written_bytes + other.written_bytes,
            cleared_bytes: self.cleared_bytes + other.cleared_bytes,
            read_bytes: self.read_bytes + other.read_bytes,
            requests: self.requests + other.requests,
        }
    }
}

impl Tally {
    /// What was done until now.
    pub fn counts(&self) -> Counts {
        let told = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counts {
            written_bytes: told(&self.written),
            cleared_bytes: told(&self.cleared),
            read_bytes: told(&self.read),
            requests: told(&self.requests),
        }
    }

    /// Reads a stretch.
    pub fn read(
        &self,
        blob: &dyn PageBlob,
        snapshot: Option<&str>,
        span: Span,
    ) -> Result<Bytes, Error> {
        let content = read(blob, snapshot, span)?;
        self.was_read(span.1 - span.0);
        Ok(content)
    }

    /// So many bytes were read of the source.
    pub fn was_read(&self, bytes: u64) {
        self.read.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// Pages of a snapshot that the service is to write elsewhere.
pub(super) struct Origin<'a> {
    pub blob: &'a dyn PageBlob,
    pub snapshot: &'a str,
    pub known: Known<'a>,
}

/// What this machine knows of them.
#[derive(Clone, Copy)]
pub(super) enum Known<'a> {
    /// What they hold.
    Here(&'a [u8]),
    /// Where they can be read.
    At(Side<'a>),
}

/// Whether a service could not open the source of a copy.
fn is_closed(error: &azure::Error) -> bool {
    matches!(
        error,
        azure::Error::NotAllowed { .. }
            | azure::Error::NotTaken { .. }
            | azure::Error::NotFound { .. }
    )
}

/// Writes to a copy.
pub(super) struct Pen<'a> {
    pub target: &'a dyn PageBlob,
    pub keeper: &'a Keeper,
    pub verify: Verify,
    pub watch: &'a dyn Watch,
    pub tally: &'a Tally,
}

impl Pen<'_> {
    /// Writes whole pages, 4 MiB at most, and reads them back if that is asked for.
    pub fn write(&self, start: u64, own: Bytes) -> Result<(), Error> {
        let of_target = |source| Error::of(self.target, source);
        self.keeper.check()?;
        let (md5, sent) = (md5_of(&own), own.clone());
        let write = || self.target.write(start, sent.clone(), md5, self.keeper.id);
        self.held(write).map_err(of_target)?;
        self.tally.written.fetch_add(own.len() as u64, Ordering::Relaxed);
        self.tally.requests.fetch_add(1, Ordering::Relaxed);
        if self.verify != Verify::None {
            let back = self.target.read(None, start, own.len() as u64).map_err(of_target)?;
            if back.0 != own {
                return Err(Error::ReadBack { blob: self.target.address(), offset: start });
            }
        }
        self.watch.sent(own.len() as u64)
    }

    /// Has the service write whole pages of a snapshot, 4 MiB at most; what is known of them it checks,
    /// and they are read back if that is asked for.
    pub fn write_from(&self, from: &Origin<'_>, span: Span) -> Result<(), Error> {
        self.keeper.check()?;
        self.sent_from(from, span)?;
        self.tally.written.fetch_add(span.1 - span.0, Ordering::Relaxed);
        self.tally.requests.fetch_add(1, Ordering::Relaxed);
        if self.verify != Verify::None {
            let own = match from.known {
                Known::Here(own) => Bytes::copy_from_slice(own),
                Known::At((blob, snapshot)) => self.tally.read(blob, snapshot, span)?,
            };
            if read(self.target, None, span)? != own {
                return Err(Error::ReadBack { blob: self.target.address(), offset: span.0 });
            }
        }
        self.watch.sent(span.1 - span.0)
    }

    /// A change under the lease. A service that was busy for longer than the lease lives has let it go; as
    /// long as nobody else has had it since, it is renewed ("Lease Blob").
    fn held(&self, change: impl Fn() -> Result<(), azure::Error>) -> Result<(), azure::Error> {
        match change() {
            Err(error)
                if is_lease_lost(&error) && self.target.renew_lease(self.keeper.id).is_ok() =>
            {
                change()
            }
            done => done,
        }
    }

    fn sent_from(&self, from: &Origin<'_>, span: Span) -> Result<(), Error> {
        let Origin { blob, snapshot, known } = *from;
        let of_source = |source| Error::of(blob, source);
        let md5 = match known {
            Known::Here(own) => Some(md5_of(own)),
            Known::At(_) => None,
        };
        let send = || {
            let source = blob.source(snapshot).map_err(of_source)?;
            Ok::<_, Error>(self.held(|| self.target.write_from(&source, span, md5, self.keeper.id)))
        };
        let mut sent = send()?;
        // The address of a managed disk is good for a while; a read asks for another when it is over.
        if blob.is_managed() && matches!(&sent, Err(error) if is_closed(error)) {
            blob.read(Some(snapshot), span.0, PAGE_BYTES).map_err(of_source)?;
            sent = send()?;
        }
        sent.map_err(|source| match source {
            azure::Error::Failing { status: 501, .. } => {
                Error::NotServed { blob: self.target.address(), call: "Put Page From URL" }
            }
            source => Error::of(self.target, source),
        })
    }

    /// Clears whole pages.
    pub fn clear(&self, (start, end): Span) -> Result<(), Error> {
        self.keeper.check()?;
        let cleared = self.held(|| self.target.clear(start, end, self.keeper.id));
        cleared.map_err(|source| Error::of(self.target, source))?;
        self.tally.cleared.fetch_add(end - start, Ordering::Relaxed);
        self.tally.requests.fetch_add(1, Ordering::Relaxed);
        self.watch.sent(end - start)
    }
}

/// A stretch of a blob or snapshot, if it is what the service says that it sends.
pub(super) fn read(
    blob: &dyn PageBlob,
    snapshot: Option<&str>,
    (start, end): Span,
) -> Result<Bytes, Error> {
    let read = blob.read(snapshot, start, end - start);
    let (content, told) = read.map_err(|source| Error::of(blob, source))?;
    match told {
        Some(told) if told != md5_of(&content) => {
            Err(Error::Transport { blob: blob.address(), offset: start })
        }
        _ => Ok(content),
    }
}

pub(super) fn md5_of(content: &[u8]) -> Md5Digest {
    Md5Digest::new(Md5::digest(content).into())
}
