//! Machines that stage into one seed, one after the other, until the first of its drives is begun.

use std::path::Path;

use disk_prep::noun::VaultName;

use super::door::Staging;
use super::error::Error;
use super::hosts::StagedHost;
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

    /// The seed with what a machine has added to it. The first one stands in the fields that
    /// earlier programs know.
    pub(super) fn staged(mut self, new: StagedHost, source: Totals) -> Self {
        if self.hosts.is_empty() {
            (self.sources, self.choice) = (new.sources.clone(), new.choice.clone());
            self.totals = Totals::default();
        }
        let add = |sum: &mut u64, more: u64| *sum = sum.saturating_add(more);
        add(&mut self.totals.source_files, source.source_files);
        add(&mut self.totals.source_bytes, source.source_bytes);
        add(&mut self.totals.unreadable_files, source.unreadable_files);
        self.hosts.push(new);
        self
    }
}
