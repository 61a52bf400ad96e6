//! What of the sources a backup takes: patterns, file systems, and folders that are never part of
//! it. The seed and the vault keep it, so that each increment takes what the first backup took.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ignore::overrides::Override;
use ignore::{Walk, WalkBuilder};
use rustic_core::Excludes;
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::marked::Mark;
use super::pattern::Pattern;

/// What of the sources is taken.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// Patterns of what is left out.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// How they are meant.
    #[serde(default, skip_serializing_if = "PatternForm::is_first")]
    pub exclude_form: PatternForm,
    /// Whether other file systems below a source are left out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub one_file_system: bool,
    /// Patterns of what is left out, whether letters are large or small; as restic's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub iexclude: Vec<String>,
    /// Files that mark the folders they lie in: what else these hold is left out. `NAME`, or
    /// `NAME:HEADER` for one that begins so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude_if_present: Vec<String>,
    /// Files with more bytes are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclude_larger_than: Option<u64>,
    /// Whether what cache folders hold is left out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exclude_caches: bool,
}

impl Choice {
    /// A sentence each of what is left out.
    pub fn told(&self) -> Vec<String> {
        let mut told: Vec<String> =
            self.exclude.iter().map(|text| format!("what matches {text}")).collect();
        let any_case = |text: &String| format!("what matches {text} in any case of letters");
        told.extend(self.iexclude.iter().map(any_case));
        let marked = |text: &String| format!("what lies in a folder with {text}");
        told.extend(self.exclude_if_present.iter().map(marked));
        let bytes = self.exclude_larger_than;
        told.extend(bytes.map(|bytes| format!("files larger than {bytes} bytes")));
        told.extend(self.exclude_caches.then(|| "what lies in cache folders".to_owned()));
        told.extend(self.one_file_system.then(|| "other file systems".to_owned()));
        told
    }

    /// Every text of it, for whoever reads a record that others can write.
    pub fn texts(&self) -> impl Iterator<Item = &String> {
        self.exclude.iter().chain(&self.iexclude).chain(&self.exclude_if_present)
    }

    /// Refuses what cannot be understood.
    pub fn check(&self) -> Result<(), Error> {
        Filter::new(self, &[]).map(drop)
    }
}

/// How the patterns of a record are meant. A record keeps the meaning that it was written with:
/// an increment of it takes what the first backup took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PatternForm {
    /// As in a `.gitignore` file that lies at `/`: the form of records that do not say.
    #[default]
    Gitignore,
    /// As restic's `--exclude`.
    Restic,
}

impl PatternForm {
    fn is_first(&self) -> bool {
        *self == PatternForm::Gitignore
    }
}

/// A choice made ready.
#[derive(Debug)]
pub(super) struct Filter {
    patterns: Vec<Counted>,
    any_case: Vec<Counted>,
    marks: Vec<Mark>,
    most_bytes: Option<u64>,
    globs: Option<Override>,
    one_file_system: bool,
    never: Vec<PathBuf>,
}

#[derive(Debug)]
struct Counted {
    /// As it was given.
    text: String,
    pattern: Pattern,
    matches: AtomicU64,
}

impl Counted {
    fn new(text: &str, meant: &str) -> Result<Self, Error> {
        // A fault is told as it was typed.
        let parse = |text| Pattern::parse(text).map_err(|source| Error::Pattern { source });
        let pattern = parse(text).and_then(|_| parse(meant))?;
        Ok(Counted { text: text.to_owned(), pattern, matches: AtomicU64::new(0) })
    }
}

/// Whether the last of the patterns that matches takes a path; all are asked, since each is to be
/// told if it never matches.
fn is_taken(patterns: &[Counted], path: &Path) -> bool {
    let mut takes = true;
    for Counted { pattern, matches, .. } in patterns {
        if pattern.matches(path) {
            matches.fetch_add(1, Ordering::Relaxed);
            takes = pattern.is_negated();
        }
    }
    takes
}

impl Filter {
    /// Understands the patterns. Nothing at or below the paths of `never` is taken.
    pub fn new(choice: &Choice, never: &[PathBuf]) -> Result<Self, Error> {
        let mut filter = Filter {
            one_file_system: choice.one_file_system,
            never: never.to_vec(),
            most_bytes: choice.exclude_larger_than,
            ..Filter::everything()
        };
        for text in &choice.iexclude {
            filter.any_case.push(Counted::new(text, &text.to_lowercase())?);
        }
        for text in &choice.exclude_if_present {
            filter.marks.push(Mark::parse(text).map_err(|source| Error::Pattern { source })?);
        }
        filter.marks.extend(choice.exclude_caches.then(Mark::of_caches));
        match choice.exclude_form {
            PatternForm::Restic => {
                for text in &choice.exclude {
                    filter.patterns.push(Counted::new(text, text)?);
                }
            }
            PatternForm::Gitignore => {
                let mut excludes = Excludes::default();
                excludes.globs = choice.exclude.iter().map(|glob| format!("!{glob}")).collect();
                let globs = excludes.as_override().map_err(|fault| Error::Library {
                    action: "Reading the exclude patterns",
                    fault,
                })?;
                filter.globs = Some(globs);
            }
        }
        Ok(filter)
    }

