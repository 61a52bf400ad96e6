//! Who is signed in and what that reaches, seen from outside: each way to sign in and each way it
//! fails, subscriptions and providers, and that nothing wrong in Azure costs a drive.
#![allow(clippy::disallowed_methods, reason = "tests start programs and write no state files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use support::emulator::Emulator;
use support::played::{Played, reply};
use support::program::{Machine, Said, files_below, said};

const SUBSCRIPTION: &str = "11111111-2222-4333-8444-555555555555";
const STATUS: [&str; 3] = ["auth", "status", "--json"];

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

/// The objects that were printed.
fn objects(said: &Said) -> Vec<Value> {
    said.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[track_caller]
fn refused(said: &Said, code: i32, name: &str) -> String {
    let told = objects(said).pop().unwrap_or_else(|| panic!("{}", said.stderr));
    assert_eq!((said.code, told["code"].as_str()), (code, Some(name)), "{said:?}");
    format!("{} {}", told["message"], told["hint"])
}

/// The program, told where the emulated Azure is, without any sign-in.
fn nobody(emulator: &Emulator, machine: &Machine, words: &[&str]) -> Command {
    let mut command = emulator.command(machine, words);
    command.env_remove("AZSEED_TOKEN");
    command
}

fn run(command: &mut Command) -> Said {
    said(command.output().unwrap())
}

/// A token of the form of Entra's, which nobody has signed.
fn token(claims: &Value) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2ln", part(&json!({"typ": "JWT"})), part(claims))
}

#[test]
fn whoever_signs_in_is_told_and_the_token_never() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    let principal = [
        ("AZURE_TENANT_ID", SUBSCRIPTION),
        ("AZURE_CLIENT_ID", "the-application"),
        ("AZURE_CLIENT_SECRET", "MARKER-secret"),
    ];
    fs::write(machine.path("federated"), "MARKER.federated.token").unwrap();
    let federated = machine.text("federated");
    let workload = [principal[0], principal[1], ("AZURE_FEDERATED_TOKEN_FILE", &*federated)];
    for (more, variables, auth) in [
        (vec![], &principal[..], "environment"),
        (vec!["--auth", "environment"], &principal[..], "environment"),
        (vec![], &workload[..], "workload-identity"),
        (vec!["--auth", "workload-identity"], &workload[..], "workload-identity"),
    ] {
        let words = [&STATUS[..], &more].concat();
        let told = run(nobody(&emulator, &machine, &words).envs(variables.iter().copied()));
        assert_eq!(told.code, 0, "{told:?}");
        let own = &objects(&told)[0];
        assert_eq!((&own["auth"], &own["tenant"]), (&json!(auth), &json!(SUBSCRIPTION)));
        assert_eq!(own["application"], "the-application");
        assert!(own["until"].as_str().unwrap().ends_with('Z'), "{own}");
        assert!(!format!("{told:?}").contains("MARKER"), "{told:?}");
    }
    // A token that was given tells of itself; the variable stands back behind another kind.
    let given = emulator.expect(&machine, 0, &["auth", "status"]);
    assert!(given.stdout.contains("Signed in by  token\n"), "{}", given.stdout);
    assert!(!given.stdout.contains(emulator.fact("token")));
    let words = [&STATUS[..], &["--auth", "environment"]].concat();
    let told = run(emulator.command(&machine, &words).envs(principal));
    assert_eq!(objects(&told)[0]["auth"], "environment");
}

