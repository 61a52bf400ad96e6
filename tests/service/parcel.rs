//! The parcel, seen from the packing table and from the office: papers, what is in it, with whom it
//! goes and comes back, and the job named from elsewhere.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::{Value, json};
use support::emulator::Emulator;
use support::program::{Machine, Said};
use support::tree::{self, Dice};

const SUBSCRIPTION: &str = "11111111-2222-4333-8444-555555555555";
/// Two files of this size find no room on one drive of 210 MB.
const HALF: usize = 40 << 20;

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// A seed of a folder with files of these sizes; its staging path.
fn adopted(machine: &Machine, (job, service): (&str, &str), files: &[(&str, usize)]) -> String {
    let source = machine.path(&format!("{job}-source"));
    for (name, bytes) in files {
        let mut dice = Dice(*bytes as u64);
        let content = dice.bytes(*bytes);
        tree::write(&source, name, &content, &mut dice);
    }
    let (staging, contact) = (machine.text(&format!("{job}-staging")), machine.text("contact"));
    fs::write(&contact, support::CONTACT).unwrap();
    let source = text(&source);
    let mut words = vec!["stage", "adopt", "--source", &source, "--staging", &staging];
    words.extend(["--job", job, "--service", service, "--contact", &contact]);
    words.extend(["--storage-account", "account1", "--container", job, "--resource-group", "rg"]);
    words.extend(["--subscription", SUBSCRIPTION]);
    machine.expect(0, &words);
    staging
}

/// A job of such a seed, on these drives; the staging path.
fn made(
    machine: &Machine,
    emulator: &Emulator,
    named: (&str, &str),
    files: &[(&str, usize)],
    drives: &[&str],
) -> String {
    let staging = adopted(machine, named, files);
    let drives: Vec<String> =
        drives.iter().map(|own| format!("{own}.img,serial={own},size=210M")).collect();
    let mut words = vec!["prep", "--staging", &staging, "--location", "westus"];
    drives.iter().for_each(|drive| words.extend(["--drive", drive]));
    emulator.expect(machine, 0, &words);
    staging
}

/// The only object that a command says.
fn line(said: &Said) -> Value {
    assert_eq!(said.stdout.lines().count(), 1, "{}", said.stdout);
    serde_json::from_str(&said.stdout).unwrap()
}

#[test]
fn a_job_of_one_name_that_another_seed_has_is_not_this_seeds() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    let named = ("seed-1", "data-box");
    let first = made(&machine, &emulator, named, &[("one", 1000)], &["S1"]);
    let second = machine.text("second");
    fs::create_dir(machine.path("two")).unwrap();
    fs::write(machine.path("two/file"), "two").unwrap();
    let contact = machine.text("contact");
    let target = format!(
        "stage adopt --source {} --staging {second} --contact {contact} --job seed-1 \
         --storage-account account1 --container second --resource-group rg \
         --subscription {SUBSCRIPTION}",
        machine.text("two")
    );
    let said = machine.expect(0, &target.split(' ').collect::<Vec<_>>()).stderr;
    assert!(said.contains("is for job seed-1 too: two seeds cannot have one job"), "{said}");
    let prep = ["prep", "--staging", &second, "--offline", "--drive", "S2.img,serial=S2,size=210M"];
    emulator.expect(&machine, 0, &prep);
    for words in [
        "job ship --carrier FedEx --tracking-number 1Z",
        "job ship --carrier FedEx --tracking-number 1Z --dry-run",
        "job cancel --yes",
        "job show",
        "job status",
        "job return-address --contact contact",
        "job repair",
        "packing-slip",
        "pack check S1",
    ] {
        let all: Vec<&str> = words.split(' ').chain(["--staging", &second]).collect();
        let told = emulator.expect(&machine, 13, &all).stderr;
        assert!(told.contains("Job seed-1 was made of other drives than the seed's: S1"), "{told}");
        assert!(told.contains("code: job-other-drives"), "{words}: {told}");
    }
    let page = emulator.run(&machine, &["status"]);
    assert!(page.stderr.contains("other drives than the seed's: S1"), "{}", page.stderr);
    // Nothing was sent or cancelled by it; its own seed goes on with it.
    emulator.expect(&machine, 0, &["job", "cancel", "--staging", &first, "--yes"]);
    let delete = ["job", "delete", "--yes", "--staging"];
    emulator.expect(&machine, 13, &[&delete[..], &[&second]].concat());
    // A job that is named is one of the seed that is named.
    for words in ["job delete --yes", "job ship --carrier FedEx", "packing-slip", "pack check S1"] {
        let other = ["--job", "other", "--staging", &first];
        let all: Vec<&str> = words.split(' ').chain(other).collect();
        let told = emulator.expect(&machine, 2, &all).stderr;
        assert!(told.contains("--job is other, and the seed in"), "{words}: {told}");
    }
    let mut show = emulator.command(&machine, &["job", "show", "--job", "other"]);
    let told = String::from_utf8(show.env("AZSEED_STAGING", &first).output().unwrap().stderr);
    assert!(told.unwrap().contains("AZSEED_STAGING is not used: the seed in"));
    emulator.expect(&machine, 0, &[&delete[..], &[&first]].concat());
}

