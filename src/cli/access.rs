//! Arguments of `auth`, `provider` and `subscriptions`.

use clap::{Args, Subcommand};
use disk_prep::noun::SubscriptionId;

use super::azure::AzureArgs;

/// Arguments of `auth`.
#[derive(Debug, Args)]
pub struct AuthArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: AuthCommand,
    /// Where Azure is.
    #[command(flatten)]
    pub azure: AzureArgs,
}

/// `auth`.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum AuthCommand {
    /// Sign in, and say who answered, in which tenant, until when
    #[command(
        after_help = "Examples:\n  azseed auth status\n  azseed auth status --auth azure-cli"
    )]
    Status,
}

/// Arguments of `subscriptions`.
#[derive(Debug, Args)]
pub struct SubscriptionsArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: SubscriptionsCommand,
    /// Where Azure is.
    #[command(flatten)]
    pub azure: AzureArgs,
}

/// `subscriptions`.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum SubscriptionsCommand {
    /// List the subscriptions that the sign-in reaches
    #[command(after_help = "Example:\n  azseed subscriptions list")]
    List,
}

/// Arguments of `provider`.
#[derive(Debug, Args)]
pub struct ProviderArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: ProviderCommand,
    /// The subscription
    #[arg(long, global = true, value_name = "ID", env = "AZSEED_SUBSCRIPTION")]
    pub subscription: Option<SubscriptionId>,
    /// Where Azure is.
    #[command(flatten)]
    pub azure: AzureArgs,
}

/// `provider`.
#[derive(Debug, Subcommand)]
pub enum ProviderCommand {
    /// Show which providers the subscription may use
    #[command(after_help = "Example:\n  azseed provider list \
                            --subscription 11111111-2222-4333-8444-555555555555")]
    List,
    /// Have the subscription use a provider; it takes minutes
    #[command(after_help = "Examples:\n  azseed provider register --wait\n  \
                            azseed provider register Microsoft.DataBox")]
    Register {
        /// The provider; without it those that a job needs
        #[arg(value_name = "NAME", value_parser = provider)]
        name: Option<String>,
        /// Wait until it is done
        #[arg(long)]
        wait: bool,
    },
}

/// A provider's name: words with dots between.
fn provider(text: &str) -> Result<String, String> {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric());
    match text.contains('.') && text.split('.').all(is_word) {
        true => Ok(text.to_owned()),
        false => Err("a provider is named like Microsoft.DataBox".to_owned()),
    }
}
