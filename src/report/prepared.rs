//! A preparation in words and as records.

use std::collections::BTreeSet;

use disk_prep::noun::{ByteSize, Diagnose, ErrorKind, Serial, count, listed, typed};
use disk_prep::prepare::PreparedDrive;
use serde_json::Value;

use super::job::Said;
use super::path_text::PathText;
use super::prepared_records::{
    ClaimRecord, FailedRecord, IncompleteRecord, LeftOutRecord, NoJobRecord, PreparedRecord,
    SealedRecord,
};
use super::record::line;
use crate::import_job::{Job, Written};
use crate::journey::escrow::{Escrow, Escrowed};
use crate::journey::prepare::{Next, Prepared};
use crate::outcome::{Exit, Outcome, chain};

impl Prepared {
    fn said(&self) -> Option<Said> {
        let jobs = self.jobs.as_ref()?.as_ref().ok()?.clone();
        Some(Said { jobs })
    }

    /// What is in escrow.
    fn sealed_keys(&self) -> impl Iterator<Item = &Escrowed> {
        self.escrows.iter().filter(|own| !matches!(own.escrow, Escrow::Clear))
    }

    /// What was damaged when it was copied, in a sentence.
    fn damaged(&self) -> Option<String> {
        let first = self.misnamed.first()?;
        let files = count(self.misnamed.len(), "file");
        Some(format!(
            "Nobody could read the backup: {files} of the repository were damaged before they were \
             copied, as {} on drive {}, whose SHA-256 is not its name",
            first.path, first.serial
        ))
    }

    /// What is done about it.
    fn mend(&self) -> String {
        let serials: BTreeSet<&Serial> = self.misnamed.iter().map(|own| &own.serial).collect();
        let release = |serial: &&Serial| format!("`{}`", typed(release_of(serial)));
        let releases: Vec<String> = serials.iter().map(release).collect();
        format!(
            "Bring its files back from a copy, run {} and the same command again with `--erase`; or \
             stage anew with another `--staging` and `--job`",
            releases.join(", ")
        )
    }

    fn refusal(&self) -> Option<&dyn Diagnose> {
        Some(self.jobs.as_ref()?.as_ref().err()?.0.as_ref())
    }
}

/// The words that give a drive up, or free its claim.
fn release_of(serial: &Serial) -> [&str; 4] {
    ["azseed", "drive", "release", serial.as_str()]
}

