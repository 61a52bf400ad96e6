//! The job client against the emulated `Microsoft.DataBox`: a job's whole life, what is refused and
//! when, and how the service of a job is found out.

#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]

use crate::support;

use std::fs;

use serde_json::Value;
use support::emulator::Emulator;
use support::program::{Machine, Said};

const SUBSCRIPTION: &str = "11111111-2222-4333-8444-555555555555";

/// A machine with one sealed drive for a job, and the emulator.
fn sealed(job: &str, service: &str) -> (Machine, Emulator, String) {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    let staging = seal(&machine, job, service, "S1");
    (machine, emulator, staging)
}

fn seal(machine: &Machine, job: &str, service: &str, serial: &str) -> String {
    let source = machine.path(&format!("source-{serial}"));
    fs::create_dir(&source).unwrap();
    fs::write(source.join("file"), b"content").unwrap();
    let contact = machine.text("contact.toml");
    fs::write(&contact, support::CONTACT).unwrap();
    let staging = machine.text(&format!("staging-{serial}"));
    let mut words = vec!["stage", "adopt", "--source", source.to_str().unwrap()];
    words.extend(["--staging", &staging, "--job", job, "--storage-account", "account1"]);
    words.extend(["--container", "seed", "--subscription", SUBSCRIPTION]);
    words.extend(["--resource-group", "rg", "--location", "westus", "--contact", &contact]);
    words.extend(["--service", service]);
    machine.expect(0, &words);
    let drive = format!("{},size=300M", machine.text(&format!("{serial}.img")));
    machine.expect(0, &["prep", "--staging", &staging, "--drive", &drive, "--offline"]);
    staging
}

fn line(said: &Said) -> Value {
    serde_json::from_str(said.stdout.lines().next().unwrap()).unwrap()
}

/// Whether a refusal has this code, for people or as JSON.
fn has(said: &Said, code: &str) -> bool {
    [&said.stderr, &said.stdout].iter().any(|text| text.contains(code))
}

const SHIP: [&str; 4] = ["--carrier", "FedEx", "--tracking-number", "1Z1"];

