//! A VM's proxy in words and as records.

use disk_prep::noun::visible_line;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::record::{Record, line};
use crate::check::proxy_plan::{ProxyPlan, Step};
use crate::journey::proxy::{Applied, FileChange};
use crate::outcome::Outcome;

/// One step that brings VMs of Azure to a proxy.
#[derive(Serialize, JsonSchema)]
pub(super) struct ProxyStepRecord<'a> {
    /// Its number in the manual of the service.
    step: &'a str,
    /// Where it is done, and what for.
    what: &'a str,
    /// Lines, verbatim.
    lines: &'a [String],
}

impl Record for ProxyStepRecord<'_> {
    const TYPE: &'static str = "proxy-step";
}

/// One file of a VM in which the proxy was set, or would be.
#[derive(Serialize, JsonSchema)]
pub(super) struct ProxyFileRecord<'a> {
    /// The file.
    path: String,
    /// Whether it is, or would be, another than before.
    is_changed: bool,
    /// Whether nothing was written.
    dry_run: bool,
    /// Lines that are no longer there.
    removed: &'a [String],
    /// Lines that are new.
    added: &'a [String],
    /// Where it stands as it was; null if nowhere.
    copy: Option<String>,
    /// What makes the agent read it.
    restart: &'a str,
}

impl Record for ProxyFileRecord<'_> {
    const TYPE: &'static str = "proxy-file";
}

impl Outcome for ProxyPlan {
    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for step in &self.steps {
            lines.push(format!("{:<3} {}", step.id, visible_line(&step.what)));
            lines.extend(step.lines.iter().map(|own| format!("      {}", visible_line(own))));
        }
        lines.push(
            "Then look on each VM: `azseed check guest` and `azseed check network --for vm`"
                .to_owned(),
        );
        lines
    }

    fn json(&self) -> Vec<Value> {
        let record = |own: &Step| {
            line(&ProxyStepRecord { step: own.id, what: &own.what, lines: &own.lines })
        };
        self.steps.iter().map(record).collect()
    }
}

impl Outcome for Applied {
    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for FileChange { path, removed, added, copy } in &self.files {
            let path = path.to_string_lossy();
            let path = visible_line(&path);
            if removed.is_empty() && added.is_empty() {
                lines.push(format!("{path}: nothing to change"));
                continue;
            }
            lines.push(path.into_owned());
            lines.extend(removed.iter().map(|own| format!("  - {}", visible_line(own))));
            lines.extend(added.iter().map(|own| format!("  + {}", visible_line(own))));
            if let Some(copy) = copy {
                lines.push(format!("  as it was: {}", visible_line(&copy.to_string_lossy())));
            }
        }
        if self.files.iter().any(FileChange::is_changed) {
            lines.push(match self.is_dry {
                true => "Nothing was written".to_owned(),
                false => format!("Next, on that machine: {}", self.restart),
            });
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        let record = |own: &FileChange| {
            line(&ProxyFileRecord {
                path: own.path.to_string_lossy().into_owned(),
                is_changed: own.is_changed(),
                dry_run: self.is_dry,
                removed: &own.removed,
                added: &own.added,
                copy: own.copy.as_ref().map(|copy| copy.to_string_lossy().into_owned()),
                restart: &self.restart,
            })
        };
        self.files.iter().map(record).collect()
    }
}
