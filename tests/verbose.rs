//! `-v` and `-v -v`: what the program does, step by step, on standard error, and never a secret.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

mod support;

use std::fs;
use std::process::Command;

use support::emulator::Emulator;
use support::program::{Machine, said};

const SUBSCRIPTION: &str = "11111111-2222-4333-8444-555555555555";
const CLIENT_SECRET: &str = "the-secret-of-a-service-principal";
const PASSWORD: &str = "the password of the repository";

/// Runs a command as verbosely as can be, in one way of signing in, and returns what it logged.
fn log(mut command: Command) -> String {
    let said = said(command.args(["-v", "-v"]).output().unwrap());
    assert_eq!(said.code, 0, "{}\n{}", said.stdout, said.stderr);
    said.stderr
}

#[test]
fn a_verbose_run_tells_each_call_and_step_and_never_a_secret() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    fs::create_dir(machine.path("source")).unwrap();
    fs::write(machine.path("source/file"), vec![5; 3_000_000]).unwrap();
    fs::write(machine.path("contact.toml"), support::CONTACT).unwrap();
    fs::write(machine.path("password"), format!("{PASSWORD}\n")).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(machine.path("password"), mode).unwrap();
    let words = |text: &str| -> Vec<String> { text.split(' ').map(str::to_owned).collect() };
    let by_token = |text: &str| {
        let words = words(text);
        emulator.command(&machine, &words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let by_principal = |text: &str| {
        let mut command = by_token(text);
        command.env_remove("AZSEED_TOKEN").env("AZURE_TENANT_ID", SUBSCRIPTION);
        command.env("AZURE_CLIENT_ID", SUBSCRIPTION).env("AZURE_CLIENT_SECRET", CLIENT_SECRET);
        command
    };
    let by_key = |text: &str| {
        let mut command = by_token(text);
        command.env("AZSEED_ACCOUNT_KEY", emulator.fact("account_key"));
        command
    };
    let staged = log(by_token(&format!(
        "stage --source source --staging staging --job seed-1 --storage-account account1 \
         --container seed --resource-group rg --location westus --contact contact.toml \
         --password-file password --subscription {SUBSCRIPTION}"
    )));
    assert!(staged.contains("backed up"), "{staged}");
    let prepared = log(by_principal("prep --staging staging --drive s1.img,serial=S1,size=210M"));
    for step in ["step begins", "checkpoint: flushed and journalled", "signed in"] {
        assert!(prepared.contains(step), "{step}: {prepared}");
    }
    let call = prepared.lines().find(|line| line.contains("method=\"PUT\"")).unwrap();
    for part in ["path=\"/subscriptions/", "/jobs/seed-1\"", "status=202", "id=\"", "ms="] {
        assert!(call.contains(part), "{part}: {call}");
    }
    assert!(!call.contains("api-version"), "no query: {call}");
    let mut all = vec![staged, prepared];
    all.push(log(by_token("verify --staging staging s1.img,serial=S1")));
    all.push(log(by_token("job keys --reveal --json")));
    all.push(log(by_token("job ship --carrier FedEx --tracking-number 1Z1")));
    all.push(log(by_key("vault create --vault office --staging staging")));
    all.push(log(by_token("emulator dock s1.img,serial=S1 --data azure")));
    let ran = log(by_key("vault run"));
    assert!(ran.contains("method=\"PUT\" path=\"/account1/azseed-office/repo/"), "{ran}");
    all.push(ran);
    all.push(log(by_principal("vault run --now")));
    all.push(log(by_token("vault run --now")));
    all.push(log(by_key("vault restore --target restored")));
    let said = all.concat();
    let password = fs::read_to_string(machine.password_file(&machine.path("staging"), "S1"));
    let (token, key) = (emulator.fact("token"), emulator.fact("account_key"));
    let secrets = [token, key, CLIENT_SECRET, PASSWORD, &password.unwrap(), "sig=", "Bearer"];
    for secret in secrets {
        assert!(!said.contains(secret), "{secret} is told");
    }
}
