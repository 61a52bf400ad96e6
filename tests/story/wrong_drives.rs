//! Every way in which a drive must be refused, on real loop devices and image files that the test
//! makes and takes down: the error's code, the exit code, and not one byte touched. Each is tried
//! with `--erase`, so that only the guard stands between the program and the drive. Needs root.
#![allow(clippy::disallowed_methods, reason = "tests start programs and write no state files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::hash::{DefaultHasher, Hasher};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::fs::{FlockOperation, OFlags, flock};
use support::program::Machine;

const IMAGE_BYTES: u64 = 230 << 20;

fn tool<S: AsRef<OsStr>>(words: &[S]) -> String {
    let output = Command::new(words[0].as_ref()).args(&words[1..]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let words: Vec<_> = words.iter().map(|word| word.as_ref().to_string_lossy()).collect();
    assert!(output.status.success(), "{}: {said}", words.join(" "));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A copy machine with a seed, and what a row has set up on it; all of it is taken down again.
struct Bench {
    machine: Machine,
    staging: String,
    undo: Vec<Vec<String>>,
    open: Vec<File>,
    others: Vec<Child>,
}

impl Bench {
    fn new() -> Self {
        let machine = Machine::new();
        let source = machine.path("source");
        fs::create_dir(&source).unwrap();
        fs::write(source.join("file"), vec![3; 5_000_000]).unwrap();
        let staging = machine.adopt(&source, "wrong");
        fs::create_dir(machine.path("mount")).unwrap();
        Bench { machine, staging, undo: Vec::new(), open: Vec::new(), others: Vec::new() }
    }

    /// An image that somebody needs.
    fn image(&mut self, name: &str) -> String {
        let path = self.machine.path(name);
        let file = File::create(&path).unwrap();
        file.set_len(IMAGE_BYTES).unwrap();
        file.write_all_at(b"precious", 1 << 20).unwrap();
        self.machine.text(name)
    }

    fn attach(&mut self, options: &[&str], below: &str) -> String {
        let node = tool(&[&["losetup", "-f", "--show"], options, &[below]].concat());
        self.undo.push(vec!["losetup".into(), "-d".into(), node.clone()]);
        node
    }

    fn looped(&mut self) -> (String, String) {
        let image = self.image("a.img");
        let node = self.attach(&[], &image);
        (image, node)
    }

    fn mount(&mut self, node: &str, place: &Path) {
        fs::create_dir_all(place).unwrap();
        let options = OsStr::new("ro,noload");
        let place = place.as_os_str();
        tool(&[OsStr::new("mount"), OsStr::new("-o"), options, OsStr::new(node), place]);
        self.undo.push(vec!["umount".into(), node.to_owned()]);
    }

    /// A loop device with a file system, not mounted yet.
    fn formatted(&mut self) -> (String, String) {
        let image = self.image("a.img");
        tool(&["mkfs.ext4", "-q", "-F", &image]);
        let node = self.attach(&[], &image);
        (image, node)
    }

    fn mounted(&mut self) -> (String, String) {
        let (image, node) = self.formatted();
        let place = self.machine.path("mount");
        self.mount(&node, &place);
        (image, node)
    }

    /// A loop device with a partition, and that partition.
    fn partitioned(&mut self) -> (String, String) {
        let image = self.image("a.img");
        let mut sfdisk =
            Command::new("sfdisk").args(["-q", &image]).stdin(Stdio::piped()).spawn().unwrap();
        sfdisk.stdin.take().unwrap().write_all(b",,L\n").unwrap();
        assert!(sfdisk.wait().unwrap().success());
        let node = self.attach(&[], &image);
        // By hand, since not every kernel reads tables.
        tool(&["partx", "-a", &node]);
        self.undo.push(vec!["partx".into(), "-d".into(), node.clone()]);
        let part = format!("{node}p1");
        (node, part)
    }

    /// Another program, which has said that it is up, and ends when its input does.
    fn start(&mut self, words: &[&str]) {
        let mut other = Command::new(words[0])
            .args(&words[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(other.stdout.take().unwrap()).read_line(&mut line).unwrap();
        self.others.push(other);
        assert_eq!(line, "up\n", "{words:?}");
    }

    /// What is not zero of every image, by the mebibyte.
    fn bytes(&self) -> BTreeMap<PathBuf, BTreeMap<u64, u64>> {
        let mut all = BTreeMap::new();
        for folder in ["", "source"] {
            for entry in fs::read_dir(self.machine.path(folder)).unwrap() {
                let path = entry.unwrap().path();
                if path.is_symlink() || path.extension().is_none_or(|kind| kind != "img") {
                    continue;
                }
                let (mut file, zeros) = (File::open(&path).unwrap(), vec![0; 1 << 20]);
                let (mut chunk, mut seen, mut at) = (zeros.clone(), BTreeMap::new(), 0);
                loop {
                    let mut length = 0;
                    while length < chunk.len() {
                        match file.read(&mut chunk[length..]).unwrap() {
                            0 => break,
                            read => length += read,
                        }
                    }
                    if chunk[..length] != zeros[..length] {
                        let mut hasher = DefaultHasher::new();
                        hasher.write(&chunk[..length]);
                        seen.insert(at, hasher.finish());
                    }
                    at += length as u64;
                    if length < chunk.len() {
                        break;
                    }
                }
                seen.insert(u64::MAX, at);
                all.insert(path, seen);
            }
        }
        all
    }

    fn take_down(&mut self) {
        self.open.clear();
        for mut other in self.others.drain(..) {
            drop(other.stdin.take());
            other.wait().unwrap();
        }
        for words in self.undo.drain(..).rev() {
            let output = Command::new(&words[0]).args(&words[1..]).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            if !output.status.success() && !std::thread::panicking() {
                panic!("{}: {said}", words.join(" "));
            }
        }
        for folder in ["", "source", "staging/journals"] {
            let Ok(entries) = fs::read_dir(self.machine.path(folder)) else { continue };
            for path in entries.map(|entry| entry.unwrap().path()) {
                if path.extension().is_some_and(|kind| kind == "img" || kind == "node") {
                    fs::remove_file(path).unwrap();
                }
            }
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.take_down();
    }
}

/// What is set up, which drives are named then, and how they must be refused.
struct Row {
    name: &'static str,
    code: &'static str,
    exit: i32,
    /// What a person must be told.
    told: &'static str,
    set_up: fn(&mut Bench) -> Vec<String>,
}

const fn row(
    name: &'static str,
    code: &'static str,
    told: &'static str,
    set_up: fn(&mut Bench) -> Vec<String>,
) -> Row {
    Row { name, code, exit: 4, told, set_up }
}

fn s1(path: &str) -> Vec<String> {
    vec![format!("{path},serial=S1")]
}

fn s1_s2(first: &str, second: &str) -> Vec<String> {
    vec![format!("{first},serial=S1"), format!("{second},serial=S2")]
}

const IN_USE: &str = "drive-in-use";
const ROWS: &[Row] = &[
    row("no serial", "drive-without-serial", "", |bench| vec![bench.looped().1]),
    row("too small", "drive-too-small", "", |bench| {
        let image = bench.image("a.img");
        OpenOptions::new().write(true).open(&image).unwrap().set_len(199 << 20).unwrap();
        s1(&image)
    }),
    row("not whole sectors", "disk-not-whole-sectors", "of 300000001 bytes", |bench| {
        let image = bench.image("a.img");
        File::options().write(true).open(&image).unwrap().set_len(300_000_001).unwrap();
        s1(&image)
    }),
    row("4096-byte sectors", "sector-size", "", |bench| {
        let image = bench.image("a.img");
        s1(&bench.attach(&["--sector-size", "4096"], &image))
    }),
    row("write-protected", "drive-write-protected", "set its switch", |bench| {
        let image = bench.image("a.img");
        s1(&bench.attach(&["--read-only"], &image))
    }),
    row("a partition", "not-a-drive", "", |bench| s1(&bench.partitioned().1)),
    row("mounted", IN_USE, "the mount at ", |bench| s1(&bench.mounted().1)),
    row("its partition is mounted", IN_USE, "the mount at ", |bench| {
        let (node, part) = bench.partitioned();
        tool(&["mkfs.ext4", "-q", "-F", &part]);
        let place = bench.machine.path("mount");
        bench.mount(&part, &place);
        s1(&node)
    }),
    row("mounted where the name is no text", IN_USE, "the mount at ", |bench| {
        let (_, node) = bench.formatted();
        let place = bench.machine.path("mount").join(OsStr::from_bytes(b"no\xff text"));
        bench.mount(&node, &place);
        s1(&node)
    }),
    row("mounted, and another name is no text", IN_USE, "the mount at ", |bench| {
        let place = bench.machine.path("mount").join(OsStr::from_bytes(b"else\xfe"));
        fs::create_dir_all(&place).unwrap();
        let words = ["mount", "-t", "tmpfs", "azseed-test"].map(OsStr::new);
        tool(&[&words[..], &[place.as_os_str()]].concat());
        let script = format!("umount {}/else*", bench.machine.text("mount"));
        let image = bench.image("a.img");
        tool(&["mkfs.ext4", "-q", "-F", &image]);
        let node = bench.attach(&[], &image);
        bench.undo.push(vec!["sh".into(), "-c".into(), script]);
        let place = bench.machine.path("mounted");
        bench.mount(&node, &place);
        s1(&node)
    }),
    row("mounted by another node", IN_USE, "the mount at ", |bench| {
        let (_, node) = bench.formatted();
        let minor = tool(&["stat", "-c", "%Lr", &node]);
        let other = bench.machine.text("other.node");
        tool(&["mknod", &other, "b", "7", &minor]);
        let place = bench.machine.path("mount");
        bench.mount(&other, &place);
        s1(&node)
    }),
    row("mounted in another namespace", IN_USE, "another namespace", |bench| {
        let (_, node) = bench.formatted();
        let place = bench.machine.text("mount");
        let script = "mount -o ro,noload \"$0\" \"$1\" && echo up && read -r end; umount \"$1\"";
        bench.start(&["unshare", "-m", "sh", "-c", script, &node, &place]);
        s1(&node)
    }),
    row("swap", IN_USE, "swap on loop", |bench| {
        let (_, node) = bench.looped();
        // So small that nothing of weight can be swapped to it.
        tool(&["mkswap", &node, "40"]);
        tool(&["swapon", &node]);
        bench.undo.push(vec!["swapoff".into(), node.clone()]);
        s1(&node)
    }),
    row("an image is a swap file", IN_USE, "swap", |bench| {
        let image = bench.image("a.img");
        tool(&["fallocate", "-l", "1M", &image]);
        tool(&["chmod", "600", &image]);
        tool(&["mkswap", &image, "40"]);
        tool(&["fallocate", "-l", &IMAGE_BYTES.to_string(), &image]);
        tool(&["swapon", &image]);
        bench.undo.push(vec!["swapoff".into(), image.clone()]);
        s1(&image)
    }),
    row("a program has it for itself", IN_USE, "a program that has it for itself", |bench| {
        let (_, node) = bench.looped();
        let exclusive = OFlags::EXCL.bits() as i32;
        let other = OpenOptions::new().read(true).custom_flags(exclusive).open(&node).unwrap();
        bench.open.push(other);
        s1(&node)
    }),
    row("an image of a loop", IN_USE, "losetup -d /dev/loop", |bench| s1(&bench.looped().0)),
    row("an image of a loop that only reads", IN_USE, "/dev/loop", |bench| {
        let image = bench.image("a.img");
        bench.attach(&["--read-only"], &image);
        s1(&image)
    }),
    row("an image of a loop, by a hard link", IN_USE, "/dev/loop", |bench| {
        let (image, other) = (bench.looped().0, bench.machine.text("other.img"));
        fs::hard_link(image, &other).unwrap();
        s1(&other)
    }),
    row("an image of a loop, by a link", IN_USE, "/dev/loop", |bench| {
        let (image, other) = (bench.looped().0, bench.machine.text("other.img"));
        symlink(image, &other).unwrap();
        s1(&other)
    }),
    row("an image of a loop, whose name has gone", IN_USE, "/dev/loop", |bench| {
        let (image, other) = (bench.looped().0, bench.machine.text("other.img"));
        fs::rename(image, &other).unwrap();
        s1(&other)
    }),
    row("an image that is mounted by a loop", IN_USE, "the mount at ", |bench| {
        s1(&bench.mounted().0)
    }),
    row("two loops of one image", IN_USE, "by way of", |bench| {
        let (image, node) = bench.looped();
        bench.attach(&[], &image);
        s1(&node)
    }),
    row("a loop over a loop, the lower", IN_USE, "built on loop", |bench| {
        let (_, node) = bench.looped();
        bench.attach(&[], &node);
        s1(&node)
    }),
    row("a loop over a loop, the upper", IN_USE, "the drive below it", |bench| {
        let (_, node) = bench.looped();
        s1(&bench.attach(&[], &node))
    }),
    row("an image and its loop", "medium-twice", "", |bench| {
        let (image, node) = bench.looped();
        s1_s2(&node, &image)
    }),
    row("a loop and its image first", IN_USE, "/dev/loop", |bench| {
        let (image, node) = bench.looped();
        s1_s2(&image, &node)
    }),
    row("two hard links of one image", "medium-twice", "", |bench| {
        let (image, other) = (bench.image("a.img"), bench.machine.text("other.img"));
        fs::hard_link(&image, &other).unwrap();
        s1_s2(&image, &other)
    }),
    row("an image and a link to it", "medium-twice", "", |bench| {
        let (image, other) = (bench.image("a.img"), bench.machine.text("other.img"));
        symlink(&image, &other).unwrap();
        s1_s2(&image, &other)
    }),
    row("an image that a program writes", IN_USE, "open for writing", |bench| {
        let image = bench.image("a.img");
        bench.open.push(OpenOptions::new().append(true).open(&image).unwrap());
        s1(&image)
    }),
    row("an image that a program has locked", IN_USE, "virtual machine", |bench| {
        let image = bench.image("a.img");
        // As virtual machines do: a shared lock of a few bytes, for the open file (F_OFD_SETLK).
        let script = "import fcntl, struct, sys\n\
                      image = open(sys.argv[1], 'rb')\n\
                      lock = struct.pack('hhqqi', fcntl.F_RDLCK, 0, 100, 100, 0) + bytes(4)\n\
                      fcntl.fcntl(image, 37, lock)\n\
                      print('up', flush=True)\n\
                      sys.stdin.read()";
        bench.start(&["/usr/bin/python3", "-c", script, &image]);
        s1(&image)
    }),
    Row {
        exit: 11,
        ..row("another run has it", "held-by-another-run", "", |bench| {
            let image = bench.image("a.img");
            let file = File::open(&image).unwrap();
            flock(&file, FlockOperation::NonBlockingLockExclusive).unwrap();
            bench.open.push(file);
            s1(&image)
        })
    },
    Row {
        exit: 11,
        ..row("another run has the file below", "held-by-another-run", "", |bench| {
            let (image, node) = bench.looped();
            let file = File::open(&image).unwrap();
            flock(&file, FlockOperation::NonBlockingLockExclusive).unwrap();
            bench.open.push(file);
            s1(&node)
        })
    },
    row("a new image in the source", "drive-in-source", "source", |bench| {
        vec![format!("{},serial=S1,size=230M", bench.machine.text("source/a.img"))]
    }),
    row("an image in the source", "drive-in-source", "source", |bench| {
        s1(&bench.image("source/a.img"))
    }),
    row("a loop of an image in the source", "drive-in-source", "source", |bench| {
        let image = bench.image("source/a.img");
        s1(&bench.attach(&[], &image))
    }),
    row("a new image among the journals", "drive-in-source", "journals", |bench| {
        vec![format!("{},serial=S1,size=230M", bench.machine.text("staging/journals/a.img"))]
    }),
    row("a link that leads nowhere", "not-a-drive", "leads nowhere", |bench| {
        let path = bench.machine.text("a.img");
        symlink("nowhere", &path).unwrap();
        vec![format!("{path},serial=S1,size=230M")]
    }),
    row("one of two", IN_USE, "the mount at ", |bench| {
        let image = bench.image("b.img");
        let (_, node) = bench.mounted();
        s1_s2(&image, &node)
    }),
];

#[test]
fn every_wrong_drive_is_refused_with_its_code_and_not_a_byte_is_touched() {
    assert!(rustix::process::geteuid().is_root(), "this test makes devices: run it as root");
    let mut bench = Bench::new();
    let mut table = Vec::new();
    for Row { name, code, exit, told, set_up } in ROWS {
        let drives = set_up(&mut bench);
        tool(&["sync", "-f", &bench.machine.text("")]);
        let before = bench.bytes();
        let mut words = vec!["prep", "--staging", &bench.staging, "--offline", "--wipe", "none"];
        words.extend(drives.iter().flat_map(|drive| ["--drive", drive.as_str()]));
        words.extend(["--erase", "S1", "--erase", "S2", "--erase", "S3"]);
        let said = bench.machine.run(&words);
        assert_eq!(said.code, *exit, "{name}: {}{}", said.stdout, said.stderr);
        assert!(said.stderr.contains(&format!("code: {code} ")), "{name}: {}", said.stderr);
        assert!(said.stderr.contains(told), "{name}: {}", said.stderr);
        tool(&["sync", "-f", &bench.machine.text("")]);
        assert_eq!(bench.bytes(), before, "{name}: it was touched");
        // A drive that is refused when it is looked for leaves not even the folder.
        let journals = fs::read_dir(bench.machine.path("staging/journals")).into_iter().flatten();
        let left: Vec<_> = journals
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".journal") || name.ends_with(".plan"))
            .collect();
        assert!(left.is_empty(), "{name}: {left:?}");
        if (*code == IN_USE || name.starts_with("not whole")) && drives.len() == 1 {
            let list = bench.machine.run(&["drive", "list", &drives[0]]);
            assert!(!list.stdout.contains("--erase"), "{name}: {}", list.stdout);
            let is_unfit = list.stdout.contains("unfit") && list.stdout.contains(told);
            assert!(*code == IN_USE || is_unfit, "{name}: {}", list.stdout);
        }
        bench.take_down();
        table.push(format!("{name:<45} {code:<22} {exit:>2}  bytes touched: 0"));
    }
    println!("{}", table.join("\n"));
}

/// What is not blank is not erased without its serial: each place that is looked at, one byte.
#[test]
fn one_byte_where_labels_lie_or_anywhere_in_an_image_keeps_a_drive() {
    let mut bench = Bench::new();
    let cases =
        [("a.img", 77 << 20), ("/dev", 64 << 20), ("/dev", IMAGE_BYTES - 1), ("/dev", 65600)];
    for (kind, at) in cases {
        let image = bench.machine.text("a.img");
        let file = File::create(&image).unwrap();
        file.set_len(IMAGE_BYTES).unwrap();
        file.write_all_at(b"x", at).unwrap();
        drop(file);
        let drive = if kind == "/dev" { bench.attach(&[], &image) } else { image };
        let before = bench.bytes();
        let drive = format!("{drive},serial=S1");
        let words = ["prep", "--staging", &bench.staging, "--offline", "--drive", &drive];
        let said = bench.machine.expect(4, &[&words[..], &["--erase", "OTHER"]].concat());
        assert!(said.stderr.contains("code: drive-not-blank "), "{at:#x}: {}", said.stderr);
        assert_eq!(bench.bytes(), before, "{at:#x}: it was touched");
        let list = bench.machine.expect(0, &["drive", "list", &drive, "--json"]).stdout;
        let looked = if kind == "/dev" { "labels-and-samples" } else { "all-data" };
        assert!(list.contains(&format!("\"looked_at\":\"{looked}\"")), "{list}");
        assert!(list.contains("\"blank\":false") && list.contains("--erase S1"), "{list}");
        bench.take_down();
    }
}

/// A loop device whose file was removed says nothing of the new file of that name.
#[test]
fn a_new_image_in_the_place_of_a_removed_one_is_free() {
    let mut bench = Bench::new();
    let (image, _) = bench.looped();
    fs::remove_file(&image).unwrap();
    let drive = format!("{image},serial=S1,size=230M");
    let words = ["prep", "--staging", &bench.staging, "--offline", "--drive", &drive];
    let said = bench.machine.expect(0, &words);
    assert!(said.stdout.contains("Drive S1 is sealed"), "{}", said.stdout);
    bench.machine.expect(0, &words);
}
