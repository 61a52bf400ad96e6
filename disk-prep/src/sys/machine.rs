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

/// Who runs this program, and who signed in on the machine, where its kernel knows: by the names of
/// its list of users, else by number. The environment, which anybody sets, is not asked.
pub fn people() -> (String, Option<String>) {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let login = fs::read_to_string("/proc/self/loginuid").ok();
    let login = login.and_then(|text| text.trim().parse::<u32>().ok());
    // What no session has set is all ones.
    let login = login.filter(|&uid| uid != u32::MAX);
    let user = name_of(rustix::process::geteuid().as_raw(), &users);
    (user, login.map(|uid| name_of(uid, &users)))
}

fn name_of(uid: u32, users: &str) -> String {
    let entry = |line: &str| {
        let mut fields = line.split(':');
        let (name, own) = (fields.next()?, fields.nth(1)?);
        (own.parse() == Ok(uid) && !name.is_empty()).then(|| name.to_owned())
    };
    users.lines().find_map(entry).unwrap_or_else(|| format!("uid {uid}"))
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
    fn a_user_has_the_name_of_the_list_or_a_number() {
        let users = "root:x:0:0::/root:/bin/sh\nbroken\nanna:x:1000:1000::/home/anna:/bin/sh\n";
        assert_eq!(name_of(1000, users), "anna");
        assert_eq!(name_of(0, users), "root");
        assert_eq!(name_of(10, users), "uid 10");
        assert!(!people().0.is_empty());
    }

    #[test]
    fn the_time_since_the_start_grows_and_the_start_has_a_name() {
        let (one, other) = (since_start(), since_start());
        assert!(one > Duration::ZERO && other >= one);
        assert_eq!(start().len(), 36, "{}", start());
    }
}
