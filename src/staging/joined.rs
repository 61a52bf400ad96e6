//! Machines that stage into one seed, one after the other or at once, until the first of its drives is
//! begun.

use std::path::Path;

use disk_prep::noun::VaultName;
use jiff::Timestamp;

use super::door::Staging;
use super::error::Error;
use super::hosts::{StagedHost, Stager};
use super::seed::{Seed, SeedState, Totals};

/// What a machine finds that wants to stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It has nothing to add.
    Done,
    /// It adds its sources, or goes on with that.
    Adds,
}

/// Whether drives of a seed are begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drives {
    /// None is.
    None,
    /// At least one is.
    Begun,
}

impl Seed {
    /// What a machine has staged; of a record that names no machines nobody knows.
    pub fn staged_by(&self, host: &str) -> Option<&StagedHost> {
        self.hosts.iter().find(|own| own.host == host)
    }

    /// Refuses a seed that joins another vault than was asked for, or none.
    pub fn expect_vault(&self, asked: Option<&VaultName>, staging: &Path) -> Result<(), Error> {
        if self.vault.as_ref() == asked {
            return Ok(());
        }
        let words = |vault: Option<&VaultName>| match vault {
            Some(vault) => format!("vault {vault}"),
            None => "no vault".to_owned(),
        };
        let (held, asked) = (words(self.vault.as_ref()), words(asked));
        Err(Error::OtherVault { path: staging.to_owned(), held, asked })
    }

    /// Whether a machine has anything left to stage. A seed of which a drive is begun takes
    /// nothing more: what is on its way is not all of it then.
    pub fn turn(&self, host: &str, drives: Drives, staging: &Staging) -> Result<Turn, Error> {
        let is_new = !self.hosts.is_empty() && self.staged_by(host).is_none();
        match self.state {
            SeedState::Unfinished => Ok(Turn::Adds),
            _ if !is_new => Ok(Turn::Done),
            SeedState::Finished if drives == Drives::None => Ok(Turn::Adds),
            _ => Err(Error::Closed { path: staging.path().to_owned(), host: host.to_owned() }),
        }
    }

    /// The seed with what a machine has added to it; what it had added before is counted no more. The
    /// first one stands in the fields that earlier programs know.
    pub(super) fn staged(mut self, new: StagedHost) -> Self {
        if let Some(index) = self.hosts.iter().position(|own| own.host == new.host) {
            let old = self.hosts.remove(index);
            let take = |sum: &mut u64, less: u64| *sum = sum.saturating_sub(less);
            take(&mut self.totals.source_files, old.files);
            take(&mut self.totals.source_bytes, old.bytes);
            take(&mut self.totals.unreadable_files, old.unreadable_files);
        }
        if self.hosts.is_empty() {
            (self.sources, self.choice) = (new.sources.clone(), new.choice.clone());
            self.totals = Totals::default();
        }
        let add = |sum: &mut u64, more: u64| *sum = sum.saturating_add(more);
        add(&mut self.totals.source_files, new.files);
        add(&mut self.totals.source_bytes, new.bytes);
        add(&mut self.totals.unreadable_files, new.unreadable_files);
        self.hosts.push(new);
        self
    }

    /// The seed with a machine that begins to stage, or goes on.
    pub(super) fn entered(mut self, host: &str, now: Timestamp) -> Self {
        if !self.stagers.iter().any(|own| own.host == host) {
            self.stagers.push(Stager { host: host.to_owned(), since: now });
        }
        Seed { state: SeedState::Unfinished, ..self }
    }

    /// The seed without a machine that has ended.
    pub(super) fn left(mut self, host: &str) -> Self {
        self.stagers.retain(|own| own.host != host);
        self
    }
}
