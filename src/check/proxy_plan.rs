//! Every step that brings VMs of Azure to a proxy, with the values of who asks
//! (`environment-checks` 4). No program is recommended as the proxy.

use std::net::IpAddr;

use super::proxy::Place;

/// What a plan is for.
#[derive(Debug)]
pub struct PlanOptions {
    /// The proxy.
    pub proxy: Place,
    /// The VMs that are to use it.
    pub vms: Vec<String>,
    /// The address of the proxy's VM, if its name is not one.
    pub address: Option<IpAddr>,
}

/// The steps.
#[derive(Debug)]
pub struct ProxyPlan {
    /// Each of them.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Debug, Clone)]
pub struct Step {
    /// Its number in the manual of the service.
    pub id: &'static str,
    /// Where it is done, and what for.
    pub what: String,
    /// Lines, verbatim.
    pub lines: Vec<String>,
}

/// Every step with these values.
pub fn plan(options: &PlanOptions) -> ProxyPlan {
    let first = vec![step(
        "0",
        "First see whether you need one: service tags (AzureBackup, Storage, AzureActiveDirectory) in \
         the NSG, or private endpoints, cost nothing and need no proxy. An allow list of address \
         ranges costs nothing, changes often and opens all of Azure; a proxy is one exit with fine \
         control and costs a VM."
            .to_owned(),
        &[],
    )];
    let rest = [on_vms(options), on_the_proxy(options.proxy.port), vec![in_the_group(options)]];
    ProxyPlan { steps: first.into_iter().chain(rest.concat()).collect() }
}

fn step(id: &'static str, what: String, lines: &[String]) -> Step {
    Step { id, what, lines: lines.to_vec() }
}

fn on_vms(options: &PlanOptions) -> Vec<Step> {
    let PlanOptions { proxy: place, vms, .. } = options;
    let Place { host, port } = place;
    let vms = if vms.is_empty() { "each VM".to_owned() } else { vms.join(", ") };
    vec![
        step(
            "A1",
            format!("On {vms} with Windows, for the whole machine"),
            &[format!("netsh winhttp set proxy http://{place}")],
        ),
        step(
            "A2",
            format!("On {vms} with Linux: both files, by this program"),
            &[format!("azseed proxy apply --proxy {place}")],
        ),
        step(
            "A3",
            "or by hand, in /etc/environment".to_owned(),
            &[
                format!("http_proxy=http://{place}"),
                format!("https_proxy=http://{place}"),
                "no_proxy=168.63.129.16,169.254.169.254".to_owned(),
            ],
        ),
        step(
            "A4",
            "and in /etc/waagent.conf, which alone the agent reads; then restart it".to_owned(),
            &[
                format!("HttpProxy.Host={host}"),
                format!("HttpProxy.Port={port}"),
                "systemctl restart walinuxagent || systemctl restart waagent".to_owned(),
            ],
        ),
    ]
}

fn on_the_proxy(port: u16) -> Vec<Step> {
    vec![
        step(
            "B1",
            format!("On the proxy's VM with Linux: let the VMs in to port {port}"),
            &[
                format!("nft add rule inet filter input tcp dport {port} accept"),
                format!("firewall-cmd --permanent --add-port={port}/tcp && firewall-cmd --reload"),
            ],
        ),
        step(
            "B2",
            format!(
                "On the proxy's VM with Windows: Windows Firewall, Inbound Rules, New Rule, \
                     Custom, all programs, TCP, local port {port}, remote ports all, a name; or"
            ),
            &[format!(
                "New-NetFirewallRule -DisplayName proxy-in -Direction Inbound -Protocol TCP \
                     -LocalPort {port} -Action Allow"
            )],
        ),
    ]
}

fn in_the_group(options: &PlanOptions) -> Step {
    let host = options.proxy.host.trim_matches(['[', ']']);
    let address: Option<IpAddr> = options.address.or_else(|| host.parse().ok());
    let source = match address {
        Some(own @ IpAddr::V6(_)) => format!("{own}/128"),
        Some(own @ IpAddr::V4(_)) => format!("{own}/32"),
        None => "PROXY-IP/32".to_owned(),
    };
    step(
        "C",
        "In the network security group of the proxy's subnet: let the proxy out".to_owned(),
        &[format!(
            "az network nsg rule create -g GROUP --nsg-name NSG -n allow-proxy --priority 200 \
                     --direction Outbound --access Allow --protocol Tcp --source-address-prefixes \
                     {source} --source-port-ranges '*' --destination-address-prefixes Internet \
                     --destination-port-ranges 80-443"
        )],
    )
}
