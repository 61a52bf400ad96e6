//! Whether Azure can be reached from here (`environment-checks` 3): what the steps of each way mean, and
//! what the settings of the proxy hide. Pure over what was met; nothing is sent by it.

use jiff::SignedDuration;

use super::finding::{Finding, good, problem, unknown, warning};
use super::tree::Tree;
use crate::azure::probe::{Met, Named, Opened, Said, Secured, Steps};

const AREA: &str = "net";
/// Where the fabric of Azure answers a VM:
/// <https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16>.
pub const FABRIC: &str = "168.63.129.16";
/// Where a VM asks about itself and for tokens:
/// <https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service>.
pub const METADATA: &str = "169.254.169.254";
/// Calls with a key are refused when the clock is off by more than a quarter of an hour, and tokens
/// before their time.
const MOST_AHEAD: SignedDuration = SignedDuration::from_mins(5);
const TOLD_AHEAD: SignedDuration = SignedDuration::from_secs(60);

/// What is asked for at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Tokens.
    Authority,
    /// The resource manager.
    Arm,
    /// Blobs of an account.
    Blobs,
    /// A port that only has to take connections.
    Port,
}

/// A way that was tried.
#[derive(Debug)]
pub struct Tried {
    /// What for.
    pub role: Role,
    /// The host, with its port where it is not 443.
    pub place: String,
    /// What was met.
    pub steps: Steps,
}

/// Variables and flags that name a proxy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    /// Each variable that is set, in the order in which they are looked at, without user and
    /// password.
    pub variables: Vec<(&'static str, String)>,
    /// The one that holds, and whether it was given to this program.
    pub used: Option<(String, Given)>,
    /// Whether this machine stands in Azure.
    pub is_guest: bool,
}

/// Who named the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    /// `--proxy`, its variable or its key.
    Here,
    /// The environment.
    Environment,
}

/// All findings: the settings first, then each way.
pub fn look(tree: &Tree, proxies: &Proxies, tried: &[Tried]) -> Vec<Finding> {
    let mut found = vec![resolver(tree)];
    found.extend(proxy_settings(proxies));
    found.extend(tried.iter().filter_map(|own| past_the_proxy(proxies, own)));
    for own in tried {
        found.extend(way(own));
    }
    found.into_iter().map(|own| own.of(AREA)).collect()
}

/// The name servers.
fn resolver(tree: &Tree) -> Finding {
    let text = match tree.text("etc/resolv.conf") {
        Ok(text) => text.unwrap_or_default(),
        Err(why) => return unknown("resolver", why.to_string()),
    };
    let of = |line: &str| {
        line.trim().strip_prefix("nameserver")?.split_whitespace().next().map(str::to_owned)
    };
    let servers: Vec<String> = text.lines().filter_map(of).collect();
    if servers.is_empty() {
        let facts = "/etc/resolv.conf names no name server";
        return problem("resolver", facts, "name one there, or start systemd-resolved");
    }
    let facts = format!("names are asked of {}", servers.join(", "));
    match servers.iter().any(|own| own == FABRIC) && !tree.has("var/lib/waagent") {
        true => {
            let action = "168.63.129.16 answers inside Azure only: name another";
            warning("resolver", facts, action)
        }
        false => good("resolver", facts),
    }
}

fn proxy_settings(proxies: &Proxies) -> Vec<Finding> {
    let what = "proxy-env";
    let mut found = Vec::new();
    let value =
        |name: &str| proxies.variables.iter().find(|own| own.0 == name).map(|own| own.1.as_str());
    for (upper, lower) in
        [("HTTPS_PROXY", "https_proxy"), ("HTTP_PROXY", "http_proxy"), ("NO_PROXY", "no_proxy")]
    {
        if let (Some(one), Some(other)) = (value(upper), value(lower))
            && one != other
        {
            let facts = format!("{upper} is {one}, and {lower} is {other}");
            found.push(warning(
                what,
                facts,
                &format!("programs differ in which they take; {upper} holds here"),
            ));
        }
    }
    for (name, value) in
        proxies.variables.iter().filter(|own| !own.0.eq_ignore_ascii_case("NO_PROXY"))
    {
        if !value.is_empty() && !value.contains("://") {
            let facts = format!("{name} is {value}");
            found.push(warning(what, facts, "some programs want http:// before it"));
        }
    }
    let straight = value("NO_PROXY").or(value("no_proxy")).unwrap_or_default();
    if proxies.used.is_some() && proxies.is_guest {
        let missing: Vec<&str> =
            [FABRIC, METADATA].into_iter().filter(|own| !straight.contains(own)).collect();
        if !missing.is_empty() {
            let facts = format!("NO_PROXY does not name {}", missing.join(" and "));
            let line =
                [&[straight][..], &missing].concat().into_iter().filter(|own| !own.is_empty());
            let line = line.collect::<Vec<_>>().join(",");
            let action = "only this VM itself reaches them, no proxy does";
            found.push(warning(what, facts, action).next(format!("export NO_PROXY={line}")));
        }
    }
    if found.is_empty() {
        found.push(good(
            what,
            match &proxies.used {
                Some((place, Given::Here)) => {
                    format!("calls go through {place}, as this program was told")
                }
                Some((place, Given::Environment)) => {
                    format!("calls go through {place}, by the environment")
                }
                None => "calls go straight".to_owned(),
            },
        ));
    }
    found
}

