//! Whether Azure can be reached from here: every way is gone side by side, by the proxy and the
//! certificates that calls would go by. What was met is judged in `check`.

use disk_prep::noun::{AccountName, Address, ByteSize, ContainerName, bare_addresses};
use url::Url;

use super::answered::answer;
use super::connections::{AzureOptions, BlobAccess, container, home, network};
use super::line_rate::measure;
use crate::azure::Error;
use crate::azure::probe::proxy_used;
use crate::check::azure::Answer;
use crate::check::finding::Checked;
use crate::check::line_rate::{self, Measured};
use crate::check::network::{FABRIC, Given, METADATA, Proxies, Role, Tried, look};
use crate::check::tree::Tree;
use crate::outcome::{Attendant, Failure};

/// What for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Sign-in and resource manager; blobs if there is an account.
    Azure,
    /// Inside a VM: what its agent talks to, too.
    Guest,
}

/// What is to be reached.
#[derive(Debug)]
pub struct NetworkOptions {
    /// What for.
    pub reach: Reach,
    /// The storage account.
    pub account: Option<AccountName>,
    /// Where Azure is.
    pub azure: AzureOptions,
    /// Where blobs are.
    pub blobs: BlobAccess,
    /// A container of the account, and how much is sent there to measure the line.
    pub probe: Option<(ContainerName, ByteSize)>,
}

/// Ports at which the fabric answers a VM: for its settings, and for its agent.
const FABRIC_PORTS: [u16; 2] = [80, 32_526];
/// In the order in which they are looked at.
const VARIABLES: [&str; 8] = [
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "NO_PROXY",
    "no_proxy",
];

/// Goes every way, and says what came of it.
pub fn check(
    options: &NetworkOptions,
    tree: &Tree,
    attendant: &dyn Attendant,
) -> Result<Checked, Failure> {
    let network = network(&options.azure, attendant);
    let targets = targets(options)?;
    let used = targets.iter().find_map(|(_, url)| proxy_used(&network, url));
    let given = match options.azure.proxy {
        Some(_) => Given::Here,
        None => Given::Environment,
    };
    let proxies = Proxies {
        variables: VARIABLES.into_iter().filter_map(variable).collect(),
        used: used.map(|place| (place, given)),
        is_guest: options.reach == Reach::Guest || tree.has("var/lib/waagent"),
    };
    let urls: Vec<&Url> = targets.iter().map(|(_, url)| url).collect();
    let met = network.probe(&urls)?;
    let tried = targets.iter().zip(met);
    let tried = tried.map(|((role, url), steps)| Tried { role: *role, place: place(url), steps });
    let mut found = look(tree, &proxies, &tried.collect::<Vec<_>>());
    found.extend(line_rate::look(&rate(options, attendant)));
    Ok(Checked(found))
}

/// How fast the line is, if that is asked.
fn rate(options: &NetworkOptions, attendant: &dyn Attendant) -> Answer<Measured> {
    let NetworkOptions { azure, blobs, account, probe, .. } = options;
    let (Some(account), Some((name, size))) = (account, probe) else { return Answer::Unasked };
    let opened = container(azure, blobs, account, name, attendant);
    // From here on something is made that must go again, so a wish to stop is heard.
    let stop = attendant.stop_flag();
    answer(opened.and_then(|own| measure(&own, *size, &stop)).map(Some))
}

/// A variable, without user and password of its address.
fn variable(name: &'static str) -> Option<(&'static str, String)> {
    let value = std::env::var_os(name)?.to_string_lossy().into_owned();
    let is_list = name.eq_ignore_ascii_case("NO_PROXY");
    let value = match (value.rsplit_once('@'), value.contains("://")) {
        (Some((_, host)), false) if !is_list => format!("***@{host}"),
        _ => bare_addresses(&value).into_owned(),
    };
    Some((name, value))
}

/// As a person reads it.
fn place(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or(host.to_owned(), |port| format!("{host}:{port}"))
}

fn targets(options: &NetworkOptions) -> Result<Vec<(Role, Url)>, Error> {
    let NetworkOptions { azure, blobs, .. } = options;
    let cloud = azure.cloud.cloud()?;
    let arm = azure.arm_endpoint.as_ref().unwrap_or(&cloud.arm);
    let authority = azure.authority.as_ref().unwrap_or(&cloud.authority);
    let mut all = vec![
        (Role::Authority, asked(authority, "common/v2.0/.well-known/openid-configuration", None)),
        (Role::Arm, asked(arm, "subscriptions", Some("api-version=2022-12-01"))),
    ];
    if let Some(account) = &options.account {
        let mut url = home(azure, blobs)?.of(account)?;
        url.set_query(Some("comp=list"));
        all.push((Role::Blobs, url));
    }
    if options.reach == Reach::Guest {
        let ports = FABRIC_PORTS.map(|port| (FABRIC, port)).into_iter().chain([(METADATA, 80)]);
        all.extend(ports.filter_map(|(host, port)| {
            Some((Role::Port, Url::parse(&format!("tcp://{host}:{port}")).ok()?))
        }));
    }
    Ok(all)
}

/// A path below an endpoint.
fn asked(endpoint: &Address, path: &str, query: Option<&str>) -> Url {
    let mut url = endpoint.url().clone();
    url.set_path(&format!("{}/{path}", url.path().trim_end_matches('/')));
    url.set_query(query);
    url
}