#[test]
fn a_sign_in_that_lacks_something_says_what() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    let status = |more: &[&str], variables: &[(&str, &str)]| {
        let words = [&STATUS[..], more].concat();
        run(nobody(&emulator, &machine, &words).envs(variables.iter().copied()))
    };
    let told = refused(&status(&[], &[]), 12, "not-signed-in");
    assert!(told.contains("az login"), "{told}");
    let tenant = ("AZURE_TENANT_ID", "t");
    for (auth, variables, missing) in [
        ("token", vec![], "AZSEED_TOKEN"),
        ("environment", vec![tenant], "AZURE_CLIENT_SECRET"),
        ("environment", vec![tenant, ("AZURE_CLIENT_SECRET", "s")], "AZURE_CLIENT_ID"),
        ("workload-identity", vec![tenant], "AZURE_FEDERATED_TOKEN_FILE"),
    ] {
        let told = refused(&status(&["--auth", auth], &variables), 12, "sign-in-incomplete");
        assert!(told.contains(missing), "{told}");
    }
    fs::write(machine.path("token"), "t").unwrap();
    fs::set_permissions(machine.path("token"), fs::Permissions::from_mode(0o600)).unwrap();
    let both = ["--auth", "azure-cli", "--token-file", "token"];
    refused(&status(&both, &[]), 2, "auth-contradicted");
    let certificate =
        [tenant, ("AZURE_CLIENT_ID", "c"), ("AZURE_CLIENT_CERTIFICATE_PATH", "token")];
    refused(&status(&[], &certificate), 2, "client-certificate-unusable");
    let over = token(&json!({"exp": 1_000_000_000, "tid": "t"}));
    let told = refused(&status(&[], &[("AZSEED_TOKEN", &over)]), 12, "azure-token-over");
    assert!(told.contains("2001-09-09") && told.contains("sign in again"), "{told}");
}

#[test]
fn the_azure_cli_is_missing_signed_out_or_answers() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    let chosen = [&STATUS[..], &["--auth", "azure-cli"]].concat();
    let run_cli = |words: &[&str], script: Option<&str>| {
        let bin = machine.path("bin");
        fs::create_dir_all(&bin).unwrap();
        if let Some(script) = script {
            fs::write(bin.join("az"), format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(bin.join("az"), fs::Permissions::from_mode(0o755)).unwrap();
        }
        let path = format!("{}:/usr/bin:/bin", bin.display());
        run(nobody(&emulator, &machine, words).env("PATH", path))
    };
    refused(&run_cli(&chosen, None), 12, "azure-cli-missing");
    let out = "echo 'Please run az login to setup account.' >&2; exit 1";
    for words in [&STATUS[..], &chosen] {
        let told = refused(&run_cli(words, Some(out)), 12, "azure-cli-signed-out");
        assert!(told.contains("az login"), "{told}");
    }
    let own = token(&json!({"upn": "ops@example.com", "tid": "t", "exp": 2_000_000_000}));
    let answer = json!({"accessToken": own, "expires_on": 2_000_000_000,
                        "expiresOn": "2033-05-18 03:33:20.000000", "tokenType": "Bearer"});
    let told = run_cli(&STATUS, Some(&format!("echo '{answer}'")));
    assert_eq!(told.code, 0, "{told:?}");
    let said = &objects(&told)[0];
    assert_eq!((&said["auth"], &said["name"]), (&json!("azure-cli"), &json!("ops@example.com")));
    assert!(!told.stdout.contains(&own));
}

#[test]
fn a_machine_of_azure_signs_in_by_itself_and_any_other_says_so_soon() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}/token", listener.local_addr().unwrap());
    let own = token(&json!({"oid": "the-machine", "exp": 2_000_000_000}));
    let body = json!({"access_token": own, "expires_on": "2000000000", "resource": "r",
                      "token_type": "Bearer"})
    .to_string();
    let asked = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
        let head: Vec<String> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
        let length = body.len();
        write!(&stream, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}").unwrap();
        head
    });
    let words = [&STATUS[..], &["--auth", "managed-identity"]].concat();
    let ask = |endpoint: &str| {
        let mut command = nobody(&emulator, &machine, &words);
        // As inside of App Service; the proxy is none for a neighbour.
        command.env("IDENTITY_ENDPOINT", endpoint).env("IDENTITY_HEADER", "MARKER-header");
        run(command.env("HTTP_PROXY", "http://127.0.0.1:1").env("AZURE_CLIENT_ID", "of-mine"))
    };
    let told = ask(&endpoint);
    assert_eq!(told.code, 0, "{told:?}");
    assert_eq!(objects(&told)[0]["principal"], "the-machine");
    let head = asked.join().unwrap();
    assert!(head[0].contains("client_id=of-mine"), "{head:?}");
    let begun = Instant::now();
    let told = refused(&ask("http://127.0.0.1:1/token"), 12, "managed-identity-missing");
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert!(told.contains("--auth") && !told.contains("MARKER"), "{told}");
}

