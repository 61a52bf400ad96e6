//! The whole container of a job compared with the journals, without any log: what is missing, what
//! differs, what nobody has put there. The list is read page by page; in memory is what the
//! journals say.

use std::collections::BTreeMap;

use disk_prep::noun::{BlobPath, ContainerName, JobName, Md5Digest};

use super::connections::{AzureOptions, BlobAccess, container};
use super::desk::Desk;
use super::job::{MeantJob, jobs_proven};
use super::repair::{Shipped, account_of};
use super::unplaced::warn_of_unplaced;
use crate::azure::BlobFacts;
use crate::outcome::Failure;
use crate::staging::SeedKind;

/// What a blob must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Expected {
    /// Length and MD5; `None` where a drive left it out and the file cannot be read.
    proof: Option<(u64, Md5Digest)>,
}

/// How a blob differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unlike {
    /// It is not there.
    Missing,
    /// It has another length.
    Length {
        /// The journal's.
        expected: u64,
        /// The blob's.
        found: u64,
    },
    /// It has another MD5.
    Md5 {
        /// The journal's.
        expected: Md5Digest,
        /// The blob's.
        found: Md5Digest,
    },
    /// No journal has it.
    Extra {
        /// Its length.
        bytes: u64,
    },
}

/// A blob that differs, told when it is found.
#[derive(Debug)]
pub struct Difference {
    /// Container and name, as the service has it.
    pub blob: String,
    /// How.
    pub unlike: Unlike,
}

/// How a container compares with the journals. Counts of blobs.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Reconciled {
    /// The job.
    pub job: String,
    /// Words that name it for another command.
    pub which: Vec<String>,
    /// What is next if all is equal.
    pub is_repository: bool,
    /// Equal in length and MD5.
    pub equal: u64,
    /// Equal in length; the service has no MD5 of them.
    pub unproven: u64,
    /// Not there.
    pub missing: u64,
    /// Of another length or MD5.
    pub other: u64,
    /// Of no journal.
    pub extra: u64,
}

impl Reconciled {
    /// How many blobs differ.
    pub fn differences(&self) -> u64 {
        self.missing.saturating_add(self.other).saturating_add(self.extra)
    }

    fn count(&mut self, expected: Option<Expected>, facts: &BlobFacts) -> Option<Unlike> {
        let (place, unlike) = match (expected, facts.md5) {
            (None, _) => (&mut self.extra, Some(Unlike::Extra { bytes: facts.bytes })),
            (Some(Expected { proof: None }), _) => (&mut self.unproven, None),
            (Some(Expected { proof: Some((bytes, _)) }), _) if bytes != facts.bytes => {
                (&mut self.other, Some(Unlike::Length { expected: bytes, found: facts.bytes }))
            }
            (Some(Expected { proof: Some((_, md5)) }), Some(found)) if md5 != found => {
                (&mut self.other, Some(Unlike::Md5 { expected: md5, found }))
            }
            (Some(_), Some(_)) => (&mut self.equal, None),
            (Some(_), None) => (&mut self.unproven, None),
        };
        *place = place.saturating_add(1);
        unlike
    }
}

/// Compares; shows each difference as it is found.
pub fn reconcile(
    target: &MeantJob<'_>,
    azure: &AzureOptions,
    blobs: &BlobAccess,
    named: Option<&JobName>,
    desk: &Desk<'_>,
) -> Result<Reconciled, Failure> {
    let (job, account) = match &target.seed {
        // All of the seed's drives, in however many jobs they were sent.
        Some((seed, _)) => (seed.target.job.clone(), seed.target.storage_account.clone()),
        None => {
            let service = target.service(desk)?;
            let name = target.job(&*service)?;
            let account = account_of(&service.find(&name)?, &name, None)?;
            (name, account)
        }
    };
    let shipped = Shipped::open(target.seed.as_ref(), named.unwrap_or(&job), desk)?;
    if let Some((_, staging)) = &target.seed {
        warn_of_unplaced(staging, desk.attendant)?;
    }
    let is_repository =
        target.seed.as_ref().is_some_and(|(seed, _)| seed.kind == SeedKind::Repository);
    let which = target.which(named.unwrap_or(&job));
    let mut done =
        Reconciled { job: job.to_string(), which, is_repository, ..Reconciled::default() };
    let tell = |blob: String, unlike| {
        desk.attendant.show(&Difference { blob, unlike });
    };
    for (name, mut expected) in index(&shipped)? {
        let prefix = match &target.seed {
            Some((seed, _)) => seed.target.prefix.clone(),
            None => common(expected.keys().map(String::as_str)),
        };
        let container = container(azure, blobs, &account, &name, desk.attendant)?;
        container.walk(&prefix, &mut |blob, facts| {
            if let Some(unlike) = done.count(expected.remove(&blob), &facts) {
                tell(format!("{name}/{blob}"), unlike);
            }
            true
        })?;
        for blob in expected.into_keys() {
            done.missing = done.missing.saturating_add(1);
            tell(format!("{name}/{blob}"), Unlike::Missing);
        }
    }
    if done.missing == 0 && done.other == 0 {
        jobs_proven(named.unwrap_or(&job), desk);
    }
    Ok(done)
}

