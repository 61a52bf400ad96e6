//! The socket beside the emulator's data, `DIR/control.sock`: JSON Lines, for the owner only.
//! Moves the clock, and brings drives to the dock: open files travel with the line that names
//! them, so the emulator never opens a path that somebody else named.

use std::fs::{self, File, Permissions};
use std::io::{self, BufRead, BufReader, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread::Builder;

use disk_prep::noun::{Serial, count};
use jiff::{SignedDuration, Timestamp};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use serde::{Deserialize, Serialize};

use super::disks::DiskDeed;
use super::dock::Docked;
use super::dock::line::send as write_line;
use super::error::Error;
use super::mischief::{Standing, Wanted};
use super::recovery::{
    AccountFacts, AccountOrder, GroupOrder, ManagedDisk, SecurityGroup, SecurityOrder, Vm, VmOrder,
};

use super::rights::RightsOrder;

const NAME: &str = "control.sock";
/// Files that one message may carry, by the kernel's rule.
const MOST_FILES: usize = 253;
/// The first line comes in one message.
const LONGEST_REQUEST: usize = 64 << 10;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "type")]
pub(super) enum Request {
    /// Put the clock forward.
    Clock { forward_secs: i64 },
    /// Change what goes wrong, and say it.
    Mischief { wanted: Vec<Wanted>, is_clear: bool },
    /// Declare, change or take away a machine, or list them all.
    Vm { deed: VmDeed },
    /// Declare, change or take away a managed disk, or list them all.
    Disk { deed: DiskDeed },
    /// Change a storage account.
    Account { order: AccountOrder },
    /// Let a resource group be there or not, or lock it.
    Group { order: GroupOrder },
    /// Make or change a network security group.
    Security { order: SecurityOrder },
    /// Change what whoever signs in may do.
    Rights { order: RightsOrder },
    /// Take drives in; their files travel with this line, in the same order.
    Dock { serials: Vec<Serial> },
}

/// What is done with the machines of the subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VmDeed {
    /// Make it, or change it.
    Set(VmOrder),
    /// Take it away, protected or not.
    Remove(VmOrder),
    /// Write into one of its disks, as it would at its work.
    Write {
        /// Which machine.
        order: VmOrder,
        /// Which data disk; without it the system's.
        lun: Option<u32>,
        /// From which byte on.
        offset: u64,
    },
    /// Tell of all.
    List,
}

/// What is answered, line by line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "type")]
pub enum Reply {
    /// The clock's time.
    Clock {
        /// The time.
        now: Timestamp,
    },
    /// A drive was read, or not.
    Drive {
        /// Its serial number.
        serial: Serial,
        /// Its job.
        job: Option<String>,
        /// The datacenter's status, or why it was not read.
        status: String,
        /// Bytes that arrived.
        bytes_succeeded: u64,
        /// Where the error log is.
        error_log: Option<String>,
        /// It was read when it came before.
        #[serde(default)]
        is_known: bool,
    },
    /// A mischief that is on, or has been.
    Mischief {
        /// Its name.
        what: String,
        /// How often it will strike yet; `None` until it is called off.
        left: Option<u32>,
        /// How often it has struck.
        struck: u32,
    },
    /// A virtual machine.
    Vm {
        /// Its name.
        name: String,
        /// Its resource group.
        group: String,
        /// Its region.
        region: String,
        /// Whether it runs, and what of it is odd.
        state: String,
    },
    /// A managed disk.
    Disk {
        /// Its name.
        name: String,
        /// Its resource group.
        group: String,
        /// Its region.
        region: String,
        /// Its length.
        bytes: u64,
        /// Of which kind it is.
        sku: String,
    },
    /// A storage account.
    Account {
        /// Its name.
        name: String,
        /// Where it is and of which kind.
        state: String,
    },
    /// A resource group.
    Group {
        /// Its name.
        name: String,
        /// Whether it is there.
        is_there: bool,
    },
    /// A network security group.
    Security {
        /// Its name.
        name: String,
        /// Its resource group.
        group: String,
        /// Its rules, and where it stands.
        state: String,
    },
    /// What whoever signs in may do.
    Rights {
        /// That in words.
        state: String,
    },
    /// That was all.
    Done,
    /// It could not be done.
    Refused {
        /// Why.
        message: String,
    },
}

