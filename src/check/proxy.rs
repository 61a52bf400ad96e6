//! The two files that bring a Linux VM of Azure to a proxy, `/etc/waagent.conf` and
//! `/etc/environment`: what is odd in them, and how they read with another proxy. Pure over their text
//! (`environment-checks` 4).

use std::fmt;
use std::num::NonZeroU16;

use disk_prep::noun::{bare_addresses, visible_line};

use super::agent_units::{AGENT_UNITS, UNIT_FOLDERS};
use super::finding::{Finding, good, problem, unknown, warning};
use super::guest::is_of_windows;
use super::network::{FABRIC, METADATA};
use super::tree::Tree;

/// The agent's settings.
pub const AGENT_FILE: &str = "etc/waagent.conf";
/// Variables of sessions.
pub const ENVIRONMENT_FILE: &str = "etc/environment";
const HOST: &str = "HttpProxy.Host";
const PORT: &str = "HttpProxy.Port";
const VARIABLES: [&str; 2] = ["http_proxy", "https_proxy"];
/// Programs differ in which of the two they take.
const CAPITALS: [&str; 2] = ["HTTP_PROXY", "HTTPS_PROXY"];
const NO_PROXY: &str = "no_proxy";
const NO_PROXY_CAPITALS: &str = "NO_PROXY";
/// What the agent says where it has no proxy.
const NONE: &str = "None";
const AREA: &str = "proxy";

/// Where a proxy listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// A file with a proxy, or without one: what it says, and what it said before the proxy, if that was
/// kept.
pub type Edit = fn(&str, Option<&Place>, Option<&str>) -> String;

/// The agent's settings with a proxy, or without one. What is not of it stays as it is; lines that said
/// that there is none, or nothing, come back where they stood.
pub fn agent_file(text: &str, proxy: Option<&Place>, before: Option<&str>) -> String {
    let names = [HOST, PORT];
    let Some(own) = proxy else { return without(&back(text, &names, before), &names) };
    let lines = [(HOST, format!("{HOST}={}", own.host)), (PORT, format!("{PORT}={}", own.port))];
    written(text, &names, &lines)
}

/// The variables of sessions with a proxy, or without one. Those in capitals are brought along where
/// they are. What has to go straight is added to what does already, and taken out with the proxy.
pub fn environment_file(text: &str, proxy: Option<&Place>, before: Option<&str>) -> String {
    let Some(proxy) = proxy else {
        let names = [VARIABLES, CAPITALS].concat();
        let text = without(&back(text, &names, before), &names);
        return text.split_inclusive('\n').filter_map(less_straight).collect();
    };
    let own = CAPITALS.into_iter().filter(|own| value(text, own).is_some());
    let names: Vec<&str> = VARIABLES.into_iter().chain(own).collect();
    let lines: Vec<(&str, String)> =
        names.iter().map(|name| (*name, format!("{name}=http://{proxy}"))).collect();
    let text = written(text, &names, &lines);
    let has = |name| value(&text, name).is_some();
    // Beside capitals a new line in small letters would hide what they let go straight.
    match (has(NO_PROXY), has(NO_PROXY_CAPITALS)) {
        (_, false) => more_straight(&text, NO_PROXY),
        (false, true) => more_straight(&text, NO_PROXY_CAPITALS),
        (true, true) => more_straight(&more_straight(&text, NO_PROXY), NO_PROXY_CAPITALS),
    }
}

/// A text in which what only the VM itself reaches is among what goes straight.
fn more_straight(text: &str, name: &str) -> String {
    let straight = value(text, name).unwrap_or_default();
    let mut hosts: Vec<&str> =
        straight.split(',').map(str::trim).filter(|own| !own.is_empty()).collect();
    let missing =
        [FABRIC, METADATA].into_iter().filter(|own| !hosts.contains(own)).collect::<Vec<_>>();
    if missing.is_empty() {
        return text.to_owned();
    }
    hosts.extend(missing);
    written(text, &[name], &[(name, format!("{name}={}", hosts.join(",")))])
}

