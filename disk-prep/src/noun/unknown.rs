//! What a record says beyond what this version knows. Two versions may write one record, so a
//! record is changed, not replaced: what another version wrote is still there afterwards.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// The record as JSON, and with it the fields that its text until now has and `T` does not know,
/// at any depth but in lists, whose members have no names to be told apart by. A text that is no
/// such record adds nothing. Not for records that hold secrets, since nobody clears a `Value`.
pub fn with_unknown<T: Serialize + DeserializeOwned>(
    text: &[u8],
    record: &T,
) -> serde_json::Result<Value> {
    let mut whole = serde_json::to_value(record)?;
    if let (Ok(before), Ok(known)) =
        (serde_json::from_slice::<Value>(text), serde_json::from_slice::<T>(text))
    {
        add(&mut whole, unknown(&before, &serde_json::to_value(known)?));
    }
    Ok(whole)
}

/// The names of fields that `T` does not know, such as `return_address.fax`; none where the value
/// is no `T`. For what a person writes, who may have mistyped a name.
pub fn unknown_fields<T: Serialize + DeserializeOwned>(given: &Value) -> Vec<String> {
    let known = T::deserialize(given).and_then(|record| serde_json::to_value(record));
    let Ok(known) = known else { return Vec::new() };
    let mut names = Vec::new();
    list(&unknown(given, &known), "", &mut names);
    names
}

/// What of a value is not in its known part.
fn unknown(value: &Value, known: &Value) -> Map<String, Value> {
    let (Value::Object(value), Value::Object(known)) = (value, known) else { return Map::new() };
    let mut found = Map::new();
    for (name, inner) in value {
        match known.get(name) {
            // A field that is not set may be left out when it is written.
            None if inner.is_null() => {}
            None => {
                found.insert(name.clone(), inner.clone());
            }
            Some(known) => {
                let deeper = unknown(inner, known);
                if !deeper.is_empty() {
                    found.insert(name.clone(), Value::Object(deeper));
                }
            }
        }
    }
    found
}

/// Adds fields where nothing is; what is there wins.
fn add(whole: &mut Value, more: Map<String, Value>) {
    let Value::Object(whole) = whole else { return };
    for (name, value) in more {
        match (whole.get_mut(&name), value) {
            (Some(inner), Value::Object(deeper)) => add(inner, deeper),
            (Some(_), _) => {}
            (None, value) => {
                whole.insert(name, value);
            }
        }
    }
}

fn list(fields: &Map<String, Value>, above: &str, names: &mut Vec<String>) {
    for (name, value) in fields {
        match value {
            Value::Object(deeper) if !deeper.is_empty() => {
                list(deeper, &format!("{above}{name}."), names);
            }
            _ => names.push(format!("{above}{name}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Record {
        name: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        inner: Inner,
    }

    #[derive(Serialize, Deserialize)]
    struct Inner {
        count: u64,
    }

    fn record(count: u64) -> Record {
        Record { name: "one".to_owned(), note: None, inner: Inner { count } }
    }

    #[test]
    fn fields_of_another_version_survive_a_change_and_known_ones_are_as_they_are_set() {
        let before = json!({
            "name": "old", "note": null, "later": [1], "inner": {"count": 1, "deep": {"a": true}},
        });
        let text = before.to_string();
        let after = with_unknown(text.as_bytes(), &record(2)).unwrap();
        let expected = json!({
            "name": "one", "inner": {"count": 2, "deep": {"a": true}}, "later": [1],
        });
        assert_eq!(after, expected);
        for text in ["", "{", "[]", "{\"name\":1}", "{\"later\":1}"] {
            let after = with_unknown(text.as_bytes(), &record(2)).unwrap();
            assert_eq!(after, json!({"name": "one", "inner": {"count": 2}}), "{text}");
        }
    }

    #[test]
    fn a_name_that_was_mistyped_is_named_with_its_place() {
        let given = json!({"name": "a", "nmae": "b", "inner": {"count": 1, "cuont": 2}});
        assert_eq!(unknown_fields::<Record>(&given), ["nmae", "inner.cuont"]);
        let given = json!({"name": "a", "inner": {"count": 1}});
        assert!(unknown_fields::<Record>(&given).is_empty());
    }
}
