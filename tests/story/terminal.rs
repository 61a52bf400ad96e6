//! Nothing that others wrote reaches a terminal raw: escape sequences, C1 controls, marks that turn
//! the order of reading, line ends in names. Names like that go through every command that shows
//! names, in success and in refusal, as text and as JSON; every byte that is said is looked at.
#![allow(clippy::disallowed_methods, reason = "tests start programs and write no state files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::process::Command;

use disk_prep::noun::is_command;
use support::emulator::Emulator;
use support::program::{Machine, Said, said};
use support::seed;

/// Names that no drive can hold, but that a source may have.
const WILD: [&[u8]; 6] = [
    b"title\x1b]0;owned\x07",
    b"clear\x1b[2J\x1b[1;1H",
    b"line\nerror: forged\r\x08",
    b"row\nforged: Drive S1 is sealed",
    b"torn\x9b31m\xff",
    b"tab\tand\x0c",
];
/// Names that a drive can hold.
const TAME: [&str; 3] = ["turned\u{202e}gnp.exe", "isolated\u{2066}x\u{2069}", "marked\u{200f}"];
const TARGET: &str = "--storage-account account1 --container seed --resource-group rg \
                      --subscription 11111111-2222-4333-8444-555555555555 --contact contact.toml";

/// Everything that was said, and how much.
#[derive(Default)]
struct Looked {
    runs: usize,
    bytes: usize,
    escaped: usize,
    wrong: Vec<String>,
}

impl Looked {
    /// Runs to success if `works`, else to a refusal; which one is for other tests to say.
    #[track_caller]
    fn at(&mut self, mut command: Command, works: bool) -> Said {
        let output = command.output().unwrap();
        for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
            let text = std::str::from_utf8(bytes).unwrap_or_else(|_| {
                panic!("{name} is no text: {}", String::from_utf8_lossy(bytes))
            });
            let raw = |c: char| is_command(c) && !matches!(c, '\n' | '\t');
            assert!(!text.contains(raw), "{name} of {command:?}: {text:?}");
            let forged = |line: &str| {
                let line = line.trim_start();
                line.starts_with("error: forged") || line.starts_with("forged:")
            };
            assert!(!text.lines().any(forged), "{name} of {command:?}: {text}");
            self.bytes += bytes.len();
            for mark in ["\\x1b", "\\u{", "\\u001b", "\\u009b", "\\u202e", "\\n", "\\x7f"] {
                self.escaped += text.matches(mark).count();
            }
        }
        self.runs += 1;
        let said = said(output);
        let is_right = if works { said.code == 0 } else { ![0, 101, 134].contains(&said.code) };
        if !is_right {
            self.wrong.push(format!("{} {command:?}\n{}\n{}", said.code, said.stdout, said.stderr));
        }
        said
    }
}

fn words<'a>(texts: &[&'a str], names: &'a [OsString]) -> Vec<&'a OsStr> {
    let split = texts.iter().flat_map(|text| text.split_whitespace()).map(OsStr::new);
    split.chain(names.iter().map(OsString::as_os_str)).collect()
}

#[test]
fn no_name_of_a_stranger_reaches_a_terminal_raw() {
    let machine = Machine::new();
    let mut looked = Looked::default();
    fs::write(machine.path("contact.toml"), support::CONTACT).unwrap();
    let wild: Vec<OsString> = WILD.iter().map(|name| OsString::from_vec(name.to_vec())).collect();
    for folder in ["wild", "tame"] {
        fs::create_dir(machine.path(folder)).unwrap();
    }
    for name in &wild {
        fs::write(machine.path("wild").join(name), "content").unwrap();
    }
    for name in TAME {
        fs::write(machine.path("tame").join(name), "content").unwrap();
    }
    for more in [&[][..], &["--json"], &["-v", "-v"]] {
        let more = more.join(" ");
        let run = |texts: &[&str], names: &[OsString]| {
            machine.command(&words(&[&[more.as_str()], texts].concat(), names))
        };
        // Sources of such names: written to a repository, refused as plain files, missing.
        let staging = format!("--staging staged{}", more.len());
        for name in &wild {
            let source = machine.path("wild").join(name);
            let missing = machine.path("wild").join([name.as_bytes(), b"!"].concat().to_os());
            looked.at(
                run(&["stage", &staging, "--job job-1", TARGET, "--source"], &[missing.into()]),
                false,
            );
            // A word beside it that stands in no entry: the words of the name may.
            let mut unknown = OsString::from("qqq ");
            unknown.push(name);
            looked.at(run(&["explain"], &[unknown]), false);
            looked.at(run(&["--bad-flag"], std::slice::from_ref(name)), false);
            looked.at(run(&[], std::slice::from_ref(name)), false);
            looked.at(
                run(
                    &["prep --offline --drive n.img,serial=N,size=210M --staging"],
                    &[source.into()],
                ),
                false,
            );
        }
        let source = machine.path("wild").into();
        looked.at(run(&["stage", &staging, "--job job-1", TARGET, "--source"], &[source]), true);
        let adopted = format!("--staging adopted{}", more.len());
        let source = [machine.path("wild").into()];
        looked
            .at(run(&["stage adopt", &adopted, "--job job-1", TARGET, "--source"], &source), true);
        looked.at(run(&["plan --drive-size 4T", &adopted], &[]), false);
        looked.at(run(&["prep --offline --drive n.img,serial=N,size=210M", &adopted], &[]), false);
        assert!(!machine.path("n.img").exists());
        // Names that travel: planned, written, read back.
        let tame = format!("--staging tame{}", more.len());
        let source = [machine.path("tame").into()];
        looked.at(run(&["stage adopt", &tame, "--job job-1", TARGET, "--source"], &source), true);
        looked.at(run(&["plan --drive-size 4T", &tame], &[]), true);
        let drive = format!("s{0}.img,serial=S{0}", more.len());
        let new = format!("--drive {drive},size=210M");
        looked.at(run(&["prep --offline", &tame, &new], &[]), true);
        looked.at(run(&["verify", &drive, &tame], &[]), true);
        looked.at(run(&["inspect", &drive, &tame], &[]), true);
        // Tables and settings.
        let csv = machine.path("data.csv");
        fs::write(&csv, "BasePath,DstBlobPathOrPrefix,BlobType,Disposition\n\"/\x1b[2J\u{9b}\",a/,BlockBlob,\x1b]0;x\x07\n").unwrap();
        looked.at(run(&["plan --job job-1 --drive-size 4T --dataset data.csv"], &[]), false);
        for text in ["\"\x1b[2J\" = 1", "cipher = \"\\u001b[2J\\u009b\"", "cipher = \"\x1b[2J"] {
            fs::write(machine.path("config.toml"), text).unwrap();
            let mut command = run(&["config show"], &[]);
            command.env("AZSEED_CONFIG", machine.path("config.toml"));
            looked.at(command, false);
        }
        for name in &wild {
            let mut command = run(&["plan --drive-size 4T", &tame], &[]);
            command.env("AZSEED_STORAGE_ACCOUNT", name);
            looked.at(command, false);
            let mut command = run(&["config show"], &[]);
            command.env("AZSEED_LOCATION", name);
            looked.at(command, true);
        }
    }
    let mut help = machine.command(&["plan", "--help"]);
    help.env("AZSEED_STAGING", wild[0].as_os_str());
    looked.at(help, true);
    println!("looked at {} runs, {} bytes, {} escapes", looked.runs, looked.bytes, looked.escaped);
    assert!(looked.wrong.is_empty(), "{}", looked.wrong.join("\n"));
    assert!(looked.escaped > 100, "the names were shown, as letters: {}", looked.escaped);
}

