//! The rehearsal as a page for whoever decides: what it came to, each step with its commands and how
//! long it took, how full each drive is.

use std::path::Path;

use disk_prep::sys::durable::{self, Access};

use super::place::Error;
use super::script::{STEPS, StepEnded};
use super::summary::{DriveMap, Summary};

const STYLE: &str = "body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}\
    pre{background:#f3f3f3;padding:.5em;white-space:pre-wrap;overflow-wrap:anywhere}\
    table{border-collapse:collapse}td,th{padding:.2em .8em .2em 0;text-align:left}\
    .map{display:block;width:30em;max-width:100%;height:1.2em;background:#ddd}\
    .map i{display:block;height:100%;background:#27608b}";

fn escape(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}

impl Summary {
    /// Writes the page.
    pub fn write_report(&self, path: &Path) -> Result<(), Error> {
        let sections = self.sections().into_iter().map(|(title, lines)| {
            let items: String =
                lines.iter().map(|line| format!("<li>{}</li>", escape(line))).collect();
            format!("<h2>{title}</h2><ul>{items}</ul>\n")
        });
        let maps: String = self.maps.iter().map(map).collect();
        let steps: String = self.steps.iter().map(step).collect();
        let page = format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><meta charset=\"utf-8\">\
             <title>Rehearsal</title><style>{STYLE}</style>\n<h1>Rehearsal</h1>\n{}\
             <h2>How full the drives are</h2><table>{maps}</table>\n\
             <h2>What was done</h2>\n{steps}</html>\n",
            sections.collect::<String>()
        );
        durable::write(path, page.as_bytes(), Access::Public)
            .map_err(|source| Error::Folder { path: path.to_owned(), source })
    }
}

/// A drive as a bar; what is not the seed's is the volume's own or free.
fn map(own: &DriveMap) -> String {
    let share = own.used.0.saturating_mul(100).checked_div(own.whole.0).unwrap_or(0).min(100);
    format!(
        "<tr><th>{}</th><td><span class=\"map\"><i style=\"width:{share}%\"></i></span></td>\
         <td>{} in {} of {}</td></tr>\n",
        escape(own.serial.as_str()),
        disk_prep::noun::count(own.files, "file"),
        own.used,
        own.whole
    )
}

/// A step with its commands and its time.
fn step(own: &StepEnded) -> String {
    let title = STEPS.get(own.number.saturating_sub(1)).copied().unwrap_or_default();
    let commands: Vec<String> = own.commands.iter().map(|text| escape(text)).collect();
    let typed = match commands.is_empty() {
        true => String::new(),
        false => format!("<pre>{}</pre>", commands.join("\n")),
    };
    format!("<h3>{}. {title} ({:.1} s)</h3>{typed}\n", own.number, own.took.as_secs_f64())
}
