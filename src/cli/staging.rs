//! Arguments of commands that take a staging path: consent to one that others can write to, and
//! where its seed must be going.

use clap::parser::ValueSource;
use clap::{ArgMatches, Args};
use disk_prep::noun::{ContainerName, NamedAccount, SubscriptionId};

use super::named::{called, is_named};

/// Consent to a staging path that others can write to.
#[derive(Debug, Clone, Args)]
pub struct SharedArgs {
    /// Take a staging path that others can write to: what decides is shown, and
    /// pinned for this machine
    #[arg(long, global = true)]
    pub shared_staging: bool,
}

/// The same, and where its seed must be going; for commands that do not say that otherwise.
#[derive(Debug, Clone, Args)]
pub struct SharedSeedArgs {
    /// Consent.
    #[command(flatten)]
    pub shared: SharedArgs,
    /// The storage account that the seed must be for
    #[arg(long, value_name = "NAME", env = "AZSEED_STORAGE_ACCOUNT")]
    pub storage_account: Option<NamedAccount>,
    /// The container that the seed must be for
    #[arg(long, value_name = "NAME", env = "AZSEED_CONTAINER")]
    pub container: Option<ContainerName>,
    /// The subscription that the seed must be for
    #[arg(long, value_name = "ID", env = "AZSEED_SUBSCRIPTION")]
    pub subscription: Option<SubscriptionId>,
}

/// What a call says of a staging path, each value with its source as clap has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StagingConsent {
    /// Whether one is taken that others can write to.
    pub is_shared: bool,
    /// The account that its seed must be for.
    pub storage_account: Option<(String, ValueSource)>,
    /// Its resource id, if it was named by that.
    pub account_id: Option<(String, ValueSource)>,
    /// The container that its seed must be for.
    pub container: Option<(String, ValueSource)>,
    /// The subscription that its seed must be for.
    pub subscription: Option<(String, ValueSource)>,
}

impl StagingConsent {
    /// What the words say that lead to the command. Consent is given on the command line only.
    pub fn of(matches: &ArgMatches) -> Self {
        StagingConsent {
            is_shared: is_named(matches, "shared_staging"),
            storage_account: text::<NamedAccount>(matches, "storage_account"),
            account_id: account_id(matches),
            container: text::<ContainerName>(matches, "container"),
            subscription: text::<SubscriptionId>(matches, "subscription"),
        }
    }
}

fn account_id(matches: &ArgMatches) -> Option<(String, ValueSource)> {
    let own = called(matches);
    let named = own.try_get_one::<NamedAccount>("storage_account").ok().flatten()?;
    Some((named.id()?.to_string(), own.value_source("storage_account")?))
}

fn text<T: ToString + Clone + Send + Sync + 'static>(
    matches: &ArgMatches,
    id: &str,
) -> Option<(String, ValueSource)> {
    let own = called(matches);
    let value = own.try_get_one::<T>(id).ok().flatten()?.to_string();
    Some((value, own.value_source(id)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn consent(words: &str) -> StagingConsent {
        let command = crate::cli::command();
        // As a configuration file gives it.
        let command = command.mut_subcommand("verify", |inner| {
            inner.mut_arg("container", |arg| arg.default_value("file"))
        });
        StagingConsent::of(&command.try_get_matches_from(words.split(' ')).unwrap())
    }

    #[test]
    fn only_what_was_typed_counts_wherever_it_stands() {
        let verify = consent("azseed verify d.img --staging s");
        assert!(!verify.is_shared && verify.storage_account.is_none());
        let verify = consent("azseed verify d.img --shared-staging --storage-account account1");
        assert!(verify.is_shared);
        let typed = |text: &str| Some((text.to_owned(), ValueSource::CommandLine));
        assert_eq!(verify.storage_account, typed("account1"));
        assert_eq!(verify.container, Some(("file".to_owned(), ValueSource::DefaultValue)));
        for words in [
            "azseed job --container seed --shared-staging status",
            "azseed job status --container seed --shared-staging",
            "azseed vault run --container seed --shared-staging",
            "azseed cleanup --container seed --shared-staging",
            "azseed stage status --staging s --container seed --shared-staging",
            "azseed drive release S1 --container seed --shared-staging",
            "azseed inspect d.img --container seed --shared-staging",
            "azseed plan --staging s --drive-size 1T --container seed --shared-staging",
            "azseed prep --staging s --drive d.img --container seed --shared-staging",
        ] {
            let said = consent(words);
            assert!(said.is_shared && said.container == typed("seed"), "{words}: {said:?}");
        }
    }
}
