//! What the datacenter could not read is sent over the network, and the container is compared with
//! the journals: from outside, with the emulator of either service.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::Stdio;

use azure_core::http::request::RequestContent;
use azure_storage_blobs::models::BlobClientGetPropertiesResultHeaders;
use serde_json::Value;
use support::azurite::Azurite;
use support::emulator::Emulator;
use support::key::container;
use support::program::{Machine, Said, kill_when};
use support::tree::{self, Dice};

const SERVICES: [&str; 2] = ["data-box", "import-export"];
/// Where the volume begins on a drive, and how long its clusters are.
const VOLUME: u64 = 129 << 20;
const CLUSTER: u64 = 4096;
const NAMES: [&str; 4] = ["large", "folder/a & b", "small.txt", "whole"];

/// A machine with a source, its seed, and the datacenter.
struct World {
    machine: Machine,
    emulator: Emulator,
    staging: String,
}

impl World {
    /// A folder that is adopted for a job of this service.
    fn adopted(service: &str) -> Self {
        let machine = Machine::new();
        let emulator = Emulator::start(&machine);
        let mut dice = Dice(7);
        for (name, length) in NAMES.iter().zip([(9 << 20) + 70_000, 5000, 700, 3000]) {
            let content = dice.bytes(length);
            tree::write(&machine.path("source"), name, &content, &mut dice);
        }
        let (staging, contact) = (machine.text("staging"), machine.text("contact.toml"));
        fs::write(&contact, support::CONTACT).unwrap();
        let source = machine.text("source");
        let mut words = vec!["stage", "adopt", "--source", &source, "--staging", &staging];
        words.extend(["--job", "seed-1", "--storage-account", "account1", "--container", "seed"]);
        words.extend(["--subscription", "11111111-2222-4333-8444-555555555555"]);
        words.extend(["--resource-group", "rg", "--contact", &contact, "--service", service]);
        machine.expect(0, &words);
        World { machine, emulator, staging }
    }

    fn prepared(service: &str, drives: &[&str]) -> Self {
        let world = World::adopted(service);
        world.prep(0, drives);
        world
    }

    fn prep(&self, code: i32, drives: &[&str]) {
        let mut words = vec!["prep", "--staging", &self.staging, "--offline"];
        drives.iter().for_each(|drive| words.extend(["--drive", drive]));
        self.machine.expect(code, &words);
    }

    /// Makes the job and sends its parcel.
    fn ship(&self) {
        let on = |words: &[&str]| {
            let words = [words, &["--staging", &self.staging]].concat();
            self.emulator.expect(&self.machine, 0, &words);
        };
        on(&["job", "create", "--location", "westus"]);
        on(&["job", "ship", "--carrier", "FedEx", "--tracking-number", "1Z1"]);
    }

    fn dock(&self, drives: &[&str]) {
        self.emulator.dock(&self.machine, drives);
    }

    /// Flips a bit of a file's data on a drive.
    fn damage(&self, serial: &str, name: &str, at: u64) {
        let plan =
            fs::read_to_string(self.machine.path(&format!("staging/journals/{serial}.plan")));
        let plan = plan.unwrap();
        // A file is a list behind what the files of its folder have alike.
        let lines = plan.lines().skip(1).map(|line| serde_json::from_str::<Value>(line).unwrap());
        let mut folder = String::new();
        let cluster = lines.filter_map(|line| {
            if let Some(source) = line["source"].as_str() {
                source.clone_into(&mut folder);
            }
            let is_meant = format!("{folder}{}", line[0].as_str()?) == name;
            is_meant.then(|| line[3].as_u64().unwrap())
        });
        let cluster = { cluster }.next().expect("it is planned");
        let at = VOLUME + cluster * CLUSTER + at;
        let image = self.machine.path(&format!("{}.img", serial.to_lowercase()));
        let image = OpenOptions::new().read(true).write(true).open(image).unwrap();
        let mut byte = [0];
        image.read_exact_at(&mut byte, at).unwrap();
        image.write_all_at(&[byte[0] ^ 0x10], at).unwrap();
    }

