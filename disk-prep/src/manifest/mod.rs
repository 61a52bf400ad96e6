//! The drive manifest: the drive's table of contents, on the drive, in the service's own XML
//! (`azure-import-export` 4). Written in a fixed form, so that its length is known before the
//! first digest is.

mod form;
mod proof;
mod read;
mod strict;
mod write;

pub use form::{ManifestError, check_form};
pub use proof::ManifestProof;
pub use read::{Manifest, ManifestBlob, ManifestFrame, ManifestRange, parse, parse_each};
pub use write::{Entry, ManifestWriter, Profile, Zeros, frame_bytes, length_bytes, text_bytes};

#[cfg(test)]
mod tests {
    /// What cannot stand in an element of any XML.
    pub const MALFORMED: [&str; 24] = [
        "odd\u{fffe}",
        "odd\u{ffff}",
        "a\u{0}",
        "a\u{1}",
        "a\u{1f}",
        "<b c='\u{fffe}'/>",
        "&#xFFFE;",
        "&#0;",
        "&#x110000;",
        "&bomb;",
        "&amp",
        "& ",
        "]]>",
        "<b>",
        "</b>",
        "<b></c>",
        "<b c='1' c='2'/>",
        "<b c=1/>",
        "<b c/>",
        "<b c='<'/>",
        "<b c='1'd='2'/>",
        "<1/>",
        "< b/>",
        "<b",
    ];
}
