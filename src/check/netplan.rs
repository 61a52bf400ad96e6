//! The little of YAML that files of netplan are written in: maps by indentation or in braces. What it
//! does not know it passes over; no input makes it go deep or long.

/// Braces within braces that are followed.
const DEEPEST: usize = 16;

/// What is set of each interface below `ethernets`: its name, a key, and the value in one line, which is
/// empty where lines below go on.
pub(super) fn ethernets(text: &str) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    // Keys around the line, with how far they are set in.
    let mut around: Vec<(usize, String)> = Vec::new();
    for line in joined(text) {
        let inner = line.trim_start();
        let depth = line.len() - inner.len();
        let Some((key, value)) = pair(inner) else { continue };
        around.retain(|own| own.0 < depth);
        let path: Vec<&str> = around.iter().map(|own| own.1.as_str()).chain([key]).collect();
        take(&path, value, DEEPEST, &mut found);
        if value.is_empty() && around.len() < DEEPEST {
            around.push((depth, key.to_owned()));
        }
    }
    found
}

/// Lines without remarks; one whose braces are open goes on in the next.
fn joined(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut open = String::new();
    let mut braces = 0usize;
    for line in text.lines() {
        let line = line.split(" #").next().unwrap_or_default().trim_end();
        if open.is_empty() && (line.is_empty() || line.trim_start().starts_with('#')) {
            continue;
        }
        open.push_str(line);
        braces += line.matches('{').count();
        braces = braces.saturating_sub(line.matches('}').count());
        if braces == 0 || open.len() > 1 << 16 {
            all.push(std::mem::take(&mut open));
            braces = 0;
        }
    }
    all.extend((!open.is_empty()).then_some(open));
    all
}

/// `KEY: VALUE`, without quotes.
fn pair(text: &str) -> Option<(&str, &str)> {
    let (key, value) = text.split_once(':')?;
    let plain = |own: &str| -> bool { !own.is_empty() && !own.starts_with(['-', '{', '[']) };
    let key = key.trim().trim_matches(['"', '\'']);
    plain(key).then(|| (key, value.trim().trim_matches(['"', '\''])))
}

/// Takes a value, or what stands in its braces.
fn take(path: &[&str], value: &str, deep: usize, found: &mut Vec<(String, String, String)>) {
    if let Some(inner) = value.strip_prefix('{') {
        let inner = inner.strip_suffix('}').unwrap_or(inner);
        for part in parts(inner).into_iter().filter(|_| deep > 0) {
            if let Some((key, value)) = pair(part.trim()) {
                let path: Vec<&str> = path.iter().copied().chain([key]).collect();
                take(&path, value, deep - 1, found);
            }
        }
        return;
    }
    let at = path.iter().position(|own| *own == "ethernets");
    if let Some([name, key]) = at.map(|at| &path[at + 1..]) {
        found.push(((*name).to_owned(), (*key).to_owned(), value.to_owned()));
    }
}

/// What commas divide, but for those in inner braces.
fn parts(text: &str) -> Vec<&str> {
    let (mut all, mut begin, mut depth) = (Vec::new(), 0, 0usize);
    for (at, own) in text.bytes().enumerate() {
        match own {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                all.push(&text[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    all.push(&text[begin..]);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(text: &str) -> Vec<String> {
        ethernets(text).iter().map(|own| format!("{}.{}={}", own.0, own.1, own.2)).collect()
    }

    #[test]
    fn maps_are_read_in_lines_and_in_braces() {
        let lines = "# by cloud-init\nnetwork:\n    version: 2\n    ethernets:\n        \"eth0\":\n            \
                     dhcp4: true # asks\n            match:\n                macaddress: 00:0d:3a:00:00:01\n            \
                     set-name: eth0\n        eth1:\n            addresses:\n            - 10.0.0.5/24\n    \
                     bridges:\n        br0:\n            dhcp4: true\n";
        assert_eq!(
            told(lines),
            ["eth0.dhcp4=true", "eth0.match=", "eth0.set-name=eth0", "eth1.addresses="]
        );
        let braces = "network: {version: 2, ethernets: {\n  eth0: {dhcp4: false, addresses: [10.0.0.4/24, 10.0.0.5/24]},\n  \
                      eth1: {dhcp4: true}}}\n";
        assert_eq!(
            told(braces),
            ["eth0.dhcp4=false", "eth0.addresses=[10.0.0.4/24, 10.0.0.5/24]", "eth1.dhcp4=true"]
        );
        assert_eq!(told("network:\n  renderer: networkd\n"), [""; 0]);
    }

    #[test]
    fn braces_without_end_are_not_followed_without_end() {
        let deep = format!("network: {}", "{ethernets: ".repeat(100_000));
        assert!(ethernets(&deep).len() < 2);
    }

    proptest! {
        #[test]
        fn whatever_it_is_it_is_read_to_its_end(text in "([a-z:{}\\[\\],#\"' -]|\n){0,400}") {
            let _ = ethernets(&text);
        }
    }
}
