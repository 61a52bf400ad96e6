//! The gate on images and recorded machines: what it refuses, whom it gives time, what it knows of
//! a drive that it holds. Real block devices have `tests/gate.rs`.

use std::os::unix::fs::FileExt;

use super::super::tests::Machine;
use super::*;
use crate::noun::{ByteSize, Diagnose, ErrorKind};

fn named(folder: &Path, bytes: Option<u64>) -> DriveName {
    let path = folder.join("S1.img");
    DriveName::Path { path, serial: None, bytes: bytes.map(ByteSize) }
}

fn hold_by(name: &DriveName) -> Result<HeldDrive, Error> {
    hold_by_on(&Kernel::here(), name)
}

fn hold_by_on(kernel: &Kernel, name: &DriveName) -> Result<HeldDrive, Error> {
    hold_on(kernel, &NamedDrive { name: name.clone(), drive: find_on(kernel, name)? })
}

fn image(folder: &Path) -> File {
    let file = File::create(folder.join("S1.img")).unwrap();
    file.set_len(300 << 20).unwrap();
    file
}

#[test]
fn a_new_image_is_made_only_when_it_is_first_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut held = hold_by(&named(folder.path(), Some(300 << 20))).unwrap();
    assert_eq!(held.clear(&[], None, Look::AllData).unwrap(), Clearance::BLANK);
    assert!(!folder.path().join("S1.img").exists());
    assert_eq!(held.device().unwrap().size(), 300 << 20);
    assert!(matches!(hold_by(&named(folder.path(), None)), Err(Error::Held { .. })));
}

#[test]
fn a_file_that_appears_where_an_image_was_to_be_made_is_never_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut held = hold_by(&named(folder.path(), Some(300 << 20))).unwrap();
    std::fs::write(folder.path().join("S1.img"), "somebody's").unwrap();
    let error = held.device().unwrap_err();
    assert_eq!((error.code(), error.kind()), ("image-appeared", ErrorKind::Guard));
    assert_eq!(std::fs::read(folder.path().join("S1.img")).unwrap(), b"somebody's");
}

#[test]
fn what_is_not_blank_needs_its_serial_and_the_fate_of_its_free_space() {
    let folder = tempfile::tempdir().unwrap();
    image(folder.path()).write_all_at(b"old", 1 << 20).unwrap();
    let held = hold_by(&named(folder.path(), None)).unwrap();
    let mine = [held.drive.serial.clone()];
    let other = ["S2".parse().unwrap()];
    let refused =
        |erase: &[Serial], wipe| held.clear(erase, wipe, Look::AllData).unwrap_err().fault;
    assert!(matches!(refused(&[], Some(Wipe::Zero)), Fault::NotBlank { .. }));
    assert!(matches!(refused(&other, Some(Wipe::Zero)), Fault::NotBlank { .. }));
    assert!(matches!(refused(&mine, None), Fault::WipeUndecided));
    assert_eq!(
        held.clear(&mine, Some(Wipe::Discard), Look::AllData).unwrap().wipe,
        Some(Wipe::Discard)
    );
    let clearance = held.clear(&mine, Some(Wipe::None), Look::AllData).unwrap();
    assert_eq!(clearance.wipe, Some(Wipe::None));
    assert_eq!(clearance.erase, Some(Traces::of(held.existing().unwrap()).unwrap()));
}

#[test]
fn a_drive_that_may_be_sealed_is_never_told_to_be_erased() {
    let folder = tempfile::tempdir().unwrap();
    drop(image(folder.path()));
    for (at, mark, is_told) in [(1 << 20, "old", true), ((129 << 20) + 3, "-FVE-FS-", false)] {
        // Nobody has it open for writing when it is looked at.
        let file = File::options().write(true).open(folder.path().join("S1.img")).unwrap();
        file.write_all_at(mark.as_bytes(), at).unwrap();
        drop(file);
        let held = hold_by(&named(folder.path(), None)).unwrap();
        let error = held.clear(&[], None, Look::AllData).unwrap_err();
        assert_eq!(error.code(), "drive-not-blank");
        let hint = error.hint().unwrap().to_string();
        assert_eq!(hint.contains("--erase"), is_told, "{hint}");
        assert_eq!(hint.contains("azseed inspect"), !is_told, "{hint}");
    }
}

/// What a refusal's words are, and how long it took.
fn refused<T: std::fmt::Debug>(tried: impl FnOnce() -> Result<T, Error>) -> (Error, Duration) {
    let began = Instant::now();
    let error = tried().unwrap_err();
    (error, began.elapsed())
}

#[test]
fn who_writes_an_image_gets_a_moment_to_close_it_and_is_refused_after_that() {
    let folder = tempfile::tempdir().unwrap();
    let name = named(folder.path(), None);
    let writer = image(folder.path());
    let drive = find_on(&Kernel::here(), &name).unwrap();
    let tries: [&dyn Fn() -> Result<(), Error>; 2] =
        [&|| hold_by(&name).map(drop), &|| check_idle(&drive)];
    for tried in tries {
        let (error, took) = refused(tried);
        assert_eq!((error.code(), error.kind()), ("drive-in-use", ErrorKind::Guard));
        assert!(took >= LAST_CLOSE, "{took:?}");
    }
    drop(writer);
    check_idle(&drive).unwrap();
    hold_by(&name).unwrap();
}

