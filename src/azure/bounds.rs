//! How much of an answer is taken, and how long it may take. A service that is not what it should
//! be may answer for ever: pages that lead to themselves, bodies without an end or a byte a
//! minute. These are limits of our patience, not rules of the service.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::error::Error;
use super::patience::Tempo;

/// How much is taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Of an answer of the resource manager or the sign-in, bytes.
    pub answer_bytes: u64,
    /// Of the reason for a refusal, bytes.
    pub fault_bytes: u64,
    /// Of one page of blobs, bytes; 5,000 names of 1,024 characters with properties take less.
    pub page_bytes: u64,
    /// Of one blob that is read whole, bytes; packs and indexes are far smaller.
    pub blob_bytes: u64,
    /// Nothing may come for so long; an answer to a body that is sent may take longer than that by
    /// as much as the body takes at a bearable speed.
    pub silent_for: Duration,
    /// Every body may take so long, and longer only while it comes at a bearable speed.
    pub body_within: Duration,
    /// That speed, bytes a second.
    pub least_speed: u64,
    /// The same for what is sent: a megabit a second, shared by eight uploads.
    pub least_upload_speed: u64,
    /// Pages of a list of the resource manager.
    pub pages: usize,
    /// Pages one after the other without anything on them.
    pub empty_pages: usize,
    /// Things in a list.
    pub items: usize,
    /// A list of the resource manager, bytes.
    pub list_bytes: u64,
    /// A list is read to its end within.
    pub list_within: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds::at(Tempo::Work)
    }
}

impl Bounds {
    /// Of calls that are made for this.
    pub fn at(tempo: Tempo) -> Self {
        Bounds {
            answer_bytes: 16 << 20,
            fault_bytes: 1 << 20,
            page_bytes: 64 << 20,
            blob_bytes: 4 << 30,
            silent_for: tempo.silent_for(),
            body_within: Duration::from_secs(120),
            least_speed: 1 << 10,
            least_upload_speed: 16 << 10,
            pages: 1_000,
            empty_pages: 1_000,
            items: 10_000_000,
            list_bytes: 256 << 20,
            list_within: Duration::from_secs(3600),
        }
    }
}

/// Counts a body as it comes.
#[derive(Debug)]
pub(super) struct Meter {
    host: String,
    most_bytes: u64,
    bounds: Bounds,
    begun: Instant,
    taken_bytes: u64,
}

impl Meter {
    /// For a body of at most so many bytes.
    pub fn new(host: &str, most_bytes: u64, bounds: Bounds) -> Self {
        let begun = Instant::now();
        Meter { host: host.to_owned(), most_bytes, bounds, begun, taken_bytes: 0 }
    }

    /// Takes a piece, or says why no more is taken.
    pub fn take(&mut self, bytes: usize) -> Result<(), Error> {
        self.taken_bytes = self.taken_bytes.saturating_add(bytes as u64);
        if self.taken_bytes > self.most_bytes {
            let (host, most_bytes) = (self.host.clone(), self.most_bytes);
            return Err(Error::TooLarge { host, most_bytes, call: None });
        }
        let more = Duration::from_secs(self.taken_bytes / self.bounds.least_speed.max(1));
        if self.begun.elapsed() > self.bounds.body_within + more {
            let (host, bytes) = (self.host.clone(), self.taken_bytes);
            return Err(Error::TooSlow { host, bytes, call: None });
        }
        Ok(())
    }
}

/// Counts the pages of a list.
#[derive(Debug)]
pub(super) struct Walk {
    host: String,
    bounds: Bounds,
    begun: Instant,
    seen: HashSet<String>,
    pages: usize,
    empty_pages: usize,
    items: usize,
    bytes: u64,
}

impl Walk {
    /// For a list that begins now.
    pub fn new(host: &str, bounds: Bounds) -> Self {
        Walk {
            host: host.to_owned(),
            bounds,
            begun: Instant::now(),
            seen: HashSet::new(),
            pages: 0,
            empty_pages: 0,
            items: 0,
            bytes: 0,
        }
    }

    /// Counts the bytes of a page before it is looked into.
    pub fn bytes(&mut self, bytes: usize) -> Result<(), Error> {
        self.bytes = self.bytes.saturating_add(bytes as u64);
        if self.bytes > self.bounds.list_bytes {
            Err(self.endless("it is too long"))
        } else {
            Ok(())
        }
    }