/// Runs openssl, and returns what it says.
fn openssl(folder: &Path, words: &str) -> Vec<u8> {
    let mut openssl = Command::new("openssl");
    let output = openssl.args(words.split(' ')).current_dir(folder).stdin(Stdio::null()).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn a_certificate_proves_who_signs_in_as_openssl_reads_it() {
    let machine = Machine::new();
    let here = machine.path("");
    openssl(
        &here,
        "req -x509 -newkey rsa:2048 -nodes -subj /CN=x -days 2 -keyout key.pem -out cert.pem",
    );
    openssl(&here, "x509 -in cert.pem -pubkey -noout -out public.pem");
    let both = [fs::read(here.join("cert.pem")).unwrap(), fs::read(here.join("key.pem")).unwrap()];
    fs::write(here.join("both.pem"), both.concat()).unwrap();
    let own = token(&json!({"appid": "the-application", "exp": 2_000_000_000}));
    let body = json!({"access_token": own, "expires_in": 3600}).to_string();
    let played = Played::start(move |_, to| reply(to, 200, "", body.as_bytes()));
    let mut command = machine.command(&STATUS);
    command.env("AZSEED_ARM_ENDPOINT", played.url("")).env("AZSEED_AUTHORITY", played.url(""));
    command.env("AZSEED_CA_FILE", played.ca_file()).env("AZURE_TENANT_ID", "tenant");
    command.env("AZURE_CLIENT_ID", "the-application");
    command.env("AZURE_CLIENT_CERTIFICATE_PATH", here.join("both.pem"));
    let told = run(&mut command);
    assert_eq!((told.code, &objects(&told)[0]["auth"]), (0, &json!("environment")), "{told:?}");
    let calls = played.calls();
    assert_eq!((calls.len(), calls[0].path.as_str()), (1, "/tenant/oauth2/v2.0/token"));
    let form: Vec<(String, String)> =
        url::form_urlencoded::parse(&calls[0].body).into_owned().collect();
    let assertion = &form.iter().find(|(name, _)| name == "client_assertion").unwrap().1;
    let (text, signature) = assertion.rsplit_once('.').unwrap();
    let decode = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).unwrap();
    let parts: Vec<Value> =
        text.split('.').map(|part| serde_json::from_slice(&decode(part)).unwrap()).collect();
    assert_eq!((&parts[0]["alg"], &parts[1]["iss"]), (&json!("PS256"), &json!("the-application")));
    assert_eq!(parts[1]["aud"], played.url("/tenant/oauth2/v2.0/token"));
    fs::write(here.join("cert.der"), openssl(&here, "x509 -in cert.pem -outform DER")).unwrap();
    let digest = decode(parts[0]["x5t#S256"].as_str().unwrap());
    assert_eq!(digest, openssl(&here, "dgst -sha256 -binary cert.der"));
    fs::write(here.join("text"), text).unwrap();
    fs::write(here.join("signature"), decode(signature)).unwrap();
    openssl(
        &here,
        "dgst -sha256 -sigopt rsa_padding_mode:pss -verify public.pem -signature signature text",
    );
}

