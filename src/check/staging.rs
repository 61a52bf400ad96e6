//! Whether a staging path will do (`environment-checks` 2): its room, what its file system keeps to, and
//! its clock, as they were looked at. Pure.

use std::path::{Path, PathBuf};

use disk_prep::noun::{ByteSize, count};

use super::answer::{Answer, look as look_at};
use super::filesystems::mounts;
use super::finding::{Checked, Finding, good, problem, unknown, warning};

/// How far the clock of a share may be off ours.
const CLOCK_SECS: u64 = 120;
/// Bits of a mode that others would have.
const OTHERS: u32 = 0o077;

/// What a staging path looks like.
#[derive(Debug, Clone)]
pub struct View {
    /// The path.
    pub path: PathBuf,
    /// Bytes that are free there, if the file system says so.
    pub free_bytes: Option<u64>,
    /// Bytes of what is to be staged, if that was named.
    pub source_bytes: Option<u64>,
    /// The file system, if the list of mounts has it.
    pub mounted: Option<Mounted>,
    /// What became of a file there, or why there was none.
    pub probe: Answer<Probe>,
    /// Folders of the path that somebody else can write to.
    pub strangers: usize,
}

/// What became of a file that was made there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// The mode that it has; 0600 was asked for.
    pub mode: u32,
    /// Whether it took the place of another one, which was gone at once.
    pub is_renamed: bool,
    /// Whether it was locked, and nobody else could lock it.
    pub is_locked: bool,
    /// Seconds that its time is ahead of our clock.
    pub ahead_secs: i64,
    /// The user whom it belongs to, where that is not the one who made it.
    pub other_user: Option<u32>,
    /// Whether it is the same file by its number when it is looked at again by its name.
    pub is_same: bool,
}

/// The file system that a path is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mounted {
    /// Its kind.
    pub kind: String,
    /// Whether this machine makes the numbers of its files up, so that another one sees others.
    pub makes_ids_up: bool,
}

/// The file system that a path is on, by the list of mounts.
pub fn mounted(mountinfo: &str, path: &Path) -> Option<Mounted> {
    let all = mounts(mountinfo);
    let over = all.iter().filter(|own| path.starts_with(&own.point));
    // Of two at one place the later one is seen.
    let own = over.max_by_key(|own| own.point.len())?;
    // Without this option of mount.cifs(8) the server is not asked for them.
    let is_of_server = || own.of_all.iter().any(|own| own == "serverino");
    let makes_ids_up = ["cifs", "smb3"].contains(&own.kind.as_str()) && !is_of_server();
    Some(Mounted { kind: own.kind.clone(), makes_ids_up })
}

/// What that means.
pub fn look(view: &View) -> Checked {
    let mut found = vec![space(view)];
    found.extend(share(view));
    found.extend(clock(view));
    Checked(found.into_iter().map(|own| own.of("staging")).collect())
}

fn space(view: &View) -> Finding {
    let place = view.path.display();
    let Some(free) = view.free_bytes else {
        return unknown("space", format!("{place}: its file system does not say what is free"));
    };
    let Some(needed) = view.source_bytes else {
        return good("space", format!("{} free at {place}", ByteSize(free)));
    };
    let facts = format!("{} free at {place}, {} in the sources", ByteSize(free), ByteSize(needed));
    match needed.checked_sub(free).filter(|missing| *missing > 0) {
        None => good("space", facts),
        Some(missing) => problem(
            "space",
            format!("{facts}: {} are missing", ByteSize(missing)),
            "free them, or name a larger place with `--staging`; \
             `azseed stage --allow-small` goes on if the data packs well",
        ),
    }
}

fn share(view: &View) -> Vec<Finding> {
    let kind = view.mounted.as_ref().map_or("an unknown file system", |own| own.kind.as_str());
    let place = format!("{} ({kind})", view.path.display());
    let own = match &view.probe {
        Answer::Known(own) => own,
        Answer::Unknown(why) => {
            let action = "mount it, or name a folder with `--staging` that can be written to";
            return vec![problem("share", format!("{place}: {why}"), action)];
        }
        other => {
            return look_at("share", other, "folder", |_| good("share", "")).into_iter().collect();
        }
    };
    let elsewhere = "name a folder with `--staging` on a file system that does";
    let mut found = Vec::new();
    if !own.is_renamed {
        found.push(problem("share", format!("{place} does not rename over a file"), elsewhere));
    }
    if !own.is_locked {
        let facts = format!("{place} keeps no lock: two runs could write there at once");
        found.push(problem("share", facts, elsewhere));
    }
    if own.mode & OTHERS != 0 {
        let facts = format!("{place} keeps no modes: a file of 0600 has {:04o}", own.mode);
        let action = "what is secret is kept in the state directory, or sealed for others with \
                      `--recipient`";
        found.push(warning("share", facts, action));
    }
    found.extend(identity(view, own, &place));
    if view.strangers > 0 {
        let folders = count(view.strangers, "folder");
        let facts = format!("{place}: somebody else can write to {folders} of its path");
        let action = "close them, or consent with `--shared-staging` to what is shown there";
        found.push(warning("share", facts, action));
    }
    if found.is_empty() {
        found.push(good("share", format!("{place} renames, locks and keeps modes")));
    }
    found
}