/// A host that NO_PROXY keeps from the proxy that others go through, and that is not reached so.
fn past_the_proxy(proxies: &Proxies, tried: &Tried) -> Option<Finding> {
    let Tried { role, place, steps } = tried;
    let is_listed = |own: &&(&str, String)| own.0.eq_ignore_ascii_case("NO_PROXY");
    let (name, _) = proxies.variables.iter().find(is_listed).filter(|own| !own.1.is_empty())?;
    let is_past = proxies.used.is_some() && steps.through.is_none() && *role != Role::Port;
    let is_reached = matches!(steps.opened, Some(Opened::In(_)));
    (is_past && !is_reached).then(|| {
        let facts =
            format!("{name} keeps {place} from the proxy, and without it nothing is reached");
        warning("proxy-env", facts, &format!("take it out of {name}"))
    })
}

/// The findings of one way, as far as it led.
fn way(tried: &Tried) -> Vec<Finding> {
    let Tried { role, place, steps } = tried;
    let at = match &steps.through {
        Some(proxy) => proxy,
        None => place,
    };
    let mut found = vec![named(at, *role, steps)];
    found.extend(steps.opened.as_ref().map(|own| opened(at, own, steps.through.is_some())));
    found.extend(steps.tunnel.as_ref().map(|own| tunnel(at, place, own)));
    found.extend(steps.secured.as_ref().map(|own| secured(place, own)));
    match &steps.said {
        Some(Ok(said)) => {
            found.push(answered(place, *role, said));
            found.extend(said.ahead.map(|ahead| clock(place, ahead)));
        }
        Some(Err(why)) => {
            let facts = format!("{place} takes the connection and does not answer: {}", why.line());
            found.push(problem("http", facts, "something between lets no calls through"));
        }
        None => {}
    }
    found
}

fn named(at: &str, role: Role, steps: &Steps) -> Finding {
    match &steps.named {
        Named::As(found) => {
            let listed: Vec<String> = found.iter().map(ToString::to_string).collect();
            let is_private = |own: &std::net::IpAddr| match own {
                std::net::IpAddr::V4(own) => own.is_private(),
                std::net::IpAddr::V6(own) => own.is_unique_local(),
            };
            let private =
                role == Role::Blobs && steps.through.is_none() && found.iter().any(is_private);
            let by = if private { ", by a private endpoint" } else { "" };
            good("dns", format!("{at} is {}{by}", listed.join(", ")))
        }
        Named::Unknown => {
            let action = "check the name; in a VNET, that its DNS forwards names of Azure";
            problem("dns", format!("no name server knows {at}"), action)
        }
        Named::NoAnswer => {
            let action = "check that the name servers can be reached (port 53); in a VNET, its DNS";
            problem("dns", format!("no name server answers for {at}"), action)
        }
        Named::Unasked => unknown("dns", format!("{at} was not asked for")),
    }
}

fn opened(at: &str, own: &Opened, is_proxy: bool) -> Finding {
    let who = if is_proxy { "the proxy " } else { "" };
    match own {
        Opened::In(time) => good("tcp", format!("{who}{at} connects in {} ms", time.as_millis())),
        Opened::Refused => {
            let action = "nothing listens there, or a firewall says no: check name and port";
            problem("tcp", format!("{who}{at} refuses connections"), action)
        }
        Opened::Silent => {
            let action = "a firewall or NSG drops it: let TCP out to it, or go through a proxy with \
                          --proxy";
            problem("tcp", format!("{who}{at} does not answer within 5 s"), action)
        }
        Opened::Unreachable => {
            let action = "check this machine's routes (`ip route`)";
            problem("tcp", format!("there is no route to {who}{at}"), action)
        }
        Opened::Failed(why) => {
            problem("tcp", format!("{who}{at}: {why}"), "check network and name")
        }
    }
}

