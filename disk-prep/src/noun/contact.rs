//! Who sends the drives and where they go back to: what the job will need, asked before
//! anything is erased. A person writes it as TOML (`--contact FILE`).

use serde::{Deserialize, Serialize};

use super::invalid::InvalidNoun;

/// Contact, return address and return carrier of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Where the drives go back to, with the name, phone and e-mail of the contact.
    pub return_address: ReturnAddress,
    /// Who brings them back, on whose account.
    pub return_carrier: ReturnCarrier,
}

/// The return address; the fields are the service's (`azure-import-export` 1A.4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnAddress {
    /// Name of the recipient.
    pub recipient_name: String,
    /// First address line.
    pub street_address_1: String,
    /// Second address line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub street_address_2: Option<String>,
    /// City.
    pub city: String,
    /// State or province.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_or_province: Option<String>,
    /// Postal code.
    pub postal_code: String,
    /// Country or region.
    pub country_or_region: String,
    /// Phone.
    pub phone: String,
    /// E-mail; a group mailbox is advised.
    pub email: String,
}

/// The carrier for the way back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnCarrier {
    /// Name of the carrier.
    pub carrier_name: String,
    /// The customer's account with it.
    pub carrier_account_number: String,
}

impl Contact {
    /// Checks that nothing the service requires is empty.
    pub fn check(&self) -> Result<(), InvalidNoun> {
        let address = &self.return_address;
        let required = [
            ("recipient_name", &address.recipient_name),
            ("street_address_1", &address.street_address_1),
            ("city", &address.city),
            ("postal_code", &address.postal_code),
            ("country_or_region", &address.country_or_region),
            ("phone", &address.phone),
            ("email", &address.email),
        ];
        required.into_iter().try_for_each(|(field, value)| check_required(field, value))?;
        self.return_carrier.check()?;
        for (field, value) in [
            ("street_address_2", &address.street_address_2),
            ("state_or_province", &address.state_or_province),
        ] {
            value.as_ref().map_or(Ok(()), |value| check_text(field, value))?;
        }
        if !address.email.contains('@') {
            return Err(InvalidNoun::new("email", &address.email, "an address with an @"));
        }
        Ok(())
    }
}

impl ReturnCarrier {
    /// Checks that nothing the service requires is empty.
    pub fn check(&self) -> Result<(), InvalidNoun> {
        check_required("carrier_name", &self.carrier_name)?;
        check_required("carrier_account_number", &self.carrier_account_number)
    }
}

/// Letters of a field, at most.
const LETTERS: usize = 256;

fn check_required(field: &'static str, value: &str) -> Result<(), InvalidNoun> {
    if value.trim().is_empty() {
        return Err(InvalidNoun::new(field, value, "it must not be empty"));
    }
    check_text(field, value)
}

/// One line of text, as it fits a label.
fn check_text(field: &'static str, value: &str) -> Result<(), InvalidNoun> {
    let is_line = value.chars().count() <= LETTERS && !value.chars().any(char::is_control);
    if is_line { Ok(()) } else { Err(InvalidNoun::new(field, value, "one line of text")) }
}
