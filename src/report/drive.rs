//! Drives in words and as records.

use disk_prep::drive::{
    Drive, Ejected, Hardware, Look as Sight, Rotation, Transport, Usage, Zones,
};
use disk_prep::noun::{ByteSize, Serial};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::path_text::PathText;
use super::record::{Record, line};
use crate::check::drive::{Change, DriveList, Look, Verdict};
use crate::outcome::Outcome;

/// A drive that the kernel knows, and whether it will do.
#[derive(Serialize, JsonSchema)]
pub(super) struct DriveRecord<'a> {
    /// Serial number; null if the drive could not be looked at.
    #[schemars(with = "Option<String>")]
    serial: Option<&'a Serial>,
    /// Model; null for image files.
    model: Option<&'a str>,
    /// Size in bytes.
    bytes: Option<u64>,
    /// The device or the image file.
    path: PathText<'a>,
    /// Whether it has a turning disk.
    rotational: Option<bool>,
    /// Logical sector size in bytes.
    sector_bytes: Option<u64>,
    /// Whether it can be prepared.
    fit: bool,
    /// Why not, or what there is to know.
    reasons: &'a [String],
    /// `fit`, `warning` or `unfit`.
    verdict: &'a str,
    /// Codes of what makes it unfit; `azseed explain` knows them.
    codes: &'a [&'static str],
    /// The name of `/dev/disk/by-id`, which stays the same.
    by_id: Option<PathText<'a>>,
    /// How it is attached, such as `sata` or `usb`; null for image files.
    #[schemars(with = "Option<String>")]
    transport: Option<Transport>,
    /// Physical sector size in bytes.
    physical_sector_bytes: Option<u64>,
    /// Rotations in a minute; null if it does not turn or does not say.
    rotations_per_minute: Option<u16>,
    /// Shingled zones: `none`, `drive-managed`, `host-aware` or `host-managed`.
    zones: Option<&'a str>,
    /// Whether it has a medium that can be taken out.
    removable: Option<bool>,
    /// Whether it answered ATA commands.
    answers_ata: Option<bool>,
    /// Whether it calls itself healthy; null if it does not say.
    healthy: Option<bool>,
    /// Size in bytes as the drive itself says it.
    identify_bytes: Option<u64>,
    /// Whether the kernel passes discards on.
    discards: Option<bool>,
    /// Who uses it; null if nobody does or nobody knows.
    holder: Option<&'a str>,
    /// Whether it was found blank; null if nobody looked.
    blank: Option<bool>,
    /// What was looked at for that: `all-data` or `labels-and-samples`.
    looked_at: Option<&'a str>,
}

impl Record for DriveRecord<'_> {
    const TYPE: &'static str = "drive";
}

/// A drive was unplugged.
#[derive(Serialize, JsonSchema)]
pub(super) struct UnpluggedRecord<'a> {
    /// Serial number; null if the drive was never looked at.
    #[schemars(with = "Option<String>")]
    serial: Option<&'a Serial>,
    /// The device that it was.
    path: PathText<'a>,
}

impl Record for UnpluggedRecord<'_> {
    const TYPE: &'static str = "drive-unplugged";
}

/// A drive can be taken out.
#[derive(Serialize, JsonSchema)]
pub(super) struct EjectedRecord<'a> {
    /// Serial number.
    #[schemars(with = "String")]
    serial: &'a Serial,
    /// Whether it is spun down; if not, wait half a minute before you move it.
    spun_down: bool,
}

impl Record for EjectedRecord<'_> {
    const TYPE: &'static str = "drive-ejected";
}

fn rotation(own: &Hardware) -> String {
    match own.rotation {
        Rotation::Unknown => String::new(),
        Rotation::Solid => "none".to_owned(),
        Rotation::Turning(None) => "turns".to_owned(),
        Rotation::Turning(Some(rounds)) => format!("{rounds}/min"),
    }
}

