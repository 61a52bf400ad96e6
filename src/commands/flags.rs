//! Flags that several commands share, as the options of journeys.

use super::call::Call;
use crate::cli::{AzureArgs, BlobArgs, JobTarget, KeyArgs, SourceArgs, VaultTarget};
use crate::journey::connections::{AzureOptions, BlobAccess};
use crate::journey::job::JobOptions;
use crate::journey::keeper::KeyFiles;
use crate::journey::vault::VaultOptions;
use crate::journey::work::WorkOptions;

/// Where Azure is.
pub fn azure(args: &AzureArgs) -> AzureOptions {
    let AzureArgs { arm_endpoint, authority, token_file, ca_file, proxy } = args.clone();
    AzureOptions { arm_endpoint, authority, token_file, ca_file, proxy }
}

/// Where blobs are.
pub fn blobs(args: &BlobArgs) -> BlobAccess {
    let BlobArgs { blob_endpoint, account_key_file, sas_file } = args.clone();
    BlobAccess { endpoint: blob_endpoint, account_key_file, sas_file }
}

/// What opens sealed recovery passwords.
pub fn keys(args: &KeyArgs) -> KeyFiles {
    KeyFiles { password_file: args.password_file.clone(), identity: args.identity.clone() }
}

/// What goes onto drives.
pub fn work(args: &SourceArgs, call: &Call<'_>) -> WorkOptions {
    WorkOptions {
        staging: args.staging.clone(),
        dataset: args.dataset.clone(),
        job: args.job.clone(),
        storage_account: args.storage_account.clone(),
        subscription: args.subscription.clone(),
        resource_group: args.resource_group.clone(),
        service: call.given("service", args.service),
    }
}

/// Which job, and where Azure is.
pub fn job(target: &JobTarget, call: &Call<'_>) -> JobOptions {
    JobOptions {
        job: target.job.clone(),
        staging: target.staging.clone(),
        service: call.given("service", target.service),
        subscription: call.given("subscription", target.subscription.clone()),
        resource_group: call.given("resource_group", target.resource_group.clone()),
        azure: azure(&target.azure),
    }
}

/// Which vault, and where Azure is.
pub fn vault(target: &VaultTarget) -> VaultOptions {
    VaultOptions {
        vault: target.vault.clone(),
        staging: target.staging.clone(),
        azure: azure(&target.azure),
        blobs: blobs(&target.blobs),
    }
}
