//! How a Linux machine gets its addresses, by the files of those who give them: netplan,
//! systemd-networkd, ifupdown, NetworkManager and the network scripts of Red Hat and SUSE. Azure's host
//! speaks to the first interface, so that one decides.

use std::rc::Rc;

use super::netplan::{self, Node};
use super::tree::{Tree, Unseen};

/// What a file says of the addresses of an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Addresses {
    /// They are asked for.
    Dhcp,
    /// They are written in the file.
    Fixed,
}

/// What a file says of one interface; a pattern, or nothing, stands for any.
type Said = (String, Addresses);
/// Reads a file by its name and its text; `None` if it is not in its form.
type Reader = fn(&str, &str) -> Option<Vec<Said>>;
/// Where such files lie, what their names end in, how they are read, and the line that asks.
type Place = (&'static str, &'static str, Reader, &'static str);

const PLACES: [Place; 7] = [
    ("etc/netplan", ".yaml", netplan, "`dhcp4: true` in the place of `addresses`"),
    ("etc/systemd/network", ".network", networkd, "`DHCP=ipv4` in the place of `Address`"),
    ("etc/network", "interfaces", ifupdown, IFUPDOWN),
    ("etc/network/interfaces.d", "", ifupdown, IFUPDOWN),
    (
        "etc/NetworkManager/system-connections",
        ".nmconnection",
        network_manager,
        "`method=auto` in `[ipv4]`",
    ),
    ("etc/sysconfig/network-scripts", "", scripts, SCRIPTS),
    ("etc/sysconfig/network", "", scripts, SCRIPTS),
];
const IFUPDOWN: &str = "`iface eth0 inet dhcp` in the place of `static`";
const SCRIPTS: &str = "`BOOTPROTO=dhcp` in the place of `IPADDR`";
/// Leases, as dhclient, NetworkManager and systemd-networkd write them.
const LEASES: [&str; 5] = [
    "var/lib/dhcp",
    "var/lib/dhclient",
    "var/lib/NetworkManager",
    "var/lib/wicked",
    "run/systemd/netif/leases",
];
/// The option that names Azure's host, in their words.
const HOST_OPTIONS: [&str; 4] = ["unknown-245", "option-245", "private-245", "OPTION_245"];

/// Each interface that a file says something of, with that file. What cannot be read counts only if
/// nothing else says anything.
pub(super) fn look(tree: &Tree) -> Result<Vec<(String, Said)>, Unseen> {
    let mut found = Vec::new();
    let mut unseen = None;
    for (folder, end, ..) in PLACES {
        let is_script = folder.starts_with("etc/sysconfig");
        for name in tree.names(folder)? {
            let is_own = name.ends_with(end) && (!is_script || name.starts_with("ifcfg-"));
            let path = format!("{folder}/{name}");
            // Folders lie among them.
            if !is_own || tree.names(&path).is_ok_and(|names| !names.is_empty()) {
                continue;
            }
            match tree.text(&path) {
                Ok(Some(text)) => match said(&path, &text) {
                    Some(all) => found.extend(all.into_iter().map(|own| (path.clone(), own))),
                    None => unseen = Some(Unseen::NoYaml { path }),
                },
                Ok(None) => {}
                Err(why) => unseen = Some(why),
            }
        }
    }
    match unseen {
        Some(why) if found.is_empty() => Err(why),
        _ => Ok(found),
    }
}

/// The place of a file, and its name there.
fn place(path: &str) -> Option<(&'static Place, &str)> {
    PLACES.iter().find_map(|own| {
        let name = path.strip_prefix(own.0)?.strip_prefix('/')?;
        (!name.contains('/')).then_some((own, name))
    })
}

/// What a file says, read as one of its place; `None` if it is not in the form of that.
pub(super) fn said(path: &str, text: &str) -> Option<Vec<Said>> {
    place(path).map_or(Some(Vec::new()), |((_, _, read, _), name)| read(name, text))
}

/// What is said of the first interface, and where: of two files the one that asks.
pub(super) fn first(all: &[(String, Said)]) -> Option<(&str, Addresses)> {
    let is_of_any = |name: &str| name.is_empty() || name.contains(['*', '?', '!', ' ']);
    let order = |name: &str| match is_of_any(name) {
        true => (0, String::new(), 0),
        // Bridges and the like carry other names than cards do.
        false => {
            let stem = name.trim_end_matches(|own: char| own.is_ascii_digit());
            let number = name[stem.len()..].parse::<u64>().unwrap_or_default();
            (if name.starts_with('e') { 1 } else { 2 }, stem.to_owned(), number)
        }
    };
    let lowest = all.iter().map(|(_, own)| order(&own.0)).min()?;
    let own = || all.iter().filter(|(_, own)| order(&own.0) == lowest);
    let asks = own().find(|(_, own)| own.1 == Addresses::Dhcp);
    asks.or_else(|| own().next()).map(|(path, own)| (path.as_str(), own.1))
}

/// Whether a lease names Azure's host.
pub(super) fn names_host(tree: &Tree) -> bool {
    LEASES.iter().any(|folder| {
        tree.names(folder).unwrap_or_default().iter().any(|name| {
            let text = tree.text(&format!("{folder}/{name}")).ok().flatten().unwrap_or_default();
            HOST_OPTIONS.iter().any(|own| text.contains(own))
        })
    })
}

/// What is to be changed in a file that sets addresses.
pub(super) fn mend(path: &str) -> String {
    let line = place(path).map_or("DHCP", |(own, _)| own.3);
    format!("turn DHCP on: {line}; set a fixed private address in Azure, never inside the guest")
}

/// DHCP wins where a file has both.
fn of(name: &str, is_dhcp: bool, is_fixed: bool) -> Option<Said> {
    let own = match (is_dhcp, is_fixed) {
        (true, _) => Addresses::Dhcp,
        (false, true) => Addresses::Fixed,
        (false, false) => return None,
    };
    (name != "lo").then(|| (name.to_owned(), own))
}

/// Lines without comments, trimmed.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(|line| line.split('#').next().unwrap_or_default().trim())
}

