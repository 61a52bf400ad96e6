//! Images of one's own machine on the emulator, seen from outside: the first copy by wire or by a drive,
//! rounds that send only what changed, and that a killed run is gone on with.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::disk_rig::Rig;
use crate::support;

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::disk;
use support::program::{self, Machine};
use support::tree::Dice;

const MIB: usize = 1 << 20;
const BLOCK: usize = 4 * MIB;
const SUBSCRIPTION: &str = "11111111-2222-4333-8444-555555555555";

fn qemu(words: &[&str]) -> String {
    let output = Command::new("qemu-img").args(words).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let also = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "qemu-img {}: {said}{also}", words.join(" "));
    said
}

/// An image of so many MiB; the first block and the last but one hold nothing.
fn image(path: &Path, mib: usize) {
    let content = Dice(7).bytes(mib * MIB);
    let file = File::create(path).unwrap();
    file.set_len((mib * MIB) as u64).unwrap();
    let end = (mib / 4 - 2) * BLOCK;
    file.write_all_at(&content[BLOCK..end], BLOCK as u64).unwrap();
    file.write_all_at(&content[end + BLOCK..], (end + BLOCK) as u64).unwrap();
}

fn write(path: &Path, at: usize, content: &[u8]) {
    File::options().write(true).open(path).unwrap().write_all_at(content, at as u64).unwrap();
}

fn number(told: &Value, field: &str) -> u64 {
    told[field].as_u64().unwrap_or_else(|| panic!("{field}: {told}"))
}

/// Flips a bit in the middle of what was written into a drive's image.
fn flip(path: &Path) {
    let content = fs::read(path).unwrap();
    let is_written: Vec<bool> =
        content.chunks(MIB).map(|piece| piece.iter().any(|byte| *byte != 0)).collect();
    let mut longest = (0, 0);
    let mut at = 0;
    for alike in is_written.chunk_by(|one, other| one == other) {
        if alike[0] && alike.len() > longest.1 {
            longest = (at, alike.len());
        }
        at += alike.len();
    }
    assert!(longest.1 > 30, "the image's data lie in one piece: {longest:?}");
    let place = (longest.0 + longest.1 / 2) * MIB;
    write(path, place, &[content[place] ^ 1]);
}

/// A loop device over a file of the test, taken down even when the test fails.
struct Loop(String);

impl Loop {
    fn over(file: &Path) -> Self {
        let output = Command::new("losetup").args(["-f", "--show"]).arg(file).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Loop(String::from_utf8(output.stdout).unwrap().trim().to_owned())
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        let _ = Command::new("losetup").args(["-d", &self.0]).output();
    }
}

