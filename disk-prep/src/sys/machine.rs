//! Which machine this is, and since which start of its kernel.

use std::fs;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// This machine in words that another one does not have: its id and its name, since copied
/// machines share the id.
pub fn machine() -> (String, String) {
    let id = fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    (id.trim().to_owned(), name)
}

/// This start of the kernel, which no other machine and no other start has; empty if the kernel
/// does not say.
pub fn start() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}

/// Time since the kernel started, with the time that the machine slept; nobody can set it.
pub fn since_start() -> Duration {
    static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
    let begun = *BEGUN;
    let text = fs::read_to_string("/proc/uptime").unwrap_or_default();
    let secs = text.split_whitespace().next().and_then(|word| word.parse().ok());
    // Without the kernel's word, at least the time that the machine was awake.
    secs.and_then(|secs| Duration::try_from_secs_f64(secs).ok()).unwrap_or_else(|| begun.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_since_the_start_grows_and_the_start_has_a_name() {
        let (one, other) = (since_start(), since_start());
        assert!(one > Duration::ZERO && other >= one);
        assert_eq!(start().len(), 36, "{}", start());
    }
}
