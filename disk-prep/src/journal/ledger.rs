//! Where records go: a file that is appended to and flushed. Tests put another ledger in its
//! place to see what a crash at every point leaves.

use std::fmt::Debug;
use std::fs::File;
use std::io::{self, BufRead};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FlockOperation, flock};
use rustix::process::geteuid;
use zeroize::Zeroizing;

use super::error::Error;
use super::history::{History, Keep};
use super::keeper::{KeptPassword, SecretKeeper};
use super::line::{Chain, Lines, PIECE_BYTES};
use super::manifest_digests::{DigestReader, ManifestDigests};
use super::record::{Begun, Record};
use super::witness::{Intent, Unwatched, Witness};
use crate::sys::durable::Access;
use crate::sys::place::Place;

/// Takes bytes; when `append` returns they survive a power cut.
pub trait Ledger: Debug + Send {
    /// Appends and flushes.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
}

/// A ledger in a private file that nobody else writes. It says itself where the next record goes:
/// on shares whose client writes whole pages back, O_APPEND puts a page there twice.
#[derive(Debug)]
pub struct FileLedger {
    file: File,
    end: u64,
}

impl Ledger for FileLedger {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, self.end)?;
        self.file.sync_data()?;
        self.end += bytes.len() as u64;
        Ok(())
    }
}

/// A drive's journal, open for appending; no other run has it. It knows what it says.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    ledger: Box<dyn Ledger>,
    chain: Chain,
    /// Mark of the first record.
    first: String,
    /// Bytes of all records.
    bytes: u64,
    witness: Arc<dyn Witness>,
    history: History,
    digests: ManifestDigests,
}

impl Journal {
    /// Creates the journal of a drive with what is begun. The keeper seals the password where
    /// others can read the journal; in memory it stays clear. The witness is told of each record
    /// before it is written.
    pub fn create(
        place: &Place,
        begun: Begun,
        keeper: &dyn SecretKeeper,
        witness: Arc<dyn Witness>,
    ) -> Result<Self, Error> {
        let path = place.path();
        let at = |source| Error::File { path: path.clone(), source };
        let digests = ManifestDigests::beside(place).map_err(at)?;
        let file = place.create_new(Access::Private).map_err(at)?;
        lock(&file, &path)?;
        let written = match kept(&begun, readers(&file).map_err(at)?, &path, keeper) {
            Ok(recovery_password) => Begun { recovery_password, ..begun.clone() },
            Err(error) => {
                place.remove().map_err(at)?;
                return Err(error);
            }
        };
        let ledger = Box::new(FileLedger { file, end: 0 });
        let record = Record::Begun(Box::new(written));
        let (chain, first) = (Chain::default(), String::new());
        let history = History::begin(begun);
        let path = path.clone();
        let mut journal =
            Journal { path, ledger, chain, first, bytes: 0, witness, history, digests };
        journal.write(&record)?;
        Ok(journal)
    }

    /// Opens the journal of a drive to go on with it. A torn last record is cut off; `None` when
    /// not even the first record is whole, and the file is then removed.
    pub fn open(place: &Place, witness: Arc<dyn Witness>) -> Result<Option<Self>, Error> {
        let path = place.path();
        let at = |source| Error::File { path: path.clone(), source };
        let file = place.open_writable().map_err(at)?;
        lock(&file, &path)?;
        let digests = ManifestDigests::beside(place).map_err(at)?;
        let read = read_on(&path, Lines::of(&file), Box::new(VoidLedger), digests);
        let (journal, whole) = read.map_err(at)??;
        // A flush that failed may have left records in memory only, where they read as whole.
        file.set_len(whole)
            .and_then(|()| write_again(&file, whole))
            .and_then(|()| file.sync_all())
            .map_err(at)?;
        if journal.is_none() {
            place.remove().map_err(at)?;
        }
        let ledger = Box::new(FileLedger { file, end: whole });
        Ok(journal.map(|journal| Journal { ledger, witness, ..journal }))
    }

