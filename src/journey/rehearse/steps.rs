//! The steps of a rehearsal, each the journey that a real run takes.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Instant;

use disk_prep::drive::DriveName;
use disk_prep::limits::SMALLEST_DRIVE_BYTES;
use disk_prep::manifest::Profile;
use disk_prep::noun::{
    ByteSize, Cipher, ContainerName, ErrorKind, JobName, ResourceGroup, Schedule, Serial,
    shell_word,
};
use disk_prep::sys::hold::hold;
use jiff::{SignedDuration, Timestamp};

use super::compare::compare;
use super::place::{Emulator, Error, Place, STAGING};
use super::script::{RehearseOptions, Step, StepEnded, Stop};
use super::summary::Summary;
use crate::azure::{Patience, Tempo};
use crate::escrow::Weak;
use crate::import_job::{JobStage, Shipment};
use crate::journey::cleanup::{ClearOptions, clear};
use crate::journey::connections::{AzureOptions, BlobAccess, CURRENT_SERVICE, CloudChoice};
use crate::journey::contact::contact;
use crate::journey::desk::{Consent, Desk, Visit};
use crate::journey::dock;
use crate::journey::job::{JobOptions, MeantJob, Seen};
use crate::journey::keeper::KeyFiles;
use crate::journey::plan;
use crate::journey::prepare::{NamedDrives, PrepOptions, prepare};
use crate::journey::settings::Given;
use crate::journey::stage::{SeedShown, WriteOptions, write};
use crate::journey::stage_asked::Typed;
use crate::journey::vault::make;
use crate::journey::vault_create::CreateOptions;
use crate::journey::vault_meant::{VaultOptions, pick};
use crate::journey::vault_password::PasswordGiven;
use crate::journey::vault_read::{Wish as RestoreWish, restore};
use crate::journey::vault_run::{self, Wish};
use crate::journey::verify::{Opener, read_back};
use crate::journey::work::WorkOptions;
use crate::notify::Hooks;
use crate::outcome::{Attendant, Exit, Failure, Outcome};
use crate::repository::{Choice, Owners, PatternForm, RestoreOptions, Settings};
use crate::staging::{Destination, Room, SeedState};

/// The job, its group and the vault.
const NAME: &str = "rehearsal";
const CONTAINER: &str = "seed";
const LOCATION: &str = "westeurope";
/// Room for the volume's own structures on a drive of a guessed size, and for a pack more than its
/// share, no more: two drives are to be needed.
const SPARE_BYTES: u64 = 180_000_000;
/// A guess that was too small is tried again with a quarter more, so often.
const GUESSES: u32 = 8;
/// A parcel is under way for so long.
const DAYS: SignedDuration = SignedDuration::from_hours(72);

/// A rehearsal under way.
pub(super) struct Rehearsal<'a> {
    pub options: &'a RehearseOptions,
    pub attendant: &'a dyn Attendant,
    pub place: &'a Place,
    pub emulator: &'a Emulator,
    /// Steps that were begun, each with its moment.
    begun: Mutex<Vec<(Step, Instant)>>,
    ended: Mutex<Vec<StepEnded>>,
}

impl<'a> Rehearsal<'a> {
    /// One that has not begun.
    pub fn new(
        options: &'a RehearseOptions,
        attendant: &'a dyn Attendant,
        place: &'a Place,
        emulator: &'a Emulator,
    ) -> Self {
        let (begun, ended) = (Mutex::default(), Mutex::default());
        Rehearsal { options, attendant, place, emulator, begun, ended }
    }

    /// The steps that have ended.
    pub fn steps(&self) -> Vec<StepEnded> {
        hold(&self.ended).clone()
    }
}

