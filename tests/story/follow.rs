//! A job followed by people, cron and programs: hooks, clocks that the datacenter's time moves, the
//! one page of `status`, and drives that are free again.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use support::emulator::Emulator;
use support::program::{Machine, Said, said};
use support::seed;

/// A program that writes down what it was told and all that it finds around it.
const HOOK: &str = "#!/bin/sh\n{ echo \"$AZSEED_EVENT\"; env | sort; echo .; cat; } >> OUT\n";

/// Puts a hook under both keys and returns the configuration file.
fn hooked(machine: &Machine, script: &str) -> String {
    let (program, file) = (machine.text("hook"), machine.text("config.toml"));
    fs::write(&program, script.replace("OUT", &machine.text("told"))).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(&file, format!("on-event = [\"{program}\"]\nbefore = [\"{program}\"]\n")).unwrap();
    file
}

fn with_hook(machine: &Machine, emulator: &Emulator, words: &[&str]) -> Said {
    let mut command = emulator.command(machine, words);
    let file = machine.path("config.toml");
    if file.exists() {
        command.env("AZSEED_CONFIG", file);
    }
    said(command.output().unwrap())
}

/// What the hook was told since the last look.
fn told(machine: &Machine) -> Vec<Value> {
    let text = fs::read_to_string(machine.path("told")).unwrap_or_default();
    let _ = fs::remove_file(machine.path("told"));
    let lines = text.lines().filter(|line| line.starts_with('{'));
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn names(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["event"].as_str().unwrap()).collect()
}

/// A seed of plain files of this service, on the drive S1, with its job; its staging path.
fn made(machine: &Machine, emulator: &Emulator, service: &str) -> String {
    fs::create_dir(machine.path("source")).unwrap();
    fs::write(machine.path("source/file"), b"content").unwrap();
    let staging = machine.adopt_for(&machine.path("source"), "parcel", service);
    let drive = "s1.img,serial=S1,size=210M";
    let prep = ["prep", "--staging", &staging, "--drive", drive, "--location", "westus"];
    let said = with_hook(machine, emulator, &prep);
    assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
    staging
}

fn ship(machine: &Machine, emulator: &Emulator) -> Said {
    with_hook(machine, emulator, &["job", "ship", "--carrier", "FedEx", "--tracking-number", "1Z1"])
}

#[test]
fn a_hook_hears_of_each_change_once_and_finds_nothing_of_our_environment() {
    for service in ["data-box", "import-export"] {
        let machine = Machine::new();
        let emulator = Emulator::start(&machine);
        hooked(&machine, HOOK);
        made(&machine, &emulator, service);
        let text = fs::read_to_string(machine.path("told")).unwrap();
        assert!(text.starts_with("drive-sealed\nAZSEED_EVENT=drive-sealed\n"), "{text}");
        for variable in ["AZSEED_TOKEN", "AZSEED_CONFIG", "HOME", "PATH=/usr/sbin"] {
            assert!(!text.contains(variable), "{text}");
        }
        assert!(!text.contains(emulator.fact("token")), "{text}");
        let events = told(&machine);
        assert_eq!(names(&events), ["drive-sealed", "job-made", "prep-ended"]);
        events.iter().for_each(|event| assert!(support::schema::faults(event).is_empty()));
        assert_eq!((&events[0]["serial"], &events[1]["name"]), (&json!("S1"), &json!("parcel")));
        assert_eq!(events[1]["job"]["drives"][0]["serial"], "S1");

        let look = || {
            let said = with_hook(&machine, &emulator, &["job", "status"]);
            (said.code, told(&machine))
        };
        assert_eq!(look(), (0, vec![]), "nothing has changed");
        for (by, code, event) in
            [("+6d", 6, "soon, 7 days"), ("+4d", 6, "URGENT, 3 days"), ("+2d", 6, "URGENT, 1 day")]
        {
            // The hour makes it less than so many days and more than one day fewer.
            emulator.forward(&machine, by);
            if by == "+6d" {
                emulator.forward(&machine, "+23h");
            }
            let (ended, events) = look();
            assert_eq!((ended, names(&events)), (code, vec!["job-deadline"]), "{by}");
            let message = events[0]["message"].as_str().unwrap();
            assert!(message.contains(event), "{by}: {message}");
            assert_eq!(events[0]["job"]["clock"], "tracking");
            assert_eq!(look(), (code, vec![]), "once is enough");
        }
        assert_eq!(ship(&machine, &emulator).code, 0);
        let events = told(&machine);
        assert_eq!(names(&events)[0], "job-changed");
        let message = events[0]["message"].as_str().unwrap();
        assert!(message.contains("has the tracking number 1Z1"), "{message}");
        emulator.forward(&machine, "+2d");
        let (code, events) = look();
        assert_eq!(code, 13, "the drives are late");
        assert!(events[0]["message"].as_str().unwrap().contains("passed"), "{events:?}");
        emulator.dock(&machine, &["s1.img,serial=S1"]);
        emulator.forward(&machine, "+2d");
        let (code, events) = look();
        assert_eq!((code, names(&events)), (0, vec!["job-changed"]));
        let message = events[0]["message"].as_str().unwrap();
        assert!(message.contains("drive S1 Completed") || message.contains("drive S1 ShippedBack"));
    }
}

