//! The door to a custody log: `reports/custody.jsonl` beneath a folder that is held open. It is added
//! to under a claim, by one run after another, and nothing in it is ever changed; only a line that a
//! crash has torn, which is no entry yet, is taken away before the next.

use std::fs::File;
use std::io::Write;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use disk_prep::journal::JournalFolder;
use disk_prep::noun::Sha256Digest;
use disk_prep::sys::beneath::Folder;
use disk_prep::sys::durable::Access;
use disk_prep::sys::place::Place;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::anchor::Anchor;
use super::chain::{Chain, Fault, parse};
use super::entry::{Deed, Report, Who};
use super::error::Error;
use crate::state::State;

const REPORTS: &str = "reports";
const NAME: &str = "custody.jsonl";
/// Bytes of a log, at most: some hundred thousand entries.
const MOST_BYTES: u64 = 64 << 20;
const FOLDER_MODE: u32 = 0o755;

/// The custody log of a staging path, or of a folder of journals.
#[derive(Debug)]
pub struct CustodyLog {
    root: Arc<Folder>,
    journals: JournalFolder,
    state: State,
    /// Names it in the state directory.
    id: Uuid,
}

/// What came of adding to a log.
#[derive(Debug, PartialEq, Eq)]
pub struct Appended {
    /// What was wrong with it before.
    pub faults: Vec<Fault>,
}

impl CustodyLog {
    /// The log of a folder with its journals; neither need exist.
    pub fn new(root: Arc<Folder>, journals: JournalFolder, state: State, id: Uuid) -> Self {
        CustodyLog { root, journals, state, id }
    }

    /// Where it is, for messages.
    pub fn path(&self) -> PathBuf {
        self.root.path().join(REPORTS).join(NAME)
    }

    fn at(&self, name: &Path) -> impl Fn(io::Error) -> Error {
        let path = self.root.path().join(REPORTS).join(name);
        move |source| Error::Io { path: path.clone(), source }
    }

    /// Refuses what could not be added to, before anything is done that would have to be.
    pub fn check(&self) -> Result<(), Error> {
        let reports = Path::new(REPORTS);
        match self.root.folder(reports) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(self.at(Path::new(""))(error)),
            Ok(folder) => match folder.file(Path::new(NAME)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                file => file.map(drop).map_err(self.at(Path::new(NAME))),
            },
        }
    }

    /// Makes its folder if need be.
    fn prepare(&self) -> Result<(), Error> {
        let made = self.root.make_folder(Path::new(REPORTS), FOLDER_MODE);
        made.map(drop).map_err(self.at(Path::new("")))?;
        self.check()
    }

    /// Reads it; `None` if there is none and this machine has never seen one. What this machine has
    /// seen of it and is not there any more is a fault.
    pub fn read(&self) -> Result<Option<Chain>, Error> {
        let anchor = Anchor::read(&self.state, self.id)?;
        let below = Path::new(REPORTS).join(NAME);
        let bytes = match self.root.read(&below, MOST_BYTES) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            bytes => Some(bytes.map_err(self.at(Path::new(NAME)))?),
        };
        if bytes.is_none() && anchor.is_none() {
            return Ok(None);
        }
        let mut chain = parse(&bytes.unwrap_or_default());
        chain.faults.extend(forgotten(&chain, anchor));
        Ok(Some(chain))
    }

    /// Whether a report is what an entry says that it is.
    pub fn has_report(&self, report: &Report) -> Result<bool, Error> {
        let name = Path::new(&report.name);
        let file = self.root.folder(Path::new(REPORTS)).and_then(|folder| folder.file(name));
        let mut file = match file {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            // A name that leads elsewhere, or what is no plain file, is not what was written.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => return Ok(false),
            file => file.map_err(self.at(name))?,
        };
        Ok(digest(&mut file).map_err(self.at(name))? == report.sha256)
    }

    /// Leaves a report, under a name that nothing has yet: what it is of, when, and by which run.
    pub fn report(&self, kind: &str, at: Timestamp, lines: &[Vec<u8>]) -> Result<Report, Error> {
        self.prepare()?;
        let stamp = at.strftime("%Y%m%dT%H%M%SZ");
        let folder = self.root.folder(Path::new(REPORTS)).map_err(self.at(Path::new("")))?;
        let mut round = 0u32;
        loop {
            let again = if round == 0 { String::new() } else { format!("-{round}") };
            let name = format!("{stamp}-{kind}-{}{again}.jsonl", std::process::id());
            let mut file = match folder.create_new(Path::new(&name), Access::Public) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    round += 1;
                    continue;
                }
                file => file.map_err(self.at(Path::new(&name)))?,
            };
            let text = lines.concat();
            let written = file.write_all(&text).and_then(|()| file.sync_all());
            written.map_err(self.at(Path::new(&name)))?;
            return Ok(Report { name, sha256: Sha256Digest::new(Sha256::digest(&text).into()) });
        }
    }

    /// Adds what was done; when it returns, that survives a power cut. `choose` is asked, under the
    /// claim, what of it is not there yet.
    pub fn append(
        &self,
        at: Timestamp,
        choose: impl FnOnce(&Chain) -> Vec<(Deed, Option<Report>)>,
    ) -> Result<Appended, Error> {
        self.prepare()?;
        let _claim = self.journals.claim_custody()?;
        let folder = self.root.folder(Path::new(REPORTS)).map_err(self.at(Path::new("")))?;
        let place = Place::new(folder, NAME);
        let here = self.at(Path::new(NAME));
        let anchor = Anchor::read(&self.state, self.id)?;
        let file = place.open_or_create(Access::Public).map_err(&here)?;
        let mut bytes = Vec::new();
        (&file).take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(&here)?;
        if bytes.len() as u64 > MOST_BYTES {
            use disk_prep::sys::beneath::Unexpected;
            let large = Unexpected::Large { bytes: bytes.len() as u64, most: MOST_BYTES };
            return Err(here(large.into()));
        }
        let mut chain = parse(&bytes);
        let forgotten = forgotten(&chain, anchor);
        let is_seen = forgotten.is_none();
        chain.faults.extend(forgotten);
        let (lines, last) = chain.next(at, &Who::here(), choose(&chain));
        let Some((number, hash)) = last else { return Ok(Appended { faults: chain.faults }) };
        if chain.is_torn {
            file.set_len(chain.whole_bytes).map_err(&here)?;
        }
        file.write_all_at(&lines, chain.whole_bytes)
            .and_then(|()| file.sync_all())
            .map_err(&here)?;
        // Of a log that is not the one that was seen, what was seen stays to be asked for.
        if is_seen {
            Anchor::new(number, hash).keep(&self.state, self.id)?;
        }
        Ok(Appended { faults: chain.faults })
    }

    /// Keeps in mind how far the log is, if it is whole.
    pub fn remember(&self, chain: &Chain) -> Result<(), Error> {
        match (chain.faults.as_slice(), chain.last()) {
            ([], Some(last)) => {
                Ok(Anchor::new(last.entry.number, last.hash).keep(&self.state, self.id)?)
            }
            _ => Ok(()),
        }
    }
}

