//! A round of an image of this machine: what the copy holds is known by the tables beside it.

use std::sync::Arc;

use disk_prep::noun::typed;
use jiff::Timestamp;
use uuid::Uuid;

use super::desk::Desk;
use super::disk_bench::{Attended, DiskOptions, facts, files};
use super::disk_files::{read_table, write_table};
use super::disk_seed::{Arrival, Turn, arrival};
use crate::azure::{Container, PageBlob};
use crate::disk_backup::{
    Chain, DiskBackup, DiskImage, Error, ImageHost, ImageRound, ImageSeen, Table, Tables, Verify,
    device_at,
};
use crate::outcome::Failure;

/// The digest tables beside a copy.
#[derive(Debug)]
struct Kept<'a> {
    backup: &'a DiskBackup,
    container: &'a Arc<dyn Container>,
}

impl Tables for Kept<'_> {
    fn read(&self, point: &str) -> Result<Option<Table>, Error> {
        read_table(self.backup, point, self.container)
    }

    fn write(&self, point: &str, table: &Table) -> Result<(), Error> {
        write_table(self.backup, point, table, self.container)
    }
}

/// On another machine the same path is another disk.
pub(super) fn check_host(backup: &DiskBackup) -> Result<(), Error> {
    let (here, host) = (ImageHost::here(), backup.image.as_ref().and_then(|own| own.host.clone()));
    match (host, backup.source.image()) {
        (Some(host), Some(path)) if host != here => {
            let (name, path) = (backup.name.clone(), path.to_owned());
            Err(Error::OtherHost { name, path, host: host.name, here: here.name })
        }
        _ => Ok(()),
    }
}

/// Another device at the same path is another disk.
pub(super) fn check_device(backup: &DiskBackup) -> Result<(), Error> {
    let seen = backup.image.as_ref().and_then(|own| own.seen.as_ref());
    let had = seen.and_then(|own| own.device.as_ref());
    let (Some(path), Some(had)) = (backup.source.image(), had) else { return Ok(()) };
    let has = device_at(path);
    // One that is not there is told where it is opened.
    if has.as_ref() == Some(had) || !path.try_exists().unwrap_or(true) {
        return Ok(());
    }
    let (name, target) = (backup.name.as_str(), backup.target.to_string());
    let (source, words) = (backup.source.word(), ["azseed", "disk-backup", "protect", name]);
    let more = ["--source", source.as_str(), "--to", target.as_str(), "--yes"];
    Err(Error::OtherDevice {
        name: backup.name.clone(),
        path: path.to_owned(),
        had: had.clone(),
        has: has.unwrap_or_else(|| "one without a serial number".to_owned()),
        line: typed(words.into_iter().chain(more)),
    })
}

/// The image of a backup, opened and looked at.
pub(super) fn image_of(backup: &DiskBackup, desk: &Desk<'_>) -> Result<DiskImage, Failure> {
    let wrong = || Error::NoImage { path: backup.source.to_string().into() };
    let path = backup.source.image().ok_or_else(wrong)?;
    let terms = backup.image.as_ref().ok_or_else(wrong)?;
    check_host(backup)?;
    check_device(backup)?;
    let image = DiskImage::open(path, terms, backup.id)?;
    if image.is_open_device() {
        let text = format!(
            "{} can be written to while it is read; a snapshot of it, or a machine that is stopped, \
             makes a point in time",
            path.display()
        );
        desk.attendant.warn(&text);
    }
    Ok(image)
}

/// Makes a point, unless the first copy is still under way; and what it was made of.
pub(super) fn point_of_image(
    backup: &DiskBackup,
    target: &Arc<dyn PageBlob>,
    (run, former): (Uuid, Option<Uuid>),
    verify: Verify,
    (options, desk): (&DiskOptions, &Desk<'_>),
) -> Result<(Turn, ImageSeen), Failure> {
    let image = image_of(backup, desk)?;
    let seen = image.seen();
    let found = facts(target)?.and_then(|facts| Chain::parse(&facts.metadata));
    let is_begun = found.is_some_and(|chain| chain.baseline.is_some());
    let seed = backup.image.as_ref().and_then(|terms| terms.seed.as_ref());
    // A whole new copy goes by wire.
    let brought = match seed.filter(|_| !is_begun && backup.generation == 1) {
        None => None,
        Some(seed) => match arrival(backup, seed, options, desk)? {
            Arrival::Underway(underway) => return Ok((Turn::Underway(underway), seen)),
            Arrival::Over(brought) => brought,
        },
    };
    let container = files(backup, options, desk)?;
    let round = ImageRound {
        image: &image,
        source: backup.source.to_string(),
        target,
        backup: backup.id,
        run,
        former,
        brought: brought.as_ref(),
        tables: &Kept { backup, container: &container },
        log: &backup.run_log(&desk.state()?)?,
        verify,
        label: Timestamp::now().to_string(),
    };
    let watch = Attended::new(format!("disk {}", backup.name), desk.attendant);
    Ok((Turn::Made(round.make(&watch)?), seen))
}
