//! The page of a custody log, for auditors: one file that needs no other, to be printed. Whatever
//! others wrote is shown as text.

use disk_prep::noun::visible_line;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment};
use serde::Serialize;

use super::custody_words::{detail, who};
use crate::custody::Link;
use crate::journey::custody_look::Looked;

const PAGE: &str = include_str!("custody.html");

#[derive(Serialize)]
struct Page {
    path: String,
    entries: Vec<EntryView>,
    faults: Vec<String>,
    last_hash: Option<String>,
}

#[derive(Serialize)]
struct EntryView {
    number: u64,
    at: String,
    deed: String,
    drives: Vec<String>,
    detail: String,
    who: String,
    report: Option<String>,
    hash: String,
}

fn visible(text: &str) -> String {
    visible_line(text).to_string()
}

fn entry(link: &Link) -> EntryView {
    let (entry, deed) = (&link.entry, &link.entry.deed);
    EntryView {
        number: entry.number,
        at: entry.at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        deed: deed.word().to_owned(),
        drives: deed.drives().into_iter().map(visible).collect(),
        detail: visible(&detail(deed)),
        who: visible(&who(&entry.by)),
        report: entry.report.as_ref().map(|own| visible(&format!("{} {}", own.name, own.sha256))),
        hash: link.hash.to_string(),
    }
}

/// The page.
pub(super) fn html(looked: &Looked) -> String {
    let chain = &looked.chain;
    let page = Page {
        path: visible(&looked.path.display().to_string()),
        entries: chain.links.iter().map(entry).collect(),
        faults: chain.faults.iter().map(|fault| visible(&fault.to_string())).collect(),
        last_hash: chain.last().map(|link| link.hash.to_string()),
    };
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment
        .add_template("page", PAGE)
        .and_then(|()| environment.get_template("page")?.render(Serde(page)))
        .expect("the template and what it shows are of this program")
}

#[cfg(test)]
mod tests {
    use disk_prep::noun::Sha256Digest;
    use jiff::Timestamp;

    use super::*;
    use crate::custody::{Chain, Deed, Entry, Fault, Who};

    fn looked(text: &str) -> Looked {
        let own = || text.to_owned();
        let by =
            Who { user: own(), login: Some(own()), host: own(), machine: own(), program: own() };
        let deed = Deed::Shipped {
            job: own(),
            carrier: own(),
            tracking_number: own(),
            drives: vec![own()],
        };
        let previous = Sha256Digest::new([0; 32]);
        let (version, number, at, report) = (1, 1, Timestamp::UNIX_EPOCH, None);
        let entry = Entry { version, number, previous, at, by, deed, report };
        let link = Link { line: 1, hash: previous, entry };
        let faults = vec![Fault::Report { line: 1, name: own() }];
        let chain = Chain { links: vec![link], faults, ..Chain::default() };
        Looked { path: own().into(), chain }
    }

    #[test]
    fn what_others_wrote_is_text_and_the_page_needs_nothing_from_elsewhere() {
        let plain = html(&looked("plain"));
        let hostile = html(&looked("<script>alert('\"&\u{202e}\u{1b}[2J')</script>"));
        assert_eq!(plain.matches('<').count(), hostile.matches('<').count());
        assert!(!hostile.contains(['\u{202e}', '\u{1b}']) && hostile.contains("&lt;script&gt;"));
        for elsewhere in ["src=", "href=", "url(", "@import", "<link", "<script"] {
            assert!(!plain.contains(elsewhere), "{elsewhere}");
        }
        for part in ["shipped", "plain as plain@plain", "1970-01-01 00:00:00 UTC", "is not whole"] {
            assert!(plain.contains(part), "{part}\n{plain}");
        }
        let mut whole = looked("plain");
        whole.chain.faults.clear();
        assert!(html(&whole).contains("is whole"));
    }
}
