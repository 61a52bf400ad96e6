//! Values that are wrong for most flags.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

/// A wrong value.
pub struct Wrong {
    /// Its place among its kind.
    pub at: usize,
    /// What it is.
    pub value: OsString,
}

/// A name with all that a shell or a screen may stumble over.
pub fn odd_name() -> OsString {
    OsString::from_vec(b"odd 'a\" $(b)\n\x1b[2J\xff".to_vec())
}

/// Values that are wrong, for a path or anything else.
pub fn wrong(is_path: bool) -> Vec<Wrong> {
    let mut odd = odd_name();
    odd.push("/in");
    let paths: Vec<OsString> = vec![
        "none/none".into(),
        "closed/in".into(),
        "source".into(),
        "contact.toml".into(),
        "/proc/none".into(),
        "/dev/full".into(),
        odd,
        "".into(),
    ];
    let texts: Vec<OsString> = vec![
        "".into(),
        "no sense/../\u{1b}[2J\n at all \u{202e}".into(),
        OsString::from_vec(b"-1\xff\xfe".to_vec()),
        "9".repeat(40).into(),
        "-1".into(),
        "0".into(),
    ];
    let values = if is_path { paths } else { texts };
    values.into_iter().enumerate().map(|(at, value)| Wrong { at, value }).collect()
}