impl Look {
    fn lines(&self) -> Vec<String> {
        let drive = self.drive.as_ref();
        let hardware = drive.and_then(|drive| drive.hardware.as_ref());
        let of_drive = |text: &dyn Fn(&Drive) -> String| drive.map_or(String::new(), text);
        let serial = drive.map_or("-", |drive| drive.serial.as_str());
        let size = of_drive(&|drive| ByteSize(drive.bytes).to_string());
        let sectors = of_drive(&|drive| match &drive.hardware {
            Some(own) => format!("{}/{}", drive.sector_bytes, own.physical_sector_bytes),
            None => drive.sector_bytes.to_string(),
        });
        let bus = hardware.map_or("image".to_owned(), |own| own.transport.to_string());
        let bus = if drive.is_some() { bus } else { String::new() };
        let turns = hardware.map_or(String::new(), rotation);
        let verdict = self.verdict.text();
        let mut lines =
            vec![format!("{serial:<21} {size:>9}  {bus:<7} {sectors:<9} {turns:<9} {verdict}")];
        let model = drive.and_then(|drive| drive.model.clone());
        let stable = hardware.and_then(|own| own.by_id.as_ref());
        let path = stable.unwrap_or(&self.path).display().to_string();
        lines.push(format!("  {}", model.into_iter().chain([path]).collect::<Vec<_>>().join(", ")));
        if let Some(look) = self.looked_at.filter(|_| self.is_blank) {
            lines.push(format!("  blank: {}", look.text()));
        }
        lines.extend(self.reasons.iter().map(|reason| format!("  {reason}")));
        lines
    }

    fn json(&self) -> Value {
        let drive = self.drive.as_ref();
        let own = drive.and_then(|drive| drive.hardware.as_ref());
        let identity = own.and_then(|own| own.identity.as_ref());
        let rounds = own.and_then(|own| match own.rotation {
            Rotation::Turning(rounds) => rounds,
            _ => None,
        });
        let zones = own.map(|own| match own.zones {
            Zones::None => "none",
            Zones::DriveManaged => "drive-managed",
            Zones::HostAware => "host-aware",
            Zones::HostManaged => "host-managed",
        });
        line(&DriveRecord {
            serial: drive.map(|drive| &drive.serial),
            model: drive.and_then(|drive| drive.model.as_deref()),
            bytes: drive.map(|drive| drive.bytes),
            path: PathText(&self.path),
            rotational: drive.map(|drive| drive.rotational),
            sector_bytes: drive.map(|drive| drive.sector_bytes),
            fit: self.verdict != Verdict::Unfit,
            reasons: &self.reasons,
            verdict: self.verdict.word(),
            codes: &self.codes,
            by_id: own.and_then(|own| own.by_id.as_deref()).map(PathText),
            transport: own.map(|own| own.transport),
            physical_sector_bytes: own.map(|own| own.physical_sector_bytes),
            rotations_per_minute: rounds,
            zones,
            removable: own.map(|own| own.is_removable),
            answers_ata: own.map(|own| own.identity.is_some()),
            healthy: own.and_then(|own| own.is_healthy),
            identify_bytes: identity.map(|identity| identity.bytes()),
            discards: own.map(|own| own.discards),
            holder: drive.and_then(|drive| match &drive.usage {
                Usage::By(holder) => Some(holder.as_str()),
                Usage::Free | Usage::Protected | Usage::Unknown(_) => None,
            }),
            blank: self.looked_at.map(|_| self.is_blank),
            looked_at: self.looked_at.map(Sight::name),
        })
    }
}

fn heading() -> String {
    format!(
        "{:<21} {:>9}  {:<7} {:<9} {:<9} {}",
        "SERIAL", "SIZE", "BUS", "SECTORS", "ROTATION", "VERDICT"
    )
}

impl Outcome for DriveList {
    fn lines(&self) -> Vec<String> {
        if self.0.is_empty() {
            return vec!["The kernel knows no drive".to_owned()];
        }
        let lines = self.0.iter().flat_map(Look::lines);
        [heading()].into_iter().chain(lines).collect()
    }

    fn json(&self) -> Vec<Value> {
        self.0.iter().map(Look::json).collect()
    }
}

impl Outcome for Change {
    fn lines(&self) -> Vec<String> {
        match self {
            Change::PluggedIn(look) => look.lines(),
            Change::Unplugged { path, serial } => {
                let serial = serial.as_ref().map_or("-", Serial::as_str);
                vec![format!("{serial:<21} unplugged from {}", path.display())]
            }
        }
    }

    fn json(&self) -> Vec<Value> {
        match self {
            Change::PluggedIn(look) => vec![look.json()],
            Change::Unplugged { path, serial } => {
                vec![line(&UnpluggedRecord { serial: serial.as_ref(), path: PathText(path) })]
            }
        }
    }
}