#[test]
fn a_job_lives_from_its_order_to_its_end_and_each_step_can_be_repeated() {
    let (machine, emulator, staging) = sealed("Parcel-1", "data-box");
    let job = |verb: &str, more: &[&str]| {
        let words = [&["job", verb, "--staging", &staging, "--json", "--yes"], more].concat();
        emulator.run(&machine, &words)
    };
    let made = job("create", &[]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let made = line(&made);
    assert_eq!(
        (&made["state"], &made["stage"]),
        (&"AwaitingShipmentDetails".into(), &"waiting".into())
    );
    assert_eq!((&made["service"], &made["changed"]), (&"data-box".into(), &true.into()));
    assert_eq!(made["drives"][0]["serial"], "S1");
    assert!(!made["ship_to"].as_array().unwrap().is_empty(), "{made}");
    assert!(made["id"].as_str().unwrap().contains("/Microsoft.DataBox/jobs/"));
    assert!(made["days_left"].as_i64().unwrap() >= 13, "{made}");
    let journal = fs::read_to_string(format!("{staging}/journals/S1.journal")).unwrap();
    let begun: Value = serde_json::from_str(&journal.lines().next().unwrap()[17..]).unwrap();
    let password = begun["recovery_password"].as_str().unwrap();
    assert!(!made.to_string().contains(password), "no secret in JSON");
    assert_eq!(line(&job("create", &[]))["changed"], false, "made once");

    let refused = job("delete", &[]);
    assert_eq!((refused.code, has(&refused, "job-cancel-first")), (13, true));
    let shipped = line(&job("ship", &SHIP));
    assert_eq!((&shipped["stage"], &shipped["changed"]), (&"shipped".into(), &true.into()));
    assert_eq!(
        (&shipped["carrier"], &shipped["tracking_number"]),
        (&"FedEx".into(), &"1Z1".into())
    );
    assert_eq!(line(&job("ship", &SHIP))["changed"], false, "told once");
    let second = job("ship", &["--carrier", "FedEx", "--tracking-number", "1Z2"]);
    assert!(second.code == 13 && has(&second, "job-shipped-already"), "{}", second.stderr);
    assert_eq!(job("cancel", &[]).code, 13, "not once it is on its way");

    let docked = emulator.dock(&machine, &[&machine.text("S1.img")]);
    assert!(!docked.is_empty());
    let done = line(&job("show", &[]));
    assert_eq!((&done["stage"], &done["percent"]), (&"completed".into(), &100.into()), "{done}");
    assert_eq!(done["drives"][0]["stage"], "copied");
    assert!(emulator.blob("seed", "file").exists());
    assert_eq!(job("delete", &[]).code, 0);
    assert_eq!(job("delete", &[]).code, 0, "gone is as good as deleted");
    assert_eq!(job("show", &[]).code, 10);
}

#[test]
fn a_job_that_is_cancelled_can_be_deleted_and_takes_no_parcel() {
    let (machine, emulator, staging) = sealed("parcel", "data-box");
    let job = |verb: &str, more: &[&str]| {
        emulator.run(&machine, &[&["job", verb, "--staging", &staging, "--json"], more].concat())
    };
    assert_eq!(job("create", &[]).code, 0);
    assert_eq!(job("cancel", &[]).code, 2, "in a script it is asked for with --yes");
    assert_eq!(line(&job("show", &[]))["stage"], "waiting");
    let cancelled = line(&job("cancel", &["--yes"]));
    assert_eq!((&cancelled["stage"], &cancelled["changed"]), (&"cancelled".into(), &true.into()));
    assert_eq!(line(&job("cancel", &["--yes"]))["changed"], false);
    let refused = job("ship", &SHIP);
    assert!(refused.code == 13 && has(&refused, "job-cancelled"), "{}", refused.stderr);
    assert_eq!(job("delete", &["--yes"]).code, 0);
}

#[test]
fn what_no_parcel_can_be_is_refused_before_anything_is_sent() {
    let (machine, emulator, staging) = sealed("parcel", "data-box");
    emulator.expect(&machine, 0, &["job", "create", "--staging", &staging]);
    for (more, code) in [
        (&["--carrier", " ", "--tracking-number", "1Z"][..], "shipment-blank"),
        (&["--carrier", "FedEx", "--tracking-number", ""], "shipment-blank"),
        (&[SHIP[0], SHIP[1], SHIP[2], SHIP[3], "--drive-count", "2"], "drive-count"),
        (&[SHIP[0], SHIP[1], SHIP[2], SHIP[3], "--ship-date", "2020-01-01"], "ship-date-refused"),
        (&[SHIP[0], SHIP[1], SHIP[2], SHIP[3], "--ship-date", "2099-01-01"], "ship-date-refused"),
    ] {
        let words = [&["job", "ship", "--staging", &staging], more].concat();
        let said = emulator.run(&machine, &words);
        assert_eq!((said.code, has(&said, code)), (2, true), "{more:?}: {}", said.stderr);
    }
    let shown = emulator.run(&machine, &["job", "show", "--staging", &staging, "--json"]);
    assert_eq!(line(&shown)["stage"], "waiting");
}

#[test]
fn a_job_is_found_in_whichever_service_has_it_and_both_are_told_apart() {
    let (machine, emulator, classic) = sealed("parcel", "import-export");
    emulator.expect(&machine, 0, &["job", "create", "--staging", &classic]);
    let place = ["--subscription", SUBSCRIPTION, "--resource-group", "rg"];
    let other = Machine::new();
    let show = |more: &[&str]| {
        let words = [&["job", "show", "--job", "parcel", "--json"], &place[..], more].concat();
        emulator.run(&other, &words)
    };
    assert_eq!(line(&show(&[]))["service"], "import-export", "another machine finds it out");
    assert_eq!(show(&["--service", "data-box"]).code, 10);
    let current = seal(&machine, "parcel", "data-box", "S2");
    emulator.expect(&machine, 0, &["job", "create", "--staging", &current]);
    let both = show(&[]);
    assert!(both.code == 2 && has(&both, "which-service"), "{}", both.stderr);
    assert_eq!(line(&show(&["--service", "data-box"]))["drives"][0]["serial"], "S2");
    let list = emulator.run(&other, &[&["job", "list", "--json"], &place[..]].concat());
    let services: Vec<Value> = list
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["service"].clone())
        .collect();
    assert_eq!(services, ["data-box", "import-export"]);

    // A tracking number counts once over both.
    emulator.expect(&machine, 0, &[&["job", "ship", "--staging", &classic], &SHIP[..]].concat());
    let taken =
        emulator.run(&machine, &[&["job", "ship", "--staging", &current], &SHIP[..]].concat());
    let other =
        [&["job", "ship", "--job", "parcel", "--service", "data-box"], &place[..], &SHIP].concat();
    let by_name = emulator.run(&machine, &other);
    for said in [taken, by_name] {
        assert!(said.code == 13 && has(&said, "tracking-number-taken"), "{}", said.stderr);
    }
}

