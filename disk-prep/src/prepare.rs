//! The story of one drive, from its first byte to its seal, in the order of writing of
//! `design` 4. Every step can be cut off; the next run goes on from what the journal says.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::dataset::{DataFile, FileList, with_side_files};
use crate::device::{self, Device};
use crate::drive::{self, Clearance, Drive, Look};
use crate::drive_layout::{DriveForm, DriveLayout, LABEL};
use crate::error::{Error, Fault, Unready};
use crate::fill::{Target, can_retake, fill};
use crate::journal::{
    Base64, Begun, CopyState, DrivePlan, History, Journal, JournalFolder, JournalOnly,
    KeptPassword, LeftOut, Record, Sealed, SecretKeeper, Tail,
};
use crate::label;
use crate::manifest::Profile;
use crate::monitor::{Event, Monitor, Step};
use crate::noun::{
    Cipher, ContainerName, DriveError, JobName, OnDrive, RecoveryPassword, Serial, Wipe,
};
use crate::prove::regained;
use crate::seal::Sealing;
use crate::stop::StopFlag;
use crate::volume;
use crate::volume::bitlocker::write::{
    StretchedKey, VolumeForm, VolumeKey, VolumeSecrets, encode_first_8k, encode_metadata,
};
use crate::volume::gpt::read_gpt;
use crate::volume::ntfs::Edition;
use crate::world::World;

pub use crate::fill::{CHECKPOINT_BYTES, FillOptions};

/// What was asked for, the same for every drive of a run.
#[derive(Debug, Clone)]
pub struct PrepareOptions {
    /// The job the drives are for.
    pub job: JobName,
    /// Container of the blobs, if all have one.
    pub container: Option<ContainerName>,
    /// The cipher of new volumes.
    pub cipher: Cipher,
    /// Name and hash of new manifests.
    pub profile: Profile,
    /// Whether ranges of page blobs that hold nothing stay out of new manifests.
    pub omit_zeros: bool,
    /// Whether a changed source file fails its drive.
    pub strict: bool,
    /// Bytes after which what was written is flushed and journalled, at the latest.
    pub checkpoint_bytes: u64,
    /// Drives that may be erased.
    pub erase: Vec<Serial>,
    /// What happens to the free space of a drive that was used before.
    pub wipe: Option<Wipe>,
    /// Seals and opens recovery passwords.
    pub keeper: Arc<dyn SecretKeeper>,
    /// The wish to stop.
    pub stop: StopFlag,
}

/// A drive with its seal.
#[derive(Debug, Clone)]
pub struct PreparedDrive {
    /// Serial number.
    pub serial: Serial,
    /// What the job needs to know.
    pub sealed: Sealed,
    /// Files of its plan that are not in its manifest, with the reason.
    pub left_out: Vec<(DataFile, LeftOut)>,
}

/// A begun drive.
#[derive(Debug)]
pub struct BegunDrive {
    /// Its journal.
    pub journal: Journal,
    /// What goes on it.
    pub plan: DrivePlan,
    /// The key of its volume, if this run has drawn it.
    key: Option<VolumeKey>,
}

impl BegunDrive {
    /// One that an earlier run has begun.
    pub fn earlier(journal: Journal, plan: DrivePlan) -> Self {
        BegunDrive { journal, plan, key: None }
    }
}

/// Everything of a new drive but the key that its password stands for, whose making is slow.
pub(crate) struct DrawnDrive {
    form: DriveForm,
    layout: DriveLayout,
    plan: DrivePlan,
    disk_guid: Uuid,
    partition_guids: [Uuid; 2],
    secrets: VolumeSecrets,
}

impl DrawnDrive {
    /// What its key is made of.
    pub fn password_and_salt(&self) -> (&RecoveryPassword, &[u8; 16]) {
        (self.secrets.password(), self.secrets.salt())
    }

    /// What its partition table will call it.
    pub fn disk_guid(&self) -> Uuid {
        self.disk_guid
    }
}

/// Decides everything that the drive will be and writes it into plan file and journal. Nothing
/// on the drive has changed when this returns.
pub fn begin(
    drive: &Drive,
    clearance: Clearance,
    files: &FileList,
    journals: &JournalFolder,
    options: &PrepareOptions,
    world: &dyn World,
) -> Result<BegunDrive, Error> {
    let drawn = draw(drive, files, options, world)?;
    let (password, salt) = drawn.password_and_salt();
    let stretched = world.stretch(password, salt);
    begin_drawn(drawn, &stretched, drive, clearance, journals, options, world)
}

