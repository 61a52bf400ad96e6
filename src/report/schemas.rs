//! The schemas of all records: what a script may rely on. `docs/schemas` is made of them.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::{Map, Value};

#[cfg(feature = "emulator")]
use super::emulator::{
    ClockRecord, DockedRecord, EmulatedAccountRecord, EmulatedDiskRecord, EmulatedGroupRecord,
    EmulatedNsgRecord, EmulatedRightsRecord, EmulatedVmRecord, ListeningRecord, MischiefRecord,
};
use super::estimate::EstimateRecord;
use super::event::{
    DriveErrorRecord, DrivePlannedRecord, ProgressRecord, SetAsideRecord, StepFinishedRecord,
    StepStartedRecord, TaskRecord,
};
use super::inspected::{FileRecord, InspectionRecord, UnreadableRecord};
use super::job::{DeletedRecord, ExportedRecord, JobRecord, LocationRecord, ToolJournalsRecord};
use super::plan::{DriveCountRecord, DrivePlanRecord, PlanRecord};
use super::prep_standing::PrepStandingRecord;
use super::prepared_records::{
    FailedRecord, IncompleteRecord, LeftOutRecord, NoJobRecord, PreparedRecord, SealedRecord,
};
use super::record::Record;
#[cfg(feature = "emulator")]
use super::rehearsal::{RehearsalRecord, StepEndedRecord, StepRecord};
use super::restored::{ChangeRecord, RestoredRecord, SnapshotRecord};
use super::said::{ErrorRecord, WarningRecord};
use super::seed_set::SeedSetRecord;
use super::text::{CompletionsRecord, ConfigRecord, ManRecord, SettingRecord};
use super::vault::{DetachedRecord, SourceRecord, VaultRecord};
use super::verified::{NotVerifiedRecord, VerifiedRecord};
use super::{
    access, browsed, checked, cleared, custody, disk_backup, disk_first, disk_kept, disk_protected,
    disk_proven, disk_restored, disk_snapshot, disk_status, drive, escrowed, explained, foreseen,
    keys, limits, nsg, overview, packed, proxy, released, repaired, seed, slip, standing, told,
    vault_ingest, vault_kept, vault_policy, vault_run, vault_schedule, vault_sources, vm,
    vm_extension, vm_jobs, vm_restore, vm_tree, vm_upkeep, watch,
};

/// A type of record.
#[derive(Debug)]
pub struct Described {
    /// Its type.
    pub kind: &'static str,
    /// Its version.
    pub version: u32,
    /// Which commands print it.
    pub printed_by: &'static str,
    /// Its JSON schema.
    pub schema: Value,
}

const EVERY: &str = "every command";
const WORK: &str = "`prep`, `verify`, `rehearse`";
const VAULT: &str =
    "`vault create`, `vault attach`, `vault list`, `vault show`, `vault status`, `rehearse`";
const PREP: &str = "`prep`, `rehearse`";
const LOGGED: &str = "`prep`, `verify`, `pack check`, `vault run` and commands of `job`";

