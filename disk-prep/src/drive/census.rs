//! All drives that the kernel knows at one moment, each asked once: who has which serial. A drive
//! whose facts cannot be read may be any drive, so then nothing can be said of the others.

use super::error::Error;
use super::kernel::{Answer, Kernel};
use super::sysfs::{Ata, BlockFacts, whole_drives};
use crate::noun::Serial;

/// A drive, by the kernel's word and by its own.
#[derive(Debug, Clone)]
pub(super) struct Counted {
    pub facts: BlockFacts,
    pub answer: Answer,
}

impl Counted {
    /// Asks a drive what it is, if it may be asked.
    pub fn ask(kernel: &Kernel, facts: BlockFacts) -> Self {
        let answer = match facts.ata {
            Ata::No => Answer::default(),
            Ata::Yes | Ata::Perhaps => kernel.ask(&facts.name),
        };
        Counted { facts, answer }
    }

    /// Its serial: the drive's own word comes before the bridge's.
    pub fn serial(&self) -> Option<Serial> {
        let own = self.answer.identity.as_ref().and_then(|identity| identity.serial.as_deref());
        let is_whole = |text: &str| Serial::new(text).ok();
        own.and_then(is_whole).or_else(|| self.facts.serial.as_deref().and_then(is_whole))
    }
}

/// All drives at one moment.
#[derive(Debug)]
pub(super) struct Census(Vec<Counted>);

impl Census {
    /// Asks every drive; an error if the facts of one cannot be read.
    pub fn take(kernel: &Kernel) -> Result<Self, Error> {
        let drives = whole_drives(kernel)?.into_iter();
        let counted = drives.map(|(_, facts)| Ok(Counted::ask(kernel, facts?)));
        counted.collect::<Result<_, Error>>().map(Census)
    }

    /// All of them.
    pub fn drives(&self) -> &[Counted] {
        &self.0
    }

    /// Those that say that they are this drive.
    pub fn with_serial<'a>(&'a self, serial: &'a Serial) -> impl Iterator<Item = &'a Counted> {
        self.0.iter().filter(move |drive| drive.serial().as_ref() == Some(serial))
    }
}
