//! What the machine that this runs on says of itself when it is asked: systemd of the VM agent, and the
//! kernel of how busy it is. Nothing is asked for a tree or an image, and nothing for long.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::time::{Duration, Instant};

use disk_prep::sys::child;

use super::units::{PROGRAM, has_systemd};
use crate::check::guest::{AGENT_UNITS, Asked, Live, busy_percent};
use crate::check::tree::Tree;

/// So long a program may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// So long, at least, processors are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// Asks this machine, whose files these are.
pub fn live(tree: &Tree) -> Live {
    let stat = || tree.text("proc/stat").ok().flatten();
    let (begun, before) = (Instant::now(), stat());
    let agent = match has_systemd() {
        true => ask(OsStr::new(PROGRAM), PATIENCE),
        false => Asked::Unasked,
    };
    std::thread::sleep(LOOK.saturating_sub(begun.elapsed()));
    let busy_percent = before.zip(stat()).and_then(|(before, now)| busy_percent(&before, &now));
    Live { agent, busy_percent }
}

/// Has systemd say of each unit of the agent whether it runs.
fn ask(program: &OsStr, patience: Duration) -> Asked {
    let words: Vec<&OsStr> = ["is-active"].iter().chain(&AGENT_UNITS).map(OsStr::new).collect();
    let said = match child::ask(program, &words, patience) {
        // How it ends says only whether all of them run.
        Ok((_, said)) => String::from_utf8_lossy(&said).into_owned(),
        Err(error) if error.kind() == ErrorKind::TimedOut => return Asked::Silent(patience),
        Err(_) => return Asked::Unasked,
    };
    let states: Vec<String> = said.lines().map(|line| line.trim().to_owned()).collect();
    // One who cannot reach systemd says something else, or nothing.
    match states.len() == AGENT_UNITS.len() {
        true => Asked::Told(states),
        false => Asked::Unasked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    fn program(folder: &tempfile::TempDir, script: &str) -> PathBuf {
        let path = folder.path().join("systemctl");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o700)).unwrap();
        path
    }

    #[test]
    fn systemd_is_asked_for_every_name_of_the_agent_and_not_waited_for_without_end() {
        let folder = tempfile::tempdir().unwrap();
        let said =
            |script: &str, patience: Duration| ask(program(&folder, script).as_os_str(), patience);
        let told = |all: [&str; 2]| Asked::Told(all.map(str::to_owned).to_vec());
        let long = Duration::from_secs(60);
        assert_eq!(said("echo inactive; echo active; exit 3", long), told(["inactive", "active"]));
        let words = "echo \"$*\"; echo $#";
        let all = format!("is-active {}", AGENT_UNITS.join(" "));
        assert_eq!(said(words, long), told([&all, "3"]));
        for script in ["exit 1", "echo unknown", "echo 'no bus' >&2; exit 1", "yes"] {
            let patience = Duration::from_millis(500);
            let asked = said(script, patience);
            let expected = match script {
                "yes" => Asked::Silent(patience),
                _ => Asked::Unasked,
            };
            assert_eq!(asked, expected, "{script}");
        }
        assert_eq!(ask(OsStr::new("/no/such/program"), long), Asked::Unasked);
        let begun = Instant::now();
        let patience = Duration::from_millis(300);
        assert_eq!(said("sleep 60", patience), Asked::Silent(patience));
        assert!(begun.elapsed() < Duration::from_secs(20), "it was waited for");
    }
}
