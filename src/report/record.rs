//! What every object that a script reads has: its type and version first, then its own fields.
//! The record of a type stands beside the outcome that makes it.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

/// One object of the program's output. Fields are added at the end, never renamed.
pub trait Record: Serialize + JsonSchema {
    /// Its type.
    const TYPE: &'static str;
    /// Its version.
    const VERSION: u32 = 1;
}

/// The record as one object.
pub fn line<R: Record>(record: &R) -> Value {
    let fields = serde_json::to_value(record).expect("texts and numbers can be written");
    let mut line = Map::new();
    line.insert("type".to_owned(), R::TYPE.into());
    line.insert("version".to_owned(), R::VERSION.into());
    if let Value::Object(fields) = fields {
        line.extend(fields);
    }
    Value::Object(line)
}
