//! A seed in words and as a record.

use disk_prep::noun::{
    AccountName, ByteSize, ContainerName, ErrorKind, JobName, VaultName, count, shell_word,
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::not_read::NotReadRecord;
use super::path_text::PathText;
use super::record::{Record, line};
use crate::journey::stage::SeedShown;
use crate::outcome::{Exit, Outcome};
use crate::repository::NotRead;
use crate::staging::{Destination, Origin, ParcelSent, Seed, SeedKind, SeedState, Workload};

/// A first backup on its staging path.
#[derive(Serialize, JsonSchema)]
pub(super) struct SeedRecord<'a> {
    /// The seed's own name, a GUID.
    #[schemars(with = "String")]
    id: &'a Uuid,
    /// What the data is: `repository` or `files`.
    #[schemars(with = "String")]
    kind: &'a SeedKind,
    /// `written` by azseed, or `adopted` as it stood.
    #[schemars(with = "String")]
    origin: &'a Origin,
    /// How far it is: `unfinished`, `finished` or `cleared`.
    #[schemars(with = "String")]
    state: &'a SeedState,
    /// The staging path.
    staging: PathText<'a>,
    /// The import job.
    #[schemars(with = "String")]
    job: &'a JobName,
    /// The storage account.
    #[schemars(with = "String")]
    storage_account: &'a AccountName,
    /// The container.
    #[schemars(with = "String")]
    container: &'a ContainerName,
    /// Stands before every blob name; ends in a slash unless empty.
    prefix: &'a str,
    /// Files to ship.
    files: u64,
    /// Their bytes.
    bytes: u64,
    /// Files of the source.
    source_files: u64,
    /// Their bytes.
    source_bytes: u64,
    /// Files that this run could not read.
    unreadable: Vec<String>,
    /// Files that changed while this run read them.
    changed: &'a [String],
    /// What increments will cover.
    covers: &'a [String],
    /// Files of the source that could not be read.
    unreadable_files: u64,
    /// The file with the repository's password; null if azseed wrote none.
    password_file: Option<PathText<'a>>,
    /// Id of the snapshot that this run made; null if it made none.
    snapshot: Option<&'a str>,
    /// Id of its tree.
    tree: Option<&'a str>,
    /// The same files as `unreadable`, each with its path and why.
    not_read: Vec<NotReadRecord<'a>>,
    /// Whose staging folder it is, if it is that of one of Microsoft's agents: `mars`, `dpm`, `mabs`,
    /// or `agent` if nobody said whose; else null.
    workload: Option<&'static str>,
    /// Parcels whose numbers were told to the service.
    parcels: Vec<ParcelRecord<'a>>,
    /// The vault that it joins; null if it begins one.
    #[schemars(with = "Option<String>")]
    vault: Option<&'a VaultName>,
    /// The machines that have staged into it.
    hosts: Vec<&'a str>,
    /// The machines that have begun to stage into it and not ended.
    staging_hosts: Vec<&'a str>,
    /// The subscription.
    subscription: String,
    /// The resource group.
    resource_group: String,
    /// Region of the storage account; null if nobody said it.
    location: Option<&'a str>,
    /// The service that takes the drives in.
    service: String,
    /// Who gets the drives back; null if nobody said it.
    recipient: Option<&'a str>,
    /// What was backed up, by the machine that staged it.
    sources: Vec<StagedSourceRecord<'a>>,
}

/// A source of a seed.
#[derive(Serialize, JsonSchema)]
pub(super) struct StagedSourceRecord<'a> {
    /// The machine; null if it is not known.
    host: Option<&'a str>,
    /// The source, absolute there.
    path: PathText<'a>,
}

fn sources(seed: &Seed) -> Vec<StagedSourceRecord<'_>> {
    if seed.hosts.is_empty() {
        return seed
            .sources
            .iter()
            .map(|path| StagedSourceRecord { host: None, path: PathText(path) })
            .collect();
    }
    let of_host = seed.hosts.iter().flat_map(|own| {
        own.sources
            .iter()
            .map(|path| StagedSourceRecord { host: Some(own.host.as_str()), path: PathText(path) })
    });
    of_host.collect()
}