impl Outcome for Prepared {
    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for PreparedDrive { serial, sealed, .. } in &self.outcome.sealed {
            let (files, bytes) = (count(sealed.files, "file"), ByteSize(sealed.bytes));
            lines.push(format!("Drive {serial} is sealed: {files}, {bytes}"));
        }
        for serial in &self.outcome.unused {
            lines.push(format!("Drive {serial} is not needed and was not touched"));
        }
        for (serial, error) in &self.outcome.failed {
            let fate = if self.outcome.set_aside.contains(serial) {
                "do not ship it; its files went to another drive"
            } else {
                "run the same command again to go on with it"
            };
            let told = chain(error);
            lines.push(format!("Drive {serial} is not finished: {told}; {fate}"));
        }
        for serial in &self.outcome.set_aside_before {
            lines.push(format!("Drive {serial} was set aside before: do not ship it"));
        }
        for serial in &self.outcome.waiting {
            lines.push(format!("Drive {serial} was begun before; name it too, to finish it"));
        }
        for (serial, holder) in &self.outcome.with_others {
            lines.push(match self.is_idle() {
                true => format!(
                    "Nothing was done: drive {serial} is claimed by process {} on {} since {:.0}. \
                     Wait until that run has ended, then run the same command again; if it is dead, \
                     `{}` frees its claim",
                    holder.process,
                    holder.host,
                    holder.since,
                    typed(release_of(serial))
                ),
                false => format!(
                    "Drive {serial} is being filled by another run; the run that ends last has the \
                     whole"
                ),
            });
        }
        for (serial, file, why) in self.left_out() {
            let left = format!("Left out of drive {serial}: {}: {why}", file.source.display());
            lines.push(left);
        }
        if self.shortage.files > 0 {
            lines.push(self.shortage.text());
            lines.push("Run the same command with more drives to go on".to_owned());
        }
        lines.extend(self.verified.iter().flat_map(Outcome::lines));
        lines.extend(self.sealed_keys().map(|own| own.line(Some(&self.next.prove))));
        lines.extend(self.said().iter().flat_map(Outcome::lines));
        if let Some(error) = self.refusal() {
            lines.push(format!("The drives are ready, the job is not made: {error}"));
            lines.extend(error.hint().map(|hint| format!("Hint: {hint}")));
        }
        let lacking: Vec<String> = self
            .lacking()
            .map(|(serial, file, why)| format!("{}, left out of {serial}: {why}", file.path))
            .collect();
        if !lacking.is_empty() {
            lines.push(format!(
                "The drives are not ready: nobody can read the repository without {}. No job was \
                 made; run the same command again with one more drive to add what is missing:",
                count(lacking.len(), "file"),
            ));
            lines.extend(listed(&lacking));
        }
        if let Some(why) = self.damaged() {
            lines.push(format!("The drives are not ready, and no job was made. {why}"));
            lines.push(self.mend());
        }
        if self.holds_keys && !self.outcome.sealed.is_empty() {
            lines.push(
                "The repository's keys are on no drive: `azseed vault run` sends them".to_owned(),
            );
        }
        if self.is_complete() {
            let Next { verify, make, ship, .. } = &self.next;
            lines.push(match self.said() {
                Some(said) if said.jobs.iter().all(|(job, _)| job.state.stage.is_sent()) => {
                    "Nothing is to be sent: the parcel was told to the service before".to_owned()
                }
                Some(said) => match said.jobs.as_slice() {
                    [] | [_] => format!("Next: send the drives, then `{ship}`"),
                    jobs => {
                        let of = |(job, _): &(Job, Written)| format!("`{ship} --job {}`", job.name);
                        let all: Vec<String> = jobs.iter().map(of).collect();
                        format!("Next: send each job's drives, then {}", all.join(", "))
                    }
                },
                None => format!("Next: `{verify}`, then `{make}`"),
            });
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        let mut lines: Vec<Value> = Vec::new();
        for PreparedDrive { serial, sealed, left_out } in &self.outcome.sealed {
            lines.push(line(&SealedRecord {
                serial,
                files: sealed.files,
                bytes: sealed.bytes,
                manifest: &sealed.manifest,
                manifest_hash: &sealed.manifest_hash,
                header_hash: sealed.header_hash.as_deref(),
                sealed_at: sealed.at,
                left_out: left_out.len(),
            }));
        }
        for (serial, error) in &self.outcome.failed {
            let set_aside = self.outcome.set_aside.contains(serial);
            let (code, message) = (error.code(), chain(error));
            lines.push(line(&FailedRecord { serial, code, message, set_aside }));
        }
        for (serial, file, why) in self.left_out() {
            let (path, source) = (&file.path, PathText(&file.source));
            let (reason, code) = (why.text.as_str(), why.change.code());
            lines.push(line(&LeftOutRecord { serial, path, source, reason, code }));
        }
        lines.extend(self.verified.iter().flat_map(Outcome::json));
        lines.extend(self.sealed_keys().map(Escrowed::record));
        lines.extend(self.said().iter().flat_map(Outcome::json));
        let lacking: Vec<_> = self.lacking().map(|(_, file, _)| &file.path).collect();
        if !lacking.is_empty() {
            let code = "repository-incomplete";
            lines.push(line(&IncompleteRecord { code, missing: lacking }));
        }
        if let Some(message) = self.damaged() {
            lines.push(line(&NoJobRecord { code: "seed-blob-misnamed", message }));
        }
        if let Some(error) = self.refusal() {
            let (code, message) = (error.code(), error.to_string());
            lines.push(line(&NoJobRecord { code, message }));
        }
        lines.push(line(&PreparedRecord {
            sealed: self.outcome.sealed.len(),
            newly_sealed: self.outcome.newly_sealed,
            unused: &self.outcome.unused,
            waiting: &self.outcome.waiting,
            with_others: self.outcome.with_others.iter().map(|(serial, _)| serial).collect(),
            claims: self.outcome.with_others.iter().map(ClaimRecord::of).collect(),
            set_aside_before: &self.outcome.set_aside_before,
            missing_files: self.shortage.files,
            missing_bytes: self.shortage.bytes,
            more_drives: self.shortage.drives.map(|(drives, _)| drives),
            more_drives_bytes: self.shortage.drives.map(|(_, bytes)| bytes),
            holds_keys: self.holds_keys,
        }));
        lines
    }

    fn exit(&self) -> Exit {
        let mut kinds = Vec::new();
        for (serial, error) in &self.outcome.failed {
            let set_aside = self.outcome.set_aside.contains(serial);
            kinds.push(if set_aside { ErrorKind::LeftOut } else { error.kind() });
        }
        if self.shortage.files > 0
            || !self.outcome.waiting.is_empty()
            || self.lacking().next().is_some()
        {
            kinds.push(ErrorKind::Resumable);
        }
        if self.left_out().next().is_some() {
            kinds.push(ErrorKind::LeftOut);
        }
        let differs = self.verified.as_ref().is_some_and(|verified| verified.exit() != Exit::Done);
        let gave_up = self.is_interrupted && self.shortage.files > 0;
        let failed = self.escrows.iter().filter(|own| matches!(own.escrow, Escrow::Failed(_)));
        kinds.extend(failed.filter_map(Escrowed::kind));
        kinds.extend(gave_up.then_some(ErrorKind::Interrupted));
        kinds.extend((differs || !self.misnamed.is_empty()).then_some(ErrorKind::Difference));
        kinds.extend(self.refusal().map(Diagnose::kind));
        kinds.extend(self.is_idle().then_some(ErrorKind::Busy));
        Exit::of(kinds)
    }
}