#[test]
fn a_flag_that_contradicts_the_seeds_service_is_refused_and_a_variable_is_not_used() {
    let (machine, emulator, staging) = sealed("parcel", "data-box");
    let create = ["job", "create", "--staging", &staging];
    let said = emulator.run(&machine, &[&create[..], &["--service", "import-export"]].concat());
    assert!(said.code == 2 && has(&said, "seed-contradicted"), "{}", said.stderr);
    let mut command = emulator.command(&machine, &[&create[..], &["--json"]].concat());
    let output = command.env("AZSEED_SERVICE", "import-export").output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("AZSEED_SERVICE is not used"), "{told}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("data-box"));
}

#[test]
fn a_name_that_the_service_does_not_take_is_refused_when_it_is_given() {
    let machine = Machine::new();
    fs::create_dir(machine.path("source")).unwrap();
    fs::write(machine.path("source/file"), b"x").unwrap();
    let stage = |job: &str, service: &str| {
        let staging = machine.text("staging");
        let source = machine.text("source");
        let words = ["stage", "adopt", "--source", &source, "--staging", &staging, "--job", job];
        let place = ["--storage-account", "account1", "--container", "seed", "--subscription"];
        let more = [SUBSCRIPTION, "--resource-group", "rg", "--service", service];
        let said = machine.run(&[&words[..], &place, &more].concat());
        assert_eq!(machine.path("staging").exists(), said.code == 0, "{}", said.stderr);
        (said.code, has(&said, "job-name-refused"))
    };
    assert_eq!(stage("a-name-of-more-than-24-letters", "data-box"), (2, true));
    assert_eq!(stage("ab", "data-box"), (2, true));
    assert_eq!(stage("Seed-1", "import-export"), (2, true));
    assert_eq!(stage("2seed", "import-export"), (2, true));
    assert_eq!(stage("Seed-1", "data-box"), (0, false));
}

#[test]
fn data_box_tells_an_address_region_by_region_and_takes_no_modern_manifest() {
    let (machine, emulator, staging) = sealed("parcel", "data-box");
    let place = ["--subscription", SUBSCRIPTION, "--resource-group", "rg"];
    let nameless = ["job", "locations", "--service", "data-box"];
    let said = emulator.run(&Machine::new(), &[&nameless[..], &place].concat());
    assert!(said.code == 2 && has(&said, "which-region"), "{}", said.stderr);
    let locations = ["job", "locations", "--staging", &staging, "--json"];
    let own = line(&emulator.run(&machine, &locations));
    assert_eq!(own["name"], "westus", "the seed's region");
    let said = emulator.run(&machine, &[&locations[..], &["--location", "West US"]].concat());
    let region = line(&said);
    assert!(!region["address"].as_array().unwrap().is_empty(), "{region}");
    assert!(!region["carriers"].as_array().unwrap().is_empty(), "{region}");
    let drive = format!("{},size=300M", machine.text("S9.img"));
    let source = machine.text("source-S1");
    let staging = machine.text("modern");
    let mut words = vec!["stage", "adopt", "--source", &source, "--staging", &staging];
    words.extend(["--job", "modern", "--storage-account", "account1", "--container", "seed"]);
    words.extend(["--subscription", SUBSCRIPTION, "--resource-group", "rg"]);
    machine.expect(0, &words);
    let contact = machine.text("contact.toml");
    let prep = ["prep", "--staging", &staging, "--drive", &drive, "--profile", "modern"];
    machine.expect(0, &[&prep[..], &["--offline"]].concat());
    let create = ["job", "create", "--staging", &staging, "--location", "westus", "--contact"];
    let said = emulator.run(&machine, &[&create[..], &[&contact]].concat());
    assert!(said.code == 2 && has(&said, "job-profile-refused"), "{}", said.stderr);
}

