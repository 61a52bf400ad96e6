//! The contact file: whom drives go back to, and with whom.

use std::path::{Path, PathBuf};

use disk_prep::noun::{Contact, Diagnose, ErrorKind, InvalidNoun, unknown_fields};
use disk_prep::sys::given;

use crate::config::TomlFault;

/// A contact file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ContactError {
    #[error("Cannot read {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{path} is not a contact file")]
    Form {
        path: PathBuf,
        #[source]
        source: TomlFault,
    },
    #[error("{path} has fields that no contact has: {}", fields.join(", "))]
    Fields { path: PathBuf, fields: Vec<String> },
    #[error(transparent)]
    Noun(#[from] InvalidNoun),
}

impl Diagnose for ContactError {
    fn code(&self) -> &'static str {
        match self {
            ContactError::Read { .. } => "contact-unreadable",
            ContactError::Form { .. } | ContactError::Fields { .. } | ContactError::Noun(_) => {
                "contact-invalid"
            }
        }
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
}

/// Reads and checks it.
pub fn contact(path: &Path) -> Result<Contact, ContactError> {
    let text = given::read_text(path)
        .map_err(|source| ContactError::Read { path: path.to_owned(), source })?;
    let form =
        |error| ContactError::Form { path: path.to_owned(), source: TomlFault::new(&error, &text) };
    let contact: Contact = toml::from_str(&text).map_err(form)?;
    let fields = unknown_fields::<Contact>(&toml::from_str(&text).map_err(form)?);
    if !fields.is_empty() {
        return Err(ContactError::Fields { path: path.to_owned(), fields });
    }
    contact.check()?;
    contact.return_address.check_reach()?;
    Ok(contact)
}
