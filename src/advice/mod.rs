//! The error catalogue behind `explain`: one CSV with every code of the house, one with the codes
//! that the datacenter and Azure give.

mod backup;

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

pub use backup::{Detail, Fix, ScriptForm, Step, sections};

/// What a code means and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Advice {
    /// The code.
    pub code: String,
    /// Who says it; the file with our own codes does not.
    #[serde(default)]
    pub said_by: Speaker,
    /// What happened.
    pub meaning: String,
    /// What to do.
    pub action: String,
}

impl Advice {
    /// The steps, and what else there is to say of it, if there is more than a sentence.
    pub fn detail(&self) -> Option<&'static Detail> {
        backup::of(&self.code)
    }
}

/// Who gives a code.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Speaker {
    /// This program.
    #[default]
    Azseed,
    /// Who takes in the drives: states of jobs and drives, copy logs.
    Datacenter,
    /// Azure's resource manager, key vault and VM backup. Names in small letters stand for
    /// messages that Azure gives without a code.
    Azure,
}

impl Speaker {
    /// All, in the order of lists.
    pub const ALL: [Speaker; 3] = [Speaker::Azseed, Speaker::Datacenter, Speaker::Azure];

    /// As it is called in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Speaker::Azseed => "azseed",
            Speaker::Datacenter => "the datacenter",
            Speaker::Azure => "Azure",
        }
    }
}

static ALL: LazyLock<Vec<Advice>> = LazyLock::new(|| {
    [include_str!("codes.csv"), include_str!("outside.csv")]
        .into_iter()
        .flat_map(|text| csv::Reader::from_reader(text.as_bytes()).into_deserialize())
        .collect::<Result<_, _>>()
        .expect("a test reads the whole catalogue")
});

/// What the portal writes in place of a code.
#[derive(Debug, Deserialize)]
struct PortalText {
    text: String,
    /// The codes that it may stand for, with blanks between.
    codes: String,
}

static PORTAL: LazyLock<Vec<PortalText>> = LazyLock::new(|| {
    csv::Reader::from_reader(include_str!("portal.csv").as_bytes())
        .into_deserialize()
        .collect::<Result<_, _>>()
        .expect("a test reads the whole catalogue")
});

/// Every entry, by speaker and code.
pub fn all() -> &'static [Advice] {
    &ALL
}

/// The entries of one speaker, by code.
pub fn said_by(speaker: Speaker) -> impl Iterator<Item = &'static Advice> {
    ALL.iter().filter(move |advice| advice.said_by == speaker)
}

/// The entry of a code; upper and lower case are the same.
pub fn find(code: &str) -> Option<&'static Advice> {
    ALL.iter().find(|advice| advice.code.eq_ignore_ascii_case(code))
}

/// The entries that a text of the portal may stand for (`azure-import-export` 2.3, 3.4), whatever its
/// case.
pub fn written_in_portal(text: &str) -> Vec<&'static Advice> {
    let found = PORTAL.iter().find(|own| own.text.eq_ignore_ascii_case(text));
    found.into_iter().flat_map(|own| own.codes.split(' ')).filter_map(find).collect()
}

/// The entries in which each of these words begins a word, whatever its case and whatever stands
/// between words.
pub fn with_words(words: &[&str]) -> Vec<&'static Advice> {
    let asked = words.join(" ").to_lowercase();
    // A code stays whole: one that is mistyped is not a heap of words.
    let asked: Vec<&str> = parted(&asked, &['+', '-', '_']).collect();
    if asked.is_empty() {
        return Vec::new();
    }
    let has = |advice: &&Advice| {
        let more = advice.detail().map(Detail::words).unwrap_or_default();
        let text = format!("{} {} {} {more}", advice.code, advice.meaning, advice.action);
        let text = text.to_lowercase();
        let own: Vec<&str> = parted(&text, &['+']).collect();
        asked.iter().all(|word| own.iter().any(|own| own.starts_with(word)))
    };
    ALL.iter().filter(has).collect()
}

/// The words of a text, with these signs in them: of COM+ the plus is a letter.
fn parted<'a>(text: &'a str, signs: &'a [char]) -> impl Iterator<Item = &'a str> {
    let words = text.split(|c: char| !c.is_alphanumeric() && !signs.contains(&c));
    words.filter(|word| !word.is_empty())
}

/// The entries of a section of the catalogue of VM backup.
pub fn in_section(section: &str) -> Vec<&'static Advice> {
    let is_of = |own: &&Advice| own.detail().is_some_and(|detail| detail.section == section);
    ALL.iter().filter(is_of).collect()
}

