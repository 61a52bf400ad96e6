//! What files of netplan say of interfaces. The grammar of YAML is the library's; here events become a
//! value of which only a bounded path is looked at: an alias is what it stands for, and is never copied,
//! so that a file of aliases to aliases takes no more room than it has.

use std::collections::HashMap;
use std::rc::Rc;

use saphyr_parser::{Event, Parser};

/// Maps and lists within each other that are followed; files of netplan have six.
const DEEPEST: usize = 32;

/// A value.
pub(super) enum Node {
    Word(String),
    /// How many there are.
    List(usize),
    Map(Vec<(Rc<Node>, Rc<Node>)>),
}

impl Node {
    /// The value of a key of a map; the last, as netplan takes it.
    fn of(&self, key: &str) -> Option<&Rc<Node>> {
        let Node::Map(all) = self else { return None };
        let is_own = |own: &&(Rc<Node>, Rc<Node>)| own.0.word() == Some(key);
        all.iter().rfind(is_own).map(|own| &own.1)
    }

    fn word(&self) -> Option<&str> {
        match self {
            Node::Word(own) => Some(own),
            _ => None,
        }
    }

    /// Whether the value of a key is one of netplan's words for yes.
    pub(super) fn is_on(&self, key: &str) -> bool {
        let word = self.of(key).and_then(|own| own.word()).unwrap_or_default();
        ["true", "on", "yes", "y"].iter().any(|own| word.eq_ignore_ascii_case(own))
    }

    /// Whether the value of a key is a list with something in it.
    pub(super) fn has_some(&self, key: &str) -> bool {
        self.of(key).is_some_and(|own| matches!(**own, Node::List(1..)))
    }
}

/// What is said of each interface below `ethernets`; `None` if it is no YAML.
pub(super) fn ethernets(text: &str) -> Option<Vec<(String, Rc<Node>)>> {
    let Some(whole) = value(text)? else { return Some(Vec::new()) };
    let all = whole.of("network").and_then(|own| own.of("ethernets"));
    let Some(Node::Map(all)) = all.map(Rc::as_ref) else { return Some(Vec::new()) };
    let own = |(name, own): &(Rc<Node>, Rc<Node>)| Some((name.word()?.to_owned(), Rc::clone(own)));
    Some(all.iter().filter_map(own).collect())
}

/// A value that is whole, and how many maps and lists are within each other in it.
#[derive(Clone)]
struct Done {
    node: Rc<Node>,
    deep: usize,
}

/// A map or list whose end has not come.
struct Open {
    anchor: usize,
    node: Node,
    deep: usize,
    /// The key whose value comes next.
    key: Option<Rc<Node>>,
}

impl Open {
    /// `None` if that makes it too deep. What an alias stands for counts like what is written out: a
    /// value is dropped from the inside of what holds it.
    fn take(&mut self, own: Done) -> Option<()> {
        self.deep = self.deep.max(own.deep + 1);
        match (&mut self.node, self.key.take()) {
            (Node::List(count), _) => *count += 1,
            (Node::Map(all), Some(key)) => all.push((key, own.node)),
            _ => self.key = Some(own.node),
        }
        (self.deep <= DEEPEST).then_some(())
    }
}

/// The first document; `Some(None)` if there is nothing in it.
fn value(text: &str) -> Option<Option<Rc<Node>>> {
    let mut open: Vec<Open> = Vec::new();
    let mut anchors: HashMap<usize, Done> = HashMap::new();
    for event in Parser::new_from_str(text) {
        let (anchor, done) = match event.ok()?.0 {
            Event::SequenceStart(anchor, _) => {
                begin(&mut open, anchor, Node::List(0))?;
                continue;
            }
            Event::MappingStart(anchor, _) => {
                begin(&mut open, anchor, Node::Map(Vec::new()))?;
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Open { anchor, node, deep, .. } = open.pop()?;
                (anchor, Done { node: Rc::new(node), deep })
            }
            Event::Scalar(text, _, anchor, _) => {
                (anchor, Done { node: Rc::new(Node::Word(text.into_owned())), deep: 0 })
            }
            // One that stands within what it means has no end.
            Event::Alias(anchor) => (0, anchors.get(&anchor)?.clone()),
            Event::DocumentEnd | Event::StreamEnd => return Some(None),
            Event::Nothing | Event::StreamStart | Event::DocumentStart(_) => continue,
        };
        // Zero is no anchor.
        if anchor != 0 {
            anchors.insert(anchor, done.clone());
        }
        match open.last_mut() {
            Some(around) => around.take(done)?,
            None => return Some(Some(done.node)),
        }
    }
    Some(None)
}

