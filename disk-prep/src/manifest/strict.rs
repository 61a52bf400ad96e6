//! A reader of XML 1.0 as strict as the standard, and stricter: of what it allows only the forms
//! that a manifest of ours has, so no document type, comment, instruction or CDATA, and UTF-8
//! alone. It takes the text in pieces and keeps none of it. It shares nothing with the writer.

use super::form::ManifestError;

/// What the text says.
#[derive(Debug, PartialEq, Eq)]
pub enum Token<'a> {
    /// An element begins.
    Start {
        /// Its name.
        name: &'a str,
        /// Its attributes; no two have one name.
        attributes: &'a [(String, String)],
    },
    /// The element that began last and is still open ends.
    End {
        /// The text behind the last start or end before it.
        text: &'a str,
    },
}

/// Who is told; an error ends the reading.
pub(super) type Sink<'a> = &'a mut dyn FnMut(Token<'_>) -> Result<(), String>;

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
/// Characters of one name, value or text, and elements in one another, at most.
const MOST_CHARACTERS: usize = 64 << 10;
const MOST_DEPTH: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    Declaration(usize),
    Content,
    Tag,
    StartName,
    /// A blank was seen, so an attribute may follow.
    Blank,
    /// A value ended, so a blank or the end must follow.
    Behind,
    AttributeName,
    Equals,
    Quote,
    Value(char),
    Empty,
    EndName,
    EndBlank,
    Reference(Within),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    Content,
    Value(char),
}

/// The reader, between two pieces.
#[derive(Debug)]
pub struct StrictReader {
    state: Expect,
    /// Bytes read.
    position: u64,
    /// The first bytes of a character that is not whole yet.
    torn: Vec<u8>,
    open: Vec<String>,
    has_root: bool,
    /// The name or value that is being read.
    word: String,
    reference: String,
    attribute: String,
    attributes: Vec<(String, String)>,
    text: String,
}

impl StrictReader {
    /// At the beginning.
    pub fn new() -> Self {
        StrictReader {
            state: Expect::Declaration(0),
            position: 0,
            torn: Vec::new(),
            open: Vec::new(),
            has_root: false,
            word: String::new(),
            reference: String::new(),
            attribute: String::new(),
            attributes: Vec::new(),
            text: String::new(),
        }
    }

    /// Reads on.
    pub fn feed(&mut self, bytes: &[u8], sink: Sink<'_>) -> Result<(), ManifestError> {
        let joined;
        let mut rest = bytes;
        if !self.torn.is_empty() {
            joined = [std::mem::take(&mut self.torn).as_slice(), bytes].concat();
            rest = &joined;
        }
        let (text, bad) = match std::str::from_utf8(rest) {
            Ok(text) => (text, None),
            Err(error) => {
                let (good, bad) = rest.split_at(error.valid_up_to());
                (std::str::from_utf8(good).unwrap_or_default(), Some((bad, error.error_len())))
            }
        };
        for character in text.chars() {
            self.take(character, sink).map_err(|fault| self.fault(fault))?;
            self.position += character.len_utf8() as u64;
        }
        match bad {
            None => Ok(()),
            Some((torn, None)) => {
                self.torn = torn.to_vec();
                Ok(())
            }
            Some((_, Some(_))) => Err(self.fault("it is not UTF-8".to_owned())),
        }
    }

    /// Nothing follows.
    pub fn finish(&self) -> Result<(), ManifestError> {
        let is_over = self.state == Expect::Content && self.open.is_empty() && self.has_root;
        if is_over && self.torn.is_empty() {
            return Ok(());
        }
        Err(self.fault("the text ends too early".to_owned()))
    }

    fn fault(&self, fault: String) -> ManifestError {
        ManifestError { position: self.position, fault }
    }

    fn take(&mut self, c: char, sink: Sink<'_>) -> Result<(), String> {
        if !is_character(c) {
            return Err(format!("U+{:04X} cannot stand in XML", u32::from(c)));
        }
        if self.word.len().max(self.text.len()) > MOST_CHARACTERS {
            return Err("a name, value or text is too long".to_owned());
        }
        match self.state {
            Expect::Declaration(at) => self.declaration(at, c),
            Expect::Content => self.content(c),
            Expect::Reference(within) => self.reference(c, within),
            Expect::Tag | Expect::EndName | Expect::EndBlank => self.tag(c, sink),
            Expect::Value(quote) => self.value(c, quote),
            Expect::StartName => match c {
                c if is_name(c) => self.push(c),
                _ => self.name_ends(c, sink),
            },
            Expect::Blank | Expect::Behind => self.behind(c, sink),
            Expect::AttributeName | Expect::Equals | Expect::Quote => self.attribute(c),
            Expect::Empty if c == '>' => {
                self.start(sink)?;
                self.end(sink)
            }
            Expect::Empty => Err(unfit(c, "behind /")),
        }
    }

