//! A CSV file as records of cells, as RFC 4180 has it, with what people and spreadsheets leave in
//! it. A cell in quotes is what stands between them, to the last blank; around one without
//! quotes, and around the quotes themselves, blanks do not count.

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell {
    /// What it holds.
    pub bytes: Vec<u8>,
    /// Blanks at its end that did not count.
    pub cut: Vec<u8>,
    /// What is wrong with its quotes.
    pub fault: Option<&'static str>,
}

/// The cells from one end of a line to the next that stands outside of quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// The line that it begins at, from 1.
    pub line: u64,
    /// Its cells; never none.
    pub cells: Vec<Cell>,
}

/// A quote that is not closed: where its record begins, and the number of its cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OpenQuote {
    pub line: u64,
    pub cell: usize,
}

/// What separates cells if the file does not say it.
const COMMA: u8 = b',';
const INSIDE: &str = "a quote stands in the middle; put quotes around the whole cell and double \
                      those in it";
const BEHIND: &str = "there is text behind the closing quote; double a quote that belongs to the \
                      cell";

/// All records that hold anything. A first line such as `sep=,`, by which spreadsheets say what
/// separates cells, is followed.
pub(super) fn records(bytes: &[u8]) -> Result<Vec<Record>, OpenQuote> {
    let (separator, rest) = separator(bytes);
    let line = if rest.len() < bytes.len() { 2 } else { 1 };
    let mut reader = Reader { rest, line, separator };
    let mut records = Vec::new();
    while !reader.rest.is_empty() {
        let record = reader.record()?;
        if record.cells.iter().any(|cell| !cell.bytes.is_empty() || cell.fault.is_some()) {
            records.push(record);
        }
    }
    Ok(records)
}

/// What separates cells, and the file behind the line that says so, if there is one.
fn separator(bytes: &[u8]) -> (u8, &[u8]) {
    let end = bytes.iter().position(|byte| is_end(*byte)).unwrap_or(bytes.len());
    let (line, rest) = bytes.split_at(end);
    let line = line.trim_ascii_start();
    let line = line.strip_prefix(b"\"").map_or(line, |line| line.trim_ascii_end());
    let line = line.strip_suffix(b"\"").unwrap_or(line);
    match line {
        [
            b's' | b'S',
            b'e' | b'E',
            b'p' | b'P',
            b'=',
            mark @ (b',' | b';' | b'\t' | b'|'),
            more @ ..,
        ] if more.trim_ascii().is_empty() => {
            (*mark, rest.strip_prefix(b"\r\n").or_else(|| rest.get(1..)).unwrap_or_default())
        }
        _ => (COMMA, bytes),
    }
}

fn is_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

struct Reader<'a> {
    rest: &'a [u8],
    line: u64,
    separator: u8,
}

impl Reader<'_> {
    fn record(&mut self) -> Result<Record, OpenQuote> {
        let line = self.line;
        let mut cells = Vec::new();
        loop {
            let open = OpenQuote { line, cell: cells.len() };
            cells.push(self.cell().ok_or(open)?);
            match self.next() {
                Some(byte) if byte == self.separator => {}
                _ => return Ok(Record { line, cells }),
            }
        }
    }

    /// The cell up to its separator, the end of its line or of the file; `None` if its quote is
    /// not closed.
    fn cell(&mut self) -> Option<Cell> {
        let blanks = self.blanks();
        self.rest = &self.rest[blanks..];
        if self.rest.first() != Some(&b'"') {
            let text = self.plain();
            let kept = text.len() - text.iter().rev().take_while(|byte| is_blank(**byte)).count();
            let fault = text.contains(&b'"').then_some(INSIDE);
            return Some(Cell { bytes: text[..kept].to_vec(), cut: text[kept..].to_vec(), fault });
        }
        self.next();
        let mut bytes = Vec::new();
        loop {
            match self.next()? {
                b'"' if self.rest.first() == Some(&b'"') => {
                    self.next();
                    bytes.push(b'"');
                }
                b'"' => break,
                byte => bytes.push(byte),
            }
        }
        let fault = (!self.plain().iter().all(|byte| is_blank(*byte))).then_some(BEHIND);
        Some(Cell { bytes, cut: Vec::new(), fault })
    }

    /// Blanks from here on; a tab is one unless it separates.
    fn blanks(&self) -> usize {
        let is_blank = |byte: &&u8| is_blank(**byte) && **byte != self.separator;
        self.rest.iter().take_while(is_blank).count()
    }

    /// What stands before the next separator or end of a line.
    fn plain(&mut self) -> Vec<u8> {
        let is_end = |byte: &u8| is_end(*byte) || *byte == self.separator;
        let end = self.rest.iter().position(is_end).unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        text.to_vec()
    }

    /// The next byte; `\r\n` is one end of a line, given as `\n`.
    fn next(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        if byte == b'\r' && rest.first() == Some(&b'\n') {
            self.rest = &rest[1..];
        }
        self.line += u64::from(is_end(byte));
        Some(if byte == b'\r' { b'\n' } else { byte })
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines with cells, `~` before those with a fault, `_` for each blank that was cut.
    fn read(text: &str) -> Vec<String> {
        let cell = |cell: &Cell| {
            let mark = if cell.fault.is_some() { "~" } else { "" };
            let text = String::from_utf8_lossy(&cell.bytes);
            format!("{mark}{text}{}", "_".repeat(cell.cut.len()))
        };
        let record = |record: &Record| {
            let cells: Vec<String> = record.cells.iter().map(cell).collect();
            format!("{} {}", record.line, cells.join("|"))
        };
        records(text.as_bytes()).unwrap().iter().map(record).collect()
    }

    #[test]
    fn a_cell_is_what_stands_in_its_quotes() {
        for (text, expected) in [
            ("a,b\nc,d", &["1 a|b", "2 c|d"][..]),
            ("a,b\r\nc,d\r\n", &["1 a|b", "2 c|d"]),
            ("a,b\rc,d\r", &["1 a|b", "2 c|d"]),
            ("\"a \",\" b\"", &["1 a | b"]),
            ("a , b\t,c", &["1 a_|b_|c"]),
            ("  \"a\" , \"b\"\t", &["1 a|b"]),
            ("\"a,\"\"b\"\"\",c", &["1 a,\"b\"|c"]),
            ("\"a\nb\",c\nd", &["1 a\nb|c", "3 d"]),
            ("\n\na\n,,\n \t\nb", &["3 a", "6 b"]),
            ("sep=,\na,b", &["2 a|b"]),
            ("SEP=;\r\na;\"b;\"", &["2 a|b;"]),
            ("\"sep=,\"\r\na,b", &["2 a|b"]),
            ("sep=\t\na\tb", &["2 a|b"]),
            ("sep=,,\na", &["1 sep=||", "2 a"]),
            ("a\"b,c", &["1 ~a\"b|c"]),
            ("\"a\"b,c", &["1 ~a|c"]),
            ("a,\"\"", &["1 a|"]),
            ("", &[]),
        ] {
            assert_eq!(read(text), expected, "{text:?}");
        }
        assert_eq!(records(b"a\nb,\"c"), Err(OpenQuote { line: 2, cell: 1 }));
    }
}