/// Every type of record.
pub fn all() -> Vec<Described> {
    let mut all = vec![
        of::<ErrorRecord>(EVERY),
        of::<WarningRecord>(EVERY),
        of::<explained::AdviceRecord>("`explain`"),
        of::<explained::FixScriptRecord>("`explain --fix-script`"),
        of::<access::SignInRecord>("`auth status`"),
        of::<access::SubscriptionRecord>("`subscriptions list`"),
        of::<access::ProviderRecord>("`provider list`, `provider register`"),
        of::<checked::CheckRecord>("`check`, `nsg suggest`, `vm preflight`"),
        of::<nsg::NsgRuleRecord>("`nsg`"),
        of::<proxy::ProxyStepRecord>("`proxy plan`"),
        of::<proxy::ProxyFileRecord>("`proxy apply`"),
        of::<cleared::CleanupRecord>("`cleanup`, `rehearse`"),
        of::<custody::CustodyRecord>("`custody verify`, `custody show`"),
        of::<custody::CustodyEntryRecord>("`custody show`"),
        of::<custody::CustodyFaultRecord>("`custody verify`, `custody show`"),
        of::<custody::NotLoggedRecord>(LOGGED),
        of::<cleared::JobClearedRecord>("`cleanup --job`"),
        of::<vault_policy::PolicyRecord<'_>>("`vault policy set`, `vault policy show`"),
        of::<vault_policy::JudgedRecord<'_>>("`vault policy show --snapshots`, `vault run`"),
        of::<vault_schedule::WhenRecord<'_>>("`vault schedule`"),
        of::<vault_schedule::RemovedRecord<'_>>("`vault schedule remove`"),
        of::<vault_policy::PointRecord>("`vault policy simulate`, `vm policy simulate`"),
        of::<vault_policy::SimulationRecord>("`vault policy simulate`, `vm policy simulate`"),
        of::<vault_policy::TemplateRecord>("`vault policy template`, `vault policy templates`"),
        of::<CompletionsRecord>("`completions`"),
        of::<ConfigRecord>("`config init`"),
        of::<drive::DriveRecord>("`drive list`"),
        of::<drive::EjectedRecord>("`drive eject`"),
        of::<drive::UnpluggedRecord>("`drive list --watch`"),
        of::<released::ReleasedRecord>("`drive release`"),
        of::<DriveErrorRecord>(PREP),
        of::<DrivePlannedRecord>(PREP),
        of::<SetAsideRecord>(PREP),
        of::<ProgressRecord>(WORK),
        of::<StepStartedRecord>(WORK),
        of::<StepFinishedRecord>(WORK),
        of::<TaskRecord>("`stage`, `job repair`, `vault run`, `vault restore`, `rehearse`"),
        of::<InspectionRecord>("`inspect`"),
        of::<FileRecord>("`inspect`"),
        of::<UnreadableRecord>("`inspect`"),
        of::<JobRecord>("`job` and its commands, `prep`, `rehearse`"),
        of::<DeletedRecord>("`job delete`"),
        of::<ExportedRecord>("`job export`"),
        of::<ToolJournalsRecord>("`job export --tool-journals`"),
        of::<keys::KeyRecord>("`job keys`"),
        of::<escrowed::EscrowRecord>("`prep`, `job keys prove`"),
        of::<LocationRecord>("`job locations`"),
        of::<limits::LimitRecord>("`limits show`"),
        of::<standing::CopyLogRecord>("`job status`"),
        of::<overview::StatusRecord>("`status`"),
        of::<told::EventRecord>("`job status`, `prep`, `vault run`"),
        of::<watch::WatchEndedRecord>("`job status --watch`"),
        of::<repaired::RepairBlobRecord>("`job repair`"),
        of::<repaired::RepairRecord>("`job repair`"),
        of::<repaired::DifferenceRecord>("`job reconcile`"),
        of::<repaired::ReconciledRecord>("`job reconcile`"),
        of::<ManRecord>("`man`"),
        of::<packed::PackRecord>("`pack check`"),
        of::<slip::SlipRecord>("`packing-slip`"),
        of::<DriveCountRecord>("`plan`"),
        of::<PrepStandingRecord<'_>>("`prep`"),
        of::<foreseen::StageForeseenRecord<'_>>("`stage`"),
        of::<foreseen::ParcelForeseenRecord<'_>>("`job ship`"),
        of::<EstimateRecord<'_>>("`plan`"),
        of::<DrivePlanRecord>("`plan`, `rehearse`"),
        of::<PlanRecord>("`plan`, `rehearse`"),
        of::<SealedRecord>(PREP),
        of::<FailedRecord>(PREP),
        of::<LeftOutRecord>(PREP),
        of::<IncompleteRecord>(PREP),
        of::<NoJobRecord>(PREP),
        of::<PreparedRecord>(PREP),
        of::<seed::SeedRecord>("`stage`, `stage adopt`, `stage status`, `rehearse`"),
        of::<SeedSetRecord>("`stage set`"),
        of::<disk_backup::DiskBackupRecord<'_>>(
            "`disk-backup protect`, `disk-backup list`, `disk-backup status`, `disk-backup restore`, `disk-backup set`",
        ),
        of::<disk_backup::DiskPointRecord<'_>>("`disk-backup list`"),
        of::<disk_restored::DiskPromotedRecord<'_>>("`disk-backup promote`"),
        of::<disk_kept::DiskPrunedRecord<'_>>("`disk-backup prune`"),
        of::<disk_backup::DiskReleasedRecord<'_>>("`disk-backup release`"),
        of::<disk_first::DiskFirstRecord<'_>>("`disk-backup protect`"),
        of::<disk_restored::DiskRestoredRecord<'_>>("`disk-backup restore`"),
        of::<disk_protected::DiskSeedRecord<'_>>("`disk-backup protect --first drive`"),
        of::<disk_backup::DiskRoundRecord<'_>>("`disk-backup protect`, `disk-backup run`"),
        of::<disk_kept::DiskScheduleRecord<'_>>("`disk-backup schedule`"),
        of::<disk_snapshot::DiskSnapshotRecord<'_>>("`disk-backup snapshot`"),
        of::<disk_status::DiskStatusRecord<'_>>("`disk-backup status`"),
        of::<disk_proven::DiskVerifiedRecord<'_>>("`disk-backup verify`"),
        of::<SettingRecord>("`config show`"),
        of::<VaultRecord>(VAULT),
        of::<DetachedRecord>("`vault detach`"),
        of::<vault_kept::CheckedRecord>("`vault check`"),
        of::<vault_kept::KeyRecord>("`vault key list`"),
        of::<vault_kept::KeyChangedRecord>(
            "`vault key add`, `vault key remove`, `vault key rotate`",
        ),
        of::<vault_kept::SetRecord>("`vault set`"),
        of::<vault_run::RunRecord>("`vault run`, `rehearse`"),
        of::<vault_sources::BackedUpRecord>(
            "`vault source add`, `vault source remove`, `vault source list`",
        ),
        of::<vault_sources::GivenUpRecord>("`vault forget`"),
        of::<vault_sources::ForgottenRecord>("`vault forget`"),
        of::<vault_ingest::IngestEstimateRecord>("`vault run`, `rehearse`"),
        of::<SnapshotRecord>("`vault snapshots`"),
        of::<ChangeRecord>("`vault restore --dry-run`"),
        of::<browsed::EntryRecord>("`vault ls`, `vault find`"),
        of::<browsed::LookedRecord>("`vault ls`, `vault find`"),
        of::<RestoredRecord>("`vault restore`, `rehearse`"),
        of::<SourceRecord>("`vault source accept`"),
        of::<vm_tree::VmStaggerRecord<'_>>("`vm policy stagger`"),
        of::<vm_tree::VmTreeRecord<'_>>("`vm vault tree`"),
        of::<vm_extension::VmExtensionRecord<'_>>("`vm extension show`, `vm extension remove`"),
        of::<vm_extension::VmRegistrationRecord<'_>>("`vm register`"),
        of::<vm::VmRecord<'_>>("`vm discover`, `vm list`, `vm show`, `vm status`"),
        of::<vm::VmDeedRecord<'_>>("`vm protect`, `vm backup`, `vm unprotect`"),
        of::<vm::VmGuideRecord<'_>>("`vm guide`"),
        of::<vm_jobs::VmJobRecord<'_>>("`vm job`, `vm backup --wait`, `vm restore --wait`"),
        of::<vm_jobs::VmPointRecord<'_>>("`vm point list`, `vm point show`"),
        of::<vm_restore::VmRestoreRecord<'_>>("`vm restore`"),
        of::<vm_upkeep::VmRedundancyRecord<'_>>("`vm vault redundancy`"),
        of::<vm_upkeep::VmRegionRecord<'_>>("`vm vault plan`"),
        of::<vm_upkeep::VmDeletedRecord<'_>>("`vm vault delete`, `vm policy delete`"),
        of::<vm_upkeep::VmTemplateRecord<'_>>("`vm policy template`"),
        of::<vm::VmPolicyRecord<'_>>("`vm policy set`, `vm policy list`, `vm policy show`"),
        of::<vm::VmVaultRecord<'_>>("`vm vault create`, `vm vault list`, `vm vault show`"),
        of::<VerifiedRecord>(WORK),
        of::<NotVerifiedRecord>(WORK),
    ];
    #[cfg(feature = "emulator")]
    all.extend([
        of::<ListeningRecord>("`emulator`"),
        of::<ClockRecord>("`emulator clock`, `rehearse`"),
        of::<MischiefRecord>("`emulator mischief`"),
        of::<EmulatedDiskRecord<'_>>(
            "`emulator disk set`, `emulator disk write`, `emulator disk remove`, `emulator disk list`",
        ),
        of::<EmulatedVmRecord<'_>>(
            "`emulator vm set`, `emulator vm write`, `emulator vm remove`, `emulator vm list`",
        ),
        of::<EmulatedAccountRecord<'_>>("`emulator account`"),
        of::<EmulatedGroupRecord<'_>>("`emulator group`"),
        of::<EmulatedNsgRecord<'_>>("`emulator nsg`"),
        of::<EmulatedRightsRecord<'_>>("`emulator rights`"),
        of::<DockedRecord>("`emulator dock`, `rehearse`"),
        of::<StepEndedRecord>("`rehearse`"),
        of::<StepRecord>("`rehearse`"),
        of::<RehearsalRecord>("`rehearse`"),
    ]);
    all.sort_by_key(|own| own.kind);
    all
}

