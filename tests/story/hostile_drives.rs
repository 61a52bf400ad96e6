//! Drives that are hostile, failing, or not ours, as the commands tell of them: what it is, what
//! could be read, why the rest could not, with a code; in bounds of memory and time, never a panic.
#![allow(clippy::type_complexity, reason = "rows of tables")]
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests start programs, set their stage with plain files and may fail anywhere"
)]

#[allow(dead_code, reason = "each of the tests that share it uses a part")]
#[path = "../../disk-prep/tests/hostile/stage.rs"]
mod stage;
use crate::support;

use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::process::Command;

use disk_prep::device::Device;
use disk_prep::manifest::Profile;
use disk_prep::volume::view::{find_volume, unlock};
use serde_json::Value;
use stage::{Inside, Layer, VOLUME, seal, u16_at, u32_at, volume_key};
use support::program::{Machine, Said, said};

/// A user that nobody else is, so that the limit on its threads counts only ours.
const NOBODY: u32 = 54_321;

struct Bench {
    machine: Machine,
    password: disk_prep::noun::RecoveryPassword,
}

impl Bench {
    fn new() -> Self {
        let machine = Machine::new();
        let (_, password) = seal(machine.path("").as_path(), Profile::Legacy, 300);
        let text = format!("{}\n", password.reveal().as_str());
        fs::write(machine.path("key"), text).unwrap();
        fs::set_permissions(machine.path("key"), fs::Permissions::from_mode(0o600)).unwrap();
        Bench { machine, password }
    }