#[test]
fn a_hook_that_fails_is_told_and_changes_nothing_and_one_that_others_may_write_is_not_run() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    let file = hooked(&machine, "#!/bin/sh\necho no mail today >&2\nexit 9\n");
    made(&machine, &emulator, "data-box");
    let said = ship(&machine, &emulator);
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(said.stderr.contains("warning: The program of on-event"), "{}", said.stderr);
    assert!(said.stderr.contains("exit status: 9: no mail today"), "{}", said.stderr);
    hooked(&machine, HOOK);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    emulator.forward(&machine, "+15d");
    let said = with_hook(&machine, &emulator, &["job", "status"]);
    assert_eq!(said.code, 13);
    assert!(said.stderr.contains("others can write to"), "{}", said.stderr);
    assert!(told(&machine).is_empty(), "it was not run");
    fs::write(&file, "on-event = \"/bin/true\"\n").unwrap();
    let said = with_hook(&machine, &emulator, &["job", "status"]);
    assert!(said.code == 2 && said.stderr.contains("code: config-value"), "{}", said.stderr);
    fs::write(&file, format!("on-event = [\"{}\"]\n", machine.text("hook"))).unwrap();
    let shown = with_hook(&machine, &emulator, &["config", "show", "--json"]).stdout;
    let row = shown.lines().find(|line| line.contains("\"on-event\"")).unwrap();
    assert!(row.contains(&machine.text("hook")) && row.contains("config.toml"), "{row}");
}

#[test]
fn a_hook_can_keep_a_run_of_a_vault_from_beginning_and_hears_how_one_ended() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    seed::shipped(&machine, &emulator);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    let file = hooked(&machine, "#!/bin/sh\nexit 1\n");
    let run = || with_hook(&machine, &emulator, &["vault", "run"]);
    let said = run();
    assert!(said.code == 1 && said.stderr.contains("code: hook-failed"), "{}", said.stderr);
    let vault = machine.path("azure/blobs/account1/azseed-office/repo/config");
    assert!(!vault.exists(), "nothing was taken in");
    fs::write(&file, "before = [\"/no/such/program\"]\n").unwrap();
    let said = run();
    assert!(said.code == 1 && said.stderr.contains("code: hook-not-run"), "{}", said.stderr);
    hooked(&machine, HOOK);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o602)).unwrap();
    let said = run();
    assert!(said.code == 1 && said.stderr.contains("code: hook-open"), "{}", said.stderr);
    assert!(!vault.exists() && told(&machine).is_empty());
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(run().code, 0);
    assert!(vault.exists());
    let events = told(&machine);
    let right = ["vault-run-begins", "job-changed", "vault-run-ended"];
    assert_eq!(names(&events), right, "{events:#?}");
    assert_eq!(events[2]["vault"], "Office");
    // Nothing is due: that is no event.
    assert_eq!(run().code, 0);
    assert_eq!(names(&told(&machine)), ["vault-run-begins"]);
    fs::remove_dir_all(machine.path("azure/blobs/account1/azseed-office")).unwrap();
    let said = with_hook(&machine, &emulator, &["vault", "run", "--now"]);
    assert_ne!(said.code, 0);
    let events = told(&machine);
    assert_eq!(names(&events), ["vault-run-begins", "vault-run-failed"]);
    assert!(said.stderr.contains(events[1]["code"].as_str().unwrap()), "{}", said.stderr);
}

