//! What a job of `Microsoft.DataBox` has beside what every job has, in the service's own words
//! where customers write them (`azure-import-export` 1C).

use std::fmt;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::states::JobState;

/// Who is written to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Contact {
    pub contact_name: String,
    pub phone: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_extension: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mobile: Option<String>,
    pub email_list: Vec<String>,
    #[serde(default)]
    pub notification_preference: Vec<Notification>,
}

/// Whether an e-mail is sent when a stage is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    pub stage_name: String,
    pub send_notification: bool,
}

/// Where drives go back to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Address {
    pub street_address1: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub street_address2: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub street_address3: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_or_province: Option<String>,
    pub country: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zip_extended_code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax_identification_number: Option<String>,
    pub address_type: String,
}

/// Who carries drives back.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct ReturnCarrier {
    pub name: Option<String>,
    /// The customer's account with the carrier; a secret.
    #[serde(with = "disk_prep::noun::secret")]
    pub account: SecretString,
}

impl fmt::Debug for ReturnCarrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReturnCarrier({:?}, ***)", self.name)
    }
}

/// A state that the job has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    pub state: JobState,
    pub at: Timestamp,
}

/// What only a job of `Microsoft.DataBox` has.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Order {
    /// The service's own number for the job; operations and logs are named by it.
    pub id: String,
    /// Counts the changes that callers made.
    pub revision: u64,
    pub contact: Contact,
    pub address: Address,
    pub return_carrier: ReturnCarrier,
    pub identity: Value,
    pub key_encryption_key: Value,
    pub preferences: Value,
    pub reverse_shipping: Value,
    pub cancel_reason: Option<String>,
    /// Every state with its time, in their order.
    pub reached: Vec<Reached>,
}

impl Order {
    /// The job has come to a state. Coming to one again, it forgets what came after it.
    pub fn reach(&mut self, state: JobState, at: Timestamp) {
        if let Some(place) = self.reached.iter().position(|known| known.state == state) {
            self.reached.truncate(place);
        }
        self.reached.push(Reached { state, at });
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    pub(crate) fn order() -> Order {
        Order {
            id: "11111111-0000-4000-8000-000000000001".to_owned(),
            revision: 1,
            contact: Contact {
                contact_name: "Ops".to_owned(),
                phone: "1".to_owned(),
                phone_extension: None,
                mobile: None,
                email_list: vec!["ops@contoso.com".to_owned()],
                notification_preference: Vec::new(),
            },
            address: serde_json::from_value(
                json!({"streetAddress1": "1 Way", "country": "US", "addressType": "None"}),
            )
            .unwrap(),
            return_carrier: ReturnCarrier {
                name: Some("FedEx".to_owned()),
                account: "989ffff".into(),
            },
            identity: json!({"type": "None"}),
            key_encryption_key: json!({"kekType": "MicrosoftManaged"}),
            preferences: json!({}),
            reverse_shipping: json!({}),
            cancel_reason: None,
            reached: vec![Reached { state: JobState::Creating, at: Timestamp::UNIX_EPOCH }],
        }
    }

    #[test]
    fn a_state_that_is_reached_again_ends_what_followed_it() {
        let mut order = order();
        for state in [JobState::Shipping, JobState::Received, JobState::Transferring] {
            order.reach(state, Timestamp::UNIX_EPOCH);
        }
        order.reach(JobState::Received, Timestamp::MAX);
        let states: Vec<_> = order.reached.iter().map(|known| known.state).collect();
        assert_eq!(states, [JobState::Creating, JobState::Shipping, JobState::Received]);
        assert_eq!(order.reached[2].at, Timestamp::MAX);
    }

    #[test]
    fn the_carriers_account_is_not_shown() {
        assert!(!format!("{:?}", order()).contains("989ffff"));
    }
}