#[test]
fn a_packing_slip_says_where_the_parcel_goes_and_what_lies_on_each_drive() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    let files = [("a&b 'c'/one", 1000), ("other/two", 500)];
    let staging = made(&machine, &emulator, ("seed-1", "data-box"), &files, &["S1"]);
    let slip = ["packing-slip", "--staging", &staging];
    let said = emulator.expect(&machine, 0, &slip);
    for part in ["1 Emulated Way", "Backup Team", "Back with    FedEx", "S1", "[ ] No cables"] {
        assert!(said.stdout.contains(part), "{part}\n{}", said.stdout);
    }
    let page = machine.text("page.html");
    fs::write(&page, "an older page").unwrap();
    let said = emulator.expect(&machine, 0, &[&slip[..], &["--html", &page, "--json"]].concat());
    let record = line(&said);
    assert_eq!((&record["job"], &record["page"]), (&json!("seed-1"), &json!(page)));
    let drive = &record["drives"][0];
    assert_eq!(
        (&drive["serial"], &drive["files"], &drive["bytes"]),
        (&json!("S1"), &json!(2), &json!(1500))
    );
    let folders: Vec<&str> = drive["map"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["folder"].as_str().unwrap())
        .collect();
    assert_eq!(folders, ["\\seed-1\\a&b 'c'", "\\seed-1\\other"]);
    let html = fs::read_to_string(&page).unwrap();
    assert_eq!(html.matches("<svg").count(), 1);
    assert!(html.contains("a&amp;b &#x27;c&#x27;") && !html.contains("a&b"), "{html}");
    assert!(
        html.contains(drive["manifest_hash"].as_str().unwrap()) && html.contains("1 Emulated Way")
    );
    let password = fs::read_to_string(machine.password_file(Path::new(&staging), "S1")).unwrap();
    for told in [&html, &said.stdout, &said.stderr] {
        assert!(!told.contains(password.trim()), "no secret leaves");
    }
}

#[test]
fn a_slip_of_a_dataset_csv_knows_its_drive_from_the_state_directory() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    tree::write(&machine.path("rows"), "one", b"content", &mut Dice(1));
    let rows = format!(
        "BasePath,DstItemPathOrPrefix,ItemType\n{}/,box/x/,BlockBlob\n",
        machine.text("rows")
    );
    fs::write(machine.path("rows.csv"), rows).unwrap();
    fs::write(machine.path("contact"), support::CONTACT).unwrap();
    let place = ["--job", "rows-1", "--subscription", SUBSCRIPTION, "--resource-group", "rg"];
    let prep = ["prep", "--dataset", "rows.csv", "--drive", "r.img,serial=R1,size=210M"];
    let more = ["--storage-account", "account1", "--location", "westus", "--contact", "contact"];
    emulator.expect(&machine, 0, &[&prep[..], &place, &more].concat());
    let slip = [&["packing-slip", "--json"][..], &place].concat();
    let drive = line(&emulator.expect(&machine, 0, &slip))["drives"][0].clone();
    assert_eq!((&drive["serial"], &drive["files"]), (&json!("R1"), &json!(1)));
    assert_eq!(drive["map"].as_array().unwrap().len(), 1, "{drive}");
}