/// A line without what only the VM itself reaches; none if nothing else went straight.
fn less_straight(line: &str) -> Option<String> {
    let is_own = |own: &str| [FABRIC, METADATA].contains(&own);
    let is_meant = name(line).is_some_and(|own| [NO_PROXY, NO_PROXY_CAPITALS].contains(&own));
    let Some((key, all)) = line.split_once('=').filter(|_| is_meant) else {
        return Some(line.to_owned());
    };
    let bare = all.trim().trim_matches(['"', '\'']);
    let hosts: Vec<&str> = bare.split(',').collect();
    if !hosts.iter().any(|own| is_own(own.trim())) {
        return Some(line.to_owned());
    }
    let left: Vec<&str> = hosts.into_iter().filter(|own| !is_own(own.trim())).collect();
    let is_left = left.iter().any(|own| !own.trim().is_empty());
    is_left.then(|| format!("{key}={}", all.replacen(bare, &left.join(","), 1)))
}

/// The name that a line gives a value to, unless it is a remark.
fn name(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let line = line.strip_prefix("export ").unwrap_or(line);
    let name = line.split_once('=')?.0.trim();
    (!name.starts_with('#')).then_some(name)
}

/// A text in which each of the names has its line, and no other: the first that is there is
/// replaced, further ones go, and what is missing follows at the end.
fn written(text: &str, names: &[&str], lines: &[(&str, String)]) -> String {
    let mut open: Vec<&(&str, String)> = lines.iter().collect();
    let mut all = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let Some(own) = name(line).filter(|own| names.contains(own)) else {
            all.push_str(line);
            continue;
        };
        if let Some(at) = open.iter().position(|other| other.0 == own) {
            all.push_str(&open.remove(at).1);
            all.push_str(&line[line.trim_end_matches(['\r', '\n']).len()..]);
        }
    }
    for (_, line) in open {
        if !all.is_empty() && !all.ends_with('\n') {
            all.push('\n');
        }
        all.push_str(line);
        all.push('\n');
    }
    all
}

/// A text in which the names that had no proxy before have the lines again that said so.
fn back(text: &str, names: &[&str], before: Option<&str>) -> String {
    let line = |name: &str| before?.lines().rev().find(|line| self::name(line) == Some(name));
    let is_none = |name: &str| before.and_then(|own| value(own, name)).is_some_and(is_nothing);
    let has_proxy = |name: &str| value(text, name).is_some_and(|own| !is_nothing(own));
    let meant = names.iter().copied().filter(|name| is_none(name) && has_proxy(name));
    let lines: Vec<(&str, String)> =
        meant.filter_map(|name| Some((name, line(name)?.to_owned()))).collect();
    let names: Vec<&str> = lines.iter().map(|(name, _)| *name).collect();
    written(text, &names, &lines)
}

/// Whether a file of the two names a proxy.
pub fn has_proxy(text: &str) -> bool {
    let names = [HOST, PORT].into_iter().chain(VARIABLES).chain(CAPITALS);
    names.filter_map(|name| value(text, name)).any(|own| !is_nothing(own))
}

/// Whether a value says that there is no proxy.
fn is_nothing(value: &str) -> bool {
    value.is_empty() || value == NONE
}

/// A text without the lines that give one of the names a value; one that says there is none stays.
fn without(text: &str, names: &[&str]) -> String {
    let stays = |line: &&str| match name(line).filter(|own| names.contains(own)) {
        Some(own) => value(line, own).is_none_or(is_nothing),
        None => true,
    };
    text.split_inclusive('\n').filter(stays).collect()
}

/// The value of the last line that gives one, without quotes.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let of = |line: &'a str| (name(line) == Some(key)).then(|| line.split_once('=')).flatten();
    let value = text.lines().filter_map(of).next_back()?.1;
    Some(value.trim().trim_matches(['"', '\'']))
}

