//! Whether the file systems of a machine can be frozen for a snapshot of its disks
//! (`environment-checks` 5): read from the list of mounts and from the super blocks, without a mount
//! or a lock.

use std::collections::{BTreeMap, BTreeSet};

use disk_prep::noun::{typed, visible_line};

use super::finding::{Finding, good, problem, unknown, warning};
use super::tree::{Seen, Tree};

const AREA: &str = "fs";
/// Offsets in an ext2, ext3 or ext4 device:
/// <https://docs.kernel.org/filesystems/ext4/super.html>.
const MAGIC: (u64, u16) = (1080, 0xEF53);
const STATE: u64 = 1082;
/// So many mount points of one file system are named.
const LISTED: usize = 16;
const FREEZE: &str = "UserErrorFsFreezeFailed";

/// A line of `/proc/self/mountinfo`:
/// <https://docs.kernel.org/filesystems/proc.html#proc-pid-mountinfo-information-about-mounts>.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mount {
    pub(super) point: String,
    pub(super) options: Vec<String>,
    pub(super) kind: String,
    /// Options of the file system itself.
    pub(super) of_all: Vec<String>,
    source: String,
    device: String,
    /// What of the file system is mounted: all of it, or a folder.
    is_whole: bool,
}

/// The mounts, in the order of the list; a line that is none is left out.
pub(super) fn mounts(text: &str) -> Vec<Mount> {
    text.lines().filter_map(mount).collect()
}

fn mount(line: &str) -> Option<Mount> {
    let (about, of) = line.split_once(" - ")?;
    let about: Vec<&str> = about.split(' ').collect();
    let of: Vec<&str> = of.split(' ').collect();
    let (&[_, _, device, root, point, options, ..], &[kind, source, ref all @ ..]) =
        (&about[..], &of[..])
    else {
        return None;
    };
    Some(Mount {
        point: unescaped(point),
        options: options.split(',').map(str::to_owned).collect(),
        kind: kind.to_owned(),
        of_all: all.first().map_or(Vec::new(), |own| own.split(',').map(str::to_owned).collect()),
        source: unescaped(source),
        device: device.to_owned(),
        is_whole: root == "/",
    })
}

/// A blank is written as `\040`, and so on.
fn unescaped(text: &str) -> String {
    let plain = [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")];
    plain.iter().fold(text.to_owned(), |text, (code, plain)| text.replace(code, plain))
}

impl Mount {
    fn is_network(&self) -> bool {
        let kind = self.kind.as_str();
        ["nfs", "nfs4", "cifs", "smb3", "ceph", "9p", "fuse"].contains(&kind)
            || kind.starts_with("fuse.")
    }

    /// Whether it is a file system of a disk, and not one of a file.
    fn is_of_disk(&self) -> bool {
        self.source.starts_with("/dev/") && !self.source.starts_with("/dev/loop")
    }

    pub(super) fn is_read_only(&self) -> bool {
        self.options.iter().any(|own| own == "ro")
    }
}

/// Looks at all file systems of a tree.
pub fn look(tree: &Tree) -> Vec<Finding> {
    let mounts = match tree.text("proc/self/mountinfo") {
        Ok(Some(text)) => mounts(&text),
        Ok(None) => return vec![unknown("mounts", "there is no /proc/self/mountinfo").of(AREA)],
        Err(why) => return vec![unknown("mounts", why.to_string()).of(AREA)],
    };
    let mut found: Vec<Finding> = Vec::new();
    let disks: Vec<&Mount> = mounts.iter().filter(|own| own.is_of_disk()).collect();
    let mut seen = BTreeSet::new();
    found.extend(disks.iter().filter(|own| seen.insert(&own.device)).map(|own| state(tree, own)));
    found.extend(remounted(tree, &disks));
    found.extend(twice(&disks));
    found.extend(mounts.iter().filter(|own| own.is_network()).map(network));
    found.into_iter().map(|own| own.of(AREA)).collect()
}

/// Whether a file system is clean, in the words of `tune2fs -l`.
fn state(tree: &Tree, mount: &Mount) -> Finding {
    let Mount { point, source, kind, .. } = mount;
    let place = visible_line(&format!("{source} on {point}")).into_owned();
    match kind.as_str() {
        "ext2" | "ext3" | "ext4" => {}
        "xfs" => {
            let why = format!("{place}: xfs cannot be judged while it is mounted");
            return unknown("other", why).next(typed(["xfs_repair", "-n", source]));
        }
        other => return unknown("other", format!("{place}: {other} is not judged while mounted")),
    }
    let number = |offset: u64| -> Seen<u16> {
        let bytes = tree.bytes(source.trim_start_matches('/'), offset, 2)?;
        Ok(bytes.and_then(|bytes| Some(u16::from_le_bytes(bytes.try_into().ok()?))))
    };
    let (magic, bits) = match (number(MAGIC.0), number(STATE)) {
        (Ok(Some(magic)), Ok(Some(bits))) => (magic, bits),
        (Err(why), _) | (_, Err(why)) => return unknown("state", format!("{place}: {why}")),
        _ => return unknown("state", format!("{place}: its super block is not there")),
    };
    if magic != MAGIC.1 {
        return unknown("state", format!("{place}: there is no super block of {kind}"));
    }
    let words = words(bits);
    match words {
        "clean" => good("state", format!("{place}: {words}")),
        _ => problem(
            "state",
            format!("{place}: {words}"),
            "unmount it, have it mended, mount it, and back up again; what cannot be unmounted goes \
             into MountsToSkip of /etc/azure/vmbackup.conf",
        )
        .next(mend(source))
        .explained(FREEZE),
    }
}

/// The line that has a file system mended; fsck ends with 1 where it has mended something.
fn mend(source: &str) -> String {
    let of = |program| typed([program, source]);
    let (umount, fsck, mount) = (of("umount"), of("fsck"), of("mount"));
    format!("{umount} && {{ {fsck} || [ $? -eq 1 ]; }} && {mount}")
}

/// The bits: 1 unmounted cleanly, 2 errors were found, 4 orphans are being recovered.
fn words(bits: u16) -> &'static str {
    match (bits & 1 != 0, bits & 2 != 0) {
        (true, false) => "clean",
        (true, true) => "clean with errors",
        (false, false) => "not clean",
        (false, true) => "not clean with errors",
    }
}

