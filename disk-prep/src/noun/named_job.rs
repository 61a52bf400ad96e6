//! A job as it is named: by its name alone, or by its resource id, which says where it is too.

use std::fmt;
use std::str::FromStr;

use super::invalid::InvalidNoun;
use super::names::{JobName, ResourceGroup, SubscriptionId};
use super::service::Service;

const RULE: &str = "/subscriptions/ID/resourceGroups/NAME/providers/Microsoft.DataBox/jobs/NAME, \
                    or the same with Microsoft.ImportExport";

/// The resource id of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobId {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The resource group.
    pub resource_group: ResourceGroup,
    /// The service.
    pub service: Service,
    /// Its name.
    pub job: JobName,
}

impl JobId {
    /// Whether it is the same job; Azure does not tell names apart by case.
    pub fn is(&self, other: &JobId) -> bool {
        self.to_string().eq_ignore_ascii_case(&other.to_string())
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let JobId { subscription, resource_group, service, job } = self;
        let provider = service.provider();
        write!(
            f,
            "/subscriptions/{subscription}/resourceGroups/{resource_group}/providers/{provider}/jobs/{job}"
        )
    }
}

impl FromStr for JobId {
    type Err = InvalidNoun;

    fn from_str(text: &str) -> Result<Self, InvalidNoun> {
        let invalid = || InvalidNoun::new("job id", text, RULE);
        let parts: Vec<&str> = text.split('/').collect();
        let &["", first, subscription, second, group, third, provider, fourth, job] = &parts[..]
        else {
            return Err(invalid());
        };
        let words = [first, second, third, fourth];
        let right = ["subscriptions", "resourceGroups", "providers", "jobs"];
        let mut pairs = words.iter().zip(right);
        if !pairs.all(|(word, right)| word.eq_ignore_ascii_case(right)) {
            return Err(invalid());
        }
        let is_it = |service: &Service| service.provider().eq_ignore_ascii_case(provider);
        Ok(JobId {
            subscription: subscription.parse()?,
            resource_group: group.parse()?,
            service: Service::ALL.into_iter().find(is_it).ok_or_else(invalid)?,
            job: job.parse()?,
        })
    }
}

/// What stands behind `--job`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedJob {
    /// A name; where the job is, something else says.
    Name(JobName),
    /// A resource id.
    Id(JobId),
}

impl FromStr for NamedJob {
    type Err = InvalidNoun;

    fn from_str(text: &str) -> Result<Self, InvalidNoun> {
        if text.starts_with('/') {
            text.parse().map(NamedJob::Id)
        } else {
            text.parse().map(NamedJob::Name)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/\
                      providers/Microsoft.DataBox/jobs/seed-1";

    #[test]
    fn an_id_says_where_a_job_is_in_any_case_and_is_written_as_azure_does() {
        let id: JobId = ID.parse().unwrap();
        assert_eq!((id.service, id.job.as_str()), (Service::DataBox, "seed-1"));
        assert_eq!(id.to_string(), ID);
        let other: JobId = ID.to_uppercase().parse().unwrap();
        assert!(other.is(&id) && other.resource_group.as_str() == "RG");
        let classic: JobId = ID.replace("DataBox", "ImportExport").parse().unwrap();
        assert!(classic.service == Service::ImportExport && !classic.is(&id));
    }

    #[test]
    fn what_is_no_id_of_a_job_is_refused_and_a_name_stays_a_name() {
        let name = "seed-1".parse::<NamedJob>().unwrap();
        assert_eq!(name, NamedJob::Name("seed-1".parse().unwrap()));
        assert!(matches!(ID.parse(), Ok(NamedJob::Id(_))));
        for bad in [
            "/",
            "/subscriptions/1/resourceGroups/rg/providers/Microsoft.DataBox/jobs/seed-1",
            &ID.replace("/jobs/", "/vaults/"),
            &ID.replace("DataBox", "Storage"),
            &format!("{ID}/more"),
            &format!("{ID}/"),
            &ID[1..],
            "a job",
        ] {
            assert!(bad.parse::<NamedJob>().is_err(), "{bad}");
        }
    }
}
