//! Network security groups in words and as records.

use disk_prep::noun::visible_line;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::record::{Record, line};
use crate::check::nsg::NewRule;
use crate::journey::nsg::NsgLooked;
use crate::journey::nsg_vm::AppliedRule;
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
    /// `written` or `was-there`; null if the rule is only shown.
    applied: Option<&'a str>,
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
    /// `Tcp` or `Udp`.
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
            protocol: own.protocol.word(),
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
        let mut lines = vec![
            format!("Rule {} lets {}:", visible_line(&self.name), visible_line(&self.opens())),
            format!("  {}", visible_line(&self.line())),
        ];
        if self.priority.is_none() {
            lines.push(
                "  No priority is free before the rule that blocks: give that one a later one first"
                    .to_owned(),
            );
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        let group = self.group.as_deref();
        vec![record(self, group, None)]
    }
}

fn record(rule: &NewRule, group: Option<&str>, applied: Option<&str>) -> Value {
    line(&NsgRuleRecord { group, rule: ArmRule::of(rule), command: rule.line(), applied })
}

impl Outcome for AppliedRule {
    fn lines(&self) -> Vec<String> {
        let AppliedRule { rule, was_there } = self;
        let group = visible_line(rule.group.as_deref().unwrap_or_default()).into_owned();
        let (name, opens) = (visible_line(&rule.name), rule.opens());
        vec![match was_there {
            true => format!("Rule {name} is in {group} already: it lets {}", visible_line(&opens)),
            false => {
                format!("Rule {name} was written into {group}: it lets {}", visible_line(&opens))
            }
        }]
    }

    fn json(&self) -> Vec<Value> {
        let applied = if self.was_there { "was-there" } else { "written" };
        vec![record(&self.rule, self.rule.group.as_deref(), Some(applied))]
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