/// The page, which fits its columns but for what has no blank to break at.
fn page(said: &Said) -> String {
    for line in said.stdout.lines() {
        let is_word =
            line.trim().split_once("  ").is_none_or(|(_, text)| !text.trim().contains(' '));
        let is_command = line.contains('`');
        assert!(line.chars().count() <= 80 || is_word || is_command, "{line}");
    }
    said.stdout.clone()
}

#[test]
fn one_page_tells_of_seeds_drives_jobs_and_vaults_and_what_is_next() {
    let machine = Machine::new();
    let mut emulator = Emulator::start(&machine);
    let status = |emulator: &Emulator, code, more: &[&str]| {
        emulator.expect(&machine, code, &[&["status"], more].concat())
    };
    let text = page(&status(&emulator, 0, &[]));
    assert!(text.contains("none that this machine knows") && text.contains("azseed rehearse"));
    let staging = seed::shipped(&machine, &emulator);
    let text = page(&status(&emulator, 0, &[]));
    for part in
        ["seed-1, a repository, finished", "S1 sealed", "FedEx 1Z1", "Office: seed in transit"]
    {
        assert!(text.contains(part), "{part}\n{text}");
    }
    // A second seed, and a data set without one.
    fs::create_dir(machine.path("more")).unwrap();
    fs::write(machine.path("more/file"), b"more").unwrap();
    let other = machine.text("other");
    let mut words = vec!["stage", "adopt", "--source", "more", "--staging", &other, "--job", "two"];
    words.extend(["--storage-account", "account1", "--container", "two", "--resource-group", "rg"]);
    words.extend(["--subscription", "11111111-2222-4333-8444-555555555555"]);
    machine.expect(0, &words);
    // Which of the two is meant is said by no command.
    let listed = emulator.expect(&machine, 0, &["job", "list", "--json"]).stdout;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed["name"], "seed-1");
    for words in [
        "job status",
        "job show",
        "job locations",
        "job ship --carrier FedEx --tracking-number 1Z9",
        "packing-slip",
    ] {
        let words: Vec<&str> = words.split(' ').collect();
        let said = emulator.expect(&machine, 2, &words).stderr;
        for part in ["which-job", "seed-1 in ", &format!("two in {other}"), "--job"] {
            assert!(said.contains(part), "{part} {words:?}\n{said}");
        }
    }
    emulator.expect(&machine, 0, &["job", "show", "--job", "seed-1"]);
    let text = page(&status(&emulator, 0, &[]));
    assert!(text.contains("two, files, finished") && text.contains("not made yet"), "{text}");
    assert!(text.contains(&format!("`azseed plan --staging {other} --drive-size 4T`")), "{text}");

    let said = status(&emulator, 0, &["--json"]);
    let record: Value = serde_json::from_str(&said.stdout).unwrap();
    assert!(support::schema::faults(&record).is_empty(), "{record}");
    let seeds = record["seeds"].as_array().unwrap();
    let first = seeds.iter().find(|own| own["name"] == "seed-1").unwrap();
    assert_eq!(first["drives"], json!([{"serial": "S1", "state": "sealed"}]));
    assert_eq!(
        (&first["asked"], &first["jobs"][0]["tracking_number"]),
        (&json!(true), &json!("1Z1"))
    );
    assert_eq!(first["until"], first["jobs"][0]["deadline"]);
    assert_eq!(record["vaults"][0]["state"], "seed-in-transit");
    let one = status(&emulator, 0, &["--staging", &other, "--json"]).stdout;
    assert!(one.contains("\"two\"") && !one.contains("seed-1"), "{one}");

    emulator.forward(&machine, "+15d");
    assert!(page(&status(&emulator, 13, &[])).contains("passed"), "a script hears of it");
    // A clock that was seen runs on, whoever is not asked, silent or away.
    let quiet = page(&status(&emulator, 6, &["--offline"]));
    for part in ["Azure was not asked", "FedEx 1Z1, told on", "when it was seen last", "passed"] {
        assert!(quiet.contains(part), "{part}\n{quiet}");
    }
    let said = status(&emulator, 6, &["--offline", "--json"]).stdout;
    let record: Value = serde_json::from_str(&said).unwrap();
    assert!(support::schema::faults(&record).is_empty(), "{record}");
    let seeds = record["seeds"].as_array().unwrap();
    let first = seeds.iter().find(|own| own["name"] == "seed-1").unwrap();
    assert_eq!(first["remembered"][0]["name"], "seed-1");
    assert_eq!(first["remembered"][0]["until"], first["until"]);
    assert!(first["until"].is_string());
    emulator.kill();
    let silent = page(&status(&emulator, 6, &[]));
    assert!(silent.contains("not known, Azure did not answer"), "{silent}");
    assert!(silent.contains("FedEx 1Z1, told on") && silent.contains("S1 sealed"), "{silent}");
    fs::rename(&staging, machine.path("away")).unwrap();
    let away = page(&status(&emulator, 6, &["--offline"]));
    for part in ["cannot be looked at", "two, files", "when it was seen last", "passed"] {
        assert!(away.contains(part), "{part}\n{away}");
    }
}

