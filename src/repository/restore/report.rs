//! What a restore has done, and what it could not do: counted by reason, the first of each reason
//! named.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use disk_prep::noun::ErrorKind;

/// So many of one reason are named; the rest is counted.
const MOST_NAMED: usize = 100;

/// Why something is not as the snapshot has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The repository does not have its content, or not whole.
    Damaged,
    /// Something of another kind is there.
    InTheWay,
    /// Its name cannot be one here.
    Name,
    /// It has another size than the snapshot says.
    Size,
    /// The system refused to write it.
    Unwritable,
    /// It is a device, or of no kind that is known.
    Special,
    /// It has another owner.
    Owner,
    /// It has other permissions.
    Mode,
    /// It has another access control list.
    Acl,
    /// It has other extended attributes.
    Extended,
    /// It has another time.
    Time,
}

impl Reason {
    /// The stable, documented code.
    pub fn code(&self) -> &'static str {
        match self {
            Reason::Damaged => "restore-damaged",
            Reason::InTheWay => "restore-in-the-way",
            Reason::Name => "restore-name",
            Reason::Size => "restore-size",
            Reason::Unwritable => "restore-unwritable",
            Reason::Special => "restore-special",
            Reason::Owner => "restore-owner",
            Reason::Mode => "restore-mode",
            Reason::Acl => "restore-acl",
            Reason::Extended => "restore-attributes",
            Reason::Time => "restore-time",
        }
    }

    /// The word of `--ignore` for what a file system or a user may not be able to hold; what is
    /// not there at all has none.
    pub fn word(self) -> Option<&'static str> {
        match self {
            Reason::Owner => Some("owner"),
            Reason::Mode => Some("mode"),
            Reason::Acl => Some("acl"),
            Reason::Extended => Some("xattr"),
            Reason::Time => Some("times"),
            Reason::Special => Some("special"),
            Reason::Damaged
            | Reason::InTheWay
            | Reason::Name
            | Reason::Size
            | Reason::Unwritable => None,
        }
    }

    /// How a run with it ends.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Reason::Damaged => ErrorKind::Difference,
            _ => ErrorKind::LeftOut,
        }
    }
}

/// What was left out for one reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// How many files, folders and links.
    pub count: u64,
    /// The first of them: each with its path below the target and what is the matter.
    pub named: Vec<(String, String)>,
}

/// What a restore has done. Folders are not counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RestoreDone {
    /// The folder that stands for the folder of the snapshot that was meant.
    pub folder: PathBuf,
    /// Bytes of content that were written.
    pub bytes: u64,
    /// What was not there and is now.
    pub written: u64,
    /// What was there with other content.
    pub replaced: u64,
    /// What was there with its content, and was given owner, mode, times or attributes.
    pub adjusted: u64,
    /// What was there as the snapshot has it.
    pub unchanged: u64,
    /// What is not as the snapshot has it now.
    pub left_out: BTreeMap<Reason, LeftOut>,
}

impl RestoreDone {
    pub(super) fn leave_out(&mut self, reason: Reason, path: &Path, why: impl Into<String>) {
        let of_reason = self.left_out.entry(reason).or_default();
        of_reason.count += 1;
        if of_reason.named.len() < MOST_NAMED {
            of_reason.named.push((path.display().to_string(), why.into()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_hundred_of_a_reason_are_named_and_all_are_counted() {
        let mut done = RestoreDone::default();
        for number in 0..250 {
            done.leave_out(Reason::Owner, Path::new(&format!("file-{number}")), "why");
        }
        done.leave_out(Reason::Damaged, Path::new("other"), "why");
        let owner = &done.left_out[&Reason::Owner];
        assert_eq!((owner.count, owner.named.len()), (250, 100));
        assert_eq!(owner.named[0].0, "file-0");
        assert_eq!(done.left_out.keys().next(), Some(&Reason::Damaged));
    }

    #[test]
    fn damage_is_a_difference_and_all_else_was_left_out() {
        let reasons = [
            (Reason::Damaged, "restore-damaged"),
            (Reason::InTheWay, "restore-in-the-way"),
            (Reason::Name, "restore-name"),
            (Reason::Size, "restore-size"),
            (Reason::Unwritable, "restore-unwritable"),
            (Reason::Special, "restore-special"),
            (Reason::Owner, "restore-owner"),
            (Reason::Mode, "restore-mode"),
            (Reason::Acl, "restore-acl"),
            (Reason::Extended, "restore-attributes"),
            (Reason::Time, "restore-time"),
        ];
        for (reason, code) in reasons {
            assert_eq!(reason.code(), code);
            let is_damage = reason.kind() == ErrorKind::Difference;
            assert_eq!(is_damage, code == "restore-damaged");
            assert!(is_damage || reason.kind() == ErrorKind::LeftOut);
        }
    }
}
