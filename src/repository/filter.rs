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
    globs: Option<Override>,
    one_file_system: bool,
    never: Vec<PathBuf>,
}

#[derive(Debug)]
struct Counted {
    pattern: Pattern,
    matches: AtomicU64,
}

impl Filter {
    /// Understands the patterns. Nothing at or below the paths of `never` is taken.
    pub fn new(choice: &Choice, never: &[PathBuf]) -> Result<Self, Error> {
        let mut filter = Filter {
            patterns: Vec::new(),
            globs: None,
            one_file_system: choice.one_file_system,
            never: never.to_vec(),
        };
        match choice.exclude_form {
            PatternForm::Restic => {
                for text in &choice.exclude {
                    let pattern =
                        Pattern::parse(text).map_err(|source| Error::Pattern { source })?;
                    filter.patterns.push(Counted { pattern, matches: AtomicU64::new(0) });
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
        Filter { patterns: Vec::new(), globs: None, one_file_system: false, never: Vec::new() }
    }

    /// Whether this is taken; what lies below a folder that is not is not looked at.
    pub fn takes(&self, path: &Path, is_folder: bool) -> bool {
        if self.never.iter().any(|never| path.starts_with(never)) {
            return false;
        }
        let is_ignored = |globs: &Override| globs.matched(path, is_folder).is_ignore();
        let mut takes = !self.globs.as_ref().is_some_and(is_ignored);
        // All are asked, since each is to be told if it never matches.
        for Counted { pattern, matches } in &self.patterns {
            if pattern.matches(path) {
                matches.fetch_add(1, Ordering::Relaxed);
                takes = pattern.is_negated();
            }
        }
        takes
    }

    /// Whether other file systems below a source are left out.
    pub fn is_of_one_file_system(&self) -> bool {
        self.one_file_system
    }

    /// Patterns that have matched nothing so far.
    pub fn unmatched(&self) -> Vec<String> {
        let idle = |own: &&Counted| own.matches.load(Ordering::Relaxed) == 0;
        self.patterns.iter().filter(idle).map(|own| own.pattern.text().to_owned()).collect()
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
                filter.takes(entry.path(), is_folder)
            })
            .build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(form: PatternForm, exclude: &[&str]) -> Choice {
        let exclude = exclude.iter().map(|text| (*text).to_owned()).collect();
        Choice { exclude, exclude_form: form, one_file_system: false }
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