#[tokio::test]
async fn an_image_goes_by_drive_and_what_the_drive_lost_and_what_changed_goes_by_wire() {
    // One log names the block that did not go through, the other only the blob.
    for (service, is_elsewhere) in
        [("import-export", false), ("data-box", false), ("import-export", true)]
    {
        // Its files are there as long as it is.
        let former;
        let mut rig = Rig::new().await;
        let file = rig.machine.path("data.raw");
        image(&file, 48);
        // A file, and a block device under a name that is a link, as LVM has them.
        let device = (service == "data-box").then(|| Loop::over(&file));
        let raw = match &device {
            Some(device) => {
                let link = rig.machine.path("vg-data");
                symlink(&device.0, &link).unwrap();
                link
            }
            None => file,
        };
        let source = format!("image:{}", raw.display());
        let protect = [
            "disk-backup",
            "protect",
            "os",
            "--source",
            &source,
            "--to",
            "account1/disks/os.vhd",
            "--first",
            "drive",
            "--job",
            "data-1",
            "--subscription",
            SUBSCRIPTION,
            "--resource-group",
            "rg",
            "--service",
            service,
        ];
        let seed = rig.told(0, &protect, "disk-seed").remove(0);
        let dataset = fs::read_to_string(seed["dataset"].as_str().unwrap()).unwrap();
        assert_eq!(dataset.lines().count(), 2, "{dataset}");
        // The command that it prints, with what only a person knows.
        let contact = rig.machine.text("contact.toml");
        fs::write(&contact, support::CONTACT).unwrap();
        let words: Vec<String> = serde_json::from_value(seed["command"].clone()).unwrap();
        let filled = words.iter().map(|word| match word.as_str() {
            "DRIVE" => "D1.img,serial=D1,size=210M",
            "CONTACT.toml" => &contact,
            "REGION" => "westus",
            word => word,
        });
        // The machine of these tests says its state directory itself.
        assert_eq!(words[1], "--state");
        assert!(words.iter().any(|word| word == "--omit-zeros"));
        let filled: Vec<&str> = filled.skip(3).collect();
        // A variable that says otherwise than the record is told, and not used.
        let mut other = rig.emulator.command(&rig.machine, &protect[..protect.len() - 2]);
        let is_classic = service == "import-export";
        let elsewhere = if is_classic { "data-box" } else { "import-export" };
        let other = other.env("AZSEED_SERVICE", elsewhere).env("AZSEED_VHD", "none");
        let heard = program::said(other.output().unwrap());
        assert_eq!(heard.code, 0, "{}", heard.stderr);
        for variable in ["AZSEED_SERVICE is not used: ", "AZSEED_VHD is not used: "] {
            assert!(heard.stderr.contains(variable), "{}", heard.stderr);
        }
        let said = rig.emulator.expect(&rig.machine, 0, &protect);
        assert!(said.stdout.contains(&words.join(" ")), "{}", said.stdout);
        let waits = |rig: &Rig| {
            let told = rig.told(0, &["disk-backup", "run"], "disk-round").remove(0);
            assert_eq!(told["outcome"], "in-transit", "{told}");
        };
        waits(&rig);
        // Nothing that is asked is dropped in silence.
        let full = ["disk-backup", "run", "os", "--full"];
        assert_eq!(rig.code(2, &full), "flag-without-meaning");
        assert_eq!(rig.code(10, &["disk-backup", "verify", "os"]), "disk-point-missing");
        let said = rig.emulator.expect(&rig.machine, 0, &["disk-backup", "status", "os"]).stdout;
        assert!(said.contains("the first copy goes by drive, with the job data-1"), "{said}");
        rig.emulator.expect(&rig.machine, 0, &filled);
        waits(&rig);
        let ship = ["job", "ship", "--job", "data-1", "--subscription", SUBSCRIPTION];
        let more = ["--resource-group", "rg", "--carrier", "FedEx", "--tracking-number", "1Z1"];
        rig.emulator.expect(&rig.machine, 0, &[&ship[..], &more].concat());
        flip(&rig.machine.path("D1.img"));
        rig.emulator.dock(&rig.machine, &["D1.img"]);
        assert!(rig.emulator.blob("disks", "os.vhd").metadata().unwrap().blocks() * 512 < 44 << 20);

        if is_elsewhere {
            // Another machine has the image, but not the drives' journals.
            let other = Machine::new();
            let said = rig.emulator.expect(&other, 10, &[&protect[..], &["--json"]].concat());
            assert!(said.stdout.contains("disk-seed-journals"), "{}", said.stdout);
            assert!(disk::snapshots(&rig.container, "os.vhd").await.is_empty(), "nothing was made");
            let journals = |machine: &Machine| machine.state().join("jobs/data-1/journals");
            let copied = Command::new("cp")
                .args(["-a"])
                .args([journals(&rig.machine), journals(&other)])
                .status();
            assert!(copied.unwrap().success());
            former = std::mem::replace(&mut rig.machine, other);
            assert!(former.state().exists());
        }
        // Somebody goes on working while the parcel travels.
        write(&raw, 40 * MIB + 512, &[9; 512]);
        let first =
            rig.told(0, &["disk-backup", "run", "--verify", "full"], "disk-round").remove(0);
        assert_eq!((&first["outcome"], &first["first"]), (&"point".into(), &true.into()));
        // The flipped block, the first 64 KiB of the one that held nothing, the footer.
        assert_eq!(number(&first, "changed_bytes"), (BLOCK + (64 << 10) + 512) as u64, "{first}");
        assert_eq!(number(&first, "read_bytes"), 48 << 20 | 512);
        let mut model = fs::read(&raw).unwrap();
        let point = |told: &Value| told["backup_snapshot"].as_str().unwrap().to_owned();
        let content = disk::read(&rig.container, "os.vhd", Some(&point(&first))).await;
        assert!(content.len() == model.len() + 512 && content.starts_with(&model));

        write(&raw, 20 * MIB + 5, b"changed");
        model = fs::read(&raw).unwrap();
        let round = rig.round(&[]);
        assert_eq!(
            (number(&round, "changed_bytes"), &round["first"]),
            (BLOCK as u64, &false.into())
        );
        assert_eq!(number(&rig.round(&[]), "requests"), 0, "a point is a point");
        let at = round["source_snapshot"].as_str().unwrap();
        let to = rig.machine.text("restored.vhd");
        let words = ["disk-backup", "restore", "os", "--at", at, "--to", &format!("image:{to}")];
        rig.emulator.expect(&rig.machine, 0, &words);
        let same = rig.machine.text("model.raw");
        fs::write(&same, &model).unwrap();
        let said = qemu(&["compare", "-f", "vpc", "-F", "raw", &to, &same]);
        assert!(said.contains("Images are identical"), "{said}");
        assert!(qemu(&["info", "-f", "vpc", &to]).contains("48 MiB (50331648 bytes)"));
        // Each point has its table, and is proven by it.
        let proven = rig.told(0, &["disk-backup", "verify", "os", "--all"], "disk-verified");
        assert!(
            proven.iter().all(|own| own["equal"] == true && own["proven_by"] == "table"),
            "{proven:?}"
        );
    }
}

