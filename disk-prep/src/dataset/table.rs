//! A CSV file as a table whose columns are known: found by name in either case, in any order.
//! Takes what Windows and Excel write: byte order mark, CRLF, quotes, a line `sep=,`, rows and
//! columns of nothing but commas. What a cell means is the affair of the file that has the column.

use std::fmt;

use super::cells::{Cell, OpenQuote, Record, records};

/// What is wrong in a CSV file, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CsvFault {
    /// Line of the file, from 1.
    pub line: u64,
    /// The column's name as the file has it, or its number if it has none.
    pub column: String,
    /// What is wrong, and what to write instead.
    pub fault: String,
}

impl fmt::Display for CsvFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.fault)
    }
}

/// A column that a file may have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    /// Its names in all generations.
    pub names: &'static [&'static str],
    /// Whether a file without it makes no sense.
    pub required: bool,
}

/// A file whose header was understood.
#[derive(Debug)]
pub(super) struct Table {
    /// Of each known column, where it stands and its name as the file has it.
    places: Vec<Option<(usize, String)>>,
    known: &'static [Column],
    rows: Vec<Row>,
    /// What is wrong so far.
    pub faults: Vec<CsvFault>,
}

/// A row with as many cells as the header.
#[derive(Debug)]
pub(super) struct Row {
    /// The line that it begins at.
    pub line: u64,
    cells: Vec<Text>,
}

/// A cell as text.
#[derive(Debug)]
struct Text {
    text: String,
    /// With the blanks at its end that do not count, if it has such.
    as_written: Option<String>,
}

