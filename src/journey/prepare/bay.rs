//! The wait for another drive at a terminal: one is plugged in, or named, and its serial typed.

use std::sync::Mutex;
use std::time::Duration;

use disk_prep::dataset::FileList;
use disk_prep::drive::{Drive, DriveName, DriveWatch, Kernel, Kind, NamedDrive};
use disk_prep::journal::JournalFolder;
use disk_prep::known::find_known;
use disk_prep::noun::{Diagnose, Wipe};
use disk_prep::pool::{DriveBay, Offer};
use disk_prep::stop::StopFlag;
use disk_prep::sys::hold::hold;

use super::consent::is_confirmed;
use super::shortage::Shortage;
use crate::check::drive::content;
use crate::outcome::{Attendant, Heard, chain};

/// Time between two looks at what is plugged in.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Asks a person for drives.
pub(super) struct TerminalBay<'a> {
    attendant: &'a dyn Attendant,
    stop: StopFlag,
    wipe: Option<Wipe>,
    watch: Mutex<DriveWatch>,
    /// The drives that were named, and then those that were offered.
    drives: Mutex<Vec<NamedDrive>>,
    /// The journals of the run.
    journals: JournalFolder,
}

impl<'a> TerminalBay<'a> {
    /// What is plugged in now is not offered by itself.
    pub fn new(
        attendant: &'a dyn Attendant,
        drives: &[NamedDrive],
        journals: JournalFolder,
        wipe: Option<Wipe>,
    ) -> Self {
        let watch = Mutex::new(DriveWatch::from_now(Kernel::here()));
        TerminalBay {
            attendant,
            stop: attendant.stop_flag(),
            wipe,
            watch,
            drives: Mutex::new(drives.to_vec()),
            journals,
        }
    }

    /// All drives of the run, and whether a person ended the wait.
    pub fn close(self) -> (Vec<NamedDrive>, bool) {
        (hold(&self.drives).clone(), self.stop.is_asked())
    }

    fn wait(&self) -> Option<DriveName> {
        loop {
            match self.attendant.listen(LOOK_EVERY) {
                Heard::Line(line) if line.is_empty() => {}
                Heard::Line(line) => match DriveName::parse(&line, |path| path.exists()) {
                    Ok(name) => return Some(name),
                    Err(error) => self.attendant.say(&error.to_string()),
                },
                Heard::Silence => {}
                Heard::End => return None,
            }
            if self.stop.is_asked() {
                return None;
            }
            let mut watch = hold(&self.watch);
            if let Some(plugged) = watch.look().plugged_in.into_iter().next() {
                return Some(DriveName::of(plugged.path));
            }
        }
    }

    /// What a person decides for a drive; `None` if it is not to be used.
    fn decide(&self, name: &DriveName) -> Result<Option<Offer>, disk_prep::Error> {
        let found = find_known(name, std::slice::from_ref(&self.journals))?;
        let drive = &found.drive;
        drive.check_fit()?;
        let offer = |erase, wipe| Some(Offer { drive: found.clone(), erase, wipe });
        if drive.kind == Kind::NewImage {
            return Ok(offer(false, None));
        }
        if !is_confirmed(drive, self.attendant) {
            self.attendant.say(&format!("Drive {} is not used", drive.serial));
            return Ok(None);
        }
        Ok(match self.wipe {
            None if content(drive)?.0.is_some() => {
                self.ask_wipe(drive).and_then(|wipe| offer(true, Some(wipe)))
            }
            wipe => offer(true, wipe),
        })
    }

    fn tell(&self, error: &disk_prep::Error) {
        let hint = error.hint().map_or(String::new(), |hint| format!(" ({hint})"));
        self.attendant.say(&format!("{}{hint}", chain(error)));
    }

    fn ask_wipe(&self, drive: &Drive) -> Option<Wipe> {
        let question = format!(
            "Drive {} was used before. Old data in its free space: `zero`, `discard` or `none` \
             (leave it)? ",
            drive.serial
        );
        let wipe = self.attendant.ask(&question)?.parse().ok();
        if wipe.is_none() {
            self.attendant.say(&format!("Drive {} is not used", drive.serial));
        }
        wipe
    }
}

impl DriveBay for TerminalBay<'_> {
    fn next(&self, missing: &FileList) -> Option<Offer> {
        let drives = || hold(&self.drives);
        let shortage = Shortage::of(missing, &drives(), false).text();
        self.attendant.say(&format!("{shortage}."));
        self.attendant.say(
            "Plug in the next drive, or type the serial or the path of one. Ctrl-C ends; the same \
             command goes on later.",
        );
        loop {
            let name = self.wait()?;
            match self.decide(&name) {
                Ok(Some(offer)) => {
                    drives().push(offer.drive.clone());
                    return Some(offer);
                }
                Ok(None) => {}
                Err(error) => self.tell(&error),
            }
        }
    }

    fn refused(&self, error: &disk_prep::Error) {
        hold(&self.drives).pop();
        self.tell(error);
    }
}
