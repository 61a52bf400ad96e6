//! Groups that allow, block, or block in part; verdicts against those of each address by itself.

use proptest::prelude::*;

use super::group::Rule;
use super::*;
use crate::check::finding::Grade;

fn rule(priority: u32, allows: bool, destination: &str) -> Rule {
    Rule {
        name: format!("rule-{priority}"),
        priority,
        is_outbound: true,
        allows,
        is_of_tcp: true,
        is_of_udp: true,
        sources: vec!["*".to_owned()],
        destinations: vec![destination.to_owned()],
        ports: vec![(0, u16::MAX)],
        own_ports: vec![(0, u16::MAX)],
        is_from_members: false,
        members: Vec::new(),
        is_to_members: false,
    }
}

fn group(rules: Vec<Rule>) -> Group {
    Group { name: "web-nsg".to_owned(), home: None, rules }
}

/// Rules that every group ends with.
fn ends() -> [Rule; 3] {
    [rule(65_000, true, "VirtualNetwork"), rule(65_001, true, "Internet"), rule(65_500, false, "*")]
}

const LIST: &str = r#"{"values":[
    {"name":"Storage.WestEurope","properties":{"addressPrefixes":["20.0.0.0/24","20.0.1.0/24","2603::/48"]}},
    {"name":"Storage","properties":{"addressPrefixes":["20.0.0.0/16"]}},
    {"name":"AzureBackup","properties":{"addressPrefixes":["30.0.0.0/30"]}},
    {"name":"AzureActiveDirectory","properties":{"addressPrefixes":["40.0.0.0/30"]}}]}"#;

fn verdicts(groups: &[Group], tags: Option<&TagList>) -> Vec<(String, &'static str)> {
    let found = look(groups, None, &flows(Some("westeurope"), None), tags);
    found.iter().map(|own| (own.id(), own.grade.word())).collect()
}

fn all(verdict: &'static str) -> Vec<(String, &'static str)> {
    ["backup", "storage", "signin"].map(|own| (format!("nsg-{own}"), verdict)).to_vec()
}

#[test]
fn the_rules_that_every_group_has_let_a_backup_out() {
    let own = group(ends().to_vec());
    assert_eq!(verdicts(&[own.clone(), own.clone()], None), all("good"));
    assert_eq!(verdicts(&[], None), all("good"));
    let text = format!("{:?}", look(&[own], None, &flows(None, None), None));
    assert!(text.contains("allowed by rule-65001 of web-nsg, which opens more"), "{text}");
}

#[test]
fn both_groups_must_allow_and_the_rule_that_blocks_is_named() {
    let open = group(ends().to_vec());
    let closed = group([vec![rule(200, false, "Internet")], ends().to_vec()].concat());
    for groups in [[open.clone(), closed.clone()], [closed.clone(), open]] {
        assert_eq!(verdicts(&groups, None), all("problem"));
        let text = format!("{:?}", look(&groups, None, &flows(None, None), None));
        assert!(text.contains("blocked by rule-200 of web-nsg"), "{text}");
    }
    let tags = ["AzureBackup", "storage.WestEurope", "AzureActiveDirectory"];
    let let_out = tags.iter().zip(100..).map(|(tag, at)| rule(at, true, tag)).collect::<Vec<_>>();
    assert_eq!(verdicts(&[group([let_out, closed.rules].concat())], None), all("good"));
}

#[test]
fn a_tag_of_another_region_is_not_meant_and_one_of_a_region_is_not_all() {
    let with = |tag: &str, region: Option<&str>| {
        let own = group(vec![rule(100, true, tag), rule(200, false, "*")]);
        let flow = &flows(region, None)[1];
        look(&[own], None, std::slice::from_ref(flow), None)[0].grade.word()
    };
    assert_eq!(with("Storage.WestEurope", Some("westeurope")), "good");
    assert_eq!(with("AzureCloud.westeurope", Some("westeurope")), "good");
    assert_eq!(with("AzureCloud", Some("westeurope")), "good");
    assert_eq!(with("Storage.EastUS", Some("westeurope")), "problem");
    assert_eq!(with("Sql", Some("westeurope")), "problem");
    assert_eq!(with("Storage.EastUS", None), "unknown");
    assert_eq!(with("20.0.0.0/8", Some("westeurope")), "unknown", "no list says whose these are");
}

