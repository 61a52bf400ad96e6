//! What every noun answers to a text that is none of its kind.

/// A text that is not a valid noun: which noun, what was given, and the rule it breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not a valid {noun}: {rule}")]
pub struct InvalidNoun {
    /// The field's word for it, for example "container name".
    pub noun: &'static str,
    /// What was given; `***` for secrets.
    pub value: String,
    /// The rule, as a person reads it.
    pub rule: &'static str,
}

impl InvalidNoun {
    pub(crate) fn new(noun: &'static str, value: &str, rule: &'static str) -> Self {
        InvalidNoun { noun, value: value.to_owned(), rule }
    }
}
