//! Versions of Azure's agent in a machine, and the oldest that may go on:
//! <https://learn.microsoft.com/troubleshoot/azure/virtual-machines/windows/support-extensions-agent-version>
//! and `explain agent-version-too-old`.

/// Four numbers with dots between.
pub(super) type Version = [u16; 4];

pub(super) const OLDEST_LINUX: Version = [2, 2, 53, 1];
pub(super) const OLDEST_WINDOWS: Version = [2, 6, 1198, 718];

/// Reads one.
pub(super) fn four(text: &str) -> Option<Version> {
    let numbers: Vec<u16> = text.split('.').map(|own| own.parse().ok()).collect::<Option<_>>()?;
    numbers.try_into().ok()
}

pub(super) fn dotted(version: Version) -> String {
    version.map(|own| own.to_string()).join(".")
}
