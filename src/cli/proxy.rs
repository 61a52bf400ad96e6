//! Arguments of `proxy`.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU16;
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
    #[arg(long, value_name = "URL", value_parser = proxy)]
    pub proxy: TypedProxy,
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
    #[arg(long, value_name = "URL", value_parser = proxy, required_unless_present = "remove")]
    pub proxy: Option<TypedProxy>,
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

/// A proxy as it was typed.
#[derive(Debug, Clone)]
pub struct TypedProxy {
    /// Its address, in which a port that is the usual one is none.
    pub address: Address,
    /// Its port, if one was typed that there is.
    pub port: Option<NonZeroU16>,
}

impl TypedProxy {
    /// Its host, if that is a name or an address and nothing that a shell would read.
    pub fn host(&self) -> Option<&str> {
        let host = self.address.url().host_str()?;
        let inner = host.strip_prefix('[').and_then(|own| own.strip_suffix(']'));
        let is_host = match inner {
            Some(inner) => inner.parse::<Ipv6Addr>().is_ok(),
            None => host.bytes().all(|own| own.is_ascii_alphanumeric() || b".-".contains(&own)),
        };
        (is_host && !host.is_empty()).then_some(host)
    }
}

/// A proxy with or without http:// before it.
pub fn proxy(text: &str) -> Result<TypedProxy, InvalidAddress> {
    let address = match text.contains("://") {
        true => text.parse()?,
        false => format!("http://{text}").parse()?,
    };
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let port = authority.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
    Ok(TypedProxy { address, port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_has_a_host_and_a_port_of_its_own() {
        let own = |text: &str| {
            let own = proxy(text).unwrap();
            (own.host().map(str::to_owned), own.port.map(NonZeroU16::get))
        };
        let both = |host: &str, port| (Some(host.to_owned()), Some(port));
        assert_eq!(own("p-1.example:3128"), both("p-1.example", 3128));
        assert_eq!(own("http://10.0.0.5:80/"), both("10.0.0.5", 80));
        assert_eq!(own("[fd00::1]:8080"), both("[fd00::1]", 8080));
        assert_eq!(own("h"), (Some("h".to_owned()), None));
        assert_eq!(own("h:0"), (Some("h".to_owned()), None));
        assert_eq!(own("[fd00::1]"), (Some("[fd00::1]".to_owned()), None));
        assert_eq!(own("$(id):1"), (None, Some(1)));
        assert_eq!(own("a_b:1"), (None, Some(1)));
        assert!(proxy("h:65536").is_err() && proxy("h:x").is_err() && proxy(":1").is_err());
    }
}
