//! Limits of the service in words and as records.

use disk_prep::limits::Limit;
use disk_prep::noun::ErrorKind;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::record::{Record, line};
use crate::journey::limits::{Limits, Replaced};
use crate::outcome::{Exit, Outcome};

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
    /// The built-in value, which commands keep to.
    kept: &'a str,
}

impl Record for LimitRecord<'_> {
    const TYPE: &'static str = "limit";
}

impl Limits {
    fn other(&self, own: &Limit) -> Option<&Replaced> {
        self.replaced.iter().find(|other| other.name == own.name)
    }
}

impl Outcome for Limits {
    fn lines(&self) -> Vec<String> {
        let value = |own: &Limit| self.other(own).map_or(own.value.clone(), |it| it.value.clone());
        let wide = |of: &dyn Fn(&Limit) -> usize| self.built_in.iter().map(of).max().unwrap_or(0);
        let (name_width, value_width) =
            (wide(&|own| own.name.len()), wide(&|own| value(own).len()));
        let rows = self.built_in.iter().flat_map(|own| {
            let other = self.other(own);
            let meaning = own.meaning.trim_end_matches('.');
            let (name, shown) = (&own.name, value(own));
            let first = format!("{name:<name_width$}  {shown:<value_width$}  {meaning}");
            let indent = name_width + value_width + 4;
            let source = other.map_or_else(
                || format!("{} ({})", own.source.replace('`', ""), own.year),
                |other| format!("{} ({})", other.source, other.year),
            );
            let kept = other.filter(|other| other.value != own.value).map(|_| {
                format!("{:indent$}commands keep to {}, which is built in", "", own.value)
            });
            [Some(first), Some(format!("{:indent$}{source}", "")), kept].into_iter().flatten()
        });
        rows.collect()
    }

    fn json(&self) -> Vec<Value> {
        let record = |own: &Limit| {
            let Limit { name, meaning, value, source, year } = own;
            let other = self.other(own);
            line(&LimitRecord {
                name,
                value: other.map_or(value, |other| &other.value),
                meaning,
                source: other.map_or(source, |other| &other.source),
                year: other.map_or(*year, |other| other.year),
                kept: value,
            })
        };
        self.built_in.iter().map(record).collect()
    }

    fn exit(&self) -> Exit {
        let differs = |own: &Limit| self.other(own).is_some_and(|other| other.value != own.value);
        Exit::of(self.built_in.iter().any(differs).then_some(ErrorKind::LeftOut))
    }
}