    /// One that leaves nothing out.
    pub fn everything() -> Self {
        Filter {
            patterns: Vec::new(),
            any_case: Vec::new(),
            marks: Vec::new(),
            most_bytes: None,
            globs: None,
            one_file_system: false,
            never: Vec::new(),
        }
    }

    /// Whether this is taken; what lies below a folder that is not is not looked at.
    pub fn takes(&self, path: &Path, is_folder: bool) -> bool {
        if self.never.iter().any(|never| path.starts_with(never)) {
            return false;
        }
        let is_ignored = |globs: &Override| globs.matched(path, is_folder).is_ignore();
        let by_globs = !self.globs.as_ref().is_some_and(is_ignored);
        let by_patterns = is_taken(&self.patterns, path);
        let by_any_case = self.any_case.is_empty() || {
            let lower = path.to_string_lossy().to_lowercase();
            is_taken(&self.any_case, Path::new(&lower))
        };
        let is_marked = self.marks.iter().any(|mark| mark.leaves_out(path));
        by_globs && by_patterns && by_any_case && !is_marked
    }

    /// Whether a file of so many bytes is taken.
    fn takes_bytes(&self, bytes: impl FnOnce() -> Option<u64>) -> bool {
        let Some(most) = self.most_bytes else { return true };
        bytes().is_none_or(|bytes| bytes <= most)
    }

    /// Whether other file systems below a source are left out.
    pub fn is_of_one_file_system(&self) -> bool {
        self.one_file_system
    }

    /// Patterns that have matched nothing so far.
    pub fn unmatched(&self) -> Vec<String> {
        let idle = |own: &&Counted| own.matches.load(Ordering::Relaxed) == 0;
        let all = self.patterns.iter().chain(&self.any_case);
        all.filter(idle).map(|own| own.text.clone()).collect()
    }

    /// Walks a source in the order of its paths, itself first. A link is not followed.
    pub fn walk(self: &Arc<Self>, root: &Path) -> Walk {
        let filter = Arc::clone(self);
        let is_link = root.symlink_metadata().is_ok_and(|about| about.is_symlink());
        WalkBuilder::new(root)
            .standard_filters(false)
            // What a named link leads to is not below it.
            .max_depth(is_link.then_some(0))
            .follow_links(false)
            .same_file_system(self.one_file_system)
            .sort_by_file_path(Path::cmp)
            .filter_entry(move |entry| {
                let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
                let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
                let bytes = || entry.metadata().ok().map(|about| about.len());
                filter.takes(entry.path(), is_folder) && (!is_file || filter.takes_bytes(bytes))
            })
            .build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(form: PatternForm, exclude: &[&str]) -> Choice {
        let exclude = exclude.iter().map(|text| (*text).to_owned()).collect();
        Choice { exclude, exclude_form: form, ..Choice::default() }
    }

    #[test]
    fn the_last_pattern_that_matches_decides_and_each_is_counted() {
        let choice = choice(PatternForm::Restic, &["*.log", "!keep.log", "never"]);
        let filter = Filter::new(&choice, &[]).unwrap();
        assert!(!filter.takes(Path::new("/a/x.log"), false));
        assert!(filter.takes(Path::new("/a/keep.log"), false));
        assert!(filter.takes(Path::new("/a/other"), false));
        assert_eq!(filter.unmatched(), ["never"]);
    }

    #[test]
    fn a_record_without_a_form_keeps_the_meaning_of_its_time() {
        let old: Choice = serde_json::from_str(r#"{"exclude":["app/cache"]}"#).unwrap();
        assert_eq!(old, choice(PatternForm::Gitignore, &["app/cache"]));
        let path = Path::new("/srv/app/cache");
        assert!(Filter::new(&old, &[]).unwrap().takes(path, true));
        let new = choice(PatternForm::Restic, &["app/cache"]);
        let text = serde_json::to_string(&new).unwrap();
        assert_eq!(text, r#"{"exclude":["app/cache"],"exclude_form":"restic"}"#);
        assert!(
            !Filter::new(&serde_json::from_str(&text).unwrap(), &[]).unwrap().takes(path, true)
        );
    }

    #[test]
    fn what_is_never_taken_is_left_out_whatever_its_name() {
        let never = [PathBuf::from("/srv/a [b] *")];
        let filter = Filter::new(&Choice::default(), &never).unwrap();
        assert!(!filter.takes(Path::new("/srv/a [b] *"), true));
        assert!(!filter.takes(Path::new("/srv/a [b] */x"), false));
        assert!(filter.takes(Path::new("/srv/a [b] *x"), false));
    }
}
