//! What is kept of a vault and when it is run: policies, schedules, units, windows, limits, metrics.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use jiff::{ToSpan, Zoned};
use serde_json::{Value, json};
use support::emulator::Emulator;
use support::program::{Machine, Said, said};
use support::seed::{run, shipped, shipped_with};
use support::tree::Dice;

/// The lines of JSON of a type.
fn lines(said: &Said, kind: &str) -> Vec<Value> {
    let lines = said.stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["type"] == kind).collect()
}

fn last(said: &Said) -> Value {
    serde_json::from_str(said.stdout.lines().last().unwrap_or_else(|| panic!("{}", said.stderr)))
        .unwrap()
}

/// Refuses with this code, and says so in JSON.
fn refused(said: &Said, exit: i32, code: &str) {
    assert_eq!((said.code, last(said)["code"].as_str()), (exit, Some(code)), "{}", said.stdout);
}

/// What the container says of its vault.
fn claim(emulator: &Emulator) -> Value {
    let text = fs::read(emulator.blob("azseed-office", "azseed/vault.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

const GFS: [&str; 4] = [
    "every day for 30 days",
    "every Sunday for 104 weeks",
    "last Sunday of the month for 120 months",
    "first Sunday of January for 99 years",
];

#[test]
fn a_policy_is_set_from_a_template_rules_or_a_file_and_stands_in_the_container() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    shipped_with(&machine, &emulator, &["--keep-daily", "7"]);
    let set = |words: &[&str]| {
        let all = [&["vault", "policy", "set", "--json"], words].concat();
        last(&emulator.expect(&machine, 0, &all))
    };
    let first = set(&["--template", "gfs-example"]);
    assert_eq!((&first["keep"], &first["added"]), (&json!(GFS), &json!(GFS)), "{first}");
    assert_eq!((&first["removed"], &first["changed"]), (&json!(["7 daily"]), &json!(true)));
    assert_eq!(claim(&emulator)["settings"]["keep"], json!(GFS));
    assert_eq!(claim(&emulator)["vault"], "Office");
    let again = set(&["--template", "gfs-example"]);
    assert_eq!((&again["changed"], &again["policy_at"]), (&json!(false), &first["policy_at"]));
    let said = set(&["--keep", "every sun for 4 weeks", "--keep-monthly", "12"]);
    assert_eq!(said["keep"], json!(["every Sunday for 4 weeks"]));
    assert_eq!(said["retention"]["monthly"], 12);
    let file = machine.text("policy.toml");
    let template = machine.expect(0, &["vault", "policy", "template", "quarter-end-audit"]).stdout;
    fs::write(&file, template).unwrap();
    let said = set(&["--file", &file]);
    let quarter = "last day of March, June, September, December for 7 years";
    assert_eq!(said["keep"], json!(["every day for 90 days", quarter]));
    let shown = machine.expect(0, &["vault", "policy", "show"]).stdout;
    assert!(shown.contains(&format!("Vault Office keeps\n  every day for 90 days\n  {quarter}\n")));

    let before = claim(&emulator);
    let refuse = |exit, code: &str, words: &[&str]| {
        let all = [&["vault", "policy", "set", "--json"], words].concat();
        refused(&emulator.run(&machine, &all), exit, code);
    };
    refuse(2, "vault-keeps-nothing", &["--keep-daily", "0"]);
    refuse(2, "policy-missing", &[]);
    refuse(2, "policy-template-unknown", &["--template", "forever"]);
    refuse(2, "policy-unreadable", &["--file", "nowhere.toml"]);
    refuse(2, "usage", &["--keep", "every day"]);
    refuse(2, "usage", &["--template", "default", "--keep-daily", "3"]);
    for (text, code) in
        [("keep = []\n", "vault-keeps-nothing"), ("keep = [\"always\"]", "policy-invalid")]
    {
        fs::write(&file, text).unwrap();
        refuse(2, code, &["--file", &file]);
    }
    assert_eq!(claim(&emulator), before);
    // Azure is away: it is kept here, and goes there with the next run.
    let away = machine.command(&["vault", "policy", "set", "--template", "default"]);
    let away = said_of(away, &[("AZSEED_BLOB_ENDPOINT", "https://127.0.0.1:9/account1")]);
    assert_eq!(away.code, 0, "{}", away.stderr);
    assert!(away.stderr.contains("gets this with the next run"), "{}", away.stderr);
    assert_eq!(claim(&emulator), before);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    run(&machine, &emulator, 0, &[]);
    assert_eq!(claim(&emulator)["settings"]["keep"], json!(["every day for 30 days"]));
}

#[test]
fn a_vault_that_is_made_again_stays_what_it_was_set_to_and_what_is_asked_otherwise_is_named() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    shipped(&machine, &emulator);
    let staging = machine.text("staging");
    let create = ["vault", "create", "--vault", "office", "--staging", &staging];
    let call = |more: &[&'static str]| [&create[..], more].concat();
    let record = || fs::read(machine.path("state/vaults/office.json")).unwrap();
    emulator.expect(&machine, 0, &["vault", "schedule", "daily 23:30"]);
    emulator.expect(&machine, 0, &["vault", "policy", "set", "--keep-daily", "7"]);
    let before = record();
    // Nothing asked, or what holds; what a variable says is not used.
    emulator.expect(&machine, 0, &create);
    emulator.expect(&machine, 0, &call(&["--schedule", "daily@23:30", "--keep-daily", "7"]));
    let again = said_of(emulator.command(&machine, &create), &[("AZSEED_SCHEDULE", "daily@01:00")]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert!(
        again.stderr.contains("AZSEED_SCHEDULE is not used: vault Office has"),
        "{}",
        again.stderr
    );
    let refused = |more: &[&'static str], told: &[&str]| {
        let said = emulator.expect(&machine, 2, &call(more)).stderr;
        assert!(said.contains("code: vault-exists"), "{said}");
        told.iter().for_each(|told| assert!(said.contains(told), "{told}: {said}"));
    };
    let schedule = "`azseed vault schedule 'every day at 02:00' --vault Office` changes it";
    let weekly = "`azseed vault policy set --keep-weekly 5 --vault Office` changes it";
    refused(&["--schedule", "daily@02:00", "--keep-weekly", "5"], &[schedule, weekly]);
    refused(&["--keep-daily", "8"], &["--keep-daily is 8, and vault Office has 7"]);
    refused(&["--vault-container", "elsewhere"], &["has azseed-office"]);
    refused(&["--adopt"], &["--adopt means account1/seed/repo/"]);
    assert_eq!(record(), before);
    // The commands that it names do it.
    emulator.expect(&machine, 0, &["vault", "schedule", "every day at 02:00", "--vault", "Office"]);
    let keep = ["vault", "policy", "set", "--keep-weekly", "5", "--vault", "Office"];
    emulator.expect(&machine, 0, &keep);
    emulator.expect(&machine, 0, &call(&["--schedule", "daily@02:00", "--keep-weekly", "5"]));
}

#[test]
fn what_is_said_of_a_vaults_seed_is_so_or_refused_and_a_list_is_of_the_vault_that_is_named() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    let staging = shipped(&machine, &emulator);
    let other = machine.text("other");
    let target = "--job job-2 --storage-account account1 --container other --resource-group rg \
                  --subscription 11111111-2222-4333-8444-555555555555";
    let adopt = ["stage", "adopt", "--source", &machine.text("source"), "--staging", &other];
    machine.expect(0, &[&adopt[..], &target.split(' ').collect::<Vec<_>>()].concat());
    let refused = |exit: i32, code: &str, words: &[&str]| {
        let told = emulator.expect(&machine, exit, words).stderr;
        assert!(told.contains(&format!("code: {code}")), "{words:?}: {told}");
    };
    for verb in [&["run", "--now"][..], &["status"], &["show"], &["set", "--exclude", "x"]] {
        let words = |more: &[&'static str]| [&["vault"][..], verb, more].concat();
        let asked = [&words(&[])[..], &["--staging", &other]].concat();
        refused(4, "staging-other-seed", &asked);
        emulator.expect(&machine, 0, &[&words(&[])[..], &["--staging", &staging]].concat());
        if verb[0] != "set" {
            refused(2, "seed-contradicted", &words(&["--storage-account", "account2"]));
            refused(2, "seed-contradicted", &words(&["--container", "elsewhere"]));
        }
    }
    let show = emulator.command(&machine, &["vault", "show"]);
    let said = said_of(show, &[("AZSEED_STAGING", &other)]);
    let told = format!("AZSEED_STAGING is not used: the seed of the vault Office is in {staging}");
    assert!(said.code == 0 && said.stderr.contains(&told), "{}", said.stderr);

    let listed = |words: &[&str]| {
        let said = emulator.expect(&machine, 0, &[&["vault", "list", "--json"], words].concat());
        said.stdout.lines().count()
    };
    // The units have them, and nothing else does.
    refused(2, "flag-without-meaning", &["vault", "schedule", "daily@02:00", "--limit", "5M"]);
    // One seed is one seed, however its path is spelled.
    std::os::unix::fs::symlink(&staging, machine.path("a-link")).unwrap();
    let link = machine.text("a-link");
    emulator.expect(&machine, 0, &["vault", "create", "--vault", "office", "--staging", &link]);
    assert_eq!((listed(&[]), listed(&["--vault", "office"])), (1, 1));
    refused(10, "vault-missing", &["vault", "list", "--vault", "nobody"]);
    refused(2, "flag-without-meaning", &["vault", "list", "--staging", &staging]);
}

fn said_of(mut command: Command, variables: &[(&str, &str)]) -> Said {
    command.env("AZSEED_TOKEN", "token").envs(variables.iter().copied());
    said(command.output().unwrap())
}

#[test]
fn the_policy_that_was_set_last_on_any_machine_holds_and_a_damaged_claim_stops_no_run() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    shipped(&machine, &emulator);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    run(&machine, &emulator, 0, &[]);
    let path = emulator.blob("azseed-office", "azseed/vault.json");
    let mut theirs = claim(&emulator);
    theirs["settings"]["keep"] = json!(["every Monday for 3 weeks"]);
    theirs["settings"]["policy_at"] = json!("2026-01-01T00:00:00Z");
    fs::write(&path, theirs.to_string()).unwrap();
    let said = emulator.expect(&machine, 0, &["vault", "run", "--now"]);
    assert!(said.stderr.contains("another machine has set the policy"), "{}", said.stderr);
    let shown = last(&emulator.expect(&machine, 0, &["vault", "policy", "show", "--json"]));
    assert_eq!(shown["keep"], json!(["every Monday for 3 weeks"]));
    // One that was set before ours is not taken.
    emulator.expect(&machine, 0, &["vault", "policy", "set", "--template", "default"]);
    fs::write(&path, theirs.to_string()).unwrap();
    let said = emulator.expect(&machine, 0, &["vault", "run", "--now"]);
    assert!(!said.stderr.contains("another machine"), "{}", said.stderr);
    assert_eq!(claim(&emulator)["settings"]["keep"], json!(["every day for 30 days"]));
    fs::write(&path, "{").unwrap();
    let said = emulator.expect(&machine, 0, &["vault", "run", "--now"]);
    assert!(said.stderr.contains("is not of the form"), "{}", said.stderr);
    assert_eq!(fs::read(&path).unwrap(), b"{");
}

#[test]
fn a_run_shows_what_it_lets_go_and_the_policy_says_why_it_keeps_the_others() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    shipped(&machine, &emulator);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    run(&machine, &emulator, 0, &[]);
    emulator.expect(&machine, 0, &["cleanup", "--yes"]);
    emulator.expect(&machine, 0, &["vault", "policy", "set", "--template", "default"]);
    let show = ["vault", "policy", "show", "--snapshots", "--json"];
    let before = lines(&emulator.expect(&machine, 0, &show), "policy-snapshot");
    let kept: Vec<&Value> = before.iter().map(|own| &own["kept"]).collect();
    assert_eq!(kept, [false, true], "of one day the last: {before:?}");
    let kinds: Vec<&Value> =
        before[1]["reasons"].as_array().unwrap().iter().map(|own| &own["kind"]).collect();
    assert_eq!(kinds, ["rule", "newest"]);
    let text = emulator.expect(&machine, 0, &["vault", "policy", "show", "--snapshots"]).stdout;
    assert!(text.contains("The policy lets go 1 of 2 snapshots"), "{text}");
    let said = emulator.expect(&machine, 0, &["vault", "run", "--now", "--json"]);
    let gone: Vec<Value> = lines(&said, "policy-snapshot");
    let shown: Vec<&Value> = gone.iter().map(|own| &own["snapshot"]).collect();
    let forgotten = last(&said)["increment"]["forgotten"].clone();
    assert_eq!(json!(shown), forgotten);
    assert_eq!(forgotten, json!([before[0]["snapshot"], before[1]["snapshot"]]));
    assert!(gone.iter().all(|own| own["kept"] == false && own["reasons"] == json!([])));
}

#[test]
fn a_simulation_is_a_calendar_of_what_is_kept_and_why() {
    let machine = Machine::new();
    let words = ["vault", "policy", "simulate", "--template", "gfs-example", "--years", "100"];
    let words = [&words[..], &["--from", "2026-11-30", "--time-zone", "UTC"]].concat();
    let said = machine.expect(0, &[&words[..], &["--json"]].concat());
    let (points, end) = (lines(&said, "policy-point"), last(&said));
    assert_eq!((&end["made"], &end["to"]), (&json!(36_524), &json!("2126-11-29")));
    assert_eq!(end["kept"], points.len());
    let of = |rule: &str| {
        let has = |own: &Value| own["message"].as_str().unwrap() == rule;
        points.iter().filter(|own| own["reasons"].as_array().unwrap().iter().any(has)).count()
    };
    assert_eq!(GFS.map(of), [30, 104, 120, 99]);
    assert_eq!(points[0]["date"], "2028-01-02", "the oldest is of a first Sunday of January");
    assert_eq!(end["years"].as_array().unwrap().len(), 101);
    let text = machine.expect(0, &words).stdout;
    assert!(
        text.contains(
            "Sun 2028-01-02 00:00  first Sunday of January for 99 years, until 2127-01-02"
        )
    );
    assert!(text.ends_with(&format!("the policy keeps {} of 36524 backups\n", points.len())));

    let refuse = |code: &str, more: &[&str]| {
        let all =
            [&["vault", "policy", "simulate", "--json", "--template", "default"], more].concat();
        refused(&machine.run(&all), 2, code);
    };
    refuse("policy-not-simulated", &["--schedule", "*-*-* 02:00"]);
    refuse("policy-beyond-calendar", &["--from", "9990-01-01"]);
    refuse("usage", &["--years", "101"]);
    refuse("usage", &["--time-zone", "Europe/Atlantis"]);
    let none = ["vault", "policy", "simulate", "--json"];
    refused(&machine.run(&none), 10, "vault-missing");
    let all =
        lines(&machine.expect(0, &["vault", "policy", "templates", "--json"]), "policy-template");
    assert_eq!(all.len(), 3);
    assert_eq!(all[0]["keep"], json!(["every day for 30 days"]));
}

/// Whether systemd takes units, without a word.
fn is_sound(folder: &Path) {
    let units = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let verify = Command::new("systemd-analyze").arg("verify").args(units).output().unwrap();
    let said = String::from_utf8_lossy(&verify.stderr).into_owned();
    // What else the machine has is none of ours.
    let ours: Vec<&str> = said.lines().filter(|line| line.contains("azseed")).collect();
    assert!(verify.status.success() && ours.is_empty(), "{said}");
}

#[test]
fn a_schedule_becomes_units_that_systemd_takes_and_that_are_closed() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    shipped(&machine, &emulator);
    let schedule = |words: &[&str]| {
        let all = [&["vault", "schedule", "--json"], words].concat();
        last(&emulator.expect(&machine, 0, &all))
    };
    let units = machine.path("units");
    fs::create_dir(&units).unwrap();
    let folder = machine.text("units");
    let set = schedule(&[
        "daily 02:30",
        "--time-zone",
        "Europe/Berlin",
        "--write-units",
        &folder,
        "--limit",
        "100Mbit",
        "--window",
        "22:00-06:00",
        "--metrics-file",
        "m/azseed.prom",
    ]);
    assert_eq!((&set["schedule"]["every"], &set["changed"]), (&json!("day"), &json!(true)));
    assert_eq!(
        (&set["time_zone"], set["next"].as_array().unwrap().len()),
        (&json!("Europe/Berlin"), 5)
    );
    assert_eq!(claim(&emulator)["settings"]["time_zone"], "Europe/Berlin");
    let timer = fs::read_to_string(units.join("azseed-vault-office.timer")).unwrap();
    for line in [
        "OnCalendar=*-*-* 02:30:00 Europe/Berlin",
        "OnCalendar=*-*-* 03:30:00 Europe/Berlin",
        "Persistent=true",
    ] {
        assert!(timer.lines().any(|own| own == line), "{timer}");
    }
    let service = fs::read_to_string(units.join("azseed-vault-office.service")).unwrap();
    let start = service.lines().find(|line| line.starts_with("ExecStart=")).unwrap();
    for part in [
        " vault run --vault Office ",
        " --limit 12500000 ",
        " --window 22:00-06:00 ",
        "/m/azseed.prom",
        " --ca-file ",
    ] {
        assert!(start.contains(part), "{start}");
    }
    assert!(!start.contains("token"), "no secret: {start}");
    let state = fs::canonicalize(machine.path("state")).unwrap();
    assert!(service.contains(&format!("ReadWritePaths=-{}\n", state.display())), "{service}");
    assert!(service.contains("\nEnvironmentFile=-/etc/azseed/office.env\n"), "{service}");
    // What signs in stands in the environment of this call, which no unit has.
    let write = ["vault", "schedule", "--write-units", &folder];
    let told = emulator.expect(&machine, 0, &write).stderr;
    for part in ["(AZSEED_TOKEN)", "/etc/azseed/office.env", "end with 12"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(!emulator.expect(&machine, 0, &["vault", "schedule"]).stderr.contains("office.env"));
    is_sound(&units);
    let closed = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--threshold=35"])
        .arg(units.join("azseed-vault-office.service"))
        .output()
        .unwrap();
    assert!(closed.status.success(), "{}", String::from_utf8_lossy(&closed.stdout));
    for when in ["mon,wed,fri 22:00", "every 4 hours", "sun 03:00", "Mon..Fri *-*-* 22:00"] {
        schedule(&[when, "--write-units", &folder]);
        is_sound(&units);
    }
    let shown = schedule(&[]);
    assert_eq!(
        (&shown["changed"], &shown["schedule"]["every"]),
        (&Value::Null, &json!("calendar"))
    );
    assert_eq!(schedule(&["Mon..Fri *-*-* 22:00"])["changed"], false);

    let removed = ["vault", "schedule", "remove", "--units", &folder, "--json"];
    let gone = last(&emulator.expect(&machine, 0, &removed));
    assert_eq!(gone["removed"].as_array().unwrap().len(), 2);
    assert_eq!(fs::read_dir(&units).unwrap().count(), 0);
    assert_eq!(last(&emulator.expect(&machine, 0, &removed))["removed"], json!([]));
}

#[test]
fn what_cannot_be_a_schedule_or_a_unit_is_refused_and_leaves_the_record() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    shipped(&machine, &emulator);
    let show = ["vault", "show", "--json"];
    let before = machine.expect(0, &show).stdout;
    let refuse = |exit, code: &str, words: &[&str]| {
        let all = [&["vault", "schedule", "--json"], words].concat();
        refused(&emulator.run(&machine, &all), exit, code);
        assert_eq!(machine.expect(0, &show).stdout, before, "{words:?}");
    };
    refuse(2, "usage", &["dayly 23:30"]);
    refuse(2, "usage", &["daily 23:30", "--time-zone", "Europe/Atlantis"]);
    refuse(2, "usage", &["daily 23:30", "--limit", "fast"]);
    refuse(2, "usage", &["daily 23:30", "--window", "22:00"]);
    refuse(2, "schedule-not-understood", &["*-*-* 99:99"]);
    refuse(2, "schedule-never", &["2020-01-01 00:00"]);
    refuse(2, "schedule-zone-twice", &["*-*-* 02:00 UTC", "--time-zone", "UTC"]);
    // No test machine was started by systemd, or it would get a timer here.
    assert!(!Path::new("/run/systemd/system").exists());
    refuse(1, "schedule-no-systemd", &["daily 23:30", "--install"]);
    refuse(1, "schedule-unit-file", &["daily 23:30", "--write-units", "/proc/none"]);
    let units = machine.path("units");
    fs::create_dir(&units).unwrap();
    let theirs = units.join("azseed-vault-office.timer");
    fs::write(&theirs, "[Timer]\n").unwrap();
    let folder = machine.text("units");
    refuse(4, "schedule-foreign-unit", &["daily 23:30", "--write-units", &folder]);
    refuse(4, "schedule-foreign-unit", &["remove", "--units", &folder]);
    refuse(2, "flag-without-meaning", &["daily 23:30", "remove", "--units", &folder]);
    assert_eq!(fs::read(&theirs).unwrap(), b"[Timer]\n");
    assert_eq!(fs::read_dir(&units).unwrap().count(), 1, "nothing half made");
    let odd = machine.text("odd\nUser=x.prom");
    refuse(
        2,
        "schedule-unit-word",
        &[
            "daily 1:00".replace(" 1", " 01").as_str(),
            "--write-units",
            &machine.text("fresh"),
            "--metrics-file",
            &odd,
        ],
    );
    assert!(!machine.path("fresh").exists());
}