/// The entry whose code looks most like this one, if any does: two letters may differ, in a long
/// code each fifth, or it may be a part of the code.
pub fn nearest(code: &str) -> Option<&'static Advice> {
    let code = code.to_lowercase();
    let nearest =
        ALL.iter().map(|advice| (strsim::levenshtein(&code, &advice.code.to_lowercase()), advice));
    let (edits, nearest) = nearest.min_by_key(|(edits, _)| *edits)?;
    if edits <= (code.chars().count() / 5).max(2) {
        return Some(nearest);
    }
    let is_part =
        |advice: &&Advice| code.len() > 3 && advice.code.to_lowercase().contains(code.as_str());
    ALL.iter().find(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_complete_and_they_are_sorted_and_differ() {
        for advice in all() {
            assert!(!advice.meaning.is_empty() && !advice.action.is_empty(), "{}", advice.code);
        }
        let order = |advice: &Advice| (advice.said_by, advice.code.to_lowercase());
        assert!(all().is_sorted_by(|one, other| order(one) < order(other)));
        let codes: std::collections::BTreeSet<_> =
            all().iter().map(|advice| advice.code.to_lowercase()).collect();
        assert_eq!(codes.len(), all().len(), "a code has one entry");
        for speaker in Speaker::ALL {
            assert!(said_by(speaker).count() > 50, "{speaker:?}");
        }
    }

    #[test]
    fn a_code_is_found_in_any_case_whoever_says_it() {
        for code in ["DRIVE-NOT-BLANK", "manifestcorrupted", "USERERRORFSFREEZEFAILED", "320001"] {
            assert!(find(code).is_some_and(|advice| advice.code.eq_ignore_ascii_case(code)));
        }
        assert_eq!(find("ManifestNotFound").map(|own| own.said_by), Some(Speaker::Datacenter));
        assert!(find("no-such-code").is_none());
    }

    #[test]
    fn words_find_the_entries_that_have_all_of_them() {
        let codes = |words: &[&str]| -> Vec<&str> {
            with_words(words).iter().map(|advice| advice.code.as_str()).collect()
        };
        let found = codes(&["Tracking", "numbers"]);
        assert_eq!(found, codes(&["numbers", "TRACKING"]));
        let found = codes(&["tracking", "number"]);
        assert!(found.contains(&"tracking-number-taken") && !found.contains(&"Completed"));
        assert!(codes(&["tracking", "zebra"]).is_empty() && codes(&[]).is_empty());
        assert_eq!(codes(&["event", "517"]), ["basic-event-log-other-product"]);
        let found = codes(&["COM+"]);
        assert!(found.len() == 3 && found.contains(&"ExtensionSnapshotFailedCOM"), "{found:?}");
    }

    /// Every word that either service may say of a job or a drive (`azure-import-export` 1C, 2.1,
    /// 2.2, 3.4).
    #[test]
    fn every_state_of_jobs_and_drives_is_explained() {
        let words = "Creating Shipping Received Transferring Packaging Completed Closed Canceled \
            Specified NeverReceived CompletedMoreInfo ShippedBack Created AwaitingShipmentDetails \
            ShippedToAzureDC AtAzureDC DataCopy PreparingToShipFromAzureDC ShippedToCustomer \
            CompletedWithErrors CompletedWithWarnings Cancelled Aborted \
            Faulted SucceededWithErrors SucceededWithWarnings DeviceOrdered \
            DevicePrepared Dispatched Delivered PickedUp ReadyToDispatchFromAzureDC \
            ReadyToReceiveAtAzureDC Failed_IssueReportedAtCustomer Failed_IssueDetectedAtAzureDC \
            NotStarted InProgress Failed NotReturned HardwareError DeviceFormatted \
            DeviceMetadataModified StorageAccountNotAccessible UnsupportedData DriveNotReceived \
            UnsupportedDrive OtherServiceError OtherUserError DriveNotDetected DriveCorrupted \
            MetadataFilesModifiedOrRemoved";
        let missing: Vec<&str> =
            words.split_whitespace().filter(|word| find(word).is_none()).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn what_the_portal_writes_leads_to_the_codes_behind_it() {
        for row in PORTAL.iter() {
            let found = written_in_portal(&row.text.to_uppercase());
            let codes: Vec<&str> = found.iter().map(|own| own.code.as_str()).collect();
            assert_eq!(codes.join(" "), row.codes, "{}", row.text);
            assert!(found.iter().all(|own| own.said_by == Speaker::Datacenter), "{}", row.text);
        }
        assert!(PORTAL.is_sorted_by(|one, other| one.text < other.text) && PORTAL.len() > 20);
        assert!(written_in_portal("shipped nowhere").is_empty());
    }

    #[test]
    fn a_mistyped_code_leads_to_the_nearest() {
        let nearest = |code| nearest(code).map(|advice| advice.code.as_str());
        assert_eq!(nearest("drive-not-blnak"), Some("drive-not-blank"));
        assert_eq!(nearest("MANIFESTCORUPTED"), Some("ManifestCorrupted"));
        assert_eq!(nearest("LargeNumberOf"), Some("LargeNumberOfFilesDelay"));
        assert_eq!(nearest("no-such-code"), None);
    }
}