impl From<Docked> for Reply {
    fn from(docked: Docked) -> Self {
        let Docked { serial, job, status, bytes_succeeded, error_log, is_known } = docked;
        Reply::Drive { serial, job, status, bytes_succeeded, error_log, is_known }
    }
}

impl From<Vm> for Reply {
    fn from(own: Vm) -> Self {
        let Vm {
            name,
            group,
            region,
            os,
            power,
            agent,
            is_classic,
            is_slow,
            failing,
            disks,
            nics,
            is_balanced,
            extension,
            oddities,
            ..
        } = own;
        let mut state = vec![os, power, format!("agent {agent}")];
        // One disk goes without saying.
        state.extend((disks.len() > 1).then(|| count(disks.len(), "disk")));
        state.extend(is_classic.then(|| "classic".to_owned()));
        state.extend(is_slow.then(|| "slow".to_owned()));
        state.extend((nics > 1).then(|| count(nics, "network card")));
        state.extend(is_balanced.then(|| "behind a load balancer".to_owned()));
        state.extend((extension != "none").then(|| format!("extension {extension}")));
        state.extend(oddities);
        state.extend(failing.map(|own| match own.left {
            Some(left) => {
                let left = count(left, "time");
                format!("fails with {} at {}, {left} yet", own.code, own.at)
            }
            None => format!("fails with {} at {}", own.code, own.at),
        }));
        Reply::Vm { name, group, region, state: state.join(", ") }
    }
}

impl From<ManagedDisk> for Reply {
    fn from(own: ManagedDisk) -> Self {
        let ManagedDisk { name, group, region, bytes, sku, .. } = own;
        Reply::Disk { name, group, region, bytes, sku }
    }
}

impl From<AccountFacts> for Reply {
    fn from(own: AccountFacts) -> Self {
        let AccountFacts { name, region, sku, kind, .. } = own;
        let region = region.unwrap_or_else(|| "every region".to_owned());
        Reply::Account { name, state: format!("{region}, {kind}, {sku}") }
    }
}

impl From<SecurityGroup> for Reply {
    fn from(own: SecurityGroup) -> Self {
        let SecurityGroup { group, name, rules, machines, subnets, .. } = own;
        let places: Vec<String> = machines.into_iter().chain(subnets).collect();
        let rules = count(rules.len(), "rule");
        let state = match places.is_empty() {
            true => format!("{rules}, stands nowhere"),
            false => format!("{rules}, stands at {}", places.join(", ")),
        };
        Reply::Security { name, group, state }
    }
}

impl From<Standing> for Reply {
    fn from(own: Standing) -> Self {
        let Standing { mischief, left, struck } = own;
        Reply::Mischief { what: mischief.name().to_owned(), left, struck }
    }
}

/// A path of the socket that is short enough however long the folder's is.
fn address(folder: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}/{NAME}", folder.as_raw_fd()))
}

/// Opens the socket of an emulator that runs on `data`. It is made in the private folder `meta`
/// and comes to its place with its mode, so that nobody else can connect even for a moment.
pub(super) fn listen(data: &Path, meta: &Path) -> io::Result<UnixListener> {
    let folder = File::open(meta)?;
    let path = address(&folder);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    fs::rename(meta.join(NAME), data.join(NAME))?;
    Ok(listener)
}

/// Answers requests for ever; each on a thread of its own.
pub(super) fn serve(
    listener: &UnixListener,
    answer: impl Fn(Request, Vec<File>) -> Result<Vec<Reply>, Error> + Send + Sync + 'static,
) {
    let answer = std::sync::Arc::new(answer);
    for stream in listener.incoming().flatten() {
        let answer = std::sync::Arc::clone(&answer);
        let made = Builder::new().spawn(move || {
            let replies = receive(&stream)
                .map_err(|error| error.to_string())
                .and_then(|(request, files)| {
                    answer(request, files).map_err(|error| match error {
                        // Whoever asked says that it was refused.
                        Error::Refused { message } => message,
                        other => other.to_string(),
                    })
                })
                .map(|mut replies| {
                    replies.push(Reply::Done);
                    replies
                })
                .unwrap_or_else(|message| vec![Reply::Refused { message }]);
            for reply in replies {
                // A caller that has gone away misses the answer; the work is done.
                if write_line(&mut &stream, &reply).is_err() {
                    return;
                }
            }
        });
        if let Err(error) = made {
            // The caller finds the line closed, and asks again.
            tracing::warn!(%error, "no thread answers");
        }
    }
}

