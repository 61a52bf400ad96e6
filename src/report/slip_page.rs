//! The page of a parcel's papers: one file that needs no other, to be printed. Whatever others wrote
//! is shown as text.

use disk_prep::noun::{ByteSize, count, visible_line};
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Value};
use qrcode::QrCode;
use qrcode::render::svg;
use serde::Serialize;

use crate::import_job::ShippingAddress;
use crate::journey::job::{Slip, SlipDrive, Slips, Stretch, label};

/// What a packer looks at before the parcel is closed (`azure-import-export` 2.5).
const CHECKLIST: [&str; 8] = [
    "Only the drives of this job are in the parcel: compare them with `azseed pack check SERIAL…`",
    "No cables, adapters, screws or enclosures",
    "Each drive has its label, and lies in an antistatic bag",
    "The drives cannot move, and padding lies around them",
    "One parcel, one tracking number: no other job has it",
    "The carrier tells where the parcel is, and the number can be followed",
    "The recovery passwords are not in the parcel, on paper or otherwise",
    "Once it is handed over: `azseed job ship` with carrier and number",
];

/// Regions, by the beginning of their names, whose datacenters take in a parcel only with more
/// (`azure-import-export` 2.5).
const INBOUND: [(&[&str], &str); 2] = [
    (
        &["australia", "germany", "uksouth"],
        "This region's datacenter wants an Inbound ID on the parcel: its operators send it by mail, \
         ask for it before you send anything",
    ),
    (
        &["centralindia", "southindia", "westindia", "jioindia"],
        "This region's datacenter wants the driver's ID, the vehicle's plate and a delivery challan: \
         agree on them with its operators before you send anything",
    ),
];

/// What a packer looks at for these parcels.
pub(super) fn checklist(slips: &[Slip]) -> Vec<&'static str> {
    let name = |slip: &Slip| slip.job.location.to_lowercase().replace(' ', "");
    let regions: Vec<String> = slips.iter().map(name).collect();
    let is_meant = |begins: &[&str]| {
        regions.iter().any(|region| begins.iter().any(|begin| region.starts_with(begin)))
    };
    let more = INBOUND.iter().filter(|(begins, _)| is_meant(begins)).map(|(_, text)| *text);
    CHECKLIST.into_iter().chain(more).collect()
}

const PAGE: &str = include_str!("slip.html");
/// Points of a label's code on each side, at least.
const CODE_POINTS: u32 = 120;

#[derive(Serialize)]
struct Page<'a> {
    made: String,
    checklist: Vec<Item<'a>>,
    parcels: Vec<ParcelView>,
}

/// A line of the list; what stands between back quotes is a command.
#[derive(Serialize)]
struct Item<'a> {
    before: &'a str,
    command: &'a str,
    after: &'a str,
}

#[derive(Serialize)]
struct ParcelView {
    job: String,
    service: String,
    region: String,
    state: String,
    id: String,
    count: String,
    ship_to: Vec<String>,
    return_to: Vec<String>,
    carrier: String,
    drives: Vec<DriveView>,
}

#[derive(Serialize)]
struct DriveView {
    serial: String,
    model: String,
    size: String,
    content: String,
    manifest: String,
    code: Value,
    rows: Vec<RowView>,
    more: String,
}

#[derive(Serialize)]
struct RowView {
    folder: String,
    first: String,
    last: String,
    content: String,
    bytes: u64,
    percent: u64,
    share: String,
}

/// The page of all parcels, a section each.
pub(super) fn html(slips: &Slips) -> String {
    let mut pages = Environment::new();
    // Whatever the template is called, what is put in is text and no markup.
    pages.set_auto_escape_callback(|_| AutoEscape::Html);
    let page = Page {
        made: slips.at.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        checklist: checklist(&slips.slips).into_iter().map(item).collect(),
        parcels: slips.slips.iter().map(parcel).collect(),
    };
    let made = pages.render_str(PAGE, Serde(page));
    made.expect("the page is a part of the program, and its tests fill it")
}

fn item(text: &str) -> Item<'_> {
    let mut parts = text.splitn(3, '`');
    let mut next = || parts.next().unwrap_or_default();
    Item { before: next(), command: next(), after: next() }
}