#[test]
fn subscriptions_and_providers_are_listed_and_a_registration_is_followed_to_its_end() {
    let machine = Machine::new();
    let emulator = Emulator::start_with(&machine, &["--unregistered", "Microsoft.DataBox"]);
    let listed = emulator.expect(&machine, 0, &words("subscriptions list --json"));
    let own = &objects(&listed)[0];
    assert_eq!((&own["id"], &own["usable"]), (&json!(SUBSCRIPTION), &json!(true)));
    let at = |rest: &str| format!("provider {rest} --json --subscription {SUBSCRIPTION}");
    let states = |rest: &str| -> Vec<String> {
        let said = emulator.expect(&machine, 0, &words(&at(rest)));
        objects(&said).iter().map(|own| own["state"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(states("list"), ["NotRegistered", "Registered", "Registered"]);
    // A job of a provider that is not registered is refused in Azure's words.
    let jobs =
        format!("job list --subscription {SUBSCRIPTION} --resource-group rg --service data-box");
    emulator.expect(&machine, 0, &words(&jobs));
    assert_eq!(states("register Microsoft.DataBox"), ["Registering"]);
    assert_eq!(states("register --wait"), ["Registered", "Registered"]);
    assert_eq!(states("list"), ["Registered"; 3]);
    let said = emulator.run(&machine, &words(&at("register Microsoft.Nothing")));
    refused(&said, 10, "provider-unknown");
    let other = "provider list --json --subscription 99999999-0000-4000-8000-000000000000";
    refused(&emulator.run(&machine, &words(other)), 10, "azure-no-subscription");
    emulator.expect(&machine, 2, &words(&at("register ../../x")));
    emulator.expect(&machine, 2, &["provider", "list"]);
}

#[test]
fn a_token_that_is_not_taken_is_never_answered_with_a_role_and_a_missing_right_is() {
    let machine = Machine::new();
    let fault = |code: &str| {
        json!({"error": {"code": code, "message": "as the test wants it"}}).to_string()
    };
    let group = format!("job list --json --subscription {SUBSCRIPTION} --resource-group rg");
    let register = format!("provider register --json --subscription {SUBSCRIPTION}");
    let list = "subscriptions list --json".to_owned();
    for (status, said, line, code, hint) in [
        (401, "InvalidAuthenticationToken", &group, "azure-token-refused", "sign in again"),
        (401, "ExpiredAuthenticationToken", &group, "azure-token-over", "sign in again"),
        (401, "AuthenticationFailed", &list, "azure-token-refused", "sign in again"),
        (
            403,
            "AuthorizationFailed",
            &group,
            "azure-not-allowed",
            "role Contributor on the resource",
        ),
        (403, "AuthorizationFailed", &list, "azure-not-allowed", "role Reader on the subscription"),
        (403, "AuthorizationFailed", &register, "azure-not-allowed", "role Contributor on the sub"),
        (403, "RequestDisallowedByPolicy", &group, "azure-not-allowed", "policy"),
    ] {
        let body = fault(said);
        let played = Played::start(move |_, to| reply(to, status, "", body.as_bytes()));
        let mut command = machine.command(&words(line));
        command.env("AZSEED_ARM_ENDPOINT", played.url("")).env("AZSEED_CA_FILE", played.ca_file());
        let told = run(command.env("AZSEED_TOKEN", "t"));
        let told = refused(&told, 12, code);
        assert!(told.contains(hint) && told.contains(said), "{told}");
        assert_eq!(told.contains("role"), hint.contains("role"), "{told}");
    }
}

#[test]
fn a_proxy_is_told_who_asks_and_stands_aside_where_no_proxy_says_so() {
    let machine = Machine::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (told, heard) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            told.send(head.join("\n")).unwrap();
            let _ = (&stream).write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
        }
    });
    let proxy = format!("http://somebody:MARKER-word@127.0.0.1:{port}");
    let ask = |more: &[&str], variables: &[(&str, &str)]| {
        let mut command =
            machine.command(&[&words("subscriptions list --json -v")[..], more].concat());
        command.env("AZSEED_ARM_ENDPOINT", "https://arm.example.invalid").env("AZSEED_TOKEN", "t");
        let told = run(command.envs(variables.iter().copied()));
        assert!(!format!("{told:?}").contains("MARKER"), "{told:?}");
        refused(&told, 14, "azure-unreachable");
    };
    let flag = ["--proxy", &proxy];
    ask(&flag, &[]);
    let head = heard.try_iter().last().unwrap();
    assert!(head.starts_with("CONNECT arm.example.invalid:443 "), "{head}");
    // `somebody:MARKER-word` in base64.
    assert!(
        head.to_lowercase().contains("proxy-authorization: basic c29tzwjvzhk6tufss0vslxdvcmq="),
        "{head}"
    );
    ask(&[], &[("HTTPS_PROXY", &proxy)]);
    assert!(heard.try_iter().count() > 0);
    ask(&flag, &[("NO_PROXY", "other.invalid,.example.invalid")]);
    assert_eq!(heard.try_iter().next(), None);
}

