//! A program of the user's with its arguments, as a list: no shell takes it apart, so nothing in it
//! is expanded, and blanks divide words only outside of quotes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::invalid::InvalidNoun;
use super::visible::shell_word;

const NOUN: &str = "program with arguments";
const RULE: &str = "the program by its whole path, then its arguments, divided by blanks; `'`, `\"` \
                    and `\\` keep blanks together";

/// A program by its whole path, and its arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct ProgramLine(Vec<String>);

impl ProgramLine {
    /// The program.
    pub fn program(&self) -> &str {
        &self.0[0]
    }

    /// Its arguments.
    pub fn args(&self) -> &[String] {
        &self.0[1..]
    }
}

impl TryFrom<Vec<String>> for ProgramLine {
    type Error = InvalidNoun;

    fn try_from(words: Vec<String>) -> Result<Self, InvalidNoun> {
        let is_fit = words.first().is_some_and(|program| program.starts_with('/'))
            && words.iter().all(|word| !word.contains('\0'));
        // An argument may be a secret that somebody should not have put there.
        is_fit.then_some(ProgramLine(words)).ok_or_else(|| InvalidNoun::new(NOUN, "***", RULE))
    }
}

impl From<ProgramLine> for Vec<String> {
    fn from(line: ProgramLine) -> Self {
        line.0
    }
}

impl FromStr for ProgramLine {
    type Err = InvalidNoun;

    fn from_str(text: &str) -> Result<Self, InvalidNoun> {
        words(text).ok_or_else(|| InvalidNoun::new(NOUN, "***", RULE))?.try_into()
    }
}

impl fmt::Display for ProgramLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = self.0.iter().map(|word| shell_word(word)).collect();
        f.write_str(&words.join(" "))
    }
}

/// The words of a line; `None` if a quote is not closed or nothing follows a backslash.
fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            blank if blank.is_whitespace() => words.extend(word.take()),
            '\\' => word.get_or_insert_default().push(letters.next()?),
            quote @ ('\'' | '"') => {
                let own = word.get_or_insert_default();
                loop {
                    match letters.next()? {
                        end if end == quote => break,
                        '\\' if quote == '"' => own.push(letters.next()?),
                        letter => own.push(letter),
                    }
                }
            }
            letter => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_divided_by_blanks_outside_of_quotes_and_nothing_is_expanded() {
        for (text, expected) in [
            ("/bin/cat /a", &["/bin/cat", "/a"][..]),
            ("  /bin/cat\t'a b'  ", &["/bin/cat", "a b"]),
            (r#"/p "a \"b\" $HOME" x\ y"#, &["/p", "a \"b\" $HOME", "x y"]),
            (r"/p '\' '' a'b'c", &["/p", r"\", "", "abc"]),
            ("/p ; | `x` *", &["/p", ";", "|", "`x`", "*"]),
        ] {
            let line: ProgramLine = text.parse().unwrap();
            let words: Vec<String> = line.clone().into();
            assert_eq!(words, expected, "{text}");
            assert_eq!(line.to_string().parse::<ProgramLine>().unwrap(), line, "{line}");
        }
        for text in ["", " ", "cat /a", "./cat", "/bin/cat 'MARKER", "/bin/cat \"MARKER\\", "/p \\"]
        {
            let error = text.parse::<ProgramLine>().unwrap_err().to_string();
            assert!(!error.contains("MARKER"), "{error}");
        }
        assert!(serde_json::from_str::<ProgramLine>(r#"["/bin/cat","/a"]"#).is_ok());
        assert!(serde_json::from_str::<ProgramLine>(r#"["cat"]"#).is_err());
        assert!(serde_json::from_str::<ProgramLine>("[]").is_err());
    }
}