#[test]
fn networks_are_compared_with_the_list_of_the_service() {
    let tags = read_tags(LIST).unwrap();
    let with = |destinations: &[&str]| {
        let destinations = destinations.iter().map(|own| (*own).to_owned()).collect();
        let own = group(vec![Rule { destinations, ..rule(100, true, "") }, rule(200, false, "*")]);
        let flow = &flows(Some("westeurope"), None)[1];
        look(&[own], None, std::slice::from_ref(flow), Some(&tags))[0].grade.word()
    };
    assert_eq!(with(&["20.0.0.0/23"]), "good");
    assert_eq!(with(&["20.0.0.0/24", "20.0.1.0/25", "20.0.1.128/25"]), "good");
    assert_eq!(with(&["Storage"]), "good");
    assert_eq!(with(&["20.0.0.0/24"]), "warning");
    assert_eq!(with(&["21.0.0.0/8"]), "problem");
}

#[test]
fn ports_protocols_directions_and_sources_that_are_not_meant_do_not_count() {
    let flow = &flows(None, None)[0];
    let from = "10.0.0.4".parse().ok();
    for no_block in [
        Rule { ports: vec![(80, 80), (444, 500)], ..rule(100, false, "*") },
        Rule { is_of_tcp: false, ..rule(100, false, "*") },
        Rule { is_outbound: false, ..rule(100, false, "*") },
        Rule { sources: vec!["10.0.1.0/24".to_owned()], ..rule(100, false, "*") },
    ] {
        let own = group([vec![no_block], ends().to_vec()].concat());
        assert!(matches!(judge(&own, from, flow, None), Said::Allowed(_)), "{own:?}");
    }
    let meant = Rule { sources: vec!["10.0.0.0/24".to_owned()], ..rule(100, false, "*") };
    let own = group([vec![meant], ends().to_vec()].concat());
    assert!(matches!(judge(&own, from, flow, None), Said::Blocked { in_part: false, .. }));
}

#[test]
fn a_proxy_in_ones_own_network_is_no_part_of_the_internet() {
    let flow = flows(None, Some(("10.0.0.5".parse().unwrap(), 3128)));
    let said = |rules: Vec<Rule>| look(&[group(rules)], None, &flow, None)[0].grade.word();
    assert_eq!(said(ends().to_vec()), "good");
    assert_eq!(said(vec![rule(100, true, "Internet"), rule(200, false, "*")]), "problem");
    assert_eq!(said(vec![rule(100, false, "Internet"), rule(200, true, "10.0.0.0/8")]), "good");
    assert_eq!(said(vec![rule(100, true, "10.0.1.0/24"), rule(200, false, "*")]), "problem");
}

#[test]
fn the_name_servers_of_a_network_are_reached_by_udp() {
    let servers = ["10.0.0.53", "168.63.129.16", "10.0.0.54", "fd00::1", "AzureProvidedDNS"];
    let flows = name_flows(&servers.map(str::to_owned));
    let told: Vec<String> = flows.iter().map(|own| own.to.told()).collect();
    assert_eq!(told, ["10.0.0.53", "10.0.0.54"]);
    let said = |first: Rule| {
        let own = group([vec![first, rule(200, false, "*")], ends().to_vec()].concat());
        let found = look(std::slice::from_ref(&own), None, &flows, None);
        (
            found.iter().map(|own| own.grade.word()).collect::<Vec<_>>(),
            suggest(&[own], None, &flows, None),
        )
    };
    assert_eq!(said(rule(100, true, "VirtualNetwork")).0, ["good"; 2]);
    let (verdicts, missing) = said(Rule { is_of_udp: false, ..rule(100, true, "*") });
    assert_eq!(verdicts, ["problem"; 2], "a rule of TCP is none of UDP");
    let names: Vec<&str> = missing.iter().map(|own| own.name.as_str()).collect();
    assert_eq!(names, ["allow-dns", "allow-dns-2"]);
    let line = missing[0].line();
    assert!(
        line.contains("--protocol Udp") && line.ends_with("--destination-port-ranges 53"),
        "{line}"
    );
    assert!(missing[1].opens().ends_with("10.0.0.54 at UDP 53"), "{}", missing[1].opens());
    let found = look(&[group(vec![rule(200, false, "*")])], None, &flows, None);
    assert!(found[0].facts.starts_with("UDP 53 to 10.0.0.53 is blocked"), "{}", found[0].facts);
    assert_eq!(found[0].explain.as_deref(), Some("net-no-public-access"));
}