#[tokio::test]
async fn ten_killed_rounds_of_an_image_lose_nothing() {
    let rig = Rig::new().await;
    let raw = rig.machine.path("data.raw");
    image(&raw, 32);
    let source = format!("image:{}", raw.display());
    let protect = ["disk-backup", "protect", "os", "--source", &source, "--to", "account1/disks"];
    let protect = [&protect[..], &["--vhd", "none"]].concat();
    let now = ["disk-backup", "run", "os", "--now"];
    let mut models = vec![fs::read(&raw).unwrap()];
    let (mut killed, mut whole) = (0, Duration::from_millis(300));
    for kill in 0..10_u32 {
        if kill == 2 {
            rig.emulator.expect(&rig.machine, 0, &protect);
            let began = Instant::now();
            rig.round(&[]);
            whole = began.elapsed();
        }
        for part in 0..5 {
            let at = (kill as usize * 7 + part * 13) % 31 * MIB;
            write(&raw, at, &vec![kill as u8 + 1; MIB / 2]);
        }
        models.push(fs::read(&raw).unwrap());
        let words = if kill < 2 { &protect[..] } else { &now[..] };
        let mut run = rig.emulator.command(&rig.machine, words);
        let mut run = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(whole * (kill + 1) / 12);
        run.kill().unwrap();
        killed += u64::from(!run.wait().unwrap().success());
        if kill == 5 {
            // Another machine goes on: nothing here says what was written.
            drop(fs::remove_file(rig.machine.state().join("disk-backups/os.run")));
        }
        rig.emulator.forward(&rig.machine, "2m");
    }
    let last = rig.round(&["--verify", "full"]);
    for point in rig.told(0, &["disk-backup", "list", "os"], "disk-point") {
        let id = point["backup_snapshot"].as_str().unwrap();
        let content = disk::read(&rig.container, "os.vhd", Some(id)).await;
        assert!(models.contains(&content), "{point} was never so");
    }
    let content = disk::read(&rig.container, "os.vhd", last["backup_snapshot"].as_str()).await;
    assert!(content == *models.last().unwrap());
    assert!(!rig.machine.state().join("disk-backups/os.run").exists());
    println!("{killed} kills");
    assert!(killed >= 3, "{killed}");
}