/// Two drives: a new image, and one that holds something which may be erased.
const DRIVES: &str =
    "--drive new.img,serial=N1,size=210M --drive old.img,serial=O1 --erase O1 --wipe none";

/// A staging path for a destination that differs from the usual one in these words.
fn stage(machine: &Machine, folder: &str, other: &[(&str, &str)]) {
    let usual = [
        ("--job", "job-1"),
        ("--storage-account", "account1"),
        ("--container", "seed"),
        ("--subscription", SUBSCRIPTION),
        ("--resource-group", "rg"),
        ("--location", "westeurope"),
        ("--contact", "contact.toml"),
    ];
    let mut line = vec!["stage", "adopt", "--source", "source", "--staging", folder];
    for (flag, value) in usual {
        let value = other.iter().find(|(own, _)| *own == flag).map_or(value, |(_, own)| own);
        line.extend([flag, value]);
    }
    machine.expect(0, &line);
}

fn office() -> Machine {
    let machine = Machine::new();
    fs::create_dir(machine.path("source")).unwrap();
    fs::write(machine.path("source/file"), "what is to be sent").unwrap();
    fs::write(machine.path("contact.toml"), support::CONTACT).unwrap();
    let ups = support::CONTACT.replace("FedEx", "UPS");
    fs::write(machine.path("ups.toml"), ups).unwrap();
    let old: Vec<u8> = (0..210_763_776_u32).map(|at| (at % 251) as u8).collect();
    fs::write(machine.path("old.img"), old).unwrap();
    machine
}

/// What would be different if somebody had touched it.
fn untouched(machine: &Machine) -> (Vec<u8>, i64, i64) {
    let about = fs::metadata(machine.path("old.img")).unwrap();
    (fs::read(machine.path("old.img")).unwrap(), about.mtime(), about.mtime_nsec())
}

