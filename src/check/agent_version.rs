//! Versions of Azure's agent in a machine, and the oldest that may go on:
//! <https://learn.microsoft.com/troubleshoot/azure/virtual-machines/windows/support-extensions-agent-version>
//! and `explain agent-version-too-old`.

/// Four numbers with dots between.
pub(super) type Version = [u16; 4];

pub(super) const OLDEST_LINUX: Version = [2, 2, 53, 1];
pub(super) const OLDEST_WINDOWS: Version = [2, 6, 1198, 718];

/// Reads one; agents of Linux had three numbers for years, and the fourth is nothing then.
pub(super) fn four(text: &str) -> Option<Version> {
    let mut numbers: Vec<u16> =
        text.split('.').map(|own| own.parse().ok()).collect::<Option<_>>()?;
    if numbers.len() == 3 {
        numbers.push(0);
    }
    numbers.try_into().ok()
}

/// Reads the one that a package's version begins with, as `2.7.3.0-4.1` and `2.2.46+dfsg-1` do.
pub(super) fn leading(text: &str) -> Option<Version> {
    let is_other = |own: char| !own.is_ascii_digit() && own != '.';
    four(text.trim().split(is_other).next()?)
}

pub(super) fn dotted(version: Version) -> String {
    version.map(|own| own.to_string()).join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_have_three_or_four_numbers_and_packages_more_behind_them() {
        assert_eq!(four("2.7.3.0"), Some([2, 7, 3, 0]));
        assert_eq!(four("2.2.45"), Some([2, 2, 45, 0]));
        assert_eq!([four("2.2"), four("2.2.45.1.2"), four("2.2.x"), four("")], [None; 4]);
        assert_eq!(leading(" 2.7.3.0-4.1\n"), Some([2, 7, 3, 0]));
        assert_eq!(leading("2.2.46+dfsg-1"), Some([2, 2, 46, 0]));
        assert_eq!([leading("1:2.2.46"), leading("")], [None; 2]);
    }
}