    fn declaration(&mut self, at: usize, c: char) -> Result<(), String> {
        if !DECLARATION[at..].starts_with(c) {
            return Err(format!("it does not begin with {DECLARATION}"));
        }
        let is_whole = at + 1 == DECLARATION.len();
        self.state = if is_whole { Expect::Content } else { Expect::Declaration(at + 1) };
        Ok(())
    }

    fn content(&mut self, c: char) -> Result<(), String> {
        match c {
            '<' => self.state = Expect::Tag,
            '&' => self.state = Expect::Reference(Within::Content),
            '>' if self.text.ends_with("]]") => return Err("]]> stands in a text".to_owned()),
            _ => return self.keep(c, Within::Content),
        }
        Ok(())
    }

    /// Keeps a character of a text or value.
    fn keep(&mut self, c: char, within: Within) -> Result<(), String> {
        match within {
            Within::Value(_) => self.word.push(c),
            Within::Content if !self.open.is_empty() => self.text.push(c),
            Within::Content if is_blank(c) => {}
            Within::Content => return Err(unfit(c, "outside of the root element")),
        }
        Ok(())
    }

    fn tag(&mut self, c: char, sink: Sink<'_>) -> Result<(), String> {
        match (self.state, c) {
            (Expect::Tag, '/') => self.begin(Expect::EndName),
            (Expect::Tag, c) if is_name_start(c) => {
                self.attributes.clear();
                self.begin(Expect::StartName);
                return self.push(c);
            }
            (Expect::Tag, _) => return Err(unfit(c, "behind <")),
            (Expect::EndName, c) if is_name(c) => return self.push(c),
            (Expect::EndName | Expect::EndBlank, '>') => return self.end(sink),
            (Expect::EndName | Expect::EndBlank, c) if is_blank(c) => self.state = Expect::EndBlank,
            _ => return Err(unfit(c, "in the end of an element")),
        }
        Ok(())
    }

    fn name_ends(&mut self, c: char, sink: Sink<'_>) -> Result<(), String> {
        let name = std::mem::take(&mut self.word);
        if self.open.is_empty() && self.has_root {
            return Err(format!("{name} stands behind the root element"));
        }
        if self.open.len() >= MOST_DEPTH {
            return Err("elements are nested too deep".to_owned());
        }
        self.has_root = true;
        self.open.push(name);
        self.state = Expect::Behind;
        self.behind(c, sink)
    }

    fn behind(&mut self, c: char, sink: Sink<'_>) -> Result<(), String> {
        match c {
            '>' => return self.start(sink),
            '/' => self.state = Expect::Empty,
            c if is_blank(c) => self.state = Expect::Blank,
            c if is_name_start(c) && self.state == Expect::Blank => {
                self.begin(Expect::AttributeName);
                return self.push(c);
            }
            _ => return Err(unfit(c, "in the start of an element")),
        }
        Ok(())
    }

    fn attribute(&mut self, c: char) -> Result<(), String> {
        match (self.state, c) {
            (Expect::AttributeName, c) if is_name(c) => return self.push(c),
            (Expect::AttributeName | Expect::Equals, '=') => {
                self.attribute = std::mem::take(&mut self.word);
                if self.attributes.iter().any(|(name, _)| *name == self.attribute) {
                    return Err(format!("the attribute {} stands twice", self.attribute));
                }
                self.state = Expect::Quote;
            }
            (Expect::AttributeName, c) if is_blank(c) => self.state = Expect::Equals,
            (Expect::Quote, '"' | '\'') => self.state = Expect::Value(c),
            (Expect::Equals | Expect::Quote, c) if is_blank(c) => {}
            _ => return Err(unfit(c, "in an attribute")),
        }
        Ok(())
    }

    fn value(&mut self, c: char, quote: char) -> Result<(), String> {
        match c {
            c if c == quote => {
                let pair = (std::mem::take(&mut self.attribute), std::mem::take(&mut self.word));
                self.attributes.push(pair);
                self.state = Expect::Behind;
                Ok(())
            }
            '<' => Err(unfit(c, "in a value")),
            '&' => {
                self.state = Expect::Reference(Within::Value(quote));
                Ok(())
            }
            _ => self.keep(c, Within::Value(quote)),
        }
    }

    fn reference(&mut self, c: char, within: Within) -> Result<(), String> {
        if c != ';' {
            let fits = self.reference.len() < 10 && (c.is_ascii_alphanumeric() || c == '#');
            self.reference.push(c);
            return if fits { Ok(()) } else { Err(unfit(c, "in a reference")) };
        }
        let name = std::mem::take(&mut self.reference);
        let meant = referred(&name).ok_or_else(|| format!("&{name}; stands for nothing"))?;
        self.state = match within {
            Within::Content => Expect::Content,
            Within::Value(quote) => Expect::Value(quote),
        };
        self.keep(meant, within)
    }