    /// A world whose only drive is damaged in the second block of `large` and in `small.txt`.
    fn damaged(service: &str) -> Self {
        let world = World::prepared(service, &["s1.img,serial=S1,size=220M"]);
        world.damage("S1", "large", 5 << 20);
        world.damage("S1", "small.txt", 100);
        world.ship();
        world.dock(&["s1.img,serial=S1"]);
        world
    }

    fn job(&self, code: i32, words: &[&str]) -> Said {
        let words = [&["job"], words, &["--staging", &self.staging]].concat();
        self.emulator.expect(&self.machine, code, &words)
    }

    /// The records that a command prints.
    fn told(&self, code: i32, words: &[&str]) -> Vec<Value> {
        let said = self.job(code, &[words, &["--json"]].concat());
        said.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// What came of each blob, and the last record.
    fn repair(&self, code: i32, more: &[&str]) -> (BTreeMap<String, Value>, Value) {
        let mut all = self.told(code, &[&["repair"], more].concat());
        let last = all.pop().unwrap();
        assert_eq!(last["type"], "repair");
        all.retain(|own| own["type"] == "repair-blob");
        (all.into_iter().map(|own| (own["blob"].as_str().unwrap().to_owned(), own)).collect(), last)
    }

    fn blob(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.emulator.blob("seed", name)).ok()
    }

    fn has(&self, name: &str) -> bool {
        let own = fs::read(self.machine.path("source").join(name)).unwrap();
        self.blob(name).is_some_and(|blob| blob == own)
    }

    /// Every blob of the account with its bytes.
    fn account(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let files = support::program::files_below(&self.emulator.data().join("blobs"));
        files.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
    }

    fn put(&self, name: &str, within: &str, content: &[u8]) {
        let blob = container(&self.emulator, within).blob_client(name);
        let content = RequestContent::from(content.to_vec());
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(blob.upload(content, None)).unwrap();
    }
}

#[test]
fn what_the_drive_did_not_bring_is_sent_and_nothing_else() {
    for service in SERVICES {
        let world = World::damaged(service);
        assert!(world.has("whole") && world.blob("large").is_none(), "{service}");
        let said = world.job(3, &["status"]);
        assert!(said.stdout.contains("`azseed job repair --staging"), "{}", said.stdout);
        let found = world.told(5, &["reconcile"]);
        let missing = |own: &&Value| own["unlike"] == "missing";
        assert_eq!(found.iter().filter(missing).count(), 2, "{found:?}");
        assert_eq!(found.last().unwrap()["missing"], 2);

        let before = world.account();
        let (blobs, last) = world.repair(0, &["--dry-run"]);
        assert_eq!((last["would_send"].as_u64(), last["sent"].as_u64()), (Some(2), Some(0)));
        assert_eq!(blobs["seed/large"]["fault"], "damaged");
        assert!(world.account() == before, "a dry run sends nothing");
        let told = world.job(0, &["repair", "--dry-run"]);
        assert!(told.stdout.contains("would send   seed/large (damaged"), "{}", told.stdout);
        if service == "import-export" {
            assert_eq!(blobs["seed/large"]["detail"], "Corrupted at byte 4194304");
        }

        let (blobs, last) = world.repair(0, &[]);
        assert_eq!((last["sent"].as_u64(), last["left"].as_u64()), (Some(2), Some(0)));
        assert_eq!(blobs.keys().collect::<Vec<_>>(), ["seed/large", "seed/small.txt"]);
        assert!(NAMES.iter().all(|name| world.has(name)), "{service}");
        let after = world.account();
        assert!(before.iter().all(|(path, own)| after[path] == *own), "others are as they were");
        assert_eq!(after.len(), before.len() + 2);

        let (blobs, last) = world.repair(0, &[]);
        assert_eq!((last["sent"].as_u64(), last["there"].as_u64()), (Some(0), Some(2)));
        assert!(blobs.values().all(|own| own["deed"] == "there"), "{blobs:?}");
        let found = world.told(0, &["reconcile"]);
        assert_eq!((found.len(), &found[0]["missing"]), (1, &0.into()));
        let held = found[0]["equal"].as_u64().unwrap() + found[0]["unproven"].as_u64().unwrap();
        assert_eq!(held, 4);
    }
}

