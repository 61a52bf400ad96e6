//! `nsg`: rules of network security groups.

use std::num::NonZeroU16;

use disk_prep::noun::{Diagnose, ErrorKind, Hint};

use super::call::Call;
use super::flags::{arm, azure};
use super::vm_words::within;
use crate::check::nsg::NewRule;
use crate::cli::{NsgArgs, NsgCommand, NsgRuleArgs, NsgSuggestArgs, TypedProxy};
use crate::journey::nsg::{self, NsgOptions};
use crate::journey::nsg_vm::{self, NsgOfVm};
use crate::outcome::{Ended, IdleWord, MissingFlags};

/// Runs `nsg`.
pub fn run(args: &NsgArgs, call: &Call<'_>) -> Ended {
    match &args.command {
        NsgCommand::Suggest(own) => suggest(own, call),
        NsgCommand::Rule(own) => rule(own, call),
    }
}

fn suggest(own: &NsgSuggestArgs, call: &Call<'_>) -> Ended {
    let proxy = own.proxy.as_ref().map(place).transpose()?;
    if let Some(machine) = &own.vm {
        if call.is_typed("rules") {
            return Err(TwoSources.into());
        }
        // What Azure says of the VM itself.
        let of_file =
            [("location", "--location"), ("vm_ip", "--vm-ip"), ("dns_servers", "--dns-server")];
        if let Some((_, word)) = of_file.into_iter().find(|(id, _)| call.is_typed(id)) {
            return Err(IdleWord { word }.into());
        }
        let asked = NsgOfVm { machine: machine.clone(), proxy, ranges: own.ranges.clone() };
        let options = within(arm(&own.azure), own.subscription.clone());
        return Ok(Box::new(nsg_vm::suggest(&asked, &options, &call.desk())?));
    }
    Ok(Box::new(nsg::suggest(&NsgOptions {
        rules: own.rules.clone().ok_or(MissingFlags::one("--vm or --rules"))?,
        region: own.location.clone(),
        from: own.vm_ip,
        name_servers: own.dns_servers.clone(),
        proxy,
        ranges: own.ranges.clone(),
    })?))
}

fn rule(own: &NsgRuleArgs, call: &Call<'_>) -> Ended {
    let (priority, ports) = (u32::from(own.priority), own.ports.clone());
    let rule = NewRule::of_proxy(own.name.clone(), own.proxy_ip, priority, ports);
    let Some(group) = own.nsg.as_ref().filter(|_| own.apply) else { return Ok(Box::new(rule)) };
    let options = within(azure(&own.azure), own.subscription.clone());
    Ok(Box::new(nsg_vm::apply(rule, group, &options, &call.desk())?))
}

/// Rules know addresses, not names.
fn place(own: &TypedProxy) -> Result<(std::net::IpAddr, u16), NamedProxy> {
    let ip = own.host().and_then(|own| own.trim_matches(['[', ']']).parse().ok());
    ip.zip(own.port.map(NonZeroU16::get)).ok_or(NamedProxy)
}

#[derive(Debug, thiserror::Error)]
#[error(
    "Rules of network security groups know a proxy by its address and its port, not by its name"
)]
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

#[derive(Debug, thiserror::Error)]
#[error("Rules are read of a file or of Azure, and both --rules and --vm are given")]
struct TwoSources;

impl Diagnose for TwoSources {
    fn code(&self) -> &'static str {
        "nsg-two-sources"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new("leave one of them out"))
    }
}
