//! Opens a drive, or an image of one, with its recovery password alone and lists its files, as a
//! program does that knows nothing of azseed. Nothing is written and nothing is mounted:
//!
//! ```text
//! cargo run --release --package disk-prep --example open_volume -- DRIVE PASSWORD-FILE
//! ```

use std::error::Error;
use std::fs::{self, File};
use std::path::Path;

use disk_prep::device::FileDevice;
use disk_prep::noun::RecoveryPassword;
use disk_prep::volume::view::{FileView, find_volume, unlock};

/// Path and length of every file on a drive. Fails where the drive is none of BitLocker and NTFS,
/// the password is not its own, or something on it cannot be read.
pub fn files(
    drive: &Path,
    password: &RecoveryPassword,
) -> Result<Vec<(String, u64)>, Box<dyn Error>> {
    let device = FileDevice::new(File::open(drive)?)?;
    // Both partition tables are looked at; the first partition with data is the volume.
    let (_tables, place) = find_volume(&device)?;
    let volume = unlock(&device, place, password)?;
    let view = FileView::open(&volume)?;
    // A drive may be damaged: what can be read is in the view, beside what cannot.
    if let Some(unreadable) = view.unreadable.first() {
        return Err(unreadable.to_string().into());
    }
    Ok(view.files.iter().map(|(path, file)| (path, file.bytes)).collect())
}

#[allow(clippy::print_stdout, reason = "an example shows what it found")]
fn main() -> Result<(), Box<dyn Error>> {
    let given: Vec<_> = std::env::args_os().skip(1).collect();
    let [drive, password] = &given[..] else {
        return Err("give a drive or an image, and a file with its recovery password".into());
    };
    // Takes the 48 digits alone, or the file that Windows saves.
    let password = RecoveryPassword::find_in(&fs::read(password)?)?;
    for (path, bytes) in files(Path::new(drive), &password)? {
        println!("{bytes:>16} {path}");
    }
    Ok(())
}