#[test]
fn a_blob_that_went_away_later_is_found_by_reconcile_and_sent_when_all_are_looked_at() {
    let world = World::prepared("data-box", &["s1.img,serial=S1,size=220M"]);
    world.ship();
    world.dock(&["s1.img,serial=S1"]);
    world.told(0, &["reconcile"]);
    let blob = container(&world.emulator, "seed").blob_client("folder/a & b");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(blob.delete(None)).unwrap();
    world.put("small.txt", "seed", b"of another length");
    world.put("of nobody", "seed", b"x");
    let found = world.told(5, &["reconcile"]);
    let told: Vec<_> = found.iter().filter_map(|own| own["unlike"].as_str()).collect();
    assert_eq!(told, ["extra", "length", "missing"], "{found:?}");
    // The logs name none of them.
    assert_eq!(world.repair(0, &[]).1["looked_at"], 0);
    let (blobs, last) = world.repair(3, &["--all"]);
    assert_eq!((&last["sent"], &last["left"]), (&1.into(), &1.into()));
    assert_eq!(blobs["seed/folder/a & b"]["deed"], "sent");
    assert_eq!(blobs["seed/small.txt"]["left"], "blob-of-others");
    assert!(world.has("folder/a & b"));
    assert_eq!(world.blob("small.txt").unwrap(), b"of another length");
}

#[test]
fn a_source_that_changed_is_told_and_left() {
    for service in SERVICES {
        let world = World::damaged(service);
        let path = world.machine.path("source/large");
        let mut content = fs::read(&path).unwrap();
        content[6 << 20] ^= 1;
        fs::write(&path, content).unwrap();
        let (blobs, last) = world.repair(3, &[]);
        assert_eq!(blobs["seed/large"]["left"], "source-changed");
        assert_eq!(blobs["seed/small.txt"]["deed"], "sent");
        assert_eq!((&last["sent"], &last["left"]), (&1.into(), &1.into()));
        assert!(world.blob("large").is_none() && world.has("small.txt"));
        fs::remove_file(&path).unwrap();
        let (blobs, _) = world.repair(3, &[]);
        assert_eq!(blobs["seed/large"]["left"], "source-unreadable");
        assert_eq!(blobs["seed/small.txt"]["deed"], "there");
    }
}

#[test]
fn a_blob_of_somebody_else_stays() {
    for service in SERVICES {
        let world = World::prepared(service, &["s1.img,serial=S1,size=220M"]);
        let seed = container(&world.emulator, "seed");
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(seed.create(None)).unwrap();
        world.put("whole", "seed", b"somebody else's");
        world.ship();
        world.dock(&["s1.img,serial=S1"]);
        let (blobs, _) = world.repair(3, &[]);
        assert_eq!(blobs["seed/whole"]["left"], "blob-of-others", "{service}: {blobs:?}");
        assert_eq!(world.blob("whole").unwrap(), b"somebody else's");
    }
}

#[test]
fn all_of_a_drive_that_never_came_or_could_not_be_read_is_sent() {
    for service in SERVICES {
        let drives = ["s1.img,serial=S1,size=220M", "s2.img,serial=S2,size=220M"];
        let world = World::adopted(service);
        // More than one drive holds.
        for (name, seed) in [("huge", 9), ("second", 10)] {
            let content = Dice(seed).bytes(50 << 20);
            fs::write(world.machine.path("source").join(name), content).unwrap();
        }
        world.prep(0, &drives);
        world.ship();
        world.dock(&["s1.img,serial=S1"]);
        let names: Vec<&str> = NAMES.into_iter().chain(["huge", "second"]).collect();
        let absent = names.iter().filter(|name| !world.has(name)).count();
        assert!(absent > 0, "{service}: the other drive has some");
        let (blobs, last) = world.repair(0, &[]);
        assert_eq!(last["sent"].as_u64(), Some(absent as u64), "{service}");
        assert!(blobs.values().all(|own| own["fault"] == "drive-not-read"), "{blobs:?}");
        assert!(names.iter().all(|name| world.has(name)));
        world.told(0, &["reconcile"]);
    }
}

