//! A folder of journals as somebody sees it who must know whether it is still what it was: how
//! long each journal is and which records it has, the digest of each plan, who has claims.

use std::collections::BTreeMap;

use super::claim::Claim;
use super::error::Error;
use super::folder::JournalFolder;
use super::holder::Holder;
use super::line::{Lines, ends};
use super::plan_file::digest;
use crate::noun::Sha256Digest;

/// Whether a journal counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is the journal of its drive.
    Live,
    /// It was put out of the way for a new one.
    Retired,
}

/// One journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// Name of its file.
    pub name: String,
    /// Whether it counts.
    pub standing: Standing,
    /// Its length up to each record, with the record's mark; never empty.
    pub ends: Vec<(u64, String)>,
}

impl Outline {
    /// The mark of the first record, by which a journal is known under any name.
    pub fn first(&self) -> &str {
        self.ends.first().map_or("", |(_, mark)| mark)
    }

    /// Its length, and the mark of the last record.
    pub fn last(&self) -> (u64, &str) {
        self.ends.last().map_or((0, ""), |(bytes, mark)| (*bytes, mark))
    }

    /// Whether a record with this mark ends there.
    pub fn has(&self, bytes: u64, mark: &str) -> bool {
        let at = self.ends.binary_search_by_key(&bytes, |(end, _)| *end);
        at.is_ok_and(|at| self.ends[at].1 == mark)
    }
}

/// Everything in a folder of journals that decides what a run does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outlines {
    /// The journals, those that count first.
    pub journals: Vec<Outline>,
    /// The plan files, by name.
    pub plans: BTreeMap<String, Sha256Digest>,
    /// Claims of other machines, by name.
    pub claims: BTreeMap<String, Holder>,
}

impl JournalFolder {
    /// Looks at all that is there. A journal without one whole record is none.
    pub fn outlines(&self) -> Result<Outlines, Error> {
        let mut found = Outlines::default();
        for name in self.names()? {
            let name = name.to_string_lossy().into_owned();
            let place = self.place(&name)?;
            let at = |source| Error::File { path: place.path(), source };
            if let Some(standing) = standing(&name) {
                let read = place.open().and_then(|file| ends(Lines::of(&file))).map_err(at)?;
                let fault = |fault| Error::Damaged { path: place.path(), fault };
                let ends = read.map_err(fault)?;
                if !ends.is_empty() {
                    found.journals.push(Outline { name, standing, ends });
                }
            } else if name.ends_with(".plan") {
                let (digest, _) =
                    place.open().and_then(|mut file| digest(&mut file)).map_err(at)?;
                found.plans.extend(digest.map(|digest| (name, digest)));
            } else if name.ends_with(".claim") {
                let holder = Claim::holder(&place)?.filter(Holder::is_elsewhere);
                found.claims.extend(holder.map(|holder| (name, holder)));
            }
        }
        found.journals.sort_by_key(|journal| journal.standing == Standing::Retired);
        Ok(found)
    }
}

/// What a file of this name is, if it is a journal.
fn standing(name: &str) -> Option<Standing> {
    let (stem, end) = name.rsplit_once('.')?;
    match end {
        "journal" => Some(Standing::Live),
        _ if end.parse::<u64>().is_ok() && stem.ends_with(".journal") => Some(Standing::Retired),
        _ => None,
    }
}
