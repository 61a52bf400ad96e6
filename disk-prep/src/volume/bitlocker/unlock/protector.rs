//! What unlocks a volume.

use std::fmt;

/// What unlocks a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protector {
    /// The key lies there in the clear: protection is suspended.
    ClearKey,
    /// The chip of one machine.
    Tpm,
    /// The chip of one machine, and more that a person has.
    TpmAnd(&'static str),
    /// A file on a USB stick.
    StartupKey,
    /// 48 digits.
    RecoveryPassword,
    /// A password that a person chose.
    Password,
    /// Something else, by its number.
    Other(u16),
}

impl Protector {
    /// By the number that a protector has; numbers as documented by libbde.
    /// The protector that a field of the metadata stands for.
    pub(super) fn new(protection: u16) -> Self {
        match protection {
            0x0000 => Protector::ClearKey,
            0x0100 => Protector::Tpm,
            0x0200 => Protector::StartupKey,
            0x0300 => Protector::TpmAnd("a startup key"),
            0x0500 => Protector::TpmAnd("a PIN"),
            0x0700 => Protector::TpmAnd("a PIN and a startup key"),
            0x0800 => Protector::RecoveryPassword,
            0x2000 => Protector::Password,
            other => Protector::Other(other),
        }
    }
}

impl fmt::Display for Protector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Protector::ClearKey => f.write_str("clear key (suspended)"),
            Protector::Tpm => f.write_str("TPM"),
            Protector::TpmAnd(more) => write!(f, "TPM with {more}"),
            Protector::StartupKey => f.write_str("startup key"),
            Protector::RecoveryPassword => f.write_str("recovery password"),
            Protector::Password => f.write_str("password"),
            Protector::Other(number) => write!(f, "unknown kind {number:#06x}"),
        }
    }
}
