//! Who works on a staging path: the seed's record is changed under a claim that is held for moments,
//! and each machine that stages has a claim of its own as long as it does, so that several may at
//! once. Drives are filled when nobody stages, and nobody stages while they are.

use std::path::Path;
use std::time::Duration;

use disk_prep::journal::{self, Claim, Holder};
use disk_prep::noun::plain_word;
use jiff::Timestamp;
use uuid::Uuid;

use super::door::Staging;
use super::error::Error;
use super::hosts::Stager;
use super::seed::{Seed, SeedState};

/// The claim on the record.
const RECORD: &str = ".record.claim";
/// Begins the names of claims of machines that stage, and of runs that fill drives.
const STAGES: &str = ".stage-";
const FILLS: &str = ".prep-";
/// The record is held for moments; on a share a little longer.
const PATIENCE: Duration = Duration::from_secs(60);
/// A run that only looks who works there holds a claim's lock for less than this.
const GLANCE: Duration = Duration::from_millis(200);

/// The right to change the seed's record; nobody else changes it meanwhile.
#[derive(Debug)]
pub struct HeldRecord {
    _claim: Claim,
}

/// A machine that stages, or a run that fills drives, until it is dropped.
#[derive(Debug)]
pub struct AtWork {
    _claim: Claim,
}

impl Staging {
    /// Waits for the right to change the record. What a killed run left of its draft goes.
    pub fn hold_record(&self) -> Result<HeldRecord, Error> {
        let taken = Claim::take(self.place(RECORD)?, "the seed's record", PATIENCE);
        let held = taken.map(|_claim| HeldRecord { _claim }).map_err(|source| self.busy(source))?;
        let names =
            self.root().names().map_err(|source| Error::of_io(self.path().into(), source))?;
        for draft in names.iter().filter(|name| Seed::is_draft(name)) {
            // What cannot be removed is in nobody's way.
            let _ = self.root().remove_file(Path::new(draft));
        }
        Ok(held)
    }

    /// Says that this machine stages; no other run of it may.
    pub(super) fn claim_staging(&self, host: &str) -> Result<AtWork, Error> {
        let taken = Claim::take(self.place(&stage_name(host))?, "the staging path", GLANCE);
        taken.map(|_claim| AtWork { _claim }).map_err(|source| self.busy(source))
    }

    /// Says that this run fills drives; claims of runs that are dead go. Machines have processes of
    /// one number, so the claim has a name of its own.
    fn claim_filling(&self) -> Result<AtWork, Error> {
        for name in self.filler_names()? {
            let place = self.place(&name)?;
            if Claim::holder(&place).map_err(|source| self.busy(source))?.is_none() {
                // Taken over and given back; whoever was faster has done the same.
                drop(Claim::take(place, "the staging path", GLANCE));
            }
        }
        let name = format!("{FILLS}{}.claim", Uuid::new_v4());
        let taken = Claim::take(self.place(&name)?, "the staging path", GLANCE);
        taken.map(|_claim| AtWork { _claim }).map_err(|source| self.busy(source))
    }

    /// Who stages under this name right now, or may do so on a machine whose locks are not seen.
    pub fn stager(&self, host: &str) -> Result<Option<Holder>, Error> {
        let holder = Claim::holder(&self.place(&stage_name(host))?);
        holder.map_err(|source| self.busy(source))
    }

    /// Runs that fill drives right now, with the names of their claims.
    fn fillers(&self) -> Result<Vec<(String, Holder)>, Error> {
        let mut all = Vec::new();
        for name in self.filler_names()? {
            let holder = Claim::holder(&self.place(&name)?);
            all.extend(holder.map_err(|source| self.busy(source))?.map(|own| (name, own)));
        }
        Ok(all)
    }

    fn filler_names(&self) -> Result<Vec<String>, Error> {
        let names = self.root().names();
        let names = names.map_err(|source| Error::of_io(self.path().to_owned(), source))?;
        let names = names.iter().filter_map(|name| name.to_str());
        Ok(names.filter(|name| name.starts_with(FILLS)).map(str::to_owned).collect())
    }