/// `KEY=VALUE`, without quotes.
fn setting(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once('=')?;
    Some((key.trim(), value.trim().trim_matches(['"', '\''])))
}

fn netplan(_: &str, text: &str) -> Option<Vec<Said>> {
    let all = netplan::ethernets(text)?;
    let own =
        |(name, own): &(String, Rc<Node>)| of(name, own.is_on("dhcp4"), own.has_some("addresses"));
    Some(all.iter().filter_map(own).collect())
}

/// The values of a key in a section.
fn in_section<'a>(text: &'a str, section: &str, key: &str) -> Vec<&'a str> {
    let mut is_own = false;
    let mut found = Vec::new();
    for line in lines(text) {
        match line.strip_prefix('[').and_then(|own| own.strip_suffix(']')) {
            Some(own) => is_own = own == section,
            None if is_own => {
                found.extend(setting(line).filter(|own| own.0 == key).map(|own| own.1));
            }
            None => {}
        }
    }
    found
}

fn networkd(_: &str, text: &str) -> Option<Vec<Said>> {
    let name = in_section(text, "Match", "Name").pop().unwrap_or_default();
    let is_on = |own: &&str| ["yes", "true", "on", "1", "both", "ipv4"].contains(own);
    let is_dhcp = in_section(text, "Network", "DHCP").last().is_some_and(is_on);
    let is_fixed =
        ["Network", "Address"].iter().any(|own| !in_section(text, own, "Address").is_empty());
    Some(of(name, is_dhcp, is_fixed).into_iter().collect())
}

fn ifupdown(_: &str, text: &str) -> Option<Vec<Said>> {
    let said = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["iface", name, "inet", how, ..] => of(name, how == "dhcp", how == "static"),
            _ => None,
        }
    };
    Some(lines(text).filter_map(said).collect())
}

fn network_manager(_: &str, text: &str) -> Option<Vec<Said>> {
    let name = in_section(text, "connection", "interface-name").pop().unwrap_or_default();
    let methods = in_section(text, "ipv4", "method");
    let (is_dhcp, is_fixed) = (methods.contains(&"auto"), methods.contains(&"manual"));
    Some(of(name, is_dhcp, is_fixed).into_iter().collect())
}