#[tokio::test]
async fn an_image_of_any_name_is_backed_up_and_taken_over_by_it() {
    let rig = Rig::new().await;
    for (at, name) in ["größe.raw", "a\nb.raw", "50%41 '\"$.raw", "blank.raw "].iter().enumerate()
    {
        let raw = rig.machine.path(name);
        fs::write(&raw, vec![7; MIB]).unwrap();
        let (backup, source) = (format!("os{at}"), format!("image:{}", raw.display()));
        let protect = ["disk-backup", "protect", &backup, "--source", &source, "--to"];
        let protect = [&protect[..], &["account1/disks"]].concat();
        let id = |told: &[Value]| told[0]["id"].clone();
        let own = id(&rig.told(0, &protect, "disk-backup"));
        let now = ["disk-backup", "run", &backup, "--now"];
        assert_eq!(number(&rig.told(0, &now, "disk-round")[0], "changed_bytes"), 0, "{name:?}");
        // By the copy alone.
        rig.told(0, &["disk-backup", "release", &backup], "disk-released");
        let records = rig.emulator.data().join("blobs/account1/disks/azseed/disks");
        fs::remove_file(records.join(&backup).join("record.json")).unwrap();
        assert_eq!(id(&rig.told(0, &protect, "disk-backup")), own, "{name:?}");
    }
}

