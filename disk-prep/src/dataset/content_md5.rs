//! Properties files that give each blob the MD5 of its content (`azure-import-export` 4.4). The
//! MD5 is known only when the file was copied, so such a file has one length whatever it is, and
//! is written when the drive is sealed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::noun::{DrivePath, Md5Digest};

/// The property.
pub(super) const PROPERTY: &str = "Content-MD5";
const HEAD: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<Properties>";
const TAIL: &str = "</Properties>\n";

/// A properties file that is made when the MD5 of its blob is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentMd5 {
    /// Where it lies on the drive.
    pub path: DrivePath,
    /// Properties that it has besides: name and value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub besides: Vec<(String, String)>,
}

impl ContentMd5 {
    /// The file for a blob with this MD5; of a blob that was left out it says nothing of it, and is
    /// as long.
    pub fn text(&self, md5: Option<&Md5Digest>) -> String {
        let element = |name: &str, value: &str| {
            format!("<{name}>{}</{name}>", quick_xml::escape::escape(value))
        };
        let mut own = element(PROPERTY, &STANDARD.encode(md5.map_or([0; 16], |md5| *md5.bytes())));
        if md5.is_none() {
            own = " ".repeat(own.len());
        }
        let besides = self.besides.iter().map(|(name, value)| element(name, value));
        [HEAD.to_owned(), own].into_iter().chain(besides).chain([TAIL.to_owned()]).collect()
    }

    /// Its length.
    pub fn bytes(&self) -> u64 {
        self.text(None).len() as u64
    }
}

#[cfg(test)]
mod tests {
    use md5::{Digest, Md5};

    use super::*;
    use crate::dataset::{SideKind, parse_side_file};

    fn made(besides: &[(&str, &str)]) -> ContentMd5 {
        let path = "\\job-1\\_content-md5\\target\\a".parse().unwrap();
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        ContentMd5 { path, besides: besides.iter().map(own).collect() }
    }

    #[test]
    fn the_file_is_one_that_azure_takes_and_has_one_length() {
        let made = made(&[("Content-Type", "text/x-\"a\"&<b>"), ("Cache-Control", "no-cache")]);
        let md5 = Md5Digest::new(Md5::digest(b"abc").into());
        let text = made.text(Some(&md5));
        let entries = parse_side_file(SideKind::Properties, text.as_bytes()).unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        // RFC 1321, A.5, in base64.
        assert_eq!(entries[0], pair("Content-MD5", "kAFQmDzST7DWlj99KOF/cg=="));
        assert_eq!(entries[1..], made.besides);
        let without = made.text(None);
        assert_eq!(
            parse_side_file(SideKind::Properties, without.as_bytes()).unwrap(),
            made.besides
        );
        assert_eq!((text.len() as u64, without.len() as u64), (made.bytes(), made.bytes()));
    }
}