/// A parcel of a seed.
#[derive(Serialize, JsonSchema)]
pub(super) struct ParcelRecord<'a> {
    /// Its job.
    job: &'a str,
    /// Who brings it.
    carrier: &'a str,
    /// Its tracking number.
    tracking_number: &'a str,
    /// When that was told, by the service's time.
    told_at: Timestamp,
}

impl<'a> From<&'a ParcelSent> for ParcelRecord<'a> {
    fn from(own: &'a ParcelSent) -> Self {
        let ParcelSent { job, carrier, tracking_number, told_at } = own;
        ParcelRecord { job, carrier, tracking_number, told_at: *told_at }
    }
}

impl Record for SeedRecord<'_> {
    const TYPE: &'static str = "seed";
}

/// What is to be known of the staging folder of an agent (`azure-import-export` 8.1 to 8.3).
fn agent_lines(workload: Workload) -> Vec<String> {
    let whose = match workload {
        Workload::Mars => "the Recovery Services agent",
        Workload::Dpm => "Data Protection Manager",
        Workload::Mabs => "Azure Backup Server",
        Workload::SystemState | Workload::Agent => "the agent",
    };
    [
        format!("Agent         Account, container, subscription and job must be those of the wizard of {whose}"),
        "Not known     Whether it takes a job for its own that its own utility did not make; what else".to_owned(),
        "              than *.AIBBlob and *.BaseBlob it looks for. So all of the folder is shipped".to_owned(),
        "Not needed    Azure PowerShell, a browser with JavaScript, BitLocker, a publish settings file".to_owned(),
        "              or an Entra application on this machine: those are for its own utility".to_owned(),
        format!("Then          After the import the next scheduled backup of {whose} takes the blobs over"),
    ]
    .into()
}

