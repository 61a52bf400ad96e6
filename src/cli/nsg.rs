//! Arguments of `nsg`.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use disk_prep::noun::SubscriptionId;

use super::azure::{ArmArgs, AzureArgs};
use super::proxy::{TypedProxy, proxy};

/// Arguments of `nsg`.
#[derive(Debug, Args)]
pub struct NsgArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: NsgCommand,
}

/// `nsg`.
#[derive(Debug, Subcommand)]
pub enum NsgCommand {
    /// Say which rule lets a VM's backup out or blocks it, and which are missing
    ///
    /// Reads the groups at the network card and the subnet of a VM, or rules as
    /// `az network nic list-effective-nsg` or `az network nsg show` print them; then
    /// nothing is asked of Azure. Nothing is changed.
    #[command(
        after_help = "Examples:\n  azseed nsg suggest --vm web\n  az network nic list-effective-nsg -g rg -n web1-nic > rules.json\n  \
                            azseed nsg suggest --rules rules.json --location westeurope\n\n\
        Region, address and name servers of a VM are asked of Azure; of a file they\n\
        have to be said: --location, --vm-ip, --dns-server."
    )]
    Suggest(Box<NsgSuggestArgs>),
    /// Print the rule that lets a proxy out to the Internet, or write it
    #[command(
        after_help = "Examples:\n  azseed nsg rule --proxy-ip 10.0.0.5 --name allow-proxy --priority 200\n  \
                            azseed nsg rule --proxy-ip 10.0.0.5 --name allow-proxy \\\n    \
                            --priority 200 --nsg rg/web-nsg --apply\n\n\
        With --apply the rule is shown and asked for, then written into the group; one\n\
        that is there already is left as it is, and nothing else is touched."
    )]
    Rule(Box<NsgRuleArgs>),
}

/// Arguments of `nsg suggest`.
#[derive(Debug, Args)]
pub struct NsgSuggestArgs {
    /// The VM: NAME, GROUP/NAME or its resource id
    #[arg(long, value_name = "VM")]
    pub vm: Option<String>,
    /// A file with the groups and their rules (JSON), in its place
    #[arg(long, value_name = "FILE", env = "AZSEED_RULES")]
    pub rules: Option<PathBuf>,
    /// The region of the VM: only its storage has to be reached
    #[arg(long, value_name = "REGION", env = "AZSEED_LOCATION")]
    pub location: Option<String>,
    /// The address of the VM: rules for others do not count
    #[arg(long, value_name = "IP", env = "AZSEED_VM_IP")]
    pub vm_ip: Option<Ipv4Addr>,
    /// A name server of the VM's network, if it has its own; repeat for more
    #[arg(long = "dns-server", value_name = "IP", env = "AZSEED_DNS_SERVER")]
    pub dns_servers: Vec<Ipv4Addr>,
    /// The proxy that the VM goes through, IP:PORT
    #[arg(long, value_name = "URL", value_parser = proxy)]
    pub proxy: Option<TypedProxy>,
    /// A file with the addresses of Azure's services (JSON), as
    /// `az network list-service-tags` prints it
    #[arg(long, value_name = "FILE", env = "AZSEED_RANGES")]
    pub ranges: Option<PathBuf>,
    /// The subscription; without it the only one that the sign-in reaches
    #[arg(long, value_name = "ID", env = "AZSEED_SUBSCRIPTION")]
    pub subscription: Option<SubscriptionId>,
    /// Where Azure is.
    #[command(flatten)]
    pub azure: ArmArgs,
}

/// Arguments of `nsg rule`.
#[derive(Debug, Args)]
pub struct NsgRuleArgs {
    /// The address of the proxy's VM
    #[arg(long, value_name = "IP", env = "AZSEED_PROXY_IP")]
    pub proxy_ip: IpAddr,
    /// The name of the rule
    #[arg(long, value_name = "NAME", env = "AZSEED_NAME")]
    pub name: String,
    /// Its priority, 100 to 4096; a lower one comes first
    #[arg(long, value_name = "N", env = "AZSEED_PRIORITY")]
    #[arg(value_parser = clap::value_parser!(u16).range(100..=4096))]
    pub priority: u16,
    /// The ports that it opens
    #[arg(long, value_name = "FIRST-LAST", env = "AZSEED_PORTS", default_value = "80-443")]
    #[arg(value_parser = ports)]
    pub ports: String,
    /// The group to write it into: NAME, GROUP/NAME or its resource id
    #[arg(long, value_name = "NSG", requires = "apply")]
    pub nsg: Option<String>,
    /// Write it, after it was shown and asked for
    #[arg(long, requires = "nsg")]
    pub apply: bool,
    /// The subscription; without it the only one that the sign-in reaches
    #[arg(long, value_name = "ID", env = "AZSEED_SUBSCRIPTION")]
    pub subscription: Option<SubscriptionId>,
    /// Where Azure is.
    #[command(flatten)]
    pub azure: AzureArgs,
}

/// `443` or `80-443`.
fn ports(text: &str) -> Result<String, NoPorts> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (first.parse::<u16>(), last.parse::<u16>()) {
        (Ok(first), Ok(last)) if first <= last => Ok(text.to_owned()),
        _ => Err(NoPorts),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("it is no port or range such as 80-443")]
struct NoPorts;