/// What is odd about the proxy of a Linux machine.
pub fn look(tree: &Tree) -> Vec<Finding> {
    if is_of_windows(tree) {
        return Vec::new();
    }
    let read = |path| tree.text(path).map(Option::unwrap_or_default);
    let (agent, session) = match (read(AGENT_FILE), read(ENVIRONMENT_FILE)) {
        (Ok(agent), Ok(session)) => (agent, session),
        (Err(why), _) | (_, Err(why)) => {
            return vec![unknown("agent", why.to_string()).of(AREA)];
        }
    };
    let own = |name| value(&agent, name).filter(|own| !is_nothing(own));
    let names = VARIABLES.iter().rev().chain(CAPITALS.iter().rev());
    let variable = names.into_iter().find_map(|name| value(&session, name));
    let variable = variable.filter(|own| !own.is_empty()).map(bare);
    let unit = of_unit(tree);
    let mut found = vec![match (own(HOST), own(PORT), &unit) {
        (None, None, Some(unit)) => {
            good("agent-pair", format!("its unit sends the agent to {unit}"))
        }
        (host, port, _) => pair(host, port, variable.as_deref()),
    }];
    let others = [("sessions", &variable), ("its unit", &unit)];
    for (who, other) in others.into_iter().filter_map(|(who, own)| Some((who, own.as_ref()?))) {
        if let (Some(host), Some(port)) = (own(HOST), own(PORT))
            && !other.trim_end_matches('/').ends_with(&format!("{host}:{port}"))
        {
            let facts =
                format!("the agent goes to {}:{}, and {who} to {other}", line(host), line(port));
            let action =
                "waagent.conf holds for the agent; if both should be one, set them together";
            found.push(warning("agent-differ", facts, action).next(apply(host, port)));
        }
    }
    let straight =
        value(&session, NO_PROXY).or(value(&session, NO_PROXY_CAPITALS)).unwrap_or_default();
    if (own(HOST).is_some() || variable.is_some()) && !straight.contains(FABRIC) {
        let facts = format!("/{ENVIRONMENT_FILE} lets nothing round the proxy to {FABRIC}");
        let action = format!("add {NO_PROXY}={FABRIC},{METADATA}: only the VM itself reaches them");
        found.push(warning("agent-direct", facts, &action));
    }
    if (own(HOST).is_some() || variable.is_some()) && !has_package_proxy(tree) {
        let facts = "the package manager knows of no proxy";
        let action = "updates of the agent fail without one: set Acquire::http::Proxy below \
                      /etc/apt/apt.conf.d, or proxy= in /etc/dnf/dnf.conf";
        found.push(warning("apt", facts, action));
    }
    found.into_iter().map(|own| own.of(AREA)).collect()
}

/// The proxy that a file beside its unit gives the agent, where its own settings name none.
fn of_unit(tree: &Tree) -> Option<String> {
    // The last file that says it holds.
    let folders = UNIT_FOLDERS
        .iter()
        .rev()
        .flat_map(|folder| AGENT_UNITS.iter().map(move |unit| format!("{folder}/{unit}.d")));
    let files = folders.flat_map(|folder| {
        let names = tree.names(&folder).unwrap_or_default().into_iter();
        let names = names.filter(|name| name.ends_with(".conf"));
        names.map(move |name| format!("{folder}/{name}")).collect::<Vec<_>>()
    });
    let texts = files.filter_map(|path| tree.text(&path).ok().flatten());
    let of = |text: String| {
        let lines = text.lines().filter_map(|line| line.trim().strip_prefix("Environment="));
        let words = lines.flat_map(|line| line.split_whitespace());
        let words: Vec<&str> = words.map(|own| own.trim_matches(['"', '\''])).collect();
        let value = |name: &str| {
            let own = |word: &&str| {
                let (key, value) = word.split_once('=')?;
                key.eq_ignore_ascii_case(name).then(|| bare(value))
            };
            words.iter().filter_map(own).next_back()
        };
        VARIABLES.iter().rev().find_map(|name| value(name))
    };
    texts.filter_map(of).next_back()
}

/// Without whom the proxy lets through.
fn bare(value: &str) -> String {
    let value = bare_addresses(value);
    line(value.rsplit_once('@').map_or(value.as_ref(), |(_, host)| host))
}