    /// Goes on after the whole records of `bytes`, which take the length returned.
    pub fn go_on(
        path: &Path,
        bytes: &[u8],
        ledger: Box<dyn Ledger>,
    ) -> Result<(Option<Self>, usize), Error> {
        let at = |source| Error::File { path: path.to_owned(), source };
        let digests = Place::at(path).and_then(|place| ManifestDigests::beside(&place));
        let read = read_on(path, Lines::new(bytes), ledger, digests.map_err(at)?);
        let (journal, whole) = read.map_err(at)??;
        Ok((journal, whole as usize))
    }

    /// What the bytes of a journal say; `None` when not even the first record is whole.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Option<History>, Error> {
        let replayed = History::replay(&mut Lines::new(bytes), Keep::All, |_| Ok(()));
        let replayed = replayed.expect("memory can be read");
        replayed.map_err(|fault| Error::Damaged { path: path.to_owned(), fault })
    }

    /// Reads a journal without holding it; `None` when not even the first record is whole.
    pub fn read(place: &Place) -> Result<Option<History>, Error> {
        Journal::look(place, Keep::All)
    }

    /// The same, without the digests of its files.
    pub(super) fn ends(place: &Place) -> Result<Option<History>, Error> {
        Journal::look(place, Keep::Ends)
    }

    /// The same, and of its files only those that were left out.
    pub(super) fn survey(place: &Place) -> Result<Option<History>, Error> {
        Journal::look(place, Keep::LeftOut)
    }

    fn look(place: &Place, keep: Keep) -> Result<Option<History>, Error> {
        let path = place.path();
        let at = |source| Error::File { path: path.clone(), source };
        let file = place.open().map_err(at)?;
        let replayed = History::replay(&mut Lines::of(&file), keep, |_| Ok(())).map_err(at)?;
        replayed.map_err(|fault| Error::Damaged { path: path.clone(), fault })
    }

    /// The mark of the first record of a journal, if that is whole.
    pub(super) fn first(place: &Place) -> Result<Option<String>, Error> {
        let path = place.path();
        let at = |source| Error::File { path: path.clone(), source };
        let file = place.open().map_err(at)?;
        let mut lines = Lines::of(&file);
        match lines.text().map_err(at)? {
            None => Ok(None),
            Some(Err(fault)) => Err(Error::Damaged { path: path.clone(), fault }),
            Some(Ok(_)) => Ok(Some(lines.first())),
        }
    }

    /// Has the password opened; in memory it is clear from here on.
    pub fn unseal(&mut self, keeper: &dyn SecretKeeper) -> Result<(), Error> {
        let begun = &mut self.history.begun;
        begun.recovery_password = KeptPassword::Clear(begun.password(keeper)?);
        Ok(())
    }

    /// What it says so far, without the digests of files.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The digests of the files that were copied, of which a manifest is made.
    pub fn digests(&self) -> DigestReader<'_> {
        self.digests.reader()
    }

    /// Adds a record; when this returns it survives a power cut.
    pub fn append(&mut self, record: Record) -> Result<(), Error> {
        self.write(&record)?;
        let kept = self.digests.note(&record);
        kept.map_err(|source| Error::File { path: self.path.clone(), source })?;
        self.history
            .apply(record, Keep::Ends)
            .expect("records are appended in the order that replay takes");
        Ok(())
    }

    fn write(&mut self, record: &Record) -> Result<(), Error> {
        let (line, next) = self.chain.encode(record);
        let (bytes, mark) = (self.bytes + line.len() as u64, next.mark());
        if self.first.is_empty() {
            self.first.clone_from(&mark);
        }
        let intent = Intent::Record { first: &self.first, bytes, mark: &mark };
        self.witness
            .tell(&intent)
            .and_then(|()| self.ledger.append(&line))
            .map_err(|source| Error::File { path: self.path.clone(), source })?;
        (self.chain, self.bytes) = (next, bytes);
        Ok(())
    }
}

