//! `proxy`: a VM of Azure is brought to a proxy.

use disk_prep::noun::{Diagnose, ErrorKind, Hint};

use super::call::Call;
use crate::check::proxy::Place;
use crate::check::proxy_plan::{PlanOptions, plan};
use crate::cli::{ProxyArgs, ProxyCommand, TypedProxy};
use crate::journey::proxy::{self, ApplyOptions};
use crate::outcome::Ended;

/// Runs `proxy`.
pub fn run(args: &ProxyArgs, call: &Call<'_>) -> Ended {
    Ok(match &args.command {
        ProxyCommand::Plan(own) => Box::new(plan(&PlanOptions {
            proxy: place(&own.proxy)?,
            vms: own.app_vm.clone(),
            address: own.proxy_ip,
        })),
        ProxyCommand::Apply(own) => {
            // The variable is set for every command; what is typed is meant for this one.
            if own.remove && call.is_typed("proxy") {
                return Err(NotBoth.into());
            }
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
fn place(own: &TypedProxy) -> Result<Place, UnfitProxy> {
    let url = own.address.url();
    let is_plain = own.address.is_bare() && url.scheme() == "http" && url.path() == "/";
    match (own.host(), own.port) {
        (Some(host), Some(port)) if is_plain => {
            Ok(Place { host: host.to_owned(), port: port.get() })
        }
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
        Some(Hint::new(
            "name it as HOST:PORT, a name or an address and a port of 1 to 65535; whom it lets through \
             it must know by their address",
        ))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("A proxy is set or taken out, and both --proxy and --remove are given")]
struct NotBoth;

impl Diagnose for NotBoth {
    fn code(&self) -> &'static str {
        "proxy-set-or-removed"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new("leave one of them out"))
    }
}
