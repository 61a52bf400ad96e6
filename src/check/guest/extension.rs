//! The backup extension of a Linux machine: its state, what it said last, what its log names, and the
//! file that steers how it freezes file systems.

use disk_prep::noun::visible_line;

use super::super::filesystems::mounts;
use super::super::finding::{Finding, good, problem, unknown, warning};
use super::super::tree::{Seen, Tree, Unseen};
use super::backups::has_site_recovery;

const EXTENSION: &str = "Microsoft.Azure.RecoveryServices.VMSnapshotLinux-";
const LOGS: &str = "var/log/azure/Microsoft.Azure.RecoveryServices.VMSnapshotLinux";
/// So many folders below that one are looked into, so many files in each, and so much of a file's end:
/// what failed last is what matters.
const MOST_FOLDERS: usize = 8;
const MOST_LOGS: usize = 8;
const MOST_LOG_BYTES: u64 = 1 << 20;
/// What the extension writes of a file system that could not be frozen or thawed; the mount point
/// follows: <https://github.com/Azure/azure-linux-extensions/tree/master/VMBackup>.
const FAILED: [&str; 2] = ["Failed to FIFREEZE: ", "Failed to FITHAW: "];
const VMBACKUP: &str = "etc/azure/vmbackup.conf";
const VMBACKUP_KEYS: [&str; 6] = [
    "fsfreeze",
    "mountstoskip",
    "seqsnapshot",
    "onlylocalfilesystems",
    "safefreezewaitinseconds",
    "isanysnapshotfailed",
];

/// All that is to be said of it.
pub(super) fn look(tree: &Tree, lib: &str) -> Vec<Finding> {
    let mut found = state(tree, lib);
    found.extend(log(tree));
    found.extend(vmbackup(tree, lib));
    found
}

fn state(tree: &Tree, lib: &str) -> Vec<Finding> {
    let names = match tree.names(lib) {
        Ok(names) => names,
        Err(why) => return vec![unknown("extension", why.to_string())],
    };
    let mut own: Vec<&String> = names.iter().filter(|name| name.starts_with(EXTENSION)).collect();
    own.sort_by_key(|name| version(name));
    let Some(newest) = own.last() else {
        let facts = "the backup extension is not installed yet; the first backup does it";
        return vec![good("extension", facts)];
    };
    let stuck = |facts: String, code: &str| {
        let action = "remove it with `azseed vm extension remove VM`, or in the portal; the next \
                      backup installs it anew";
        warning("extension", facts, action).explained(code)
    };
    let mut found = Vec::new();
    if own.len() > 1 {
        let facts = format!("{} versions of the extension lie side by side", own.len());
        found.push(stuck(facts, "basic-snapshot-extension-stuck"));
    }
    let state = tree.text(&format!("{lib}/{newest}/config/HandlerState"));
    found.push(match state {
        Ok(Some(state)) if state.trim() == "Enabled" => match failure(tree, lib, newest) {
            Ok(None) => good("extension", format!("{newest} is enabled")),
            Ok(Some(said)) => stuck(said, "basic-snapshot-extension-stuck"),
            Err(why) => unknown("extension", why.to_string()),
        },
        Ok(Some(state)) => {
            let facts = format!("{newest} is {}", visible_line(state.trim()));
            stuck(facts, "ExtensionStuckInDeletionState")
        }
        Ok(None) => unknown("extension", format!("{newest} has no state")),
        Err(why) => unknown("extension", why.to_string()),
    });
    found
}

/// The numbers of a folder's name, by which 1.0.10000.0 comes after 1.0.9200.0.
fn version(name: &str) -> Vec<u64> {
    let numbers = name.strip_prefix(EXTENSION).unwrap_or_default().split('.');
    numbers.map(|own| own.parse().unwrap_or_default()).collect()
}

/// What the extension's newest status says, if it says that something failed.
fn failure(tree: &Tree, lib: &str, extension: &str) -> Seen<String> {
    let folder = format!("{lib}/{extension}/status");
    let number = |name: &String| name.strip_suffix(".status")?.parse::<u64>().ok();
    let Some(newest) = tree.names(&folder)?.iter().filter_map(number).max() else {
        return Ok(None);
    };
    let Some(text) = tree.text(&format!("{folder}/{newest}.status"))? else { return Ok(None) };
    let no_json = |_| Unseen::NoJson { path: format!("{folder}/{newest}.status") };
    let said: serde_json::Value = serde_json::from_str(&text).map_err(no_json)?;
    let status = &said[0]["status"];
    if status["status"].as_str() != Some("error") {
        return Ok(None);
    }
    let message = status["formattedMessage"]["message"].as_str().unwrap_or("no message");
    let code = &status["code"];
    Ok(Some(visible_line(&format!("its last run failed with {code}: {message}")).into_owned()))
}

