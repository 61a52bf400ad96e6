//! Which files a repository consists of (`staging-repository` 1).

/// What a file of a repository is, in the order of writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    Pack,
    Index,
    Key,
    Config,
    Snapshot,
}

/// The rank of a path below the root of a repository; `None` if no repository has such a file.
/// Locks have none: they are never shipped.
pub fn rank(path: &str) -> Option<Rank> {
    let is_hex = |text: &str, length| {
        text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    match path.split('/').collect::<Vec<_>>().as_slice() {
        ["config"] => Some(Rank::Config),
        ["data", start, id] if is_hex(id, 64) && &id[..2] == *start => Some(Rank::Pack),
        ["index", id] if is_hex(id, 64) => Some(Rank::Index),
        ["keys", id] if is_hex(id, 64) => Some(Rank::Key),
        ["snapshots", id] if is_hex(id, 64) => Some(Rank::Snapshot),
        _ => None,
    }
}

/// Whether a path is one of the repository layout, so that nothing else is ever touched by it.
pub fn is_repository_path(path: &str) -> bool {
    rank(path).is_some()
}
