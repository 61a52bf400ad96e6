//! Whether Azure has all that a job or a vault needs: asked before a drive is erased, or by itself.
//! Asks only what reads; what the answers mean is said in `check`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use disk_prep::noun::{
    AccountId, AccountName, ContainerName, Diagnose, ErrorKind, Hint, JobName, NamedAccount,
    ResourceGroup, Serial, Service, SubscriptionId, lines,
};

use super::answered::{answer, failed, map};
use super::connections::{AzureOptions, BlobAccess, CURRENT_SERVICE, arm, container, job_service};
use super::contact::contact;
use super::desk::Desk;
use super::ready_provider::provider_at;
use super::ready_rights::{assigned_at, missing_at, of_account, of_new_job, of_service, rights_at};
use super::settings::{Given, settle};
use super::share::meant;
use crate::azure::Arm;
use crate::check::azure::{Account, Answer, Region, View, Wanted, findings, plain};
use crate::check::finding::{Checked, Finding, Grade};
pub use crate::check::rights::Purpose;
use crate::check::rights::{MANAGED_DISKS, Right};
use crate::import_job::{Error as JobError, JobService};
use crate::outcome::{Attendant, Failure, all};
use crate::staging::{Seed, drives_of};

/// What is to be looked at; what is left out the seed says.
#[derive(Debug)]
pub struct ReadyOptions {
    /// What for.
    pub purpose: Purpose,
    /// The staging path.
    pub staging: Option<PathBuf>,
    /// The job.
    pub job: Option<JobName>,
    /// The service of the job.
    pub service: Option<Given<Service>>,
    /// The subscription.
    pub subscription: Option<Given<SubscriptionId>>,
    /// The group.
    pub resource_group: Option<Given<ResourceGroup>>,
    /// The account.
    pub storage_account: Option<Given<NamedAccount>>,
    /// The container.
    pub container: Option<Given<ContainerName>>,
    /// The region of the account.
    pub location: Option<Given<String>>,
    /// The contact file.
    pub contact: Option<PathBuf>,
    /// Where Azure is.
    pub azure: AzureOptions,
    /// Where blobs are.
    pub blobs: BlobAccess,
}

/// A place in Azure, and what is to be made there.
#[derive(Debug)]
pub struct Place {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The group.
    pub group: ResourceGroup,
    /// The account, which may lie in another group.
    pub account: AccountId,
    /// The container, if it is one for all files.
    pub container: Option<ContainerName>,
    /// The region of the job.
    pub region: Option<String>,
    /// The carrier that is to bring drives back.
    pub carrier: Option<String>,
    /// The names that the job's parts will have.
    pub jobs: Vec<JobName>,
    /// Drives that a job of ours may have.
    pub own: BTreeSet<Serial>,
}

impl Place {
    fn wanted(&self, purpose: Purpose, service: Service) -> Wanted {
        let jobs: Vec<&str> = self.jobs.iter().map(JobName::as_str).collect();
        Wanted {
            subscription: self.subscription.to_string(),
            group: self.group.to_string(),
            provider: match purpose {
                Purpose::Import => service.provider(),
                _ => "Microsoft.Storage",
            },
            account: self.account.account.to_string(),
            account_subscription: self.account.subscription.to_string(),
            container: self.container.as_ref().map(ToString::to_string).unwrap_or_default(),
            region: self.region.clone().unwrap_or_default(),
            carrier: self.carrier.clone(),
            job: jobs.join(", "),
            is_import: purpose == Purpose::Import,
        }
    }