impl Outcome for Ejected {
    fn lines(&self) -> Vec<String> {
        let serial = &self.drive.serial;
        vec![if self.is_spun_down {
            format!("Drive {serial} is spun down and can be taken out")
        } else {
            format!(
                "Drive {serial} is detached; the kernel cannot spin it down, so once it is \
                 unplugged wait half a minute before you move it"
            )
        }]
    }

    fn json(&self) -> Vec<Value> {
        let (serial, spun_down) = (&self.drive.serial, self.is_spun_down);
        vec![line(&EjectedRecord { serial, spun_down })]
    }
}

#[cfg(test)]
mod tests {
    use disk_prep::drive::{DriveName, Kernel, find};

    use serde_json::json;

    use super::*;
    use crate::check::drive::{TakenDrives, Watch, look};

    #[test]
    fn a_drive_that_holds_something_is_fit_with_a_warning_and_a_small_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let drive = |name: &str, bytes: u64| {
            let path = folder.path().join(name);
            let content = std::fs::File::create(&path).unwrap();
            content.set_len(bytes).unwrap();
            if name.starts_with("OLD") {
                std::os::unix::fs::FileExt::write_all_at(&content, b"EFI PART", 512).unwrap();
            }
            // Who has an image open for writing uses it.
            drop(content);
            let drive = find(&DriveName::Path { path, serial: None, bytes: None }).unwrap();
            look(drive, &TakenDrives::default()).unwrap()
        };
        let list = [("NEW.img", 300), ("OLD.img", 300), ("TINY.img", 3)];
        let list = DriveList(list.map(|(name, mib)| drive(name, mib << 20)).into());
        let verdicts: Vec<&str> = list.0.iter().map(|look| look.verdict.word()).collect();
        assert_eq!(verdicts, ["fit", "warning", "unfit"]);
        let text = list.lines().join("\n");
        assert!(text.contains("a GPT partition table; to use it, add `--erase OLD`"), "{text}");
        let json = list.json();
        assert_eq!((&json[0]["fit"], &json[2]["fit"]), (&json!(true), &json!(false)));
        assert_eq!(json[2]["codes"], json!(["drive-too-small"]));
        assert_eq!(json[1]["type"], "drive");
    }

    #[test]
    fn a_drive_that_comes_and_goes_is_told_of_once_each_by_its_serial() {
        let machine = tempfile::tempdir().unwrap();
        let mut watch = Watch::new(Kernel::recorded(machine.path()));
        let tree = include_str!("../../fixtures/sysfs/sata-512e.tree");
        for line in tree.lines().filter(|line| line.starts_with('/')) {
            let (path, content) = line.split_once(" = ").unwrap_or((line, ""));
            let (path, target) = path.split_once(" -> ").unwrap_or((path, ""));
            let place = machine.path().join(&path[1..]);
            std::fs::create_dir_all(place.parent().unwrap()).unwrap();
            let below = |target: &str| match target.strip_prefix('/') {
                Some(below) => machine.path().join(below),
                None => target.into(),
            };
            match target {
                "" => std::fs::write(place, content).unwrap(),
                target => std::os::unix::fs::symlink(below(target), place).unwrap(),
            }
        }
        assert!(watch.look(TakenDrives::default).is_empty(), "it may not be settled yet");
        let come = watch.look(TakenDrives::default);
        assert_eq!((come.len(), &come[0].json()[0]["type"]), (1, &json!("drive")));
        let serial = come[0].json()[0]["serial"].clone();
        assert!(serial.as_str().unwrap().contains("WCC4E0123456"), "{serial}");
        assert!(watch.look(TakenDrives::default).is_empty(), "told once");
        for folder in ["sys/block", "sys/class/block", "sys/dev/block"] {
            std::fs::remove_dir_all(machine.path().join(folder)).unwrap();
        }
        let gone = watch.look(TakenDrives::default);
        let line = json!({
            "type": "drive-unplugged", "version": 1, "serial": serial, "path": "/dev/sda",
        });
        assert_eq!((gone.len(), gone[0].json()), (1, vec![line]));
        assert!(gone[0].lines()[0].ends_with("unplugged from /dev/sda"));
    }
}