#[test]
fn a_page_goes_through_no_link_and_without_the_service_there_is_none() {
    let machine = Machine::new();
    let mut emulator = Emulator::start(&machine);
    let staging = made(&machine, &emulator, ("seed-1", "import-export"), &[("one", 9)], &["S1"]);
    fs::write(machine.path("kept"), "kept").unwrap();
    symlink(machine.path("kept"), machine.path("link")).unwrap();
    let link = machine.text("link");
    let slip = ["packing-slip", "--staging", &staging, "--html"];
    let said = emulator.expect(&machine, 4, &[&slip[..], &[&link]].concat());
    assert!(said.stderr.contains("code: paper-not-plain"), "{}", said.stderr);
    assert_eq!(fs::read_to_string(machine.path("kept")).unwrap(), "kept");
    let nowhere = machine.text("no/page.html");
    let said = emulator.expect(&machine, 1, &[&slip[..], &[&nowhere]].concat());
    assert!(said.stderr.contains("code: paper-not-written"), "{}", said.stderr);
    emulator.kill();
    let page = machine.text("page.html");
    let said = emulator.expect(&machine, 14, &[&slip[..], &[&page]].concat());
    assert!(said.stderr.contains("code: slip-without-service"), "{}", said.stderr);
    assert!(said.stderr.contains("hint: the drives can wait"), "{}", said.stderr);
    assert!(!Path::new(&page).exists());
}

#[test]
fn a_parcel_with_a_wrong_drive_is_refused_and_one_that_lacks_a_drive_is_told() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    let files = [("one", HALF), ("two", HALF + 1)];
    let first = made(&machine, &emulator, ("seed-1", "data-box"), &files, &["WD-1", "WD-2"]);
    made(&machine, &emulator, ("seed-2", "data-box"), &[("one", 9)], &["WD-3"]);
    // A drive whose job is not made yet, of a seed that this machine knows.
    let third = adopted(&machine, ("seed-3", "data-box"), &[("one", 9)]);
    let drive = "w4.img,serial=WD-4,size=210M";
    machine.expect(0, &["prep", "--offline", "--staging", &third, "--drive", drive]);
    let check = |code, serials: &[&str]| {
        let words = [&["pack", "check", "--json", "--staging", &first], serials].concat();
        line(&emulator.expect(&machine, code, &words))
    };
    let all = check(0, &[" wd-1\t", "azseed:seed-1:WD-2"]);
    assert_eq!(all["present"], json!(["WD-1", "WD-2"]));
    assert_eq!(check(3, &["WD-2"])["missing"], json!(["WD-1"]));
    let wrong = check(4, &["WD-1", "wd-3", "X9", "WD-2", "WD-4"]);
    let foreign = json!([
        {"serial": "wd-3", "job": "seed-2"},
        {"serial": "X9", "job": null},
        {"serial": "WD-4", "job": "seed-3"},
    ]);
    assert_eq!((&wrong["foreign"], &wrong["missing"]), (&foreign, &json!([])));
    assert_eq!(check(4, &["WD-1", "WD-2", "wd-1"])["twice"], json!(["WD-1"]));
    let said = emulator.expect(&machine, 4, &["pack", "check", "WD-3", "--staging", &first]);
    assert!(said.stdout.contains("WD-3 belongs to job seed-2"), "{}", said.stdout);
    assert!(said.stdout.contains("Do not close the parcel of job seed-1"), "{}", said.stdout);
}

