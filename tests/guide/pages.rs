//! Blocks of a page in Markdown, with the marks that stand before them as comments.

/// A block of code.
#[derive(Debug, PartialEq, Eq)]
pub struct Block {
    /// The line of the page that it begins at.
    pub line: usize,
    pub kind: Kind,
    /// Its lines; those that go on in the next one are joined.
    pub lines: Vec<String>,
}

/// What a reader does with a block.
#[derive(Debug, PartialEq, Eq)]
pub enum Kind {
    /// He reads it.
    Shown,
    /// He writes it to this file.
    File(String),
    /// He types it where there is such a thing.
    Needs(String),
    /// He types it; where, if it is not the terminal that he sits at.
    Typed { where_to: String },
}

/// The blocks of a page, fenced or indented.
pub fn blocks(page: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let (mut mark, mut fence, mut is_indented) = (None, false, false);
    for (number, text) in page.lines().enumerate() {
        let begin = |kind| Block { line: number + 1, kind, lines: Vec::new() };
        if let Some(language) = text.strip_prefix("```") {
            if !fence {
                found.push(begin(kind(mark.take(), language)));
            }
            fence = !fence;
        } else if fence {
            push(found.last_mut().unwrap(), text);
        } else if let Some(code) = text.strip_prefix("    ") {
            if !is_indented {
                found.push(begin(kind(mark.take(), "")));
            }
            push(found.last_mut().unwrap(), code);
            is_indented = true;
            continue;
        } else if let Some(said) = text.strip_prefix("<!-- reader: ") {
            mark = Some(said.trim_end_matches(" -->").to_owned());
        } else if !text.trim().is_empty() {
            assert_eq!(mark, None, "line {}: a mark stands right before its block", number + 1);
        }
        is_indented = false;
    }
    found
}

fn push(block: &mut Block, text: &str) {
    match block.lines.last_mut() {
        Some(last) if last.ends_with('\\') && !matches!(block.kind, Kind::File(_)) => {
            last.pop();
            last.push_str(text.trim_start());
        }
        _ => block.lines.push(text.to_owned()),
    }
}

fn kind(mark: Option<String>, language: &str) -> Kind {
    match mark.as_deref() {
        Some(mark) if mark.starts_with("needs ") => Kind::Needs(mark["needs ".len()..].to_owned()),
        Some(mark) if mark.starts_with("file ") => Kind::File(mark["file ".len()..].to_owned()),
        Some(mark) => Kind::Typed { where_to: mark.to_owned() },
        None if language.is_empty() => Kind::Typed { where_to: String::new() },
        None => Kind::Shown,
    }
}

#[test]
fn a_page_is_read_with_its_marks() {
    let page = "Text.\n\n<!-- reader: needs Azure -->\n```\na \\\n  b\nc\n```\n\n    d\n\n```toml\ne\n```\n";
    let typed = |text: &str| Kind::Typed { where_to: text.to_owned() };
    let all: Vec<_> = blocks(page).into_iter().map(|own| (own.kind, own.lines)).collect();
    let lines = |all: &[&str]| all.iter().map(|own| (*own).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        all,
        [
            (Kind::Needs("Azure".to_owned()), lines(&["a b", "c"])),
            (typed(""), lines(&["d"])),
            (Kind::Shown, lines(&["e"])),
        ]
    );
}
