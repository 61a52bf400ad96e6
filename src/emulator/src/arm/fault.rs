//! A refusal in the resource manager's form.

use crate::error::Error;
use crate::jobs::book::BookError;
use crate::jobs::key::JobKey;

/// A refusal.
#[derive(Debug)]
pub(super) struct Fault {
    pub status: u16,
    pub code: &'static str,
    pub message: String,
    /// The property that is meant.
    pub target: Option<String>,
    /// One fault each, if there are several.
    pub details: Vec<Fault>,
}

impl Fault {
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Fault { status, code, message: message.into(), target: None, details: Vec::new() }
    }

    /// The same about a property.
    pub fn at(mut self, target: impl Into<String>) -> Self {
        self.target = Some(target.into());
        self
    }

    pub fn input(message: impl Into<String>) -> Self {
        Fault::new(400, "InvalidInput", message)
    }

    pub fn conflict(message: impl Into<String>) -> Self {
        Fault::new(409, "Conflict", message)
    }

    pub fn no_job(key: &JobKey) -> Self {
        Fault::no_resource(&format!("The job {}", key.name))
    }

    pub fn no_resource(what: &str) -> Self {
        Fault::new(404, "ResourceNotFound", format!("{what} was not found."))
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Fault::new(500, "InternalServerError", error.to_string())
    }
}

impl From<BookError> for Fault {
    fn from(error: BookError) -> Self {
        Fault::new(500, "InternalServerError", error.to_string())
    }
}