#[test]
fn a_status_says_what_the_log_of_a_damaged_drive_names_and_what_each_word_means() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    let staging = made(&machine, &emulator, "import-export");
    ship(&machine, &emulator);
    let mut image = fs::read(machine.path("s1.img")).unwrap();
    // The whole of the data: what is encrypted there is no longer what was written.
    let middle = image.len() / 2;
    for at in (middle..image.len() - (8 << 20)).step_by(512) {
        image[at] ^= 0xff;
    }
    fs::write(machine.path("s1.img"), image).unwrap();
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    emulator.forward(&machine, "+2d");
    let status = ["job", "status", "--staging", &staging];
    let said = emulator.run(&machine, &status);
    let text = &said.stdout;
    println!("{text}");
    assert!(text.contains("Happened") && text.contains("Means        Closed: "), "{text}");
    assert_eq!(said.code, 3, "{text}");
    assert!(
        text.contains(&format!("`azseed job repair --staging {staging} --job parcel`")),
        "{text}"
    );
}

#[test]
fn a_drive_is_free_for_another_seed_when_its_job_was_seen_at_its_end() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    let staging = made(&machine, &emulator, "data-box");
    ship(&machine, &emulator);
    fs::create_dir(machine.path("more")).unwrap();
    fs::write(machine.path("more/file"), b"more").unwrap();
    let other = machine.text("other");
    let mut words = vec!["stage", "adopt", "--source", "more", "--staging", &other, "--job", "two"];
    words.extend(["--storage-account", "account1", "--container", "two", "--resource-group", "rg"]);
    words.extend(["--subscription", "11111111-2222-4333-8444-555555555555"]);
    machine.expect(0, &words);
    let again = ["prep", "--staging", &other, "--offline", "--drive", "s1.img,serial=S1"];
    let again = [&again[..], &["--erase", "S1", "--wipe", "none"]].concat();
    let refused = machine.expect(4, &again);
    assert!(refused.stderr.contains("drive-sealed-elsewhere"), "{}", refused.stderr);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    emulator.forward(&machine, "+2d");
    machine.expect(4, &again);
    let status = emulator.expect(&machine, 0, &["job", "status", "--staging", &staging]).stdout;
    assert!(!status.contains("send the drives") && !status.contains("job ship"), "{status}");
    let prep =
        ["prep", "--staging", &staging, "--drive", "s1.img,serial=S1", "--location", "westus"];
    let said = emulator.expect(&machine, 0, &prep).stdout;
    assert!(!said.contains("Next: send the drives"), "{said}");
    machine.expect(0, &again);
}

