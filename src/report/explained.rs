//! Codes explained, in words and as records.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::record::{Record, line};
use crate::advice::{Advice, Detail, ScriptForm, Speaker, Step};
use crate::outcome::Outcome;

/// A code, what it means and what to do.
#[derive(Serialize, JsonSchema)]
pub(super) struct AdviceRecord<'a> {
    /// The code.
    code: &'a str,
    /// Who says it: `azseed`, `datacenter` or `azure`.
    #[schemars(with = "String")]
    said_by: Speaker,
    /// What happened.
    meaning: &'a str,
    /// What to do.
    action: &'a str,
    /// Other codes of the same entry.
    aliases: Vec<&'a str>,
    /// Section of the catalogue of VM backup; null for all other codes, as all that follows.
    section: Option<&'a str>,
    /// What system it is of: `any`, `windows`, `linux`, or `classic` for what Azure has no more.
    os: Option<&'a str>,
    /// What a job or the portal says.
    message: Option<&'a str>,
    /// Why.
    cause: Option<&'a str>,
    /// What to do, one after the other.
    steps: Vec<StepRecord<'a>>,
    /// What is different or more today.
    today: Option<&'a str>,
    /// Whether `--fix-script` prints one.
    has_script: bool,
}

/// A step.
#[derive(Serialize, JsonSchema)]
struct StepRecord<'a> {
    /// In a sentence.
    text: &'a str,
    /// Lines to type, as they are typed.
    commands: &'a [String],
}

impl Record for AdviceRecord<'_> {
    const TYPE: &'static str = "advice";
}

fn advice(own: &Advice) -> Value {
    let Advice { code, said_by, meaning, action } = own;
    let detail = own.detail();
    let step = |Step { text, run }: &'static Step| StepRecord { text, commands: run };
    line(&AdviceRecord {
        code,
        said_by: *said_by,
        meaning,
        action,
        aliases: detail.map(|own| own.aliases(code)).unwrap_or_default(),
        section: detail.map(|own| own.section.as_str()),
        os: detail.map(|own| own.os.as_str()),
        message: detail.map(|own| own.message.as_str()),
        cause: detail.map(|own| own.cause.as_str()),
        steps: detail.into_iter().flat_map(|own| &own.steps).map(step).collect(),
        today: detail.and_then(|own| own.today.as_deref()),
        has_script: detail.is_some_and(|own| own.fix.is_some()),
    })
}

/// One code.
#[derive(Debug)]
pub struct Explained(pub &'static Advice);

impl Outcome for Explained {
    fn lines(&self) -> Vec<String> {
        let Advice { code, said_by, meaning, action } = self.0;
        let speaker = match said_by {
            Speaker::Azseed => String::new(),
            other => format!(", said by {}", other.name()),
        };
        let first = format!("{code}{speaker}");
        match self.0.detail() {
            Some(detail) => [vec![first, String::new()], detailed(code, detail)].concat(),
            None => {
                let last = format!("What to do: {action}");
                vec![first, String::new(), (*meaning).to_owned(), String::new(), last]
            }
        }
    }

    fn json(&self) -> Vec<Value> {
        vec![advice(self.0)]
    }
}

/// An entry with its steps; what is typed stands on lines of its own.
fn detailed(code: &str, detail: &Detail) -> Vec<String> {
    let mut lines = vec![detail.message.clone()];
    let aliases = detail.aliases(code);
    if !aliases.is_empty() {
        lines.push(format!("The same as {}", aliases.join(", ")));
    }
    match detail.os.as_str() {
        "any" => {}
        "classic" => {
            lines.push("Of classic VMs and cloud services, which Azure has no more".into())
        }
        "linux" => lines.push("In VMs with Linux".to_owned()),
        _ => lines.push("In VMs with Windows".to_owned()),
    }
    if detail.is_newer {
        lines.push("Known since later editions of Azure's catalogue".to_owned());
    }
    lines.extend([String::new(), format!("Why: {}", detail.cause), String::new()]);
    lines.push("What to do:".to_owned());
    for (number, Step { text, run }) in detail.steps.iter().enumerate() {
        lines.push(format!("  {}. {text}", number + 1));
        lines.extend(run.iter().map(|command| format!("       {command}")));
    }
    if let Some(today) = &detail.today {
        lines.extend([String::new(), format!("Today: {today}")]);
    }
    if detail.fix.is_some() {
        let next = format!(
            "Script: `azseed explain {code} --fix-script`, its way back `--fix-script=undo`"
        );
        lines.extend([String::new(), next]);
    }
    lines
}

/// A script for Windows.
#[derive(Debug)]
pub struct FixScript<'a> {
    /// The code that it is for.
    pub code: &'a str,
    /// Its form.
    pub form: ScriptForm,
    /// What it changes.
    pub changes: &'a [String],
    /// Its text.
    pub script: String,
}

/// A script for Windows that does what an entry says.
#[derive(Serialize, JsonSchema)]
pub(super) struct FixScriptRecord<'a> {
    /// The code that it is for.
    code: &'a str,
    /// `cmd`, `reg` or `undo`.
    #[schemars(with = "String")]
    form: ScriptForm,
    /// What the script changes.
    changes: &'a [String],
    /// Its text.
    script: &'a str,
}

impl Record for FixScriptRecord<'_> {
    const TYPE: &'static str = "fix-script";
}

impl Outcome for FixScript<'_> {
    fn lines(&self) -> Vec<String> {
        self.script.lines().map(str::to_owned).collect()
    }

    fn json(&self) -> Vec<Value> {
        let FixScript { code, form, changes, script } = self;
        vec![line(&FixScriptRecord { code, form: *form, changes, script })]
    }
}

/// Several codes.
#[derive(Debug)]
pub struct Entries(pub Vec<&'static Advice>);

impl Outcome for Entries {
    fn lines(&self) -> Vec<String> {
        let group = |speaker: Speaker| {
            let own: Vec<_> = self.0.iter().filter(|advice| advice.said_by == speaker).collect();
            let width = own.iter().map(|advice| advice.code.len()).max()?;
            let rows = own.iter().map(|own| format!("  {:<width$}  {}", own.code, own.meaning));
            let head = format!("Codes of {}:", speaker.name());
            Some(std::iter::once(head).chain(rows).collect::<Vec<_>>())
        };
        let groups: Vec<Vec<String>> = Speaker::ALL.into_iter().filter_map(group).collect();
        groups.join(&String::new())
    }

    fn json(&self) -> Vec<Value> {
        self.0.iter().map(|own| advice(own)).collect()
    }
}
