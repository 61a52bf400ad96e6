//! Which kernels this CPU can run: a ladder from the widest vectors down to portable code, looked
//! at once. `AZSEED_KERNELS` names a lower rung, to find out which one a fault hangs on.

use std::sync::OnceLock;

/// A rung of the ladder; each needs what the ones below it need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rung {
    /// Portable code, one message at a time.
    Portable,
    /// Eight lanes.
    Avx2,
    /// Sixteen lanes.
    Avx512,
}

impl Rung {
    /// All of them, the widest first.
    pub const ALL: [Rung; 3] = [Rung::Avx512, Rung::Avx2, Rung::Portable];

    /// The word of `AZSEED_KERNELS`.
    pub fn name(self) -> &'static str {
        match self {
            Rung::Portable => "portable",
            Rung::Avx2 => "avx2",
            Rung::Avx512 => "avx512",
        }
    }

    /// Whether this CPU has what it needs.
    pub fn is_here(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        match self {
            Rung::Portable => true,
            Rung::Avx2 => is_x86_feature_detected!("avx2"),
            Rung::Avx512 => is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx2"),
        }
        #[cfg(not(target_arch = "x86_64"))]
        (self == Rung::Portable)
    }

    /// The rung of this run: the widest that the CPU has, or the one that `AZSEED_KERNELS` names.
    /// A word that is no rung, or a rung that the CPU lacks, counts as unset; [`Rung::unused_word`]
    /// tells of it.
    pub fn chosen() -> Rung {
        static CHOSEN: OnceLock<Rung> = OnceLock::new();
        *CHOSEN.get_or_init(|| chosen_of(word().as_deref()))
    }

    /// What `AZSEED_KERNELS` says, if this CPU can run no such code.
    pub fn unused_word() -> Option<String> {
        word().filter(|word| !is_named(word))
    }
}

fn word() -> Option<String> {
    std::env::var_os("AZSEED_KERNELS").map(|word| word.to_string_lossy().into_owned())
}

fn here() -> impl Iterator<Item = Rung> {
    Rung::ALL.into_iter().filter(|rung| rung.is_here())
}

fn is_named(word: &str) -> bool {
    here().any(|rung| rung.name() == word)
}

fn chosen_of(word: Option<&str>) -> Rung {
    let named = here().find(|rung| word == Some(rung.name()));
    named.or_else(|| here().next()).unwrap_or(Rung::Portable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_takes_its_rung_and_any_other_the_widest() {
        let widest = chosen_of(None);
        assert!(
            widest.is_here() && Rung::ALL.iter().all(|&rung| rung <= widest || !rung.is_here())
        );
        assert_eq!(chosen_of(Some("portable")), Rung::Portable);
        assert_eq!(chosen_of(Some("fastest")), widest);
        for rung in here() {
            assert!(chosen_of(Some(rung.name())) == rung && is_named(rung.name()));
        }
        assert!(!is_named("fastest") && !is_named(""));
    }
}
