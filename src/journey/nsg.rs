//! Network security groups by saved answers: whether a VM's backup gets out, and the rules that are
//! missing. Asks nothing of Azure.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use disk_prep::noun::{Diagnose, ErrorKind, Hint};
use disk_prep::sys::given;

use crate::check::finding::Checked;
use crate::check::nsg::{self, Flow, NewRule, NsgFault, TagList};

/// What is to be looked at.
#[derive(Debug)]
pub struct NsgOptions {
    /// A file with groups.
    pub rules: PathBuf,
    /// The region of the VM.
    pub region: Option<String>,
    /// Its address.
    pub from: Option<Ipv4Addr>,
    /// The name servers that its network names.
    pub name_servers: Vec<Ipv4Addr>,
    /// The proxy that it goes through.
    pub proxy: Option<(IpAddr, u16)>,
    /// A file with the addresses of services.
    pub ranges: Option<PathBuf>,
}

/// What is so, and what is missing.
#[derive(Debug)]
pub struct NsgLooked {
    /// A finding for each flow.
    pub checked: Checked,
    /// Rules that would let out what is blocked.
    pub missing: Vec<NewRule>,
}

/// Looks at what a file says.
pub fn suggest(options: &NsgOptions) -> Result<NsgLooked, NsgError> {
    let groups = text(&options.rules).and_then(|text| nsg::read_groups(&text));
    let groups = groups.map_err(|source| NsgError { path: options.rules.clone(), source })?;
    let tags = options.ranges.as_deref().map(tag_list).transpose()?;
    let region = options.region.as_ref().map(|own| own.replace(' ', "").to_ascii_lowercase());
    let servers: Vec<String> = options.name_servers.iter().map(Ipv4Addr::to_string).collect();
    let own = nsg::flows(region.as_deref(), options.proxy).into_iter();
    let flows: Vec<Flow> = own.chain(nsg::name_flows(&servers)).collect();
    Ok(NsgLooked {
        checked: Checked(nsg::look(&groups, options.from, &flows, tags.as_ref())),
        missing: nsg::suggest(&groups, options.from, &flows, tags.as_ref()),
    })
}

/// The addresses of services that a file has.
pub(super) fn tag_list(path: &Path) -> Result<TagList, NsgError> {
    let list = text(path).and_then(|text| Ok(nsg::read_tags(&text)?));
    list.map_err(|source| NsgError { path: path.to_owned(), source })
}

/// Lists of all clouds have some megabytes.
const MOST_BYTES: u64 = 64 << 20;

fn text(path: &Path) -> Result<String, NsgFault> {
    Ok(given::read_text_within(path, MOST_BYTES)?)
}

/// A file that has no groups, or no addresses.
#[derive(Debug, thiserror::Error)]
#[error("{} is not what Azure's command line prints", path.display())]
pub struct NsgError {
    path: PathBuf,
    source: NsgFault,
}

impl Diagnose for NsgError {
    fn code(&self) -> &'static str {
        "nsg-file"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new(
            "rules: `az network nic list-effective-nsg -g GROUP -n NIC > FILE`; addresses: `az network \
             list-service-tags -l REGION > FILE`",
        ))
    }
}
