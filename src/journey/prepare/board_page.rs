//! How far a preparation is, as a page that needs no server and loads itself again.

use disk_prep::noun::{ByteSize, Serial, count};

use super::board::{DriveStanding, PrepStanding};

/// Seconds until a browser reads it again.
const AGAIN_SECS: u64 = 10;
const STYLE: &str = "body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}\
    table{border-collapse:collapse}td,th{padding:.2em .8em .2em 0;text-align:left}\
    .map{display:block;width:20em;max-width:100%;height:1.2em;background:#ddd}\
    .map i{display:block;height:100%;background:#27608b}";

fn escape(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}

impl PrepStanding {
    /// The page; of a run that has ended it stays as it is.
    pub(super) fn page(&self) -> String {
        let again = match self.has_ended {
            true => String::new(),
            false => format!("<meta http-equiv=\"refresh\" content=\"{AGAIN_SECS}\">"),
        };
        let (job, host) = (escape(self.job.as_str()), escape(&self.host));
        let state = if self.has_ended { "has ended" } else { "goes on" };
        let rows: String = self.drives.iter().map(row).collect();
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><meta charset=\"utf-8\">{again}\
             <title>Drives of {job}</title><style>{STYLE}</style>\n<h1>Drives of {job}</h1>\n\
             <p>The run on {host}, begun {}, {state}. Written {}.</p>\n\
             <table>{rows}</table></html>\n",
            self.begun.strftime("%Y-%m-%d %H:%M UTC"),
            self.at.strftime("%Y-%m-%d %H:%M:%S UTC"),
        )
    }
}

fn row((serial, own): (&Serial, &DriveStanding)) -> String {
    let done = own.done_bytes.min(own.total_bytes);
    let share = (u128::from(done) * 100).checked_div(u128::from(own.total_bytes)).unwrap_or(0);
    let share = if own.is_sealed { 100 } else { share };
    let bytes = match own.total_bytes {
        0 => String::new(),
        total => format!("{} of {}", ByteSize(done), ByteSize(total)),
    };
    let left = own.seconds_left().filter(|_| own.failed.is_none() && !own.is_sealed);
    let left = left.map(|secs| format!("about {} left", count(secs.div_ceil(60), "minute")));
    let left_out = (own.left_out > 0).then(|| format!("{} left out", count(own.left_out, "file")));
    let more: Vec<String> = left.into_iter().chain(left_out).collect();
    format!(
        "<tr><th>{}</th><td>{}</td>\
         <td><span class=\"map\"><i style=\"width:{share}%\"></i></span></td>\
         <td>{bytes}</td><td>{}</td></tr>\n",
        escape(serial.as_str()),
        own.word(),
        more.join(", ")
    )
}
