//! A service that is not what it should be: lists and bodies without an end, redirects, links to
//! other hosts and to plain HTTP, answers of another form. Each ends with a code of its own, no
//! other host ever hears of the token, and nothing of an answer reaches a terminal raw.
#![allow(clippy::disallowed_methods, reason = "tests start programs and write no state files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use azseed::azure::{
    Arm, ArmOptions, Auth, BlobContainer, BlobCredential, BlobHome, BlobOptions, Container, Network,
};
use azseed::import_job::{ImportExport, JobService};
use disk_prep::noun::Diagnose;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use support::played::{Call, Played, endless, reply};
use support::program::{Machine, Said, said};

const TOKEN: &str = "MARKER-token-for-one-host-only";
const LIST: [&str; 8] = [
    "job",
    "list",
    "--subscription",
    SUBSCRIPTION,
    "--resource-group",
    "rg",
    // One of the services, so that there is one call.
    "--service",
    "import-export",
];
const SUBSCRIPTION: &str = "11111111-2222-4333-8444-555555555555";

fn run(played: &Played, words: &[&str], variables: &[(&str, &str)]) -> Said {
    let machine = Machine::new();
    let mut command = machine.command(words);
    command
        .env("AZSEED_ARM_ENDPOINT", played.url(""))
        .env("AZSEED_AUTHORITY", played.url(""))
        .env("AZSEED_BLOB_ENDPOINT", played.url(""))
        .env("AZSEED_CA_FILE", played.ca_file())
        .env("AZSEED_PATIENCE", "1s");
    match variables {
        [] => command.env("AZSEED_TOKEN", TOKEN),
        own => command.envs(own.iter().copied()),
    };
    let said = said(command.output().unwrap());
    assert!(!format!("{said:?}").contains("MARKER"), "the token is told: {said:?}");
    said
}

/// The exit code and the code of the error, and that nothing was listed.
#[track_caller]
fn expect(said: &Said, code: i32, name: &str) {
    let told = said.stdout.lines().last().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let told = told.unwrap_or_else(|| panic!("{}", said.stderr));
    assert_eq!((said.code, told["code"].as_str()), (code, Some(name)), "{said:?}");
    assert_eq!(said.stdout.lines().count(), 1, "{}", said.stdout);
}

type Play = Box<dyn Fn(&Call, &mut dyn Write) -> io::Result<()> + Send + Sync>;

fn body(status: u16, headers: &'static str, body: impl Into<Vec<u8>>) -> Play {
    let body = body.into();
    Box::new(move |_, to| reply(to, status, headers, &body))
}

#[test]
fn a_list_or_an_answer_without_an_end_is_given_up() {
    let job = json!({"name": "job-1", "properties": {}});
    let itself: Play = Box::new(|call, to| {
        let host = &call.headers["host"];
        let next = format!("https://{host}{}?{}", call.path, call.query);
        reply(to, 200, "", json!({"value": [], "nextLink": next}).to_string().as_bytes())
    });
    let page = AtomicUsize::new(0);
    let fresh: Play = Box::new(move |call, to| {
        let (host, page) = (&call.headers["host"], page.fetch_add(1, Ordering::Relaxed));
        let next = format!("https://{host}{}?{}&page={page}", call.path, call.query);
        reply(to, 200, "", json!({"value": [job], "nextLink": next}).to_string().as_bytes())
    });
    let cases: Vec<(Play, i32, &str, usize)> = vec![
        (itself, 1, "azure-list-endless", 2),
        (fresh, 1, "azure-list-endless", 1000),
        (Box::new(|_, to| endless(to, 200, &[b' '; 1 << 16])), 1, "azure-answer-too-large", 1),
        (Box::new(|_, to| endless(to, 403, &[b' '; 1 << 16])), 1, "azure-answer-too-large", 1),
        (
            Box::new(|_, to| {
                write!(to, "HTTP/1.1 200 A\r\ncontent-length: 99999999999999\r\n\r\n{{")
            }),
            1,
            "azure-answer-too-large",
            1,
        ),
    ];
    for (play, code, name, calls) in cases {
        let played = Played::start(play);
        let said = run(&played, &[&LIST[..], &["--json"]].concat(), &[]);
        expect(&said, code, name);
        assert_eq!(played.calls().len(), calls, "{name}");
    }
}

