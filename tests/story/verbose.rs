//! `-v` and `-v -v`: what the program does, step by step, on standard error, and never a secret.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

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

#[test]
fn a_log_file_is_added_to_is_its_owners_and_follows_no_link() {
    let machine = Machine::new();
    fs::create_dir(machine.path("source")).unwrap();
    fs::write(machine.path("source/file"), vec![5; 3_000_000]).unwrap();
    let staging = machine.adopt(&machine.path("source"), "job-1");
    let drive = "s1.img,serial=S1,size=210M";
    let prep = ["prep", "--staging", &staging, "--offline", "--drive", drive];
    let run = |more: &[&str]| machine.run(&[&prep[..], more].concat());
    std::os::unix::fs::symlink("elsewhere", machine.path("link")).unwrap();
    for name in ["link", "source", "no/folder"] {
        let refused = run(&["--log-file", name]);
        assert_eq!(refused.code, 2, "{}", refused.stderr);
        assert!(refused.stderr.contains("code: log-file "), "{}", refused.stderr);
    }
    assert!(!machine.path("elsewhere").exists() && !machine.path("s1.img").exists());
    let first = run(&["--log-file", "log", "-q"]);
    assert_eq!((first.code, first.stdout.as_str(), first.stderr.as_str()), (0, "", ""));
    let log = || fs::read_to_string(machine.path("log")).unwrap();
    let before = log();
    assert!(before.contains("step begins") && before.contains("step ends"), "{before}");
    assert_eq!(run(&["--log-file", "log"]).code, 0);
    assert!(log().starts_with(&before));
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &fs::metadata(machine.path("log")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    let password = fs::read_to_string(machine.password_file(&machine.path("staging"), "S1"));
    assert!(!log().contains(password.unwrap().trim()));
    // The call, why it failed and how it ended.
    let failed =
        machine.run(&["prep", "--staging", "nowhere", "--drive", "x", "--log-file", "log"]);
    for told in [
        "prep --staging nowhere --drive x",
        "code: not-a-staging-path",
        "ends with 10",
        "ends with 0",
    ] {
        assert!(log().contains(told), "{told}: {}", log());
    }
    assert_eq!((failed.code, failed.stderr.contains("ends with")), (10, false));
    // Nothing else becomes a log, and one that is only set stops no work.
    let journal = machine.text("staging/journals/S1.journal");
    let image = machine.text("s1.img");
    for other in [&journal, &image] {
        let before = fs::read(other).unwrap();
        assert!(run(&["--log-file", other]).stderr.contains("code: log-file "));
        let mut command = machine.command(&prep);
        let set = command.env("AZSEED_LOG_FILE", other).output().unwrap();
        let said = String::from_utf8_lossy(&set.stderr).into_owned();
        assert!(set.status.success() && said.contains("something else in it than a log"), "{said}");
        assert!(fs::read(other).unwrap() == before, "{other} was written to");
    }
}

#[test]
fn without_progress_it_is_told_what_begins_and_ends_only() {
    let machine = Machine::new();
    fs::create_dir(machine.path("source")).unwrap();
    fs::write(machine.path("source/file"), vec![5; 3_000_000]).unwrap();
    let staging = machine.adopt(&machine.path("source"), "job-1");
    let types = |drive: &str, more: &[&str]| -> Vec<String> {
        let drive = format!("{drive}.img,size=210M");
        let prep = ["prep", "--staging", &staging, "--offline", "--json", "--drive", &drive];
        let said = machine.expect(0, &[&prep[..], more].concat());
        let line = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
        said.stdout.lines().map(|text| line(text)["type"].to_string()).collect()
    };
    let with = types("a", &[]);
    machine.expect(0, &["drive", "release", "a", "--staging", &staging]);
    let without = types("b", &["--no-progress"]);
    let is_progress = |own: &&String| own.contains("progress");
    assert!(with.iter().any(|own| is_progress(&own)), "{with:?}");
    assert!(!without.iter().any(|own| is_progress(&own)) && without.len() > 3, "{without:?}");
}

/// What was asked for is printed, a deed that went well says nothing, and whatever makes the exit
/// code another than 0 is told, for a person and for a script.
#[test]
fn a_quiet_run_tells_what_was_asked_for_and_what_went_wrong() {
    let machine = Machine::new();
    fs::create_dir(machine.path("source")).unwrap();
    for name in ["one", "two"] {
        fs::write(machine.path("source").join(name), vec![5; 300_000]).unwrap();
    }
    let staging = machine.adopt(&machine.path("source"), "seed-1");
    let nothing = |words: &[&str]| {
        let said = machine.expect(0, words);
        assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("", ""), "{words:?}");
    };
    nothing(&["man", "man", "--quiet"]);
    nothing(&["man", "man", "-q", "--json"]);
    let status = machine.expect(0, &["stage", "status", "--staging", &staging, "--quiet"]);
    assert!(status.stdout.contains("seed-1") && status.stderr.is_empty(), "{}", status.stderr);
    let status = machine.expect(0, &["stage", "status", "--staging", &staging, "-q", "--json"]);
    assert!(status.stdout.contains("\"type\":\"seed\""), "{}", status.stdout);

    // Each process has this file; the kernel refuses to read it, to root as well.
    let unreadable = format!("/proc/{}/clear_refs", std::process::id());
    let stage = |flags: &[&str], staging: &str, container: &str| {
        let target = format!(
            "stage --source {unreadable} --staging {staging} --job {container} --storage-account account1 \
             --container {container} --resource-group rg --subscription {SUBSCRIPTION}"
        );
        let words: Vec<&str> = flags.iter().copied().chain(target.split(' ')).collect();
        machine.expect(3, &words)
    };
    let said = stage(&["-q"], &machine.text("second"), "second");
    assert!(said.stdout.contains(&unreadable), "{}{}", said.stdout, said.stderr);
    let said = stage(&["-q", "--json"], &machine.text("third"), "third");
    let records: Vec<_> =
        said.stdout.lines().map(|line| line.contains("\"type\":\"seed\"")).collect();
    assert_eq!(records, [true], "{}", said.stdout);
}