fn shown(text: &str) -> String {
    visible_line(text).into_owned()
}

fn lines(address: &ShippingAddress) -> Vec<String> {
    let parts = address.lines.iter().chain([&address.phone, &address.remark]);
    parts.filter(|part| !part.is_empty()).map(|part| shown(part)).collect()
}

fn parcel(slip: &Slip) -> ParcelView {
    let Slip { job, ship_to, drives } = slip;
    ParcelView {
        job: shown(&job.name),
        service: job.service.to_string(),
        region: shown(&job.location),
        state: shown(job.state.word()),
        id: shown(&job.id),
        count: count(drives.len(), "drive"),
        ship_to: lines(ship_to),
        return_to: job.return_to.as_ref().map(lines).unwrap_or_default(),
        carrier: job.return_carrier.as_deref().map(shown).unwrap_or_default(),
        drives: drives.iter().map(|own| drive(&job.name, own)).collect(),
    }
}

fn drive(job: &str, drive: &SlipDrive) -> DriveView {
    let known = drive.known.as_ref();
    let total = known.map_or(0, |own| own.bytes);
    let more = known.map_or(0, |own| own.more_folders);
    let content = |files, bytes| format!("{}, {}", count(files, "file"), ByteSize(bytes));
    DriveView {
        serial: shown(&drive.serial),
        model: known.and_then(|own| own.model.as_deref()).map(shown).unwrap_or_default(),
        size: known.map(|own| ByteSize(own.drive_bytes).to_string()).unwrap_or_default(),
        content: known.map(|own| content(own.files, own.bytes)).unwrap_or_default(),
        manifest: known.map(|own| shown(&own.manifest_hash)).unwrap_or_default(),
        code: code(&label(job, &drive.serial)),
        rows: known
            .map(|own| own.map.iter().map(|row| view(row, total)).collect())
            .unwrap_or_default(),
        more: if more > 0 { format!("and {}", count(more, "more folder")) } else { String::new() },
    }
}

fn view(own: &Stretch, total: u64) -> RowView {
    let share = u128::from(own.bytes) * 100;
    let percent = share.checked_div(u128::from(total)).unwrap_or(0).min(100);
    RowView {
        folder: shown(&own.folder),
        first: shown(&own.first),
        last: if own.last == own.first { String::new() } else { shown(&own.last) },
        bytes: own.bytes,
        share: match percent {
            0 if own.bytes > 0 => "under 1 %".to_owned(),
            percent => format!("{percent} %"),
        },
        content: format!("{}, {}", count(own.files, "file"), ByteSize(own.bytes)),
        percent: u64::try_from(percent).unwrap_or(100),
    }
}