/// An object has the fields that are named and no others.
fn close(schema: &mut Schema) {
    if schema.get("properties").is_some() {
        schema.insert("additionalProperties".to_owned(), false.into());
    }
}

fn of<R: Record>(printed_by: &'static str) -> Described {
    let (kind, version) = (R::TYPE, R::VERSION);
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let settings = settings.with_transform(RecursiveTransform(close as fn(&mut Schema)));
    let made = settings.into_generator().into_root_schema_for::<R>().to_value();
    Described { kind, version, printed_by, schema: headed(made, kind, version) }
}

/// The schema with the two fields that stand first in every record.
fn headed(mut schema: Value, kind: &str, version: u32) -> Value {
    let constant = |value: Value, description: &str| {
        let members = [("const", value), ("description", description.into())];
        Value::Object(members.map(|(name, value)| (name.to_owned(), value)).into_iter().collect())
    };
    let mut fields = Map::new();
    fields.insert("type".to_owned(), constant(kind.into(), "What this object is."));
    fields.insert("version".to_owned(), constant(version.into(), "Version of this type."));
    let mut required: Vec<Value> = vec!["type".into(), "version".into()];
    fields.extend(schema["properties"].as_object().cloned().unwrap_or_default());
    required.extend(schema["required"].as_array().cloned().unwrap_or_default());
    schema["title"] = kind.into();
    schema["properties"] = Value::Object(fields);
    schema["required"] = required.into();
    schema
}