impl Table {
    /// Reads a file that has these columns.
    pub fn read(bytes: &[u8], known: &'static [Column]) -> Table {
        let mut table =
            Table { places: vec![None; known.len()], known, rows: Vec::new(), faults: Vec::new() };
        let first = known.first().and_then(|column| column.names.first()).unwrap_or(&"1");
        let mut fault = |line, fault: &str| {
            table.faults.push(CsvFault { line, column: (*first).to_owned(), fault: fault.into() });
        };
        if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            fault(1, "the file is UTF-16; save it as UTF-8");
            return table;
        }
        let records = match records(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)) {
            Ok(records) => records,
            Err(OpenQuote { line, cell }) => {
                let column = table.name_at(bytes, cell);
                let fault = "a quote is not closed".to_owned();
                table.faults.push(CsvFault { line, column, fault });
                return table;
            }
        };
        let Some((header, rows)) = records.split_first() else {
            fault(1, "the file is empty; its first line names the columns");
            return table;
        };
        let mut names: Vec<String> = header.cells.iter().map(header_name).collect();
        names.truncate(names.iter().rposition(|name| !name.is_empty()).map_or(0, |at| at + 1));
        table.read_header(header, &names);
        if rows.is_empty() && table.faults.is_empty() {
            let column = table.name(0).to_owned();
            let fault = "there is no row below the names of the columns".to_owned();
            table.faults.push(CsvFault { line: header.line, column, fault });
        }
        for record in rows {
            table.read_row(record, &names);
        }
        table
    }

    /// The name of a column of a file that cannot be read as a whole, as far as it is known.
    fn name_at(&self, bytes: &[u8], place: usize) -> String {
        let end = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
        let header = records(&bytes[..end.unwrap_or(bytes.len())]).unwrap_or_default();
        let cell = header.first().and_then(|header| header.cells.get(place));
        cell.map(header_name)
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| (place + 1).to_string())
    }

    /// The rows with as many cells as the header; faults of others are noted already.
    pub fn take_rows(&mut self) -> Vec<Row> {
        std::mem::take(&mut self.rows)
    }

    /// Whether the file has the column.
    pub fn has(&self, column: usize) -> bool {
        self.places[column].is_some()
    }

    /// The column's name as the file has it.
    pub fn name(&self, column: usize) -> &str {
        match &self.places[column] {
            Some((_, name)) => name,
            None => self.known[column].names[0],
        }
    }

    /// The cell of a row: as it is quoted, else without blanks around it; `None` if the file has no
    /// such column.
    pub fn cell<'a>(&self, row: &'a Row, column: usize) -> Option<&'a str> {
        let (place, _) = self.places[column].as_ref()?;
        row.cells.get(*place).map(|cell| cell.text.as_str())
    }

    /// The cell with blanks at its end that [`Table::cell`] does not count, if it has such.
    pub fn as_written<'a>(&self, row: &'a Row, column: usize) -> Option<&'a str> {
        let (place, _) = self.places[column].as_ref()?;
        row.cells.get(*place)?.as_written.as_deref()
    }

    /// Notes a fault of a cell.
    pub fn fault(&mut self, line: u64, column: usize, fault: impl Into<String>) {
        let column = self.name(column).to_owned();
        self.faults.push(CsvFault { line, column, fault: fault.into() });
    }

    /// What was made of the rows, or all faults in the order of lines.
    pub fn finish<T>(mut self, rows: Vec<T>) -> Result<Vec<T>, Vec<CsvFault>> {
        // Within a line the faults keep the order in which they were found: that of columns.
        self.faults.sort_by_key(|fault| fault.line);
        if self.faults.is_empty() { Ok(rows) } else { Err(self.faults) }
    }

    fn read_header(&mut self, header: &Record, names: &[String]) {
        let line = header.line;
        let is_named = |column: &Column, name: &str| {
            column.names.iter().any(|known| known.eq_ignore_ascii_case(name))
        };
        let expected: Vec<&str> = self.known.iter().map(|column| column.names[0]).collect();
        let expected = expected.join(",");
        let mut fault = |fault: &str| {
            self.faults.push(CsvFault { line, column: "1".into(), fault: fault.into() });
        };
        if let [only] = names
            && only.contains([';', '\t'])
        {
            fault("the columns are not separated by commas; save the file with commas");
            return;
        }
        if names.iter().any(|name| name.contains('\0')) {
            fault("there is a zero byte in it, as in UTF-16; save the file as UTF-8");
            return;
        }
        if names.first().is_some_and(|name| name.to_ascii_lowercase().starts_with("sep=")) {
            fault("the line sep= names no separator that is known; leave it out and use commas");
            return;
        }
        if !names.iter().any(|name| self.known.iter().any(|column| is_named(column, name))) {
            let fault = format!("the first line names no column; it should be {expected}");
            self.faults.push(CsvFault { line, column: self.known[0].names[0].into(), fault });
            return;
        }
        for (place, name) in names.iter().enumerate() {
            let mut fault = |fault: String| {
                let column = if name.is_empty() { (place + 1).to_string() } else { name.clone() };
                self.faults.push(CsvFault { line, column, fault });
            };
            match self.known.iter().position(|column| is_named(column, name)) {
                None if name.is_empty() => fault("the column has no name".into()),
                None => fault(format!("there is no such column; the columns are {expected}")),
                Some(column) if self.places[column].is_some() => {
                    fault("the column stands twice".into());
                }
                Some(column) => self.places[column] = Some((place, name.clone())),
            }
        }
        for (column, known) in self.known.iter().enumerate() {
            if known.required && self.places[column].is_none() {
                self.fault(line, column, "the column is missing");
            }
        }
    }

    fn read_row(&mut self, record: &Record, names: &[String]) {
        let (line, cells, told) = (record.line, &record.cells, self.faults.len());
        let name = |place: usize| match names.get(place) {
            Some(name) if !name.is_empty() => name.clone(),
            _ => (place + 1).to_string(),
        };
        let mut fault = |place: usize, fault: String| {
            self.faults.push(CsvFault { line, column: name(place), fault });
        };
        let count = cells.len();
        if count < names.len() {
            fault(count, format!("the row ends before it: {count} cells of {}", names.len()));
        }
        let excess = (names.len()..count).find(|&place| !cells[place].bytes.is_empty());
        if let Some(place) = excess {
            let fault_text = format!(
                "the row has {count} cells, the header {}; put quotes around a cell with a comma",
                names.len()
            );
            fault(place, fault_text);
        }
        for (place, cell) in cells.iter().enumerate() {
            if let Some(text) = cell.fault {
                fault(place, text.to_owned());
            }
            match std::str::from_utf8(&cell.bytes) {
                Err(_) => fault(place, "it is not UTF-8; save the file as UTF-8".into()),
                Ok(text) if text.contains('\0') => {
                    fault(place, "there is a zero byte in it; save the file as UTF-8".into());
                }
                Ok(text) if text.contains('\n') => {
                    fault(place, "there is a line break in it; a quote may be missing".into());
                }
                Ok(_) => {}
            }
        }
        if self.faults.len() == told {
            self.rows.push(Row { line, cells: cells.iter().map(text).collect() });
        }
    }
}

/// Around the name of a column blanks never count.
fn header_name(cell: &Cell) -> String {
    String::from_utf8_lossy(&cell.bytes).trim().to_owned()
}

fn text(cell: &Cell) -> Text {
    let text = String::from_utf8_lossy(&cell.bytes).into_owned();
    let blanks = String::from_utf8_lossy(&cell.cut);
    let as_written = (!blanks.is_empty()).then(|| format!("{text}{blanks}"));
    Text { text, as_written }
}
