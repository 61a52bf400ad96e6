//! `nsg`: rules of network security groups.

use disk_prep::noun::{Address, Diagnose, ErrorKind, Hint};

use crate::check::nsg::NewRule;
use crate::cli::{NsgArgs, NsgCommand};
use crate::journey::nsg::{self, NsgOptions};
use crate::outcome::Ended;

/// Runs `nsg`.
pub fn run(args: &NsgArgs) -> Ended {
    Ok(match &args.command {
        NsgCommand::Suggest(own) => Box::new(nsg::suggest(&NsgOptions {
            rules: own.rules.clone(),
            region: own.location.clone(),
            from: own.vm_ip,
            proxy: own.proxy.as_ref().map(place).transpose()?,
            ranges: own.ranges.clone(),
        })?),
        NsgCommand::Rule(own) => {
            let (priority, ports) = (u32::from(own.priority), own.ports.clone());
            Box::new(NewRule::of_proxy(own.name.clone(), own.proxy_ip, priority, ports))
        }
    })
}

/// Rules know addresses, not names.
fn place(address: &Address) -> Result<(std::net::IpAddr, u16), NamedProxy> {
    let url = address.url();
    let ip = url.host_str().and_then(|own| own.trim_matches(['[', ']']).parse().ok());
    ip.zip(url.port_or_known_default()).ok_or(NamedProxy)
}

#[derive(Debug, thiserror::Error)]
#[error("Rules of network security groups know a proxy by its address, not by its name")]
struct NamedProxy;

impl Diagnose for NamedProxy {
    fn code(&self) -> &'static str {
        "proxy-named"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new("name it as IP:PORT"))
    }
}