#[test]
fn a_lock_is_waited_for_as_long_as_was_said_and_not_taken_twice() {
    let folder = tempfile::tempdir().unwrap();
    drop(image(folder.path()));
    let name = named(folder.path(), None);
    let held = hold_by(&name).unwrap();
    let file = File::open(folder.path().join("S1.img")).unwrap();
    let patience = Duration::from_millis(250);
    let (error, took) = refused(|| lock(&file, &held.drive, patience));
    assert_eq!((error.code(), error.kind()), ("held-by-another-run", ErrorKind::Busy));
    assert!(took >= patience, "{took:?}");
    assert_eq!(hold_by(&name).unwrap_err().code(), "held-by-another-run");
}

#[test]
fn what_comes_to_lie_under_the_name_between_the_look_and_the_open_is_not_what_was_looked_at() {
    let kernel = Kernel::here();
    let other = Some("its name came to mean another device");
    let folder = tempfile::tempdir().unwrap();
    drop(image(folder.path()));
    let (name, path) = (named(folder.path(), None), folder.path().join("S1.img"));
    let drive = find_on(&kernel, &name).unwrap();
    let file = File::open(&path).unwrap();
    let look = || is_same(&kernel, &name, &drive, &file, &path).unwrap();
    assert_eq!(look(), None);
    // One file, which has grown.
    File::options().write(true).open(&path).unwrap().set_len(301 << 20).unwrap();
    assert_eq!(look(), other);
    // Another file of the same size.
    std::fs::rename(&path, folder.path().join("old.img")).unwrap();
    drop(image(folder.path()));
    assert_eq!(look(), other);
}

#[test]
fn a_node_behind_which_another_drive_answers_than_the_tables_say_is_refused() {
    let machine = Machine::recorded("sata-512e");
    machine.fill_nodes();
    let name = DriveName::parse("/dev/sda", |_| false).unwrap();
    let mut drive = machine.only();
    let place = machine.node("sda");
    let file = File::open(&place).unwrap();
    let look = |drive: &Drive| is_same(&machine.kernel, &name, drive, &file, &place).unwrap();
    assert_eq!(look(&drive), None);
    let own = drive.hardware.as_mut().unwrap().identity.as_mut().unwrap();
    own.serial = Some("ANOTHER".to_owned());
    assert_eq!(look(&drive), Some("another drive answers through its open node"));
}

#[test]
fn a_node_that_cannot_be_opened_is_told_as_such_and_not_as_in_use() {
    let machine = Machine::recorded("sata-512e");
    let drive = machine.only();
    let mut options = OpenOptions::new();
    let nowhere = machine.node("nowhere");
    let error = open_alone(&drive, &nowhere, options.read(true)).unwrap_err();
    assert!(matches!(&error, Error::Open { .. }), "{error}");
}

#[test]
fn a_drive_that_promises_no_zeros_may_be_overwritten_but_not_discarded() {
    let machine = Machine::recorded("sata-512e");
    machine.fill_nodes();
    let name = DriveName::parse("/dev/sda", |_| false).unwrap();
    let held = hold_by_on(&machine.kernel, &name).unwrap();
    let mine = [held.drive.serial.clone()];
    let clear = |wipe| held.clear(&mine, Some(wipe), Look::Places { seed: 7 });
    let cleared = clear(Wipe::Zero).unwrap();
    assert!(cleared.erase.is_some() && cleared.wipe == Some(Wipe::Zero));
    let error = clear(Wipe::Discard).unwrap_err();
    assert_eq!((error.code(), error.kind()), ("discard-not-safe", ErrorKind::Guard));
}

#[test]
fn a_held_image_is_known_under_each_of_its_names_and_under_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    drop(image(folder.path()));
    std::fs::rename(at("S1.img"), at("own.img")).unwrap();
    std::os::unix::fs::symlink("own.img", at("S1.img")).unwrap();
    std::fs::hard_link(at("own.img"), at("hard.img")).unwrap();
    std::fs::copy(at("own.img"), at("other.img")).unwrap();
    let held = hold_by(&named(folder.path(), None)).unwrap();
    for (name, is_it) in [("S1", true), ("own", true), ("hard", true), ("other", false)] {
        let path = at(&format!("{name}.img"));
        assert_eq!(held.is_at(&path), is_it, "{name}");
        let name = DriveName::Path { path, serial: None, bytes: None };
        assert_eq!(held.is_also(&find_on(&Kernel::here(), &name).unwrap()), is_it, "{name:?}");
    }
    assert!(!held.is_at(&at("none.img")));
    let own = at("own.img").canonicalize().unwrap();
    assert_eq!(held.file().unwrap(), Some(own), "without links");
    assert_eq!(held.existing().unwrap().size(), 300 << 20);
}

#[test]
fn an_image_that_is_to_be_made_has_its_place_but_no_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(folder.path(), &link).unwrap();
    let held = hold_by(&named(&link, Some(300 << 20))).unwrap();
    let place = folder.path().canonicalize().unwrap().join("S1.img");
    assert_eq!(held.file().unwrap(), Some(place));
    assert!(held.existing().is_none());
    assert!(!held.is_at(&folder.path().join("S1.img")));
    assert!(
        held.is_also(&find_on(&Kernel::here(), &named(folder.path(), Some(300 << 20))).unwrap()),
        "in one folder by two ways"
    );
}