#[test]
fn a_zone_that_is_not_known_is_told() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    shipped(&machine, &emulator);
    let mut command = machine.command(&["vault", "schedule"]);
    command.env("TZ", "Nowhere/City");
    let said = said(command.output().unwrap());
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(said.stderr.contains("TZ=Nowhere/City is not known here"), "{}", said.stderr);
    assert!(said.stdout.contains(" UTC\n"), "{}", said.stdout);
}

#[test]
fn the_status_and_the_metrics_say_how_the_last_run_ended() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    shipped(&machine, &emulator);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    let config = emulator.blob("seed", "repo/config");
    let aside = machine.path("aside");
    fs::rename(&config, &aside).unwrap();
    fs::rename(machine.path("staging/repo/config"), machine.path("spare")).unwrap();
    let metrics = machine.text("azseed.prom");
    let with = ["--metrics-file", metrics.as_str()];
    let value = |name: &str| {
        let text = fs::read_to_string(&metrics).unwrap();
        let start = format!("azseed_vault_{name}{{vault=\"Office\"}} ");
        text.lines().find_map(|line| line.strip_prefix(&start).map(str::to_owned))
    };
    let some = |text: &str| Some(text.to_owned());
    run(&machine, &emulator, 6, &with);
    assert_eq!((value("run_exit_code"), value("protected")), (some("6"), some("0")));
    let failed = last(&emulator.expect(&machine, 0, &["vault", "status", "--json"]));
    assert_eq!(failed["last_run"]["code"], "seed-blobs-missing", "{failed}");
    assert_eq!(failed["last_run"]["exit_code"], 6);
    let text = emulator.expect(&machine, 0, &["vault", "status"]).stdout;
    assert!(text.contains("Last failed   ") && text.contains("(seed-blobs-missing)"), "{text}");
    fs::rename(&aside, &config).unwrap();
    fs::rename(machine.path("spare"), machine.path("staging/repo/config")).unwrap();
    run(&machine, &emulator, 0, &with);
    assert_eq!((value("run_exit_code"), value("protected")), (some("0"), some("1")));
    assert!(value("backup_files").is_some() && value("due_timestamp_seconds").is_some());
    let text = emulator.expect(&machine, 0, &["vault", "status"]).stdout;
    assert!(!text.contains("Last failed") && text.contains("Next run"), "{text}");
    run(&machine, &emulator, 0, &with);
    assert_eq!((value("run_exit_code"), value("backup_files")), (some("0"), None));

    let nowhere = run(&machine, &emulator, 2, &["--now", "--metrics-file", "no/azseed.prom"]);
    assert_eq!(nowhere["code"], "metrics-folder-missing");
    let full = run(&machine, &emulator, 3, &["--now", "--metrics-file", "/proc/azseed.prom"]);
    assert!(full["increment"]["snapshot"].is_string(), "the backup was made: {full}");
}