/// The code as a picture. A serial that is too long for one comes from no drive; its label has
/// none.
fn code(text: &str) -> Value {
    let Ok(code) = QrCode::new(text) else { return Value::from("") };
    let picture = code.render::<svg::Color<'_>>().min_dimensions(CODE_POINTS, CODE_POINTS).build();
    // The prolog of a file of its own has no place within a page.
    let start = picture.find("<svg").unwrap_or(0);
    Value::from_safe_string(picture[start..].to_owned())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::import_job::{DriveStage, Job, JobStage};
    use crate::journey::job::DriveFacts;

    fn slips(hostile: &str) -> Slips {
        let text = || hostile.to_owned();
        let address = || ShippingAddress { lines: vec![text()], phone: text(), remark: text() };
        let job = Job {
            id: text(),
            name: text(),
            location: text(),
            return_to: Some(address()),
            return_carrier: Some(text()),
            ..Job::sample(JobStage::Waiting, &[], DriveStage::Named)
        };
        let row = Stretch { folder: text(), first: text(), last: text(), files: 1, bytes: 50 };
        let known = DriveFacts {
            model: Some(text()),
            drive_bytes: 200,
            files: 2,
            bytes: 100,
            manifest_hash: text(),
            map: vec![row],
            more_folders: 3,
        };
        let drives = vec![
            SlipDrive { serial: text(), known: Some(known) },
            SlipDrive { serial: "S2".to_owned(), known: None },
        ];
        let ship_to = address();
        Slips { slips: vec![Slip { job, ship_to, drives }], at: Timestamp::UNIX_EPOCH }
    }

    #[test]
    fn a_region_whose_datacenter_wants_more_says_so() {
        let said = |region: &str| {
            let mut slips = slips("x");
            slips.slips[0].job.location = region.to_owned();
            checklist(&slips.slips)[CHECKLIST.len()..].join(" ")
        };
        for region in ["australiaeast", "Germany West Central", "UK South"] {
            assert!(said(region).contains("Inbound ID"), "{region}");
        }
        assert!(said("Central India").contains("challan"));
        for region in ["westus", "ukwest", "x"] {
            assert_eq!(said(region), "", "{region}");
        }
    }

    #[test]
    fn what_others_wrote_is_text_wherever_it_stands() {
        let plain = html(&slips("plain"));
        let hostile = html(&slips("<script>alert('\"&\u{202e}\u{1b}[2J')</script>"));
        let marks = |page: &str| page.matches('<').count() - page.matches("<rect").count();
        assert!(!hostile.contains("<script") && !hostile.contains(['\u{202e}', '\u{1b}']));
        // No more marks than with a harmless word: the codes differ, but each is one path.
        assert_eq!(marks(&plain), marks(&hostile));
        assert!(hostile.contains("&lt;script&gt;") && hostile.contains("\\u{202e}"));
    }

    #[test]
    fn a_page_needs_nothing_from_elsewhere_and_has_a_code_for_each_drive() {
        let page = html(&slips("plain"));
        assert_eq!(page.matches("<svg").count(), 2);
        for elsewhere in ["src=", "href=", "url(", "@import", "<link", "<script"] {
            assert!(!page.contains(elsewhere), "{elsewhere}");
        }
        for part in ["50 %", "and 3 more folders", "1970-01-01", "S2", "<!DOCTYPE html>"] {
            assert!(page.contains(part), "{part}\n{page}");
        }
        let plain = page.replace("<code>", "`").replace("</code>", "`");
        assert!(CHECKLIST.iter().all(|text| plain.contains(text)));
    }

    /// What a reader of another hand sees in a picture of squares: `M16 20h4v4H16V20`.
    fn read(picture: &str) -> String {
        let (_, squares) = picture.split_once(" d=\"").unwrap();
        let squares = squares.split('"').next().unwrap();
        let numbers = |square: &str| -> Vec<usize> {
            let parts = square.split(|c: char| !c.is_ascii_digit());
            parts.filter_map(|part| part.parse().ok()).collect()
        };
        let squares: Vec<Vec<usize>> = squares.split('M').skip(1).map(numbers).collect();
        let is_dark = |x: usize, y: usize| {
            let within = |at: usize, from: usize, size: usize| (from..from + size).contains(&at);
            squares.iter().any(|own| within(x, own[0], own[2]) && within(y, own[1], own[3]))
        };
        let side = squares.iter().map(|own| own[0] + own[2]).max().unwrap() + 16;
        let grey = |x, y| if is_dark(x, y) { 0 } else { 255 };
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(side, side, grey);
        image.detect_grids()[0].decode().unwrap().1
    }

    #[test]
    fn the_code_of_a_label_is_read_by_another_hand() {
        let code = code(&label("seed-1x2", "WD-WX41A4")).to_string();
        assert_eq!(read(&code), "azseed:seed-1x2:WD-WX41A4");
    }

    #[test]
    fn each_parcel_has_a_section_of_its_own() {
        let mut all = slips("first");
        all.slips.extend(slips("second").slips);
        let page = html(&all);
        let sections: Vec<&str> = page.split("<section>").skip(1).collect();
        assert_eq!(sections.len(), 2);
        assert!(sections[0].contains("job first") && !sections[0].contains("second"));
        assert!(sections[1].contains("job second") && !sections[1].contains("first<"));
    }

    #[test]
    fn a_serial_too_long_for_a_code_has_a_label_without_one() {
        let mut slips = slips("plain");
        slips.slips[0].drives[0].serial = "x".repeat(5000);
        assert_eq!(html(&slips).matches("<svg").count(), 1);
    }
}
