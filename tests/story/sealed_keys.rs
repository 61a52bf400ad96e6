//! Staging on a share that keeps no file modes: a real one, an NTFS file mounted through ntfs-3g.
//! No recovery password lies there, whoever looks; the drives are made, go on and open all the
//! same, on another machine with the repository's password or an age identity. Needs root.
#![allow(clippy::disallowed_methods, reason = "tests start programs and write no state files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use support::emulator::Emulator;
use support::program::{Machine, Said};
use support::readers;
use support::tree::{self, Dice};

const DRIVES: [&str; 3] =
    ["s1.img,serial=S1,size=210M", "s2.img,serial=S2,size=210M", "s3.img,serial=S3,size=210M"];
const AZURE: [&str; 6] =
    ["--storage-account", "account1", "--container", "seed", "--resource-group", "rg"];
const SUBSCRIPTION: &str = "11111111-2222-4333-8444-555555555555";

fn tool(words: &[&str]) -> String {
    let output = Command::new(words[0]).args(&words[1..]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", words.join(" "));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A file system in a file, mounted at the machine's `staging` until this is dropped.
struct Share {
    image: PathBuf,
    mount: PathBuf,
}

impl Share {
    fn new(machine: &Machine, options: &str) -> Self {
        let (image, mount) = (machine.path("share.img"), machine.path("staging"));
        std::fs::File::create(&image).unwrap().set_len(400 << 20).unwrap();
        tool(&["mkntfs", "-F", "-Q", "-q", image.to_str().unwrap()]);
        std::fs::create_dir(&mount).unwrap();
        let share = Share { image, mount };
        let options = format!("silent{options}");
        tool(&["ntfs-3g", "-o", &options, share.image.to_str().unwrap(), share.place()]);
        share
    }

    fn place(&self) -> &str {
        self.mount.to_str().unwrap()
    }

    /// Unmounts it and looks at every byte, of deleted files too.
    fn has_none_of(self, secrets: &BTreeMap<String, String>) {
        tool(&["umount", self.place()]);
        let bytes = std::fs::read(&self.image).unwrap();
        let has = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
        assert!(has(b"AGE ENCRYPTED FILE"), "the sealed form lies there");
        for (serial, password) in secrets {
            assert_eq!(password.len(), 55, "{serial}");
            assert!(!has(password.as_bytes()), "the password of {serial} lies there");
            assert!(!has(password.replace('-', "").as_bytes()), "the digits of {serial} lie there");
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let _ =
            Command::new("umount").arg("--lazy").arg(&self.mount).stderr(Stdio::null()).status();
    }
}

/// Recovery passwords by serial.
fn revealed(said: &Said) -> BTreeMap<String, String> {
    let line = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| line[name].as_str().unwrap().to_owned();
        (text("serial"), text("recovery_password"))
    };
    said.stdout.lines().map(line).collect()
}

/// The words, then the drives.
fn with_drives<'a>(words: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    let drives = DRIVES.iter().flat_map(|drive| ["--drive", drive]);
    words.iter().copied().chain(drives).chain(more.iter().copied()).collect()
}

/// Bytes of the three images that are written.
fn written(machine: &Machine) -> u64 {
    let blocks = |name: &str| machine.path(name).metadata().map_or(0, |status| status.blocks());
    ["s1.img", "s2.img", "s3.img"].map(blocks).iter().sum::<u64>() * 512
}

/// Runs it until so many bytes more are on the drives, then kills it.
fn killed(machine: &Machine, words: &[&str], bytes: u64) {
    let enough = written(machine) + bytes;
    let mut command = machine.command(words);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while written(machine) < enough {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it was killed");
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

fn fails(machine: &Machine, exit: i32, code: &str, words: &[&str]) {
    let said = machine.expect(exit, words);
    let all = format!("{}{}", said.stdout, said.stderr);
    let is_told =
        ["code: ", "\"code\":\""].iter().any(|word| all.contains(&format!("{word}{code}")));
    assert!(is_told, "{code}: {all}");
}

/// A file that only its owner reads.
fn private(path: &Path, text: &str) -> String {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn under_the_password_of_the_repository_drives_are_made_and_go_on_elsewhere() {
    let machine = Machine::new();
    let share = Share::new(&machine, ",umask=022");
    let staging = share.place().to_owned();
    for number in 0..3u64 {
        let mut dice = Dice(number);
        let content = dice.bytes(50 << 20);
        tree::write(&machine.path("source"), &format!("file-{number}"), &content, &mut dice);
    }
    let (source, contact) = (machine.text("source"), machine.text("contact.toml"));
    std::fs::write(&contact, support::CONTACT).unwrap();
    let stage = ["stage", "--source", &source, "--staging", &staging, "--job", "seed-1"];
    let more = ["--subscription", SUBSCRIPTION, "--contact", &contact, "--pack-size", "4Mi"];
    machine.expect(0, &[&stage[..], &AZURE, &more].concat());
    let made = tool(&["find", machine.text("state/passwords").as_str(), "-type", "f"]);
    let right = private(&machine.path("right"), &std::fs::read_to_string(made).unwrap());
    let wrong = private(&machine.path("wrong"), "another password of many letters");
    let prep = ["prep", "--staging", &staging, "--offline"];
    let keys = ["job", "keys", "--reveal", "--json", "--staging", &staging];

    killed(&machine, &with_drives(&prep, &[]), 30 << 20);
    let secrets = revealed(&machine.expect(0, &keys));
    assert_eq!(secrets.len(), 3, "all three are begun");
    let copies = std::fs::read_dir(machine.path("state/keys")).unwrap();
    for copy in copies.map(|entry| entry.unwrap()) {
        assert_eq!(copy.metadata().unwrap().mode() & 0o777, 0o600);
        let text = std::fs::read_to_string(copy.path()).unwrap();
        assert!(secrets.values().any(|password| *password == text), "{copy:?}");
    }
    killed(&machine, &with_drives(&prep, &[]), 30 << 20);

    // Another machine has the staging path alone.
    std::fs::rename(machine.path("state"), machine.path("state before")).unwrap();
    fails(&machine, 12, "sealed-under-password", &with_drives(&prep, &[]));
    fails(&machine, 12, "repository-password", &with_drives(&prep, &["--password-file", &wrong]));
    fails(
        &machine,
        12,
        "sealed-other-password",
        &[&keys[..], &["--password-file", &wrong]].concat(),
    );
    let said = machine.expect(0, &[&keys[..], &["--password-file", &right]].concat());
    assert_eq!(revealed(&said), secrets);
    let said = machine.expect(0, &with_drives(&prep, &["--password-file", &right, "--verify"]));
    let proven = said.stdout.matches("proven: what came out of it unlocks the drive").count();
    assert_eq!(proven, 3, "under a password the proof is always made: {}", said.stdout);
    let inspect = ["inspect", DRIVES[0], "--staging", &staging];
    fails(&machine, 12, "sealed-under-password", &inspect);
    let output = machine.command(&inspect).env("AZSEED_PASSWORD_FILE", &right).output().unwrap();
    assert!(output.status.success(), "the environment names the file too");
    assert!(!machine.path("state/keys").exists(), "opening leaves no copy behind");

    // The first machine needs no flag; what is in the job is what opens at the dock.
    std::fs::remove_dir_all(machine.path("state")).unwrap();
    std::fs::rename(machine.path("state before"), machine.path("state")).unwrap();
    let said = machine.expect(0, &[&["verify", "--staging", &staging], &DRIVES[..]].concat());
    assert_eq!(said.stdout.matches("journal and manifest: equal").count(), 3, "{}", said.stdout);
    let emulator = Emulator::start(&machine);
    let create = ["job", "create", "--staging", &staging, "--location", "westus", "--json"];
    emulator.expect(&machine, 0, &create);
    let ship = ["job", "ship", "--carrier", "FedEx", "--tracking-number", "1Z1"];
    emulator.expect(&machine, 0, &[&ship[..], &["--staging", &staging]].concat());
    let said = emulator.dock(&machine, &DRIVES);
    let done = said.iter().filter(|drive| drive["status"] == "Completed").count();
    assert_eq!(done, 3, "{said:?}");
    for (serial, password) in &secrets {
        let file = private(&machine.path("key"), password);
        let image = machine.path(&format!("{}.img", serial.to_lowercase()));
        readers::read("cryptsetup", &image, Path::new(&file));
    }
    share.has_none_of(&secrets);
}

#[test]
fn files_need_a_recipient_there_and_its_identity_opens_everywhere() {
    let machine = Machine::new();
    // Private by its mode, but everybody's: as a server does that makes one user of all.
    let share = Share::new(&machine, ",uid=65534,gid=65534,umask=077");
    let mut dice = Dice(1);
    let content = dice.bytes(1 << 20);
    tree::write(&machine.path("source"), "file", &content, &mut dice);
    let staging = machine.adopt(&machine.path("source"), "seed-1");
    let prep = ["prep", "--staging", &staging, "--offline", "--drive", DRIVES[0]];
    fails(&machine, 4, "modes-ignored", &prep);
    assert!(!machine.path("s1.img").exists(), "no drive was touched");

    let own = machine.text("own.key");
    let recipient = tool(&["sh", "-c", &format!("age-keygen -o {own} && age-keygen -y {own}")]);
    let other = machine.text("other.key");
    tool(&["age-keygen", "-o", &other]);
    machine.expect(0, &[&prep[..], &["--encrypt-keys-for", &recipient]].concat());
    let keys = ["job", "keys", "--reveal", "--json", "--staging", &staging];
    let secrets = revealed(&machine.expect(0, &keys));

    let journal = std::fs::read_to_string(share.mount.join("journals/S1.journal")).unwrap();
    let begun = journal.lines().next().unwrap().split_once(' ').unwrap().1;
    let begun: Value = serde_json::from_str(begun).unwrap();
    let sealed = machine.path("sealed.age");
    std::fs::write(&sealed, begun["recovery_password"]["sealed"].as_str().unwrap()).unwrap();
    let opened = tool(&["age", "-d", "-i", &own, sealed.to_str().unwrap()]);
    assert_eq!(opened, secrets["S1"], "the program age opens it too");

    std::fs::remove_dir_all(machine.path("state")).unwrap();
    let with = |file| [&keys[..], &["--identity", file]].concat();
    fails(&machine, 12, "sealed-for-recipient", &keys);
    fails(&machine, 12, "sealed-other-recipient", &with(&other));
    let mode = |mode| std::os::unix::fs::PermissionsExt::from_mode(mode);
    std::fs::set_permissions(&sealed, mode(0o600)).unwrap();
    fails(&machine, 2, "identity-file", &with(sealed.to_str().unwrap()));
    std::fs::set_permissions(&own, mode(0o640)).unwrap();
    fails(&machine, 2, "secret-file-mode", &with(&own));
    std::fs::set_permissions(&own, mode(0o600)).unwrap();
    assert_eq!(revealed(&machine.expect(0, &with(&own))), secrets);
    let seed = share.mount.join("seed.json");
    let whole = std::fs::read(&seed).unwrap();
    std::fs::write(&seed, "{").unwrap();
    assert_eq!(revealed(&machine.expect(0, &with(&own))), secrets, "whatever became of the seed");
    std::fs::write(&seed, whole).unwrap();
    let hidden = machine.expect(0, &["job", "keys", "--staging", &staging]);
    assert!(hidden.stdout.contains("hidden"), "nothing is opened unless it is asked for");
    machine.expect(0, &["verify", "--staging", &staging, DRIVES[0], "--identity", &own]);
    share.has_none_of(&secrets);
}

#[test]
fn a_recipient_seals_on_a_good_file_system_too() {
    let machine = Machine::new();
    let mut dice = Dice(1);
    let content = dice.bytes(1 << 20);
    tree::write(&machine.path("source"), "file", &content, &mut dice);
    let staging = machine.adopt(&machine.path("source"), "seed-1");
    let own = machine.text("own.key");
    let recipient = tool(&["sh", "-c", &format!("age-keygen -o {own} && age-keygen -y {own}")]);
    let seal = ["--encrypt-keys-for", &recipient];
    let prep = ["prep", "--staging", &staging, "--offline", "--drive", DRIVES[0]];
    machine.expect(0, &[&prep[..], &seal].concat());
    let keys = ["job", "keys", "--reveal", "--json", "--staging", &staging];
    let secrets = revealed(&machine.expect(0, &keys));
    let journal = std::fs::read_to_string(machine.path("staging/journals/S1.journal")).unwrap();
    assert!(!journal.contains(&secrets["S1"]), "{journal}");
    // A folder of passwords that somebody opened is closed again before one is put there.
    let folder = machine.path("state/keys");
    std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o755)).unwrap();
    let next = ["prep", "--staging", &staging, "--offline", "--drive", DRIVES[1]];
    tree::write(&machine.path("source"), "later", b"more", &mut dice);
    machine.expect(0, &[&next[..], &seal].concat());
    assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
}