fn begin(open: &mut Vec<Open>, anchor: usize, node: Node) -> Option<()> {
    open.push(Open { anchor, node, deep: 1, key: None });
    (open.len() <= DEEPEST).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::{Duration, Instant};

    /// `INTERFACE: dhcp addresses`, as far as it has them.
    fn told(text: &str) -> Option<Vec<String>> {
        let line = |(name, own): &(String, Rc<Node>)| {
            let dhcp = if own.is_on("dhcp4") { " dhcp" } else { "" };
            let fixed = if own.has_some("addresses") { " addresses" } else { "" };
            format!("{name}:{dhcp}{fixed}")
        };
        Some(ethernets(text)?.iter().map(line).collect())
    }

    #[track_caller]
    fn expect(text: &str, all: &[&str]) {
        let all: Vec<String> = all.iter().map(ToString::to_string).collect();
        assert_eq!(told(text), Some(all), "{text}");
    }

    #[test]
    fn maps_are_read_in_lines_and_in_braces() {
        let lines = "# by cloud-init\nnetwork:\n    version: 2\n    ethernets:\n        \"eth0\":\n            \
                     dhcp4: true # asks\n            match:\n                macaddress: 00:0d:3a:00:00:01\n            \
                     set-name: eth0\n        eth1:\n            addresses:\n            - 10.0.0.5/24\n    \
                     bridges:\n        br0:\n            dhcp4: true\n";
        expect(lines, &["eth0: dhcp", "eth1: addresses"]);
        let braces = "network: {version: 2, ethernets: {\n  eth0: {dhcp4: false, addresses: [10.0.0.4/24, 10.0.0.5/24]},\n  \
                      eth1: {dhcp4: true}}}\n";
        expect(braces, &["eth0: addresses", "eth1: dhcp"]);
        expect("network:\n  renderer: networkd\n", &[]);
        expect("", &[]);
        expect("# nothing\n---\n...\n", &[]);
    }

    #[test]
    fn what_the_grammar_has_beside_plain_lines_is_read_too() {
        let of = |rest: &str| format!("network:\n  ethernets:\n{rest}");
        // Quotes with a colon and a sharp in them, a key with a question mark, tags, folded text.
        expect(&of("    'a: #b': {dhcp4: \"yes\"}\n"), &["a: #b: dhcp"]);
        expect(&of("    ? eth0\n    : dhcp4: !!bool on\n"), &["eth0: dhcp"]);
        expect(&of("    eth0:\n      dhcp4: >-\n        true\n"), &["eth0: dhcp"]);
        expect(&of("    eth0:\n      addresses: []\n    eth1: null\n"), &["eth0:", "eth1:"]);
        // Aliases are what they stand for; the last of two keys of one name counts.
        let alias = "    eth0: &all {dhcp4: &on Yes}\n    eth1: *all\n    eth2: {dhcp4: *on}\n";
        expect(&of(alias), &["eth0: dhcp", "eth1: dhcp", "eth2: dhcp"]);
        expect(&of("    eth0:\n      dhcp4: true\n      dhcp4: false\n"), &["eth0:"]);
        // Only the first document is netplan's.
        expect(&format!("{}---\n{}", of("    a: {}\n"), of("    b: {}\n")), &["a:"]);
    }

    #[test]
    fn what_is_no_yaml_says_nothing() {
        let of = |rest: &str| format!("network:\n  ethernets:\n{rest}");
        for text in [
            "}{:::\n{{{{{{{{{{{{{{{{{{{{\n- - -\n",
            "{---",
            &of("    eth0: {dhcp4: true\n"),
            &of("    eth0: *nobody\n"),
            &of("    eth0: &own {inner: *own}\n"),
            &of("\teth0: {dhcp4: true}\n"),
            &of("    eth0: {dhcp4: true}\n   eth1: {}\n"),
        ] {
            assert_eq!(told(text), None, "{text}");
        }
    }

    /// As much as a file of a tree may have.
    const MOST: usize = 1 << 20;

    #[test]
    fn no_file_makes_it_go_deep_or_long_or_take_much_room() {
        let filled = |piece: &str| piece.repeat(MOST / piece.len());
        // Each line stands for ten of the line before it: this would be 10^25 words.
        let laughs: String = (1..26)
            .map(|number| {
                let before = format!("*a{}", number - 1);
                format!("a{number}: &a{number} [{}]\n", vec![before; 10].join(", "))
            })
            .collect();
        let laughs =
            format!("a0: &a0 ha\n{laughs}network: {{ethernets: {{eth0: {{addresses: *a25}}}}}}\n");
        expect(&laughs, &["eth0: addresses"]);
        // Each is within the next: whoever drops the last would go through all of them.
        let chain: String = (1..40_000)
            .map(|number| format!("a{number}: &a{number} {{x: *a{}}}\n", number - 1))
            .collect();
        assert_eq!(told(&format!("a0: &a0 ha\n{chain}")), None);
        let steps: String = (0..1400).map(|deep| format!("{}a:\n", " ".repeat(deep))).collect();
        let many: String =
            (0..40_000).map(|own| format!("    e{own}: {{dhcp4: true}}\n")).collect();
        for text in [
            format!("network: {}", "{ethernets: ".repeat(100_000)),
            filled("["),
            filled("{"),
            filled("{a: "),
            filled("- "),
            filled("? "),
            filled("{---"),
            filled("&a "),
            filled("!a "),
            filled("a: &b *b\n"),
            filled("\""),
            filled("'a': \"b\n"),
            filled("a"),
            filled("a: b: "),
            filled("| \n"),
            filled("%TAG ! !\n"),
            filled(" "),
            filled("\n"),
            filled(": "),
            filled("#"),
            filled("---\n"),
            filled("\u{feff}"),
            steps,
            format!("network:\n  ethernets:\n{many}"),
        ] {
            let begun = Instant::now();
            let _ = told(&text);
            let head: String = text.chars().take(20).collect();
            assert!(begun.elapsed() < Duration::from_secs(5), "{head:?}: {:?}", begun.elapsed());
        }
    }

    proptest! {
        #[test]
        fn whatever_it_is_it_is_read_to_its_end(text in "([a-z:{}\\[\\],#\"' &*!|>?%-]|\n|\t){0,400}") {
            let _ = ethernets(&text);
        }

        #[test]
        fn what_is_cut_off_is_read_to_its_end(at in 0usize..200) {
            let whole = "network:\n  version: 2\n  ethernets:\n    eth0: &a\n      dhcp4: \"yes\"\n      \
                         addresses: [10.0.0.4/24]\n    eth1: *a\n    eth2: {match: {name: 'en*'}}\n";
            let _ = ethernets(&whole[..at.min(whole.len())]);
        }
    }
}
