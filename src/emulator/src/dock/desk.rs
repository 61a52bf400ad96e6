//! What the dock works with, and how it changes a job's record.

use disk_prep::noun::Serial;

use super::destination::Destination;
use crate::account::Account;
use crate::addresses::Addresses;
use crate::clock::Clock;
use crate::error::Error;
use crate::jobs::book::JobBook;
use crate::jobs::job::{Drive, Job};
use crate::jobs::key::JobKey;

/// What the dock works with.
#[derive(Clone, Copy)]
pub(crate) struct Dock<'a> {
    pub blobs: &'a dyn Destination,
    pub account: &'a Account,
    pub book: &'a JobBook,
    pub clock: &'a Clock,
    /// Where `blobs` are reached.
    pub addresses: &'a Addresses,
}

impl Dock<'_> {
    /// Changes a job.
    pub(super) fn change<R>(
        self,
        key: &JobKey,
        change: impl FnOnce(&mut Job) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let changed = self.book.change(key, change)?;
        changed.ok_or_else(|| Error::Refused { message: format!("the job {} is gone", key.name) })
    }

    /// Changes a drive of a job.
    pub(super) fn change_drive(
        self,
        key: &JobKey,
        serial: &Serial,
        change: impl FnOnce(&mut Drive) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.change(key, |job| job.drive_mut(serial).map_or(Ok(()), change))
    }
}