fn scripts(file: &str, text: &str) -> Option<Vec<Said>> {
    let settings = || lines(text).filter_map(setting);
    let device = settings().filter(|own| own.0 == "DEVICE").last().map(|own| own.1);
    let name = device.unwrap_or(file.strip_prefix("ifcfg-").unwrap_or_default());
    let protocol = |own: (&str, &str)| (own.0 == "BOOTPROTO").then(|| own.1.to_lowercase());
    let is_dhcp =
        settings().filter_map(protocol).any(|own| own.starts_with("dhcp") && own != "dhcp6");
    let is_fixed = settings().any(|(key, _)| key.starts_with("IPADDR"));
    Some(of(name, is_dhcp, is_fixed).into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use Addresses::{Dhcp, Fixed};

    /// How it is read, its text, and what that says of which interface.
    type Case<'a> = (Reader, &'a str, &'a [(&'a str, Addresses)]);

    #[test]
    fn each_form_says_which_interface_asks_for_its_addresses() {
        let plan = |rest: &str| format!("network:\n  version: 2\n  ethernets:\n    eth0:\n{rest}");
        let cases: [Case<'_>; 20] = [
            (netplan, &plan("      dhcp4: true\n"), &[("eth0", Dhcp)]),
            (
                netplan,
                &plan("      dhcp4: no\n      addresses: [10.0.0.4/24]\n"),
                &[("eth0", Fixed)],
            ),
            (
                netplan,
                &plan("      addresses:\n      - 10.0.0.4/24\n    eth1:\n      dhcp4: yes\n"),
                &[("eth0", Fixed), ("eth1", Dhcp)],
            ),
            (netplan, "network: {ethernets: {eth0: {dhcp4: true}}}\n", &[("eth0", Dhcp)]),
            (netplan, &plan("      # dhcp4: true\n"), &[]),
            (
                netplan,
                &plan("      dhcp6: true\n      addresses: [10.0.0.4/24]\n"),
                &[("eth0", Fixed)],
            ),
            (networkd, "[Match]\nName=eth0\n[Network]\nDHCP=yes\n", &[("eth0", Dhcp)]),
            (networkd, "[Network]\nDHCP=no\nAddress=10.0.0.4/24\n", &[("", Fixed)]),
            (
                networkd,
                "[Match]\nName=en*\n[Network]\nDHCP=ipv6\n[Address]\nAddress=10.0.0.4/24\n",
                &[("en*", Fixed)],
            ),
            (
                ifupdown,
                "auto lo\niface lo inet loopback\niface eth0 inet dhcp\n",
                &[("eth0", Dhcp)],
            ),
            (
                ifupdown,
                "iface eth0 inet static\n  address 10.0.0.4\niface eth0 inet6 dhcp\n",
                &[("eth0", Fixed)],
            ),
            (ifupdown, "iface lo inet static\niface\n", &[]),
            (network_manager, "[ipv6]\nmethod=manual\n[ipv4]\nmethod=auto\n", &[("", Dhcp)]),
            (
                network_manager,
                "[connection]\ninterface-name=eth0\n[ipv4]\nmethod=manual\naddress1=10.0.0.4/24\n",
                &[("eth0", Fixed)],
            ),
            (scripts, "DEVICE=eth0\nBOOTPROTO=\"dhcp\"\n", &[("eth0", Dhcp)]),
            (scripts, "BOOTPROTO=none\nIPADDR=10.0.0.4\n", &[("eth7", Fixed)]),
            (scripts, "BOOTPROTO='dhcp6'\nIPADDR_0='10.0.0.4/24'\n", &[("eth7", Fixed)]),
            (scripts, "DEVICE=lo\nIPADDR=127.0.0.1\n", &[]),
            (scripts, "", &[]),
            (netplan, "", &[]),
        ];
        for (read, text, expected) in cases {
            let found = read("ifcfg-eth7", text).unwrap();
            let found: Vec<(&str, Addresses)> =
                found.iter().map(|own| (own.0.as_str(), own.1)).collect();
            assert_eq!(found, expected, "{text}");
        }
        assert_eq!(netplan("", "}{:::\n{{{{{{{{{{{{{{{{{{{{\n- - -\n"), None);
    }

    #[test]
    fn a_file_of_very_many_interfaces_is_read_all_the_same() {
        let all: Vec<String> = (0..60_000).map(|own| format!("e{own}: {{dhcp4: true}}")).collect();
        let braces = format!("network: {{ethernets: {{{}}}}}", all.join(", "));
        let lines = format!("network: {{ethernets: {{\n  {}\n  }}}}", all.join(",\n  "));
        assert_eq!(said("etc/netplan/50.yaml", &braces).unwrap().len(), all.len());
        assert_eq!(said("etc/netplan/50.yaml", &lines).unwrap().len(), all.len());
        assert!(said("etc/other/50.yaml", &braces).unwrap().is_empty());
    }

    #[test]
    fn the_first_interface_decides() {
        let all = |own: &[(&str, Addresses)]| -> Vec<(String, Said)> {
            own.iter()
                .map(|(name, how)| (format!("of-{name}"), ((*name).to_owned(), *how)))
                .collect()
        };
        let of = |own: &[(&str, Addresses)]| first(&all(own)).map(|own| own.1);
        assert_eq!(of(&[("eth1", Dhcp), ("eth0", Fixed)]), Some(Fixed));
        assert_eq!(of(&[("eth10", Fixed), ("eth2", Dhcp)]), Some(Dhcp));
        assert_eq!(of(&[("br0", Fixed), ("ens3", Dhcp)]), Some(Dhcp), "a card before a bridge");
        assert_eq!(of(&[("eth0", Fixed), ("en*", Dhcp)]), Some(Dhcp), "a pattern is for any");
        assert_eq!(of(&[("eth0", Fixed), ("eth0", Dhcp)]), Some(Dhcp));
        assert_eq!(of(&[]), None);
        assert!(mend("etc/network/interfaces.d/50").contains("iface eth0 inet dhcp"));
        assert!(mend("etc/sysconfig/network/ifcfg-eth0").contains("BOOTPROTO=dhcp"));
    }
}