    /// Refuses while drives are being filled.
    pub(super) fn expect_no_filler(&self) -> Result<(), Error> {
        match self.fillers()?.into_iter().next() {
            Some((_, Holder { host, since, .. })) => {
                Err(Error::BusyHost { path: self.path().to_owned(), host, since })
            }
            None => Ok(()),
        }
    }

    /// Whether a name in a staging path is one of these claims.
    pub(super) fn is_claim(name: &str) -> bool {
        name == RECORD || name.starts_with(STAGES) || name.starts_with(FILLS)
    }

    /// Goes on without a machine that has begun to stage and not ended, or that died while it filled
    /// drives; one that is seen to be alive stays. The record without it.
    pub fn release(&self, host: &str) -> Result<Seed, Error> {
        let free = |name: &str| {
            let place = self.place(name)?;
            Claim::free(&place, "the staging path").map_err(|source| self.busy(source))
        };
        let record = Claim::holder(&self.place(RECORD)?).map_err(|source| self.busy(source))?;
        if record.is_some_and(|own| own.host == host) {
            free(RECORD)?;
        }
        let _held = self.hold_record()?;
        let mut seed = Seed::open(self)?;
        if self.stager(host)?.is_some() {
            free(&stage_name(host))?;
        }
        for (name, _) in self.fillers()?.iter().filter(|(_, own)| own.host == host) {
            free(name)?;
        }
        seed.stagers.retain(|own| own.host != host);
        seed.save(self)?;
        Ok(seed)
    }

    /// Whether a machine has anything in this staging path that it could be released from.
    pub fn knows_at_work(&self, seed: &Seed, host: &str) -> Result<bool, Error> {
        let is_filler = self.fillers()?.iter().any(|(_, own)| own.host == host);
        // One that died in the moment in which it entered itself.
        let record = Claim::holder(&self.place(RECORD)?).map_err(|source| self.busy(source))?;
        let has_record = record.is_some_and(|own| own.host == host);
        let is_stager = seed.stagers.iter().any(|own| own.host == host);
        Ok(is_filler || has_record || is_stager || self.stager(host)?.is_some())
    }

    fn busy(&self, source: journal::Error) -> Error {
        let path = || self.path().to_owned();
        match source {
            journal::Error::Claimed { holder, .. } => {
                Error::BusyHost { path: path(), host: holder.host.clone(), since: holder.since }
            }
            journal::Error::Held { .. } => Error::Busy { path: path() },
            journal::Error::File { path, source } => Error::of_io(path, source),
            source => Error::Journals { source: Box::new(source) },
        }
    }
}

fn stage_name(host: &str) -> String {
    format!("{STAGES}{}.claim", plain_word(host))
}

impl Seed {
    /// Changes the seed's record, which is read for it anew.
    pub fn change(staging: &Staging, change: impl FnOnce(&mut Seed)) -> Result<Seed, Error> {
        let _held = staging.hold_record()?;
        let before = Seed::open(staging)?;
        let mut seed = before.clone();
        change(&mut seed);
        if seed != before {
            seed.save(staging)?;
        }
        Ok(seed)
    }

    /// Lets drives be filled: refused while a machine stages, or if one has added to the seed since
    /// it was looked at; nobody stages from then on until the value is dropped.
    pub fn fill(
        staging: &Staging,
        seen: Option<Timestamp>,
        change: impl FnOnce(&mut Seed),
    ) -> Result<AtWork, Error> {
        let _held = staging.hold_record()?;
        let before = Seed::open(staging)?;
        if before.state == SeedState::Unfinished {
            return Err(before.unfinished(staging));
        }
        if before.finished_at != seen {
            return Err(Error::Grown { path: staging.path().to_owned() });
        }
        let mut seed = before.clone();
        change(&mut seed);
        if seed != before {
            seed.save(staging)?;
        }
        staging.claim_filling()
    }

    /// Why a seed is not finished.
    pub fn unfinished(&self, staging: &Staging) -> Error {
        let told = |own: &Stager| {
            let is_at_work = staging.stager(&own.host).is_ok_and(|holder| holder.is_some());
            let what = if is_at_work { "stages into it" } else { "began and has not ended" };
            format!("{} {what}, since {:.0}", own.host, own.since)
        };
        let hosts = self.stagers.iter().map(told).collect();
        Error::Unfinished { path: staging.path().to_owned(), hosts }
    }

