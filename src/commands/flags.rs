//! Flags that several commands share, as the options of journeys.

use super::call::Call;
use crate::cli::{
    AuthChoice, AzureArgs, BlobArgs, JobTarget, KeyArgs, PasswordArgs, RunArgs, SourceArgs,
    VaultTarget,
};
use crate::journey::connections::{AuthKind, AzureOptions, BlobAccess, CloudChoice};
use crate::journey::job::JobOptions;
use crate::journey::keeper::KeyFiles;
use crate::journey::vault::VaultOptions;
use crate::journey::vault_password::PasswordGiven;
use crate::journey::vault_turn::RunOptions;
use crate::journey::work::WorkOptions;
use crate::outcome::Failure;

/// Where Azure is.
pub fn azure(args: &AzureArgs) -> AzureOptions {
    let AzureArgs { cloud, arm_endpoint, authority, auth, token_file, ca_file, proxy } =
        args.clone();
    let auth = auth.map(|auth| match auth {
        AuthChoice::Environment => AuthKind::Environment,
        AuthChoice::WorkloadIdentity => AuthKind::WorkloadIdentity,
        AuthChoice::ManagedIdentity => AuthKind::ManagedIdentity,
        AuthChoice::AzureCli => AuthKind::AzureCli,
        AuthChoice::Token => AuthKind::Token,
    });
    let cloud = CloudChoice::of(&cloud.cloud);
    AzureOptions { cloud, arm_endpoint, authority, auth, token_file, ca_file, proxy }
}

/// Where blobs are.
pub fn blobs(args: &BlobArgs) -> BlobAccess {
    let BlobArgs { blob_endpoint, account_key_file, sas_file } = args.clone();
    BlobAccess { endpoint: blob_endpoint, account_key_file, sas_file, limit: None }
}

/// What opens sealed recovery passwords.
pub fn keys(args: &KeyArgs) -> KeyFiles {
    KeyFiles { password_file: args.password_file.clone(), identity: args.identity.clone() }
}

/// Which job.
pub fn job(target: &JobTarget, call: &Call<'_>) -> Result<JobOptions, Failure> {
    let options = JobOptions {
        job: None,
        staging: target.staging.clone(),
        service: call.given("service", target.service),
        subscription: call.given("subscription", target.subscription.clone()),
        resource_group: call.given("resource_group", target.resource_group.clone()),
        storage_account: target.storage_account.clone(),
        azure: azure(&target.azure),
    };
    options.naming(target.job.clone(), target.job_file.as_deref(), call.ui)
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

/// How a run of a vault works.
pub fn run_options(args: &RunArgs) -> RunOptions {
    let RunArgs { limit, window, metrics_file } = args.clone();
    RunOptions { limit, window, metrics_file }
}

/// Which vault, and where Azure is.
pub fn vault(
    target: &VaultTarget,
    password: Option<&PasswordArgs>,
    call: &Call<'_>,
) -> VaultOptions {
    let password = password.cloned().unwrap_or_default();
    VaultOptions {
        password: PasswordGiven {
            file: call.given("password_file", password.password_file),
            command: call.given("password_command", password.password_command),
            descriptor: call.given("password_fd", password.password_fd),
            ..PasswordGiven::default()
        },
        vault: target.vault.clone(),
        staging: target.staging.clone(),
        azure: azure(&target.azure),
        blobs: blobs(&target.blobs),
        seed_sas_file: target.seed_sas_file.clone(),
    }
}
