//! How far a job is: its stages, the copy of each drive, and where the logs are.

use serde_json::{Value, json};

use crate::jobs::job::{Drive, Job};
use crate::jobs::stages::{self, Stage};

/// The stages, those to come too.
pub(super) fn stages(job: &Job) -> Vec<Value> {
    let stage = |stage: &Stage| {
        let mut body = json!({
            "stageName": stage.name, "displayName": stage.shown, "stageStatus": stage.status,
        });
        if let Some(at) = stage.at {
            body["stageTime"] = json!(at);
        }
        body
    };
    stages::all(job).iter().map(stage).collect()
}

/// The copy of each drive.
pub(super) fn copies(job: &Job) -> Vec<Value> {
    let copy = |drive: &Drive| {
        let done = u128::from(drive.bytes_total) * u128::from(drive.percent) / 100;
        let mut body = json!({
            "serialNumber": drive.serial, "copyStatus": stages::copy_status(drive),
            "storageAccountName": job.storage_account.rsplit('/').next().unwrap_or_default(),
            "accountId": job.storage_account, "dataAccountType": "StorageAccount",
            "transferType": "ImportToAzure",
            "bytesProcessed": u64::try_from(done).unwrap_or(drive.bytes_total),
            "totalBytesToProcess": drive.bytes_total,
            "filesProcessed": drive.files.total, "totalFilesToProcess": drive.files.total,
            "invalidFilesProcessed": 0, "invalidFileBytesUploaded": 0,
            "renamedContainerCount": 0, "filesErroredOut": drive.files.errored,
            "directoriesErroredOut": 0, "invalidDirectoriesProcessed": 0,
            "isEnumerationInProgress": false, "actions": [],
        });
        if let Some(code) = &drive.copy_status
            && !code.starts_with("Completed")
        {
            body["error"] = json!({
                "code": code, "message": "The drive was not copied; its copy log, if there is one, says more.",
            });
        }
        body
    };
    job.drives.iter().map(copy).collect()
}

/// The logs of the drives that have some.
pub(super) fn logs(job: &Job) -> Vec<Value> {
    let log = |drive: &Drive| {
        let error_log = drive.error_log.as_ref()?;
        let mut body = json!({
            "copyLogDetailsType": "DataBoxCustomerDisk", "serialNumber": drive.serial,
            "errorLogLink": error_log,
        });
        if let Some(verbose_log) = &drive.verbose_log {
            body["verboseLogLink"] = json!(verbose_log);
        }
        Some(body)
    };
    job.drives.iter().filter_map(log).collect()
}