impl Rehearsal<'_> {
    /// All steps.
    pub fn go(&self) -> Result<Summary, Stop> {
        let mut summary = Summary::default();
        self.step(1, vec![self.typed_stage()])?;
        let staged = self.stage()?;
        summary.note_seed(&staged);
        match staged.seed.state {
            SeedState::Cleared if self.options.drive_size.is_some() => {
                self.attendant
                    .tell_unused("--drive-size is not used: the drives are filled already");
            }
            SeedState::Cleared => {}
            _ => self.fill(staged.seed.totals.bytes, &mut summary)?,
        }
        self.protect(&mut summary)?;
        let target = self.place.text("restored");
        let target = shell_word(&target);
        self.step(9, vec![format!("azseed vault restore --vault {NAME} --target {target}")])?;
        self.restore()?;
        self.step(10, Vec::new())?;
        let whole = |path: &PathBuf| fs::canonicalize(path).unwrap_or_else(|_| path.clone());
        let sources: Vec<PathBuf> = self.options.sources.iter().map(whole).collect();
        summary.comparison = compare(&sources, &self.place.at("restored"));
        self.end_step();
        Ok(summary)
    }

    fn stage(&self) -> Result<SeedShown, Stop> {
        let options = self.options;
        let staged = write(
            WriteOptions {
                sources: options.sources.clone(),
                choice: Choice { exclude_form: PatternForm::Restic, ..Choice::default() },
                settings: Settings::default(),
                password_file: options.password_file.clone(),
                weak: if options.weak_password { Weak::Accepted } else { Weak::Refused },
                // What a rehearsal needs is more than that, and told by the disk itself.
                room: Room::Any,
                staging: self.place.at(STAGING),
                target: self.target()?,
                service: None,
                join: None,
                typed: Typed { sources: true, ..Typed::default() },
                added: Vec::new(),
            },
            &self.desk(),
        )?;
        self.go_on(&staged, |exit| matches!(exit, Exit::Done | Exit::Failed(ErrorKind::LeftOut)))?;
        Ok(staged)
    }

    fn target(&self) -> Result<Destination, Failure> {
        Ok(Destination {
            storage_account_id: None,
            job: JobName::new(NAME)?,
            storage_account: self.emulator.account.clone(),
            container: ContainerName::new(CONTAINER)?,
            prefix: String::new(),
            subscription: self.emulator.subscription.clone(),
            resource_group: ResourceGroup::new(NAME)?,
            contact: Some(contact(&self.place.at("state/contact.toml"))?),
            location: Some(LOCATION.to_owned()),
            service: Some(CURRENT_SERVICE),
        })
    }

    /// The drives, each a file that is yet to be made; and how they would be filled. Whole files do
    /// not divide evenly, so a guess may be too small.
    fn drives(&self, staged_bytes: u64) -> Result<(Vec<DriveName>, impl Outcome), Failure> {
        let share = staged_bytes.div_ceil(u64::from(self.options.drives));
        let guess = share.saturating_add(share / 10).saturating_add(SPARE_BYTES);
        let mut guess = guess.max(SMALLEST_DRIVE_BYTES);
        let mut tries = 0;
        loop {
            let drives = self.drives_of(self.options.drive_size.unwrap_or(ByteSize(guess)))?;
            let planned = plan::place(&self.work(), &drives, &self.desk())?;
            tries += 1;
            let is_short = planned.exit() == Exit::Failed(ErrorKind::Resumable);
            if !is_short || self.options.drive_size.is_some() || tries == GUESSES {
                return Ok((drives, planned));
            }
            guess = guess.saturating_add(guess / 4);
        }
    }

    fn drives_of(&self, bytes: ByteSize) -> Result<Vec<DriveName>, Failure> {
        let count = u64::from(self.options.drives);
        let drive = |number| {
            let serial = Serial::new(&format!("REHEARSAL-{number}"))?;
            let path = self.place.at(&format!("drives/{serial}.img"));
            Ok(DriveName::Path { path, serial: Some(serial), bytes: Some(bytes) })
        };
        (1..=count).map(drive).collect()
    }

    /// From staged files to drives that were read by the datacenter.
    fn fill(&self, staged_bytes: u64, summary: &mut Summary) -> Result<(), Stop> {
        let desk = &self.desk();
        let (drives, planned) = self.drives(staged_bytes)?;
        let (drives, named) = (&drives[..], typed_drives(&drives));
        let staging = self.staging_flag();
        self.step(2, vec![format!("azseed plan {staging} {named}")])?;
        self.go_on(&planned, |exit| {
            matches!(exit, Exit::Done | Exit::Failed(ErrorKind::Resumable))
        })?;
        self.step(3, vec![format!("azseed prep {staging} {named}")])?;
        let done = prepare(self.prep(drives), desk)?;
        let exit = self.attendant.show(&done);
        let (prepared, _) = done;
        if exit != Exit::Done {
            let more_drives = prepared.shortage.drives.map_or(0, |(drives, _)| drives as u64);
            return Err(Stop::Step { exit, more_drives });
        }
        summary.note_drives(&prepared, drives);
        let is_made = |drive: &&DriveName| image(drive).is_some_and(Path::exists);
        let sealed: Vec<DriveName> = drives.iter().filter(is_made).cloned().collect();
        self.step(4, vec![format!("azseed verify {staging} {}", typed_images(&sealed))])?;
        let staging = Some(self.place.at(STAGING));
        let verified = read_back(&sealed, &Opener { staging, ..Opener::default() }, desk)?;
        self.go_on(&verified, |exit| exit == Exit::Done)?;
        self.send(&sealed, summary)
    }

    /// The parcel: sent, received, read.
    fn send(&self, sealed: &[DriveName], summary: &mut Summary) -> Result<(), Stop> {
        let options = self.job();
        let service = MeantJob::new(&options, &self.desk())?.service(&self.desk())?;
        let ship = "--carrier FedEx --tracking-number REHEARSAL-1";
        self.step(5, vec![format!("azseed job ship {} {ship}", self.staging_flag())])?;
        let waiting =
            service.list()?.into_iter().filter(|job| job.state.stage == JobStage::Waiting);
        for (number, job) in waiting.enumerate() {
            let shipment = Shipment {
                carrier: "FedEx".to_owned(),
                tracking_number: format!("REHEARSAL-{}", number + 1),
                ship_date: Timestamp::now(),
                drive_count: None,
            };
            let job = service.ship(&JobName::new(&job.name)?, &shipment)?;
            self.go_on(&Seen { job }, |exit| exit == Exit::Done)?;
        }
        let data = format!("--data {}", shell_word(&self.place.text("azure")));
        let images = typed_images(sealed);
        self.step(
            6,
            vec![
                format!("azseed emulator clock +3d {data}"),
                format!("azseed emulator dock {images} {data}"),
            ],
        )?;
        if !service.list()?.iter().all(|job| job.state.stage.is_over()) {
            let data = self.place.at("azure");
            self.attendant.show(&dock::forward(&data, DAYS)?);
            let replies = dock::bring(&data, sealed, &self.desk())?;
            summary.note_dock(&replies);
            self.go_on(&replies, |exit| exit == Exit::Done)?;
        }
        for job in service.list()? {
            self.go_on(&Seen { job }, |exit| exit == Exit::Done)?;
        }
        Ok(())
    }

    /// The vault takes the seed in, and what it holds is cleared elsewhere.
    fn protect(&self, summary: &mut Summary) -> Result<(), Stop> {
        let (desk, options) = (&self.desk(), &self.vault()?);
        let is_done = |exit| exit == Exit::Done;
        let made = format!("azseed vault create --vault {NAME} {}", self.staging_flag());
        self.step(7, vec![made, format!("azseed vault run --vault {NAME}")])?;
        let create = CreateOptions {
            account: None,
            is_adopted: false,
            container: None,
            schedule: Given::default_of(Schedule::default()),
            keep: Default::default(),
        };
        self.go_on(&make(&create, options, desk)?, is_done)?;
        let wish = Wish::default();
        let ran = vault_run::run(&pick(options, desk)?, options, wish, desk)?;
        self.go_on(&ran, is_done)?;
        summary.note_vault(&ran.0);
        self.step(8, vec![format!("azseed cleanup --vault {NAME} --yes")])?;
        self.go_on(&clear(ClearOptions::default(), options, desk)?, is_done)
    }

    fn restore(&self) -> Result<(), Stop> {
        // Only root can give files to others, and the comparison knows it.
        let is_root = rustix::process::geteuid().is_root();
        let owners = if is_root { Owners::Restored } else { Owners::Kept };
        let how = RestoreOptions { owners, ..RestoreOptions::default() };
        let folder = self.place.at("restored");
        let restored = restore(&RestoreWish::of_all(&folder, how), &self.vault()?, &self.desk())?;
        self.go_on(&restored, |exit| matches!(exit, Exit::Done | Exit::Failed(ErrorKind::LeftOut)))
    }

    /// Shows what begins, after how long the one before took.
    fn step(&self, number: usize, commands: Vec<String>) -> Result<(), Error> {
        self.end_step();
        if self.attendant.stop_flag().is_asked() {
            return Err(Error::Stopped);
        }
        let step = Step { number, commands };
        self.attendant.show(&step);
        hold(&self.begun).push((step, Instant::now()));
        Ok(())
    }

    fn end_step(&self) {
        let Some((Step { number, commands }, began)) = hold(&self.begun).pop() else { return };
        let ended = StepEnded { number, commands, took: began.elapsed() };
        self.attendant.show(&ended);
        hold(&self.ended).push(ended);
    }

    fn staging_flag(&self) -> String {
        format!("--staging {}", shell_word(&self.place.text(STAGING)))
    }

    fn typed_stage(&self) -> String {
        let sources = self.options.sources.iter();
        let sources: Vec<String> = sources
            .map(|path| format!("--source {}", shell_word(&path.display().to_string())))
            .collect();
        format!(
            "azseed stage {} {} --job {NAME} --storage-account {} --container {CONTAINER} \
             --subscription {} --resource-group {NAME} --location {LOCATION} --contact {}",
            sources.join(" "),
            self.staging_flag(),
            self.emulator.account,
            self.emulator.subscription,
            shell_word(&self.place.text("state/contact.toml")),
        )
    }

    /// Shows what a step did, and goes on only if it may.
    fn go_on(&self, outcome: &dyn Outcome, may_go_on: impl Fn(Exit) -> bool) -> Result<(), Stop> {
        let exit = self.attendant.show(outcome);
        if may_go_on(exit) { Ok(()) } else { Err(Stop::Step { exit, more_drives: 0 }) }
    }

    fn desk(&self) -> Desk<'_> {
        Desk {
            state: Some(self.place.at("state")),
            consent: Consent::default(),
            visit: Visit::Rehearsal,
            hooks: Hooks::default(),
            attendant: self.attendant,
        }
    }

    fn work(&self) -> WorkOptions {
        WorkOptions { staging: Some(self.place.at(STAGING)), ..WorkOptions::default() }
    }

    fn prep(&self, drives: &[DriveName]) -> PrepOptions {
        PrepOptions {
            work: self.work(),
            drives: NamedDrives::These(drives.to_vec()),
            erase: Vec::new(),
            wipe: None,
            azure: Some(self.azure()),
            location: None,
            contact: None,
            verify: false,
            strict: false,
            content_md5: false,
            cipher: Given::default_of(Cipher::default()),
            profile: Given::default_of(Profile::Legacy),
            omit_zeros: Given::default_of(false),
            hold_keys: false,
            recipient: None,
            escrow_identity: None,
            keys: KeyFiles::default(),
        }
    }

    fn job(&self) -> JobOptions {
        JobOptions {
            job: None,
            staging: Some(Given::default_of(self.place.at(STAGING))),
            service: None,
            subscription: None,
            resource_group: None,
            storage_account: None,
            azure: self.azure(),
        }
    }

    fn vault(&self) -> Result<VaultOptions, Failure> {
        Ok(VaultOptions {
            seed_sas_file: None,
            password: PasswordGiven::default(),
            vault: Some(NAME.parse()?),
            staging: Some(Given::default_of(self.place.at(STAGING))),
            azure: self.azure(),
            blobs: BlobAccess {
                endpoint: Some(self.emulator.blob.clone()),
                ..BlobAccess::default()
            },
        })
    }

    fn azure(&self) -> AzureOptions {
        let Emulator { arm, token_file, ca_file, .. } = self.emulator;
        AzureOptions {
            cloud: CloudChoice::default(),
            arm_endpoint: Some(arm.clone()),
            authority: Some(arm.clone()),
            auth: None,
            token_file: Some(token_file.clone()),
            ca_file: Some(ca_file.clone()),
            proxy: None,
            patience: Patience::default().most,
            tempo: Tempo::Work,
        }
    }
}

/// Drives as `--drive` takes them.
fn typed_drives(drives: &[DriveName]) -> String {
    let typed = drives.iter().map(|drive| match drive {
        DriveName::Path { path, serial, bytes } => {
            let serial = serial.iter().map(|serial| format!(",serial={serial}"));
            let bytes = bytes.iter().map(|bytes| format!(",size={}", bytes.0));
            let more: String = serial.chain(bytes).collect();
            format!("--drive {}", shell_word(&format!("image:{}{more}", path.display())))
        }
        DriveName::Serial(serial) => format!("--drive {serial}"),
    });
    typed.collect::<Vec<_>>().join(" ")
}

/// Images that are there, as DEV.
fn typed_images(drives: &[DriveName]) -> String {
    let typed = drives.iter().filter_map(image);
    typed
        .map(|path| shell_word(&path.display().to_string()).to_string())
        .collect::<Vec<_>>()
        .join(" ")
}

fn image(drive: &DriveName) -> Option<&Path> {
    match drive {
        DriveName::Path { path, .. } => Some(path),
        DriveName::Serial(_) => None,
    }
}