/// Decides everything that can be known before the key is made.
pub(crate) fn draw(
    drive: &Drive,
    files: &FileList,
    options: &PrepareOptions,
    world: &dyn World,
) -> Result<DrawnDrive, Error> {
    let serial = &drive.serial;
    let draw = |bytes: &mut [u8]| {
        world.random(bytes).map_err(|source| drive::Fault::Randomness { source }).on(serial)
    };
    let guid = || {
        let mut bytes = [0; 16];
        draw(&mut bytes).map(|()| uuid::Builder::from_random_bytes(bytes).into_uuid())
    };
    let mut volume_serial = [0; 8];
    draw(&mut volume_serial)?;
    let at = world.now();
    let (disk_guid, partition_guids) = (guid()?, [guid()?, guid()?]);
    let form = DriveForm {
        serial: serial.clone(),
        drive_bytes: drive.bytes,
        at,
        volume_serial: u64::from_le_bytes(volume_serial),
        profile: options.profile,
        manifest_guid: guid()?,
        edition: Edition::Second,
    };
    let files = with_side_files(files);
    let layout = DriveLayout::plan(&form, &files).on(serial)?;
    let plan = DrivePlan { serial: serial.clone(), job: options.job.clone(), files };
    let secrets = VolumeSecrets::draw(options.cipher, &mut |bytes| world.random(bytes))
        .map_err(volume::Fault::Volume)
        .on(serial)?;
    Ok(DrawnDrive { form, layout, plan, disk_guid, partition_guids, secrets })
}

/// Writes what was decided into plan file and journal.
pub(crate) fn begin_drawn(
    drawn: DrawnDrive,
    stretched: &StretchedKey,
    drive: &Drive,
    clearance: Clearance,
    journals: &JournalFolder,
    options: &PrepareOptions,
    world: &dyn World,
) -> Result<BegunDrive, Error> {
    let DrawnDrive { form, layout, plan, disk_guid, partition_guids, secrets } = drawn;
    let (serial, at) = (&drive.serial, form.at);
    let volume_form = VolumeForm {
        placement: layout.placement,
        partition_start: layout.disk.partition_start,
        created: at,
        description: description(&world.host(), at),
    };
    let block = encode_metadata(&volume_form, &secrets, stretched).map_err(volume::Fault::Volume);
    let begun = Begun {
        version: Begun::VERSION,
        at,
        job: options.job.clone(),
        container: options.container.clone(),
        serial: form.serial,
        model: drive.model.clone(),
        drive_bytes: form.drive_bytes,
        rotational: drive.rotational,
        erase: clearance.erase.is_some(),
        traces: clearance.erase.map(|traces| Base64(traces.digests().to_vec())).unwrap_or_default(),
        wipe: clearance.wipe,
        cipher: options.cipher,
        profile: form.profile,
        omit_zeros: options.omit_zeros,
        disk_guid,
        partition_guids,
        manifest_guid: form.manifest_guid,
        volume_serial: form.volume_serial,
        recovery_password: KeptPassword::Clear(secrets.password().clone()),
        metadata_block: Base64(block.on(serial)?.to_vec()),
        first_8k: Base64(encode_first_8k(&volume_form, &secrets).to_vec()),
        plan_sha256: journals.write_plan(&plan, &mut layout.first_clusters())?,
    };
    let journal = journals.begin(begun, options.keeper.as_ref())?;
    Ok(BegunDrive { journal, plan, key: Some(secrets.volume_key().clone()) })
}

/// Letters of the machine's name; the whole stays far below what a description may have.
const MACHINE_LETTERS: usize = 15;

/// The description of a volume as Windows makes it: the machine, the label, the day
/// (`bitlocker-volume` 6). The drive's serial is on its label, and in no metadata that all can read.
fn description(host: &str, at: Timestamp) -> String {
    let machine: String = host
        .split('.')
        .next()
        .unwrap_or_default()
        .chars()
        .filter(|sign| sign.is_ascii_alphanumeric() || *sign == '-')
        .take(MACHINE_LETTERS)
        .map(|letter| letter.to_ascii_uppercase())
        .collect();
    let machine = if machine.is_empty() { "LINUX" } else { &machine };
    format!("{machine} {LABEL} {}", at.strftime("%m/%d/%Y"))
}

