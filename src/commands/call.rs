//! One call of the program: its flags, and the desk that its journey works at.

use clap::ArgMatches;

use crate::cli::{Global, StagingConsent};
use crate::config::Settings;
use crate::journey::desk::{Consent, Desk, Visit};
use crate::ui::Ui;

/// One call of the program.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The words that lead to the command.
    pub matches: &'a ArgMatches,
    /// What configuration files say.
    pub settings: &'a Settings,
    /// Flags of every command.
    pub global: &'a Global,
    /// The screen.
    pub ui: &'a Ui,
}

impl<'a> Call<'a> {
    /// The desk of a journey that a person asked for.
    pub fn desk(&self) -> Desk<'a> {
        let StagingConsent { is_shared, storage_account, container, subscription } =
            StagingConsent::of(self.matches);
        Desk {
            state: self.global.state.clone(),
            consent: Consent { is_shared, storage_account, container, subscription },
            visit: Visit::Named,
            attendant: self.ui,
        }
    }
}