#[test]
fn rules_are_suggested_where_they_are_missing_before_what_blocks() {
    let flows = flows(Some("westeurope"), None);
    let deny = group(
        [
            vec![rule(4096, true, "Sql"), rule(200, false, "*"), rule(199, true, "Storage")],
            ends().to_vec(),
        ]
        .concat(),
    );
    let found = suggest(std::slice::from_ref(&deny), None, &flows, None);
    let told: Vec<_> = found.iter().map(|own| (own.destination.as_str(), own.priority)).collect();
    assert_eq!(told, [("AzureBackup", Some(198)), ("AzureActiveDirectory", Some(197))]);
    // With them nothing is missing any more.
    let more = found.iter().map(|own| rule(own.priority.unwrap(), true, &own.destination));
    let mended = group(deny.rules.iter().cloned().chain(more).collect());
    assert_eq!(suggest(&[mended], None, &flows, None), []);
    let full = group(
        (100..=200).map(|at| rule(at, at != 200, if at == 200 { "*" } else { "Sql" })).collect(),
    );
    assert_eq!(suggest(&[full], None, &flows, None)[0].priority, None);
    assert!(found[0].line().contains("--priority 198 --direction Outbound"), "{}", found[0].line());
    // A rule of that name is there; it would be written over.
    let named = Rule { name: "Allow-Backup".to_owned(), ..rule(150, true, "Sql") };
    let own = Group { home: Some("rg".to_owned()), ..group(vec![named, rule(200, false, "*")]) };
    let found = suggest(&[own], None, &flows, None);
    assert_eq!(found[0].name, "allow-backup-2");
    assert!(found[0].line().contains(" -g rg --nsg-name web-nsg "), "{}", found[0].line());
}

#[test]
fn a_rule_that_may_be_of_a_flow_is_unknown_only_if_it_makes_a_difference() {
    let flow = &flows(None, None)[0];
    let from = "10.0.0.4".parse().ok();
    let said = |rules: &[&Rule], from| {
        let own = group(rules.iter().map(|own| (*own).clone()).collect());
        let found = look(std::slice::from_ref(&own), from, std::slice::from_ref(flow), None);
        (found[0].grade.word(), found[0].facts.clone())
    };
    let ports = |own_ports: (u16, u16), allows| Rule {
        own_ports: vec![own_ports],
        ..rule(100, allows, "*")
    };
    let members =
        |allows| Rule { sources: Vec::new(), is_from_members: true, ..rule(100, allows, "*") };
    let (open, shut) = (rule(200, true, "*"), rule(200, false, "*"));
    // What a system sends comes from a port of its own choice.
    assert_eq!(said(&[&ports((1000, 2000), true), &shut], from).0, "problem");
    assert_eq!(said(&[&ports((1000, 2000), false), &open], from).0, "good");
    assert_eq!(said(&[&ports((1024, 65_535), true), &shut], from).0, "good");
    let halves = Rule { own_ports: vec![(1024, 40_000), (40_001, 65_535)], ..rule(100, true, "*") };
    assert_eq!(said(&[&halves, &shut], from).0, "good");
    for allows in [true, false] {
        let (other, same) = if allows { (&shut, &open) } else { (&open, &shut) };
        let sure = if allows { "good" } else { "problem" };
        for own in [ports((1024, 40_000), allows), members(allows)] {
            let (verdict, facts) = said(&[&own, other], from);
            assert_eq!(verdict, "unknown", "{facts}");
            assert!(facts.contains("may be meant by rule-100 of web-nsg"), "{facts}");
            assert_eq!(said(&[&own, same], from).0, sure, "it makes no difference");
            // A new rule comes before it, whatever is so of it.
            let held = group(vec![own, other.clone()]);
            let found = suggest(&[held], from, std::slice::from_ref(flow), None);
            assert_eq!(found[0].priority, if allows { Some(199) } else { None });
        }
        // It is for some addresses, and the VM's is not known.
        let near = Rule { sources: vec!["10.0.0.0/24".to_owned()], ..rule(100, allows, "*") };
        assert_eq!(said(&[&near, other], None).0, "unknown");
        assert_eq!(said(&[&near, other], from).0, sure);
    }
    let elsewhere = Rule { destinations: vec!["Sql".to_owned()], ..members(false) };
    assert_eq!(said(&[&elsewhere, &open], from).0, "good", "it is about something else");
    // A proxy may be in such a group, a service cannot.
    let to = |rules: Vec<Rule>| {
        let proxy = flows(None, Some(("10.0.0.5".parse().unwrap(), 3128)));
        look(&[group(rules)], from, &proxy, None)[0].grade.word()
    };
    let inner = Rule { destinations: Vec::new(), is_to_members: true, ..rule(100, false, "*") };
    assert_eq!(to(vec![inner.clone(), open.clone()]), "unknown");
    assert_eq!(said(&[&inner, &open], from).0, "good");
}