    /// Takes a page with so many things, which says where the list goes on.
    pub fn page(&mut self, items: usize, next: Option<&str>) -> Result<(), Error> {
        let Bounds { pages, empty_pages, items: most_items, list_within, .. } = self.bounds;
        self.pages += 1;
        self.items = self.items.saturating_add(items);
        self.empty_pages = if items == 0 { self.empty_pages + 1 } else { 0 };
        let Some(next) = next else { return Ok(()) };
        let why = if !self.seen.insert(next.to_owned()) {
            "a page leads to one that was read already"
        } else if self.pages >= pages {
            "it has too many pages"
        } else if self.empty_pages >= empty_pages {
            "too many pages are empty"
        } else if self.items > most_items {
            "it has too many entries"
        } else if self.begun.elapsed() > list_within {
            "it takes too long"
        } else {
            return Ok(());
        };
        Err(self.endless(why))
    }

    /// The list is given up.
    pub fn endless(&self, why: &'static str) -> Error {
        Error::EndlessList { host: self.host.clone(), pages: self.pages, why }
    }
}

/// Reads a body to its end, or as far as it may go. The buffer is cleared on drop.
pub(super) async fn body(
    mut answer: reqwest::Response,
    mut meter: Meter,
) -> Result<Zeroizing<Vec<u8>>, Failing> {
    let length = answer.content_length().unwrap_or(0);
    if length > meter.most_bytes {
        meter.take(usize::try_from(length).unwrap_or(usize::MAX)).map_err(Failing::Bound)?;
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(length).unwrap_or(0)));
    while let Some(piece) = answer.chunk().await.map_err(Failing::Network)? {
        meter.take(piece.len()).map_err(Failing::Bound)?;
        if bytes.len() + piece.len() > bytes.capacity() {
            // A new one, so that the old one is cleared; a vector that grows leaves itself behind.
            let room = (bytes.capacity() * 2).max(bytes.len() + piece.len());
            let mut larger = Zeroizing::new(Vec::with_capacity(room));
            larger.extend_from_slice(&bytes);
            bytes = larger;
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

/// Why a body did not come.
#[derive(Debug)]
pub(super) enum Failing {
    /// The network; may be tried again.
    Network(reqwest::Error),
    /// It is too much.
    Bound(Error),
}

#[cfg(test)]
mod tests {
    use super::*;
    use disk_prep::noun::Diagnose;

    const FEW: Bounds = Bounds {
        answer_bytes: 10,
        fault_bytes: 10,
        page_bytes: 10,
        blob_bytes: 10,
        silent_for: Duration::from_secs(60),
        body_within: Duration::ZERO,
        least_speed: 1,
        least_upload_speed: 1,
        pages: 3,
        empty_pages: 2,
        items: 5,
        list_bytes: 100,
        list_within: Duration::from_secs(3600),
    };

    #[test]
    fn a_body_ends_at_its_bound_and_when_it_only_drips() {
        let mut meter = Meter::new("h", 10, FEW);
        meter.take(10).unwrap();
        assert_eq!(meter.take(1).unwrap_err().code(), "azure-answer-too-large");
        let mut meter = Meter::new("h", u64::MAX, FEW);
        meter.take(1 << 20).unwrap();
        let long = Duration::from_secs(4_000_000);
        meter.begun = meter.begun.checked_sub(long).unwrap_or(meter.begun);
        let mut slow = Meter { taken_bytes: 0, ..meter };
        slow.begun = Instant::now().checked_sub(Duration::from_secs(5)).unwrap();
        assert_eq!(slow.take(1).unwrap_err().code(), "azure-answer-too-slow");
    }

    #[test]
    fn a_list_ends_however_it_is_drawn_out() {
        let told = |pages: &[(usize, Option<&str>)], bounds: Bounds| {
            let mut walk = Walk::new("h", bounds);
            pages.iter().find_map(|(items, next)| walk.page(*items, *next).err())
        };
        assert!(told(&[(1, Some("a")), (2, Some("b")), (5, None)], FEW).is_none());
        for (pages, why) in [
            (&[(1, Some("a")), (1, Some("a"))][..], "was read already"),
            (&[(1, Some("a")), (1, Some("b")), (1, Some("a"))], "was read already"),
            (&[(1, Some("a")), (1, Some("b")), (1, Some("c"))], "too many pages"),
            (&[(0, Some("a")), (0, Some("b"))], "are empty"),
            (&[(6, Some("a"))], "too many entries"),
        ] {
            let error = told(pages, FEW).unwrap();
            assert_eq!(error.code(), "azure-list-endless");
            assert!(error.to_string().contains(why), "{error}");
        }
        let mut walk = Walk::new("h", FEW);
        walk.bytes(100).unwrap();
        assert_eq!(walk.bytes(1).unwrap_err().code(), "azure-list-endless");
        let late = Bounds { list_within: Duration::ZERO, ..FEW };
        assert!(told(&[(1, Some("a"))], late).unwrap().to_string().contains("too long"));
    }
}