/// Goes on with a begun drive until it is sealed. `device` is the whole drive, held by this run;
/// the journal was unsealed.
pub fn prepare(
    drive: &mut BegunDrive,
    device: &dyn Device,
    root: &Path,
    options: &FillOptions,
    world: &dyn World,
    monitor: &dyn Monitor,
) -> Result<PreparedDrive, Error> {
    let BegunDrive { journal, plan, key } = drive;
    let plan = &*plan;
    let begun = journal.history().begun.clone();
    let (serial, layout) = (
        &begun.serial,
        DriveLayout::plan(&DriveForm::from(&begun), &plan.files).on(&begun.serial)?,
    );
    let key = key.take().map_or_else(|| volume_key(&begun, world), Ok)?;
    let cipher = key.sector_cipher();
    let pass = layout.pass(&plan.files, begun.wipe);
    let volume_start = layout.disk.partition_start;
    let target = Target { serial, device, volume_start, cipher: &cipher, pass: &pass };
    let sealing = Sealing { begun: &begun, plan, layout: &layout, target: &target };

    if journal.history().state == CopyState::Begun {
        label::clear(&begun, &layout, &target, options, world, monitor).on(serial)?;
        label::write(&begun, &layout, &target, monitor).on(serial)?;
        journal.append(Record::Labelled)?;
    }
    let is_filled = journal.history().state == CopyState::Filled;
    if is_filled && can_retake(root, &target, journal, options, world) {
        // It may be a volume by now, and must not be one while files are written.
        label::unmake(&layout, &target, options).on(serial)?;
        journal.append(Record::Labelled)?;
    }
    if journal.history().state == CopyState::Labelled {
        fill(root, &target, journal, options, world, monitor).on(serial)?;
        if can_retake(root, &target, journal, options, world) {
            fill(root, &target, journal, options, world, monitor).on(serial)?;
        }
        refuse_incomplete(journal.history(), plan).on(serial)?;
        sealing.write_manifest(journal).on(serial)?;
        journal.append(Record::Filled)?;
    }
    if journal.history().state == CopyState::Filled {
        let step = Step::Seal;
        monitor.event(&Event::StepStarted { drive: serial, step, done_bytes: 0, total_bytes: 0 });
        world.check_sources().map_err(|fault| Unready::Sources { fault }).on(serial)?;
        label::renew(&begun, &layout, &target).on(serial)?;
        let sealed = sealing.seal(journal, world.now()).on(serial)?;
        journal.append(Record::Sealed(sealed))?;
        monitor.event(&Event::StepFinished { drive: serial, step });
    }
    Ok(prepared(journal.history(), plan)?)
}

/// A drive that was to hold what makes a repository readable, and lacks a part of it, is not
/// sealed: the next run may be able to read it.
fn refuse_incomplete(history: &History, plan: &DrivePlan) -> Result<(), Unready> {
    let missing = |(index, why): (usize, &LeftOut)| {
        let file = plan.files.get(index).filter(|file| file.together())?;
        Some(format!("{}: {why}", file.path()))
    };
    let missing: Vec<String> = history.files.left_out().filter_map(missing).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Unready::RepositoryIncomplete { missing })
}

/// What a sealed journal says of its drive.
pub fn prepared(history: &History, plan: &DrivePlan) -> Result<PreparedDrive, DriveError<Unready>> {
    let serial = history.begun.serial.clone();
    let sealed = history.sealed.clone().ok_or(Unready::NotSealed).on(&serial)?;
    let file =
        |(index, why): (usize, &LeftOut)| Some((plan.files.get(index)?.unpack(), why.clone()));
    let left_out = history.files.left_out().filter_map(file).collect();
    Ok(PreparedDrive { serial, sealed, left_out })
}

/// The key of a begun volume: only its recovery password opens the block that holds it.
fn volume_key(begun: &Begun, world: &dyn World) -> Result<VolumeKey, Error> {
    let password = begun.password(&JournalOnly)?;
    let key = regained(begun, |salt| world.stretch(&password, salt));
    Ok(key.map_err(volume::Fault::Volume).on(&begun.serial)?)
}

/// Proves by what lies on it that it is the drive of the journal. Until it is labelled nothing of
/// ours need be on it; then the look shows that nobody has used it since.
pub fn recognise(
    device: &dyn Device,
    history: &History,
    look: Look,
) -> Result<(), DriveError<Fault>> {
    proved(device, history, look).on(&history.begun.serial)
}

fn proved(device: &dyn Device, history: &History, look: Look) -> Result<(), Fault> {
    let wrong = |what: String| Err(drive::Fault::WrongDrive { what }.into());
    if history.state == CopyState::Begun {
        return Ok(label::check_untouched(&history.begun, device, look)?);
    }
    if !read_gpt(device).names_disk(history.begun.disk_guid) {
        return Err(drive::Fault::other_tables().into());
    }
    for Tail { offset, bytes, sha256 } in &history.tails {
        let mut tail = vec![0; *bytes as usize];
        device
            .read_at(&mut tail, *offset)
            .map_err(|source| device::Fault::Read { offset: *offset, source })?;
        if Sha256::digest(&tail)[..] != sha256.bytes()[..] {
            return wrong(format!("other bytes than were written lie at {offset:#x}"));
        }
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