    /// The others that have begun to stage and not ended.
    pub fn others_than(&self, host: &str) -> Vec<&Stager> {
        self.stagers.iter().filter(|own| own.host != host).collect()
    }
}

#[cfg(test)]
mod tests {
    use disk_prep::noun::{Diagnose, ErrorKind};

    use super::super::seed::{Destination, Origin, SeedKind, Totals};
    use super::*;

    fn begun(folder: &std::path::Path) -> (Staging, Seed) {
        let staging = Staging::open(folder).unwrap();
        let (target, at) = (Destination::example(), Timestamp::UNIX_EPOCH);
        let seed = Seed::begin(Origin::Written, SeedKind::Repository, "repo".into(), target, at);
        seed.save(&staging).unwrap();
        (staging, seed)
    }

    #[test]
    fn drives_are_filled_only_of_what_was_looked_at_and_while_nobody_stages() {
        let folder = tempfile::tempdir().unwrap();
        let (staging, seed) = begun(folder.path());
        let at = Timestamp::UNIX_EPOCH;
        let fill = |seen| Seed::fill(&staging, seen, |_| ());
        let refused = |seen| fill(seen).unwrap_err();
        let staging_now = seed.entered("web2", at);
        staging_now.save(&staging).unwrap();
        let error = refused(None);
        assert_eq!((error.code(), error.kind()), ("staging-unfinished", ErrorKind::Resumable));
        assert!(error.to_string().contains("web2 began and has not ended"), "{error}");
        let at_work = staging.claim_staging("web2").unwrap();
        assert!(refused(None).to_string().contains("web2 stages into it"));
        assert_eq!(staging.claim_staging("web2").unwrap_err().code(), "staging-busy");
        staging.claim_staging("web3").unwrap();
        drop(at_work);
        staging_now.finish(Totals::default(), at).save(&staging).unwrap();
        let error = refused(None);
        assert_eq!((error.code(), error.kind()), ("staging-grew", ErrorKind::Resumable));
        staging.expect_no_filler().unwrap();
        let filling = fill(Some(at)).unwrap();
        assert_eq!(staging.expect_no_filler().unwrap_err().code(), "staging-busy");
        drop(filling);
        staging.expect_no_filler().unwrap();
        let names = staging.root().names().unwrap();
        assert_eq!(names, ["seed.json"], "no claim is left behind");
    }

    #[test]
    fn a_machine_that_died_in_the_moment_in_which_it_entered_itself_can_be_released() {
        let folder = tempfile::tempdir().unwrap();
        let (staging, seed) = begun(folder.path());
        assert!(!staging.knows_at_work(&seed, "gamma").unwrap());
        let held = staging.hold_record().unwrap();
        let claim = std::fs::read(folder.path().join(RECORD)).unwrap();
        drop(held);
        let mut claim: serde_json::Value = serde_json::from_slice(&claim).unwrap();
        claim["host"] = "gamma".into();
        std::fs::write(folder.path().join(RECORD), claim.to_string()).unwrap();
        assert!(staging.knows_at_work(&seed, "gamma").unwrap());
        staging.release("gamma").unwrap();
        assert!(!staging.knows_at_work(&seed, "gamma").unwrap());
        staging.hold_record().unwrap();
    }

    #[test]
    fn what_many_change_at_once_is_all_there() {
        let folder = tempfile::tempdir().unwrap();
        let (staging, _) = begun(folder.path());
        std::thread::scope(|scope| {
            for number in 0..8 {
                let staging = &staging;
                scope.spawn(move || {
                    for turn in 0..5 {
                        let host = format!("web{number}-{turn}");
                        let since = Timestamp::UNIX_EPOCH;
                        Seed::change(staging, |seed| seed.stagers.push(Stager { host, since }))
                            .unwrap();
                    }
                });
            }
        });
        assert_eq!(Seed::open(&staging).unwrap().stagers.len(), 40);
    }
}
