//! Other people's clients take the emulator for Azure: Microsoft's for blobs, its identity
//! libraries, azcopy, rclone, and its management clients, each through the whole story of a job.
//! The table of calls and clients, with Azurite beside it, is what `tests/long clients` prints.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::print_stderr, reason = "what each client did is shown")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

#[allow(dead_code, reason = "the dock's tests spoil drives, these do not")]
#[path = "../service/dock/drive.rs"]
mod drive;
use crate::support;

use std::fs;
use std::path::Path;
use std::process::Command;

use drive::Drive;
use serde_json::Value;
use support::azurite::Azurite;
use support::clients::{azcopy, modules, python, rclone, which};
use support::emulator::Emulator;
use support::program::{Machine, said};

const FIRST: &str = "account1.blob.core.windows.net";
const SECOND: &str = "account2.blob.core.windows.net";

/// What came of each call of a client, in its order.
type Column = Vec<(String, String)>;

/// A machine on which the public cloud's names lead to an emulator.
fn named() -> (Machine, Emulator) {
    let hosts = ["management.azure.com", "login.microsoftonline.com"];
    let machine = Machine::with_names(&hosts, &[FIRST, SECOND]);
    let emulator = Emulator::start_named(&machine, "AzureCloud");
    (machine, emulator)
}

