//! What whoever signs in may do, as somebody declares it. Nothing is refused for want of a right: what
//! is declared here is what the resource manager tells when it is asked.

use serde::{Deserialize, Serialize};

/// What may be done; of a role, as the resource manager tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are the words of the command")]
pub struct RightsOrder {
    pub actions: Vec<String>,
    pub not_actions: Vec<String>,
    pub data_actions: Vec<String>,
    pub not_data_actions: Vec<String>,
    /// Nobody is told.
    pub is_hidden: bool,
}

impl RightsOrder {
    /// Everything, which is how it is if nothing is said.
    pub fn whole() -> Self {
        let all = || vec!["*".to_owned()];
        RightsOrder { actions: all(), data_actions: all(), ..RightsOrder::default() }
    }

    /// In a line.
    pub(crate) fn told(&self) -> String {
        if self.is_hidden {
            return "nobody is told".to_owned();
        }
        let part = |word: &str, all: &[String]| {
            (!all.is_empty()).then(|| format!("{word} {}", all.join(", ")))
        };
        let parts: Vec<String> = [
            part("actions", &self.actions),
            part("but", &self.not_actions),
            part("data actions", &self.data_actions),
            part("but", &self.not_data_actions),
        ]
        .into_iter()
        .flatten()
        .collect();
        if parts.is_empty() { "nothing".to_owned() } else { parts.join("; ") }
    }
}
