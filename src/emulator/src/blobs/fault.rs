//! Refusals of the blob service, in its own form ("Blob Storage error codes").

use std::io;

use crate::http::Answer;

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub status: u16,
    pub code: &'static str,
    pub message: String,
}

impl Fault {
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Fault { status, code, message: message.into() }
    }

    pub fn authentication() -> Self {
        let message = "The signature or token is wrong, of another account, or over.";
        Fault::new(403, "AuthenticationFailed", message)
    }

    pub fn no_authentication() -> Self {
        let message = "The call carries no signature, token or SAS.";
        Fault::new(403, "NoAuthenticationInformation", message)
    }

    pub fn permission() -> Self {
        let message = "The SAS does not give this right.";
        Fault::new(403, "AuthorizationPermissionMismatch", message)
    }

    /// Of a token.
    pub fn not_allowed() -> Self {
        let message =
            "This request is not authorized to perform this operation using this permission.";
        Fault::new(403, "AuthorizationPermissionMismatch", message)
    }

    pub fn no_container() -> Self {
        Fault::new(404, "ContainerNotFound", "The container does not exist.")
    }

    pub fn no_blob() -> Self {
        Fault::new(404, "BlobNotFound", "The blob does not exist.")
    }

    pub fn not_there() -> Self {
        Fault::new(501, "NotImplemented", "The emulator has no such call.")
    }

    pub fn archived() -> Self {
        let message = "The blob is in the archive tier; it cannot be read before it is in another.";
        Fault::new(409, "BlobArchived", message)
    }

    pub fn crc64() -> Self {
        let message = "The CRC64 that was sent is not that of the content.";
        Fault::new(400, "Crc64Mismatch", message)
    }

    pub fn xml() -> Self {
        Fault::new(400, "InvalidXmlDocument", "The XML cannot be read.")
    }

    pub fn input(message: impl Into<String>) -> Self {
        Fault::new(400, "InvalidInput", message)
    }

    pub fn header(name: &str) -> Self {
        Fault::new(400, "InvalidHeaderValue", format!("The header {name} has a wrong value."))
    }

    pub fn missing_header(name: &str) -> Self {
        Fault::new(400, "MissingRequiredHeader", format!("The header {name} is missing."))
    }

    pub fn md5() -> Self {
        let message = "The MD5 that was sent is not that of the content.";
        Fault::new(400, "Md5Mismatch", message)
    }

    pub fn condition() -> Self {
        let message = "A condition of the call is not met.";
        Fault::new(412, "ConditionNotMet", message)
    }

    pub fn source(status: u16, message: impl Into<String>) -> Self {
        Fault::new(status, "CannotVerifyCopySource", message)
    }

    /// As an answer; without a body to HEAD.
    pub fn answer(&self, is_head: bool) -> Answer {
        let answer = if is_head {
            Answer::empty(self.status)
        } else {
            let text = format!(
                "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{}</Code><Message>{}</Message></Error>",
                self.code,
                quick_xml::escape::escape(self.message.as_str())
            );
            Answer::xml(self.status, text)
        };
        answer.with("x-ms-error-code", self.code)
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::InvalidFilename | io::ErrorKind::InvalidInput => {
                Fault::new(400, "InvalidResourceName", error.to_string())
            }
            io::ErrorKind::StorageFull => Fault::new(503, "ServerBusy", "The disk is full."),
            _ => Fault::new(500, "InternalError", error.to_string()),
        }
    }
}
