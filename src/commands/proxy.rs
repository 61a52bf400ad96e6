//! `proxy`: a VM of Azure is brought to a proxy.

use disk_prep::noun::{Address, Diagnose, ErrorKind, Hint};

use crate::check::proxy::Place;
use crate::check::proxy_plan::{PlanOptions, plan};
use crate::cli::{ProxyArgs, ProxyCommand};
use crate::journey::proxy::{self, ApplyOptions};
use crate::outcome::Ended;

/// Runs `proxy`.
pub fn run(args: &ProxyArgs) -> Ended {
    Ok(match &args.command {
        ProxyCommand::Plan(own) => Box::new(plan(&PlanOptions {
            proxy: place(&own.proxy)?,
            vms: own.app_vm.clone(),
            address: own.proxy_ip,
        })),
        ProxyCommand::Apply(own) => {
            let given = own.proxy.as_ref().filter(|_| !own.remove);
            let options = ApplyOptions {
                root: own.root.clone(),
                proxy: given.map(place).transpose()?,
                is_dry: own.dry_run,
            };
            Box::new(proxy::apply(&options)?)
        }
    })
}

/// What the agent can be told: a host and a port, no more.
fn place(address: &Address) -> Result<Place, UnfitProxy> {
    let url = address.url();
    let is_plain = address.is_bare() && url.scheme() == "http" && url.path() == "/";
    match (url.host_str(), url.port_or_known_default()) {
        (Some(host), Some(port)) if is_plain => Ok(Place { host: host.to_owned(), port }),
        _ => Err(UnfitProxy),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("The agent of a VM takes a proxy's host and port alone, over plain HTTP")]
struct UnfitProxy;

impl Diagnose for UnfitProxy {
    fn code(&self) -> &'static str {
        "proxy-unfit"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new("name it as HOST:PORT; whom it lets through it must know by their address"))
    }
}