#[tokio::test]
async fn an_image_that_cannot_be_backed_up_is_refused_before_anything_is_made() {
    let rig = Rig::new().await;
    let raw = rig.machine.text("data.raw");
    image(Path::new(&raw), 16);
    let protect = |source: &str, more: &[&str]| {
        let words = ["disk-backup", "protect", "os", "--to", "account1/disks", "--source"];
        [&words[..], &[source], more]
            .concat()
            .iter()
            .map(|own| (*own).to_owned())
            .collect::<Vec<_>>()
    };
    let code = |exit, source: &str, more: &[&str]| {
        let words = protect(source, more);
        rig.code(exit, &words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let of = |path: &str| format!("image:{path}");
    for form in ["qcow2", "vhdx", "vmdk", "vpc"] {
        // A shell would take its name for several words.
        let other = rig.machine.text(&format!("an other's $1.{form}"));
        qemu(&["convert", "-O", form, &raw, &other]);
        let words = protect(&of(&other), &[]);
        let said = rig.emulator.expect(
            &rig.machine,
            4,
            &words.iter().map(String::as_str).collect::<Vec<_>>(),
        );
        assert!(said.stderr.contains("code: disk-image-form"), "{}", said.stderr);
        // The line that it says makes an image that is taken.
        let line = said.stderr.split('`').nth(1).unwrap().to_owned();
        let made = Command::new("sh").args(["-c", &line]).output().unwrap();
        assert!(line.starts_with("qemu-img ") && made.status.success(), "{line}: {made:?}");
        let fixed = rig.machine.text("an other's $1-fixed.vhd");
        let said = qemu(&["compare", "-f", "vpc", "-F", "raw", &fixed, &raw]);
        assert!(said.contains("identical"), "{said}");
        assert_eq!(code(4, &of(&fixed), &["--vhd", "add"]), "disk-image-vhd");
    }
    let odd = rig.machine.text("odd.raw");
    fs::write(&odd, vec![1; 5000]).unwrap();
    let empty = rig.machine.text("empty.raw");
    fs::write(&empty, "").unwrap();
    for (source, more, exit, expected) in [
        (of(&odd), &["--vhd", "none"][..], 4, "disk-image-length"),
        (of(&raw), &["--vhd", "as-is"], 4, "disk-image-vhd"),
        (of(&empty), &[], 4, "disk-image-length"),
        (of(&rig.machine.text("")), &[], 4, "disk-image-none"),
        (of(&rig.machine.text("gone")), &[], 10, "disk-source-missing"),
        (of(""), &[], 2, "disk-source-word"),
        (of(&raw), &["--diff", "client"], 2, "flag-without-meaning"),
        (of(&raw), &["--first", "copy"], 2, "flag-without-meaning"),
        (of(&raw), &["--job", "data-1"], 2, "flag-without-meaning"),
        (of(&raw), &["--subscription", SUBSCRIPTION], 2, "flag-without-meaning"),
        (of(&raw), &["--first", "drive"], 2, "flag-missing"),
        ("page-blob:account1/disks/x".to_owned(), &["--vhd", "add"], 2, "flag-without-meaning"),
        ("page-blob:account1/disks/x".to_owned(), &["--first", "drive"], 2, "flag-without-meaning"),
    ] {
        assert_eq!(code(exit, &source, more), expected, "{source} {more:?}");
    }
    let words = protect(&of(&empty), &["--vhd", "add"]);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let said = rig.emulator.expect(&rig.machine, 4, &words).stderr;
    assert!(said.contains("it holds nothing") && !said.contains("--vhd"), "{said}");
    assert!(!rig.machine.state().join("disk-backups").exists());
    assert!(!rig.machine.state().join("jobs").exists());
    // Somebody's own data set of that name is not written over.
    let dataset = rig.machine.state().join("jobs/data-1/dataset.csv");
    fs::create_dir_all(dataset.parent().unwrap()).unwrap();
    fs::write(&dataset, "somebody's").unwrap();
    let by_drive = ["--first", "drive", "--job", "data-1", "--subscription", SUBSCRIPTION];
    let by_drive = [&by_drive[..], &["--resource-group", "rg"]].concat();
    assert_eq!(code(2, &of(&raw), &by_drive), "disk-backup-other");
    assert_eq!(fs::read_to_string(&dataset).unwrap(), "somebody's");
    assert!(!rig.machine.state().join("disk-backups").exists());

    rig.emulator.expect(
        &rig.machine,
        0,
        &protect(&of(&raw), &[]).iter().map(String::as_str).collect::<Vec<_>>(),
    );
    let at = "2999-01-01T00:00:00Z";
    let promote = ["disk-backup", "promote", "os", "--at", at, "--overwrite", "os"];
    assert_eq!(rig.code(4, &promote), "disk-of-image");
    // It has no snapshot that it would be proven by.
    rig.round(&["--verify", "full"]);
    let said = rig.emulator.expect(&rig.machine, 0, &["disk-backup", "list", "os"]).stdout;
    assert!(said.contains("by its digest table") && !said.contains("snapshot"), "{said}");
    // A state directory that cannot be written to: the run ends before anything is sent.
    fs::create_dir(rig.machine.state().join("disk-backups/os.run")).unwrap();
    write(Path::new(&raw), 0, &[1]);
    assert_eq!(rig.code(1, &["disk-backup", "run", "--now"]), "disk-run-log");
    // What is missing of a job stands in a line that has all of it.
    let source = of(&raw);
    let words = ["disk-backup", "protect", "od", "--source", &source, "--to", "account1/disks"];
    let more = ["--first", "drive", "--subscription", SUBSCRIPTION, "--resource-group", "rg"];
    let said = rig.emulator.expect(&rig.machine, 2, &[&words[..], &more].concat()).stderr;
    assert!(said.contains("--job is missing") && !said.contains("staging"), "{said}");
    let words: Vec<&str> = said.split('`').nth(1).unwrap().split(' ').skip(1).collect();
    rig.emulator.expect(&rig.machine, 0, &words);
}
