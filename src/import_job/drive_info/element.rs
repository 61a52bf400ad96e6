//! The markup of a drive: `<Drive>` with one element for each fact, alone or inside others.

use disk_prep::noun::referred;
use quick_xml::XmlVersion;
use quick_xml::events::Event;
use quick_xml::reader::Reader;
use zeroize::Zeroizing;

use super::model::{Fault, Found, MOST_DRIVES};

/// Elements inside one another, at most; a journal has three.
const DEPTH: usize = 16;
/// Bytes of a value, at most; a header hash has some hundreds.
const VALUE_BYTES: usize = 4 << 10;

/// Every drive that a text tells of.
pub(super) fn drives(text: &str) -> Result<Vec<Found>, Fault> {
    let mut reader = Reader::from_reader(text.as_bytes());
    let (mut path, mut all): (Vec<String>, Vec<Found>) = (Vec::new(), Vec::new());
    // Made once with room for all, since one of the values is a key.
    let mut value = Zeroizing::new(String::with_capacity(VALUE_BYTES));
    loop {
        let event = reader.read_event().map_err(|_| Fault::Xml)?;
        match event {
            Event::Start(ref own) | Event::Empty(ref own) => {
                if path.len() >= DEPTH {
                    return Err(Fault::Xml);
                }
                let name = own.local_name();
                let name = str::from_utf8(name.as_ref()).map_err(|_| Fault::Xml)?;
                path.push(name.get(..VALUE_BYTES).unwrap_or(name).to_ascii_lowercase());
                value.clear();
                if path.last().is_some_and(|own| own == "drive") {
                    if all.len() >= MOST_DRIVES {
                        return Err(Fault::ManyDrives);
                    }
                    all.push(Found::default());
                }
                if matches!(event, Event::Empty(_)) {
                    path.pop();
                }
            }
            Event::End(_) => {
                let is_of_drive = path.iter().rev().nth(1).is_some_and(|own| own == "drive");
                let name = path.pop().unwrap_or_default();
                if let (true, Some(drive)) = (is_of_drive, all.last_mut()) {
                    drive.take(&name, &value);
                }
                value.clear();
            }
            Event::Text(own) => {
                let own = own.xml_content(XmlVersion::Explicit1_0).map_err(|_| Fault::Xml)?;
                push(&mut value, &own)?;
            }
            Event::CData(own) => {
                push(&mut value, str::from_utf8(&own).map_err(|_| Fault::Xml)?)?;
            }
            Event::GeneralRef(own) => {
                let sign = referred(&own).ok_or(Fault::Xml)?;
                push(&mut value, sign.encode_utf8(&mut [0; 4]))?;
            }
            Event::Eof if path.is_empty() => return Ok(all),
            // Entities of its own could name files and grow without end.
            Event::Eof | Event::DocType(_) => return Err(Fault::Xml),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
        }
    }
}

impl Found {
    /// Keeps a value; what comes twice counts as it stands last.
    fn take(&mut self, name: &str, value: &str) {
        let text = || Some(value.trim().to_owned());
        match name {
            "driveid" => self.serial = text(),
            "bitlockerkey" => self.key = Some(Zeroizing::new(value.trim().to_owned())),
            "manifestfile" => self.manifest = text(),
            "manifesthash" => self.hash = text(),
            "driveheaderhash" => self.header_hash = text(),
            _ => {}
        }
    }
}

fn push(value: &mut String, more: &str) -> Result<(), Fault> {
    if value.len() + more.len() > VALUE_BYTES {
        return Err(Fault::Xml);
    }
    value.push_str(more);
    Ok(())
}
