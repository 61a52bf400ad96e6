//! Owner, permissions, extended attributes and times of what is restored, in this order: a change
//! of owner clears set-ID bits and capabilities, and every change touches the times. What the
//! system did not take is seen by looking again, not by the answers to the calls.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString};
use std::io;

use disk_prep::sys::attributes::AttributeHolder;
use disk_prep::sys::beneath::Kind;
use disk_prep::sys::entry::Facts;
use jiff::Timestamp;
use rustic_core::repofile::Metadata;

use super::options::Owners;
use super::report::Reason;

/// Bits of a mode as the format has them, which are those of Go: the permissions, and bits of
/// their own for set-user-ID, set-group-ID and sticky; <https://pkg.go.dev/io/fs#FileMode>.
const GO_BITS: [(u32, u32); 3] = [(1 << 23, 0o4000), (1 << 22, 0o2000), (1 << 20, 0o1000)];
const SET_ID: u32 = 0o6000;
/// Times differ by at most this where a file system keeps them coarsely, seconds.
const COARSE_SECS: i64 = 1;

/// What a snapshot says of an entry, as far as it says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    uid: Option<u32>,
    gid: Option<u32>,
    mode: Option<u32>,
    atime: Option<(i64, u32)>,
    mtime: Option<(i64, u32)>,
    extended: BTreeMap<CString, Vec<u8>>,
    /// Extended attributes whose names cannot be any.
    nameless: usize,
}

impl Wanted {
    pub(super) fn of(about: &Metadata, owners: Owners) -> Self {
        // The format leaves out a mode of 0; where the time is missing too, nothing was said.
        let unsaid = about.mtime.is_some().then_some(0);
        let owned = |id: Option<u32>| id.filter(|_| owners == Owners::Restored);
        let attributes = about.extended_attributes.iter();
        let named: Vec<_> = attributes
            .map(|own| CString::new(own.name.as_str()).map(|name| (name, own.value.clone())))
            .collect();
        Wanted {
            uid: owned(about.uid),
            gid: owned(about.gid),
            mode: about.mode.or(unsaid).map(mode),
            atime: about.atime.map(time),
            mtime: about.mtime.map(time),
            nameless: named.iter().filter(|own| own.is_err()).count(),
            extended: named
                .into_iter()
                .flatten()
                .map(|(name, value)| (name, value.unwrap_or_default()))
                .collect(),
        }
    }

    /// Whether somebody else than the snapshot's owner and us owns what is there.
    pub(super) fn is_of_a_stranger(&self, facts: &Facts) -> bool {
        facts.uid != rustix::process::geteuid().as_raw() && Some(facts.uid) != self.uid
    }

    /// Whether something is to be done to what is there.
    pub(super) fn differs(&self, held: &AttributeHolder<'_>) -> io::Result<bool> {
        let facts = held.facts()?;
        let is_root = rustix::process::geteuid().is_root();
        let other = |wanted: Option<u32>, found| wanted.is_some_and(|wanted| wanted != found);
        Ok((is_root && (other(self.uid, facts.uid) || other(self.gid, facts.gid)))
            || (facts.kind != Kind::Link && other(self.mode, facts.mode))
            || self.mtime.is_some_and(|mtime| mtime != facts.mtime)
            || self.extended_changes(held)?.is_some())
    }

    /// Gives all that differs to what is held. Returns what it has not now, and why.
    pub(super) fn give(&self, held: &AttributeHolder<'_>) -> io::Result<Vec<(Reason, String)>> {
        let facts = held.facts()?;
        let mut refused = Refused::default();
        let (uid, gid) =
            (self.uid.filter(|uid| *uid != facts.uid), self.gid.filter(|gid| *gid != facts.gid));
        if (uid.is_some() || gid.is_some())
            && let Err(error) = held.set_owner(uid, gid)
        {
            refused.add(Reason::Owner, &error);
            // A group of ours can be given without root.
            if uid.is_some() && gid.is_some() && held.set_owner(None, gid).is_err() {
                tracing::debug!("neither owner nor group could be set");
            }
        }
        let now = held.facts()?;
        let is_owned = |wanted: Option<u32>, found| wanted.is_none_or(|wanted| wanted == found);
        let is_given = is_owned(self.uid, now.uid) && is_owned(self.gid, now.gid);
        // A program that runs as its owner must not run as somebody else instead.
        let mode = self.mode.map(|mode| if is_given { mode } else { mode & !SET_ID });
        if let Some(mode) = mode.filter(|mode| facts.kind != Kind::Link && *mode != now.mode) {
            refused.note(Reason::Mode, held.set_mode(mode));
        }
        self.give_extended(held, &mut refused);
        if let Some(mtime) = self.mtime {
            refused.note(Reason::Time, held.set_times(self.atime.unwrap_or(mtime), mtime));
        }
        self.look_again(held, refused)
    }