/// Whether another machine sees the same file, and of the same user.
fn identity(view: &View, own: &Probe, place: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    if let Some(user) = own.other_user {
        let facts = format!("{place}: what is made there belongs to user {user}");
        let action = "have the share keep users (`no_root_squash` of an NFS export, no `uid=` of a \
                      mount), or another machine may not be let at it";
        found.push(warning("share", facts, action));
    }
    let makes_ids_up = view.mounted.as_ref().is_some_and(|own| own.makes_ids_up);
    if makes_ids_up || !own.is_same {
        let facts = format!("{place}: files have other numbers for each machine");
        let action = "mount it with `serverino`, or stage on a share that gives files numbers";
        found.push(warning("share", facts, action));
    }
    found
}

fn clock(view: &View) -> Option<Finding> {
    let Answer::Known(Probe { ahead_secs: ahead, .. }) = view.probe else { return None };
    let off = ahead.unsigned_abs();
    let facts = match off {
        0 => "files there have the time of this machine".to_owned(),
        _ => {
            let side = if ahead > 0 { "ahead of" } else { "behind" };
            format!("files there are {} {side} this machine", count(off, "second"))
        }
    };
    Some(match off {
        0..=CLOCK_SECS => good("clock", facts),
        _ => warning("clock", facts, "set the clock of the share's server, or of this machine"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WELL: Probe = Probe {
        mode: 0o600,
        is_renamed: true,
        is_locked: true,
        ahead_secs: 0,
        other_user: None,
        is_same: true,
    };

    fn view(probe: Answer<Probe>) -> View {
        View {
            path: "/mnt/staging".into(),
            free_bytes: Some(500_000_000_000),
            source_bytes: Some(500_000_000_000),
            mounted: Some(Mounted { kind: "ext4".to_owned(), makes_ids_up: false }),
            probe,
            strangers: 0,
        }
    }

    fn told(view: &View) -> Vec<(String, &'static str)> {
        look(view).0.iter().map(|own| (own.id(), own.grade.word())).collect()
    }

    fn beside(view: &View) -> Vec<(String, &'static str)> {
        told(view).into_iter().filter(|own| own.1 != "good").collect()
    }

    #[test]
    fn a_plain_folder_with_as_much_room_as_the_sources_is_good() {
        let ids = ["staging-space", "staging-share", "staging-clock"];
        assert_eq!(told(&view(Answer::Known(WELL))), ids.map(|id| (id.to_owned(), "good")));
    }

    #[test]
    fn the_bytes_that_are_missing_are_told() {
        let small = View { source_bytes: Some(500_000_000_001), ..view(Answer::Known(WELL)) };
        assert_eq!(beside(&small), [("staging-space".to_owned(), "problem")]);
        assert!(look(&small).0[0].facts.ends_with("1 B are missing"), "{:?}", look(&small));
        let silent = View { free_bytes: None, ..view(Answer::Known(WELL)) };
        assert_eq!(beside(&silent), [("staging-space".to_owned(), "unknown")]);
    }

    #[test]
    fn a_share_that_does_less_than_it_must_is_a_problem_and_one_without_modes_a_warning() {
        let of = |probe: Probe| beside(&view(Answer::Known(probe))).remove(0);
        let (problem, warning) =
            (("staging-share".to_owned(), "problem"), ("staging-share".to_owned(), "warning"));
        assert_eq!(of(Probe { is_renamed: false, ..WELL }), problem);
        assert_eq!(of(Probe { is_locked: false, ..WELL }), problem);
        assert_eq!(of(Probe { mode: 0o777, ..WELL }), warning);
        assert_eq!(of(Probe { other_user: Some(65_534), ..WELL }), warning);
        assert_eq!(of(Probe { is_same: false, ..WELL }), warning);
        let made_up = Some(Mounted { kind: "cifs".to_owned(), makes_ids_up: true });
        assert_eq!(
            beside(&View { mounted: made_up, ..view(Answer::Known(WELL)) }),
            std::slice::from_ref(&warning)
        );
        assert_eq!(beside(&View { strangers: 2, ..view(Answer::Known(WELL)) }), [warning]);
        // Of one that cannot be written to nothing else is known.
        assert_eq!(beside(&view(Answer::Unknown("read-only".to_owned()))), [problem]);
        assert_eq!(told(&view(Answer::Unknown("read-only".to_owned()))).len(), 2);
    }

    #[test]
    fn a_clock_is_good_within_two_minutes_to_either_side() {
        let of = |ahead_secs| told(&view(Answer::Known(Probe { ahead_secs, ..WELL })))[2].1;
        assert_eq!([of(120), of(-120), of(121), of(-121)], ["good", "good", "warning", "warning"]);
    }

    #[test]
    fn the_kind_is_that_of_the_nearest_mount() {
        let text = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
                    40 22 0:40 / /mnt/share rw - cifs //server/share rw\n\
                    41 22 0:41 / /mnt/share rw - nfs4 server:/share rw\n";
        let of = |path: &str| mounted(text, Path::new(path)).unwrap().kind;
        assert_eq!([of("/mnt/share/a"), of("/mnt/shared"), of("/")], ["nfs4", "ext4", "ext4"]);
    }

    #[test]
    fn a_share_whose_numbers_are_not_asked_for_makes_them_up() {
        let of = |line: &str| {
            let text = format!("40 22 0:40 / /mnt rw,relatime - {line}\n");
            mounted(&text, Path::new("/mnt/a")).unwrap().makes_ids_up
        };
        assert!(!of("cifs //server/share rw,vers=3.1.1,serverino,mapposix"));
        assert!(of("cifs //server/share rw,vers=3.1.1,mapposix") && of("smb3 //server/share"));
        assert!(!of("nfs4 server:/share rw,vers=4.2"));
    }
}