impl Outcome for SeedShown {
    fn lines(&self) -> Vec<String> {
        let Seed { kind, origin, state, totals, target, .. } = &self.seed;
        let what = match (kind, origin) {
            (SeedKind::Repository, Origin::Written) => "a repository, written by azseed",
            (SeedKind::Repository, Origin::Adopted) => "a repository, taken as it stands",
            (SeedKind::Files, _) if self.seed.workload.is_some() => {
                "the staging folder of a backup agent, as page blobs"
            }
            (SeedKind::Files, _) => "files, taken as they stand",
        };
        let state = match state {
            SeedState::Finished => "finished",
            SeedState::Cleared if *kind == SeedKind::Files => "cleared: it is where it was sent to",
            SeedState::Cleared => "cleared: the vault has it",
            SeedState::Unfinished if self.seed.stagers.is_empty() => {
                "not finished: run the same `azseed stage` again"
            }
            SeedState::Unfinished => "not finished: machines are staging into it",
        };
        let mut lines = vec![
            format!("Staging path  {}", self.staging.path().display()),
            format!("Seed          {what}"),
            format!("Data          {}", self.seed.data_path(&self.staging).display()),
            format!("State         {state}"),
        ];
        if let Some(vault) = &self.seed.vault {
            lines.push(format!("Joins         vault {vault}"));
        }
        if self.seed.hosts.len() + self.seed.stagers.len() > 1 {
            for own in &self.seed.hosts {
                let (files, bytes) = (count(own.files, "file"), ByteSize(own.bytes));
                lines.push(format!("Staged        {}: {files}, {bytes}", own.host));
            }
        }
        for own in &self.seed.stagers {
            lines.push(format!("Staging       {}, since {:.0}", own.host, own.since));
        }
        if *origin == Origin::Written && self.seed.state == SeedState::Finished {
            let (files, bytes) = (count(totals.source_files, "file"), totals.source_bytes);
            lines.push(format!("Backed up     {files}, {}", ByteSize(bytes)));
        }
        let (files, bytes) = (count(totals.files, "file"), ByteSize(totals.bytes));
        lines.extend(match self.seed.state {
            SeedState::Finished => Some(format!("To ship       {files}, {bytes}")),
            SeedState::Cleared => Some(format!("Shipped       {files}, {bytes}")),
            SeedState::Unfinished => None,
        });
        lines.push(format!("Job           {}", target.job));
        let Destination { storage_account, container, prefix, .. } = target;
        lines.push(format!("Destination   {storage_account}/{container}/{prefix}"));
        let Destination { subscription, resource_group, location, contact, .. } = target;
        lines.push(format!("Subscription  {subscription}, group {resource_group}"));
        let region = location.as_deref().unwrap_or("not said");
        lines.push(format!("Region        {region}, service {}", target.service()));
        lines.push(match contact.as_ref().map(|contact| &contact.return_address) {
            Some(own) => format!(
                "Contact       {}, {}, {} {}",
                own.recipient_name, own.street_address_1, own.postal_code, own.city
            ),
            None => {
                let staging = self.staging.path().to_string_lossy();
                let staging = shell_word(&staging);
                format!(
                    "Contact       not said: `azseed stage set --staging {staging} --contact FILE`"
                )
            }
        });
        lines.extend(sources(&self.seed).iter().map(|own| match own.host {
            Some(host) if self.seed.hosts.len() > 1 => {
                format!("Source        {host}: {}", own.path.0.display())
            }
            _ => format!("Source        {}", own.path.0.display()),
        }));
        let left_out = self.seed.choice.told();
        lines.extend(left_out.iter().map(|own| format!("Left out      {own}")));
        for own in &self.seed.parcels {
            let (job, carrier, number) = (&own.job, &own.carrier, &own.tracking_number);
            lines.push(format!("Parcel        {job}: {carrier} {number}"));
        }
        if let Some(path) = &self.password {
            let path = path.display();
            lines.push(format!("Password      in {path}: keep a copy elsewhere, nothing opens"));
            lines.push("              the backup without it".to_owned());
        }
        if self.backup.is_none() && totals.unreadable_files > 0 {
            let files = count(totals.unreadable_files, "file");
            lines.push(format!("Not readable  {files} when it was staged"));
        }
        for lost in self.unreadable() {
            lines.push(format!("Not readable  {lost}"));
        }
        for what in self.changed() {
            lines.push(format!("Not steady    {what}"));
        }
        lines.extend(self.told.iter().cloned());
        lines.extend(self.seed.workload.into_iter().flat_map(agent_lines));
        if self.seed.state == SeedState::Finished {
            let staging = self.staging.path().to_string_lossy();
            let staging = shell_word(&staging);
            lines.push(match self.is_begun {
                true => format!("Next          `azseed status --staging {staging}` says it"),
                false => format!("Next          `azseed plan --staging {staging} --drive-size 4T`"),
            });
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        let Seed { id, kind, origin, state, totals, target, .. } = &self.seed;
        vec![line(&SeedRecord {
            id,
            kind,
            origin,
            state,
            staging: PathText(self.staging.path()),
            job: &target.job,
            storage_account: &target.storage_account,
            container: &target.container,
            prefix: &target.prefix,
            files: totals.files,
            bytes: totals.bytes,
            source_files: totals.source_files,
            source_bytes: totals.source_bytes,
            unreadable: self.unreadable().iter().map(NotRead::to_string).collect(),
            changed: self.changed(),
            covers: &self.told,
            unreadable_files: totals.unreadable_files,
            password_file: self.password.as_deref().map(PathText),
            snapshot: self.backup.as_ref().map(|backup| backup.snapshot.as_str()),
            tree: self.backup.as_ref().map(|backup| backup.tree.as_str()),
            not_read: self.unreadable().iter().map(NotReadRecord::from).collect(),
            workload: self.seed.workload.map(Workload::name),
            parcels: self.seed.parcels.iter().map(ParcelRecord::from).collect(),
            vault: self.seed.vault.as_ref(),
            hosts: self.seed.hosts.iter().map(|own| own.host.as_str()).collect(),
            staging_hosts: self.seed.stagers.iter().map(|own| own.host.as_str()).collect(),
            subscription: target.subscription.to_string(),
            resource_group: target.resource_group.to_string(),
            location: target.location.as_deref(),
            service: target.service().to_string(),
            recipient: target
                .contact
                .as_ref()
                .map(|own| own.return_address.recipient_name.as_str()),
            sources: sources(&self.seed),
        })]
    }

    fn exit(&self) -> Exit {
        let is_whole =
            self.unreadable().is_empty() && self.changed().is_empty() && !self.is_lacking;
        Exit::of((!is_whole).then_some(ErrorKind::LeftOut))
    }
}
