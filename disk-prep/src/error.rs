//! Everything that can go wrong with drives, each with a stable code: the errors of the rooms
//! below under one name, and what the stories above find wrong. A fault of one drive is
//! always a [`DriveError`].

use std::error::Error as StdError;
use std::fmt;

use crate::noun::{self, Diagnose, DriveFault, ErrorKind, Hint, JoinedFault, Serial, lines, typed};
use crate::stop::Stopped;
use crate::volume::view::ViewError;
use crate::world::{NotBegun, SourcesFault};
use crate::{dataset, device, drive, fill, journal, label, plan, seal, volume};

/// A drive, and what is wrong with it.
pub type DriveError = noun::DriveError<Fault>;

/// The error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Files that cannot be listed or shipped.
    #[error(transparent)]
    DataSet(#[from] dataset::Error),
    /// A drive that cannot be had.
    #[error(transparent)]
    Drive(drive::Error),
    /// A journal, a plan file or a claim.
    #[error(transparent)]
    Journal(#[from] journal::Error),
    /// Files that have no place.
    #[error(transparent)]
    Plan(plan::Error),
    /// Who remembers drives lets none be begun.
    #[error(transparent)]
    NotBegun(#[from] NotBegun),
    /// A drive has a fault.
    #[error(transparent)]
    OfDrive(DriveError),
}

/// What is wrong with one drive, each in the words of its room.
#[derive(Debug)]
#[non_exhaustive]
pub enum Fault {
    /// Of the drive itself.
    Drive(drive::Fault),
    /// Of the volume that it should get.
    Volume(volume::Fault),
    /// Of the volume that it has.
    View(ViewError),
    /// While it is labelled.
    Label(label::Fault),
    /// While it is filled.
    Fill(fill::Fault),
    /// While it is sealed.
    Seal(seal::Fault),
    /// Somebody asked to stop.
    Stopped(Stopped),
    /// It is not ready for what was asked.
    Unready(Unready),
}

/// Why a drive is not ready for what was asked of it.
#[derive(Debug)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each sentence names its fields")]
pub enum Unready {
    /// Without these files of a repository nobody can read it.
    RepositoryIncomplete { missing: Vec<String> },
    /// It is sealed or begun for another job, where it may have another serial.
    SealedElsewhere { job: String, known_as: Serial },
    /// Not finished yet.
    NotSealed,
    /// Neither a journal nor a file says how to unlock it.
    NoRecoveryPassword,
    /// Drives that were filled before and after a change make nothing whole together.
    Sources { fault: SourcesFault },
}

impl Error {
    /// Whether the drive itself is at fault, so that another drive may do better.
    pub fn is_of_the_drive(&self) -> bool {
        matches!(self, Error::OfDrive(error) if error.fault.is_of_the_drive())
    }

    fn inner(&self) -> &dyn Diagnose {
        match self {
            Error::DataSet(error) => error,
            Error::Drive(error) => error,
            Error::Journal(error) => error,
            Error::Plan(error) => error,
            Error::NotBegun(error) => error,
            Error::OfDrive(error) => error,
        }
    }
}

impl Diagnose for Error {
    fn code(&self) -> &'static str {
        self.inner().code()
    }
    fn kind(&self) -> ErrorKind {
        self.inner().kind()
    }
    fn hint(&self) -> Option<Hint> {
        self.inner().hint()
    }
}

impl<F: Into<Fault>> From<noun::DriveError<F>> for Error {
    fn from(error: noun::DriveError<F>) -> Self {
        Error::OfDrive(error.lift())
    }
}

impl From<drive::Error> for Error {
    fn from(error: drive::Error) -> Self {
        match error {
            drive::Error::OfDrive(error) => error.into(),
            error => Error::Drive(error),
        }
    }
}

impl From<plan::Error> for Error {
    fn from(error: plan::Error) -> Self {
        match error {
            plan::Error::Room(error) => error.into(),
            error => Error::Plan(error),
        }
    }
}

impl From<device::Fault> for Fault {
    fn from(fault: device::Fault) -> Self {
        Fault::Drive(fault.into())
    }
}

impl From<drive::Fault> for Fault {
    fn from(fault: drive::Fault) -> Self {
        Fault::Drive(fault)
    }
}

impl From<volume::Fault> for Fault {
    fn from(fault: volume::Fault) -> Self {
        Fault::Volume(fault)
    }
}

impl From<ViewError> for Fault {
    fn from(error: ViewError) -> Self {
        Fault::View(error)
    }
}

impl From<label::Fault> for Fault {
    fn from(fault: label::Fault) -> Self {
        Fault::Label(fault)
    }
}

impl From<fill::Fault> for Fault {
    fn from(fault: fill::Fault) -> Self {
        Fault::Fill(fault)
    }
}

impl From<seal::Fault> for Fault {
    fn from(fault: seal::Fault) -> Self {
        Fault::Seal(fault)
    }
}

impl From<Stopped> for Fault {
    fn from(stopped: Stopped) -> Self {
        Fault::Stopped(stopped)
    }
}

impl From<Unready> for Fault {
    fn from(unready: Unready) -> Self {
        Fault::Unready(unready)
    }
}

impl JoinedFault for Fault {
    fn inner(&self) -> &dyn DriveFault {
        match self {
            Fault::Drive(fault) => fault,
            Fault::Volume(fault) => fault,
            Fault::View(error) => error,
            Fault::Label(fault) => fault,
            Fault::Fill(fault) => fault,
            Fault::Seal(fault) => fault,
            Fault::Stopped(stopped) => stopped,
            Fault::Unready(unready) => unready,
        }
    }
}

impl DriveFault for Unready {
    fn tell(&self, serial: &Serial, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unready::RepositoryIncomplete { missing } => write!(
                f,
                "Drive {serial} is not sealed, as a repository is unreadable without these files{}",
                lines(missing)
            ),
            Unready::SealedElsewhere { job, known_as } => {
                write!(f, "Drive {serial} is sealed or begun for job {job}")?;
                match known_as == serial {
                    true => Ok(()),
                    false => write!(f, ", as drive {known_as}"),
                }
            }
            Unready::NotSealed => write!(f, "Drive {serial} is not sealed yet"),
            Unready::NoRecoveryPassword => write!(
                f,
                "There is no journal of drive {serial}, and no recovery password was given"
            ),
            Unready::Sources { fault } => write!(f, "Drive {serial} is not sealed: {fault}"),
        }
    }

    fn cause(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Unready::Sources { fault } => fault.source(),
            _ => None,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Unready::RepositoryIncomplete { .. } => "repository-incomplete",
            Unready::SealedElsewhere { .. } => "drive-sealed-elsewhere",
            Unready::NotSealed => "drive-not-sealed",
            Unready::NoRecoveryPassword => "no-recovery-password",
            Unready::Sources { fault } => fault.code(),
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Unready::RepositoryIncomplete { .. } => ErrorKind::Resumable,
            Unready::SealedElsewhere { .. } | Unready::NotSealed => ErrorKind::Guard,
            Unready::Sources { fault } => fault.kind(),
            Unready::NoRecoveryPassword => ErrorKind::Usage,
        }
    }

    fn hint(&self, serial: &Serial) -> Option<Hint> {
        match self {
            Unready::RepositoryIncomplete { .. } => Some(Hint::new(format!(
                "when they can be read, run the same command again; if the repository was changed \
                 since, give the drive up with `azseed drive release {serial}`, then prepare it again"
            ))),
            Unready::NoRecoveryPassword => Some(Hint::new(
                "name the staging path with `--staging`, or a file with the password with \
                 `--recovery-password-file`",
            )),
            Unready::Sources { fault } => fault.hint(),
            Unready::SealedElsewhere { known_as, .. } => {
                let release = typed(["azseed", "drive", "release", known_as.as_str()]);
                Some(Hint::new(format!(
                    "use another drive; or if it will not be shipped with that job, `{release}` gives \
                     it up"
                )))
            }
            Unready::NotSealed => None,
        }
    }
}