    /// What is held and is not as wanted, and why it cannot be.
    pub(super) fn look(&self, held: &AttributeHolder<'_>) -> io::Result<Vec<(Reason, String)>> {
        self.look_again(held, Refused::default())
    }

    fn look_again(
        &self,
        held: &AttributeHolder<'_>,
        mut refused: Refused,
    ) -> io::Result<Vec<(Reason, String)>> {
        let now = held.facts()?;
        let mut missing = Vec::new();
        let mut miss = |reason, what: String| {
            let why = refused.0.remove(&reason);
            missing.push((reason, why.map_or(what.clone(), |why| format!("{what}: {why}"))));
        };
        let owner = |id: Option<u32>| id.map_or("any".to_owned(), |id| id.to_string());
        if self.uid.is_some_and(|uid| uid != now.uid) || self.gid.is_some_and(|gid| gid != now.gid)
        {
            let (uid, gid) = (owner(self.uid), owner(self.gid));
            miss(Reason::Owner, format!("owner {uid}:{gid} could not be set"));
        }
        if let Some(mode) = self.mode.filter(|mode| now.kind != Kind::Link && *mode != now.mode) {
            miss(Reason::Mode, format!("mode {mode:o} could not be set, it is {:o}", now.mode));
        }
        let is_near = |(secs, _): (i64, u32)| secs.abs_diff(now.mtime.0) <= COARSE_SECS as u64;
        if self.mtime.is_some_and(|mtime| !is_near(mtime)) {
            miss(Reason::Time, "the time of change could not be set".to_owned());
        }
        let changes = self.extended_changes(held)?.unwrap_or_default();
        let is_acl = |name: &&CString| reason_of(name) == Reason::Acl;
        if changes.names().any(|name| is_acl(&name)) {
            miss(Reason::Acl, "its access control list could not be set".to_owned());
        }
        if self.nameless > 0 || changes.names().any(|name| !is_acl(&name)) {
            miss(Reason::Extended, "extended attributes could not be set".to_owned());
        }
        Ok(missing)
    }

    /// What is to be set and what removed, if anything.
    fn extended_changes(&self, held: &AttributeHolder<'_>) -> io::Result<Option<Changes>> {
        let names = held.extended_names()?;
        let mut changes = Changes::default();
        for (name, value) in &self.extended {
            let is_there = names.contains(name) && held.extended(name)? == *value;
            if !is_there {
                changes.set.push(name.clone());
            }
        }
        changes.removed =
            names.into_iter().filter(|name| !self.extended.contains_key(name)).collect();
        changes.removed.retain(|name| grants_or_tells(name));
        Ok((!changes.set.is_empty() || !changes.removed.is_empty()).then_some(changes))
    }

    fn give_extended(&self, held: &AttributeHolder<'_>, refused: &mut Refused) {
        let changes = match self.extended_changes(held) {
            Ok(None) => return,
            Ok(Some(changes)) => changes,
            Err(error) => return refused.add(Reason::Extended, &error),
        };
        for name in changes.removed {
            refused.note(reason_of(&name), held.remove_extended(&name));
        }
        for name in changes.set {
            let value = self.extended.get(&name).map_or(&[][..], Vec::as_slice);
            refused.note(reason_of(&name), held.set_extended(&name, value));
        }
    }
}

#[derive(Debug, Default)]
struct Changes {
    set: Vec<CString>,
    removed: Vec<CString>,
}

impl Changes {
    fn names(&self) -> impl Iterator<Item = &CString> {
        self.set.iter().chain(&self.removed)
    }
}

/// The sort of an extended attribute: lists of rights are attributes to the kernel, and something
/// of their own to who restores.
fn reason_of(name: &CStr) -> Reason {
    match name.to_bytes().starts_with(b"system.posix_acl_") {
        true => Reason::Acl,
        false => Reason::Extended,
    }
}

/// The first refusal of each sort.
#[derive(Debug, Default)]
struct Refused(BTreeMap<Reason, String>);

