//! The check of a repository: its structure, and as much of its data as was asked for, read and
//! proven by its hashes.

use disk_prep::noun::ReadShare;
use rustic_core::{CheckOptions, CheckResults, ReadSubsetOption};

use super::error::{Error, plain};
use super::repo::{Repository, library};

/// The largest packs have fewer bytes; a share of the data that is smaller would be none.
const MOST_PACK_BYTES: u64 = 128 << 20;

/// What a check has found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// Bytes of data and folders that the index names, as they are kept.
    pub bytes: u64,
    /// Bytes of these that were read; about so many, if not all.
    pub read_bytes: u64,
    /// What is not as it should be.
    pub faults: Vec<String>,
    /// What is strange and does no harm.
    pub remarks: Vec<String>,
}

impl Repository {
    /// Refuses a repository that lacks anything of what its snapshots hold, while others may write
    /// to it: packs that no index names yet are theirs.
    pub fn check_among_others(&self) -> Result<(), Error> {
        const ACTION: &str = "The check of the repository";
        let check = || self.inner.check(CheckOptions::default());
        let found = library(self.store.as_ref(), ACTION, check)?;
        let (_, remarks) = by_weight(found);
        if remarks.is_empty() { Ok(()) } else { Err(Error::Damaged { remarks }) }
    }

    /// Checks that every pack is there and named by the index, and every folder readable; of the
    /// packs, reads that share.
    pub fn look_over(&self, share: Option<ReadShare>) -> Result<Checked, Error> {
        const ACTION: &str = "The check of the repository";
        let infos = library(self.store.as_ref(), ACTION, || self.inner.infos_index())?;
        let bytes = infos.blobs.iter().map(|blobs| blobs.size).sum();
        let part = share.map(|share| share.of(bytes).map(|part| part.max(MOST_PACK_BYTES)));
        let part = part.map(|part| part.filter(|part| *part < bytes));
        let mut options = CheckOptions::default();
        options.read_data = share.is_some();
        options.read_data_subset = match part.flatten() {
            Some(part) => ReadSubsetOption::Size(part),
            None => ReadSubsetOption::All,
        };
        let found = library(self.store.as_ref(), ACTION, || self.inner.check(options))?;
        self.expect_heard()?;
        let mut checked = Checked {
            bytes,
            read_bytes: part.map_or(0, |part| part.unwrap_or(bytes)),
            ..Checked::default()
        };
        (checked.remarks, checked.faults) = by_weight(found);
        Ok(checked)
    }
}

/// What a check has found in words: what is strange and does no harm, and what is not as it should
/// be.
fn by_weight(found: CheckResults) -> (Vec<String>, Vec<String>) {
    let (mut remarks, mut faults) = (Vec::new(), Vec::new());
    for (level, what) in found.0 {
        let text = plain(&what.to_string());
        // The library has no other way to ask how grave it is.
        match CheckResults(vec![(level, what)]).is_ok() {
            Ok(()) => remarks.push(text),
            Err(_) => faults.push(text),
        }
    }
    (remarks, faults)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustic_core::{ErrorKind, RusticError};

    #[test]
    fn what_the_library_finds_is_told_without_its_report() {
        let report = RusticError::new(ErrorKind::Backend, "Pack `{id}` is cut")
            .attach_context("id", "abc")
            .attach_error_code("C001")
            .ask_report();
        assert_eq!(
            plain(&format!("error checking pack fc : {report}")),
            "error checking pack fc : Pack `abc` is cut"
        );
        let text = "pack fc not referenced in index. Can be a parallel backup job. To repair: 'rustic repair index'.";
        assert_eq!(plain(text), "pack fc not referenced in index.");
    }
}