#[test]
fn an_answer_of_another_form_is_an_error_that_does_not_repeat_it() {
    let long = format!("[{}", "[".repeat(1 << 20));
    for text in [
        "",
        "<html>sign in here</html>",
        "{\"value\": [",
        "{\"value\": \"MARKER\"}",
        "{\"value\": [{\"name\": 7, \"properties\": {}}]}",
        "{\"value\": [{\"name\": \"j\", \"properties\": {\"percentComplete\": \"MARKER\"}}]}",
        "{\"value\": [{\"name\": \"j\", \"properties\": {\"percentComplete\": 999}}]}",
        "{\"value\": [{}]}",
        "{\"value\": [], \"nextLink\": \"no address\"}",
        "{\"value\": [], \"nextLink\": 7}",
        "\u{feff}null",
        long.as_str(),
    ] {
        let played = Played::start(body(200, "", text));
        expect(&run(&played, &[&LIST[..], &["--json"]].concat(), &[]), 1, "azure-answer");
    }
    // A page to log in at is no answer of Azure, whatever status it has.
    for status in [200, 403, 404] {
        let played = Played::start(body(status, "content-type: text/html\r\n", "<html>"));
        expect(&run(&played, &[&LIST[..], &["--json"]].concat(), &[]), 14, "azure-answer");
    }
    // Said to be compressed: what it says is taken as it stands, so nothing can blow up.
    let bomb = [&[0x1f, 0x8b, 8, 0][..], &[0; 4096]].concat();
    let played = Played::start(body(200, "content-encoding: gzip\r\n", bomb));
    expect(&run(&played, &[&LIST[..], &["--json"]].concat(), &[]), 1, "azure-answer");
    let asked = played.calls();
    assert!(!asked[0].headers.contains_key("accept-encoding"), "{asked:?}");
}

/// An error and all its causes, for a person and for whoever debugs.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = format!("{error} {error:?}");
    let mut next = error.source();
    while let Some(cause) = next {
        text += &format!(" {cause} {cause:?}");
        next = cause.source();
    }
    text
}

#[test]
fn keys_of_another_form_are_not_repeated() {
    let keys = |text: &str| {
        let played = Played::start(body(200, "", text));
        let arm = Arm::open(&ArmOptions {
            audience: "https://management.azure.com".parse().unwrap(),
            endpoint: played.url("").parse().unwrap(),
            authority: played.url("").parse().unwrap(),
            auth: Auth { kind: None, token: Some(TOKEN.to_owned().into()) },
            network: Network { ca_file: Some(played.ca_file()), ..Network::default() },
        });
        let group = "rg".parse().unwrap();
        let service = ImportExport::new(arm.unwrap(), SUBSCRIPTION.parse().unwrap(), group);
        let keys = service.keys(&"job-1".parse().unwrap());
        assert!(played.calls()[0].path.ends_with("/jobs/job-1/listBitLockerKeys"));
        keys
    };
    for text in [
        "\"MARKER\"",
        "{\"value\": \"MARKER\"}",
        "{\"value\": [\"MARKER\"]}",
        "{\"value\": [{\"driveId\": \"S\", \"bitLockerKey\": {\"MARKER\": 1}}]}",
        "{\"value\": [{\"driveId\": \"S\", \"bitLockerKey\": [\"MARKER\"]}]}",
        "{\"value\": [{\"driveId\": {\"a\": \"MARKER\"}, \"bitLockerKey\": \"MARKER\"}]}",
        "{\"value\": [{\"driveId\": \"S\", \"bitLockerKey\": \"MARKER\"}, \"MARKER\"]}",
        "{\"value\": [{\"driveId\": \"S\", \"bitLockerKey\": \"MARKER",
        "{\"value\": [{\"bitLockerKey\": \"MARKER\"}]}",
        "{\"value\": {\"MARKER\": \"MARKER\"}}",
    ] {
        let error = keys(text).unwrap_err();
        assert_eq!(error.code(), "azure-answer", "{text}");
        let told = told(&error);
        assert!(!told.contains("MARKER"), "{text}: {told}");
    }
    let whole = "{\"value\": [{\"driveId\": \"S\", \"bitLockerKey\": \"MARKER\"}]}";
    let keys = keys(whole).unwrap();
    assert_eq!((keys.len(), keys[0].password.expose_secret()), (1, "MARKER"));
    assert!(!format!("{keys:?}").contains("MARKER"));
}

