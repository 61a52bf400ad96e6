//! Plain confirmations: what would be deleted or ended is shown, and a person says yes. In a
//! script `--yes` says it. Never for what may be erased on a drive.

use disk_prep::noun::{Diagnose, ErrorKind, Hint};

use super::{Ui, screen};
use crate::cli::Global;

/// Nobody said yes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoConsent {
    /// Nobody could be asked.
    #[error("{what}, and nobody is there to be asked")]
    Unasked {
        /// What would be done.
        what: String,
    },
    /// A person was asked.
    #[error("{what}: not confirmed, so nothing was done")]
    Refused {
        /// What would have been done.
        what: String,
    },
}

impl Diagnose for NoConsent {
    fn code(&self) -> &'static str {
        match self {
            NoConsent::Unasked { .. } => "needs-yes",
            NoConsent::Refused { .. } => "not-confirmed",
        }
    }
    fn kind(&self) -> ErrorKind {
        match self {
            NoConsent::Unasked { .. } => ErrorKind::Usage,
            NoConsent::Refused { .. } => ErrorKind::Guard,
        }
    }
    fn hint(&self) -> Option<Hint> {
        match self {
            NoConsent::Unasked { .. } => {
                Some(Hint::new("nothing was done; if that is what is wanted, add `--yes`"))
            }
            NoConsent::Refused { .. } => None,
        }
    }
}

impl Ui {
    /// Goes on if `--yes` was given, or if a person says yes to what would be done.
    pub fn consent(&self, global: &Global, what: &str) -> Result<(), NoConsent> {
        if global.yes {
            return Ok(());
        }
        let what = what.to_owned();
        if !self.can_ask() {
            return Err(NoConsent::Unasked { what });
        }
        let answer =
            self.ask(&format!("{}. Go on? [y/N] ", screen::line(&what))).unwrap_or_default();
        if matches!(answer.to_lowercase().as_str(), "y" | "yes") {
            Ok(())
        } else {
            Err(NoConsent::Refused { what })
        }
    }
}
