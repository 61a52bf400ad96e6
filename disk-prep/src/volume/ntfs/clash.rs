//! Names that cannot lie on one volume, found without a tree of them: eight bytes a name.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use super::error::Error;
use super::files::{FileSpec, Files};
use super::map::ROOT_NAMES;
use super::names::upcase;
use super::time::FileTime;
use super::tree::Tree;
use crate::noun::DrivePath;

/// Refuses files that cannot lie on one volume, whatever else is on it, by their names; all that
/// clash are told. Each path is in two parts: up to its last backslash, and the name.
pub fn check_names<'a>(
    files: impl Iterator<Item = (&'a str, &'a str)> + Clone,
) -> Result<(), Error> {
    if !Marks::default().are_doubtful(files.clone()) {
        return Ok(());
    }
    tree_of(files.map(|(folder, name)| DrivePath::of_parts(folder, name)).collect()).map(drop)
}

/// The tree of files of which no more is known than their paths.
fn tree_of(paths: Vec<DrivePath>) -> Result<Tree, Error> {
    Tree::build([], Arc::new(paths), [])
}

impl Files for Vec<DrivePath> {
    fn count(&self) -> usize {
        self.len()
    }

    fn at(&self, index: usize) -> FileSpec<'_> {
        FileSpec { path: self[index].parts(), bytes: 0, time: FileTime::default() }
    }
}

/// A digest of each name in its folder, alike for names that NTFS takes for one.
#[derive(Default)]
struct Marks<'a> {
    hasher: RandomState,
    marks: Vec<u64>,
    folders: HashSet<&'a str>,
    units: Vec<u8>,
    has_system_name: bool,
}

impl<'a> Marks<'a> {
    /// Whether two names may be one. If not, none are.
    fn are_doubtful(&mut self, files: impl Iterator<Item = (&'a str, &'a str)>) -> bool {
        let mut last = "";
        for (folder, name) in files {
            let folder = folder.strip_suffix('\\').unwrap_or(folder);
            self.mark(folder, name);
            if folder != last {
                self.folder(folder);
                last = folder;
            }
        }
        self.marks.sort_unstable();
        self.has_system_name || self.marks.windows(2).any(|pair| pair[0] == pair[1])
    }

    /// A folder and those above it, each once.
    fn folder(&mut self, mut path: &'a str) {
        while self.folders.insert(path)
            && let Some((above, name)) = path.rsplit_once('\\')
        {
            self.mark(above, name);
            path = above;
        }
    }

    fn mark(&mut self, folder: &str, name: &str) {
        self.units.clear();
        self.units.extend(name.encode_utf16().flat_map(|unit| upcase(unit).to_le_bytes()));
        let is_it = |system: &str| {
            let units = system.encode_utf16().flat_map(|unit| upcase(unit).to_le_bytes());
            units.eq(self.units.iter().copied())
        };
        self.has_system_name |= folder.is_empty() && ROOT_NAMES.iter().any(|name| is_it(name));
        self.marks.push(self.hasher.hash_one((folder, &self.units)));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(paths: &[DrivePath]) -> impl Iterator<Item = (&str, &str)> + Clone {
        paths.iter().map(DrivePath::parts)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]
        #[test]
        fn what_is_found_without_a_tree_is_what_the_tree_refuses(
            paths in prop::collection::vec("(\\\\([abAé]|É|\\$mft)){1,3}", 0..6),
        ) {
            let paths: Vec<DrivePath> = paths.iter().map(|path| path.parse().unwrap()).collect();
            let said = |end: Result<(), Error>| end.map_err(|error| error.to_string());
            let by_tree = said(tree_of(paths.clone()).map(drop));
            prop_assert_eq!(said(check_names(parts(&paths))), by_tree.clone());
            let is_doubtful = Marks::default().are_doubtful(parts(&paths));
            prop_assert_eq!(is_doubtful, by_tree.is_err());
        }
    }
}