#[test]
fn a_hostile_log_leads_to_no_blob_that_the_journals_do_not_name() {
    for service in SERVICES {
        let world = World::damaged(service);
        let logs = if service == "data-box" { "databoxcopylog" } else { "waimportexport" };
        let folder = world.emulator.data().join("blobs/account1").join(logs);
        let files = support::program::files_below(&folder);
        let is_error = |path: &&PathBuf| {
            let name = path.to_string_lossy();
            name.contains("_CopyLog_") || name.ends_with("_error.xml")
        };
        let path = files.iter().find(is_error).unwrap();
        // The listing may be of paths below the folder or of whole ones.
        let path = path.strip_prefix(&folder).unwrap_or(path);
        let name = path.to_str().unwrap();
        let before = world.account();
        let places = ["seed\\..\\../../x", "other\\blob", "..\\x", "seed\\/etc/passwd", "seed\\"];
        let entities: String = places
            .iter()
            .map(|place| {
                format!(
                    "<ErroredEntity Path=\"{place}\"><Category>UploadErrorWin32</Category>\
                     <ErrorCode>2</ErrorCode></ErroredEntity>"
                )
            })
            .collect();
        let blobs: String = places
            .iter()
            .map(|place| {
                let place = place.replace('\\', "/");
                format!(
                    "<Blob Status=\"FileNotFound\"><BlobPath>{place}</BlobPath>\
                     <FilePath>\\..\\..\\x</FilePath></Blob>"
                )
            })
            .collect();
        let many = "<ErroredEntity Path=\"seed\\x\"/>".repeat(200_000);
        for log in [
            format!("{entities}<CopyLog><Status>CompletedWithErrors</Status></CopyLog>"),
            format!("<DriveLog>{blobs}<Status>CompletedWithErrors</Status></DriveLog>"),
            format!("{entities}{many}<CopyLog><Sta"),
            "<a>".repeat(100_000),
            "no log at all".to_owned(),
        ] {
            world.put(name, logs, log.as_bytes());
            let (blobs, last) = world.repair(3, &[]);
            assert!(blobs.is_empty(), "{blobs:?}");
            assert!(!last["remarks"].as_array().unwrap().is_empty(), "{last}");
        }
        let is_log = |path: &PathBuf| path.ends_with(name);
        let mut after = world.account();
        let mut before = before;
        before.retain(|path, _| !is_log(path));
        after.retain(|path, _| !is_log(path));
        assert!(before == after, "{service}: something was written");
    }
}

#[test]
fn a_log_elsewhere_is_not_followed_and_a_job_that_was_not_read_is_not_repaired() {
    let world = World::prepared("import-export", &["s1.img,serial=S1,size=220M"]);
    world.damage("S1", "small.txt", 1);
    let refused = |code: i32, words: &[&str], name: &str| {
        let said = world.job(code, words);
        assert!(said.stderr.contains(&format!("code: {name} ")), "{}", said.stderr);
    };
    refused(10, &["repair"], "no-such-job");
    world.ship();
    refused(13, &["repair"], "job-not-read");
    world.dock(&["s1.img,serial=S1"]);
    refused(4, &["repair", "--blob-endpoint", "https://127.0.0.1:9/"], "copy-log-elsewhere");
    refused(14, &["reconcile", "--blob-endpoint", "https://127.0.0.1:9/"], "azure-unreachable");
    assert!(world.blob("small.txt").is_none());
    let journals = world.machine.path("staging/journals");
    fs::rename(&journals, world.machine.path("kept")).unwrap();
    refused(10, &["repair"], "no-journals");
    fs::rename(world.machine.path("kept"), &journals).unwrap();
    let (_, last) = world.repair(0, &[]);
    assert_eq!(last["sent"], 1);
}