fn script(name: &str) -> String {
    format!("{}/tests/clients/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A client that is a script, ready for arguments; it trusts the certificate in `ca`.
fn client(machine: &Machine, name: &str, ca: &str) -> Command {
    let mut command = match Path::new(name).extension().unwrap().to_str().unwrap() {
        "py" => machine.other(&python()),
        _ => machine.other(&which("node")),
    };
    command.env("NODE_PATH", modules()).env("NODE_EXTRA_CA_CERTS", ca);
    command.env("REQUESTS_CA_BUNDLE", ca).env("PYTHONDONTWRITEBYTECODE", "1");
    command.arg(script(name));
    command
}

/// Runs a client to its end and returns what it says of each call.
#[track_caller]
fn column(command: &mut Command) -> Column {
    let said = said(command.output().unwrap());
    assert_eq!(said.code, 0, "{command:?}\n{}\n{}", said.stdout, said.stderr);
    let cell = |line: &str| {
        let (call, came) = line.split_once('\t').unwrap_or_else(|| panic!("{line}"));
        (call.to_owned(), came.to_owned())
    };
    said.stdout.lines().map(cell).collect()
}

/// Expects that every call came off, so many at least.
#[track_caller]
fn expect(name: &str, column: &Column, count: usize) {
    let bad: Vec<_> = column.iter().filter(|(_, came)| came != "ok").collect();
    assert!(bad.is_empty() && column.len() >= count, "{name}: {bad:#?} of {}", column.len());
    let calls: Vec<&str> = column.iter().map(|(call, _)| call.as_str()).collect();
    eprintln!("{name}: {}", calls.join(", "));
}

/// Where blobs are and what opens them, for a script.
struct Place {
    url: String,
    key: String,
    ca: String,
    tenant: Option<String>,
}

impl Place {
    fn emulated(emulator: &Emulator) -> Self {
        Place {
            url: format!("https://{FIRST}"),
            key: emulator.fact("account_key").to_owned(),
            ca: emulator.fact("ca_file").to_owned(),
            tenant: Some(emulator.fact("subscription").to_owned()),
        }
    }

    fn blobs(&self, machine: &Machine, name: &str) -> Column {
        let mut command = client(machine, name, &self.ca);
        command.env("ACCOUNT", "account1").env("KEY", &self.key).env("URL", &self.url);
        command.envs(self.tenant.iter().map(|tenant| ("TENANT", tenant)));
        column(&mut command)
    }

    /// Path-style, as the emulator tells its address without names.
    fn by_path(emulator: &Emulator) -> Self {
        Place { url: emulator.account_url(), tenant: None, ..Place::emulated(emulator) }
    }
}

#[test]
fn both_find_account_and_container_in_an_address_without_names() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    for name in ["blobs.cjs", "blobs.py"] {
        let column = Place::by_path(&emulator).blobs(&machine, name);
        let bad: Vec<_> = column.iter().filter(|(_, came)| came.starts_with("no")).collect();
        assert!(bad.is_empty(), "{name}: {bad:#?}");
    }
}

/// Files, one of them larger than a block.
fn files(machine: &Machine) {
    fs::create_dir_all(machine.path("files/folder")).unwrap();
    fs::write(machine.path("files/folder/small file"), "content").unwrap();
    let large: Vec<u8> = (0..5_000_000u32).map(|at| (at % 251) as u8).collect();
    fs::write(machine.path("files/large"), large).unwrap();
}

fn is_there(path: &Path, machine: &Machine) -> bool {
    let same = |name: &str| {
        fs::read(path.join(name)).ok() == fs::read(machine.path("files").join(name)).ok()
    };
    same("large") && same("folder/small file")
}

/// The addresses that a program is told, and a signature for each.
struct Signed {
    first: String,
    second: Option<String>,
    is_named: bool,
}

/// What azcopy finds out by itself of a name, and is told of an address without one.
const UP: &str = "--from-to=LocalBlob";
const DOWN: &str = "--from-to=BlobLocal";
const OVER: &str = "--from-to=BlobBlob";

impl Signed {
    fn at(&self, path: &str) -> String {
        self.first.replacen('?', &format!("/{path}?"), 1)
    }
}

/// What came of the calls of azcopy; `kept` says where a blob of the first or second account lies.
fn by_azcopy(machine: &Machine, ca: &str, signed: &Signed) -> Column {
    let program = azcopy();
    let mut column = Column::new();
    let mut call = |name: &str, words: &[&str], is_so: &dyn Fn() -> bool| {
        let mut command = machine.other(&program);
        command.args(words).args(["--skip-version-check", "--log-level=NONE"]);
        command.env("SSL_CERT_FILE", ca).env("AZCOPY_DISABLE_SYSLOG", "true");
        let said = said(command.output().unwrap());
        let came = match said.code == 0 && is_so() {
            true => "ok".to_owned(),
            false => format!("no {}{}", said.stdout, said.stderr),
        };
        column.push((name.to_owned(), came));
    };
    let root = signed.at("azcopy");
    let there = || true;
    // It makes no container at an address without names: that one is there.
    if signed.is_named {
        call("make a container", &["make", &root], &there);
    }
    let put = ["copy", "files/*", &root, "--recursive", "--put-md5", "--block-size-mb=1", UP];
    call("write by blocks", &put, &there);
    call("list", &["list", &root, "--location=Blob"], &there);
    let get = [
        "copy",
        &signed.at("azcopy/*"),
        "back",
        "--recursive",
        "--check-md5=FailIfDifferent",
        DOWN,
    ];
    fs::create_dir_all(machine.path("back")).unwrap();
    call("read", &get, &|| is_there(&machine.path("back"), machine));
    let one = ["copy", &signed.at("azcopy/large"), &signed.at("azcopy/again"), OVER];
    call("copy", &one, &there);
    if let Some(second) = &signed.second {
        let other = second.replacen('?', "/azcopy?", 1);
        call("copy to another account", &["copy", &root, second, "--recursive", OVER], &there);
        fs::create_dir_all(machine.path("other")).unwrap();
        let get = ["copy", &other.replacen('?', "/*?", 1), "other", "--recursive", DOWN];
        call("read there", &get, &|| is_there(&machine.path("other"), machine));
    }
    call("sync", &["sync", "files", &root, "--recursive", UP], &there);
    call("delete", &["remove", &root, "--recursive", "--from-to=BlobTrash"], &there);
    column
}

#[test]
fn azcopy_writes_reads_and_copies_between_accounts() {
    let (machine, emulator) = named();
    files(&machine);
    let second = emulator.key_of("account2").account_sas("b", "sco", "rwdlac", 1);
    let signed = Signed {
        first: format!("https://{FIRST}?{}", emulator.account_sas()),
        second: Some(format!("https://{SECOND}?{second}")),
        is_named: true,
    };
    let column = by_azcopy(&machine, emulator.fact("ca_file"), &signed);
    expect("azcopy", &column, 9);
    assert!(!emulator.blob("azcopy", "large").exists(), "it was deleted");
}

#[test]
fn azcopy_and_rclone_take_apart_an_address_without_names() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    files(&machine);
    let place = Place::by_path(&emulator);
    let first = format!("{}?{}", place.url, emulator.account_sas());
    let signed = Signed { first, second: None, is_named: false };
    rclone_at(&machine, &place, &["mkdir", ":azureblob:azcopy"]).unwrap();
    let column = by_azcopy(&machine, &place.ca, &signed);
    expect("azcopy, path-style", &column, 6);
    let column = by_rclone(&machine, &place);
    expect("rclone, path-style", &column, 5);
}

