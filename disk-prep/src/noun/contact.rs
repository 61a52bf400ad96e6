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
    /// The key that protects the drives' keys at the service; without it that of Microsoft.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_vault: Option<KeyVault>,
}

/// A customer's key in Key Vault (`azure-import-export` 1A.7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyVault {
    /// Address of the key.
    pub key_url: String,
    /// Resource id of its vault.
    pub vault_id: String,
    /// Resource id of the identity that may use it; without it that of the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
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
        self.return_address.check()?;
        self.return_carrier.check()
    }
}

impl ReturnAddress {
    /// Checks that nothing the service requires is empty.
    pub fn check(&self) -> Result<(), InvalidNoun> {
        let required = [
            ("recipient_name", &self.recipient_name),
            ("street_address_1", &self.street_address_1),
            ("city", &self.city),
            ("postal_code", &self.postal_code),
            ("country_or_region", &self.country_or_region),
            ("phone", &self.phone),
            ("email", &self.email),
        ];
        required.into_iter().try_for_each(|(field, value)| check_required(field, value))?;
        for (field, value) in [
            ("street_address_2", &self.street_address_2),
            ("state_or_province", &self.state_or_province),
        ] {
            value.as_ref().map_or(Ok(()), |value| check_text(field, value))?;
        }
        if !self.email.contains('@') {
            return Err(InvalidNoun::new("email", &self.email, "an address with an @"));
        }
        Ok(())
    }

    /// Checks that phone and e-mail look like such: the datacenter and the carrier ask by them.
    pub fn check_reach(&self) -> Result<(), InvalidNoun> {
        let ReturnAddress { phone, email, .. } = self;
        let digits = phone.chars().filter(char::is_ascii_digit).count();
        let is_phone = |c: char| c.is_ascii_digit() || " +-()./x".contains(c);
        if !PHONE_DIGITS.contains(&digits) || !phone.chars().all(is_phone) {
            let rule = "5 to 20 digits, with + - ( ) . / and blanks between them";
            return Err(InvalidNoun::new("phone", phone, rule));
        }
        let is_word = |text: &str| {
            !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || "@,;<>\"".contains(c))
        };
        let is_host = |host: &str| host.split('.').count() > 1 && host.split('.').all(is_word);
        let parts = email.split_once('@');
        if !parts.is_some_and(|(name, host)| is_word(name) && is_host(host)) {
            return Err(InvalidNoun::new("email", email, "one address, such as name@example.com"));
        }
        Ok(())
    }
}

impl KeyVault {
    /// Checks that each of its parts is of the kind that it should be.
    pub fn check(&self) -> Result<(), InvalidNoun> {
        check_required("key_url", &self.key_url)?;
        check_required("vault_id", &self.vault_id)?;
        let is_key = self.key_url.starts_with("https://") && self.key_url.contains("/keys/");
        if !is_key {
            return Err(InvalidNoun::new("key_url", &self.key_url, "https://VAULT/keys/NAME"));
        }
        let is = |text: &str, kind: &str| {
            let text = text.to_ascii_lowercase();
            text.starts_with("/subscriptions/") && text.contains(kind)
        };
        if !is(&self.vault_id, "/providers/microsoft.keyvault/vaults/") {
            return Err(InvalidNoun::new("vault_id", &self.vault_id, "the resource id of a vault"));
        }
        let Some(identity) = &self.identity else { return Ok(()) };
        check_text("identity", identity)?;
        if !is(identity, "/providers/microsoft.managedidentity/userassignedidentities/") {
            let rule = "the resource id of a user-assigned identity";
            return Err(InvalidNoun::new("identity", identity, rule));
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

/// Digits of a phone number with its country, and of an extension behind it.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 5..=20;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_the_customer_names_key_vault_and_identity_by_what_they_are() {
        let key = |url: &str, vault: &str, identity: Option<&str>| KeyVault {
            key_url: url.to_owned(),
            vault_id: vault.to_owned(),
            identity: identity.map(str::to_owned),
        };
        let (url, vault) = (
            "https://v.vault.azure.net/keys/seed",
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v",
        );
        let identity = "/subscriptions/s/resourcegroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i";
        assert!(key(url, vault, None).check().is_ok());
        assert!(key(url, vault, Some(identity)).check().is_ok());
        for wrong in [
            key("http://v/keys/seed", vault, None),
            key("https://v.vault.azure.net/secrets/seed", vault, None),
            key(url, "v", None),
            key(url, identity, None),
            key(url, vault, Some(vault)),
            key("", vault, None),
            key(&format!("{url}\n"), vault, None),
        ] {
            assert!(wrong.check().is_err(), "{wrong:?}");
        }
    }

    fn address(phone: &str, email: &str) -> ReturnAddress {
        let text = || "x".to_owned();
        ReturnAddress {
            recipient_name: text(),
            street_address_1: text(),
            street_address_2: None,
            city: text(),
            state_or_province: None,
            postal_code: text(),
            country_or_region: text(),
            phone: phone.to_owned(),
            email: email.to_owned(),
        }
    }

    #[test]
    fn phone_and_e_mail_are_looked_at_for_form() {
        let (phone, email) = ("+49 (30) 123-4567 x12", "backup.team+a@mail.example.com");
        assert!(address(phone, email).check_reach().is_ok());
        for phone in ["", "123", "call me", "+49 30 1234567890123456789", "1234567;rm"] {
            assert!(address(phone, email).check_reach().is_err(), "{phone}");
        }
        for email in
            ["", "a", "a@b", "a@@b.c", "a b@c.d", "a@b.c, d@e.f", "<a@b.c>", "@b.c", "a@.c"]
        {
            assert!(address(phone, email).check_reach().is_err(), "{email}");
        }
    }
}
