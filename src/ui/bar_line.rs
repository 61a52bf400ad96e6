//! What stands in the lines of the bars, at any width: what there is no room for is left out, the
//! least wanted first, and no line is longer than the terminal is wide.

use disk_prep::noun::ByteSize;

use super::progress::clock;

/// Columns of a bar at its longest, and at its shortest.
const LONGEST_BAR: usize = 24;
const SHORTEST_BAR: usize = 6;
/// Columns of a name that has room.
const NAME: usize = 20;
/// Columns of the longest step.
const STEP: usize = 6;
/// Lines that stay free for what is told beside the bars.
const SPARE_ROWS: usize = 2;

/// The size of a terminal, in characters.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    pub columns: usize,
    pub rows: usize,
}

/// Something that goes on.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub name: String,
    pub step: &'static str,
    pub done_bytes: u64,
    /// 0 while nobody knows.
    pub total_bytes: u64,
    /// `None` while nobody knows.
    pub bytes_per_second: Option<u64>,
}

impl Row {
    fn seconds_left(&self) -> Option<u64> {
        let left = self.total_bytes.saturating_sub(self.done_bytes);
        self.bytes_per_second.filter(|_| self.total_bytes > 0).map(|speed| left.div_ceil(speed))
    }
}

/// The lines for these drives, which are sorted, all of them together, and what is of no drive.
pub(super) fn lines(
    drives: &[Row],
    total: Option<&Row>,
    task: Option<&Row>,
    size: Size,
) -> Vec<String> {
    let others = usize::from(total.is_some()) + usize::from(task.is_some());
    let room = size.rows.saturating_sub(others + SPARE_ROWS).max(1);
    let mut all = if drives.len() > room {
        vec![cut(&summary(drives), size.columns)]
    } else {
        drives.iter().map(|row| line(row, size.columns)).collect()
    };
    all.extend(total.into_iter().chain(task).map(|row| line(row, size.columns)));
    all
}

/// Many drives in one line: how many are at which step, and the one that will take longest.
fn summary(drives: &[Row]) -> String {
    let mut steps: Vec<(&str, usize)> = Vec::new();
    for row in drives {
        match steps.iter_mut().find(|(step, _)| *step == row.step) {
            Some((_, count)) => *count += 1,
            None => steps.push((row.step, 1)),
        }
    }
    let steps: Vec<String> = steps.iter().map(|(step, count)| format!("{count} {step}")).collect();
    let slowest = drives.iter().filter_map(|row| Some((row.seconds_left()?, row)));
    let slowest =
        slowest.max_by_key(|(seconds, _)| *seconds).map_or(String::new(), |(left, row)| {
            format!("; slowest {}, {} left", row.name, clock(left))
        });
    format!("{} drives: {}{slowest}", drives.len(), steps.join(", "))
}

/// One line: name, step, bar, bytes, speed, time left.
fn line(row: &Row, columns: usize) -> String {
    let name = format!("{:<NAME$}", row.name);
    if row.total_bytes == 0 {
        let done = match row.done_bytes {
            0 => String::new(),
            bytes => format!(" {}", ByteSize(bytes)),
        };
        return cut(&format!("{name} {}{done}", row.step), columns);
    }
    let step = match row.step {
        "" => String::new(),
        step => format!(" {step:<STEP$}"),
    };
    let done = row.done_bytes.min(row.total_bytes);
    let bytes = format!("{} of {}", ByteSize(done), ByteSize(row.total_bytes));
    let speed = row.bytes_per_second.map(|speed| format!("{}/s", ByteSize(speed)));
    let left = row.seconds_left().map(|seconds| format!("{} left", clock(seconds)));
    let percent = format!("{:>3} %", u128::from(done) * 100 / u128::from(row.total_bytes));
    // From all that can be told to the least that says something.
    let tails = [
        vec![Some(bytes.clone()), speed, left.clone()],
        vec![Some(bytes), left.clone()],
        vec![Some(percent.clone()), left],
        vec![Some(percent)],
    ];
    for tail in tails {
        let tail = tail.into_iter().flatten().collect::<Vec<_>>().join("  ");
        let used = chars(&name) + chars(&step) + chars(&tail) + 4;
        if used + SHORTEST_BAR <= columns {
            let width = (columns - used).min(LONGEST_BAR);
            return format!("{name}{step} [{}] {tail}", bar(done, row.total_bytes, width));
        }
    }
    let percent = u128::from(done) * 100 / u128::from(row.total_bytes);
    cut(&format!("{}{step} {percent} %", row.name), columns)
}

fn bar(done: u64, total: u64, width: usize) -> String {
    let full = (u128::from(done) * width as u128 / u128::from(total)) as usize;
    format!("{}{}", "#".repeat(full), "-".repeat(width - full))
}

fn chars(text: &str) -> usize {
    text.chars().count()
}

/// A text that is no longer than this; its end is left out, and that is seen.
fn cut(text: &str, columns: usize) -> String {
    let text = text.trim_end();
    if chars(text) <= columns {
        return text.to_owned();
    }
    let kept: String = text.chars().take(columns.saturating_sub(1)).collect();
    if columns == 0 { kept } else { kept + "…" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: u64) -> Row {
        Row {
            name: format!("WD-WX41A{number:02}"),
            step: "fill",
            done_bytes: number * 1_000_000_000,
            total_bytes: 4_000_000_000_000,
            bytes_per_second: (number > 0).then_some(number * 10_000_000),
        }
    }

    #[test]
    fn no_line_is_longer_than_the_terminal_is_wide_and_none_tells_what_nobody_knows() {
        for columns in 0..140 {
            for row in [row(0), row(9), Row { total_bytes: 0, ..row(9) }] {
                let text = line(&row, columns);
                assert!(chars(&text) <= columns, "{columns}: {text}");
            }
        }
        let wide = line(&row(9), 120);
        assert!(wide.ends_with("9.00 GB of 4.00 TB  90.0 MB/s  12 h 19 min left"), "{wide}");
        let usual = line(&row(9), 80);
        assert!(usual.contains("] 9.00 GB of 4.00 TB  ") && usual.ends_with(" left"), "{usual}");
        let begun = line(&row(0), 80);
        assert!(!begun.contains("/s") && !begun.contains("left"), "{begun}");
        let over = Row { done_bytes: 5, total_bytes: 4, ..row(9) };
        assert!(line(&over, 80).contains("4 B of 4 B"), "no more than there is");
    }

    #[test]
    fn more_drives_than_lines_are_one_line_that_names_the_slowest() {
        let rows: Vec<Row> = (1..=12).map(row).collect();
        let total = Row { name: "total".to_owned(), ..row(50) };
        let at = |rows_of_terminal| {
            lines(&rows, Some(&total), None, Size { columns: 80, rows: rows_of_terminal })
        };
        let all = at(24);
        assert_eq!(all.len(), 13);
        assert!(all[0].starts_with("WD-WX41A01") && all[11].starts_with("WD-WX41A12"), "{all:?}");
        assert!(all[12].starts_with("total"), "{all:?}");
        let few = at(10);
        assert_eq!(few.len(), 2, "{few:?}");
        assert_eq!(few[0], "12 drives: 12 fill; slowest WD-WX41A01, 111 h 5 min left");
    }
}