#[test]
fn a_tracking_number_is_replaced_only_if_somebody_says_so_and_the_rest_stays() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    let staging = made(&machine, &emulator, ("seed-1", "import-export"), &[("one", 9)], &["S1"]);
    let ship = |code, more: &[&str]| {
        let words = [&["job", "ship", "--json", "--staging", &staging], more].concat();
        emulator.expect(&machine, code, &words)
    };
    let missing = ship(2, &["--tracking-number", "1Z1"]);
    assert!(missing.stdout.contains("flag-missing"), "{}", missing.stdout);
    let first = ["--carrier", "FedEx", "--tracking-number", "1Z1"];
    let told = line(&ship(0, &first));
    assert_eq!((&told["changed"], &told["state"]), (&json!(true), &json!("Shipping")));
    let again = line(&ship(0, &first));
    assert_eq!((&again["changed"], &again["ship_date"]), (&json!(false), &told["ship_date"]));

    let refused = ship(2, &["--tracking-number", "1Z2"]);
    assert!(refused.stdout.contains("needs-yes"), "{}", refused.stdout);
    assert!(
        refused.stdout.contains("FedEx 1Z1 of job seed-1 with FedEx 1Z2"),
        "{}",
        refused.stdout
    );
    let show = ["job", "show", "--json", "--staging", &staging];
    assert_eq!(line(&emulator.expect(&machine, 0, &show))["tracking_number"], "1Z1");
    let other = line(&ship(0, &["--tracking-number", "1Z2", "--yes"]));
    assert_eq!((&other["carrier"], &other["tracking_number"]), (&json!("FedEx"), &json!("1Z2")));
    assert_eq!(other["return_to"], told["return_to"]);

    emulator.dock(&machine, &["S1.img"]);
    emulator.forward(&machine, "+15d");
    let late = ship(13, &["--tracking-number", "1Z3", "--yes"]);
    assert!(late.stdout.contains("job-too-late-to-ship"), "{}", late.stdout);
    assert_eq!(line(&ship(0, &["--tracking-number", "1Z2"]))["changed"], false);
}

#[test]
fn parcels_of_a_csv_are_sent_all_or_none_and_a_second_time_nothing_happens() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    made(&machine, &emulator, ("seed-1", "data-box"), &[("one", 9)], &["S1"]);
    made(&machine, &emulator, ("seed-2", "import-export"), &[("one", 9)], &["S2"]);
    let place = ["--subscription", SUBSCRIPTION, "--resource-group", "rg"];
    let ship = |code, csv: &str| {
        let file = machine.text("parcels.csv");
        fs::write(&file, csv).unwrap();
        let words = [&["job", "ship", "--json", "--all-jobs", &file][..], &place].concat();
        emulator.expect(&machine, code, &words)
    };
    let wrong = "job,carrier,number,date\nseed-1,FedEx,1Z1,\nseed-2,UPS,1Z1,\nseed-3,UPS,1Z3,\n\
                 seed-1,DHL,1Z4,tomorrow\n";
    let refused = ship(2, wrong).stdout;
    assert!(refused.contains("parcels-refused"), "{refused}");
    for part in [
        "line 3: tracking number 1Z1 stands in line 2 already",
        "line 4: There is no job seed-3 (no-such-job)",
        "line 5: job seed-1 stands in line 2 already",
        "line 5: tomorrow is no day",
    ] {
        assert!(refused.contains(part), "{part}\n{refused}");
    }
    let list = [&["job", "list", "--json"][..], &place].concat();
    let numbers = || {
        let said = emulator.expect(&machine, 0, &list);
        let number = |line: &str| {
            let job: Value = serde_json::from_str(line).unwrap();
            job["tracking_number"].clone()
        };
        said.stdout.lines().map(number).collect::<Vec<_>>()
    };
    assert_eq!(numbers(), [json!(null), json!(null)], "nothing was sent");
    let right = "job,carrier,number\nseed-2,UPS,1Z2\n\nseed-1,FedEx,1Z1\n";
    for changed in [true, false] {
        let said = ship(0, right);
        let lines: Vec<Value> =
            said.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let told: Vec<_> = lines.iter().map(|job| (&job["name"], &job["changed"])).collect();
        let (first, second, changed) = (json!("seed-2"), json!("seed-1"), json!(changed));
        assert_eq!(told, [(&first, &changed), (&second, &changed)]);
    }
    assert_eq!(numbers(), [json!("1Z1"), json!("1Z2")]);
    let other = "job,carrier,number\nseed-2,UPS,1Z9\n";
    assert!(ship(2, other).stdout.contains("needs-yes"));
    // Data Box takes one number and keeps it; no word of ours changes that.
    let kept = ship(2, "job,carrier,number\nseed-1,FedEx,1Z9\nseed-2,UPS,1Z9\n").stdout;
    assert!(kept.contains("parcels-refused") && kept.contains("(job-shipped-already)"), "{kept}");
    assert_eq!(numbers(), [json!("1Z1"), json!("1Z2")]);
    assert!(ship(2, "job,number\nseed-1,1\n").stdout.contains("parcels-invalid"));
    fs::remove_file(machine.path("parcels.csv")).unwrap();
    let gone = [&["job", "ship", "--all-jobs", "parcels.csv"][..], &place].concat();
    let said = emulator.expect(&machine, 2, &gone);
    assert!(said.stderr.contains("code: parcels-unreadable"), "{}", said.stderr);
}