#[test]
fn a_job_of_plain_files_comes_to_its_end_only_when_all_of_it_arrived() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    let staging = made(&machine, &emulator, "data-box");
    let cleanup = |code, more: &[&str]| {
        let words = [&["cleanup", "--job", "parcel", "--json"], more].concat();
        emulator.expect(&machine, code, &words).stdout
    };
    assert!(cleanup(4, &["--yes"]).contains("cleanup-job-goes-on"));
    ship(&machine, &emulator);
    // A drive that is in the post is not given up in silence.
    emulator.expect(&machine, 0, &["job", "status", "--staging", &staging]);
    let release = ["drive", "release", "S1", "--staging", &staging];
    let said = machine.expect(2, &release);
    for part in ["needs-yes", "was sent with job parcel"] {
        assert!(said.stderr.contains(part), "{part}: {}", said.stderr);
    }
    machine.expect(0, &["job", "keys", "--staging", &staging]);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    emulator.forward(&machine, "+2d");
    let last = |text: String| serde_json::from_str::<Value>(text.lines().last().unwrap()).unwrap();
    let blob = emulator.blob("seed", "file");
    let content = fs::read(&blob).unwrap();
    fs::remove_file(&blob).unwrap();
    assert!(cleanup(4, &["--yes"]).contains("cleanup-not-there"));
    fs::write(&blob, content).unwrap();
    let foreseen = last(cleanup(0, &["--dry-run"]));
    assert!(support::schema::faults(&foreseen).is_empty());
    assert_eq!((&foreseen["changed"], &foreseen["dry_run"]), (&json!(true), &json!(true)));
    assert!(cleanup(2, &[]).contains("needs-yes"));
    let seed = || fs::read_to_string(machine.path("staging/seed.json")).unwrap();
    assert!(seed().contains("\"finished\""), "nothing was changed so far");
    let done = last(cleanup(0, &["--yes"]));
    assert!(support::schema::faults(&done).is_empty());
    assert_eq!((&done["drives"], &done["changed"]), (&json!(["S1"]), &json!(true)));
    assert_eq!(last(cleanup(0, &[]))["changed"], false);
    let listed = machine.expect(0, &["drive", "list", "s1.img,serial=S1"]).stdout;
    assert!(!listed.contains("sealed or begun"), "{listed}");
    assert!(blob.exists() && machine.path("source/file").exists(), "nothing was deleted");
    let text = emulator.expect(&machine, 0, &["status"]).stdout;
    assert!(text.contains("nothing: all of it is where it was sent to"), "{text}");
    let prep =
        ["prep", "--offline", "--staging", &staging, "--drive", "s2.img,serial=S2,size=210M"];
    let said = machine.expect(10, &prep);
    assert!(said.stderr.contains("code: staging-cleared"), "{}", said.stderr);
    // A repository goes another way.
    let other = Machine::new();
    let emulator = Emulator::start(&other);
    seed::shipped(&other, &emulator);
    let said = emulator.expect(&other, 2, &["cleanup", "--job", "seed-1", "--yes"]);
    assert!(said.stderr.contains("code: cleanup-needs-vault"), "{}", said.stderr);
}

