//! The words of a library's error, with every address in them bare.

use disk_prep::noun::bare_addresses;

/// The words of a library's error and of its causes, with every address in them bare.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Reason {
    text: String,
    source: Option<Box<Reason>>,
}

/// Causes that are told; more than any library nests.
const DEEPEST: usize = 16;

impl Reason {
    /// What an error says.
    pub(crate) fn of(error: &(dyn std::error::Error + 'static)) -> Self {
        Reason::to_depth(error, DEEPEST)
    }

    fn to_depth(error: &(dyn std::error::Error + 'static), depth: usize) -> Self {
        let source = error.source().filter(|_| depth > 0);
        Reason {
            text: bare_addresses(&error.to_string()).into_owned(),
            source: source.map(|source| Box::new(Reason::to_depth(source, depth - 1))),
        }
    }

    /// What it says in one line.
    pub fn line(&self) -> String {
        match &self.source {
            Some(source) => format!("{}: {}", self.text, source.line()),
            None => self.text.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_of_a_library_are_told_without_queries() {
        let inner = std::io::Error::other("at https://h/c?sig=SECRET");
        let outer = std::io::Error::other(std::io::Error::other(inner));
        let reason = Reason::of(&outer);
        assert!(!format!("{reason:?} {}", reason.line()).contains("SECRET"));
        assert!(reason.line().contains("at https://h/c"), "{}", reason.line());
    }
}