#[test]
fn what_prep_left_out_is_sent_as_it_is_now() {
    for service in SERVICES {
        let world = World::adopted(service);
        let words = ["prep", "--staging", &world.staging, "--offline", "--drive"];
        let words = [&words[..], &["s1.img,serial=S1,size=220M"]].concat();
        let image = world.machine.path("s1.img");
        let mut prep = world.machine.command(&words);
        let mut prep = prep.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        assert!(kill_when(&mut prep, || image.exists()), "it was faster");
        fs::write(world.machine.path("source/small.txt"), "as it is now").unwrap();
        world.prep(3, &["s1.img,serial=S1"]);
        world.ship();
        world.dock(&["s1.img,serial=S1"]);
        assert!(world.blob("small.txt").is_none());
        let found = world.told(5, &["reconcile"]);
        assert_eq!(found[0]["unlike"], "missing", "{found:?}");
        let (blobs, _) = world.repair(0, &[]);
        assert_eq!(blobs["seed/small.txt"]["fault"], "left-out");
        assert!(NAMES.iter().all(|name| world.has(name)));
        world.told(0, &["reconcile"]);
        assert_eq!(world.repair(0, &[]).1["there"], 1);
    }
}

/// A data set of a large file, a page blob and a picture with metadata; its drive is damaged.
fn data_set(machine: &Machine, emulator: &Emulator) {
    let write = |name: &str, content: &[u8]| {
        let path = machine.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        machine.text(name)
    };
    let mut disk = vec![0; 6 << 20];
    disk[5 << 20..].fill(9);
    let (disk, large) = (write("disk.vhd", &disk), write("large", &Dice(3).bytes(5 << 20)));
    let metadata = write("m.xml", b"<Metadata><Album>Summer &amp; sea</Album></Metadata>");
    let properties =
        write("p.xml", b"<Properties><Content-Type>image/jpeg</Content-Type></Properties>");
    let photo = write("one.jpg", b"a photograph");
    let rows = format!(
        "BasePath,DstBlobPathOrPrefix,BlobType,Disposition,MetadataFile,PropertiesFile\n\
         {photo},pictures/one.jpg,BlockBlob,overwrite,{metadata},{properties}\n\
         {large},pictures/large,BlockBlob,no-overwrite,{metadata},None\n\
         {disk},disks/disk.vhd,PageBlob,no-overwrite,{metadata},{properties}\n"
    );
    let dataset = write("dataset.csv", rows.as_bytes());
    let contact = write("contact.toml", support::CONTACT.as_bytes());
    let mut words = vec!["prep", "--dataset", &dataset, "--job", "photos", "--contact", &contact];
    words.extend(["--storage-account", "account1", "--resource-group", "rg"]);
    words.extend(["--subscription", "11111111-2222-4333-8444-555555555555"]);
    words.extend(["--location", "westus", "--drive", "d1.img,serial=D1,size=210M"]);
    emulator.expect(machine, 0, &words);
    let mut ship = vec!["job", "ship", "--carrier", "FedEx", "--tracking-number", "1Z1"];
    ship.extend(["--job", "photos", "--resource-group", "rg"]);
    ship.extend(["--subscription", "11111111-2222-4333-8444-555555555555"]);
    emulator.expect(machine, 0, &ship);
    // Nothing on it can be read.
    let image = OpenOptions::new().write(true).open(machine.path("d1.img")).unwrap();
    image.write_all_at(&[0; 512], VOLUME).unwrap();
    emulator.dock(machine, &["d1.img,serial=D1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_set_is_repaired_with_metadata_properties_and_pages() {
    let machine = Machine::new();
    let azurite = Azurite::start(&machine);
    let emulator = azurite.emulator(&machine);
    data_set(&machine, &emulator);
    let group = ["--job", "photos", "--resource-group", "rg", "--subscription"];
    let group = [&group[..], &["11111111-2222-4333-8444-555555555555"]].concat();
    let repair = [&["job", "repair", "--json"], group.as_slice()].concat();
    for (sent, there) in [(3, 0), (0, 3)] {
        let said = emulator.expect(&machine, 0, &repair);
        let last: Value = serde_json::from_str(said.stdout.lines().last().unwrap()).unwrap();
        assert_eq!((&last["sent"], &last["there"]), (&sent.into(), &there.into()), "{last}");
    }
    for (within, name, file, kind) in [
        ("pictures", "one.jpg", "one.jpg", Some("image/jpeg")),
        ("pictures", "large", "large", None),
        ("disks", "disk.vhd", "disk.vhd", Some("image/jpeg")),
    ] {
        let blob = container(&emulator, within).blob_client(name);
        let told = blob.get_properties(None).await.unwrap();
        assert!(kind.is_none() || told.content_type().unwrap().as_deref() == kind, "{name}");
        let metadata: Vec<_> = told.metadata().unwrap().into_iter().collect();
        assert_eq!(metadata.len(), 1, "{metadata:?}");
        assert_eq!(metadata[0].1, "Summer & sea");
        let content = blob.download(None).await.unwrap().body.collect().await.unwrap();
        assert!(content == fs::read(machine.path(file)).unwrap(), "{name}");
    }
    let reconcile = [&["job", "reconcile", "--json"], group.as_slice()].concat();
    let said = emulator.expect(&machine, 0, &reconcile);
    assert!(said.stdout.contains("\"equal\":3"), "{}", said.stdout);
    // One that a run began and did not end is no blob of somebody else.
    let disk = container(&emulator, "disks").blob_client("disk.vhd");
    let begun = azure_storage_blobs::models::PageBlobClientCreateOptions {
        metadata: Some([("azseed_unfinished".to_owned(), "1".to_owned())].into()),
        ..Default::default()
    };
    disk.page_blob_client().create(6 << 20, Some(begun)).await.unwrap();
    let said = emulator.expect(&machine, 0, &repair);
    assert!(said.stdout.contains("\"sent\":1"), "{}", said.stdout);
}

#[test]
fn a_blob_that_got_another_name_is_told_and_its_right_name_is_sent_once_it_is_free() {
    for service in SERVICES {
        let machine = Machine::new();
        let emulator = Emulator::start(&machine);
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let pictures = container(&emulator, "pictures");
        runtime.block_on(pictures.create(None)).unwrap();
        let blob = pictures.blob_client("one.jpg");
        let other = RequestContent::from(b"somebody else's".to_vec());
        runtime.block_on(blob.upload(other, None)).unwrap();
        fs::write(machine.path("one.jpg"), "a photograph").unwrap();
        let rows = format!(
            "BasePath,DstBlobPathOrPrefix,BlobType,Disposition,MetadataFile,PropertiesFile\n\
             {},pictures/one.jpg,BlockBlob,rename,None,None\n",
            machine.text("one.jpg")
        );
        fs::write(machine.path("dataset.csv"), rows).unwrap();
        fs::write(machine.path("contact.toml"), support::CONTACT).unwrap();
        let group = ["--job", "photos", "--resource-group", "rg", "--service", service];
        let group = [&group[..], &["--subscription", "11111111-2222-4333-8444-555555555555"]];
        let on = |code: i32, words: &[&str]| {
            emulator.expect(&machine, code, &[words, &group.concat()].concat())
        };
        let prep = ["prep", "--dataset", "dataset.csv", "--contact", "contact.toml"];
        let to = ["--storage-account", "account1", "--location", "westus", "--drive"];
        on(0, &[&prep[..], &to, &["d1.img,serial=D1,size=210M"]].concat());
        on(0, &["job", "ship", "--carrier", "FedEx", "--tracking-number", "1Z1"]);
        emulator.dock(&machine, &["d1.img,serial=D1"]);
        let said = on(3, &["job", "repair"]);
        let told = "left         pictures/one.jpg (it arrived as pictures";
        assert!(said.stdout.contains(told), "{service}: {}", said.stdout);
        assert!(said.stdout.contains("one (2).jpg)"), "{}", said.stdout);
        let path = emulator.blob("pictures", "one.jpg");
        assert_eq!(fs::read(&path).unwrap(), b"somebody else's");
        runtime.block_on(blob.delete(None)).unwrap();
        let said = on(0, &["job", "repair"]);
        assert!(said.stdout.contains("sent         pictures/one.jpg"), "{}", said.stdout);
        assert_eq!(fs::read(&path).unwrap(), b"a photograph");
        // What was renamed is of no journal.
        assert!(on(5, &["job", "reconcile"]).stdout.contains("one (2).jpg is of no journal"));
    }
}