/// File systems that can only be read and should be written.
fn remounted(tree: &Tree, disks: &[&Mount]) -> Vec<Finding> {
    let table = tree.text("etc/fstab").ok().flatten().unwrap_or_default();
    let is_meant = |point: &str| {
        let lines = table.lines().map(str::trim).filter(|line| !line.starts_with('#'));
        let fields = lines.map(|line| line.split_whitespace().collect::<Vec<_>>());
        let own = fields.filter(|own| own.get(1).is_some_and(|own| unescaped(own) == point));
        let mut options = own.filter_map(|own| own.get(3).copied());
        options.next().is_some_and(|options| !options.split(',').any(|own| own == "ro"))
    };
    let lost = disks.iter().filter(|own| own.is_read_only() && is_meant(&own.point));
    lost.map(|Mount { point, source, .. }| {
        problem(
            "readonly",
            visible_line(&format!("{source} on {point} is read-only, and fstab says otherwise")),
            "the kernel found errors: unmount it, have it mended, mount it, and back up again",
        )
        .next(mend(source))
        .explained(FREEZE)
    })
    .collect()
}

/// Mount points and devices that are listed twice, which cannot be frozen twice.
fn twice(disks: &[&Mount]) -> Vec<Finding> {
    let mut points: BTreeMap<&str, usize> = BTreeMap::new();
    let mut devices: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for Mount { point, device, is_whole, .. } in disks {
        *points.entry(point).or_default() += 1;
        if *is_whole && seen.insert((device, point)) {
            devices.entry(device).or_default().push(point);
        }
    }
    let told = |facts: String| {
        problem("twice", visible_line(&facts), "remove the older of the two mounts")
            .explained(FREEZE)
    };
    let points = points.into_iter().filter(|(_, times)| *times > 1);
    let points = points.map(|(point, times)| told(format!("{point} is mounted {times} times")));
    let devices = devices.into_iter().filter(|(_, points)| points.len() > 1);
    let devices = devices.map(|(_, points)| {
        let more = match points.len().saturating_sub(LISTED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let shown = points[..points.len().min(LISTED)].join(", ");
        told(format!("one file system is mounted on {shown}{more}"))
    });
    points.chain(devices).collect()
}

fn network(Mount { point, kind, .. }: &Mount) -> Finding {
    warning(
        "network",
        visible_line(&format!("{point} is {kind}: no backup of the VM holds it")),
        "set onlyLocalFilesystems = True in /etc/azure/vmbackup.conf, or a freeze may hang there",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::finding::Grade;
    use std::path::Path;

    fn tree(mountinfo: &str, fstab: &str, device: &[u8]) -> (tempfile::TempDir, Tree) {
        let folder = tempfile::tempdir().unwrap();
        for name in ["proc/self", "etc", "dev"] {
            std::fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        let write = |path: &str, content: &[u8]| {
            std::fs::write(folder.path().join(path), content).unwrap();
        };
        write("proc/self/mountinfo", mountinfo.as_bytes());
        write("etc/fstab", fstab.as_bytes());
        write("dev/sda1", device);
        let tree = Tree::open(folder.path()).unwrap();
        (folder, tree)
    }

    fn verdicts(tree: &Tree) -> Vec<(String, &'static str)> {
        look(tree).iter().map(|own| (own.id(), own.grade.word())).collect()
    }

    const ROOT: &str = "25 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n";

    #[test]
    fn very_many_mounts_are_looked_at_in_the_time_that_it_takes_to_read_them() {
        let began = std::time::Instant::now();
        for own in [|own: usize| own, |_: usize| 1] {
            let line = |at: usize| {
                let device = own(at);
                format!("{at} 1 8:{device} / /p{at} rw - xfs /dev/sd{device} rw\n")
            };
            let (_folder, tree) = tree(&(0..20_000).map(line).collect::<String>(), "", b"");
            let found = look(&tree);
            assert!(found.iter().all(|own| own.facts.len() < 400), "{found:?}");
            let is_more = |own: &Finding| own.facts.ends_with(" and 19984 more");
            assert_eq!(found.iter().any(is_more), own(2) == 1);
        }
        assert!(began.elapsed().as_secs() < 2, "{:?}", began.elapsed());
    }

    /// `mke2fs` makes a file system, `debugfs` sets its state, and `tune2fs` says it in words.
    #[test]
    fn the_state_is_said_as_tune2fs_says_it() {
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("image");
        std::fs::File::create(&image).unwrap().set_len(2 << 20).unwrap();
        let run = |program: &str, words: &[&str]| {
            let said = std::process::Command::new(Path::new("/sbin").join(program))
                .args(words)
                .arg(&image)
                .output()
                .unwrap();
            assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
            String::from_utf8(said.stdout).unwrap()
        };
        run("mke2fs", &["-q", "-F"]);
        for bits in 0..6u16 {
            run("debugfs", &["-w", "-R", &format!("set_super_value state {bits}")]);
            let told = run("tune2fs", &["-l"]);
            let line = told.lines().find(|line| line.starts_with("Filesystem state:")).unwrap();
            let theirs = line.split_once(':').unwrap().1.trim();
            let (_folder, tree) = tree(ROOT, "", &std::fs::read(&image).unwrap());
            let found = look(&tree);
            assert_eq!(found[0].facts, format!("/dev/sda1 on /: {theirs}"), "{bits}");
            let is_good = found[0].grade == Grade::Good;
            assert_eq!(is_good, theirs == "clean", "{bits}");
        }
    }

    #[test]
    fn what_cannot_be_frozen_is_named() {
        let clean = |bits: u16| {
            let mut device = vec![0; 2048];
            device[1080..1082].copy_from_slice(&0xEF53u16.to_le_bytes());
            device[1082..1084].copy_from_slice(&bits.to_le_bytes());
            device
        };
        let (_folder, sound) = tree(ROOT, "/dev/sda1 / ext4 rw 0 1\n", &clean(1));
        assert_eq!(verdicts(&sound), [("fs-state".to_owned(), "good")]);
        let (_folder, broken) = tree(
            "25 1 8:1 / / ro,relatime shared:1 - ext4 /dev/sda1 ro\n\
             26 25 8:1 / /mnt/with\\040blank rw - ext4 /dev/sda1 rw\n\
             27 25 0:40 / /mnt/share rw - nfs4 server:/x rw\n\
             28 25 8:2 / /data rw - xfs /dev/sda2 rw\n\
             29 25 7:1 / /snap/x ro - squashfs /dev/loop1 ro\n\
             a line that is none\n",
            "# /dev/sda1 / ext4 ro 0 1\n/dev/sda1 / ext4 defaults 0 1\n",
            &clean(1),
        );
        let found = verdicts(&broken);
        let all: Vec<(&str, &str)> =
            found.iter().map(|(id, verdict)| (&id[..], *verdict)).collect();
        assert_eq!(
            all,
            [
                ("fs-state", "good"),
                ("fs-other", "unknown"),
                ("fs-readonly", "problem"),
                ("fs-twice", "problem"),
                ("fs-network", "warning"),
            ]
        );
        assert!(look(&broken)[3].facts.ends_with("/, /mnt/with blank"));
        let next = look(&broken)[2].command.clone().unwrap();
        let line = "umount /dev/sda1 && { fsck /dev/sda1 || [ $? -eq 1 ]; } && mount /dev/sda1";
        assert_eq!(next, line, "mounted again, too, where something was mended");
        assert!(mend("/dev/a b;id").contains("umount '/dev/a b;id' &&"));
        for short in [&b""[..], &[0; 1081], &[0; 1083], &[0; 4096]] {
            let (_folder, cut) = tree(ROOT, "", short);
            assert_eq!(verdicts(&cut), [("fs-state".to_owned(), "unknown")], "{}", short.len());
        }
    }
}
