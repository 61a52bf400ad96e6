//! The job that brings a disk's first copy, as `protect` is told of it.

use disk_prep::noun::{JobName, ResourceGroup, Service, SubscriptionId, VaultName, typed};

use super::settings::{Given, settle};
use crate::disk_backup::SeedJob;
use crate::outcome::{Attendant, MissingFlags, all};

/// What is said of the job that brings a first copy.
#[derive(Debug, Default)]
pub struct SeedAsked {
    /// Its name.
    pub job: Option<JobName>,
    /// The subscription that it will be in.
    pub subscription: Option<Given<SubscriptionId>>,
    /// Its group.
    pub resource_group: Option<Given<ResourceGroup>>,
    /// The service that has it.
    pub service: Option<Given<Service>>,
}

impl SeedAsked {
    /// The job; what is missing of it is named, with a line that has it. `backup` is the name of the
    /// backup, its source and its copy, as they were typed.
    pub(super) fn job(&self, backup: (&VaultName, &str, &str)) -> Result<SeedJob, MissingFlags> {
        let SeedAsked { job, subscription, resource_group, service } = self;
        let subscription = subscription.as_ref().map(|own| own.value.clone());
        let group = resource_group.as_ref().map(|own| own.value.clone());
        let said = all(
            ("--job", job.clone()),
            ("--subscription", subscription),
            ("--resource-group", group),
        );
        let (job, subscription, resource_group) =
            said.map_err(|missing| missing.mended_by(self.line(backup)))?;
        let service = service.as_ref().map(|own| own.value);
        Ok(SeedJob { job, subscription, resource_group, service })
    }

    /// The line that names a job, where all else of it is known.
    fn line(&self, (name, source, to): (&VaultName, &str, &str)) -> Option<String> {
        let subscription = self.subscription.as_ref()?.value.to_string();
        let group = self.resource_group.as_ref()?.value.as_str();
        // The longest name of a job has 24 signs.
        let stem: String = name.as_str().chars().take(20).collect();
        let job = format!("{stem}-1");
        let words = ["azseed", "disk-backup", "protect", name.as_str(), "--source", source];
        let more = ["--to", to, "--first", "drive", "--job", &job];
        let last = ["--subscription", &subscription, "--resource-group", group];
        Some(typed(words.into_iter().chain(more).chain(last)))
    }

    /// The job of this call beside that of the record; what only a variable says otherwise is told and
    /// not used.
    pub(super) fn settled(
        &self,
        old: &SeedJob,
        new: &SeedJob,
        attendant: &dyn Attendant,
    ) -> SeedJob {
        let record = "the backup's record has";
        let SeedAsked { subscription, resource_group, service, .. } = self;
        // What is typed stays as it is, and is refused.
        let held = Some(old.subscription.clone());
        let subscription = settle(subscription.clone(), held, record, attendant);
        let held = Some(old.resource_group.clone());
        let group = settle(resource_group.clone(), held, record, attendant);
        let service = settle(service.clone(), old.service, record, attendant);
        SeedJob {
            job: new.job.clone(),
            subscription: subscription.ok().flatten().unwrap_or_else(|| new.subscription.clone()),
            resource_group: group.ok().flatten().unwrap_or_else(|| new.resource_group.clone()),
            service: service.unwrap_or(new.service),
        }
    }
}

/// A job in words.
pub(super) fn job_words(own: Option<&SeedJob>) -> String {
    let Some(SeedJob { job, subscription, resource_group, service }) = own else {
        return "none".to_owned();
    };
    let service = service.map_or(String::new(), |own| format!(", {own}"));
    format!("{job} in {subscription}, {resource_group}{service}")
}

/// Whether both are one job: the service tells its names in any case, and whose it is need not be said.
pub(super) fn is_same_job(old: Option<&SeedJob>, new: Option<&SeedJob>) -> bool {
    let (Some(old), Some(new)) = (old, new) else { return old == new };
    let names = |own: &SeedJob| {
        let SeedJob { job, subscription, resource_group, .. } = own;
        [job.to_string(), subscription.to_string(), resource_group.to_string()]
            .map(|name| name.to_ascii_lowercase())
    };
    names(old) == names(new) && new.service.is_none_or(|own| old.service == Some(own))
}