#[test]
fn the_return_carrier_is_set_alone_and_one_that_a_region_does_not_have_is_asked_for() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    for (job, service, drive) in [("seed-1", "data-box", "S1"), ("seed-2", "import-export", "S2")] {
        let staging = made(&machine, &emulator, (job, service), &[("one", 9)], &[drive]);
        let set = |code, more: &[&str]| {
            let words = ["job", "return-shipping", "--staging", &staging, "--account", "42"];
            emulator.expect(&machine, code, &[&words[..], more].concat())
        };
        let slip = || {
            let words = ["packing-slip", "--json", "--staging", &staging];
            let said = line(&emulator.expect(&machine, 0, &words));
            (said["return_carrier"].clone(), said["return_to"].clone())
        };
        let (carrier, address) = slip();
        assert_eq!(carrier, "FedEx");
        let asked = set(2, &["--carrier", "DHL"]);
        assert!(asked.stderr.contains("needs-yes"), "{}", asked.stderr);
        assert!(asked.stderr.contains("gives drives only to FedEx, UPS"), "{}", asked.stderr);
        assert_eq!(slip(), (json!("FedEx"), address.clone()));
        set(0, &["--carrier", "ups"]);
        assert_eq!(slip(), (json!("ups"), address.clone()));
        set(0, &["--carrier", "DHL", "--yes"]);
        assert_eq!(slip(), (json!("DHL"), address));
        set(2, &["--carrier", " "]);
        let ship = ["job", "ship", "--staging", &staging, "--carrier", "USPS"];
        let ship = [&ship[..], &["--tracking-number", job]].concat();
        let told = emulator.expect(&machine, 0, &ship).stderr;
        assert!(
            told.contains("DHL is to bring the drives") && told.contains("FedEx, UPS"),
            "{told}"
        );
        set(0, &["--carrier", "UPS"]);
        let told = emulator.expect(&machine, 0, &ship).stderr;
        assert!(!told.contains("is to bring"), "{told}");
    }
}

#[test]
fn the_office_works_with_the_jobs_file_or_its_id_and_nothing_else() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    let staging = made(&machine, &emulator, ("seed-1", "data-box"), &[("one", 9)], &["S1"]);
    let file = machine.text("seed-1.toml");
    let export = ["job", "export", "--json", "--staging", &staging, "--file", &file];
    let id = line(&emulator.expect(&machine, 0, &export))["id"].as_str().unwrap().to_owned();
    let content = fs::read_to_string(&file).unwrap();
    let password = fs::read_to_string(machine.password_file(Path::new(&staging), "S1")).unwrap();
    assert!(content.contains(&id) && !content.contains(password.trim()), "{content}");

    let office = Machine::new();
    let by_file = ["job", "show", "--json", "--job-file", &file];
    let by_id = ["job", "show", "--json", "--job", &id];
    for words in [by_file, by_id] {
        assert_eq!(line(&emulator.expect(&office, 0, &words))["name"], "seed-1");
    }
    let ship = ["job", "ship", "--job-file", &file, "--carrier", "UPS", "--tracking-number", "1Z1"];
    emulator.expect(&office, 0, &ship);
    assert_eq!(line(&emulator.expect(&office, 0, &by_id))["tracking_number"], "1Z1");
    for more in [["--resource-group", "other"], ["--job", "seed-2"], ["--service", "import-export"]]
    {
        let words = [&["job", "show", "--job-file", &file][..], &more].concat();
        let said = emulator.expect(&office, 2, &words);
        assert!(said.stderr.contains("code: seed-contradicted"), "{}", said.stderr);
    }
    fs::write(office.path("bad.toml"), content.replace("jobs/seed-1", "jobs/seed-2")).unwrap();
    for (file, code) in [("bad.toml", "job-file-invalid"), ("none.toml", "job-file-unreadable")] {
        let said = emulator.expect(&office, 2, &["job", "show", "--job-file", file]);
        assert!(said.stderr.contains(&format!("code: {code}")), "{}", said.stderr);
    }
}