/// Calls rclone; what it said if it did not come off.
fn rclone_at(machine: &Machine, place: &Place, words: &[&str]) -> Result<(), String> {
    let mut command = machine.other(&rclone());
    command.args(["--config", "", "--retries=1", "--azureblob-chunk-size=1M"]).args(words);
    command.env("RCLONE_AZUREBLOB_ACCOUNT", "account1").env("SSL_CERT_FILE", &place.ca);
    command.env("RCLONE_AZUREBLOB_KEY", &place.key);
    command.env("RCLONE_AZUREBLOB_ENDPOINT", &place.url);
    let said = said(command.output().unwrap());
    if said.code == 0 { Ok(()) } else { Err(said.stderr) }
}

fn by_rclone(machine: &Machine, place: &Place) -> Column {
    let mut column = Column::new();
    let mut call = |name: &str, words: &[&str]| {
        let came = rclone_at(machine, place, words);
        let came = came.map_or_else(|said| format!("no {said}"), |()| "ok".to_owned());
        column.push((name.to_owned(), came));
    };
    call("make a container", &["mkdir", ":azureblob:rclone"]);
    call("write by blocks", &["copy", "files", ":azureblob:rclone"]);
    call("read", &["check", "--download", "files", ":azureblob:rclone"]);
    call("list", &["lsf", "-R", ":azureblob:rclone"]);
    call("copy", &["copyto", ":azureblob:rclone/large", ":azureblob:rclone/again"]);
    call("sync", &["sync", "files", ":azureblob:rclone"]);
    call("delete", &["purge", ":azureblob:rclone"]);
    column
}

/// A job by a management client, to the end: ordered and sent, read at the dock, looked at.
fn story(
    machine: &Machine,
    emulator: &Emulator,
    serial: &str,
    (name, service): (&str, &str),
) -> Column {
    let drive = Drive::seal(serial);
    let part = |part: &str| {
        let mut command = client(machine, name, emulator.fact("ca_file"));
        command.args([service, part]).env("DRIVE", drive.entry.to_string());
        command
            .env("JOB", format!("seed-{}", serial.to_lowercase()))
            .env("NUMBER", format!("1Z{serial}"));
        command.env("SUBSCRIPTION", emulator.fact("subscription"));
        column(&mut command)
    };
    let mut told = part("order");
    let image = format!("{},serial={serial}", drive.image.display());
    let docked: Vec<Value> = emulator.dock(machine, &[&image]);
    assert_eq!(docked[0]["status"], "Completed", "{told:#?} {docked:?}");
    told.extend(part("after"));
    told
}

#[test]
fn microsofts_management_clients_go_through_the_whole_story_of_both_services() {
    let (machine, emulator) = named();
    for (serial, client, name, count) in [
        ("S1", ("management.cjs", "data-box"), "@azure/arm-databox", 14),
        ("S2", ("management.cjs", "import-export"), "@azure/arm-storageimportexport", 13),
        ("S3", ("management.py", "data-box"), "azure-mgmt-databox", 14),
        ("S4", ("management.py", "import-export"), "azure-mgmt-storageimportexport", 13),
    ] {
        expect(name, &story(&machine, &emulator, serial, client), count);
    }
}

#[test]
fn microsofts_clients_of_recovery_services_go_from_a_vault_to_a_restore() {
    for (script, name) in [
        ("recovery.py", "azure-mgmt-recoveryservicesbackup"),
        ("recovery.cjs", "@azure/arm-recoveryservicesbackup"),
    ] {
        let (machine, emulator) = named();
        emulator.to_noon(&machine);
        let data = emulator.data().to_str().unwrap();
        machine.expect(0, &["emulator", "vm", "set", "web", "--data", data]);
        let part = |part: &str| {
            let mut command = client(&machine, script, emulator.fact("ca_file"));
            command.arg(part).env("SUBSCRIPTION", emulator.fact("subscription"));
            column(&mut command)
        };
        expect(name, &part("begin"), 10);
        emulator.forward(&machine, "+7m");
        expect(name, &part("after"), 7);
    }
}