    /// Asks for all of it; what makes no sense after another answer is not asked.
    fn look(&self, arm: &Arm, wanted: &Wanted, service: Option<&dyn JobService>) -> View {
        let id = &self.subscription;
        let mut view = entrance(arm, id);
        if !matches!(view.subscription, Answer::Known(_) | Answer::Unknown(_)) {
            return view;
        }
        let there = |found: bool| found.then_some(());
        view.group = answer(arm.has_group(id, &self.group).map(there));
        let provider = answer(arm.provider(id, wanted.provider));
        view.provider = map(provider, |own| (own.state.clone(), own.is_registered()));
        let has_group = view.group != Answer::Absent;
        if has_group || self.account.resource_group != self.group {
            let account = answer(arm.storage_account(&self.account));
            view.account = map(account, |own| Account {
                kind: own.kind.clone(),
                sku: own.sku().to_owned(),
                region: own.location.clone(),
                is_of_nfs: own.is_of_nfs(),
                bars_services: own.bars_services(),
            });
        }
        if let (Answer::Known(_), Some(name)) = (&view.account, &self.container) {
            let held = answer(arm.blob_container(&self.account, name));
            view.held = map(held, |own| own.holds());
            let kept = answer(arm.blob_service(&self.account));
            view.kept = map(kept, |own| (own.kept_days(), own.keeps_versions()));
        }
        let is_held_back = matches!(&view.provider, Answer::Known((_, false)) | Answer::Absent);
        if let Some(service) = service.filter(|_| !is_held_back) {
            self.look_at_service(arm, service, has_group, &mut view);
        }
        view
    }

    fn look_at_service(&self, arm: &Arm, service: &dyn JobService, group: bool, view: &mut View) {
        if let Some(region) = &self.region {
            view.regions = answer(arm.regions(&self.subscription).map(Some));
            view.region = match &view.regions {
                Answer::Known(all) if !all.contains(&plain(region)) => Answer::Unasked,
                Answer::Known(_) => self.region_of(service, region),
                _ => Answer::Unknown("regions are not listed".to_owned()),
            };
        }
        if group && !self.jobs.is_empty() {
            view.taken = self.taken(service);
        }
    }

    /// A region that the subscription has, as the service takes drives for it.
    fn region_of(&self, service: &dyn JobService, region: &str) -> Answer<Region> {
        let found = service.locations(Some(region)).map(|mut all| all.pop());
        map(job_answer(found), |own| Region {
            carriers: own.carriers.clone(),
            alternates: own.alternates.clone(),
        })
    }

    /// Names of jobs that are there with drives that are none of ours.
    fn taken(&self, service: &dyn JobService) -> Answer<Vec<String>> {
        let mut taken = Vec::new();
        let is_own = |serial: &str| self.own.iter().any(|own| own.as_str() == serial);
        for name in &self.jobs {
            match service.find(name) {
                Ok(job) if job.drives.iter().all(|drive| is_own(&drive.serial)) => {}
                Ok(job) => taken.push(job.name),
                Err(JobError::NoSuchJob { .. }) => {}
                Err(error) => return job_answer(Err(error)),
            }
        }
        Answer::Known(taken)
    }

    fn scope(&self) -> String {
        format!("/subscriptions/{}/resourceGroups/{}", self.subscription, self.group)
    }

    /// Whether whoever is signed in may make the job. Rights that only later steps need may be
    /// those of somebody else: what is missing of them is told and stops nothing.
    fn may_make(&self, arm: &Arm, service: Service, attendant: &dyn Attendant) -> Vec<Finding> {
        let found = rights_at(arm, &self.scope(), of_new_job(service));
        let missing = missing_at(arm, &self.scope(), of_service(service)).into_iter();
        let later: Vec<&str> =
            missing.filter(|own| !of_new_job(service).contains(own)).map(Right::name).collect();
        if !later.is_empty() {
            attendant
                .warn(&format!("Later steps of the job need more rights: {}", later.join(", ")));
        }
        found
    }

    /// Refuses to go on if something is not as it must be, all of it told at once; nothing was
    /// written then. What is only unusual or cannot be looked at is told.
    pub fn expect(
        &self,
        azure: &AzureOptions,
        service: &dyn JobService,
        attendant: &dyn Attendant,
    ) -> Result<(), Failure> {
        let wanted = self.wanted(Purpose::Import, service.service());
        let arm = arm(azure, attendant)?;
        let view = self.look(&arm, &wanted, Some(service));
        let mut found = findings(&wanted, &view);
        if let Answer::Known(()) | Answer::Unknown(_) = view.group {
            found.extend(self.may_make(&arm, service.service(), attendant));
        }
        let checked = Checked(found);
        for finding in checked.0.iter().filter(|finding| finding.grade == Grade::Warning) {
            attendant.warn(&told(finding));
        }
        let is_unknown = |finding: &&Finding| finding.grade == Grade::Unknown;
        let unknown: Vec<&str> = checked.0.iter().filter(is_unknown).map(|own| own.what).collect();
        if !unknown.is_empty() {
            let what = unknown.join(", ");
            attendant.warn(&format!("Azure does not say how it is with: {what}"));
        }
        match checked.worst() {
            Some(kind) => Err(NotReady::of(&checked, kind, &wanted.job).into()),
            None => Ok(()),
        }
    }
}

