//! How a Linux machine gets its addresses, by the files of those who give them: netplan,
//! systemd-networkd, ifupdown, NetworkManager and the network scripts of Red Hat and SUSE.

use super::tree::{Tree, Unseen};

/// What a file says of the addresses of an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Addresses {
    /// They are asked for.
    Dhcp,
    /// They are written in the file.
    Fixed,
}

/// Where such files lie, what their names end in, and how they are read.
type Reader = fn(&str) -> Option<Addresses>;
const PLACES: [(&str, &str, Reader); 7] = [
    ("etc/netplan", ".yaml", netplan),
    ("etc/systemd/network", ".network", networkd),
    ("etc/network", "interfaces", ifupdown),
    ("etc/network/interfaces.d", "", ifupdown),
    ("etc/NetworkManager/system-connections", ".nmconnection", network_manager),
    ("etc/sysconfig/network-scripts", "", scripts),
    ("etc/sysconfig/network", "", scripts),
];

/// Each file that says something, with what it says.
pub(super) fn look(tree: &Tree) -> Result<Vec<(String, Addresses)>, Unseen> {
    let mut found = Vec::new();
    for (folder, end, read) in PLACES {
        let is_script = folder.starts_with("etc/sysconfig");
        for name in tree.names(folder)? {
            let is_own = name.ends_with(end) && (!is_script || name.starts_with("ifcfg-"));
            let path = format!("{folder}/{name}");
            // Folders lie among them.
            if !is_own || tree.names(&path).is_ok_and(|names| !names.is_empty()) {
                continue;
            }
            let Ok(Some(text)) = tree.text(&path) else { continue };
            found.extend(read(&text).map(|own| (path, own)));
        }
    }
    Ok(found)
}

/// DHCP for one interface is enough: Azure's host speaks to the first.
fn of(is_dhcp: bool, is_fixed: bool) -> Option<Addresses> {
    match (is_dhcp, is_fixed) {
        (true, _) => Some(Addresses::Dhcp),
        (false, true) => Some(Addresses::Fixed),
        (false, false) => None,
    }
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

fn netplan(text: &str) -> Option<Addresses> {
    let is_on = |line: &str| {
        let own = line.strip_prefix("dhcp4:").or_else(|| line.strip_prefix("dhcp6:"));
        own.is_some_and(|own| ["true", "yes", "on"].contains(&own.trim()))
    };
    of(lines(text).any(is_on), lines(text).any(|line| line.starts_with("addresses:")))
}

fn networkd(text: &str) -> Option<Addresses> {
    let settings = || lines(text).filter_map(setting);
    let is_on = |(key, value): (&str, &str)| key == "DHCP" && !["no", "false"].contains(&value);
    of(settings().any(is_on), settings().any(|(key, _)| key == "Address"))
}

fn ifupdown(text: &str) -> Option<Addresses> {
    let own = || {
        let fields = lines(text).map(|line| line.split_whitespace().collect::<Vec<_>>());
        fields.filter(|own| own.first() == Some(&"iface") && own.get(1) != Some(&"lo"))
    };
    let has = |method: &str| own().any(|own| own.get(3) == Some(&method));
    of(has("dhcp"), has("static"))
}

fn network_manager(text: &str) -> Option<Addresses> {
    let mut section = "";
    let mut methods = Vec::new();
    for line in lines(text) {
        match line.strip_prefix('[').and_then(|own| own.strip_suffix(']')) {
            Some(own) => section = own,
            None if section == "ipv4" => {
                methods.extend(setting(line).filter(|own| own.0 == "method").map(|own| own.1));
            }
            None => {}
        }
    }
    of(methods.contains(&"auto"), methods.contains(&"manual"))
}

fn scripts(text: &str) -> Option<Addresses> {
    let settings = || lines(text).filter_map(setting);
    if settings().any(|own| own == ("DEVICE", "lo")) {
        return None;
    }
    let protocol = |own: (&str, &str)| (own.0 == "BOOTPROTO").then(|| own.1.to_lowercase());
    let protocols: Vec<String> = settings().filter_map(protocol).collect();
    let is_dhcp = protocols.iter().any(|own| own.starts_with("dhcp"));
    of(is_dhcp, settings().any(|(key, _)| key.starts_with("IPADDR")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Addresses::{Dhcp, Fixed};

    #[test]
    fn each_form_says_whether_addresses_are_asked_for() {
        let cases: [(Reader, &str, Option<Addresses>); 14] = [
            (netplan, "network:\n  ethernets:\n    eth0:\n      dhcp4: true\n", Some(Dhcp)),
            (netplan, "    eth0:\n      dhcp4: no\n      addresses: [10.0.0.4/24]\n", Some(Fixed)),
            (netplan, "    eth0:\n      # dhcp4: true\n", None),
            (networkd, "[Match]\nName=eth0\n[Network]\nDHCP=yes\n", Some(Dhcp)),
            (networkd, "[Network]\nDHCP=no\nAddress=10.0.0.4/24\n", Some(Fixed)),
            (ifupdown, "auto lo\niface lo inet loopback\niface eth0 inet dhcp\n", Some(Dhcp)),
            (ifupdown, "iface eth0 inet static\n  address 10.0.0.4\n", Some(Fixed)),
            (ifupdown, "iface lo inet static\n", None),
            (network_manager, "[ipv6]\nmethod=manual\n[ipv4]\nmethod=auto\n", Some(Dhcp)),
            (network_manager, "[ipv4]\nmethod=manual\naddress1=10.0.0.4/24\n", Some(Fixed)),
            (scripts, "DEVICE=eth0\nBOOTPROTO=\"dhcp\"\n", Some(Dhcp)),
            (scripts, "DEVICE=eth0\nBOOTPROTO=none\nIPADDR=10.0.0.4\n", Some(Fixed)),
            (scripts, "DEVICE=lo\nIPADDR=127.0.0.1\n", None),
            (scripts, "", None),
        ];
        for (read, text, addresses) in cases {
            assert_eq!(read(text), addresses, "{text}");
        }
    }
}