    fn start(&mut self, sink: Sink<'_>) -> Result<(), String> {
        self.state = Expect::Content;
        self.text.clear();
        let name = self.open.last().map(String::as_str).unwrap_or_default();
        sink(Token::Start { name, attributes: &self.attributes })
    }

    fn end(&mut self, sink: Sink<'_>) -> Result<(), String> {
        let is_named = self.state != Expect::Content;
        let name = std::mem::take(&mut self.word);
        let open = self.open.pop().ok_or("an element ends that did not begin")?;
        if is_named && name != open {
            return Err(format!("{open} ends as {name}"));
        }
        self.state = Expect::Content;
        sink(Token::End { text: &self.text })?;
        self.text.clear();
        Ok(())
    }

    fn begin(&mut self, state: Expect) {
        self.word.clear();
        self.state = state;
    }

    fn push(&mut self, c: char) -> Result<(), String> {
        self.word.push(c);
        Ok(())
    }
}

fn referred(name: &str) -> Option<char> {
    let code = match name {
        "amp" => return Some('&'),
        "lt" => return Some('<'),
        "gt" => return Some('>'),
        "quot" => return Some('"'),
        "apos" => return Some('\''),
        _ => match name.strip_prefix("#x") {
            Some(digits) => u32::from_str_radix(digits, 16).ok()?,
            None => name.strip_prefix('#')?.parse().ok()?,
        },
    };
    char::from_u32(code).filter(|c| is_character(*c))
}

/// The production `Char` of XML 1.0.
fn is_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// Of the names that XML allows those in ASCII.
fn is_name_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}

fn unfit(c: char, place: &str) -> String {
    format!("{c:?} stands {place}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a text says, read in pieces of so many bytes.
    fn read(text: &[u8], piece: usize) -> Result<String, ManifestError> {
        let mut reader = StrictReader::new();
        let mut said = String::new();
        let mut sink = |token: Token<'_>| {
            match token {
                Token::Start { name, attributes } => {
                    said.push_str(&format!("<{name}"));
                    let pair = |(name, value): &(String, String)| format!(" {name}={value}");
                    said.extend(attributes.iter().map(pair));
                }
                Token::End { text } => said.push_str(&format!("[{text}]")),
            }
            Ok(())
        };
        for piece in text.chunks(piece) {
            reader.feed(piece, &mut sink)?;
        }
        reader.finish().map(|()| said)
    }

    #[test]
    fn what_a_manifest_has_is_read_in_pieces_of_any_size() {
        let text = format!(
            "{DECLARATION}\n<A x = \"1 &amp;&#x41; b\" y='\"'>\n <B/>t &lt;&#233;\u{e9}\u{1F600}</B-C></A>  \n"
        );
        let text = text.replace("<B/>", "<B /><B-C>");
        for piece in [1, 2, 3, 7, 1000] {
            let said = read(text.as_bytes(), piece).unwrap();
            assert_eq!(said, "<A x=1 &A b y=\"<B[]<B-C[t <éé\u{1F600}][]", "{piece}");
        }
    }

    #[test]
    fn whatever_xml_does_not_allow_is_refused() {
        for inner in super::super::tests::MALFORMED {
            let text = format!("{DECLARATION}\n<A>{inner}</A>");
            assert!(read(text.as_bytes(), 7).is_err(), "{inner}");
        }
        let root = "<A></A>";
        for text in [
            String::new(),
            DECLARATION.to_owned(),
            root.to_owned(),
            format!("{DECLARATION}{root}{root}"),
            format!("{DECLARATION}{root}x"),
            format!("{DECLARATION}<A>"),
            format!(" {DECLARATION}{root}"),
            format!("{DECLARATION}{root}").replace("UTF-8", "UTF-16"),
            format!("{DECLARATION}<!DOCTYPE A>{root}"),
            format!("{DECLARATION}{}{}", "<A>".repeat(17), "</A>".repeat(17)),
        ] {
            assert!(read(text.as_bytes(), 7).is_err(), "{text}");
        }
        let latin = [DECLARATION.as_bytes(), b"<A>\xe4</A>"].concat();
        assert_eq!(read(&latin, 64).unwrap_err().fault, "it is not UTF-8");
        let odd = format!("{DECLARATION}<A>odd\u{fffe}</A>");
        let error = read(odd.as_bytes(), 64).unwrap_err();
        assert_eq!((error.position, error.fault.as_str()), (44, "U+FFFE cannot stand in XML"));
    }
}
