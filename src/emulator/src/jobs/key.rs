//! What a job is called: the service it is of, subscription, group, name. The two services have
//! name spaces of their own, so one name may stand for two jobs.

use disk_prep::noun::{ResourceGroup, SubscriptionId};
use serde::{Deserialize, Serialize};

/// The service that a job is of.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Service {
    /// `Microsoft.ImportExport`; a record that says nothing is of it.
    #[default]
    ImportExport,
    /// `Microsoft.DataBox`.
    DataBox,
}

impl Service {
    /// The provider, as resource ids have it.
    pub fn provider(self) -> &'static str {
        match self {
            Service::ImportExport => "Microsoft.ImportExport",
            Service::DataBox => "Microsoft.DataBox",
        }
    }

    fn is_first(&self) -> bool {
        *self == Service::ImportExport
    }
}

/// Names a job. Azure compares texts without regard to case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct JobKey {
    /// Service.
    #[serde(default, skip_serializing_if = "Service::is_first")]
    pub service: Service,
    /// Subscription.
    pub subscription: SubscriptionId,
    /// Resource group.
    pub group: ResourceGroup,
    /// Name, checked by the rule of its service when the job is made.
    pub name: String,
}

impl JobKey {
    /// Whether two names stand for one job.
    pub fn is(&self, other: &JobKey) -> bool {
        self.service == other.service
            && self.name.eq_ignore_ascii_case(&other.name)
            && self.in_group(&other.subscription, &other.group)
    }

    /// Whether the job is of this subscription.
    pub fn in_subscription(&self, subscription: &SubscriptionId) -> bool {
        self.subscription.as_str().eq_ignore_ascii_case(subscription.as_str())
    }

    /// Whether the job is of this group.
    pub fn in_group(&self, subscription: &SubscriptionId, group: &ResourceGroup) -> bool {
        self.in_subscription(subscription)
            && self.group.as_str().to_lowercase() == group.as_str().to_lowercase()
    }

    /// The job's resource id.
    pub fn id(&self) -> String {
        format!(
            "/subscriptions/{}/resourceGroups/{}/providers/{}/jobs/{}",
            self.subscription,
            self.group,
            self.service.provider(),
            self.name
        )
    }

    /// The name of the job's record: no two jobs have one, and no part of it is a path.
    pub fn file_name(&self) -> String {
        let subscription = self.subscription.as_str().to_lowercase();
        let (group, name) = (encoded(self.group.as_str()), encoded(&self.name));
        // Neither has a dot, so records of the older service keep their names.
        let end = match self.service {
            Service::ImportExport => "json",
            Service::DataBox => "data-box.json",
        };
        format!("{subscription}.{group}.{name}.{end}")
    }
}

/// A text in small letters that a file name may have between dots.
fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.to_lowercase().bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str =
        r#"{"subscription":"00000000-0000-0000-0000-000000000001","group":"R.g","name":"seed"}"#;

    #[test]
    fn a_key_without_a_service_is_of_the_older_one_and_is_written_as_before() {
        let key: JobKey = serde_json::from_str(RECORD).unwrap();
        assert_eq!(key.service, Service::ImportExport);
        assert_eq!(serde_json::to_string(&key).unwrap(), RECORD);
        assert_eq!(key.file_name(), "00000000-0000-0000-0000-000000000001.r%2Eg.seed.json");
    }

    #[test]
    fn one_name_at_two_services_is_two_jobs_in_two_files() {
        let old: JobKey = serde_json::from_str(RECORD).unwrap();
        let new = JobKey { service: Service::DataBox, ..old.clone() };
        assert!(!old.is(&new) && old != new);
        assert_ne!(old.file_name(), new.file_name());
        let shouted = JobKey { name: "SEED".to_owned(), ..new.clone() };
        assert!(shouted.is(&new) && shouted.file_name() == new.file_name());
        let astray = JobKey { name: "../a.b".to_owned(), ..old.clone() };
        assert!(astray.file_name().ends_with(".%2E%2E%2Fa%2Eb.json"));
        let again: JobKey = serde_json::from_value(serde_json::to_value(&new).unwrap()).unwrap();
        assert_eq!(again, new);
        assert!(new.id().ends_with("/providers/Microsoft.DataBox/jobs/seed"));
    }
}