fn told(finding: &Finding) -> String {
    match &finding.action {
        Some(action) => format!("{}; {action}", finding.facts),
        None => finding.facts.clone(),
    }
}

/// Something that the job needs is not as it must be.
#[derive(Debug, thiserror::Error)]
#[error("Azure is not ready for job {job}, so no drive was touched:{}", lines(problems))]
pub struct NotReady {
    job: String,
    problems: Vec<String>,
    kind: ErrorKind,
    next: Option<String>,
}

impl NotReady {
    fn of(checked: &Checked, kind: ErrorKind, job: &str) -> Self {
        let is_problem = |finding: &&Finding| matches!(finding.grade, Grade::Problem(_));
        let problems = || checked.0.iter().filter(is_problem);
        NotReady {
            job: job.to_owned(),
            problems: problems().map(told).collect(),
            kind,
            next: problems().find_map(|finding| finding.command.clone()),
        }
    }
}

impl Diagnose for NotReady {
    fn code(&self) -> &'static str {
        "azure-not-ready"
    }
    fn kind(&self) -> ErrorKind {
        self.kind
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new(match &self.next {
            Some(command) => format!("run `{command}`, then the same command again"),
            None => "mend this, then run the same command again; `--offline` fills drives without \
                     a job"
                .to_owned(),
        }))
    }
}

/// Who signs in, and the subscription, unless the sign-in is not taken.
pub(super) fn entrance(arm: &Arm, id: &SubscriptionId) -> View {
    let (signed_in, application) = signed_in(arm);
    let mut view = View { signed_in, application, ..View::default() };
    if !matches!(view.signed_in, Answer::Known(_)) {
        return view;
    }
    match answer(arm.subscription(id)) {
        // The token could be read, and is not taken.
        Answer::Failed(fault) if fault.kind == ErrorKind::NotAllowed => {
            view.signed_in = Answer::Failed(fault);
            view.application = Answer::Unasked;
        }
        other => view.subscription = map(other, |own| (own.state.clone(), own.is_usable())),
    }
    view
}

/// Who signs in, and the application that does if it is one.
fn signed_in(arm: &Arm) -> (Answer<String>, Answer<Option<String>>) {
    match arm.who() {
        Ok(own) => {
            let application = own.application.clone().filter(|_| own.kind.is_of_application());
            let who = own.name.or(own.application).or(own.principal);
            let who = who.map_or(String::new(), |who| format!("{who}, "));
            let tenant = own.tenant.map_or(String::new(), |tenant| format!(", tenant {tenant}"));
            let until = own.until.map_or(String::new(), |until| format!(", until {until:.0}"));
            let who = format!("{who}by {}{tenant}{until}", own.kind.word());
            (Answer::Known(who), Answer::Known(application))
        }
        Err(error) => (failed(&error), Answer::Unasked),
    }
}

fn job_answer<T>(asked: Result<Option<T>, JobError>) -> Answer<T> {
    match asked {
        Ok(found) => found.map_or(Answer::Absent, Answer::Known),
        Err(JobError::Azure(error)) => failed(&error),
        Err(error) => Answer::Unknown(error.to_string()),
    }
}