/// What each container must hold.
fn index(
    shipped: &Shipped,
) -> Result<BTreeMap<ContainerName, BTreeMap<String, Expected>>, Failure> {
    let mut all: BTreeMap<ContainerName, BTreeMap<String, Expected>> = BTreeMap::new();
    let mut put = |blob: &BlobPath, proof| {
        let own = all.entry(blob.container().clone()).or_default();
        own.insert(blob.name().to_owned(), Expected { proof });
    };
    for (blob, (item, _)) in shipped.left_out(|_| true)? {
        put(&blob, shipped.sources.look(&item.source).ok());
    }
    for drive in &shipped.drives {
        for item in shipped.items(drive)? {
            if let Some(md5) = item.md5 {
                put(&item.blob, Some((item.bytes, md5)));
            }
        }
    }
    Ok(all)
}

/// The folders that all names begin with.
fn common<'a>(mut names: impl Iterator<Item = &'a str>) -> String {
    let Some(first) = names.next() else { return String::new() };
    let mut length = first.len();
    for name in names {
        let equal = first.bytes().zip(name.bytes()).take_while(|(one, other)| one == other);
        length = length.min(equal.count());
    }
    // A slash is one byte, so what ends behind it is whole.
    first.as_bytes()[..length]
        .iter()
        .rposition(|&byte| byte == b'/')
        .map_or(String::new(), |slash| first[..=slash].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_common_folders_end_in_a_slash_and_no_letter_is_cut() {
        let of = |names: &[&str]| common(names.iter().copied());
        assert_eq!(of(&["a/b/c", "a/b/d"]), "a/b/");
        assert_eq!(of(&["a/b/cc", "a/b/cd"]), "a/b/");
        assert_eq!(of(&["a/ä", "a/ö"]), "a/");
        assert_eq!(of(&["a", "b"]), "");
        assert_eq!(of(&["ab/c", "ac/c"]), "");
        assert_eq!(of(&[]), "");
    }

    #[test]
    fn each_blob_counts_once_and_one_without_md5_is_unproven() {
        let md5 = |byte| Md5Digest::new([byte; 16]);
        let facts = |bytes, md5| BlobFacts {
            bytes,
            md5,
            etag: "1".into(),
            modified_at: None,
            is_unfinished: false,
        };
        let mut done = Reconciled::default();
        let expected = Some(Expected { proof: Some((5, md5(1))) });
        assert_eq!(done.count(expected, &facts(5, Some(md5(1)))), None);
        assert_eq!(done.count(expected, &facts(5, None)), None);
        let longer = done.count(expected, &facts(6, Some(md5(1))));
        assert_eq!(longer, Some(Unlike::Length { expected: 5, found: 6 }));
        let other = done.count(expected, &facts(5, Some(md5(2))));
        assert_eq!(other, Some(Unlike::Md5 { expected: md5(1), found: md5(2) }));
        assert_eq!(done.count(None, &facts(7, None)), Some(Unlike::Extra { bytes: 7 }));
        let unknown = Some(Expected { proof: None });
        assert_eq!(done.count(unknown, &facts(7, None)), None);
        let Reconciled { equal, unproven, missing, other, extra, .. } = done;
        assert_eq!((equal, unproven, missing, other, extra), (1, 2, 0, 2, 1));
        assert_eq!(done.differences(), 3);
    }
}