#[test]
fn groups_are_read_as_they_are_shown_and_as_they_are_in_effect() {
    let shown = r#"{"name":"a-nsg","securityRules":[{"name":"deny","priority":200,"direction":"Outbound",
        "access":"Deny","protocol":"*","sourceAddressPrefix":"*","destinationAddressPrefix":"Internet",
        "destinationPortRange":"*"}],"defaultSecurityRules":[]}"#;
    let own = read_groups(shown).unwrap();
    assert_eq!((own[0].name.as_str(), own[0].rules.len()), ("a-nsg", 1));
    assert!(!own[0].rules[0].allows && own[0].rules[0].is_of_tcp);
    let arm = format!(
        r#"{{"id":"/x/networkSecurityGroups/b-nsg","properties":{}}}"#,
        shown.replace("\"name\":\"a-nsg\",", "")
    );
    assert_eq!(read_groups(&arm).unwrap()[0].name, "b-nsg");
    let effective = r#"{"value":[
      {"networkSecurityGroup":{"id":"/x/subnet-nsg"},"association":{"subnet":{"id":"s"}},"effectiveSecurityRules":[
        {"name":"r","protocol":"Tcp","sourceAddressPrefix":"0.0.0.0/0","destinationAddressPrefixes":["AzureBackup","Storage"],
         "destinationPortRanges":["80-443"],"access":"Allow","priority":100,"direction":"Outbound"}]},
      {"networkSecurityGroup":{"id":"/x/nic-nsg"},"association":{"networkInterface":{"id":"n"}},"effectiveSecurityRules":[
        {"name":"r","protocol":"Udp","destinationAddressPrefix":"*","destinationPortRange":"53-53","access":"Deny","priority":100,"direction":"Inbound"}]}]}"#;
    let own = read_groups(effective).unwrap();
    assert_eq!(
        own.iter().map(|own| own.name.as_str()).collect::<Vec<_>>(),
        ["nic-nsg", "subnet-nsg"]
    );
    assert_eq!(own[1].rules[0].ports, [(80, 443)]);
    assert!(!own[0].rules[0].is_of_tcp && own[0].rules[0].is_of_udp);
    assert!(!own[0].rules[0].is_outbound && own[1].rules[0].is_of_tcp);
    assert!(!own[1].rules[0].is_of_udp);
    let members = r#"{"id":"/subscriptions/s/resourceGroups/RG/providers/Microsoft.Network/networkSecurityGroups/g",
      "securityRules":[{"name":"r","priority":100,"direction":"Outbound","access":"Deny","protocol":"*",
      "sourceApplicationSecurityGroups":[{"id":"a"}],"destinationAddressPrefix":"*","sourcePortRange":"1000-2000",
      "destinationApplicationSecurityGroups":null,"destinationPortRange":"*"}]}"#;
    let own = read_groups(members).unwrap().remove(0);
    assert_eq!((own.name.as_str(), own.home.as_deref()), ("g", Some("RG")));
    let rule = &own.rules[0];
    assert!(rule.is_from_members && !rule.is_to_members && rule.sources.is_empty());
    assert_eq!(rule.own_ports, [(1000, 2000)]);
    assert_eq!(rule.members, ["a"]);
    // Of a machine it is known which groups it is in, and then there is no doubt.
    let wide = members.replace("1000-2000", "*");
    let own = read_groups(&wide).unwrap().remove(0);
    let said = |memberships: &[&str]| {
        let all: Vec<String> = memberships.iter().map(|own| (*own).to_owned()).collect();
        let mut held = own.clone().as_for(&all);
        held.rules.extend(ends());
        look(&[held], None, &flows(None, None)[..1], None)[0].grade.word()
    };
    assert_eq!((said(&["x", "A"]), said(&["x"]), said(&[])), ("problem", "good", "good"));
    for text in ["", "{}", "[]", "7", r#"{"name":"a","securityRules":[{"priority":-1}]}"#] {
        assert!(read_groups(text).is_err(), "{text}");
    }
    for (from, to) in [("Outbound", "Sideways"), ("Deny", "Perhaps"), ("\"*\"}]", "\"443-80\"}]")] {
        assert!(
            matches!(read_groups(&shown.replace(from, to)), Err(NsgFault::Value { .. })),
            "{to}"
        );
    }
}

