//! Limits of the service in words and as records.

use disk_prep::limits::Limit;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::record::{Record, line};
use crate::outcome::Outcome;

/// A limit of the service that the program keeps to.
#[derive(Serialize, JsonSchema)]
pub(super) struct LimitRecord<'a> {
    /// Its name; what is counted stands last in it.
    name: &'a str,
    /// Its value; of a span the first and the last with `to` between.
    value: &'a str,
    /// What it is about.
    meaning: &'a str,
    /// Where it is told.
    source: &'a str,
    /// The year in which the source was read last.
    year: u16,
}

impl Record for LimitRecord<'_> {
    const TYPE: &'static str = "limit";
}

/// Limits of the service.
#[derive(Debug)]
pub struct Limits(pub Vec<Limit>);

impl Outcome for Limits {
    fn lines(&self) -> Vec<String> {
        let wide = |of: fn(&Limit) -> &str| self.0.iter().map(|own| of(own).len()).max();
        let name = wide(|own| &own.name).unwrap_or(0);
        let value = wide(|own| &own.value).unwrap_or(0);
        let rows = self.0.iter().flat_map(|own| {
            let meaning = own.meaning.trim_end_matches('.');
            let first = format!("{:<name$}  {:<value$}  {meaning}", own.name, own.value);
            let source = format!("{} ({})", own.source.replace('`', ""), own.year);
            [first, format!("{:1$}{source}", "", name + value + 4)]
        });
        rows.collect()
    }

    fn json(&self) -> Vec<Value> {
        let record = |own: &Limit| {
            let Limit { name, meaning, value, source, year } = own;
            line(&LimitRecord { name, value, meaning, source, year: *year })
        };
        self.0.iter().map(record).collect()
    }
}