#[test]
fn nothing_that_is_wrong_in_azure_costs_a_drive() {
    let machine = office();
    let more = ["--unregistered", "Microsoft.ImportExport", "--account-location", "westeurope"];
    let emulator = Emulator::start_with(&machine, &more);
    let before = untouched(&machine);
    let wrong = ("AZSEED_TOKEN", "wrong");
    let gone = ("AZSEED_ARM_ENDPOINT", "https://127.0.0.1:1");
    // Somebody else has made a job of this name, with another drive.
    stage(&machine, "others", &[("--job", "taken")]);
    let first = "prep --staging others --drive first.img,serial=F1,size=210M";
    emulator.expect(&machine, 0, &words(first));
    let other = "22222222-2222-4333-8444-555555555555";
    type Case<'a> = (&'a str, Vec<(&'a str, &'a str)>, Vec<(&'a str, &'a str)>, i32, &'a str);
    let cases: Vec<Case<'_>> = vec![
        ("token", vec![], vec![wrong], 12, "sign in again"),
        ("network", vec![], vec![gone], 14, "Cannot reach"),
        ("subscription", vec![("--subscription", other)], vec![], 2, "subscriptions list"),
        ("account", vec![("--storage-account", "account2")], vec![], 2, "account account2"),
        ("region", vec![("--location", "nowhere")], vec![], 2, "no region nowhere"),
        ("home", vec![("--location", "eastus")], vec![], 2, "in westeurope"),
        ("name", vec![("--job", "taken")], vec![], 13, "a job taken with other drives"),
        ("carrier", vec![("--contact", "ups.toml")], vec![], 13, "not with UPS"),
    ];
    for (folder, target, variables, code, text) in cases {
        stage(&machine, folder, &target);
        let line = format!("prep --json --staging {folder} {DRIVES}");
        let told = run(emulator.command(&machine, &words(&line)).envs(variables));
        let told = refused(&told, code, "azure-not-ready");
        assert!(told.contains(text) && !told.contains("role"), "{folder}: {told}");
        assert!(!machine.path("new.img").exists(), "{folder}: a drive was made");
        assert!(untouched(&machine) == before, "{folder}: a drive was touched");
        let journals = files_below(&machine.path(folder).join("journals"));
        assert!(journals.is_empty(), "{folder}: {journals:?}");
    }
    // Two things at once are told at once; the first of them decides.
    stage(&machine, "two", &[("--storage-account", "account2"), ("--contact", "ups.toml")]);
    let line = format!("prep --json --staging two {DRIVES}");
    let told = refused(&emulator.run(&machine, &words(&line)), 13, "azure-not-ready");
    assert!(told.contains("account account2") && told.contains("not with UPS"), "{told}");
    // A provider that is not registered names the command that mends it.
    let adopt = "stage adopt --source source --staging classic --job classic --service import-export \
                 --storage-account account1 --container seed --resource-group rg --location westeurope \
                 --contact contact.toml --subscription";
    machine.expect(0, &words(&format!("{adopt} {SUBSCRIPTION}")));
    let line = format!("prep --json --staging classic {DRIVES}");
    let told = refused(&emulator.run(&machine, &words(&line)), 13, "azure-not-ready");
    assert!(told.contains("provider register Microsoft.ImportExport"), "{told}");
    assert!(!machine.path("new.img").exists() && untouched(&machine) == before);
    // All as it must be: the same words fill the drives, and once more they find it done.
    stage(&machine, "right", &[]);
    for _ in 0..2 {
        emulator.expect(&machine, 0, &words(&format!("prep --staging right {DRIVES}")));
    }
    assert!(untouched(&machine) != before || machine.path("new.img").exists());
}

