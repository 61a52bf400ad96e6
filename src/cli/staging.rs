//! Arguments of commands that take a staging path: consent to one that others can write to, and
//! what must stand on the command line beside it.

use clap::parser::ValueSource;
use clap::{ArgMatches, Args};
use disk_prep::noun::{AccountName, ContainerName, Diagnose, ErrorKind, SubscriptionId};

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
    pub storage_account: Option<AccountName>,
    /// The container that the seed must be for
    #[arg(long, value_name = "NAME", env = "AZSEED_CONTAINER")]
    pub container: Option<ContainerName>,
    /// The subscription that the seed must be for
    #[arg(long, value_name = "ID", env = "AZSEED_SUBSCRIPTION")]
    pub subscription: Option<SubscriptionId>,
}

/// What this command line itself says of a staging path; nothing of it comes from the environment
/// or a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StagingConsent {
    /// Whether one is taken that others can write to.
    pub is_shared: bool,
    /// The account that its seed must be for.
    pub storage_account: Option<String>,
    /// The container that its seed must be for.
    pub container: Option<String>,
    /// The subscription that its seed must be for.
    pub subscription: Option<String>,
}

impl StagingConsent {
    /// Where there is no staging path, nothing is said of one.
    pub fn expect_none(&self) -> Result<(), NoStaging> {
        let flag = match self {
            StagingConsent { is_shared: true, .. } => "--shared-staging",
            StagingConsent { container: Some(_), .. } => "--container",
            _ => return Ok(()),
        };
        Err(NoStaging { flag })
    }

    /// What the words say that lead to the command.
    pub fn of(matches: &ArgMatches) -> Self {
        let mut own = matches;
        while let Some((_, inner)) = own.subcommand() {
            own = inner;
        }
        StagingConsent {
            is_shared: is_typed(own, "shared_staging"),
            storage_account: typed::<AccountName>(own, "storage_account"),
            container: typed::<ContainerName>(own, "container"),
            subscription: typed::<SubscriptionId>(own, "subscription"),
        }
    }
}

/// A flag that is about a staging path, where there is none.
#[derive(Debug, thiserror::Error)]
#[error("{flag} is about a staging path, and a dataset.csv has none")]
pub struct NoStaging {
    flag: &'static str,
}

impl Diagnose for NoStaging {
    fn code(&self) -> &'static str {
        "flag-without-staging"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
}

fn is_typed(matches: &ArgMatches, id: &str) -> bool {
    matches.try_contains_id(id).unwrap_or(false)
        && matches.value_source(id) == Some(ValueSource::CommandLine)
}

fn typed<T: ToString + Clone + Send + Sync + 'static>(
    matches: &ArgMatches,
    id: &str,
) -> Option<String> {
    let value = is_typed(matches, id).then(|| matches.try_get_one::<T>(id).ok().flatten());
    value.flatten().map(ToString::to_string)
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
        assert_eq!(verify, StagingConsent::default());
        let verify = consent("azseed verify d.img --shared-staging --storage-account account1");
        assert!(verify.is_shared);
        assert_eq!(verify.storage_account.as_deref(), Some("account1"));
        assert_eq!(verify.container, None, "a file consents to nothing");
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
            assert!(
                said.is_shared && said.container.as_deref() == Some("seed"),
                "{words}: {said:?}"
            );
        }
    }
}
