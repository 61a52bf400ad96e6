//! What is wrong with a request, all of it at once, each with the property that is meant; and the
//! form in which the service says so.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::super::fault::Fault;
use crate::http::Answer;

/// What was found wrong so far.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<Fault>);

impl Findings {
    /// Something is wrong with a property.
    pub fn add(&mut self, target: &str, message: impl Into<String>) {
        self.0.push(Fault::input(message).at(target));
    }

    /// A text that must be there.
    pub fn text(&mut self, target: &str, value: Option<String>) -> String {
        let value = value.unwrap_or_default();
        if value.trim().is_empty() {
            self.add(target, format!("{target} is missing."));
        }
        value
    }

    /// A word of a closed list; the first one if there is none.
    pub fn word(&mut self, target: &str, value: Option<&str>, known: &[&str]) -> String {
        let value = value.unwrap_or(known[0]);
        if !known.contains(&value) {
            let message = format!("{target} is one of {}, not {value}.", known.join(", "));
            self.add(target, message);
        }
        value.to_owned()
    }

    /// The refusal, if anything is wrong: the first fault in front, all of them behind it.
    pub fn end(mut self) -> Result<(), Fault> {
        if self.0.is_empty() {
            return Ok(());
        }
        let first = &self.0[0];
        let mut fault = Fault::input(first.message.clone());
        fault.target.clone_from(&first.target);
        if self.0.len() > 1 {
            fault.details = std::mem::take(&mut self.0);
        }
        Err(fault)
    }
}

/// Reads a body.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(body)
        .map_err(|error| Fault::new(400, "InvalidRequestContent", error.to_string()))
}

/// A refusal as an answer.
pub(super) fn refused(fault: &Fault) -> Answer {
    Answer::json(fault.status, &json!({ "error": body(fault) }))
}

/// A refusal as the service writes it.
pub(super) fn body(fault: &Fault) -> Value {
    let Fault { code, message, target, details, .. } = fault;
    let details: Vec<Value> = details.iter().map(body).collect();
    json!({
        "code": code, "message": message, "target": target, "details": details,
        "additionalInfo": [],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let mut findings = Findings::default();
        assert_eq!(findings.text("a", Some("x".to_owned())), "x");
        assert_eq!(findings.word("b", None, &["One", "Two"]), "One");
        assert!(findings.end().is_ok());
        let mut findings = Findings::default();
        findings.text("a", Some(" ".to_owned()));
        findings.word("b", Some("Three"), &["One", "Two"]);
        let told = body(&findings.end().unwrap_err());
        assert_eq!((&told["target"], &told["code"]), (&"a".into(), &"InvalidInput".into()));
        assert_eq!(told["details"][1]["target"], "b");
        assert_eq!(told["details"][1]["message"], "b is one of One, Two, not Three.");
        assert_eq!(told["additionalInfo"], json!([]));
    }
}