/// What becomes of one address, by the rules as they are written.
fn naive(rules: &[Rule], address: u32) -> bool {
    let mut rules: Vec<&Rule> = rules.iter().collect();
    rules.sort_by_key(|own| own.priority);
    let is_of = |own: &&&Rule| {
        let text = own.destinations[0].as_str();
        text == "*" || tags::span(text).is_some_and(|span| (span.0..=span.1).contains(&address))
    };
    rules.iter().find(is_of).is_some_and(|own| own.allows)
}

proptest! {
    #[test]
    fn a_verdict_is_that_of_all_addresses_one_by_one(
        given in proptest::collection::vec((any::<bool>(), 0u32..512, 22u32..=32), 0..8),
        ends in any::<bool>(),
    ) {
        let tags = read_tags(LIST).unwrap();
        let base = std::net::Ipv4Addr::new(20, 0, 0, 0).to_bits();
        let mut rules: Vec<Rule> = given.iter().zip(100..).map(|((allows, at, length), priority)| {
            let address = std::net::Ipv4Addr::from_bits(base + at);
            rule(priority, *allows, &format!("{address}/{length}"))
        }).collect();
        rules.push(rule(4000, ends, "*"));
        let flow = &flows(Some("westeurope"), None)[1];
        let own = group(rules);
        let each: Vec<bool> = (base..base + 512).map(|own_address| naive(&own.rules, own_address)).collect();
        match judge(&own, None, flow, Some(&tags)) {
            Said::Allowed(_) => prop_assert!(each.iter().all(|own| *own)),
            Said::Blocked { in_part: true, .. } => {
                prop_assert!(each.contains(&true) && each.contains(&false));
            }
            Said::Blocked { in_part: false, .. } => prop_assert!(!each.contains(&true)),
            Said::Unknown(..) => prop_assert!(false),
        }
    }
}

#[test]
fn ten_thousand_rules_take_less_than_a_tenth_of_a_second() {
    // Each lets out one address of the tags, so that all of them are looked at.
    let base = std::net::Ipv4Addr::new(20, 0, 0, 0).to_bits();
    let destination = |at: u32| format!("{}/32", std::net::Ipv4Addr::from_bits(base + at));
    let mut rules: Vec<Rule> =
        (0..10_000).map(|at| rule(100 + at, true, &destination(at))).collect();
    rules.push(rule(65_500, false, "*"));
    let (own, tags) = (group(rules), read_tags(LIST).unwrap());
    let begun = std::time::Instant::now();
    let found = look(&[own], None, &flows(Some("westeurope"), None), Some(&tags));
    let taken = begun.elapsed();
    let words: Vec<&str> = found.iter().map(|own| own.grade.word()).collect();
    assert_eq!(
        words,
        ["problem", "good", "problem"],
        "512 addresses of the region's storage are let out"
    );
    assert!(taken.as_millis() < 100, "{taken:?}");
}

#[test]
fn unknown_is_no_grade_that_ends_a_run() {
    let own = group(vec![rule(100, true, "20.0.0.0/8"), rule(200, false, "*")]);
    let found = look(&[own], None, &flows(None, None)[..1], None);
    assert_eq!(found[0].grade, Grade::Unknown);
}