#[test]
fn no_other_host_and_no_plain_http_ever_hears_of_a_token() {
    let foreign = Played::start(body(200, "", "{\"value\": []}"));
    let (away, asked) = (foreign.url("/x?sig=MARKER"), foreign.ca_file());
    let location = |url: &str| -> &'static str {
        format!("location: {url}\r\nazure-asyncoperation: {url}\r\nretry-after: 0\r\n").leak()
    };
    let plain =
        |call: &Call| format!("http://{}{}?{}", call.headers["host"], call.path, call.query);
    let link = |next: String| json!({"value": [], "nextLink": next}).to_string();
    let to_foreign = link(away.clone());
    let cases: Vec<(Play, &str)> = vec![
        (body(200, "", to_foreign), "azure-foreign-link"),
        (
            Box::new(move |call, to| reply(to, 200, "", link(plain(call)).as_bytes())),
            "azure-foreign-link",
        ),
        (body(302, location(&away), ""), "azure-redirect"),
        (body(307, location(&away), ""), "azure-redirect"),
        (body(308, location("http://localhost/x"), ""), "azure-redirect"),
        (body(301, "", ""), "azure-redirect"),
        (body(202, location(&away), ""), "azure-answer"),
        (body(201, location(&away), "{}"), "azure-answer"),
    ];
    for (play, name) in cases {
        let played = Played::start(play);
        let mut words = LIST.to_vec();
        words.push("--json");
        let machine = Machine::new();
        // Both certificates are trusted, so that only our own rule keeps the token here.
        let both = [std::fs::read(played.ca_file()).unwrap(), std::fs::read(&asked).unwrap()];
        std::fs::write(machine.path("both.pem"), both.concat()).unwrap();
        let mut command = machine.command(&words);
        command
            .env("AZSEED_ARM_ENDPOINT", played.url(""))
            .env("AZSEED_CA_FILE", machine.path("both.pem"))
            .env("AZSEED_TOKEN", TOKEN);
        let said = said(command.output().unwrap());
        assert!(!format!("{said:?}").contains("MARKER"), "{said:?}");
        expect(&said, 1, name);
        assert_eq!(played.calls().len(), 1, "{name}");
    }
    assert!(foreign.calls().is_empty(), "{:?}", foreign.calls());
}

/// What the authority answers a program that it does not let in.
fn refused(text: &str) -> Play {
    let said = json!({"error": "invalid_client", "error_description": text});
    body(401, "", said.to_string())
}

#[test]
fn a_sign_in_is_bounded_and_follows_nobody() {
    let principal = [
        ("AZURE_TENANT_ID", SUBSCRIPTION),
        ("AZURE_CLIENT_ID", SUBSCRIPTION),
        ("AZURE_CLIENT_SECRET", "MARKER-client-secret"),
    ];
    let away = "location: https://localhost:1/?sig=MARKER\r\n";
    let words = [&LIST[..], &["--json"]].concat();
    let cases: Vec<(Play, i32, &str)> = vec![
        (body(302, away, ""), 1, "azure-redirect"),
        (Box::new(|_, to| endless(to, 200, &[b' '; 1 << 16])), 1, "azure-answer-too-large"),
        (body(200, "", "{\"access_token\": 5}"), 12, "sign-in-refused"),
        (body(200, "", "no JSON"), 12, "sign-in-refused"),
        (
            body(401, "", "{\"error_description\": \"MARKER-client-secret is \\u001b[31mwrong\"}"),
            12,
            "sign-in-refused",
        ),
        (refused("AADSTS7000215: Invalid client secret provided."), 12, "client-secret-wrong"),
        (
            refused("AADSTS7000222: The provided client secret keys are expired."),
            12,
            "client-secret-over",
        ),
        (refused("AADSTS90002: Tenant 'x' not found."), 12, "tenant-unknown"),
        (refused("AADSTS700016: Application 'x' was not found."), 12, "application-unknown"),
        (refused("AADSTS70002: AADSTS7000215 is told elsewhere."), 12, "sign-in-refused"),
        (body(200, "content-type: text/html\r\n", "<html>"), 14, "azure-answer"),
    ];
    for (play, code, name) in cases {
        let played = Played::start(play);
        expect(&run(&played, &words, &principal), code, name);
        assert_eq!(played.calls().len(), 1);
    }
    // A lifetime that no clock can count is no reason to fall over.
    let token = format!("{{\"access_token\": \"{TOKEN}\", \"expires_in\": {}}}", u64::MAX);
    let played = Played::start(move |call, to| match call.path.ends_with("/token") {
        true => reply(to, 200, "", token.as_bytes()),
        false => reply(to, 200, "", b"{\"value\": []}"),
    });
    assert_eq!(run(&played, &words, &principal).code, 0);
    assert_eq!(played.calls().len(), 2);
}

