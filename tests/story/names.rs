//! What cannot be sent is refused when it is planned, all at once, and nothing is made: names that
//! XML, Azure or Windows do not hold, rows and claims that are not true, a repository that nobody
//! can read. Told with the real program.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::fs;
use std::path::Path;

use sha2::Digest;
use support::program::{Machine, Said};

const HEAD: &str = "BasePath,DstItemPathOrPrefix,ItemType";
const FULL: &str = "BasePath,DstBlobPathOrPrefix,BlobType,Disposition,MetadataFile,PropertiesFile";

fn write(path: &Path, content: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// The files of a machine as a `dataset.csv` names them, with this header and these rows; `@`
/// stands for the machine's folder.
fn dataset(machine: &Machine, head: &str, rows: &str) -> String {
    let folder = machine.text("");
    let rows = rows.replace('@', folder.trim_end_matches('/'));
    write(&machine.path("dataset.csv"), format!("{head}\n{rows}\n").as_bytes());
    machine.text("dataset.csv")
}

fn plan(machine: &Machine, csv: &str) -> Said {
    machine.run(&["plan", "--dataset", csv, "--job", "seed-1", "--drive-size", "300M"])
}

/// Expects a refusal of `plan` and `prep` with this code, and that nothing was made.
fn refused(machine: &Machine, what: &[&str], code: &str) -> String {
    let plan = [&["plan"], what, &["--drive-size", "300M"]].concat();
    let said = machine.expect(2, &plan).stderr;
    assert!(said.contains(&format!("code: {code}")), "{said}");
    let drive = "image:d.img,serial=S1,size=300M";
    let prep = [&["prep"], what, &["--offline", "--drive", drive]].concat();
    let again = machine.expect(2, &prep).stderr;
    assert_eq!(again, said, "both say the same");
    assert!(!machine.path("d.img").exists(), "no drive was made");
    for journals in ["staging/journals", "state/jobs/seed-1/journals"] {
        let journals = machine.path(journals);
        let entries = fs::read_dir(&journals).map_or(0, |entries| entries.count());
        assert_eq!(entries, 0, "{}", journals.display());
    }
    said
}

/// Names that cannot be sent, and what is said of each.
const BAD_NAMES: &[(&str, &str)] = &[
    ("odd\u{fffe}.txt", "U+FFFE, a noncharacter"),
    ("odd\u{ffff}", "U+FFFF, a noncharacter"),
    ("a\u{fdd0}", "U+FDD0, a noncharacter"),
    ("bell\u{7}", "U+0007, a control character"),
    ("esc\u{1b}[2J", "U+001B, an escape"),
    ("tab\u{81}end", "U+0081, a control character"),
    ("line\nbreak", "U+000A, a line break"),
    ("del\u{7f}", "U+007F, a control character"),
    ("mac\u{f022}", "U+F022, a character for private use"),
    ("lost\u{fffd}", "U+FFFD, the replacement character"),
    ("COM¹", "a device name of Windows"),
    ("lpt².txt", "a device name of Windows"),
    ("COM³.tar.gz", "a device name of Windows"),
    ("com0", "a device name of Windows"),
    ("nul .x", "a device name of Windows"),
    ("CONIN$", "a device name of Windows"),
    ("end.", "ends in a dot or a blank"),
    ("end ", "ends in a dot or a blank"),
    ("a:b", "it has one of /"),
];

#[test]
fn a_name_that_cannot_be_sent_is_refused_all_at_once_from_rows_and_from_a_folder() {
    let machine = Machine::new();
    for (name, _) in BAD_NAMES {
        write(&machine.path("src").join(name), b"x");
    }
    write(&machine.path("src/good"), b"x");
    write(&machine.path("src/x1"), b"x");
    write(&machine.path("src/X1"), b"x");
    let staging = machine.adopt(&machine.path("src"), "seed-1");
    let csv = dataset(&machine, HEAD, "@/src/,cont/x/,BlockBlob");
    let rows = refused(&machine, &["--dataset", &csv, "--job", "seed-1"], "csv-invalid");
    let folder = refused(&machine, &["--staging", &staging], "names-unshippable");
    for said in [rows, folder] {
        for (name, reason) in BAD_NAMES {
            assert!(said.contains(reason), "{name:?}: {said}");
        }
        assert!(said.contains("x1 are one name on NTFS"), "{said}");
        assert!(!said.contains("good"), "{said}");
        let raw = said.chars().find(|c| c.is_control() && *c != '\n');
        assert_eq!(raw, None, "no sign reaches a terminal that it would obey: {said:?}");
    }
}

#[test]
fn of_very_many_names_the_rest_is_counted() {
    let machine = Machine::new();
    for number in 0..140 {
        write(&machine.path(&format!("src/{number:03}:")), b"x");
    }
    let csv = dataset(&machine, HEAD, "@/src/,cont/x/,BlockBlob");
    let said = refused(&machine, &["--dataset", &csv, "--job", "seed-1"], "csv-invalid");
    assert!(said.contains("has 140 faults") && said.contains("and 40 more"), "{said}");
    assert!(said.contains("/099:") && !said.contains("/100:"), "{said}");
}

#[test]
fn a_clash_is_told_as_what_it_is_and_with_all_others() {
    let machine = Machine::new();
    for name in ["a", "b", "c/x1", "c/X1", "c/x2", "c/X2", "c/x3", "c/X3"] {
        write(&machine.path(name), b"x");
    }
    let words = |csv: &str| ["--dataset".to_owned(), csv.to_owned()];
    let refused = |csv: &str| {
        let words = words(csv);
        let words: Vec<&str> =
            words.iter().map(String::as_str).chain(["--job", "seed-1"]).collect();
        refused(&machine, &words, "ntfs-names-clash")
    };
    let rows = "@/a,cont/foo/bar,BlockBlob\n@/b,cont/foo/bar/log,BlockBlob";
    let said = refused(&dataset(&machine, HEAD, rows));
    assert!(said.contains("\\seed-1\\cont\\foo\\bar would be a file and a folder"), "{said}");
    let rows = "@/a,cont/foo/Bar,BlockBlob\n@/b,cont/foo/bar/log,BlockBlob";
    let said = refused(&dataset(&machine, HEAD, rows));
    let told =
        "\\foo\\Bar is a file and \\seed-1\\cont\\foo\\bar is a folder, and they are one name";
    assert!(said.contains(told), "{said}");
    let said = refused(&dataset(&machine, HEAD, "@/c/,cont/c/,BlockBlob"));
    for name in ["x1", "x2", "x3"] {
        assert!(said.contains(&format!("\\{name} are one name on NTFS")), "{said}");
    }
}

#[test]
fn long_paths_and_empty_folders_are_told_and_the_rest_is_planned() {
    let machine = Machine::new();
    let long = format!("src/{}/{}", "l".repeat(130), "m".repeat(125));
    write(&machine.path(&long), b"x");
    fs::create_dir_all(machine.path("src/deep/empty")).unwrap();
    let csv = dataset(&machine, HEAD, "@/src/,cont/x/,BlockBlob");
    let said = plan(&machine, &csv);
    assert_eq!(said.code, 0, "{}", said.stderr);
    let first = "warning: 1 path on the drive will have more than 256 characters";
    assert!(said.stderr.contains(first) && said.stderr.contains("mmm"), "{}", said.stderr);
    assert!(said.stderr.contains("warning: 1 empty folder will not be copied"), "{}", said.stderr);
    assert!(said.stderr.contains("src/deep/empty"), "{}", said.stderr);
    fs::create_dir_all(machine.path("none")).unwrap();
    let csv = dataset(&machine, HEAD, "@/none/,cont/x/,BlockBlob");
    refused(&machine, &["--dataset", &csv, "--job", "seed-1"], "nothing-to-copy");
    let staging = machine.adopt(&machine.path("src"), "seed-1");
    let said = machine.expect(0, &["plan", "--staging", &staging, "--drive-size", "300M"]);
    assert!(said.stderr.contains("1 path") && said.stderr.contains("1 empty"), "{}", said.stderr);
}

#[test]
fn a_cell_is_the_file_that_its_quotes_name_and_a_false_claim_is_refused() {
    let machine = Machine::new();
    write(&machine.path("report"), b"WRONG");
    write(&machine.path("report "), b"RIGHT!");
    let csv = dataset(&machine, HEAD, "\"@/report \",cont/report,BlockBlob");
    let said = plan(&machine, &csv);
    assert!(
        said.code == 0 && said.stdout.contains("1 file, 6 B"),
        "{}{}",
        said.stdout,
        said.stderr
    );
    let csv = dataset(&machine, HEAD, "@/report ,cont/report,BlockBlob");
    let words = ["--dataset", &csv, "--job", "seed-1"];
    let said = refused(&machine, &words, "csv-invalid");
    assert!(said.contains("put quotes around the one meant"), "{said}");
    let digest = "<Properties><Content-MD5>Q2hlY2sgSW50ZWdyaXR5IQ==</Content-MD5></Properties>";
    write(&machine.path("p.xml"), digest.as_bytes());
    dataset(&machine, FULL, "@/report,cont/report,BlockBlob,,,@/p.xml");
    let said = refused(&machine, &words, "csv-invalid");
    assert!(said.contains("Content-MD5 says Q2hlY2sgSW50ZWdyaXR5IQ==, but"), "{said}");
}

/// A file of a repository, of those that are named after their digest.
fn named(folder: &str, first: &str) -> String {
    format!("{folder}/{first}{}", "0a".repeat(32 - first.len() / 2))
}

/// All that makes a repository readable.
fn readable() -> [String; 4] {
    let [keys, index, snapshots] = ["keys", "index", "snapshots"].map(|name| named(name, "0b"));
    ["config".to_owned(), keys, index, snapshots]
}

#[test]
fn a_repository_that_nobody_can_read_is_not_prepared() {
    let machine = Machine::new();
    for name in readable().iter().chain([&named("data/00", "00")]) {
        write(&machine.path("repo").join(name), b"x");
    }
    let staging = machine.adopt(&machine.path("repo"), "seed-1");
    let plan = ["plan", "--staging", &staging, "--drive-size", "300M"];
    machine.expect(0, &plan);
    for part in &readable()[..3] {
        let (path, away) = (machine.path("repo").join(part), machine.path("away"));
        fs::rename(&path, &away).unwrap();
        let said = machine.expect(4, &plan).stderr;
        let name = part.split('/').next().unwrap();
        assert!(said.contains(&format!("it lacks {name}")), "{said}");
        assert!(said.contains("code: repository-incomplete"), "{said}");
        let drive = "image:d.img,serial=S1,size=300M";
        machine.expect(4, &["prep", "--staging", &staging, "--offline", "--drive", drive]);
        assert!(!machine.path("d.img").exists() && !machine.path("staging/journals").exists());
        fs::rename(&away, &path).unwrap();
    }
}

#[test]
fn a_parcel_without_what_makes_its_repository_readable_is_no_job() {
    let machine = Machine::new();
    // Each file is named by what it holds.
    let put = |folder: &str, content: &[u8]| {
        let id = sha2::Sha256::digest(content);
        let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        let folder = folder.replace("XX", &id[..2]);
        write(&machine.path("repo").join(folder).join(id), content);
    };
    write(&machine.path("repo/config"), b"config");
    ["keys", "index", "snapshots"].iter().for_each(|folder| put(folder, folder.as_bytes()));
    [7, 8].iter().for_each(|byte| put("data/XX", &vec![*byte; 40 << 20]));
    let staging = machine.adopt(&machine.path("repo"), "seed-1");
    let drives = ["--drive", "a.img,serial=A,size=210M", "--drive", "b.img,serial=B,size=210M"];
    let prep = [&["prep", "--staging", &staging, "--offline"][..], &drives].concat();
    machine.expect(0, &prep);
    let plan = |serial: &str| fs::read(machine.path(&format!("staging/journals/{serial}.plan")));
    let has_config = |serial: &str| {
        let plan = String::from_utf8(plan(serial).unwrap()).unwrap();
        plan.lines().any(|line| line.starts_with("[\"config\","))
    };
    let [with, without] = if has_config("A") { ["A", "B"] } else { ["B", "A"] };
    assert!(has_config(with) && !has_config(without), "it lies on one of the two");
    machine.expect(0, &["drive", "release", with, "--staging", &staging]);
    let mut create = vec!["job", "create", "--staging", &staging, "--location", "westus"];
    create.extend(["--arm-endpoint", "https://127.0.0.1:1"]);
    let said = machine.command(&create).env("AZSEED_TOKEN", "token").output().unwrap();
    let (code, said) = (said.status.code(), String::from_utf8_lossy(&said.stderr).into_owned());
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("code: repository-incomplete"), "{said}");
    for part in ["config", "keys", "index", "snapshots"] {
        assert!(said.contains(&format!("\n  {part}")), "{said}");
    }
}