#[test]
fn outside_its_window_a_run_does_nothing_and_inside_it_does_all() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    shipped(&machine, &emulator);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    let now = Zoned::now();
    let clock = |hours: i64| now.checked_add(hours.hours()).unwrap().strftime("%H:%M").to_string();
    let (closed, open) =
        (format!("{}-{}", clock(2), clock(4)), format!("{}-{}", clock(-2), clock(2)));
    let said = run(&machine, &emulator, 6, &["--window", &closed]);
    assert_eq!(said["code"], "vault-outside-window");
    assert!(!emulator.blob("azseed-office", "repo").exists());
    assert_eq!(run(&machine, &emulator, 0, &["--window", &open])["state"], "protected");
}

#[test]
fn a_run_sends_no_faster_than_it_may() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    shipped(&machine, &emulator);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    run(&machine, &emulator, 0, &[]);
    fs::write(machine.path("source/folder/new"), Dice(9).bytes(4_000_000)).unwrap();
    let began = Instant::now();
    run(&machine, &emulator, 0, &["--now", "--limit", "1M"]);
    // The first body goes at once, and has at most half a second of the line.
    assert!(began.elapsed() >= Duration::from_millis(3_400), "{:?}", began.elapsed());
    emulator.expect(&machine, 0, &["vault", "restore", "--target", "restored"]);
    assert!(support::seed::is_equal(&machine, "restored"));
}
