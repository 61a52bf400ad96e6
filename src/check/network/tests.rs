//! Each step of a way as it may be met, and the one finding that it is.

use std::net::IpAddr;
use std::time::Duration;

use super::*;
use crate::azure::Reason;
use crate::check::finding::Grade;

fn reason(text: &str) -> Reason {
    Reason::of(&std::io::Error::other(text))
}

fn sound(role: Role) -> Tried {
    let said = Said {
        status: match role {
            Role::Authority => 200,
            Role::Arm => 401,
            _ => 403,
        },
        is_html: false,
        asks_for_sign_in: true,
        is_of_azure: true,
        server: Some("Server".to_owned()),
        ahead: Some(SignedDuration::from_secs(-7)),
    };
    let steps = Steps {
        through: None,
        named: Named::As(vec!["10.0.0.4".parse::<IpAddr>().unwrap()]),
        opened: Some(Opened::In(Duration::from_millis(12))),
        tunnel: None,
        secured: Some(Secured::By { issuer: "CN=Office".to_owned() }),
        said: Some(Ok(said)),
    };
    Tried { role, place: "account1.test".to_owned(), steps }
}

/// What is not good of a way, and all that is said of it.
fn bad(tried: &Tried) -> (Vec<(&'static str, &'static str)>, String) {
    let found = way(tried);
    let text = format!("{found:?}");
    let bad = found.into_iter().filter(|own| own.grade != Grade::Good);
    (bad.map(|own| (own.what, own.grade.word())).collect(), text)
}

#[test]
fn what_is_met_on_a_good_day_is_good() {
    for role in [Role::Authority, Role::Arm, Role::Blobs] {
        let (bad, text) = bad(&sound(role));
        assert!(bad.is_empty(), "{text}");
        assert_eq!(text.contains("private endpoint"), role == Role::Blobs);
        assert!(text.contains("7 s behind"), "{text}");
    }
    let port = Steps { secured: None, said: None, ..sound(Role::Port).steps };
    assert!(bad(&Tried { steps: port, ..sound(Role::Port) }).0.is_empty());
}

