//! What a copy says of itself, in its metadata: whose backup it is, which snapshot of the source it
//! holds, and which one it is being brought to. Any machine that reaches the copy goes on by it. The
//! names are part of the format.

use std::collections::BTreeMap;

/// Metadata of the copy: the backup's identity.
pub const BACKUP: &str = "bk_backup";
/// Metadata of the source's snapshots: whose they are.
pub const OWNER: &str = "bk_owner";
/// Metadata of the copy's snapshots: the source's snapshot that they are equal to.
pub const POINT: &str = "bk_source_snapshot";
/// Metadata of a copy: the source's address.
pub(super) const SOURCE: &str = "bk_source";
const BASELINE: &str = "bk_baseline";
const PENDING: &str = "bk_pending";
const MODE: &str = "bk_mode";
const FORMAT: &str = "bk_format";
/// The form that this program writes.
const OURS: &str = "1";

/// How what changed is found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The service tells it.
    Service,
    /// Both snapshots are read and compared.
    Client,
    /// Nothing is known: all is written or cleared.
    All,
}

/// A snapshot that the copy is being brought to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// The source's snapshot.
    pub snapshot: String,
    /// How; none while the service itself copies.
    pub mode: Option<Mode>,
}

/// What a copy says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The backup's identity.
    pub id: String,
    /// The source's address.
    pub source: String,
    /// The source's snapshot that it holds.
    pub baseline: Option<String>,
    /// What it is being brought to; none: it is whole.
    pub pending: Option<Pending>,
}

impl Mode {
    /// The word in metadata.
    pub fn word(self) -> &'static str {
        match self {
            Mode::Service => "service",
            Mode::Client => "client",
            Mode::All => "all",
        }
    }

    fn of(word: &str) -> Option<Self> {
        [Mode::Service, Mode::Client, Mode::All].into_iter().find(|mode| mode.word() == word)
    }
}

impl Chain {
    /// What metadata say; `None` if they are not those of a backup in our form.
    pub fn parse(metadata: &BTreeMap<String, String>) -> Option<Self> {
        let text = |name: &str| metadata.get(name).cloned();
        if metadata.get(FORMAT).map(String::as_str) != Some(OURS) {
            return None;
        }
        let mode = match metadata.get(MODE) {
            None => None,
            Some(word) => Some(Mode::of(word)?),
        };
        let pending = text(PENDING).map(|snapshot| Pending { snapshot, mode });
        let (id, source, baseline) = (text(BACKUP)?, text(SOURCE)?, text(BASELINE));
        // One that holds nothing and is brought to nothing is none of ours.
        let is_one = baseline.is_some() || pending.is_some();
        is_one.then_some(Chain { id, source, baseline, pending })
    }

    /// As metadata.
    pub fn metadata(&self) -> BTreeMap<String, String> {
        let mode = self.pending.as_ref().and_then(|pending| pending.mode).map(Mode::word);
        let pairs = [
            (BACKUP, Some(self.id.as_str())),
            (SOURCE, Some(self.source.as_str())),
            (BASELINE, self.baseline.as_deref()),
            (PENDING, self.pending.as_ref().map(|pending| pending.snapshot.as_str())),
            (MODE, mode),
            (FORMAT, Some(OURS)),
        ];
        let pair = |(name, value): (&str, Option<&str>)| Some((name.to_owned(), value?.to_owned()));
        pairs.into_iter().filter_map(pair).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_foreign_is_none() {
        let pending = Some(Pending { snapshot: "T2".to_owned(), mode: Some(Mode::Client) });
        let baseline = Some("T1".to_owned());
        let chain =
            Chain { id: "i".to_owned(), source: "https://h/c/b".to_owned(), baseline, pending };
        let metadata = chain.metadata();
        assert_eq!(metadata["bk_mode"], "client");
        assert_eq!(Chain::parse(&metadata), Some(chain.clone()));
        let clean = Chain { pending: None, ..chain.clone() };
        assert!(!clean.metadata().contains_key("bk_mode"));
        assert_eq!(Chain::parse(&clean.metadata()), Some(clean.clone()));
        assert_eq!(Chain::parse(&Chain { baseline: None, ..clean }.metadata()), None);
        for (name, value) in [("bk_format", "2"), ("bk_mode", "guess")] {
            let mut other = metadata.clone();
            other.insert(name.to_owned(), value.to_owned());
            assert_eq!(Chain::parse(&other), None, "{name}");
        }
        assert_eq!(Chain::parse(&BTreeMap::new()), None);
    }
}