fn receive(stream: &UnixStream) -> io::Result<(Request, Vec<File>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FILES))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut line = vec![0; LONGEST_REQUEST];
    let mut parts = [IoSliceMut::new(&mut line)];
    let message = recvmsg(stream, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let mut files = Vec::new();
    for ancillary in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = ancillary {
            files.extend(rights.map(File::from));
        }
    }
    let request = serde_json::from_slice(&line[..message.bytes])?;
    Ok((request, files))
}

/// Asks the emulator that runs on `data`.
pub(super) fn ask(
    data: &Path,
    request: &Request,
    files: Vec<OwnedFd>,
) -> Result<Vec<Reply>, Error> {
    let absent = || Error::NotRunning { path: data.to_owned() };
    let broken = |source| Error::Broken { path: data.to_owned(), source };
    let folder = File::open(data).map_err(|_| absent())?;
    let stream = UnixStream::connect(address(&folder)).map_err(|_| absent())?;
    send(&stream, request, &files).map_err(broken)?;
    drop(files);
    let mut replies = Vec::new();
    for line in BufReader::new(&stream).lines() {
        let line = line.map_err(broken)?;
        match serde_json::from_str(&line).map_err(|error| broken(error.into()))? {
            Reply::Done => return Ok(replies),
            Reply::Refused { message } => return Err(Error::Refused { message }),
            reply => replies.push(reply),
        }
    }
    Err(broken(io::ErrorKind::UnexpectedEof.into()))
}

fn send(stream: &UnixStream, request: &Request, files: &[OwnedFd]) -> io::Result<()> {
    let line = serde_json::to_vec(request)?;
    if line.len() > LONGEST_REQUEST || files.len() > MOST_FILES {
        return Err(io::Error::other("too many drives for one message"));
    }
    let fds: Vec<BorrowedFd<'_>> = files.iter().map(AsFd::as_fd).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FILES))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(&fds)) {
        return Err(io::Error::other("too many drives for one message"));
    }
    let sent = sendmsg(stream, &[IoSlice::new(&line)], &mut control, SendFlags::empty())?;
    if sent == line.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
}

impl Request {
    /// Puts the clock forward.
    pub fn forward(by: SignedDuration) -> Self {
        Request::Clock { forward_secs: by.as_secs() }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn files_travel_with_the_line_that_names_them() {
        let folder = tempfile::tempdir().unwrap();
        let long = folder.path().join("x".repeat(200));
        fs::create_dir(&long).unwrap();
        let listener = listen(&long, folder.path()).unwrap();
        let mode = long.join(NAME).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::thread::spawn(move || {
            serve(&listener, |request, files| {
                let Request::Dock { serials } = request else {
                    return Err(Error::Refused { message: "no".to_owned() });
                };
                let reply = |(serial, mut file): (Serial, File)| {
                    let mut status = String::new();
                    file.read_to_string(&mut status).unwrap();
                    Reply::Drive {
                        serial,
                        job: None,
                        status,
                        bytes_succeeded: 0,
                        error_log: None,
                        is_known: false,
                    }
                };
                Ok(serials.into_iter().zip(files).map(reply).collect())
            });
        });
        let serials: Vec<Serial> = ["A", "B"].map(|own| own.parse().unwrap()).into();
        let files = ["one", "two"].map(|text| {
            let path = folder.path().join(text);
            fs::write(&path, text).unwrap();
            File::open(path).unwrap().into()
        });
        let replies = ask(&long, &Request::Dock { serials }, files.into()).unwrap();
        let status = |reply: &Reply| match reply {
            Reply::Drive { serial, status, .. } => format!("{serial} {status}"),
            other => panic!("{other:?}"),
        };
        assert_eq!(replies.iter().map(status).collect::<Vec<_>>(), ["A one", "B two"]);
        let refused = ask(&long, &Request::forward(SignedDuration::from_secs(1)), Vec::new());
        assert!(matches!(refused, Err(Error::Refused { message }) if message.contains("no")));
    }

    #[test]
    fn a_folder_without_an_emulator_is_told_as_such() {
        let folder = tempfile::tempdir().unwrap();
        let asked = ask(folder.path(), &Request::forward(SignedDuration::ZERO), Vec::new());
        assert!(matches!(asked, Err(Error::NotRunning { .. })));
    }
}
