//! The disks of machines as plain files, and what points have of them. A machine's disks lie in
//! `DIR/vms/GROUP/NAME`, `os.img` and `<lun>.img`, for anybody to look at and to write, and disks that
//! no machine has in `DIR/disks/GROUP`; what a point
//! has of one lies in `DIR/meta/points` under its hash, once for all points that have the same.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::model::{KeptDisk, World};
use super::vm::{Disk, Vm};
use crate::error::Error;

/// What is read and written at a time; a stretch that holds nothing stays a hole.
const CHUNK: usize = 64 << 10;
/// A disk of which nothing was said, bytes.
const PLAIN_BYTES: u64 = 1 << 20;

/// The files.
#[derive(Debug)]
pub(super) struct Shelf {
    machines: PathBuf,
    points: PathBuf,
    loose: PathBuf,
}

impl Shelf {
    pub fn open(data: &Path, meta: &Path) -> Result<Self, Error> {
        let shelf = Shelf {
            machines: data.join("vms"),
            points: meta.join("points"),
            loose: data.join("disks"),
        };
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&shelf.points)
            .map_err(at(&shelf.points))?;
        Ok(shelf)
    }

    /// Where the disks of a machine are.
    fn folder(&self, vm: &Vm) -> PathBuf {
        self.machines.join(vm.group.to_lowercase()).join(vm.name.to_lowercase())
    }

    fn disk(&self, vm: &Vm, lun: Option<u32>) -> PathBuf {
        self.folder(vm).join(name(lun))
    }

    fn kept(&self, disk: &KeptDisk) -> PathBuf {
        self.points.join(&disk.sha256)
    }

    /// Makes the disks of a machine of files that were given, the system's first; a machine that has
    /// none and is given none gets one that holds nothing.
    pub fn provide(&self, vm: &mut Vm, given: &[File]) -> Result<(), Error> {
        let folder = self.folder(vm);
        if given.is_empty() {
            if vm.disks.is_empty() {
                fs::create_dir_all(&folder).map_err(at(&folder))?;
                let path = self.disk(vm, None);
                let file = File::create(&path).map_err(at(&path))?;
                file.set_len(PLAIN_BYTES).map_err(at(&path))?;
                vm.disks = vec![Disk { lun: None, bytes: PLAIN_BYTES }];
            }
            return Ok(());
        }
        let mut disks = Vec::new();
        for (place, file) in given.iter().enumerate() {
            let lun = place.checked_sub(1).and_then(|lun| u32::try_from(lun).ok());
            let bytes = file.metadata().map_err(at(&folder))?.len();
            if bytes == 0 || bytes % 512 != 0 {
                let message = format!("a disk has {bytes} bytes, which are no sectors of 512");
                return Err(Error::Refused { message });
            }
            let path = self.disk(vm, lun);
            copy(file, &path)?;
            disks.push(Disk { lun, bytes });
        }
        for old in vm.disks.iter().filter(|old| disks.iter().all(|own| own.lun != old.lun)) {
            remove(&self.disk(vm, old.lun))?;
        }
        vm.disks = disks;
        Ok(())
    }

    /// Opens a disk of a machine to read.
    pub fn of_machine(&self, vm: &Vm, lun: Option<u32>) -> Result<File, Error> {
        let path = self.disk(vm, lun);
        File::open(&path).map_err(at(&path))
    }

    /// Writes into a disk, as the machine would at its work.
    pub fn write(&self, vm: &Vm, lun: Option<u32>, from: &File, to: u64) -> Result<(), Error> {
        let refused = |message: String| Error::Refused { message };
        let disk = vm.disks.iter().find(|own| own.lun == lun);
        let disk = disk.ok_or_else(|| refused(format!("{} has no such disk", vm.name)))?;
        let path = self.disk(vm, lun);
        let bytes = from.metadata().map_err(at(&path))?.len();
        if to.checked_add(bytes).is_none_or(|end| end > disk.bytes) {
            return Err(refused(format!("the disk ends at {}", disk.bytes)));
        }
        let disk = File::options().write(true).open(&path).map_err(at(&path))?;
        let mut done = 0;
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = from.read_at(&mut chunk, done).map_err(at(&path))?;
            if read == 0 {
                return Ok(());
            }
            disk.write_all_at(&chunk[..read], to + done).map_err(at(&path))?;
            done += read as u64;
        }
    }

    /// The disks of a machine go with it.
    pub fn drop(&self, vm: &Vm) -> Result<(), Error> {
        let folder = self.folder(vm);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(&folder)(error)),
            _ => Ok(()),
        }
    }

    /// What a point has of a machine's disks as they are now.
    pub fn keep(&self, vm: &Vm) -> Result<Vec<KeptDisk>, Error> {
        let one = |disk: &Disk| {
            let path = self.disk(vm, disk.lun);
            let file = File::open(&path).map_err(at(&path))?;
            let draft = self.points.join(format!(".{}", uuid::Uuid::new_v4()));
            let (bytes, sha256) = copy(&file, &draft)?;
            let kept = KeptDisk { lun: disk.lun, bytes, sha256 };
            let path = self.kept(&kept);
            fs::rename(&draft, &path).map_err(at(&path))?;
            Ok(kept)
        };
        vm.disks.iter().map(one).collect()
    }

    /// What a point has of a disk, to read.
    pub fn read(&self, disk: &KeptDisk) -> Result<File, Error> {
        let path = self.kept(disk);
        File::open(&path).map_err(at(&path))
    }

    /// Gives a machine disks as a point has them; those that it had stay beside them, under `before`.
    pub fn give(&self, vm: &mut Vm, disks: &[KeptDisk], before: &str) -> Result<(), Error> {
        let folder = self.folder(vm);
        for disk in disks {
            let path = self.disk(vm, disk.lun);
            if path.exists() {
                let aside = folder.join(before);
                fs::create_dir_all(&aside).map_err(at(&aside))?;
                fs::rename(&path, aside.join(name(disk.lun))).map_err(at(&path))?;
            }
            copy(&self.read(disk)?, &path)?;
            vm.disks.retain(|own| own.lun != disk.lun);
            vm.disks.push(Disk { lun: disk.lun, bytes: disk.bytes });
        }
        vm.disks.sort_by_key(|own| own.lun);
        Ok(())
    }

    /// Makes a managed disk of what a point has.
    pub fn loosen(&self, group: &str, name: &str, disk: &KeptDisk) -> Result<(), Error> {
        copy(&self.read(disk)?, &self.loose_path(group, name)).map(drop)
    }

    fn loose_path(&self, group: &str, name: &str) -> PathBuf {
        self.loose.join(group.to_lowercase()).join(format!("{}.img", name.to_lowercase()))
    }

    /// The bytes of a managed disk that was made so; `None` of another.
    pub fn loose(&self, group: &str, name: &str) -> Result<Option<File>, Error> {
        let path = self.loose_path(group, name);
        match File::open(&path) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(at(&path)(source)),
        }
    }

    /// Lets go what no point has any more.
    pub fn sweep(&self, world: &World) -> Result<(), Error> {
        let used: BTreeSet<&str> = world.kept_disks().map(|disk| disk.sha256.as_str()).collect();
        for entry in fs::read_dir(&self.points).map_err(at(&self.points))? {
            let entry = entry.map_err(at(&self.points))?;
            if !entry.file_name().to_str().is_some_and(|name| used.contains(name)) {
                remove(&entry.path())?;
            }
        }
        Ok(())
    }
}