fn tunnel(proxy: &str, place: &str, own: &Met) -> Finding {
    let what = "proxy-connect";
    match own {
        Met::Open => good(what, format!("{proxy} connects to {place}")),
        Met::Refused { status: 407, .. } => {
            let action = "give them in the address, in a variable or a file that others cannot read: \
                          AZSEED_PROXY=http://USER:PASSWORD@HOST:PORT";
            problem(what, format!("{proxy} wants user and password"), action)
        }
        Met::Refused { status: 403, words } => {
            let facts = format!("{proxy} does not let {place} through: {words}");
            let action = "have its allow list take *.blob.core.windows.net, management.azure.com and \
                          login.microsoftonline.com";
            problem(what, facts, action)
        }
        Met::Refused { status, words } => {
            let facts = format!("{proxy} answers {status}: {words}");
            problem(what, facts, "ask who runs the proxy")
        }
        Met::Broken(why) => {
            let facts = format!("{proxy} does not speak as a proxy does: {why}");
            problem(what, facts, "check address and port of the proxy")
        }
    }
}

fn secured(place: &str, own: &Secured) -> Finding {
    let what = "tls";
    match own {
        Secured::By { issuer } => {
            good(what, format!("{place} proves its name; signed by {issuer}"))
        }
        Secured::UnknownIssuer { issuer } => {
            let facts = format!("intercepted, or a private cloud: {place} is signed by {issuer}");
            let action = "if that is your network's own authority, name its certificate with \
                          --ca-file";
            problem(what, facts, action).explained("azure-unreachable")
        }
        Secured::Untimely { span } => {
            let facts = format!("the certificate of {place} holds {span}");
            let action = "check this machine's clock first: `timedatectl set-ntp true`";
            problem(what, facts, action).explained("azure-unreachable")
        }
        Secured::OtherName { names } => {
            let facts = format!("{place} shows the certificate of {names}");
            let action = "the name leads to something else: check DNS, hosts file and proxy";
            problem(what, facts, action).explained("azure-unreachable")
        }
        Secured::Failed(why) => problem(
            what,
            format!("no encrypted connection to {place}: {}", why.line()),
            "check what lies between",
        ),
    }
}

/// What each service says to who has not signed in.
fn answered(place: &str, role: Role, said: &Said) -> Finding {
    let is_expected = match role {
        Role::Authority => said.status == 200 && !said.is_html,
        Role::Arm => said.status == 401 && said.asks_for_sign_in,
        Role::Blobs => matches!(said.status, 400 | 401 | 403 | 404 | 409) && said.is_of_azure,
        Role::Port => true,
    };
    let status = said.status;
    let by = said.server.as_ref().map_or(String::new(), |own| format!(", by {own}"));
    if is_expected {
        return good("http", format!("{place} answers as it should ({status})"));
    }
    let facts = format!("{place} answers {status}{by}");
    if said.is_html || (300..400).contains(&status) {
        let action = "a login page of the network answers in Azure's place: sign in there";
        return problem("http", facts, action);
    }
    match status {
        403 => problem("http", facts, "something between refuses it: check the proxy's allow list"),
        500..600 => warning("http", facts, "the service has trouble: try again later"),
        _ => {
            problem("http", facts, "this is not the service that should answer: check its address")
        }
    }
}

fn clock(place: &str, ahead: SignedDuration) -> Finding {
    let off = ahead.abs();
    let word = if ahead.is_negative() { "behind" } else { "ahead of" };
    let facts = format!("this machine's clock is {} s {word} that of {place}", off.as_secs());
    let next = "timedatectl set-ntp true";
    let action = "set the clock: sign-in and signatures depend on it";
    if off > MOST_AHEAD {
        problem("clock", facts, action).next(next)
    } else if off > TOLD_AHEAD {
        warning("clock", facts, action).next(next)
    } else {
        good("clock", facts)
    }
}

#[cfg(test)]
mod tests;
