//! Lines of JSON against the schemas of their types. Of JSON Schema it knows what those schemas
//! use, and takes no word that it does not know.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::Value;

/// Words that say something to a reader and nothing to a check.
const TOLD: &[&str] = &["$schema", "$defs", "title", "description", "format", "default"];

/// What a line has that its schema does not allow, or lacks.
pub fn faults(line: &Value) -> Vec<String> {
    static SCHEMAS: OnceLock<BTreeMap<&str, Value>> = OnceLock::new();
    let schemas = SCHEMAS.get_or_init(|| {
        azseed::schemas::all().into_iter().map(|own| (own.kind, own.schema)).collect()
    });
    let kind = line["type"].as_str().unwrap_or_default();
    let Some(schema) = schemas.get(kind) else {
        return vec![format!("no record has the type {kind:?}")];
    };
    let mut faults = Vec::new();
    check(line, schema, schema, kind, &mut faults);
    faults
}

/// Every line of JSON in a text, each checked; what is no object is passed over.
pub fn check_lines(text: &str) {
    for line in text.lines().filter(|line| line.starts_with('{')) {
        // A program that was killed may have begun a line.
        let Ok(object) = serde_json::from_str::<Value>(line) else { continue };
        let faults = faults(&object);
        assert!(faults.is_empty(), "{line}\n{}", faults.join("\n"));
    }
}

fn check(value: &Value, schema: &Value, root: &Value, place: &str, faults: &mut Vec<String>) {
    let words = match schema {
        Value::Bool(true) => return,
        Value::Object(words) => words,
        _ => return faults.push(format!("{place}: nothing may stand here")),
    };
    for (word, rule) in words {
        let number = || rule.as_f64().unwrap_or_default();
        let is_so = match word.as_str() {
            "$ref" => {
                let target = rule.as_str().and_then(|path| root.pointer(path.strip_prefix('#')?));
                let target = target.unwrap_or_else(|| panic!("{place}: no schema {rule}"));
                check(value, target, root, place, faults);
                true
            }
            "anyOf" => rule.as_array().into_iter().flatten().any(|choice| {
                let mut own = Vec::new();
                check(value, choice, root, place, &mut own);
                own.is_empty()
            }),
            "type" => match rule {
                Value::String(name) => is_of(value, name),
                names => names
                    .as_array()
                    .into_iter()
                    .flatten()
                    .any(|name| is_of(value, name.as_str().expect("types are named"))),
            },
            "const" => value == rule,
            "minimum" => value.as_f64().is_none_or(|own| own >= number()),
            "maximum" => value.as_f64().is_none_or(|own| own <= number()),
            "minItems" => value.as_array().is_none_or(|own| own.len() as f64 >= number()),
            "maxItems" => value.as_array().is_none_or(|own| own.len() as f64 <= number()),
            "required" => {
                let names = rule.as_array().into_iter().flatten().filter_map(Value::as_str);
                for name in names.filter(|name| value.is_object() && value.get(name).is_none()) {
                    faults.push(format!("{place}: {name} is missing"));
                }
                true
            }
            "properties" => {
                for (name, own) in value.as_object().into_iter().flatten() {
                    if let Some(schema) = rule.get(name) {
                        check(own, schema, root, &format!("{place}.{name}"), faults);
                    }
                }
                true
            }
            "additionalProperties" => {
                assert_eq!(rule, false, "{place}: only closed objects are known");
                let known = words.get("properties");
                for name in value.as_object().into_iter().flat_map(|own| own.keys()) {
                    if known.is_none_or(|known| known.get(name).is_none()) {
                        faults.push(format!("{place}: {name} is not known"));
                    }
                }
                true
            }
            "items" => {
                for (at, own) in value.as_array().into_iter().flatten().enumerate() {
                    check(own, rule, root, &format!("{place}[{at}]"), faults);
                }
                true
            }
            told if TOLD.contains(&told) => true,
            other => panic!("{place}: the schema says {other}, which is not checked here"),
        };
        if !is_so {
            faults.push(format!("{place}: {value} is against {word} {rule}"));
        }
    }
}

fn is_of(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("no type {other}"),
    }
}
