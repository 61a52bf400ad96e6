//! How a rule is run, and what rules share.

use crate::sources::{Source, product};

pub type Rule = fn(&Source) -> Vec<String>;

/// Runs a rule on the real sources, and first on `(path, text)` pairs that must each draw a
/// complaint.
pub fn guard(rule: Rule, breaches: &[(&str, &str)]) {
    for (path, text) in breaches {
        let complaints = rule(&Source::new(path, text));
        assert!(!complaints.is_empty(), "the rule lets pass: {path}: {text}");
    }
    let complaints: Vec<String> = product().iter().flat_map(rule).collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

pub fn names(path: &str, forbidden: &str) -> bool {
    path.strip_prefix(forbidden).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Complains about every line of product code that has `word`, outside `homes`.
pub fn only_in(source: &Source, words: &[&str], homes: &[&str]) -> Vec<String> {
    if homes.iter().any(|home| source.path.starts_with(home)) {
        return Vec::new();
    }
    let lines = source.code.lines().enumerate();
    lines
        .filter(|(_, line)| words.iter().any(|word| has_word(line, word)))
        .map(|(at, line)| format!("{}:{}: {}", source.path, at + 1, line.trim()))
        .collect()
}

pub fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let joined = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        let before =
            word.starts_with(char::is_alphabetic) && joined(line[..at].chars().next_back());
        let after = &line[at + word.len()..];
        let behind = word.ends_with(char::is_alphabetic) && joined(after.chars().next());
        !before && !behind
    })
}