#[test]
fn the_job_of_a_dataset_is_made_later_by_its_name_as_prep_says() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    fs::create_dir(machine.path("source")).unwrap();
    fs::write(machine.path("source/file"), b"content").unwrap();
    let contact = machine.text("contact.toml");
    fs::write(&contact, support::CONTACT).unwrap();
    let csv = machine.text("rows.csv");
    let rows = format!(
        "BasePath,DstItemPathOrPrefix,ItemType\n{}/,cont/x/,BlockBlob\n",
        machine.text("source")
    );
    fs::write(&csv, rows).unwrap();
    let drive = format!("{},size=300M", machine.text("S1.img"));
    let words = ["prep", "--dataset", &csv, "--job", "photos", "--storage-account", "account1"];
    let more = ["--subscription", SUBSCRIPTION, "--resource-group", "rg", "--offline"];
    let said = machine.run(&[&words[..], &more, &["--drive", &drive]].concat());
    assert_eq!(said.code, 0, "{}", said.stderr);
    let (_, next) = said.stdout.split_once("azseed job create").unwrap();
    let next = format!("job create{}", next.split_once('`').unwrap().0);
    let mut words: Vec<&str> = next.split(' ').collect();
    words.extend(["--contact", &contact, "--location", "westus", "--json"]);
    let made = line(&emulator.expect(&machine, 0, &words));
    assert_eq!((&made["name"], &made["service"]), (&"photos".into(), &"data-box".into()));
    assert_eq!(made["drives"][0]["serial"], "S1");
    assert_eq!(line(&emulator.expect(&machine, 0, &words))["changed"], false, "made once");
    // Asked again, `prep` makes no second job of the drive elsewhere, and rows that say otherwise
    // of what it has are refused.
    let again = |code: i32, more: &[&str]| {
        let named = ["--job", "photos", "--storage-account", "account1", "--drive", &drive];
        let parcel =
            ["--subscription", SUBSCRIPTION, "--contact", &contact, "--location", "westus"];
        let all = [&["prep", "--json"], &named[..], &parcel, more].concat();
        line(&emulator.expect(&machine, code, &all))
    };
    for (flag, value, held) in [
        ("--resource-group", "rg2", "job photos is in rg"),
        ("--service", "import-export", "job photos is in data-box"),
    ] {
        let mut more = vec!["--dataset", &csv, flag, value];
        if flag == "--service" {
            more.extend(["--resource-group", "rg"]);
        }
        for offline in [&["--offline"][..], &[]] {
            let said = again(2, &[&more[..], offline].concat());
            assert_eq!(said["code"], "seed-contradicted", "{said}");
            assert!(said["message"].as_str().unwrap().contains(held), "{said}");
        }
    }
    let other_rows = machine.text("other-rows.csv");
    let (source, metadata) = (machine.text("source"), machine.text("names.xml"));
    fs::write(&metadata, "<Metadata><of>me</of></Metadata>").unwrap();
    for (rows, told) in [
        (
            format!(
                "BasePath,DstItemPathOrPrefix,ItemType,Disposition\n{source}/,cont/x/,BlockBlob,overwrite\n"
            ),
            "with overwrite, and drive S1 has it as a block blob with no-overwrite",
        ),
        (
            format!("BasePath,DstItemPathOrPrefix,ItemType\n{contact},cont/contact,BlockBlob\n"),
            "\\file, which drive S1 has",
        ),
        (
            format!(
                "BasePath,DstItemPathOrPrefix,ItemType,Disposition,MetadataFile\n{source}/,cont/x/,\
                 BlockBlob,no-overwrite,{metadata}\n"
            ),
            "names.xml, and drive S1 was begun with none",
        ),
    ] {
        fs::write(&other_rows, rows).unwrap();
        let said = again(2, &["--dataset", &other_rows, "--resource-group", "rg"]);
        assert_eq!(said["code"], "drive-begun-otherwise", "{said}");
        assert!(said["message"].as_str().unwrap().contains(told), "{said}");
    }
    // Another account or another group is another job, which the drive is not for.
    let with = |flag: &str, value: &'static str| -> Vec<&str> {
        let at = words.iter().position(|word| *word == flag).unwrap() + 1;
        words.iter().enumerate().map(|(own, word)| if own == at { value } else { *word }).collect()
    };
    let said = line(&emulator.expect(&machine, 2, &with("--storage-account", "account2")));
    assert_eq!(said["code"], "job-other-account", "{said}");
    let said = line(&emulator.expect(&machine, 2, &with("--resource-group", "rg2")));
    assert_eq!(said["code"], "needs-yes", "{said}");
    assert!(said["message"].as_str().unwrap().contains("the group rg of"), "{said}");
    let service = ["--service", "import-export"];
    let said = line(&emulator.expect(&machine, 2, &[&words[..], &service].concat()));
    assert_eq!(said["code"], "needs-yes", "{said}");
    assert!(said["message"].as_str().unwrap().contains("had one of data-box"), "{said}");
    let other = ["job", "create", "--job", "nothing", "--storage-account", "account1"];
    let place = ["--subscription", SUBSCRIPTION, "--resource-group", "rg"];
    assert_eq!(emulator.run(&machine, &[&other[..], &place].concat()).code, 2);
    // This machine has seen where it is, and what it prints next runs; another one is told.
    let status = ["job", "status", "--job", "photos"];
    emulator.expect(&machine, 0, &status);
    assert!(
        machine.run(&["status", "--offline"]).stdout.contains("`azseed job status --job photos`")
    );
    let elsewhere = machine.text("elsewhere");
    assert_eq!(emulator.run(&machine, &[&status[..], &["--state", &elsewhere]].concat()).code, 2);
    let said = emulator.expect(&machine, 0, &["drive", "release", "S1", "--yes"]).stdout;
    assert!(said.contains("`azseed job cancel --job photos`"), "{said}");
    emulator.expect(&machine, 0, &["job", "cancel", "--job", "photos", "--yes"]);
}