#[test]
fn limits_of_a_file_stand_in_place_of_ours_and_a_script_hears_of_the_difference() {
    let machine = Machine::new();
    let file = machine.path("limits.csv");
    let show = |code, text: &str, more: &[&str]| {
        fs::write(&file, text).unwrap();
        let words = [&["limits", "show", "--limits", "limits.csv"], more].concat();
        machine.expect(code, &words)
    };
    let head = "name,value,source,year\n";
    let same = show(0, &format!("{head}drives-per-job,10,a page,2027\n"), &["--json"]).stdout;
    let row = same.lines().find(|line| line.contains("\"drives-per-job\"")).unwrap();
    let row: Value = serde_json::from_str(row).unwrap();
    assert_eq!(
        (&row["source"], &row["year"], &row["kept"]),
        (&json!("a page"), &json!(2027), &json!("10"))
    );
    let other = show(3, &format!("{head}drives-per-job,20,a page,2027\n"), &[]).stdout;
    assert!(
        other.contains("20") && other.contains("commands keep to 10, which is built in"),
        "{other}"
    );
    for (text, part) in [
        (format!("{head}drives,20,a page,2027\n"), "names the limit drives"),
        ("name,value\n".to_owned(), "is no CSV"),
        (format!("{head}drives-per-job,many,a page,2027\n"), "sets drives-per-job to many"),
    ] {
        let said = show(2, &text, &[]);
        assert!(said.stderr.contains("code: limits-invalid") && said.stderr.contains(part));
    }
    fs::remove_file(&file).unwrap();
    let said = machine.expect(2, &["limits", "show", "--limits", "limits.csv"]);
    assert!(said.stderr.contains("code: limits-unreadable"), "{}", said.stderr);
}

#[test]
fn words_find_what_a_code_or_a_state_means() {
    let machine = Machine::new();
    let explain = |code, words: &[&str]| machine.expect(code, &[&["explain"], words].concat());
    let state = explain(0, &["CompletedMoreInfo"]).stdout;
    assert!(state.contains("said by the datacenter") && state.contains("job repair"), "{state}");
    assert!(explain(0, &["Shipping"]).stdout.contains("within two weeks"));
    let found = explain(0, &["tracking", "number"]).stdout;
    assert_eq!(found, explain(0, &["tracking number"]).stdout);
    assert!(found.contains("tracking-number-taken") && !found.contains("hook-failed"), "{found}");
    assert!(explain(0, &["drive", "not", "blank"]).stdout.starts_with("drive-not-blank"));
    let none = explain(10, &["drive-not-blnak"]).stderr;
    assert!(none.contains("the nearest code is drive-not-blank"), "{none}");
}

#[test]
fn an_account_in_another_group_is_named_by_its_id() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    let id = "/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/data/providers/\
              Microsoft.Storage/storageAccounts/account1";
    fs::create_dir(machine.path("source")).unwrap();
    fs::write(machine.path("source/file"), b"content").unwrap();
    fs::write(machine.path("contact.toml"), support::CONTACT).unwrap();
    let staging = machine.text("staging");
    let mut words = vec!["stage", "adopt", "--source", "source", "--staging", &staging];
    words.extend(["--job", "parcel", "--storage-account", id, "--container", "seed"]);
    words.extend(["--resource-group", "rg", "--contact", "contact.toml", "--location", "westus"]);
    words.extend(["--subscription", "11111111-2222-4333-8444-555555555555"]);
    machine.expect(0, &words);
    let kept: Value =
        serde_json::from_slice(&fs::read(machine.path("staging/seed.json")).unwrap()).unwrap();
    assert_eq!(
        (&kept["storage_account"], &kept["storage_account_id"]),
        (&json!("account1"), &json!(id))
    );
    let drive = "s1.img,serial=S1,size=210M";
    let prep = ["prep", "--staging", &staging, "--drive", drive, "--storage-account"];
    let other = id.replace("/data/", "/other/");
    let said = emulator.expect(&machine, 2, &[&prep[..], &[&other]].concat());
    assert!(said.stderr.contains("code: seed-contradicted"), "{}", said.stderr);
    assert!(!machine.path("s1.img").exists());
    emulator.expect(&machine, 0, &[&prep[..], &[id]].concat());
    let records = emulator.data().join("meta/jobs");
    let record = fs::read_dir(records).unwrap().next().unwrap().unwrap().path();
    let record = fs::read_to_string(record).unwrap();
    assert!(record.contains("resourceGroups/data/"), "{record}");
    let check = ["check", "azure", "--for", "import", "--staging", &staging, "--json"];
    let said = emulator.expect(&machine, 0, &check).stdout;
    assert!(said.contains("azure-container-held"), "{said}");
    let bad = machine.expect(2, &["job", "list", "--storage-account", "/subscriptions/1/x"]);
    assert!(bad.stderr.contains("storageAccounts/NAME"), "{}", bad.stderr);
}