#[test]
fn each_step_that_fails_is_one_finding_with_its_own_words() {
    let refused = |status, words: &str| Met::Refused { status, words: words.to_owned() };
    let secured = |own| Steps { secured: Some(own), said: None, ..sound(Role::Blobs).steps };
    let opened = |own| Steps {
        opened: Some(own),
        ..Steps { secured: None, said: None, ..sound(Role::Blobs).steps }
    };
    let named = |named| Steps { named, ..Steps::default() };
    let met = |own| Steps {
        through: Some("proxy:3128".to_owned()),
        tunnel: Some(own),
        ..Steps { secured: None, said: None, ..sound(Role::Blobs).steps }
    };
    for (steps, what, words) in [
        (named(Named::Unknown), "dns", "no name server knows account1.test"),
        (named(Named::NoAnswer), "dns", "no name server answers"),
        (opened(Opened::Refused), "tcp", "refuses connections"),
        (opened(Opened::Silent), "tcp", "a firewall or NSG drops it"),
        (opened(Opened::Unreachable), "tcp", "there is no route"),
        (opened(Opened::Failed("x".to_owned())), "tcp", "x"),
        (met(refused(407, "")), "proxy-connect", "wants user and password"),
        (met(refused(403, "Filtered")), "proxy-connect", "Filtered"),
        (met(refused(502, "odd")), "proxy-connect", "answers 502: odd"),
        (met(Met::Broken("x".to_owned())), "proxy-connect", "does not speak as a proxy"),
        (secured(Secured::UnknownIssuer { issuer: "CN=Eve".to_owned() }), "tls", "--ca-file"),
        (secured(Secured::Untimely { span: "until 2001".to_owned() }), "tls", "clock first"),
        (
            secured(Secured::OtherName { names: "b.test".to_owned() }),
            "tls",
            "certificate of b.test",
        ),
        (secured(Secured::Failed(reason("x"))), "tls", "no encrypted connection"),
    ] {
        let (bad, text) = bad(&Tried { steps, ..sound(Role::Blobs) });
        assert_eq!(bad, [(what, "problem")], "{text}");
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn an_answer_that_the_service_would_not_give_is_a_problem_and_a_bad_day_a_warning() {
    let said = |role, change: fn(&mut Said)| {
        let mut tried = sound(role);
        if let Some(Ok(said)) = &mut tried.steps.said {
            change(said);
        }
        bad(&tried)
    };
    for (role, change, verdict, words) in [
        (
            Role::Blobs,
            (|own| (own.status, own.is_html) = (200, true)) as fn(&mut Said),
            "problem",
            "login page",
        ),
        (Role::Arm, |own| own.status = 302, "problem", "login page"),
        (Role::Blobs, |own| own.is_of_azure = false, "problem", "allow list"),
        (Role::Arm, |own| own.status = 403, "problem", "allow list"),
        (Role::Arm, |own| own.status = 200, "problem", "not the service"),
        (Role::Authority, |own| own.status = 404, "problem", "not the service"),
        (Role::Authority, |own| own.status = 503, "warning", "try again later"),
    ] {
        let (bad, text) = said(role, change);
        assert_eq!(bad, [("http", verdict)], "{text}");
        assert!(text.contains(words), "{words}: {text}");
    }
    for (secs, verdict) in
        [(59, None), (-61, Some("warning")), (299, Some("warning")), (601, Some("problem"))]
    {
        let mut tried = sound(Role::Arm);
        if let Some(Ok(said)) = &mut tried.steps.said {
            said.ahead = Some(SignedDuration::from_secs(secs));
        }
        assert_eq!(bad(&tried).0.first().map(|own| own.1), verdict, "{secs}");
    }
}

fn settings(
    variables: &[(&'static str, &str)],
    is_guest: bool,
) -> Vec<(&'static str, Option<String>)> {
    let variables = variables.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    let used = Some(("proxy:3128".to_owned(), Given::Environment));
    let found = proxy_settings(&Proxies { variables, used, is_guest });
    found.into_iter().map(|own| (own.grade.word(), own.command)).collect()
}

#[test]
fn what_programs_read_in_two_ways_is_told() {
    let own = "http://proxy:3128";
    assert_eq!(settings(&[("HTTPS_PROXY", own)], false), [("good", None)]);
    assert_eq!(settings(&[("HTTPS_PROXY", own), ("https_proxy", own)], false), [("good", None)]);
    let other = [("HTTPS_PROXY", own), ("https_proxy", "http://b:1")];
    assert_eq!(settings(&other, false), [("warning", None)]);
    assert_eq!(settings(&[("https_proxy", "proxy:3128")], false), [("warning", None)]);
    let line = |text: &str| vec![("warning", Some(format!("export NO_PROXY={text}")))];
    let both = "168.63.129.16,169.254.169.254";
    assert_eq!(settings(&[("HTTPS_PROXY", own)], true), line(both));
    let some = [("HTTPS_PROXY", own), ("no_proxy", "a.test,168.63.129.16")];
    assert_eq!(settings(&some, true), line("a.test,168.63.129.16,169.254.169.254"));
    assert_eq!(settings(&[("HTTPS_PROXY", own), ("NO_PROXY", both)], true), [("good", None)]);
}

#[test]
fn a_host_that_is_kept_from_the_proxy_and_not_reached_is_told() {
    let used = Some(("proxy:3128".to_owned(), Given::Environment));
    let proxies = |no: &str, used: &Option<(String, Given)>| Proxies {
        variables: vec![("no_proxy", no.to_owned())],
        used: used.clone(),
        is_guest: false,
    };
    let with = |opened: Option<Opened>, through: Option<&str>, role: Role| {
        let through = through.map(str::to_owned);
        Tried { role, steps: Steps { opened, through, ..Steps::default() }, ..sound(role) }
    };
    let past = |own: &Proxies, tried: &Tried| past_the_proxy(own, tried).map(|own| own.facts);
    let listed = proxies("account1.test", &used);
    let lost = with(Some(Opened::Silent), None, Role::Blobs);
    let told = past(&listed, &lost).unwrap();
    assert!(told.starts_with("no_proxy keeps account1.test from the proxy"), "{told}");
    assert!(past(&listed, &with(None, None, Role::Arm)).is_some(), "its name is not even known");
    // What is reached, what goes through it, what no proxy reaches, and without one.
    let open = Some(Opened::In(Duration::from_millis(1)));
    assert_eq!(past(&listed, &with(open, None, Role::Blobs)), None);
    assert_eq!(past(&listed, &with(Some(Opened::Silent), Some("proxy:3128"), Role::Blobs)), None);
    assert_eq!(past(&listed, &with(Some(Opened::Silent), None, Role::Port)), None);
    assert_eq!(past(&proxies("", &used), &lost), None);
    assert_eq!(past(&proxies("account1.test", &None), &lost), None);
}

#[test]
fn a_machine_without_a_name_server_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let etc = folder.path().join("etc");
    std::fs::create_dir(&etc).unwrap();
    let of = |text: Option<&str>| {
        let path = etc.join("resolv.conf");
        match text {
            Some(text) => std::fs::write(path, text).unwrap(),
            None => std::fs::remove_file(path).unwrap_or_default(),
        }
        resolver(&Tree::open(folder.path()).unwrap()).grade.word()
    };
    assert_eq!(of(None), "problem");
    assert_eq!(of(Some("# nameserver 1.1.1.1\nsearch a.test\n")), "problem");
    assert_eq!(of(Some("nameserver 10.0.0.1\n")), "good");
    assert_eq!(of(Some("nameserver 168.63.129.16\n")), "warning");
    std::fs::create_dir_all(folder.path().join("var/lib/waagent")).unwrap();
    assert_eq!(of(Some("nameserver 168.63.129.16\n")), "good");
    assert_eq!(of(Some("nameserver \0\n")), "unknown");
}