fn line(text: &str) -> String {
    visible_line(text).into_owned()
}

/// The line that sets both.
fn apply(host: &str, port: &str) -> String {
    let is_plain =
        |text: &str| text.bytes().all(|own| own.is_ascii_alphanumeric() || b".-:[]".contains(&own));
    match is_plain(host) && port.parse::<NonZeroU16>().is_ok() {
        true => format!("azseed proxy apply --proxy {host}:{port}"),
        false => "azseed proxy apply --proxy HOST:PORT".to_owned(),
    }
}

/// The agent takes its proxy only if it has both, and says nothing if it has not.
fn pair(host: Option<&str>, port: Option<&str>, variable: Option<&str>) -> Finding {
    let what = "agent-pair";
    let wrong = |facts: String, host: &str, port: &str| {
        let action = "the agent goes without a proxy then, and says nothing";
        problem(what, facts, action).next(apply(host, port))
    };
    match (host, port) {
        (None, None) => match variable {
            None => good(what, "neither the agent nor sessions have a proxy"),
            Some(own) => {
                let facts = format!("sessions go to {own}, and the agent has no proxy");
                let action = "a unit of systemd does not read /etc/environment: set HttpProxy.*";
                let place = own
                    .trim_end_matches('/')
                    .rsplit('/')
                    .next()
                    .and_then(|own| own.rsplit_once(':'));
                let (host, port) = place.unwrap_or(("", ""));
                warning("agent-env", facts, action).next(apply(host, port))
            }
        },
        (Some(host), None) => {
            wrong(format!("{HOST} is {}, and there is no {PORT}", line(host)), "", "")
        }
        (None, Some(port)) => {
            wrong(format!("{PORT} is {}, and there is no {HOST}", line(port)), "", "")
        }
        (Some(host), Some(port)) => {
            let is_address = host.contains("://") || host.contains('/') || host.contains('@');
            if is_address || port.parse::<NonZeroU16>().is_err() {
                let name = host.rsplit("://").next().unwrap_or(host);
                let name = name.rsplit('@').next().unwrap_or(name).trim_end_matches('/');
                let facts = format!("{HOST} is {}, {PORT} is {}", bare(host), line(port));
                let action = "the host is a name alone, and the port a number";
                return problem(what, facts, action).next(apply(name, port));
            }
            good(what, format!("the agent goes to {}:{port}", line(host)))
        }
    }
}