#[test]
fn a_calendar_has_the_deadline_once_however_often_it_is_imported() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    let staging = made(&machine, &emulator, ("seed-1", "import-export"), &[("one", 9)], &["S1"]);
    let file = machine.text("job.ics");
    let uid = || {
        emulator.expect(&machine, 0, &["job", "status", "--staging", &staging, "--ics", &file]);
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("BEGIN:VCALENDAR\r\n") && text.contains("TRIGGER:-P7D"), "{text}");
        let uid = text.lines().find(|line| line.starts_with("UID:")).map(str::to_owned);
        uid.unwrap()
    };
    assert_eq!(uid(), uid());
}

#[test]
fn single_lines_of_the_return_address_are_set_and_the_rest_stays() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    for (job, service, drive) in [("seed-1", "data-box", "S1"), ("seed-2", "import-export", "S2")] {
        let staging = made(&machine, &emulator, (job, service), &[("one", 9)], &[drive]);
        let set = |code, more: &[&str]| {
            let words = ["job", "return-address", "--json", "--staging", &staging];
            emulator.expect(&machine, code, &[&words[..], more].concat())
        };
        let slip = || {
            let words = ["packing-slip", "--json", "--staging", &staging];
            let said = line(&emulator.expect(&machine, 0, &words));
            (said["return_to"].to_string(), said["return_carrier"].clone())
        };
        let (before, carrier) = slip();
        assert!(before.contains("1 Example Street") && before.contains("Redmond"), "{before}");
        let told = line(&set(0, &["--street", "2 Other Street", "--phone", "+1 425 555 0199"]));
        assert_eq!(told["changed"], true);
        let after = before.replace("1 Example Street", "2 Other Street");
        assert_eq!(slip(), (after.clone(), carrier.clone()));
        let again = line(&set(0, &["--street", "2 Other Street", "--phone", "+1 425 555 0199"]));
        assert_eq!(again["changed"], false);
        let more = [
            ("--second-line", "Floor 2", "Floor 2"),
            ("--state-or-province", "OR", "Redmond OR 98052"),
            ("--postal-code", "98053", "Redmond OR 98053"),
            ("--country", "Canada", "Canada"),
        ];
        for (flag, text, shown) in more {
            let told = line(&set(0, &[flag, text]));
            assert!(told["return_to"].to_string().contains(shown), "{flag}: {told}");
        }
        let back = ["--second-line", "", "--state-or-province", "WA", "--postal-code", "98052"];
        set(0, &[&back[..], &["--country", "USA"]].concat());
        assert_eq!(slip().0, after);
        for (flag, text) in [
            ("--phone", "call me"),
            ("--phone", "12"),
            ("--email", "backup"),
            ("--email", "a@b.c, d@e.f"),
            ("--city", " "),
            ("--recipient", "a\nb"),
        ] {
            let refused = set(2, &[flag, text]).stdout;
            assert!(refused.contains("invalid-noun") || refused.contains("code"), "{refused}");
            assert_eq!(slip().0, after, "{flag} {text}");
        }
        assert!(set(2, &[]).stdout.contains("flag-missing"));
        // A file says all, a line beside it wins over the file.
        let whole = set(0, &["--contact", &machine.text("contact"), "--city", "Kirkland"]);
        assert_eq!(line(&whole)["changed"], true);
        assert_eq!(slip().0, before.replace("Redmond", "Kirkland"));
        let back = ["job", "return-shipping", "--staging", &staging];
        let said = emulator.expect(&machine, 2, &back);
        assert!(said.stderr.contains("flag-missing"), "{}", said.stderr);
        let contact = machine.text("contact");
        emulator.expect(
            &machine,
            0,
            &[&back[..], &["--contact", &contact, "--carrier", "UPS"]].concat(),
        );
        assert_eq!(slip().1, "UPS");
        emulator.expect(&machine, 0, &[&back[..], &["--contact", &contact]].concat());
        assert_eq!(slip().1, "FedEx");
    }
}