/// A journal whose records are these, and their length.
fn read_on(
    path: &Path,
    mut lines: Lines<impl BufRead>,
    ledger: Box<dyn Ledger>,
    mut digests: ManifestDigests,
) -> io::Result<Result<(Option<Journal>, u64), Error>> {
    let replayed = History::replay(&mut lines, Keep::Ends, |record| digests.note(record))?;
    let history = match replayed {
        Ok(history) => history,
        Err(fault) => return Ok(Err(Error::Damaged { path: path.to_owned(), fault })),
    };
    let (chain, bytes) = lines.end();
    let journal = history.map(|history| {
        let (path, witness) = (path.to_owned(), Arc::new(Unwatched));
        Journal { path, ledger, chain, first: lines.first(), bytes, witness, history, digests }
    });
    Ok(Ok((journal, bytes)))
}

/// Writes so many bytes of a file once more.
fn write_again(file: &File, bytes: u64) -> io::Result<()> {
    let mut piece = Zeroizing::new(vec![0; PIECE_BYTES]);
    for at in (0..bytes).step_by(PIECE_BYTES) {
        let piece = &mut piece[..(bytes - at).min(PIECE_BYTES as u64) as usize];
        file.read_exact_at(piece, at)?;
        file.write_all_at(piece, at)?;
    }
    Ok(())
}

/// Takes nothing; stands behind a journal that is only read.
#[derive(Debug)]
struct VoidLedger;

impl Ledger for VoidLedger {
    fn append(&mut self, _bytes: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }
}

/// Who can read a file that was made private: on some shares all can, or whoever comes as the
/// user that they make of everybody.
fn readers(file: &File) -> io::Result<Access> {
    let status = file.metadata()?;
    let is_private = status.mode() & 0o077 == 0 && status.uid() == geteuid().as_raw();
    Ok(if is_private { Access::Private } else { Access::Public })
}

/// The password of a new drive as a journal with these readers holds it.
fn kept(
    begun: &Begun,
    readers: Access,
    path: &Path,
    keeper: &dyn SecretKeeper,
) -> Result<KeptPassword, Error> {
    let KeptPassword::Clear(password) = &begun.recovery_password else {
        return Ok(begun.recovery_password.clone());
    };
    let sealed = keeper
        .seal(&begun.serial, password, readers)
        .map_err(|source| Error::PasswordNotKept { serial: begun.serial.clone(), source })?;
    match (sealed, readers) {
        (Some(sealed), _) => Ok(KeptPassword::Sealed { sealed }),
        (None, Access::Private) => Ok(KeptPassword::Clear(password.clone())),
        (None, Access::Public) => Err(Error::ModesIgnored { path: path.to_owned() }),
    }
}