#[test]
fn a_file_below_the_staging_path_that_has_another_name_is_not_prepared() {
    let machine = Machine::new();
    write(&machine.path("staging/data/one"), b"x");
    let staging = machine.adopt(&machine.path("staging/data"), "seed-1");
    let plan = ["plan", "--staging", &staging, "--drive-size", "300M"];
    machine.expect(0, &plan);
    fs::hard_link(machine.path("staging/data/one"), machine.path("other")).unwrap();
    let said = machine.run(&plan);
    assert!(said.code != 0 && said.stderr.contains("it has 2 names"), "{}", said.stderr);
    assert!(said.stderr.contains("staging/data/one"), "{}", said.stderr);
    // Elsewhere a copy may be made of links.
    write(&machine.path("apart/one"), b"x");
    fs::hard_link(machine.path("apart/one"), machine.path("apart-too")).unwrap();
    fs::rename(machine.path("staging"), machine.path("before")).unwrap();
    let staging = machine.adopt(&machine.path("apart"), "seed-1");
    machine.expect(0, &["plan", "--staging", &staging, "--drive-size", "300M"]);
}

/// What is made in a folder that a row lists would be one of its files the next time.
#[test]
fn a_drive_in_a_folder_that_a_row_lists_is_refused_and_one_beside_it_is_not() {
    let machine = Machine::new();
    write(&machine.path("source/a/file"), b"x");
    write(&machine.path("beside/file"), b"x");
    std::os::unix::fs::symlink(machine.path("source/a"), machine.path("way")).unwrap();
    let csv = dataset(&machine, HEAD, "@/source/,cont/x/,BlockBlob");
    let prep = |drive: &str| {
        let drive = format!("image:{},serial=S1,size=210M", machine.path(drive).display());
        machine.run(&["prep", "--dataset", &csv, "--job", "job-1", "--offline", "--drive", &drive])
    };
    for place in ["source/new.img", "source/a/new.img", "way/new.img"] {
        let said = prep(place);
        assert_eq!(said.code, 4, "{place}: {}{}", said.stdout, said.stderr);
        assert!(said.stderr.contains("drive-in-source"), "{place}: {}", said.stderr);
        assert!(!machine.path(place).exists(), "{place}");
    }
    assert!(!machine.path("state/jobs/job-1").exists(), "nothing is left of what was refused");
    assert_eq!(prep("beside/new.img").code, 0);
    // Its drive can be given up like one of a seed.
    let said = machine.expect(0, &["drive", "release", "S1"]);
    assert!(said.stdout.contains("the same `azseed prep` with another drive"), "{}", said.stdout);
}