/// The office, and cron: no root, no terminal, next to no environment, and nothing known of the job.
#[test]
fn without_root_and_from_cron_the_office_follows_and_ships() {
    assert!(rustix::process::geteuid().is_root(), "this test gives rights up: run it as root");
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    made(&machine, &emulator, "data-box");
    let shown = emulator.expect(&machine, 0, &["job", "show", "--json"]).stdout;
    let id = serde_json::from_str::<Value>(&shown).unwrap()["id"].as_str().unwrap().to_owned();
    let home = tempfile::Builder::new().prefix("azseed-office-").tempdir().unwrap();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = home.path().join("azseed");
    fs::copy(env!("CARGO_BIN_EXE_azseed"), &program).unwrap();
    fs::copy(emulator.fact("ca_file"), home.path().join("ca.pem")).unwrap();
    let own = home.path().join("own");
    fs::create_dir(&own).unwrap();
    std::os::unix::fs::chown(&own, Some(65534), Some(65534)).unwrap();
    let run = |code: i32, words: &[&str]| {
        let mut command = std::process::Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program);
        command.args(words).env_clear().current_dir("/").stdin(std::process::Stdio::null());
        command.env("HOME", &own).env("AZSEED_TOKEN", emulator.fact("token"));
        for (name, fact) in
            [("ARM_ENDPOINT", "arm"), ("AUTHORITY", "authority"), ("BLOB_ENDPOINT", "blob")]
        {
            command.env(format!("AZSEED_{name}"), emulator.fact(fact));
        }
        command.env("AZSEED_CA_FILE", home.path().join("ca.pem"));
        let said = said(command.output().unwrap());
        assert_eq!(said.code, code, "{words:?}\n{}\n{}", said.stdout, said.stderr);
        said.stdout
    };
    assert!(run(0, &["status"]).contains("none that this machine knows"));
    assert!(run(0, &["job", "status", "--job", &id]).contains("send the drives"));
    emulator.forward(&machine, "+8d");
    let soon = run(6, &["job", "status", "--job", &id]);
    // What is printed can be typed by whoever reads it: the id says all.
    assert!(soon.contains(&format!("`azseed job ship --job {id}")), "{soon}");
    run(0, &["packing-slip", "--job", &id]);
    run(0, &["pack", "check", "S1", "--job", &id]);
    run(0, &["job", "return-address", "--job", &id, "--phone", "+1 425 555 0199"]);
    run(0, &["job", "ship", "--job", &id, "--carrier", "FedEx", "--tracking-number", "1Z1"]);
    assert!(run(0, &["job", "status", "--job", &id]).contains("FedEx 1Z1"));
    assert!(run(0, &["limits", "show"]).contains("drives-per-job"));
    assert!(own.join(".local/state/azseed/sights").is_dir(), "it remembers what it saw");
}

#[test]
fn an_emulator_that_is_asked_for_plain_http_speaks_it() {
    use std::io::{Read, Write};
    let machine = Machine::new();
    let emulator = Emulator::start_with(&machine, &["--http"]);
    let address = emulator.fact("blob").strip_prefix("http://").unwrap().split('/').next().unwrap();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /blob HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
}