/// What this machine has seen and a log does not have.
fn forgotten(chain: &Chain, anchor: Option<Anchor>) -> Option<Fault> {
    let Anchor { number, hash, .. } = anchor?;
    chain.find(&hash).is_none().then_some(Fault::Forgotten { number })
}

fn digest(file: &mut File) -> io::Result<Sha256Digest> {
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(Sha256Digest::new(digest.finalize().into())),
            count => digest.update(&buffer[..count]),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use disk_prep::noun::{Diagnose, ErrorKind};

    use super::*;

    struct Bench {
        folder: tempfile::TempDir,
        log: CustodyLog,
    }

    /// A machine with a state directory of its own, at a staging path.
    fn machine(folder: &Path, state: &str) -> CustodyLog {
        let root = Arc::new(Folder::open(&folder.join("staging")).unwrap());
        let journals = JournalFolder::beneath(Arc::clone(&root), "journals");
        let state = State::open(Some(&folder.join(state))).unwrap();
        CustodyLog::new(root, journals, state, Uuid::from_u128(7))
    }

    impl Bench {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            std::fs::create_dir(folder.path().join("staging")).unwrap();
            let log = machine(folder.path(), "state");
            Bench { folder, log }
        }

        fn path(&self) -> PathBuf {
            self.folder.path().join("staging/reports/custody.jsonl")
        }
    }

    fn add(log: &CustodyLog, vault: &str) -> Appended {
        let deed = Deed::Ingested { vault: vault.to_owned() };
        log.append(Timestamp::UNIX_EPOCH, |_| vec![(deed, None)]).unwrap()
    }

    fn faults(log: &CustodyLog) -> Vec<Fault> {
        log.read().unwrap().unwrap().faults
    }

    #[test]
    fn two_machines_add_to_one_chain_and_each_misses_what_it_saw() {
        let bench = Bench::new();
        assert_eq!(bench.log.read().unwrap(), None);
        let other = machine(bench.folder.path(), "other");
        add(&bench.log, "a");
        let early = std::fs::read(bench.path()).unwrap();
        add(&other, "b");
        add(&bench.log, "c");
        assert_eq!(faults(&bench.log), []);
        assert_eq!(bench.log.read().unwrap().unwrap().links.len(), 3);
        // Its end cut off: a chain that is whole, only this machine has seen more of it.
        std::fs::write(bench.path(), &early).unwrap();
        assert_eq!(faults(&bench.log), [Fault::Forgotten { number: 3 }]);
        assert_eq!(faults(&other), [Fault::Forgotten { number: 2 }]);
        // Whoever goes on with it does not make it good.
        assert_eq!(add(&bench.log, "d").faults, [Fault::Forgotten { number: 3 }]);
        assert_eq!(faults(&bench.log), [Fault::Forgotten { number: 3 }]);
        std::fs::remove_file(bench.path()).unwrap();
        assert_eq!(faults(&bench.log), [Fault::Forgotten { number: 3 }]);
    }

    #[test]
    fn many_that_add_at_once_add_one_after_the_other() {
        let bench = Bench::new();
        std::thread::scope(|scope| {
            for number in 0..6 {
                let log = machine(bench.folder.path(), &format!("state-{number}"));
                scope.spawn(move || (0..4).for_each(|round| drop(add(&log, &round.to_string()))));
            }
        });
        let chain = bench.log.read().unwrap();
        let chain = chain.unwrap();
        assert_eq!((chain.links.len(), chain.faults.len()), (24, 0));
    }

    #[test]
    fn a_torn_line_gives_way_to_the_next_entry_and_whole_ones_stay() {
        let bench = Bench::new();
        add(&bench.log, "a");
        let whole = std::fs::read(bench.path()).unwrap();
        std::fs::write(bench.path(), [&whole[..], b"{\"hash\":\"00"].concat()).unwrap();
        assert!(bench.log.read().unwrap().unwrap().is_torn);
        assert_eq!(add(&bench.log, "b").faults, []);
        let now = std::fs::read(bench.path()).unwrap();
        assert!(now.starts_with(&whole) && faults(&bench.log).is_empty());
    }

    #[test]
    fn what_is_chosen_under_the_claim_may_be_nothing() {
        let bench = Bench::new();
        bench.log.append(Timestamp::UNIX_EPOCH, |_| Vec::new()).unwrap();
        assert_eq!(std::fs::read(bench.path()).unwrap(), b"");
    }

    #[test]
    fn a_report_is_known_again_and_one_that_is_another_is_not() {
        let bench = Bench::new();
        let lines = [b"{}\n".to_vec(), b"[]\n".to_vec()];
        let one = bench.log.report("prep", Timestamp::UNIX_EPOCH, &lines).unwrap();
        let two = bench.log.report("prep", Timestamp::UNIX_EPOCH, &lines).unwrap();
        assert!(one.name != two.name && one.name.starts_with("19700101T000000Z-prep-"));
        assert!(bench.log.has_report(&one).unwrap());
        std::fs::write(bench.path().with_file_name(&one.name), "{}").unwrap();
        assert!(!bench.log.has_report(&one).unwrap());
        std::fs::remove_file(bench.path().with_file_name(&two.name)).unwrap();
        assert!(!bench.log.has_report(&two).unwrap());
        // A name of a hostile log leads nowhere.
        let outside = Report { name: "../../secret".to_owned(), ..two };
        std::fs::write(bench.folder.path().join("secret"), "").unwrap();
        assert!(!bench.log.has_report(&outside).unwrap());
    }

    #[test]
    fn a_folder_that_went_away_is_an_error_and_nothing_is_made_in_its_place() {
        let bench = Bench::new();
        std::fs::remove_dir(bench.folder.path().join("staging")).unwrap();
        let gone = bench.log.append(Timestamp::UNIX_EPOCH, |_| Vec::new()).unwrap_err();
        assert_eq!((gone.code(), gone.kind()), ("custody-log", ErrorKind::Failed));
        assert!(!gone.is_read_only() && !bench.folder.path().join("staging").exists());
    }

    #[test]
    fn links_folders_and_many_names_in_its_place_are_refused_and_left_alone() {
        for (what, code) in
            [("link", "foreign-kind"), ("names", "foreign-links"), ("away", "foreign-kind")]
        {
            let bench = Bench::new();
            let outside = bench.folder.path().join("outside");
            std::fs::write(&outside, "mine\n").unwrap();
            let reports = bench.folder.path().join("staging/reports");
            match what {
                "away" => {
                    let other = bench.folder.path().join("elsewhere");
                    std::fs::create_dir(&other).unwrap();
                    symlink(&other, &reports).unwrap();
                }
                _ => {
                    std::fs::create_dir(&reports).unwrap();
                    match what {
                        "link" => symlink(&outside, bench.path()).unwrap(),
                        _ => std::fs::hard_link(&outside, bench.path()).unwrap(),
                    }
                }
            }
            let refused = bench.log.check().unwrap_err();
            assert_eq!((refused.code(), refused.kind()), (code, ErrorKind::Guard), "{what}");
            let added = bench.log.append(Timestamp::UNIX_EPOCH, |_| Vec::new()).unwrap_err();
            assert_eq!(added.code(), code, "{what}");
            assert_eq!(std::fs::read(&outside).unwrap(), b"mine\n", "{what}");
        }
    }
}