    /// Changes the file system inside, as somebody with the key can.
    fn inside(&self, change: impl FnOnce(&Inside<'_>)) {
        let image = self.machine.path("S1.img");
        let layer = Layer::over(&image);
        let (_, place) = find_volume(&layer).unwrap();
        let volume = unlock(&layer, place, &self.password).unwrap();
        let key = volume_key(&layer, &self.password);
        change(&Inside { layer: &layer, volume: &volume, key: &key });
        layer.settle(&image);
    }

    /// Overwrites raw bytes.
    fn write(&self, at: u64, bytes: &[u8]) {
        let file = fs::File::options().write(true).open(self.machine.path("S1.img")).unwrap();
        file.write_all_at(bytes, at).unwrap();
    }

    /// Runs a command on the drive within a gigabyte and half a minute of reckoning.
    fn look(&self, verb: &str, more: &[&str]) -> Said {
        let mut words = vec![verb, "image:S1.img,serial=S1"];
        words.extend(more);
        let own = self.machine.command(&words);
        let mut command = Command::new("prlimit");
        command.args(["--as=1000000000", "--cpu=30", "--"]).arg(own.get_program());
        command.args(own.get_args()).current_dir(self.machine.path(""));
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        said(command.output().unwrap())
    }

    fn opened(&self, verb: &str) -> Said {
        self.look(verb, &["--recovery-password-file", "key"])
    }
}

/// Makes the last entry of the first node of the large folder lead back to it.
fn loops(inside: &Inside<'_>) {
    let at = inside.nodes(inside.find("many"))[0];
    inside.edit(at, 4096, |node| {
        let mut last = 24 + u32_at(node, 24) as usize;
        while node[last + 12] & 2 == 0 {
            last += u16_at(node, last + 8);
        }
        node[last + 8] = 24;
        node[last + 12] = 3;
        node[last + 16..last + 24].fill(0);
        node[28..32].copy_from_slice(&(last as u32).to_le_bytes());
    });
}

#[test]
fn a_folder_without_an_end_is_told_and_the_rest_is_shown() {
    let bench = Bench::new();
    assert_eq!(bench.opened("verify").code, 0);
    bench.inside(loops);
    let seen = bench.opened("inspect");
    assert_eq!(seen.code, 5, "{}{}", seen.stdout, seen.stderr);
    assert!(seen.stdout.contains("lead back to themselves"), "{}", seen.stdout);
    assert!(seen.stdout.contains("\\job-1\\large"), "{}", seen.stdout);
    let found = bench.opened("verify");
    assert_eq!(found.code, 5, "{}{}", found.stdout, found.stderr);
    assert!(found.stdout.contains("\\job-1\\many cannot be read"), "{}", found.stdout);
}

#[test]
fn a_record_that_led_the_reader_astray_is_told() {
    let bench = Bench::new();
    bench.inside(|inside| {
        inside.edit_attribute(inside.find("plain"), 0x80, |own| {
            own[9] = 255;
            own[10..12].fill(0xff);
        });
        inside.edit_attribute(inside.find("many"), 0x90, |root| {
            let at = u16_at(root, 20) + 8;
            root[at..at + 4].copy_from_slice(&0xf000_0000u32.to_le_bytes());
        });
    });
    for verb in ["inspect", "verify"] {
        let seen = bench.opened(verb);
        assert_eq!(seen.code, 5, "{verb}: {}{}", seen.stdout, seen.stderr);
        assert!(!seen.stderr.contains("panicked"), "{}", seen.stderr);
        assert!(seen.stdout.contains("plain cannot be read"), "{}", seen.stdout);
    }
    bench.inside(|inside| inside.edit_attribute(0, 0x80, |own| own[u16_at(own, 32)] = 0xff));
    let seen = bench.opened("inspect");
    assert_eq!(seen.code, 5, "{}", seen.stderr);
    assert!(seen.stdout.contains("BitLocker    xts"), "{}", seen.stdout);
    assert!(seen.stdout.contains("azseed explain file-system-unreadable"), "{}", seen.stdout);
    let found = bench.opened("verify");
    assert!(found.code == 5 && found.stderr.contains("file-system-unreadable"), "{}", found.stderr);
}

#[test]
fn a_volume_of_another_kind_is_named_and_never_called_no_bitlocker() {
    let bench = Bench::new();
    let whole = fs::File::open(bench.machine.path("S1.img")).unwrap();
    let mut first = [0; 512];
    whole.read_exact_at(&mut first, VOLUME).unwrap();
    let used_space = uuid::uuid!("92a84d3b-dd80-4d0e-9e4e-b1e3284eaed8").to_bytes_le();
    let kinds: [(&[(u64, &[u8])], &str, &str); 4] = [
        (&[(11, b"\x00\x10")], "sectors of 4096 bytes", "volume-sector-size"),
        (&[(3, b"MSWIN4.1")], "BitLocker To Go", "volume-to-go"),
        (&[(0, b"\xeb\x52\x90")], "Windows Vista", "volume-first-version"),
        (&[(160, &used_space)], "used space only", "volume-used-space-only"),
    ];
    for (changes, words, code) in kinds {
        bench.write(VOLUME, &first);
        for (at, bytes) in changes {
            bench.write(VOLUME + at, bytes);
        }
        let seen = bench.opened("inspect");
        assert_eq!(seen.code, 0, "{code}: {}", seen.stderr);
        let line = seen.stdout.lines().find(|line| line.starts_with("BitLocker")).unwrap();
        assert!(line.contains(words) && line.contains(code), "{line}");
        let found = bench.opened("verify");
        assert_eq!(found.code, 5, "{code}: {}", found.stderr);
        assert!(found.stderr.contains(&format!("code: {code}")), "{}", found.stderr);
        let json = bench.look("inspect", &["--json"]).stdout;
        let json: Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
        assert_eq!((&json["bitlocker"], &json["closed"]["code"]), (&true.into(), &code.into()));
    }
}

#[test]
fn a_drive_that_is_laid_out_otherwise_is_named_and_its_volume_found() {
    let bench = Bench::new();
    // Both tables go, and what is there lies as an old partition.
    let size = fs::metadata(bench.machine.path("S1.img")).unwrap().len();
    bench.write(0, &[0; 34 * 512]);
    bench.write(size - 33 * 512, &[0; 33 * 512]);
    let seen = bench.look("inspect", &[]);
    assert!(seen.stdout.contains("BitLocker    xts"), "a volume of ours: {}", seen.stdout);
    let mut mbr = [0; 512];
    let sector = |bytes: u64| ((bytes / 512) as u32).to_le_bytes();
    mbr[450] = 7;
    mbr[454..458].copy_from_slice(&sector(VOLUME));
    mbr[458..462].copy_from_slice(&sector(size - VOLUME - (1 << 20)));
    mbr[510..].copy_from_slice(&[0x55, 0xaa]);
    bench.write(0, &mbr);
    let seen = bench.opened("inspect");
    assert_eq!(seen.code, 0, "{}{}", seen.stdout, seen.stderr);
    assert!(seen.stdout.contains("there is an MBR partition table"), "{}", seen.stdout);
    assert!(seen.stdout.contains("BitLocker    xts"), "{}", seen.stdout);
    assert!(seen.stdout.contains("\\job-1\\plain"), "{}", seen.stdout);
    let found = bench.opened("verify");
    assert!(found.code == 5 && found.stderr.contains("code: drive-mbr"), "{}", found.stderr);
    // The volume alone, without any table.
    let whole = fs::read(bench.machine.path("S1.img")).unwrap();
    fs::write(bench.machine.path("S1.img"), &whole[VOLUME as usize..]).unwrap();
    let seen = bench.opened("inspect");
    assert_eq!(seen.code, 0, "{}{}", seen.stdout, seen.stderr);
    assert!(seen.stdout.contains("takes the whole drive"), "{}", seen.stdout);
    assert!(seen.stdout.contains("BitLocker    xts"), "{}", seen.stdout);
    assert!(seen.stdout.contains("\\job-1\\plain"), "{}", seen.stdout);
    let found = bench.opened("verify");
    let code = "code: drive-without-partitions";
    assert!(found.code == 5 && found.stderr.contains(code), "{}", found.stderr);
}

#[test]
fn what_unlocks_a_volume_is_listed_and_without_a_recovery_password_it_says_so() {
    let bench = Bench::new();
    let layer = Layer::over(&bench.machine.path("S1.img"));
    let mut header = [0; 512];
    layer.read_at(&mut header, VOLUME).unwrap();
    for (protection, words) in [
        (0x0100u16, "TPM"),
        (0x0200, "startup key"),
        (0x0500, "TPM with a PIN"),
        (0x2000, "password"),
    ] {
        for copy in 0..3 {
            let place = &header[176 + 8 * copy..][..8];
            let place = VOLUME + u64::from_le_bytes(place.try_into().unwrap());
            let mut block = vec![0; 65_536];
            layer.read_at(&mut block, place).unwrap();
            // The protector is the second datum: role 2, kind 8; its protection lies 34 bytes in.
            let mut at = 112;
            while (u16_at(&block, at + 2), u16_at(&block, at + 4)) != (2, 8) {
                at += u16_at(&block, at);
            }
            block[at + 34..at + 36].copy_from_slice(&protection.to_le_bytes());
            let info = u16_at(&block, 8) * 16;
            let sum = crc32fast::hash(&block[..info]);
            block[info + 4..info + 8].copy_from_slice(&sum.to_le_bytes());
            bench.write(place, &block);
        }
        let seen = bench.look("inspect", &[]);
        assert!(seen.stdout.contains(&format!("Protector    {words}\n")), "{}", seen.stdout);
        assert!(seen.stdout.contains("no recovery password opens it"), "{}", seen.stdout);
        let found = bench.opened("verify");
        assert_eq!(found.code, 12, "{}", found.stderr);
        assert!(found.stderr.contains("volume-no-recovery-password"), "{}", found.stderr);
        assert!(found.stderr.contains(words), "{}", found.stderr);
    }
}

#[test]
fn a_recovery_key_file_opens_as_windows_saves_it_and_another_file_is_told() {
    let bench = Bench::new();
    let key = bench.password.reveal();
    let text = format!(
        "BitLocker\r\n\r\nIdentifier:\r\n\r\n\t1234\r\n\r\nRecovery Key:\r\n\r\n\t{}\r\n",
        key.as_str()
    );
    let utf16: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let spaced = format!("\u{feff}{}\r\n", key.replace('-', " "));
    for content in [utf16, spaced.into_bytes()] {
        fs::write(bench.machine.path("key"), content).unwrap();
        let seen = bench.opened("inspect");
        assert_eq!(seen.code, 0, "{}", seen.stderr);
        assert!(seen.stdout.contains("\\job-1\\plain"), "{}", seen.stdout);
    }
    let startup_key: Vec<u8> = (0..156u32).map(|at| (at * 151 % 256) as u8).collect();
    for content in [startup_key, b"12345".to_vec(), Vec::new()] {
        fs::write(bench.machine.path("key"), content).unwrap();
        for verb in ["inspect", "verify"] {
            let seen = bench.opened(verb);
            assert_eq!(seen.code, 2, "{}{}", seen.stdout, seen.stderr);
            assert!(
                seen.stderr.contains("48 digits") && seen.stderr.contains(".BEK"),
                "{}",
                seen.stderr
            );
        }
    }
}

/// Gives a file of a folder another name of the same length.
fn rename(inside: &Inside<'_>, folder: &str, from: &str, to: &str) {
    let wide = |name: &str| name.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let (from, to) = (wide(from), wide(to));
    let record = inside.find(folder);
    let change = |bytes: &mut [u8]| {
        let at = bytes.windows(from.len()).position(|window| window == from);
        if let Some(at) = at {
            bytes[at..at + to.len()].copy_from_slice(&to);
        }
        at.is_some()
    };
    let mut is_done = false;
    inside.edit_attribute(record, 0x90, |root| is_done = change(root));
    if !is_done {
        let nodes = inside.nodes(record);
        nodes.iter().for_each(|&at| inside.edit(at, 4096, |node| is_done |= change(node)));
    }
    assert!(is_done, "there is such a name");
}

#[test]
fn what_another_system_left_beside_the_data_is_told_apart_and_in_it_is_a_difference() {
    let bench = Bench::new();
    bench.inside(|inside| rename(inside, "System Volume Information", "FVE2.{", "TRAC.{"));
    let found = bench.opened("verify");
    assert_eq!(found.code, 0, "{}{}", found.stdout, found.stderr);
    assert!(found.stdout.contains("the data is whole"), "{}", found.stdout);
    assert!(found.stdout.contains("\\System Volume Information\\TRAC.{"), "{}", found.stdout);
    assert!(!found.stdout.contains("Do not ship"), "{}", found.stdout);
    let json = bench.look("verify", &["--recovery-password-file", "key", "--json"]);
    let line = json.stdout.lines().find(|line| line.contains("\"verified\"")).unwrap();
    let json: Value = serde_json::from_str(line).unwrap();
    assert_eq!((&json["equal"], json["added"].as_array().unwrap().len()), (&true.into(), 1));
    bench.inside(|inside| rename(inside, "job-1", "plain", "plaim"));
    let found = bench.opened("verify");
    assert_eq!(found.code, 5, "{}", found.stdout);
    for words in ["plaim is on the drive", "plain is missing", "Do not ship it"] {
        assert!(found.stdout.contains(words), "{}", found.stdout);
    }
}

#[test]
fn a_file_of_the_system_that_is_damaged_is_a_difference() {
    let bench = Bench::new();
    bench.inside(|inside| {
        // The mirror of the first records is the second region of a volume of ours.
        let at = 2 * inside.cluster_bytes();
        let mut sector = inside.read(at, 512);
        sector[0] ^= 1;
        inside.write(at, &sector);
    });
    let found = bench.opened("verify");
    assert_eq!(found.code, 5, "{}{}", found.stdout, found.stderr);
    assert!(found.stdout.contains("$MFTMirr of the file system is damaged"), "{}", found.stdout);
}

/// The program as a user who may have so many threads.
fn with_threads(machine: &Machine, threads: u32, words: &[&str]) -> Said {
    let own = machine.command(words);
    let mut command = Command::new("timeout");
    command.args(["100", "prlimit", &format!("--nproc={threads}"), "--"]).arg(own.get_program());
    command.args(own.get_args()).current_dir(machine.path("")).uid(NOBODY).gid(NOBODY);
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("HOME", machine.path(""));
    said(command.output().unwrap())
}

#[test]
fn without_threads_drives_are_looked_at_one_by_one_and_a_fill_stops_with_a_code() {
    let machine = Machine::new();
    fs::set_permissions(machine.path(""), fs::Permissions::from_mode(0o777)).unwrap();
    fs::create_dir(machine.path("data")).unwrap();
    fs::write(machine.path("data/file"), vec![7; 100_000]).unwrap();
    let rows = format!(
        "BasePath,DstItemPathOrPrefix,ItemType\n{}/,box/x/,BlockBlob\n",
        machine.text("data")
    );
    fs::write(machine.path("rows.csv"), rows).unwrap();
    let prep = [
        "prep",
        "--dataset",
        "rows.csv",
        "--job",
        "job-1",
        "--storage-account",
        "account1",
        "--subscription",
        "11111111-2222-4333-8444-555555555555",
        "--resource-group",
        "rg",
        "--offline",
        "--drive",
        "S1.img,size=220M",
    ];
    let stopped = with_threads(&machine, 1, &prep);
    assert_eq!(stopped.code, 6, "{}{}", stopped.stdout, stopped.stderr);
    assert!(stopped.stderr.contains("thread-not-made"), "{}", stopped.stderr);
    assert!(!stopped.stderr.contains("panicked"), "{}", stopped.stderr);
    let again = with_threads(&machine, 1000, &prep);
    assert_eq!(again.code, 0, "{}{}", again.stdout, again.stderr);
    let stage = [
        "stage",
        "--source",
        "data",
        "--staging",
        "staging",
        "--job",
        "job-2",
        "--storage-account",
        "account1",
        "--container",
        "seed",
        "--subscription",
        "11111111-2222-4333-8444-555555555555",
        "--resource-group",
        "rg",
    ];
    let staged = with_threads(&machine, 1, &stage);
    assert_eq!(staged.code, 6, "{}{}", staged.stdout, staged.stderr);
    assert!(staged.stderr.contains("code: thread-not-made"), "{}", staged.stderr);
    let second = prep.map(|word| match word {
        "job-1" => "job-3",
        "S1.img,size=220M" => "S2.img,size=220M",
        word => word,
    });
    assert_eq!(with_threads(&machine, 1000, &second).code, 0);
    for words in [&["drive", "list", "S1.img", "S2.img"][..], &["verify", "S1.img", "S2.img"][..]] {
        let seen = with_threads(&machine, 1, words);
        assert_eq!(seen.code, 0, "{}{}", seen.stdout, seen.stderr);
    }
}

#[test]
fn a_folder_that_cannot_be_closed_is_an_error_with_a_code() {
    let machine = Machine::new();
    fs::create_dir_all(machine.path("data/folder")).unwrap();
    fs::write(machine.path("data/folder/file"), b"file").unwrap();
    let shim = "#include <errno.h>\nint closedir(void *folder) { errno = EIO; return -1; }\n";
    fs::write(machine.path("shim.c"), shim).unwrap();
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-o", "shim.so", "shim.c"])
        .current_dir(machine.path(""))
        .status();
    assert!(built.unwrap().success());
    let rows = "BasePath,DstItemPathOrPrefix,ItemType\n";
    let rows = format!("{rows}{}/,box/x/,BlockBlob\n", machine.text("data"));
    fs::write(machine.path("rows.csv"), rows).unwrap();
    let plan = "plan --dataset rows.csv --drive-size 1T --job job-1 --storage-account account1 \
                --subscription 11111111-2222-4333-8444-555555555555 --resource-group rg";
    let mut command = machine.command(&plan.split_whitespace().collect::<Vec<_>>());
    let plain = said(command.output().unwrap());
    assert_eq!(plain.code, 0, "{}", plain.stderr);
    command.env("LD_PRELOAD", machine.path("shim.so"));
    let ended = said(command.output().unwrap());
    assert_eq!(ended.code, 1, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stderr.contains("code: folder-not-closed"), "{}", ended.stderr);
    // The library below panics: that is told once, and where in its sources only when asked.
    let is_told = |stderr: &str| stderr.lines().filter(|line| line.starts_with("error: ")).count();
    assert_eq!(is_told(&ended.stderr), 1, "{}", ended.stderr);
    assert!(!ended.stderr.contains(".rs"), "{}", ended.stderr);
    let loud = said(command.arg("-v").output().unwrap());
    assert_eq!((loud.code, is_told(&loud.stderr)), (1, 1), "{}", loud.stderr);
    assert!(loud.stderr.contains(".rs:"), "{}", loud.stderr);
}
