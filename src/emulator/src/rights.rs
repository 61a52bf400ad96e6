//! What whoever signs in may do, as somebody declares it. The resource manager tells it when it is
//! asked, and refuses what is not among it; the blob service does so where a token opens it.

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

    /// Whether an action of the resource manager is among them.
    pub(crate) fn lets(&self, action: &str) -> bool {
        self.says_nothing() || is_among(action, &self.actions, &self.not_actions)
    }

    /// Whether an action on data is among them.
    pub(crate) fn lets_data(&self, action: &str) -> bool {
        self.says_nothing() || is_among(action, &self.data_actions, &self.not_data_actions)
    }

    /// Only that nobody is told.
    fn says_nothing(&self) -> bool {
        *self == RightsOrder { is_hidden: true, ..RightsOrder::default() }
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

fn is_among(action: &str, given: &[String], taken: &[String]) -> bool {
    let has = |all: &[String]| all.iter().any(|own| is_of(own, action));
    has(given) && !has(taken)
}

/// Whether a pattern means an action: `*` is any part of it, and case does not count.
fn is_of(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_lowercase(), action.to_lowercase());
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == action };
    let Some(mut left) = action.strip_prefix(first) else { return false };
    let (inner, last) = rest.rsplit_once('*').unwrap_or(("", rest));
    for part in inner.split('*') {
        let Some((_, after)) = left.split_once(part) else { return false };
        left = after;
    }
    left.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(actions: &[&str], not_actions: &[&str]) -> RightsOrder {
        let own = |words: &[&str]| words.iter().map(ToString::to_string).collect();
        let (actions, not_actions) = (own(actions), own(not_actions));
        RightsOrder { actions, not_actions, ..RightsOrder::default() }
    }

    #[test]
    fn what_is_given_and_not_taken_away_again_may_be_done() {
        let own = order(&["*/read", "Microsoft.Compute/*"], &["*/virtualMachines/write"]);
        assert!(own.lets("microsoft.network/virtualNetworks/read"));
        assert!(own.lets("Microsoft.Compute/disks/write"));
        assert!(!own.lets("Microsoft.Compute/virtualmachines/WRITE"));
        assert!(!own.lets("Microsoft.Network/virtualNetworks/write"));
        assert!(!own.lets_data("Microsoft.Compute/disks/read"));
        for (pattern, is_so) in
            [("*", true), ("a/*/c", true), ("a/*b*/c", true), ("a/*/c/*", false), ("*b", false)]
        {
            assert_eq!(is_of(pattern, "a/b/c"), is_so, "{pattern}");
        }
        assert!(!order(&[], &[]).lets("a/read") && RightsOrder::whole().lets("a/read"));
        let hidden = |own: RightsOrder| RightsOrder { is_hidden: true, ..own };
        assert!(hidden(order(&[], &[])).lets("a/write"));
        assert!(!hidden(order(&["*/read"], &[])).lets("a/write"));
    }
}