#[test]
fn a_refusal_of_the_service_has_its_code_and_a_failure_is_tried_again_first() {
    let again = "retry-after: 0\r\n";
    for (status, code, name, calls) in [
        (401, 12, "azure-token-refused", 1),
        (403, 12, "azure-not-allowed", 1),
        (404, 10, "azure-not-found", 1),
        (400, 13, "azure-refused", 1),
        (409, 13, "azure-refused", 1),
        (429, 14, "azure-failing", 5),
        (500, 14, "azure-failing", 5),
        (503, 14, "azure-failing", 5),
    ] {
        let fault = "{\"error\": {\"code\": \"Word\", \"message\": \"a rule\"}}";
        let played = Played::start(body(status, again, fault));
        let said = run(&played, &[&LIST[..], &["--json"]].concat(), &[]);
        expect(&said, code, name);
        assert!(calls > 1 || said.stdout.contains("a rule"), "{}", said.stdout);
        assert_eq!(played.calls().len(), calls, "{status}");
    }
}

#[test]
fn an_error_tells_the_call_once_and_how_often_it_was_tried() {
    let words = [&LIST[..], &["--json"]].concat();
    for (status, headers, tries) in [(503, "retry-after: 0\r\n", ", 5 tries in 0 s"), (409, "", "")]
    {
        let played = Played::start(body(status, headers, ""));
        let said = run(&played, &words, &[]);
        let told: Value = serde_json::from_str(said.stdout.lines().last().unwrap()).unwrap();
        let path = format!("subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers");
        let call = format!("GET {}/{path}/Microsoft.ImportExport/jobs{tries}", played.url(""));
        assert_eq!(told["causes"], json!([call]), "{told}");
    }
}

#[test]
fn a_pause_that_is_longer_than_a_call_waits_is_told_and_not_shortened() {
    let date =
        "date: Thu, 01 Jan 2026 00:00:00 GMT\r\nretry-after: Thu, 01 Jan 2026 01:00:00 GMT\r\n";
    for headers in [
        "retry-after: 3600\r\n",
        date,
        "retry-after-ms: 3600000\r\n",
        "x-ms-retry-after-ms: 3600000\r\n",
    ] {
        let played = Played::start(body(429, headers, ""));
        let said = run(&played, &[&LIST[..], &["--json"]].concat(), &[]);
        expect(&said, 14, "azure-asked-to-wait");
        assert!(said.stdout.contains("3600 s"), "{}", said.stdout);
        assert_eq!(played.calls().len(), 1);
        let (listed, calls) = list(body(503, headers, ""));
        assert_eq!((listed, calls), (Err("azure-asked-to-wait".to_owned()), 1));
    }
}

#[test]
fn a_check_of_a_service_that_throttles_ends_soon_and_says_what_is_not_known() {
    let played = Played::start(body(429, "retry-after: 120\r\n", ""));
    let look = ["check", "azure", "--for=vm", "--json", "--patience=10m", "--subscription"];
    let begun = std::time::Instant::now();
    let said = run(&played, &[&look[..], &[SUBSCRIPTION]].concat(), &[]);
    assert!(begun.elapsed().as_secs() < 20, "{said:?}");
    let found: Vec<Value> =
        said.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let own = found.iter().find(|own| own["id"] == "azure-subscription").unwrap();
    assert_eq!(own["verdict"], "unknown", "{own}");
    let facts = own["facts"].as_str().unwrap();
    assert!(facts.contains("asks for a pause of 120 s"), "{facts}");
    assert!(facts.contains("run the same command again when that time is over"), "{facts}");
    assert_eq!(said.code, 0, "nothing is known to be wrong: {said:?}");
}

