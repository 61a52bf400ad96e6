//! What the catalogue has to say of the backup of Azure's virtual machines beyond a sentence: what the
//! service says, why, each step out of it with the lines to type, and scripts for what is long to type.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// One entry, of one code or of several names of the same.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Detail {
    /// Its codes.
    pub codes: Vec<String>,
    #[serde(default = "yes")]
    are_aliases: bool,
    /// Where it stands in the catalogue.
    pub section: String,
    /// Whose it is: of `windows`, `linux`, `any`, or `classic`, of what Azure has no more.
    pub os: String,
    /// Whether later editions of the catalogue brought it.
    #[serde(default)]
    pub is_newer: bool,
    /// What a job or the portal says.
    pub message: String,
    /// Why.
    pub cause: String,
    /// What to do, one after the other.
    pub steps: Vec<Step>,
    /// What is different or more today.
    #[serde(default)]
    pub today: Option<String>,
    /// What does the long part of it.
    #[serde(default)]
    pub fix: Option<Fix>,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Step {
    /// In a sentence.
    pub text: String,
    /// Lines to type, as they are typed.
    #[serde(default)]
    pub run: Vec<String>,
}

/// A script for Windows, and its way back.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Fix {
    /// What it changes.
    pub changes: Vec<String>,
    cmd: String,
    #[serde(default)]
    reg: Option<String>,
    undo: String,
}

/// A form of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScriptForm {
    /// For the command prompt of an administrator.
    Cmd,
    /// For the registry editor.
    Reg,
    /// The way back, for the command prompt.
    Undo,
}

#[derive(Deserialize)]
struct Catalogue {
    entry: Vec<Detail>,
}

static ALL: LazyLock<Vec<Detail>> = LazyLock::new(|| {
    let text = include_str!("backup.toml");
    let Catalogue { entry } = toml::from_str(text).expect("a test reads the whole catalogue");
    entry
});

fn yes() -> bool {
    true
}

/// The details of a code, as the catalogue spells it.
pub(super) fn of(code: &str) -> Option<&'static Detail> {
    ALL.iter().find(|own| own.codes.iter().any(|own| own == code))
}

/// The sections, in the order of the catalogue.
pub fn sections() -> Vec<&'static str> {
    let mut all: Vec<&str> = Vec::new();
    for own in ALL.iter() {
        if !all.contains(&own.section.as_str()) {
            all.push(&own.section);
        }
    }
    all
}

impl Detail {
    /// Other names of a code.
    pub fn aliases(&self, code: &str) -> Vec<&str> {
        let others = self.codes.iter().map(String::as_str).filter(|own| *own != code);
        if self.are_aliases { others.collect() } else { Vec::new() }
    }

    /// All of it that somebody may look for.
    pub(super) fn words(&self) -> String {
        let steps = self.steps.iter().flat_map(|own| std::iter::once(&own.text).chain(&own.run));
        let texts = [&self.message, &self.cause].into_iter().chain(steps).chain(&self.today);
        texts.map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

impl Fix {
    /// The script in a form, whole; `None` if it changes nothing that the form can hold.
    pub fn script(&self, code: &str, form: ScriptForm) -> Option<String> {
        let (head, comment, body) = match form {
            ScriptForm::Cmd => ("@echo off", "rem", &self.cmd),
            ScriptForm::Reg => ("Windows Registry Editor Version 5.00\n", ";", self.reg.as_ref()?),
            ScriptForm::Undo => ("@echo off", "rem", &self.undo),
        };
        let about: Vec<String> = match form {
            ScriptForm::Undo => vec![format!("{comment} The way back from the script for {code}.")],
            _ => std::iter::once(format!(
                "{comment} For {code}. Run as administrator. What changes:"
            ))
            .chain(self.changes.iter().map(|own| format!("{comment} {own}")))
            .collect(),
        };
        Some(format!("{head}\n{}\n{body}", about.join("\n")))
    }
}

#[cfg(test)]
mod tests {
    use super::super::find;
    use super::*;

    /// So many entries each section of the catalogue has, without those of later editions.
    #[test]
    fn no_entry_is_missing_and_none_is_without_its_steps() {
        let count = |section: &str| -> usize {
            let own = ALL.iter().filter(|own| own.section == section && !own.is_newer);
            own.map(|own| if own.are_aliases { 1 } else { own.codes.len() }).sum()
        };
        let counts = [
            ("backup-basic", 7),
            ("backup-common", 11),
            ("backup-vm-errors", 10),
            ("jobs", 5),
            ("restore", 11),
            ("performance", 1),
            ("vm-agent", 3),
            ("vm-snapshot", 5),
            ("networking", 2),
        ];
        for (section, entries) in counts {
            assert_eq!(count(section), entries, "{section}");
        }
        assert_eq!(ALL.iter().filter(|own| own.is_newer).count(), 9);
        assert_eq!(sections().len(), counts.len() + 2);
        for own in ALL.iter() {
            assert!(!own.cause.is_empty() && !own.message.is_empty() && !own.steps.is_empty());
            assert!(["any", "windows", "linux", "classic"].contains(&own.os.as_str()));
            assert!(own.codes.iter().all(|code| find(code).is_some()), "{:?}", own.codes);
        }
    }

    #[test]
    fn a_script_says_what_it_changes_and_has_a_way_back() {
        let fixed: Vec<_> =
            ALL.iter().filter_map(|own| Some((&own.codes[0], own.fix.as_ref()?))).collect();
        assert_eq!(fixed.len(), 7);
        for (code, fix) in fixed {
            for form in [ScriptForm::Cmd, ScriptForm::Undo] {
                let text = fix.script(code, form).unwrap();
                assert!(
                    text.starts_with("@echo off\nrem ") && text.contains(code.as_str()),
                    "{text}"
                );
            }
            let set = |text: &str| text.matches("REG ADD").count();
            let deleted = fix.undo.matches("REG DELETE").count() + set(&fix.undo);
            assert_eq!(set(&fix.cmd), deleted, "{code}: each value has its way back");
        }
        let of = |code| of(code).unwrap().fix.as_ref().unwrap();
        let reg = of("snapshot-sql-vss-delay").script("x", ScriptForm::Reg).unwrap();
        assert!(reg.starts_with("Windows Registry Editor Version 5.00\n\n; For x."));
        assert!(reg.contains(
            "[HKEY_LOCAL_MACHINE\\SOFTWARE\\MICROSOFT\\BCDRAGENT]\n\"USEVSSCOPYBACKUP\"=\"TRUE\""
        ));
        assert_eq!(of("ExtensionSnapshotFailedCOM").script("x", ScriptForm::Reg), None);
    }
}
