//! Network security groups in words and as records.

use disk_prep::noun::visible_line;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::record::{Record, line};
use crate::check::nsg::NewRule;
use crate::journey::nsg::NsgLooked;
use crate::outcome::{Exit, Outcome};

/// A rule to make in a network security group.
#[derive(Serialize, JsonSchema)]
pub(super) struct NsgRuleRecord<'a> {
    /// The group; null if it is any.
    group: Option<&'a str>,
    /// The rule as Azure's resource manager takes it.
    rule: ArmRule<'a>,
    /// The line for Azure's command line.
    command: String,
}

/// A rule as Azure's resource manager takes it.
#[derive(Serialize, JsonSchema)]
struct ArmRule<'a> {
    /// Its name.
    name: &'a str,
    /// What it allows.
    properties: ArmProperties<'a>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ArmProperties<'a> {
    /// `Allow`.
    access: &'a str,
    /// `Outbound`.
    direction: &'a str,
    /// `Tcp`.
    protocol: &'a str,
    /// A lower one comes first; null if none is free.
    priority: Option<u32>,
    /// Whom it is for.
    source_address_prefix: &'a str,
    /// From which ports.
    source_port_range: &'a str,
    /// Where to.
    destination_address_prefix: &'a str,
    /// At which ports there.
    destination_port_range: &'a str,
}

impl<'a> ArmRule<'a> {
    fn of(own: &'a NewRule) -> Self {
        let properties = ArmProperties {
            access: "Allow",
            direction: "Outbound",
            protocol: "Tcp",
            priority: own.priority,
            source_address_prefix: &own.source,
            source_port_range: "*",
            destination_address_prefix: &own.destination,
            destination_port_range: &own.ports,
        };
        ArmRule { name: &own.name, properties }
    }
}

impl Record for NsgRuleRecord<'_> {
    const TYPE: &'static str = "nsg-rule";
}

impl Outcome for NewRule {
    fn lines(&self) -> Vec<String> {
        vec![
            format!("Rule {} lets {}:", visible_line(&self.name), visible_line(&self.opens())),
            format!("  {}", visible_line(&self.line())),
        ]
    }

    fn json(&self) -> Vec<Value> {
        let group = self.group.as_deref();
        vec![line(&NsgRuleRecord { group, rule: ArmRule::of(self), command: self.line() })]
    }
}

impl Outcome for NsgLooked {
    fn lines(&self) -> Vec<String> {
        let missing = self.missing.iter().flat_map(NewRule::lines);
        self.checked.lines().into_iter().chain(missing).collect()
    }

    fn json(&self) -> Vec<Value> {
        let missing = self.missing.iter().flat_map(NewRule::json);
        self.checked.json().into_iter().chain(missing).collect()
    }

    fn exit(&self) -> Exit {
        self.checked.exit()
    }
}