#[test]
fn a_look_at_azure_finds_each_thing_and_says_what_to_type() {
    let machine = office();
    let emulator = Emulator::start_with(&machine, &["--unregistered", "Microsoft.DataBox"]);
    stage(&machine, "seed", &[]);
    let look = |purpose: &str, more: &str, code: i32| -> Vec<Value> {
        let line = format!("check azure --for {purpose} --json {more}");
        objects(&emulator.expect(&machine, code, &words(&line)))
    };
    let verdicts = |found: &[Value]| -> Vec<String> {
        found
            .iter()
            .map(|own| format!("{} {}", own["id"], own["verdict"]).replace('"', ""))
            .collect()
    };
    let found = look("import", "--staging seed", 13);
    let provider = found.iter().find(|own| own["id"] == "azure-provider").unwrap();
    let command = provider["command"].as_str().unwrap().to_owned();
    assert_eq!(provider["verdict"], "problem");
    assert_eq!(provider["explain"], "MissingSubscriptionRegistration");
    // What it says is typed as it stands.
    emulator.expect(&machine, 0, &words(command.strip_prefix("azseed ").unwrap()));
    let found = look("import", "--staging seed", 0);
    let all = [
        "signin",
        "app-rights",
        "subscription",
        "group",
        "provider",
        "account",
        "subscription-match",
        "account-kind",
        "container",
        "container-held",
        "account-kept",
        "region",
        "job",
        // In the group, and over the account.
        "rights",
        "assignments",
        "rights",
    ];
    let good: Vec<String> = all.iter().map(|own| format!("azure-{own} good")).collect();
    assert_eq!(verdicts(&found), good);
    let vault = look("vault", "--staging seed", 0);
    assert!(verdicts(&vault).contains(&"azure-container good".to_owned()), "{vault:?}");
    assert!(!verdicts(&vault).contains(&"azure-region good".to_owned()));
    let text =
        emulator.expect(&machine, 0, &words("check azure --for import --staging seed")).stdout;
    assert!(text.ends_with("Together: 16 good, 0 warnings, 0 problems\n"), "{text}");
    let target = format!("--subscription {SUBSCRIPTION} --resource-group rg --storage-account");
    let found = look("import", &format!("{target} account9 --location westus --job free-1"), 2);
    assert!(verdicts(&found).contains(&"azure-account problem".to_owned()), "{found:?}");
    assert!(verdicts(&found).contains(&"azure-job good".to_owned()), "{found:?}");
    let contradicted = "check azure --for import --staging seed --storage-account account9";
    emulator.expect(&machine, 2, &words(contradicted));
    emulator.expect(&machine, 2, &words("check azure --for import"));
    // What is no signature is told as that, and nothing is sent.
    fs::write(machine.path("sas"), "https://x/c?sv=1&sig=MARKER").unwrap();
    fs::set_permissions(machine.path("sas"), fs::Permissions::from_mode(0o600)).unwrap();
    let found = look("vault", "--staging seed --sas-file sas", 2);
    let container = found.iter().find(|own| own["id"] == "azure-container").unwrap();
    assert_eq!(container["explain"], "sas-malformed");
    assert!(!format!("{found:?}").contains("MARKER"), "{found:?}");
    // A token that is not taken ends the look: nothing else can be known.
    let line = "check azure --for import --staging seed --json";
    let told = run(emulator.command(&machine, &words(line)).env("AZSEED_TOKEN", "wrong"));
    assert_eq!(
        (told.code, verdicts(&objects(&told))),
        (12, vec!["azure-signin problem".to_owned()])
    );
    assert!(!told.stdout.contains("role"), "{}", told.stdout);
}

#[test]
fn what_may_not_be_listed_is_told_as_not_known_and_ends_nothing() {
    let machine = Machine::new();
    let fault = json!({"error": {"code": "AuthorizationFailed", "message": "no"}}).to_string();
    let played = Played::start(move |_, to| reply(to, 403, "", fault.as_bytes()));
    let line = format!(
        "check azure --for import --subscription {SUBSCRIPTION} --resource-group rg --storage-account \
         account1 --location westus --job free-1 --json"
    );
    let mut command = machine.command(&words(&line));
    command.env("AZSEED_ARM_ENDPOINT", played.url("")).env("AZSEED_CA_FILE", played.ca_file());
    let told = run(command.env("AZSEED_TOKEN", "t"));
    assert_eq!(told.code, 0, "{told:?}");
    let found = objects(&told);
    let unknown = found.iter().filter(|own| own["verdict"] == "unknown").count();
    assert_eq!((found.len(), unknown), (11, 9), "{found:?}");
    assert!(played.calls().iter().all(|call| call.method != "PUT"));
}

#[test]
fn the_limits_that_hold_are_shown_with_where_they_are_told() {
    let machine = Machine::new();
    let all = objects(&machine.expect(0, &["limits", "show", "--json"]));
    let drives = all.iter().find(|own| own["name"] == "drives-per-job").unwrap();
    assert_eq!((&drives["value"], &drives["year"]), (&json!("10"), &json!(2026)));
    let text = machine.expect(0, &["limits", "show"]).stdout;
    assert_eq!(text.lines().count(), 2 * all.len());
    assert!(text.contains("azure-import-export 2.4 (2026)"), "{text}");
}
