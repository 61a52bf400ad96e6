//! What a run tells a person of its sources and of what it did not do.

use std::fmt;
use std::path::{Path, PathBuf};

use disk_prep::noun::{ByteSize, VaultName, count, typed};

use crate::repository::SourceTotals;

/// Something about a source that a person should know.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each sentence names its fields")]
pub enum Remark {
    Missing {
        path: PathBuf,
    },
    /// The same, and somebody has said that it may be.
    MissingAccepted {
        path: PathBuf,
    },
    Emptied {
        path: PathBuf,
        files: u64,
    },
    Moved {
        path: PathBuf,
        was: PathBuf,
        is: PathBuf,
    },
    Shrunk {
        path: PathBuf,
        was: SourceTotals,
        is: SourceTotals,
    },
    WentAway {
        path: PathBuf,
    },
    OtherHost {
        host: String,
        paths: Vec<PathBuf>,
    },
    Pipe {
        path: PathBuf,
    },
    NoSource {
        host: String,
    },
    Ahead {
        what: String,
        stamp: jiff::Timestamp,
    },
    /// A restic client may be at work, so nothing was forgotten.
    ClientLocks {
        count: usize,
    },
    /// Packs that the index named are gone or cut short.
    PacksLost {
        packs: usize,
    },
    /// Seeds are on their way that need what is there, so nothing was forgotten.
    SeedsJoin {
        seeds: Vec<String>,
    },
}

impl Remark {
    /// Whether something that should have been backed up was not, or not as it should.
    pub fn is_left_out(&self) -> bool {
        matches!(
            self,
            Remark::Missing { .. }
                | Remark::Emptied { .. }
                | Remark::Moved { .. }
                | Remark::Shrunk { .. }
                | Remark::WentAway { .. }
                | Remark::NoSource { .. }
                | Remark::ClientLocks { .. }
                | Remark::PacksLost { .. }
        )
    }

    /// What a script knows it by, and `azseed explain`.
    pub fn code(&self) -> &'static str {
        match self {
            Remark::Missing { .. } | Remark::MissingAccepted { .. } => "source-missing",
            Remark::Emptied { .. } => "source-emptied",
            Remark::Moved { .. } => "source-moved",
            Remark::Shrunk { .. } => "source-shrunk",
            Remark::WentAway { .. } => "source-gone",
            Remark::OtherHost { .. } => "source-of-other-host",
            Remark::Pipe { .. } => "source-from-pipe",
            Remark::NoSource { .. } => "source-none",
            Remark::Ahead { .. } => "clock-ahead",
            Remark::ClientLocks { .. } => "vault-client-lock",
            Remark::PacksLost { .. } => "vault-packs-lost",
            Remark::SeedsJoin { .. } => "vault-seed-joins",
        }
    }
}

/// A remark on a vault, whose lines to type name it.
struct Sentence<'a>(&'a Remark, Option<&'a VaultName>);

impl Remark {
    /// The sentence that it is told in, with lines that can be typed whatever other vaults there are,
    /// once it has a name.
    pub fn told(&self, vault: Option<&VaultName>) -> String {
        Sentence(self, vault).to_string()
    }
}

impl fmt::Display for Sentence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Sentence(remark, vault) = self;
        let line = |words: &[&str]| {
            let named = vault.iter().flat_map(|name| ["--vault", name.as_str()]);
            typed(["azseed", "vault"].into_iter().chain(words.iter().copied()).chain(named))
        };
        let accept = |path: &Path| {
            let path = path.to_string_lossy();
            format!("`{}`", line(&["source", "accept", &path]))
        };
        let totals =
            |own: &SourceTotals| format!("{}, {}", count(own.files, "file"), ByteSize(own.bytes));
        match remark {
            Remark::Missing { path } => write!(
                f,
                "Not backed up: {} is not on this machine; bring it back, or run {}",
                path.display(),
                accept(path)
            ),
            Remark::MissingAccepted { path } => {
                write!(f, "{} is not on this machine, as was accepted", path.display())
            }
            Remark::Emptied { path, files } => write!(
                f,
                "Not backed up: {} holds no file, its last backup had {}; is its disk mounted? If \
                 it is meant to be so, run {}",
                path.display(),
                count(*files, "file"),
                accept(path)
            ),
            Remark::Moved { path, was, is } => write!(
                f,
                "Not backed up: {} lies below the mount point {}, when it was last backed up below \
                 {}; is its disk mounted? If it is meant to be so, run {}",
                path.display(),
                is.display(),
                was.display(),
                accept(path)
            ),
            Remark::Shrunk { path, was, is } => write!(
                f,
                "{} holds {}, fewer than half of what its backup had ({}); no snapshot of it is \
                 forgotten until {}",
                path.display(),
                totals(is),
                totals(was),
                accept(path)
            ),
            Remark::WentAway { path } => {
                write!(f, "Not backed up: {} went away while it was read", path.display())
            }
            Remark::OtherHost { host, paths } => write!(
                f,
                "Not covered by this machine: {} of {host}; run azseed there",
                paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
            ),
            Remark::Pipe { path } => write!(
                f,
                "Not covered: {} came from a pipe; only restic can go on with it",
                path.display()
            ),
            Remark::NoSource { host } => write!(
                f,
                "Nothing is backed up: the repository has no source of this machine, {host}; add one \
                 with `{}`, or run azseed on the machine that they belong to",
                line(&["source", "add", "PATH"])
            ),
            Remark::PacksLost { packs } => write!(
                f,
                "Gone or cut short: {} that the vault's index names; what the sources still have of it \
                 is sent again, and `{}` names what is lost",
                count(*packs as u64, "pack"),
                line(&["check"])
            ),
            Remark::ClientLocks { count: locks } => write!(
                f,
                "Nothing was forgotten: {} of restic in the repository, whose client may be at \
                 work; `restic unlock` removes the lock of one that is gone",
                count(*locks, "lock")
            ),
            Remark::SeedsJoin { seeds } => write!(
                f,
                "Nothing was forgotten: seeds on the way here need what the vault has, {}; \
                 `{}` on its machine gives one up",
                seeds.join(", "),
                line(&["forget", "--seed", "ID"])
            ),
            Remark::Ahead { what, stamp } => write!(
                f,
                "{what} is stamped {stamp:.0}, which is still to come: a clock was wrong, then or now"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_with_blanks_in_its_name_is_one_word_of_the_line_to_type() {
        let told = Remark::Missing { path: "/srv/our files".into() };
        let told = told.told(Some(&"office".parse().unwrap()));
        let line = "run `azseed vault source accept '/srv/our files' --vault office`";
        assert!(told.ends_with(line), "{told}");
    }
}
