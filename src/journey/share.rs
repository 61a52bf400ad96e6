//! A share that is named where a staging path is meant: the seeds below it are found, the only one
//! is taken, and of several one is asked for.

use std::fs;
use std::path::{Path, PathBuf};

use disk_prep::noun::{Diagnose, ErrorKind, Hint, shell_word, visible_line};

use super::desk::Desk;
use crate::outcome::Failure;

/// What makes a folder a staging path.
const SEED: &str = "seed.json";
/// Folders below a share in which a seed may lie: of a machine, and one below.
const DEPTH: usize = 2;
/// Folders that are looked into, at most.
const MOST_FOLDERS: usize = 1000;

/// Several seeds, and none of them is named.
#[derive(Debug, thiserror::Error)]
#[error("{} seeds lie below {}, and none of them is named:{}", seeds.len(), share.display(), below(seeds))]
struct WhichSeed {
    share: PathBuf,
    seeds: Vec<PathBuf>,
}

fn below(seeds: &[PathBuf]) -> String {
    let line = |seed: &PathBuf| format!("\n  {}", visible_line(&seed.display().to_string()));
    seeds.iter().map(line).collect()
}

impl Diagnose for WhichSeed {
    fn code(&self) -> &'static str {
        "which-seed"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<Hint> {
        let flag = |seed: &PathBuf| format!("`--staging {}`", shell_word(&seed.to_string_lossy()));
        let flags: Vec<String> = self.seeds.iter().map(flag).collect();
        Some(Hint::new(format!("add {}", flags.join(" or "))))
    }
}

/// The staging path that is meant by a path that was named: itself, or the one below it.
pub(super) fn meant(path: &Path, desk: &Desk<'_>) -> Result<PathBuf, Failure> {
    if path.join(SEED).symlink_metadata().is_ok() {
        return Ok(path.to_owned());
    }
    let mut seeds = found(path);
    if seeds.len() > 1 {
        return asked(path, seeds, desk);
    }
    let Some(seed) = seeds.pop() else { return Ok(path.to_owned()) };
    let (own, share) = (seed.display(), path.display());
    desk.attendant.warn(&format!("the seed in {own} is taken, the only one below {share}"));
    Ok(seed)
}

/// The folders below a share that hold a seed, without links. What cannot be looked into holds none.
fn found(share: &Path) -> Vec<PathBuf> {
    let (mut seeds, mut level, mut looked_into) = (Vec::new(), vec![share.to_owned()], 0);
    for _ in 0..DEPTH {
        let mut next = Vec::new();
        for folder in level {
            looked_into += 1;
            if looked_into > MOST_FOLDERS {
                break;
            }
            let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
            let is_folder = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|own| own.is_dir());
            for entry in entries.filter(is_folder) {
                let path = entry.path();
                match path.join(SEED).symlink_metadata().is_ok() {
                    true => seeds.push(path),
                    false => next.push(path),
                }
            }
        }
        level = next;
    }
    seeds.sort();
    seeds
}

/// The one that a person names by its number.
fn asked(share: &Path, seeds: Vec<PathBuf>, desk: &Desk<'_>) -> Result<PathBuf, Failure> {
    let refused = |seeds| Err(WhichSeed { share: share.to_owned(), seeds }.into());
    if !desk.attendant.can_ask() {
        return refused(seeds);
    }
    let line = |(at, seed): (usize, &PathBuf)| {
        format!("  {} {}\n", at + 1, visible_line(&seed.display().to_string()))
    };
    let listed: String = seeds.iter().enumerate().map(line).collect();
    let question = format!("Seeds below {}:\n{listed}Number of one: ", share.display());
    let answer = desk.attendant.ask(&question).and_then(|text| text.parse::<usize>().ok());
    let seed = answer.and_then(|at| seeds.get(at.checked_sub(1)?).cloned());
    seed.map_or_else(|| refused(seeds), Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_found_below_a_share_and_not_below_a_seed_or_a_link() {
        let share = tempfile::tempdir().unwrap();
        let at = |path: &str| share.path().join(path);
        for path in ["a", "hosts/b", "a/repo/c", "hosts/x/deep"] {
            fs::create_dir_all(at(path)).unwrap();
            fs::write(at(path).join(SEED), "{}").unwrap();
        }
        std::os::unix::fs::symlink(at("a"), at("link")).unwrap();
        assert_eq!(found(share.path()), [at("a"), at("hosts/b")]);
        assert_eq!(found(&at("nowhere")), Vec::<PathBuf>::new());
    }
}