#[test]
fn escape_sequences_of_a_service_stay_letters() {
    let message = "\\u001b]0;owned\\u0007 \\u009b2J \\u202egnp.exe\\nerror: forged";
    let fault =
        format!("{{\"error\": {{\"code\": \"Bad\\u001b[2J\", \"message\": \"{message}\"}}}}");
    let played = Played::start(body(409, "", fault));
    for more in [&[][..], &["--json"], &["-v", "-v"]] {
        let said = run(&played, &[&LIST[..], more].concat(), &[]);
        assert_eq!(said.code, 13, "{said:?}");
        let all = said.stdout + &said.stderr;
        let raw = |c: char| disk_prep::noun::is_command(c) && c != '\n';
        assert!(all.contains("owned") && !all.contains(raw), "{all:?}");
        assert!(!all.lines().any(|line| line.starts_with("error: forged")), "{all}");
    }
}

/// Lists a container of a service that answers so.
fn list(play: Play) -> (Result<usize, String>, usize) {
    let played = Played::start(play);
    let options = BlobOptions {
        account: "account1".parse().unwrap(),
        home: BlobHome::Endpoint(played.url("").parse().unwrap()),
        authority: played.url("").parse().unwrap(),
        network: Network { ca_file: Some(played.ca_file()), ..Network::default() },
        credential: BlobCredential::Sas("sv=1&sig=MARKER".to_owned().into()),
        limit: None,
    };
    let container = BlobContainer::open(&options, "container".parse().unwrap()).unwrap();
    let listed = container.list("repo/").map(|all| all.len()).map_err(|error| {
        let text = told(&error);
        assert!(!text.contains("MARKER"), "{text}");
        error.code().to_owned()
    });
    (listed, played.calls().len())
}

fn page(names: &[&str], next: &str) -> String {
    let blob = |name: &&str| {
        format!(
            "<Blob><Name>{name}</Name><Properties><Content-Length>1</Content-Length>\
             </Properties></Blob>"
        )
    };
    let blobs: String = names.iter().map(blob).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults ContainerName=\"c\">\
         <Blobs>{blobs}</Blobs><NextMarker>{next}</NextMarker></EnumerationResults>"
    )
}

#[test]
fn a_list_of_blobs_is_bounded_like_any_other() {
    const XML: &str = "content-type: application/xml\r\nx-ms-request-id: 1\r\n";
    let count = Arc::new(AtomicUsize::new(0));
    let number = move || count.fetch_add(1, Ordering::Relaxed);
    let other = number.clone();
    let cases: Vec<(Play, &str, usize)> = vec![
        (body(200, XML, page(&["a"], "again")), "azure-list-endless", 2),
        (body(200, XML, page(&[], "again")), "azure-list-endless", 2),
        (
            Box::new(move |_, to| {
                reply(to, 200, XML, page(&[], &format!("m{}", number())).as_bytes())
            }),
            "azure-list-endless",
            1000,
        ),
        (
            Box::new(move |_, to| {
                reply(to, 200, XML, page(&["same"], &format!("m{}", other())).as_bytes())
            }),
            "azure-list-endless",
            2,
        ),
        (Box::new(|_, to| endless(to, 200, &[b' '; 1 << 20])), "azure-answer-too-large", 1),
        (Box::new(|_, to| endless(to, 403, &[b' '; 1 << 16])), "azure-answer-too-large", 1),
        (body(302, "location: https://localhost:1/?sig=MARKER\r\n", ""), "azure-redirect", 1),
        (body(200, XML, "no XML"), "azure-answer", 1),
        (body(200, XML, "<EnumerationResults><Blobs><Blob>"), "azure-answer", 1),
        // Well formed, and of nobody who says that it is the service.
        (body(200, "content-type: application/xml\r\n", page(&[], "")), "azure-answer", 1),
        (body(404, "content-type: text/plain\r\n", "no such page"), "azure-answer", 1),
    ];
    for (play, name, calls) in cases {
        let (listed, asked) = list(play);
        assert_eq!((listed, asked), (Err(name.to_owned()), calls));
    }
    let (listed, _) = list(Box::new(|call, to| {
        let last = call.query.contains("marker=two");
        let text = if last { page(&["b"], "") } else { page(&["a"], "two") };
        reply(to, 200, XML, text.as_bytes())
    }));
    assert_eq!(listed, Ok(2), "a list of two pages is still read");
}