impl Refused {
    fn add(&mut self, reason: Reason, error: &io::Error) {
        self.0.entry(reason).or_insert_with(|| error.to_string());
    }

    fn note(&mut self, reason: Reason, result: io::Result<()>) {
        if let Err(error) = result {
            self.add(reason, &error);
        }
    }
}

/// Whether an extended attribute that the snapshot does not have must go: what a user wrote, and
/// what grants rights. The others belong to the machine.
fn grants_or_tells(name: &CStr) -> bool {
    let name = name.to_bytes();
    name.starts_with(b"user.")
        || name.starts_with(b"system.posix_acl_")
        || name == b"security.capability"
}

/// A mode of the format as the kernel has it.
pub(super) fn mode(go: u32) -> u32 {
    GO_BITS
        .iter()
        .fold(go & 0o777, |mode, (bit, own)| if go & bit != 0 { mode | own } else { mode })
}

/// Seconds and, counted upwards, nanoseconds.
fn time(at: Timestamp) -> (i64, u32) {
    let (secs, nanos) = (at.as_second(), at.subsec_nanosecond());
    match u32::try_from(nanos) {
        Ok(nanos) => (secs, nanos),
        Err(_) => (secs - 1, (nanos + 1_000_000_000).unsigned_abs()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::os::fd::AsFd;

    #[test]
    fn modes_and_times_come_as_the_kernel_has_them() {
        assert_eq!(mode(0o755), 0o755);
        assert_eq!(mode(1 << 31 | 1 << 23 | 1 << 22 | 1 << 20 | 0o750), 0o7750);
        assert_eq!(time(Timestamp::new(5, 7).unwrap()), (5, 7));
        assert_eq!(time(Timestamp::new(-2, 250_000_000).unwrap()), (-2, 250_000_000));
    }

    fn wanted(about: impl FnOnce(&mut Metadata)) -> Wanted {
        let mut metadata = Metadata::default();
        about(&mut metadata);
        Wanted::of(&metadata, Owners::Restored)
    }

    #[test]
    fn what_differs_is_given_once_and_what_cannot_be_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = File::create(folder.path().join("file")).unwrap();
        let held = AttributeHolder::Open(file.as_fd());
        let facts = held.facts().unwrap();
        let wanted = wanted(|about| {
            about.mode = Some(1 << 23 | 0o750);
            about.mtime = Some(Timestamp::new(1_000_000_000, 5).unwrap());
            (about.uid, about.gid) = (Some(facts.uid), Some(facts.gid));
        });
        assert!(wanted.differs(&held).unwrap());
        assert_eq!(wanted.give(&held).unwrap(), []);
        assert!(!wanted.differs(&held).unwrap());
        let now = held.facts().unwrap();
        assert_eq!((now.mode, now.mtime), (0o4750, (1_000_000_000, 5)));
        let far = Wanted { mtime: Some((i64::MAX / 4, 0)), ..wanted };
        let missing = far.give(&held).unwrap();
        assert_eq!(missing.iter().map(|own| own.0).collect::<Vec<_>>(), [Reason::Time]);
    }

    #[test]
    fn a_list_of_rights_is_told_apart_from_other_attributes() {
        for name in [c"system.posix_acl_access", c"system.posix_acl_default"] {
            assert_eq!(reason_of(name), Reason::Acl);
        }
        assert_eq!(reason_of(c"user.note"), Reason::Extended);
        let folder = tempfile::tempdir().unwrap();
        let file = File::create(folder.path().join("file")).unwrap();
        let held = AttributeHolder::Open(file.as_fd());
        // The kernel takes no list that is not well formed.
        let extended = BTreeMap::from([(c"system.posix_acl_access".to_owned(), vec![1])]);
        let wanted = Wanted { extended, ..Wanted::default() };
        let missing = wanted.give(&held).unwrap();
        assert_eq!(missing.iter().map(|own| own.0).collect::<Vec<_>>(), [Reason::Acl]);
    }

    #[test]
    fn owners_that_are_not_to_be_restored_make_no_difference() {
        let mut about = Metadata::default();
        (about.uid, about.gid) = (Some(12_345), Some(12_345));
        let folder = tempfile::tempdir().unwrap();
        let file = File::create(folder.path().join("file")).unwrap();
        assert!(
            !Wanted::of(&about, Owners::Kept)
                .differs(&AttributeHolder::Open(file.as_fd()))
                .unwrap()
        );
    }
}
