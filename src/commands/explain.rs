//! `explain`: what an error code or a state means, and what to do; words find entries.

use disk_prep::noun::{Diagnose, ErrorKind, Hint};

use crate::advice::{
    Advice, ScriptForm, all, find, in_section, nearest, sections, with_words, written_in_portal,
};
use crate::cli::{ExplainArgs, ScriptFormArg};
use crate::outcome::Ended;
use crate::report::explained::{Entries, Explained, FixScript};

/// Runs `explain`.
pub fn run(args: &ExplainArgs) -> Ended {
    if let Some(section) = &args.section {
        let found = in_section(section);
        return match found.is_empty() {
            true => Err(UnknownSection { section: section.clone() }.into()),
            false => Ok(Box::new(Entries(found))),
        };
    }
    if args.words.is_empty() {
        return Ok(Box::new(Entries(all().iter().collect())));
    }
    let found = look_up(&args.words);
    if let Some(form) = args.fix_script {
        return script(&args.words.join(" "), &found, form);
    }
    match found[..] {
        [] => Err(unknown(&args.words).into()),
        [advice] => Ok(Box::new(Explained(advice))),
        _ => Ok(Box::new(Entries(found))),
    }
}

/// The entry of a code, those that a text of the portal stands for, else those with all the words.
fn look_up(given: &[String]) -> Vec<&'static Advice> {
    let words: Vec<&str> = given.iter().flat_map(|word| word.split_whitespace()).collect();
    let text = given.join(" ");
    // Codes have no blanks: `drive not blank` is what somebody remembers of one.
    if let Some(advice) = find(&text).or_else(|| find(&words.join("-"))) {
        return vec![advice];
    }
    match written_in_portal(&text) {
        found if found.is_empty() => with_words(&words),
        found => found,
    }
}

/// The script of the one entry that was found.
fn script(text: &str, found: &[&'static Advice], form: ScriptFormArg) -> Ended {
    let form = match form {
        ScriptFormArg::Cmd => ScriptForm::Cmd,
        ScriptFormArg::Reg => ScriptForm::Reg,
        ScriptFormArg::Undo => ScriptForm::Undo,
    };
    let none = || NoScript { code: text.to_owned() };
    let [advice] = found else { return Err(none().into()) };
    let fix = advice.detail().and_then(|own| own.fix.as_ref()).ok_or_else(none)?;
    let script = fix.script(&advice.code, form).ok_or_else(none)?;
    Ok(Box::new(FixScript { code: &advice.code, form, changes: &fix.changes, script }))
}

fn unknown(given: &[String]) -> UnknownCode {
    let words: Vec<&str> = given.iter().flat_map(|word| word.split_whitespace()).collect();
    let nearest = nearest(&words.join("-")).map(|advice| advice.code.as_str());
    UnknownCode { code: given.join(" "), nearest }
}

#[derive(Debug, thiserror::Error)]
#[error("Nothing is known of the code {code}")]
struct UnknownCode {
    code: String,
    nearest: Option<&'static str>,
}

impl Diagnose for UnknownCode {
    fn code(&self) -> &'static str {
        "code-unknown"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::NotFound
    }
    fn hint(&self) -> Option<Hint> {
        let all = "list all codes with `azseed explain`";
        Some(Hint::new(match self.nearest {
            Some(nearest) => format!("the nearest code is {nearest}; {all}"),
            None => all.to_owned(),
        }))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("The catalogue has no section {section}")]
struct UnknownSection {
    section: String,
}

impl Diagnose for UnknownSection {
    fn code(&self) -> &'static str {
        "section-unknown"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new(format!("it has {}", sections().join(", "))))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("There is no such script for {code}")]
struct NoScript {
    code: String,
}

impl Diagnose for NoScript {
    fn code(&self) -> &'static str {
        "script-missing"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::NotFound
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new("name one code, and see its steps without `--fix-script`"))
    }
}