/// What a disk's file is called.
fn name(lun: Option<u32>) -> String {
    lun.map_or("os.img".to_owned(), |lun| format!("{lun}.img"))
}

fn at(path: &Path) -> impl Fn(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Folder { path: path.clone(), source }
}

fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(path)(error)),
        _ => Ok(()),
    }
}

/// Makes a file of another, whole or not at all; its bytes and their hash.
fn copy(from: &File, path: &Path) -> Result<(u64, String), Error> {
    let at = at(path);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(&at)?;
    }
    let draft = path.with_extension("draft");
    let to = File::create(&draft).map_err(&at)?;
    let (bytes, sha256) = pour(from, &to, 0).map_err(&at)?;
    to.set_len(bytes).map_err(&at)?;
    fs::rename(&draft, path).map_err(&at)?;
    Ok((bytes, sha256))
}

/// Copies what a file holds, holes left out, and says how much that was and its hash.
pub(super) fn pour(from: &File, to: &File, start: u64) -> io::Result<(u64, String)> {
    let mut hash = Sha256::new();
    let (mut done, mut chunk) = (0, vec![0; CHUNK]);
    loop {
        let read = from.read_at(&mut chunk, done)?;
        if read == 0 {
            let hash = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
            return Ok((done, hash));
        }
        let piece = &chunk[..read];
        hash.update(piece);
        if piece.iter().any(|byte| *byte != 0) {
            to.write_all_at(piece, start + done)?;
        }
        done += read as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::super::vm::VmOrder;
    use super::*;

    #[test]
    fn a_point_keeps_a_disk_as_it_was_and_equal_ones_once() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::open(folder.path(), &folder.path().join("meta")).unwrap();
        let mut vm = Vm::new(&VmOrder { name: "Web".to_owned(), ..VmOrder::default() });
        let given = folder.path().join("given");
        fs::write(&given, [7; 1024]).unwrap();
        let file = || File::open(&given).unwrap();
        shelf.provide(&mut vm, &[file(), file()]).unwrap();
        assert_eq!(vm.disks.iter().map(|own| own.lun).collect::<Vec<_>>(), [None, Some(0)]);
        let kept = shelf.keep(&vm).unwrap();
        assert_eq!(fs::read_dir(folder.path().join("meta/points")).unwrap().count(), 1);
        fs::write(&given, [9; 3]).unwrap();
        shelf.write(&vm, Some(0), &file(), 1021).unwrap();
        assert!(shelf.write(&vm, Some(0), &file(), 1022).is_err(), "beyond its end");
        assert!(shelf.write(&vm, Some(1), &file(), 0).is_err(), "no such disk");
        let disk = folder.path().join("vms/rg/web/0.img");
        assert_eq!(&fs::read(&disk).unwrap()[1020..], [7, 9, 9, 9]);
        shelf.give(&mut vm, &kept[1..], "before").unwrap();
        assert_eq!(fs::read(&disk).unwrap(), [7; 1024]);
        assert_eq!(fs::read(disk.with_file_name("before/0.img")).unwrap()[1023], 9);
        shelf.sweep(&World::default()).unwrap();
        assert_eq!(fs::read_dir(folder.path().join("meta/points")).unwrap().count(), 0);
        fs::write(&given, [1; 100]).unwrap();
        assert!(shelf.provide(&mut vm, &[file()]).is_err(), "no sectors");
        shelf.drop(&vm).unwrap();
        assert!(!disk.exists());
    }
}