#[test]
fn a_parcel_is_told_from_a_file_and_every_refusal_sends_nothing() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    for (job, service, drive) in [("seed-1", "data-box", "S1"), ("seed-2", "import-export", "S2")] {
        let staging = made(&machine, &emulator, (job, service), &[("one", 9)], &[drive]);
        let ship = |code, text: &str, more: &[&str]| {
            fs::write(machine.path("parcel.toml"), text).unwrap();
            let words = ["job", "ship", "--json", "--staging", &staging, "--from", "parcel.toml"];
            emulator.expect(&machine, code, &[&words[..], more].concat())
        };
        let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
        let day = |days: i64| today.saturating_add(jiff::Span::new().days(days)).to_string();
        let number = format!("carrier = \"FedEx\"\ntracking_number = \"1Z-{job}\"\n");
        let dated = |days| format!("{number}ship_date = \"{}\"\n", day(days));
        for (text, code, part) in [
            ("carrier = \" \"\ntracking_number = \"1\"\n".to_owned(), "shipment-blank", "carrier"),
            ("carrier = \"UPS\"\ntracking_number = \"\"\n".to_owned(), "shipment-blank", "number"),
            ("carrier = \"UPS\"\n".to_owned(), "flag-missing", "--tracking-number"),
            (dated(-2), "ship-date-refused", "before the job was made"),
            (dated(15), "ship-date-refused", "after the job's deadline"),
            (dated(4), "ship-date-refused", "more than two days ahead"),
            (format!("{number}ship_date = \"28.11.2026\"\n"), "parcel-file-invalid", "is no day"),
            (format!("{number}drive_count = 2\n"), "drive-count", "cannot hold 2 drives"),
            (format!("{number}carier = \"UPS\"\n"), "parcel-file-invalid", "no parcel has: carier"),
        ] {
            let refused = ship(2, &text, &[]).stdout;
            assert!(refused.contains(code) && refused.contains(part), "{text}\n{refused}");
        }
        let show = ["job", "show", "--json", "--staging", &staging];
        let job_now = || line(&emulator.expect(&machine, 0, &show));
        assert!(job_now()["tracking_number"].is_null(), "nothing was sent");
        let seed = || fs::read_to_string(Path::new(&staging).join("seed.json")).unwrap();
        assert!(!seed().contains("parcels"));
        // Two days ahead by the service's clock is a label for the next working day.
        let text = format!("{}drive_count = 1\n", dated(1));
        let told = line(&ship(0, &text, &["--carrier", "UPS"]));
        assert_eq!((&told["carrier"], &told["changed"]), (&json!("UPS"), &json!(true)));
        let id = told["id"].as_str().unwrap().to_ascii_lowercase();
        assert!(id.ends_with(&format!("/jobs/{job}")), "{id}");
        let kept: Value = serde_json::from_str(&seed()).unwrap();
        let parcel = &kept["parcels"][0];
        assert_eq!(
            (&parcel["carrier"], &parcel["tracking_number"]),
            (&json!("UPS"), &json!(format!("1Z-{job}")))
        );
        let shown = machine.expect(0, &["stage", "status", "--staging", &staging]).stdout;
        assert!(shown.contains(&format!("{job}: UPS 1Z-{job}")), "{shown}");
        fs::remove_file(machine.path("parcel.toml")).unwrap();
        let gone = ["job", "ship", "--staging", &staging, "--from", "parcel.toml"];
        let said = emulator.expect(&machine, 2, &gone);
        assert!(said.stderr.contains("code: parcel-file-unreadable"), "{}", said.stderr);
    }
    // The number of another job, in either service, whatever its letters.
    let taken = ["job", "ship", "--job", "seed-2", "--tracking-number", "1z-SEED-1", "--yes"];
    let said = emulator.expect(&machine, 13, &taken);
    assert!(said.stderr.contains("code: tracking-number-taken"), "{}", said.stderr);
}
