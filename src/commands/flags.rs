//! Flags that several commands share, as the options of journeys.

use super::call::Call;
use crate::cli::{
    ArmArgs, AuthChoice, AzureArgs, BlobArgs, JobTarget, KeepCounts, KeyArgs, PasswordArgs,
    RunArgs, SourceArgs, VaultTarget,
};
use crate::journey::connections::{AuthKind, AzureOptions, BlobAccess, CloudChoice, Tempo};
use crate::journey::job::JobOptions;
use crate::journey::keeper::KeyFiles;
use crate::journey::settings::one_of;
use crate::journey::vault_meant::VaultOptions;
use crate::journey::vault_password::PasswordGiven;
use crate::journey::vault_turn::RunOptions;
use crate::journey::work::WorkOptions;
use crate::outcome::Failure;
use crate::policy::Retention;

/// Where Azure is.
pub fn azure(args: &AzureArgs) -> AzureOptions {
    AzureOptions { proxy: args.proxy.clone(), ..arm(&args.arm) }
}

/// The same for commands whose `--proxy` is that of a machine.
pub fn arm(args: &ArmArgs) -> AzureOptions {
    let auth = args.auth.map(|auth| match auth {
        AuthChoice::Environment => AuthKind::Environment,
        AuthChoice::WorkloadIdentity => AuthKind::WorkloadIdentity,
        AuthChoice::ManagedIdentity => AuthKind::ManagedIdentity,
        AuthChoice::AzureCli => AuthKind::AzureCli,
        AuthChoice::Token => AuthKind::Token,
    });
    let own = args.clone();
    let ArmArgs { cloud, arm_endpoint, authority, token_file, ca_file, patience, .. } = own;
    let (cloud, proxy) = (CloudChoice::of(&cloud.cloud), None);
    let tempo = Tempo::Work;
    AzureOptions {
        cloud,
        arm_endpoint,
        authority,
        auth,
        token_file,
        ca_file,
        proxy,
        patience,
        tempo,
    }
}

/// Where blobs are.
pub fn blobs(args: &BlobArgs, call: &Call<'_>) -> Result<BlobAccess, Failure> {
    let BlobArgs { blob_endpoint, account_key_file, sas_file } = args.clone();
    let key = call.given("account_key_file", account_key_file);
    let (account_key_file, sas_file) = one_of(key, call.given("sas_file", sas_file), call.ui)?;
    Ok(BlobAccess { endpoint: blob_endpoint, account_key_file, sas_file, limit: None })
}

/// What opens sealed recovery passwords.
pub fn keys(args: &KeyArgs) -> KeyFiles {
    KeyFiles { password_file: args.password_file.clone(), identity: args.identity.clone() }
}

/// Which job.
pub fn job(target: &JobTarget, call: &Call<'_>) -> Result<JobOptions, Failure> {
    let options = JobOptions {
        job: None,
        staging: call.given("staging", target.staging.clone()),
        service: call.given("service", target.service),
        subscription: call.given("subscription", target.subscription.clone()),
        resource_group: call.given("resource_group", target.resource_group.clone()),
        storage_account: target.storage_account.clone(),
        azure: azure(&target.azure),
    };
    options.naming(target.job.clone(), target.job_file.as_deref(), call.ui)
}

/// What goes onto drives.
pub fn work(args: &SourceArgs, call: &Call<'_>) -> Result<WorkOptions, Failure> {
    let staging = call.given("staging", args.staging.clone());
    let dataset = call.given("dataset", args.dataset.clone());
    let (staging, dataset) = one_of(staging, dataset, call.ui)?;
    Ok(WorkOptions {
        staging,
        dataset,
        job: call.given("job", args.job.clone()),
        storage_account: args.storage_account.clone(),
        subscription: call.given("subscription", args.subscription.clone()),
        resource_group: call.given("resource_group", args.resource_group.clone()),
        service: call.given("service", args.service),
    })
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
) -> Result<VaultOptions, Failure> {
    let password = password.cloned().unwrap_or_default();
    Ok(VaultOptions {
        password: PasswordGiven {
            file: call.given("password_file", password.password_file),
            command: call.given("password_command", password.password_command),
            descriptor: call.given("password_fd", password.password_fd),
            ..PasswordGiven::default()
        },
        vault: target.vault.clone(),
        staging: call.given("staging", target.staging.clone()),
        azure: azure(&target.azure),
        blobs: blobs(&target.blobs, call)?,
        seed_sas_file: target.seed_sas_file.clone(),
    })
}

/// How much is kept, by counts.
pub(super) fn retention(own: &KeepCounts) -> Retention {
    let KeepCounts { keep_daily: daily, keep_weekly: weekly, .. } = *own;
    let (monthly, yearly) = (own.keep_monthly, own.keep_yearly);
    Retention { daily, weekly, monthly, yearly }
}