/// Of every row the state that a client reads is the one that a check judges.
#[test]
fn microsofts_clients_of_accounts_machines_and_disks_read_what_the_checks_read() {
    let (machine, emulator) = named();
    let data = emulator.data().to_str().unwrap();
    let declare = |words: &str| {
        let words: Vec<&str> = ["emulator"].into_iter().chain(words.split(' ')).collect();
        machine.expect(0, &[&words[..], &["--data", data]].concat());
    };
    fs::write(machine.path("raw"), vec![7; 3 << 20]).unwrap();
    declare("vm set web --extension ok --disk raw --disk raw");
    declare("vm set ill --agent stopped --extension failed --odd unmanaged --odd no-extensions");
    declare("disk set os --sku Premium_LRS --file raw");
    let account = "account account1 --region westus --sku Standard_GRS --rule firewall=deny";
    let more = "--rule services=off --rule address=192.0.2.7 --rule keys=off --rule tls=TLS1_1 \
                --rule soft-delete=7 --rule versions=on";
    fs::create_dir_all(emulator.data().join("blobs/account1/backup")).unwrap();
    declare(&format!("{account} {more}"));
    let mut command = client(&machine, "resources.py", emulator.fact("ca_file"));
    command.env("SUBSCRIPTION", emulator.fact("subscription"));
    command.env("KEY", emulator.fact("account_key"));
    expect("azure-mgmt-storage, azure-mgmt-compute", &column(&mut command), 13);

    let subscription = format!("--subscription={}", emulator.fact("subscription"));
    let bad = |words: &[&str]| -> Vec<String> {
        let said = emulator.run(&machine, &[words, &[&subscription, "--json"]].concat());
        let all = said.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let all = all.filter(|own| own["verdict"] != "good");
        all.map(|own| format!("{} {}", own["id"], own["verdict"]).replace('"', "")).collect()
    };
    assert_eq!(bad(&["check", "vm", "web"]), [""; 0]);
    let ill = ["vm-agent problem", "vm-agent-flag problem", "vm-extension warning"];
    assert_eq!(bad(&["check", "vm", "ill"]), [&ill[..], &["vm-disks problem"]].concat());
    let account =
        |purpose: &str| bad(&["check", "account", "account1", "--container=backup", purpose]);
    assert!(account("--for=import").contains(&"account-firewall problem".to_owned()));
    assert!(account("--for=vault").contains(&"account-soft-delete warning".to_owned()));
    // A container that is there is known from one that is not.
    let held = |container: &str| {
        let container = format!("--container={container}");
        let words =
            ["check", "azure", "--for=disk-backup", "--storage-account=account1", &container];
        let all = [&words[..], &["--resource-group=rg", "--json", &subscription]].concat();
        let said = emulator.run(&machine, &all).stdout;
        let mut all = said.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let own = all.find(|own| own["id"] == "azure-container-held");
        own.unwrap_or_else(|| panic!("{said}"))["facts"].as_str().unwrap().to_owned()
    };
    assert_eq!(held("backup"), "container backup is there");
    assert_eq!(held("other"), "container other is not there yet, and is made");
}

#[test]
fn every_call_of_every_client_comes_off_whatever_azurite_makes_of_it() {
    let (machine, emulator) = named();
    let plain = Machine::new();
    let azurite = Azurite::start(&plain);
    files(&machine);
    files(&plain);
    let own = Place::emulated(&emulator);
    let other = Place {
        url: format!("{}/account1", azurite.endpoint),
        key: azurite.key(),
        ca: own.ca.clone(),
        tenant: None,
    };
    let signed = |place: &Place, key: support::key::Key| Signed {
        first: format!("{}?{}", place.url, key.account_sas("b", "sco", "rwdlac", 1)),
        second: None,
        is_named: false,
    };
    for (machine, place) in [(&machine, &own), (&plain, &other)] {
        rclone_at(machine, place, &["mkdir", ":azureblob:azcopy"]).unwrap();
    }
    let columns = [
        ("@azure/storage-blob", own.blobs(&machine, "blobs.cjs"), other.blobs(&plain, "blobs.cjs")),
        ("azure-storage-blob", own.blobs(&machine, "blobs.py"), other.blobs(&plain, "blobs.py")),
        (
            "azcopy",
            by_azcopy(&machine, &own.ca, &signed(&own, emulator.key_of("account1"))),
            by_azcopy(&plain, &own.ca, &signed(&other, azurite.signer())),
        ),
        ("rclone", by_rclone(&machine, &own), by_rclone(&plain, &other)),
    ];
    eprintln!("| client | call | emulator | Azurite |\n|---|---|---|---|");
    for (client, own, other) in &columns {
        for ((call, came), (_, beside)) in own.iter().zip(other) {
            eprintln!("| {client} | {call} | {} | {} |", code(came), code(beside));
        }
    }
    for (client, own, _) in &columns {
        expect(client, own, 6);
    }
}

/// What came of a call, in a word: the sentence behind it may hold an address.
fn code(came: &str) -> &str {
    let Some(rest) = came.strip_prefix("no ") else { return came };
    let word = rest.split(':').next().unwrap_or_default();
    let is_code = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_code && word != "INFO" { word } else { "no" }
}