/// Mount points that the log says could not be frozen or thawed.
fn log(tree: &Tree) -> Option<Finding> {
    let mut texts = Vec::new();
    for folder in log_folders(tree) {
        let names = tree.names(&folder).unwrap_or_default();
        for name in names.iter().filter(|own| own.ends_with(".log")).take(MOST_LOGS) {
            let path = format!("{folder}/{name}");
            match tree.end(&path, MOST_LOG_BYTES) {
                Ok(Some(bytes)) => texts.push(String::from_utf8_lossy(&bytes).into_owned()),
                Ok(None) => {}
                Err(why) => return Some(unknown("extension-log", why.to_string())),
            }
        }
    }
    if texts.is_empty() {
        return None;
    }
    let points = some(texts.iter().flat_map(|text| text.lines()).filter_map(point));
    if points.is_empty() {
        return Some(good("extension-log", "its log names no file system that did not freeze"));
    }
    let facts = format!("its log says that these did not freeze or thaw: {}", points.join(", "));
    let action = "see what `check filesystems` says of them";
    let found = warning("extension-log", facts, action).next("azseed check filesystems");
    Some(found.explained("UserErrorFsFreezeFailed"))
}

/// The folder of its logs, and those in it, which are of its versions.
fn log_folders(tree: &Tree) -> Vec<String> {
    let inner = tree.names(LOGS).unwrap_or_default().into_iter();
    let inner = inner.map(|name| format!("{LOGS}/{name}"));
    std::iter::once(LOGS.to_owned()).chain(inner).take(MOST_FOLDERS).collect()
}

/// The mount point of a line that says that it failed.
fn point(line: &str) -> Option<&str> {
    let rest = FAILED.iter().find_map(|own| line.split_once(own))?.1;
    let (name, _) = rest.split_once(" with error message").unwrap_or((rest, ""));
    Some(name.trim())
}

/// The first few names of a file that somebody else wrote, each once and cut short.
fn some<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    const MOST: usize = 10;
    const MOST_CHARACTERS: usize = 100;
    let mut told: Vec<String> = Vec::new();
    for name in names {
        if told.len() == MOST {
            break;
        }
        let own: String = visible_line(name).chars().take(MOST_CHARACTERS).collect();
        if !told.contains(&own) {
            told.push(own);
        }
    }
    told
}

/// The file that steers how file systems are frozen.
fn vmbackup(tree: &Tree, lib: &str) -> Vec<Finding> {
    let text = match tree.text(VMBACKUP) {
        Ok(Some(text)) => text,
        Ok(None) => {
            return vec![good("vmbackup-conf", format!("there is no /{VMBACKUP}, nor need be"))];
        }
        Err(why) => return vec![unknown("vmbackup-conf", why.to_string())],
    };
    let lines =
        text.lines().filter_map(|line| line.split(['#', ';']).next()?.split_once(['=', ':']));
    let settings: Vec<(String, &str)> =
        lines.map(|(key, value)| (key.trim().to_lowercase(), value.trim())).collect();
    let is = |key: &str, word: &str| {
        settings.iter().any(|own| own.0 == key && own.1.eq_ignore_ascii_case(word))
    };
    let told = |facts: String, action: &str| warning("vmbackup-conf", facts, action);
    let mut found = Vec::new();
    if is("isanysnapshotfailed", "true") {
        let facts = "isanysnapshotfailed is true".to_owned();
        found.push(match has_site_recovery(tree, lib) {
            true => {
                let facts = format!("{facts}, and Site Recovery takes snapshots here, too");
                let action =
                    "set it to false, and keep Site Recovery and the backup at different hours";
                problem("vmbackup-conf", facts, action)
                    .explained("ExtensionFailedSnapshotLimitReachedError")
            }
            false => told(facts, "a snapshot failed once: set it to false when that is mended"),
        });
    }
    if is("fsfreeze", "false") {
        let action = "file systems are not frozen, so points are crash-consistent";
        found.push(told("fsfreeze is false".to_owned(), action));
    }
    let known = mounts(&tree.text("proc/self/mountinfo").ok().flatten().unwrap_or_default());
    let skipped = settings.iter().filter(|own| own.0 == "mountstoskip");
    let is_gone = |point: &&str| {
        !point.is_empty() && !known.is_empty() && known.iter().all(|own| own.point != *point)
    };
    let skipped = skipped.flat_map(|own| own.1.split(',')).map(str::trim).filter(is_gone);
    for point in some(skipped) {
        let facts = format!("MountsToSkip names {point}, which is not mounted");
        found.push(told(facts, "correct the name, or take it out"));
    }
    let keys = settings.iter().map(|own| own.0.as_str());
    for key in some(keys.filter(|own| !VMBACKUP_KEYS.contains(own))) {
        found.push(told(format!("{key} is no setting of it"), "correct its name"));
    }
    if found.is_empty() {
        found.push(good("vmbackup-conf", format!("/{VMBACKUP} is sound")));
    }
    found
}