fn has_package_proxy(tree: &Tree) -> bool {
    let says = |path: &str, word: &str| {
        let text = tree.text(path).ok().flatten().unwrap_or_default();
        text.lines().any(|line| !line.trim_start().starts_with(['#', '/']) && line.contains(word))
    };
    let folder = "etc/apt/apt.conf.d";
    let names = tree.names(folder).unwrap_or_default();
    names.iter().any(|name| says(&format!("{folder}/{name}"), "::Proxy"))
        || says("etc/apt/apt.conf", "::Proxy")
        || ["etc/dnf/dnf.conf", "etc/yum.conf", "etc/zypp/zypp.conf"]
            .iter()
            .any(|path| says(path, "proxy"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::finding::Grade;
    use proptest::prelude::*;

    fn place() -> Place {
        Place { host: "10.0.0.5".to_owned(), port: 3128 }
    }

    const CONF: &str = "# HttpProxy.Host=None\r\nHttpProxy.Host=old\r\nLogs.Verbose=n\r\n\
                        HttpProxy.Port=1\nHttpProxy.Host=older\nLib.Dir=/var/lib/waagent";

    #[test]
    fn lines_of_the_proxy_are_replaced_where_they_stand_and_all_else_stays() {
        let own = agent_file(CONF, Some(&place()), None);
        assert_eq!(
            own,
            "# HttpProxy.Host=None\r\nHttpProxy.Host=10.0.0.5\r\nLogs.Verbose=n\r\n\
             HttpProxy.Port=3128\nLib.Dir=/var/lib/waagent"
        );
        assert_eq!(agent_file(&own, Some(&place()), None), own);
        assert_eq!(
            agent_file(&own, None, None),
            "# HttpProxy.Host=None\r\nLogs.Verbose=n\r\nLib.Dir=/var/lib/waagent"
        );
        assert_eq!(
            agent_file("a=b", Some(&place()), None),
            "a=b\nHttpProxy.Host=10.0.0.5\nHttpProxy.Port=3128\n"
        );
        assert_eq!(agent_file("", None, None), "");
        let none = "HttpProxy.Host=None\nHttpProxy.Port=None\n";
        assert_eq!(agent_file(none, None, None), none, "that there is none is no proxy");
        // The way back leads to what was there.
        let own = "# HttpProxy\r\nHttpProxy.Host=None\r\nLogs.Verbose=n\nHttpProxy.Port = None\n";
        let set = agent_file(own, Some(&place()), None);
        assert_eq!(agent_file(&set, None, Some(own)), own);
        assert_eq!(agent_file(&set, None, None), "# HttpProxy\r\nLogs.Verbose=n\n");
        let later = set.replace("Verbose=n", "Verbose=y");
        let back = own.replace("Verbose=n", "Verbose=y");
        assert_eq!(agent_file(&later, None, Some(own)), back, "what was changed since stays");
        let other = "HttpProxy.Host=old\nHttpProxy.Port=1\n";
        assert_eq!(agent_file(&set, None, Some(other)), "# HttpProxy\r\nLogs.Verbose=n\n");
        let empty = "http_proxy=\nA=1\n";
        let set = environment_file(empty, Some(&place()), None);
        assert_eq!(environment_file(&set, None, Some(empty)), empty);
    }

    #[test]
    fn variables_in_capitals_come_along_and_all_of_a_proxy_goes_with_it() {
        let old = "HTTP_PROXY=http://old:1\nexport HTTPS_PROXY=\"http://old:1\"\nA=1\n";
        let set = environment_file(old, Some(&place()), None);
        let straight = format!("{FABRIC},{METADATA}");
        assert_eq!(
            set,
            format!(
                "HTTP_PROXY=http://10.0.0.5:3128\nHTTPS_PROXY=http://10.0.0.5:3128\nA=1\n\
                 http_proxy=http://10.0.0.5:3128\nhttps_proxy=http://10.0.0.5:3128\n\
                 no_proxy={straight}\n"
            )
        );
        assert_eq!(environment_file(&set, Some(&place()), None), set);
        assert_eq!(environment_file(&set, None, None), "A=1\n");
        assert_eq!(environment_file("A=1\n", None, None), "A=1\n");
        let own = "NO_PROXY=\"a.test, b.test\"\nhttp_proxy=\n";
        let set = environment_file(own, Some(&place()), None);
        assert!(set.starts_with(&format!("NO_PROXY=a.test,b.test,{straight}\n")), "{set}");
        assert!(!set.contains("no_proxy="), "{set}");
        assert_eq!(environment_file(&set, None, None), "NO_PROXY=a.test,b.test\n");
        let quoted = format!("export NO_PROXY=\"a.test, {FABRIC}\"\r\nhttp_proxy=\n");
        let left = "export NO_PROXY=\"a.test\"\r\nhttp_proxy=\n";
        assert_eq!(environment_file(&quoted, None, None), left);
        assert_eq!(environment_file(left, None, None), left, "nothing else goes");
    }

    #[test]
    fn what_only_the_vm_reaches_goes_straight() {
        let both = "no_proxy=168.63.129.16,169.254.169.254\n";
        let set = "http_proxy=http://10.0.0.5:3128\nhttps_proxy=http://10.0.0.5:3128\n";
        assert_eq!(environment_file("", Some(&place()), None), format!("{set}{both}"));
        let own = "PATH=\"/bin\"\nexport no_proxy=\"a.test, 169.254.169.254\"\n";
        let with = environment_file(own, Some(&place()), None);
        assert_eq!(
            with,
            format!("PATH=\"/bin\"\nno_proxy=a.test,169.254.169.254,168.63.129.16\n{set}")
        );
        assert_eq!(environment_file(&with, Some(&place()), None), with);
        let without = "PATH=\"/bin\"\nno_proxy=a.test\n";
        assert_eq!(environment_file(&with, None, None), without);
    }

    proptest! {
        #[test]
        fn twice_is_once_and_no_other_line_changes(text in "(([#a-zH. ]{0,6}(HttpProxy.Host|http_proxy|HTTP_PROXY|no_proxy)?[ =]{0,2}[a-z\"]{0,3}\r?\n)|.){0,12}") {
            for edit in [agent_file, environment_file] {
                let once = edit(&text, Some(&place()), None);
                prop_assert_eq!(&edit(&once, Some(&place()), None), &once);
                let gone = edit(&once, None, None);
                prop_assert_eq!(&edit(&gone, None, None), &gone);
                let names = [HOST, PORT, VARIABLES[0], VARIABLES[1], CAPITALS[0], NO_PROXY];
                let others = |text: &str| -> Vec<String> {
                    let is_other = |line: &&str| name(line).is_none_or(|own| !names.contains(&own));
                    text.lines().filter(is_other).map(|own| own.trim_end().to_owned()).collect()
                };
                prop_assert_eq!(others(&once), others(&text));
                prop_assert_eq!(others(&gone), others(&text));
            }
        }
    }

    /// What is not good, with the line to type.
    fn bad(agent: &str, session: &str) -> Vec<(String, &'static str, Option<String>)> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("etc")).unwrap();
        std::fs::write(folder.path().join(AGENT_FILE), agent).unwrap();
        std::fs::write(folder.path().join(ENVIRONMENT_FILE), session).unwrap();
        std::fs::write(folder.path().join("etc/yum.conf"), "proxy=http://p\n").unwrap();
        let found = look(&Tree::open(folder.path()).unwrap());
        let bad = found.into_iter().filter(|own| own.grade != Grade::Good);
        bad.map(|own| (own.id(), own.grade.word(), own.command)).collect()
    }

    #[test]
    fn half_a_proxy_one_for_sessions_only_and_two_that_differ_are_told() {
        let apply = |place: &str| Some(format!("azseed proxy apply --proxy {place}"));
        let straight = "no_proxy=168.63.129.16\n";
        let session = |place: &str| format!("https_proxy=http://{place}\n{straight}");
        let both =
            |host: &str, port: &str| format!("HttpProxy.Host={host}\nHttpProxy.Port={port}\n");
        let own = |id: &str, verdict, command| vec![(id.to_owned(), verdict, command)];
        assert_eq!(bad("", ""), []);
        assert_eq!(bad(&both("p", "3128"), &session("p:3128")), []);
        assert_eq!(bad(&both("None", "None"), ""), []);
        let (pair, host) = ("proxy-agent-pair", apply("HOST:PORT"));
        assert_eq!(bad("HttpProxy.Host=p\n", straight), own(pair, "problem", host.clone()));
        assert_eq!(bad("HttpProxy.Port=1\n", straight), own(pair, "problem", host));
        assert_eq!(bad(&both("http://u:S@p/", "1"), straight), own(pair, "problem", apply("p:1")));
        assert_eq!(bad(&both("p", "x"), straight), own(pair, "problem", apply("HOST:PORT")));
        assert_eq!(bad("", &session("u:S@p:1/")), own("proxy-agent-env", "warning", apply("p:1")));
        let differs = own("proxy-agent-differ", "warning", apply("p:1"));
        assert_eq!(bad(&both("p", "1"), &session("q:1")), differs);
        assert_eq!(bad(&both("p", "1"), ""), own("proxy-agent-direct", "warning", None));
    }

    #[test]
    fn who_a_proxy_lets_through_is_not_told() {
        for text in ["http://u:SECRET@p:1", "u:SECRET@p:1", "https://u:SECRET@p"] {
            assert!(!bare(text).contains("SECRET"), "{text}");
        }
    }
}
