//! What came of each step of a way.

use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::time::Duration;

use jiff::SignedDuration;

use crate::azure::reason::Reason;

/// How far a way led. A step that was not reached is absent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Steps {
    /// The proxy that it leads through, without user and password.
    pub through: Option<String>,
    /// The name of the host, or of the proxy.
    pub named: Named,
    /// The connection to it.
    pub opened: Option<Opened>,
    /// What the proxy said of the host.
    pub tunnel: Option<Met>,
    /// The handshake with the host.
    pub secured: Option<Secured>,
    /// What the host said.
    pub said: Option<Result<Said, Reason>>,
}

/// What became of a name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Named {
    /// It was not asked for.
    #[default]
    Unasked,
    /// It is known.
    As(Vec<IpAddr>),
    /// There is no such name.
    Unknown,
    /// No name server answered.
    NoAnswer,
}

impl Named {
    /// The library of C tells a name that is not there from one that nobody could say anything of
    /// by its words alone (`gai_strerror`, which this program never has translated).
    pub(super) fn of(error: &io::Error) -> Self {
        match error.to_string().contains("Temporary failure") {
            true => Named::NoAnswer,
            false => Named::Unknown,
        }
    }
}

/// What became of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// It was made, in so much time.
    In(Duration),
    /// Nothing listens there, or a firewall says so.
    Refused,
    /// Nothing was heard.
    Silent,
    /// There is no route to it.
    Unreachable,
    /// Something else.
    Failed(String),
}

impl Opened {
    pub(super) fn of(error: &io::Error) -> Self {
        match error.kind() {
            ErrorKind::ConnectionRefused => Opened::Refused,
            ErrorKind::TimedOut => Opened::Silent,
            ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable => Opened::Unreachable,
            _ => Opened::Failed(error.to_string()),
        }
    }
}

/// What a proxy says of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Met {
    /// It connects.
    Open,
    /// It does not.
    Refused {
        /// 407 wants a user, 403 does not let the host through.
        status: u16,
        /// Its first words.
        words: String,
    },
    /// It does not speak as a proxy does.
    Broken(String),
}

/// What came of a handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secured {
    /// The host is who it says.
    By {
        /// Who signed its certificate.
        issuer: String,
    },
    /// Nobody whom this machine knows has signed it.
    UnknownIssuer {
        /// Who did.
        issuer: String,
    },
    /// It is over, or not begun, by this machine's clock.
    Untimely {
        /// From when until when it holds.
        span: String,
    },
    /// It is of another name.
    OtherName {
        /// The names that it has.
        names: String,
    },
    /// Something else.
    Failed(Reason),
}

/// What a host answers to a question that needs no sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The status of HTTP.
    pub status: u16,
    /// Whether a page for a person came.
    pub is_html: bool,
    /// Whether it says how to sign in.
    pub asks_for_sign_in: bool,
    /// Whether it has headers of Azure's services.
    pub is_of_azure: bool,
    /// What it calls itself.
    pub server: Option<String>,
    /// How far this machine's clock is ahead of its own.
    pub ahead: Option<SignedDuration>,
}
