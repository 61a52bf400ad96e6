//! One call of the program: its flags, and the desk that its journey works at.

use clap::ArgMatches;
use clap::parser::ValueSource;

use crate::cli::{Global, StagingConsent, source};
use crate::config::{Owner, Settings};
use crate::journey::desk::{Consent, Desk, Visit};
use crate::journey::settings::{Given, Origin};
use crate::notify::{Hook, Hooks};
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
        let said = StagingConsent::of(self.matches);
        let given = |id, said: Option<(String, ValueSource)>| {
            said.map(|(value, source)| self.from(id, value, source))
        };
        Desk {
            state: self.global.state.clone(),
            consent: Consent {
                is_shared: said.is_shared,
                storage_account: given("storage_account", said.storage_account),
                account_id: given("storage_account", said.account_id),
                container: given("container", said.container),
                subscription: given("subscription", said.subscription),
            },
            visit: Visit::Named,
            hooks: Hooks { on_event: self.hook("on-event"), before: self.hook("before") },
            attendant: self.ui,
        }
    }

    fn hook(&self, key: &'static str) -> Option<Hook> {
        let (file, words) = self.settings.program(key)?;
        Some(Hook { key, file, words })
    }

    /// The value of a flag with where it comes from.
    pub fn given<T>(&self, id: &str, value: Option<T>) -> Option<Given<T>> {
        value.map(|value| self.said(id, value))
    }

    /// The same of a flag that has a value in any case.
    pub fn said<T>(&self, id: &str, value: T) -> Given<T> {
        let source = source(self.matches, id).unwrap_or(ValueSource::DefaultValue);
        self.from(id, value, source)
    }

    /// Whether a flag stands on the command line.
    pub fn is_typed(&self, id: &str) -> bool {
        source(self.matches, id) == Some(ValueSource::CommandLine)
    }

    fn from<T>(&self, id: &str, value: T, source: ValueSource) -> Given<T> {
        let key = id.replace('_', "-");
        let (origin, name) = match (source, self.settings.layer_of(&key)) {
            (ValueSource::CommandLine, _) => (Origin::CommandLine, format!("--{key}")),
            (ValueSource::EnvVariable, _) => {
                (Origin::Variable, format!("AZSEED_{}", id.to_uppercase()))
            }
            (_, Some(layer)) => {
                let origin = match layer.owner {
                    Owner::User => Origin::UserFile,
                    Owner::System => Origin::SystemFile,
                };
                (origin, format!("The key {key} of {}", layer.place()))
            }
            _ => (Origin::Default, format!("--{key}")),
        };
        Given { value, origin, name }
    }
}
