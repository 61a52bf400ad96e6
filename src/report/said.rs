//! Warnings and failures as records.

use disk_prep::noun::Diagnose;
use serde_json::{Value, json};

/// Something to know that stops nothing.
pub fn warning(text: &str) -> Value {
    json!({"type": "warning", "version": 1, "message": text})
}

/// Why a command could not be done.
pub fn failure(error: &dyn Diagnose, causes: &[String]) -> Value {
    json!({
        "type": "error", "version": 1, "code": error.code(), "message": error.to_string(),
        "causes": causes, "hint": error.hint().map(|hint| hint.to_string()),
    })
}