trait ToOs {
    fn to_os(self) -> OsString;
}

impl ToOs for Vec<u8> {
    fn to_os(self) -> OsString {
        OsString::from_vec(self)
    }
}

/// A staging path with a line end in its name.
const STAGING: &str = "staging\nforged:staging";

#[test]
fn a_rehearsal_shows_no_name_raw() {
    let machine = Machine::new();
    let mut looked = Looked::default();
    let source = machine.path("source\nforged:source");
    fs::create_dir(&source).unwrap();
    for name in WILD {
        fs::write(source.join(OsString::from_vec(name.to_vec())), "content").unwrap();
    }
    let source = [source.into_os_string()];
    let rehearse = "rehearse --drive-size 400M --dir dir\u{a0}forged: --source";
    let name = |text: &str| OsString::from(text.replace('\u{a0}', "\n"));
    let all: Vec<OsString> = rehearse.split(' ').map(name).chain(source).collect();
    looked.at(machine.command(&all), true);
    assert!(looked.wrong.is_empty(), "{}", looked.wrong.join("\n"));
    assert!(looked.escaped >= 4, "{}", looked.escaped);
}

#[test]
fn a_snapshot_of_a_stranger_is_shown_in_letters() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    let mut looked = Looked::default();
    let root = machine.path("source\u{9b}2J\u{202e}");
    fs::create_dir(&root).unwrap();
    fs::write(root.join("a\x1b[2J\nerror: forged"), "content").unwrap();
    let root = root.to_str().unwrap().to_owned();
    fs::write(machine.path("contact.toml"), support::CONTACT).unwrap();
    let run = |text: &str| {
        let text = text.replace("STAGING", STAGING);
        emulator.command(&machine, &text.split(' ').collect::<Vec<_>>())
    };
    let mut stage = run("stage --staging STAGING --job seed-1");
    stage.args(TARGET.split_whitespace()).args(["--source", &root]);
    looked.at(stage, true);
    for text in [
        "stage status --staging STAGING",
        "plan --staging STAGING --drive-size 4T",
        "prep --staging STAGING --offline --drive s1.img,serial=S1,size=210M",
        "verify --staging STAGING s1.img,serial=S1",
        "job create --staging STAGING --location westus",
        "job ship --staging STAGING --carrier FedEx --tracking-number 1Z1",
        "vault create --vault office --staging STAGING",
        "vault show",
    ] {
        looked.at(run(text), true);
    }
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    for text in [
        "vault run",
        "vault snapshots",
        "vault snapshots --json",
        "vault snapshots -v -v",
        "vault restore --target out",
        "vault restore --target out\u{9b}2J --json",
        "vault restore --target out\nforged:out",
    ] {
        looked.at(run(text), true);
    }
    looked.at(run("cleanup"), false);
    looked.at(run("cleanup --yes"), true);
    looked.at(run("cleanup --yes"), true);
    assert!(looked.wrong.is_empty(), "{}", looked.wrong.join("\n"));
    assert!(looked.escaped >= 6, "{}", looked.escaped);
    assert!(seed::run(&machine, &emulator, 0, &["--now"])["name"] == "office");
}
