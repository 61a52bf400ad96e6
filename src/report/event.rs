//! What happens while work goes on, as records.

use disk_prep::monitor::{Event, Look};
use jiff::Timestamp;
use serde_json::{Value, json};

/// The record of an event; `None` for one that the outcome tells.
pub fn value(event: &Event<'_>) -> Option<Value> {
    let mut line = match event {
        Event::DrivePlanned { drive, files, bytes, blank } => json!({
            "type": "drive-planned", "version": 1, "serial": drive, "files": files,
            "bytes": bytes, "blank_by": blank.map(Look::name),
        }),
        Event::StepStarted { drive, step, done_bytes, total_bytes } => json!({
            "type": "step-started", "version": 1, "serial": drive, "step": step.name(),
            "done_bytes": done_bytes, "total_bytes": total_bytes,
        }),
        Event::BytesDone { drive, step, done_bytes } => json!({
            "type": "progress", "version": 1, "serial": drive, "step": step.name(),
            "done_bytes": done_bytes,
        }),
        Event::StepFinished { drive, step } => json!({
            "type": "step-finished", "version": 1, "serial": drive, "step": step.name(),
        }),
        Event::DriveFailed { drive, error } => json!({
            "type": "drive-error", "version": 1, "serial": drive, "code": error.code(),
            "message": error.to_string(),
        }),
        Event::DriveSetAside { drive } => json!({
            "type": "drive-set-aside", "version": 1, "serial": drive,
        }),
        Event::Warning { drive, text } => json!({
            "type": "warning", "version": 1, "serial": drive, "message": text,
        }),
        Event::TaskBytes { task, done_bytes, total_bytes } => json!({
            "type": "stage-progress", "version": 1, "step": task, "done_bytes": done_bytes,
            "total_bytes": total_bytes,
        }),
        _ => return None,
    };
    line["at"] = json!(Timestamp::now());
    Some(line)
}