fn lock(file: &File, path: &Path) -> Result<(), Error> {
    flock(file, FlockOperation::NonBlockingLockExclusive)
        .map_err(|_| Error::Held { what: format!("The journal {}", path.display()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{
        CopyState, FileEnd, FileRecord, Finished, JournalFault, JournalOnly, KeeperError, Progress,
        StreamMark,
    };
    use crate::journal::{FileChange, LeftOut};
    use crate::manifest::Profile;
    use crate::noun::{
        Cipher, Diagnose, ErrorKind, Md5Digest, RecoveryPassword, Serial, Sha256Digest,
    };
    use jiff::Timestamp;
    use uuid::Uuid;

    fn begun() -> Begun {
        Begun {
            version: 1,
            at: Timestamp::UNIX_EPOCH,
            job: "job-1".parse().unwrap(),
            container: None,
            serial: Serial::new("S1").unwrap(),
            model: None,
            drive_bytes: 1 << 30,
            rotational: false,
            erase: false,
            traces: Default::default(),
            wipe: None,
            cipher: Cipher::default(),
            profile: Profile::Legacy,
            omit_zeros: false,
            disk_guid: Uuid::nil(),
            partition_guids: [Uuid::nil(); 2],
            manifest_guid: Uuid::nil(),
            volume_serial: 7,
            recovery_password: KeptPassword::Clear(RecoveryPassword::from_key([3; 16])),
            metadata_block: Default::default(),
            first_8k: Default::default(),
            plan_sha256: Sha256Digest::new([0; 32]),
        }
    }

    fn mark(done_bytes: u64, block: u8) -> Record {
        let mut mark = StreamMark::new(4, done_bytes);
        mark.new_blocks = vec![Md5Digest::new([block; 16])];
        Record::Progress(Progress { streams: vec![mark], ..Progress::default() })
    }

    fn left_out(segment: u64) -> Record {
        let end = FileEnd::LeftOut(LeftOut::new(FileChange::FileUnreadable, "gone"));
        let file = Some(FileRecord { index: 2, bytes: 9, modified_ns: 0, end });
        let finished = vec![Finished { segment, file }];
        Record::Progress(Progress { finished, ..Progress::default() })
    }

    fn create(path: &Path, begun: Begun, keeper: &dyn SecretKeeper) -> Result<Journal, Error> {
        Journal::create(&Place::at(path).unwrap(), begun, keeper, Arc::new(Unwatched))
    }

    fn open(path: &Path) -> Result<Option<Journal>, Error> {
        Journal::open(&Place::at(path).unwrap(), Arc::new(Unwatched))
    }

    fn read(path: &Path) -> Option<History> {
        Journal::read(&Place::at(path).unwrap()).unwrap()
    }

    /// A journal with four records in a file.
    fn written(path: &Path) -> Vec<u8> {
        let mut journal = create(path, begun(), &JournalOnly).unwrap();
        journal.append(Record::Labelled).unwrap();
        journal.append(mark(4 << 20, 1)).unwrap();
        journal.append(mark(8 << 20, 2)).unwrap();
        drop(journal);
        std::fs::read(path).unwrap()
    }

    fn fault(bytes: &[u8]) -> Option<JournalFault> {
        match Journal::go_on(Path::new("j"), bytes, Box::new(VoidLedger)) {
            Err(Error::Damaged { fault, .. }) => Some(fault),
            _ => None,
        }
    }

    #[test]
    fn what_was_appended_is_there_when_it_is_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("S1.journal");
        written(&path);
        let mut journal = open(&path).unwrap().unwrap();
        let stream = &journal.history().streams[&4];
        assert_eq!((stream.done_bytes, stream.blocks.len()), (8 << 20, 2), "marks add up");
        assert_eq!(open(&path).unwrap_err().code(), "held-by-another-run");
        journal.append(left_out(4)).unwrap();
        drop(journal);
        let history = read(&path).unwrap();
        assert_eq!(history.state, CopyState::Labelled);
        assert!(history.streams.is_empty() && history.finished.contains(4));
        assert!(history.files.is_left_out(2));
        assert_eq!(history.begun.password(&JournalOnly).unwrap().key(), &[3; 16]);
    }

    /// Seals by turning the digits into letters.
    #[derive(Debug)]
    struct Letters;

    impl SecretKeeper for Letters {
        fn seal(
            &self,
            _: &Serial,
            password: &RecoveryPassword,
            _: Access,
        ) -> Result<Option<String>, KeeperError> {
            let turn = |c: char| c.to_digit(10).map_or(c, |digit| char::from(b'a' + digit as u8));
            Ok(Some(password.reveal().chars().map(turn).collect()))
        }

        fn open(&self, _: &Serial, sealed: &str) -> Result<RecoveryPassword, KeeperError> {
            let turn = |c: char| if c == '-' { c } else { char::from(c as u8 - b'a' + b'0') };
            Ok(sealed.chars().map(turn).collect::<String>().parse()?)
        }
    }

    #[test]
    fn a_sealed_password_stands_nowhere_in_the_file_and_its_keeper_opens_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("S1.journal");
        let password = RecoveryPassword::from_key([3; 16]);
        let journal = create(&path, begun(), &Letters).unwrap();
        assert_eq!(journal.history().begun.password(&JournalOnly).unwrap(), password);
        drop(journal);
        let text = std::fs::read_to_string(&path).unwrap();
        let groups = password.reveal();
        assert!(groups.split('-').all(|group| !text.contains(group)), "{text}");
        let mut journal = open(&path).unwrap().unwrap();
        let error = journal.unseal(&JournalOnly).unwrap_err();
        assert_eq!((error.code(), error.kind()), ("sealed-unopened", ErrorKind::NotAllowed));
        journal.unseal(&Letters).unwrap();
        assert_eq!(journal.history().begun.password(&JournalOnly).unwrap(), password);
    }

    #[test]
    fn a_clear_password_is_only_for_a_journal_that_nobody_else_can_read() {
        let path = Path::new("S1.journal");
        let clear = kept(&begun(), Access::Private, path, &JournalOnly).unwrap();
        assert!(matches!(clear, KeptPassword::Clear(_)));
        let error = kept(&begun(), Access::Public, path, &JournalOnly).unwrap_err();
        assert_eq!((error.code(), error.kind()), ("modes-ignored", ErrorKind::Guard));
        assert!(error.hint().unwrap().to_string().contains("--encrypt-keys-for"));
    }

    #[test]
    fn a_torn_last_record_is_cut_off_and_a_torn_first_one_is_no_journal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("S1.journal");
        let bytes = written(&path);
        std::fs::write(&path, &bytes[..bytes.len() - 5]).unwrap();
        let mut journal = open(&path).unwrap().unwrap();
        assert_eq!(journal.history().streams[&4].done_bytes, 4 << 20);
        journal.append(Record::Filled).unwrap();
        drop(journal);
        assert_eq!(read(&path).unwrap().state, CopyState::Filled);
        std::fs::write(&path, &bytes[..40]).unwrap();
        assert!(open(&path).unwrap().is_none());
        assert!(!path.exists());
    }

    #[test]
    fn no_byte_can_be_changed_and_no_record_cut_out_unseen() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = written(&folder.path().join("S1.journal"));
        assert_eq!(fault(&bytes), None);
        for at in (0..bytes.len() - 1).step_by(7) {
            let mut changed = bytes.clone();
            changed[at] ^= 0x01;
            assert!(fault(&changed).is_some(), "byte {at}");
        }
        let lines: Vec<&[u8]> = bytes.split_inclusive(|&byte| byte == b'\n').collect();
        let without: Vec<u8> = [lines[0], lines[2], lines[3]].concat();
        assert_eq!(fault(&without), Some(JournalFault::Changed { record: 1 }));
        let swapped: Vec<u8> = [lines[0], lines[1], lines[3], lines[2]].concat();
        assert_eq!(fault(&swapped), Some(JournalFault::Changed { record: 2 }));
    }

    #[test]
    fn records_in_an_order_that_cannot_be_are_refused() {
        let mut chain = Chain::default();
        let mut bytes = Vec::new();
        let records = [Record::Begun(Box::new(begun())), mark(1, 1)];
        for record in &records {
            let (line, next) = chain.encode(record);
            bytes.extend_from_slice(&line);
            chain = next;
        }
        assert!(matches!(fault(&bytes), Some(JournalFault::Unknown { record: 1, .. })));
        let (line, _) = Chain::default().encode(&Record::Labelled);
        assert_eq!(fault(&line), Some(JournalFault::NoBeginning));
        let newer = Record::Begun(Box::new(Begun { version: 3, ..begun() }));
        assert_eq!(
            fault(&Chain::default().encode(&newer).0),
            Some(JournalFault::Newer { version: 3 })
        );
    }
}