/// Looks at all that the seed, or the flags, say.
pub fn check(options: ReadyOptions, desk: &Desk<'_>) -> Result<Checked, Failure> {
    let attendant = desk.attendant;
    let seed = options.staging.as_deref().map(|path| {
        let staging = desk.enter(&meant(path, desk)?)?;
        Ok::<_, Failure>((Seed::open(&staging)?, staging))
    });
    let seed = seed.transpose()?;
    let target = seed.as_ref().map(|(seed, _)| &seed.target);
    let record = "the seed is for";
    macro_rules! settled {
        ($field:ident, $held:expr) => {
            settle(options.$field, target.map($held), record, attendant)?
        };
    }
    let subscription = settled!(subscription, |own| own.subscription.clone());
    let group = settled!(resource_group, |own| own.resource_group.clone());
    let account = match target {
        Some(own) => {
            let named = NamedAccount::Id(own.account_id());
            settle(options.storage_account, Some(named), record, attendant)?
        }
        None => options.storage_account.map(|given| given.value),
    };
    let held = settled!(container, |own| own.container.clone());
    let service = settled!(service, |own| own.service()).unwrap_or(CURRENT_SERVICE);
    let region = target.and_then(|own| own.location.clone());
    let region = settle(options.location, region, "the seed's region is", attendant)?;
    let file = options.contact.as_deref().map(contact).transpose()?;
    let contact = file.or_else(|| target.and_then(|own| own.contact.clone()));
    let own = seed.as_ref().map(|(_, staging)| drives_of(&staging.journals())).transpose()?;
    let (group, subscription) = (("--resource-group", group), ("--subscription", subscription));
    let (account, subscription, group) = all(("--storage-account", account), subscription, group)?;
    let place = Place {
        container: held.clone(),
        account: account.in_group(&subscription, &group),
        subscription,
        group,
        region,
        carrier: contact.map(|contact| contact.return_carrier.carrier_name),
        jobs: options.job.or(target.map(|own| own.job.clone())).into_iter().collect(),
        own: own.unwrap_or_default().into_iter().collect(),
    };
    let azure = &options.azure;
    let (id, group) = (place.subscription.clone(), place.group.clone());
    let jobs = match options.purpose {
        Purpose::Import => Some(job_service(service, azure, id, group, attendant)?),
        _ => None,
    };
    let wanted = place.wanted(options.purpose, service);
    let arm = arm(azure, attendant)?;
    let mut view = place.look(&arm, &wanted, jobs.as_deref());
    if let Some(name) =
        held.filter(|_| matches!(view.account, Answer::Known(_) | Answer::Unknown(_)))
    {
        view.container = reached(azure, &options.blobs, &place.account.account, &name, attendant);
    }
    let needed = of_account(options.purpose, azure, &options.blobs, attendant);
    let rights = rights(&arm, &place, &view, (options.purpose, jobs.map(|_| service), &needed));
    Ok(Checked(findings(&wanted, &view).into_iter().chain(rights).collect()))
}

/// Whether managed disks of the group can be backed up. Who has only page blobs and images needs none
/// of it, so that what is missing is told and is no problem yet.
fn managed_disks(arm: &Arm, place: &Place, view: &View) -> Vec<Finding> {
    let mut found = Vec::new();
    if let Answer::Known(()) | Answer::Unknown(_) = view.group {
        found.extend(provider_at(arm, &place.subscription, "Microsoft.Compute"));
        found.extend(rights_at(arm, &place.scope(), MANAGED_DISKS));
    }
    found.into_iter().map(|own| own.mild_for("to back up managed disks")).collect()
}

/// Whether whoever is signed in may make the job in its group, and use the account.
fn rights(
    arm: &Arm,
    place: &Place,
    view: &View,
    (purpose, service, needed): (Purpose, Option<Service>, &[Right]),
) -> Vec<Finding> {
    let mut found = Vec::new();
    if let (Some(service), Answer::Known(()) | Answer::Unknown(_)) = (service, &view.group) {
        found.extend(rights_at(arm, &place.scope(), of_service(service)));
        found.extend(assigned_at(arm, &place.scope()));
    }
    if let Answer::Known(_) | Answer::Unknown(_) = view.account {
        found.extend(rights_at(arm, &place.account.to_string(), needed));
    }
    if purpose == Purpose::DiskBackup {
        found.extend(managed_disks(arm, place, view));
    }
    found
}

/// Whether blobs of a container can be read, or would be if there were any.
fn reached(
    azure: &AzureOptions,
    blobs: &BlobAccess,
    account: &AccountName,
    name: &ContainerName,
    attendant: &dyn Attendant,
) -> Answer<()> {
    /// The lock of a vault; it may be missing as well as the container.
    const SOME_BLOB: &str = "azseed/lock";
    let opened = container(azure, blobs, account, name, attendant);
    answer(opened.and_then(|container| container.read(SOME_BLOB)).map(|_| Some(())))
}
