//! What goes wrong in one run: a kill or a power cut at some deed, errors of drives, a wish to
//! stop. A deed is a write, a flush or a read of a drive, an event, or a drawing of chance.

use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::panic::panic_any;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use disk_prep::device::Device;
use disk_prep::monitor::{Event, Monitor};
use disk_prep::noun::{RecoveryPassword, Serial};
use disk_prep::stop::StopFlag;
use disk_prep::volume::bitlocker::write::{StretchedKey, stretch};
use disk_prep::world::World;
use jiff::Timestamp;

use super::chance::Chance;

/// What a thread of a killed run ends with.
pub struct Killed;

/// What fails on one drive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Write,
    Flush,
    Read,
}

/// What is to go wrong.
#[derive(Debug, Default)]
pub struct Plot {
    /// The deed at which the run is killed.
    pub kill_at: Option<u64>,
    /// Whether the kill is a power cut: what was not flushed may be lost.
    pub is_power_cut: bool,
    /// The deed at which somebody asks the run to stop.
    pub stop_at: Option<u64>,
    /// Drives that fail from some deed of their own on, until the end of the run.
    pub faults: HashMap<Serial, (Fault, u64)>,
}

/// One run as it comes to pass.
#[derive(Debug)]
pub struct Fate {
    plot: Plot,
    pub stop: StopFlag,
    deeds: AtomicU64,
    is_dead: AtomicBool,
    devices: Mutex<Vec<Arc<Fated>>>,
}

impl Fate {
    pub fn new(plot: Plot) -> Arc<Self> {
        Arc::new(Fate {
            plot,
            stop: StopFlag::default(),
            deeds: AtomicU64::new(0),
            is_dead: AtomicBool::new(false),
            devices: Mutex::default(),
        })
    }

    /// Everything that the run does passes here, and nothing passes after its death.
    fn deed(&self) {
        let number = self.deeds.fetch_add(1, Ordering::SeqCst);
        if self.plot.kill_at.is_some_and(|at| number >= at) {
            self.is_dead.store(true, Ordering::SeqCst);
            panic_any(Killed);
        }
        if self.plot.stop_at == Some(number) {
            self.stop.ask();
        }
    }

    pub fn is_dead(&self) -> bool {
        self.is_dead.load(Ordering::SeqCst)
    }

    /// After a power cut: of what was not flushed each drive has kept a random part.
    pub fn cut_power(&self, chance: &mut Chance) {
        let devices = std::mem::take(&mut *self.devices.lock().unwrap());
        if self.plot.is_power_cut && self.is_dead() {
            for device in devices {
                device.lose(chance);
            }
        }
    }
}

/// A drive of the run.
#[derive(Debug)]
pub struct Fated {
    inner: Arc<dyn Device>,
    fate: Arc<Fate>,
    fault: Option<(Fault, u64)>,
    deeds: AtomicU64,
    /// What lay where it was written since the last flush.
    before: Mutex<Vec<(u64, Vec<u8>)>>,
}

impl Fated {
    fn deed(&self, kind: Fault) -> io::Result<()> {
        self.fate.deed();
        let number = self.deeds.fetch_add(1, Ordering::SeqCst);
        match self.fault {
            Some((fault, from)) if fault == kind && number >= from => {
                Err(io::Error::from_raw_os_error(5))
            }
            _ => Ok(()),
        }
    }

    fn lose(&self, chance: &mut Chance) {
        let odds = *chance.pick(&[0, 30, 70, 100]);
        let mut kept: Vec<Range<u64>> = Vec::new();
        for (offset, bytes) in self.before.lock().unwrap().drain(..).rev() {
            let range = offset..offset + bytes.len() as u64;
            let is_under = kept.iter().any(|own| own.start < range.end && range.start < own.end);
            if is_under || !chance.percent(odds) {
                kept.push(range);
            } else {
                self.inner.write_at(&bytes, offset).unwrap();
            }
        }
    }
}

impl Device for Fated {
    fn size(&self) -> u64 {
        self.inner.size()
    }
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.deed(Fault::Read)?;
        self.inner.read_at(buffer, offset)
    }
    fn write_at(&self, buffer: &[u8], offset: u64) -> io::Result<()> {
        self.deed(Fault::Write)?;
        if self.fate.plot.is_power_cut {
            let mut before = vec![0; buffer.len()];
            self.inner.read_at(&mut before, offset)?;
            self.before.lock().unwrap().push((offset, before));
        }
        self.inner.write_at(buffer, offset)
    }
    fn discard(&self, range: Range<u64>) -> io::Result<()> {
        self.deed(Fault::Write)?;
        self.inner.discard(range)
    }
    fn flush(&self) -> io::Result<()> {
        self.deed(Fault::Flush)?;
        self.before.lock().unwrap().clear();
        self.inner.flush()
    }
}

/// Keys by password and salt, for all worlds together: a password takes a million rounds.
#[derive(Debug, Default)]
pub struct Keys(Mutex<HashMap<Identity, StretchedKey>>);

/// A password and its salt.
type Identity = ([u8; 16], [u8; 16]);

/// So many passwords there are.
const IDENTITIES: u64 = 8;
/// Draws of a new drive before those of its password: the volume's serial and four identifiers.
const DRAWS_BEFORE_SECRETS: u64 = 5;

/// The outside world of one run.
pub struct FatedWorld<'a> {
    pub fate: Arc<Fate>,
    pub keys: &'a Keys,
    /// How many drives were drawn and what of the last one, kept from run to run.
    pub drawn: &'a Mutex<(u64, u64)>,
}

impl World for FatedWorld<'_> {
    /// All draws differ, but passwords and salts are of a fixed set. A new drive begins with the
    /// draw of eight bytes.
    fn random(&self, bytes: &mut [u8]) -> io::Result<()> {
        self.fate.deed();
        let mut drawn = self.drawn.lock().unwrap();
        *drawn = if bytes.len() == 8 { (drawn.0 + 1, 0) } else { (drawn.0, drawn.1 + 1) };
        let (drive, draw) = *drawn;
        let drive = if draw < DRAWS_BEFORE_SECRETS { drive + 1000 } else { drive % IDENTITIES };
        let mut chance = Chance::new(drive << 8 | draw);
        bytes.fill_with(|| chance.next() as u8);
        Ok(())
    }
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }
    fn stretch(&self, password: &RecoveryPassword, salt: &[u8; 16]) -> StretchedKey {
        let mut keys = self.keys.0.lock().unwrap();
        let made = keys.entry((*password.key(), *salt));
        made.or_insert_with(|| stretch(password, salt)).clone()
    }
    fn device(&self, serial: &Serial, inner: Arc<dyn Device>) -> Arc<dyn Device> {
        let fate = self.fate.clone();
        let fault = fate.plot.faults.get(serial).copied();
        let (deeds, before) = (AtomicU64::new(0), Mutex::default());
        let device = Arc::new(Fated { inner, fate, fault, deeds, before });
        self.fate.devices.lock().unwrap().push(device.clone());
        device
    }
}

impl Monitor for Fate {
    fn event(&self, _event: &Event<'_>) {
        self.deed();
    }
}
