//! How a person names a drive: `[image:]PATH[,serial=S][,size=SIZE]`, or a serial (`design` 3).

use std::fmt;
use std::path::{Path, PathBuf};

use crate::noun::{ByteSize, InvalidNoun, Serial};

/// A drive as named on the command line; nothing was looked at yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DriveName {
    /// By its serial number.
    Serial(Serial),
    /// By the path of a block device or an image file.
    Path {
        /// The path.
        path: PathBuf,
        /// The serial it must have, or gets if it has none of its own.
        serial: Option<Serial>,
        /// Size of an image file that is to be made.
        bytes: Option<ByteSize>,
    },
}

impl DriveName {
    /// What lies at this path.
    pub fn of(path: PathBuf) -> Self {
        DriveName::Path { path, serial: None, bytes: None }
    }

    /// Reads a name. `exists` says whether a path names an existing file, which decides between a
    /// path and a serial when nothing else does.
    pub fn parse(text: &str, exists: impl Fn(&Path) -> bool) -> Result<Self, InvalidNoun> {
        let (marked, mut rest) = match text.strip_prefix("image:") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let mut serial = None;
        let mut bytes = None;
        while let Some((before, last)) = rest.rsplit_once(',') {
            if let Some(value) = last.strip_prefix("serial=").filter(|_| serial.is_none()) {
                serial = Some(Serial::new(value)?);
            } else if let Some(value) = last.strip_prefix("size=").filter(|_| bytes.is_none()) {
                bytes = Some(value.parse::<ByteSize>()?);
            } else {
                break;
            }
            rest = before;
        }
        let path = PathBuf::from(rest);
        let is_path = marked || rest.contains('/') || bytes.is_some() || exists(&path);
        if !is_path && serial.is_none() {
            return Serial::new(rest).map(DriveName::Serial);
        }
        if rest.is_empty() {
            return Err(InvalidNoun::new("drive", text, "there is no path before the comma"));
        }
        Ok(DriveName::Path { path, serial, bytes })
    }
}

impl fmt::Display for DriveName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DriveName::Serial(serial) => write!(f, "{serial}"),
            DriveName::Path { path, .. } => write!(f, "{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> DriveName {
        DriveName::parse(text, |path| path == Path::new("here.img")).unwrap()
    }

    fn path(path: &str, serial: Option<&str>, bytes: Option<u64>) -> DriveName {
        DriveName::Path {
            path: path.into(),
            serial: serial.map(|text| Serial::new(text).unwrap()),
            bytes: bytes.map(ByteSize),
        }
    }

    #[test]
    fn options_are_cut_off_the_end_in_any_order_and_other_commas_stay() {
        assert_eq!(
            parse("/a/b,c.img,size=1G,serial=S1"),
            path("/a/b,c.img", Some("S1"), Some(1_000_000_000))
        );
        assert_eq!(
            parse("x.img,serial=S1,size=300M"),
            path("x.img", Some("S1"), Some(300_000_000))
        );
        assert_eq!(parse("image:WX1"), path("WX1", None, None));
        assert_eq!(parse("here.img"), path("here.img", None, None));
        assert_eq!(parse("WX1"), DriveName::Serial(Serial::new("WX1").unwrap()));
        assert!(DriveName::parse(",size=1G", |_| false).is_err());
        assert!(DriveName::parse("/x,size=huge", |_| false).is_err());
    }
}
