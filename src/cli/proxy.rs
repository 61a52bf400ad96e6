//! Arguments of `proxy`.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use disk_prep::noun::{Address, InvalidAddress};

/// Arguments of `proxy`.
#[derive(Debug, Args)]
pub struct ProxyArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: ProxyCommand,
}

/// `proxy`.
#[derive(Debug, Subcommand)]
pub enum ProxyCommand {
    /// Print every step that brings VMs of Azure to a proxy
    #[command(after_help = "Example:\n  azseed proxy plan --proxy 10.0.0.5:3128 --app-vm web1")]
    Plan(ProxyPlanArgs),
    /// Set the proxy in the files of a Linux VM
    ///
    /// Changes the lines of the proxy in /etc/waagent.conf and /etc/environment and
    /// nothing else; each file is kept as it was beside itself.
    #[command(after_help = "Examples:\n  azseed proxy apply --proxy 10.0.0.5:3128 --dry-run\n  \
                            azseed proxy apply --remove")]
    Apply(ProxyApplyArgs),
}

/// Arguments of `proxy plan`.
#[derive(Debug, Args)]
pub struct ProxyPlanArgs {
    /// The proxy, HOST:PORT
    #[arg(long, value_name = "URL", env = "AZSEED_PROXY", value_parser = proxy)]
    pub proxy: Address,
    /// A VM that is to use it
    #[arg(long, value_name = "VM", env = "AZSEED_APP_VM")]
    pub app_vm: Vec<String>,
    /// The address of the proxy's VM
    #[arg(long, value_name = "IP", env = "AZSEED_PROXY_IP")]
    pub proxy_ip: Option<IpAddr>,
}

/// Arguments of `proxy apply`.
#[derive(Debug, Args)]
pub struct ProxyApplyArgs {
    /// The proxy, HOST:PORT
    #[arg(
        long,
        value_name = "URL",
        env = "AZSEED_PROXY",
        value_parser = proxy,
        required_unless_present = "remove"
    )]
    pub proxy: Option<Address>,
    /// The folder with the VM's files: a mounted image; this machine if not said
    #[arg(long, value_name = "DIR", default_value = "/", hide_default_value = true)]
    pub root: PathBuf,
    /// Say what would change, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Take the proxy out
    #[arg(long)]
    pub remove: bool,
}

/// A proxy with or without http:// before it.
pub fn proxy(text: &str) -> Result<Address, InvalidAddress> {
    match text.contains("://") {
        true => text.parse(),
        false => format!("http://{text}").parse(),
    }
}
