//! Flags that several commands share, as the options of journeys.

use super::call::Call;
use crate::cli::{
    ArmArgs, AuthChoice, AzureArgs, BlobArgs, JobTarget, KeepCounts, KeyArgs, LeftOutArgs,
    PasswordArgs, RunArgs, SourceArgs, VaultTarget,
};
use crate::journey::connections::{AuthKind, AzureOptions, BlobAccess, CloudChoice, Tempo};
use crate::journey::job::JobOptions;
use crate::journey::keeper::KeyFiles;
use crate::journey::vault_meant::VaultOptions;
use crate::journey::vault_password::PasswordGiven;
use crate::journey::vault_turn::RunOptions;
use crate::journey::work::WorkOptions;
use crate::outcome::Failure;
use crate::policy::Retention;
use crate::repository::{Choice, PatternForm, read_patterns};

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
        job: call.given("job", args.job.clone()),
        storage_account: args.storage_account.clone(),
        subscription: args.subscription.clone(),
        resource_group: call.given("resource_group", args.resource_group.clone()),
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
        staging: call.given("staging", target.staging.clone()),
        azure: azure(&target.azure),
        blobs: blobs(&target.blobs),
        seed_sas_file: target.seed_sas_file.clone(),
    }
}

/// The choice that the flags say; files of patterns are read now, as they were meant then.
pub fn choice(args: &LeftOutArgs) -> Result<Choice, Failure> {
    let LeftOutArgs { iexclude, exclude_if_present, exclude_larger_than, .. } = args.clone();
    let mut exclude = args.exclude.clone();
    // Our own variables may hold secrets, and what is said here comes to stand in records.
    let is_ours = |name: &str| name.starts_with("AZSEED_");
    let variable = |name: &str| if is_ours(name) { None } else { std::env::var(name).ok() };
    for path in &args.exclude_file {
        exclude.extend(read_patterns(path, variable)?);
    }
    let choice = Choice {
        exclude,
        exclude_form: PatternForm::Restic,
        one_file_system: args.one_file_system,
        iexclude,
        exclude_if_present,
        exclude_larger_than: exclude_larger_than.map(|size| size.0),
        exclude_caches: args.exclude_caches,
    };
    choice.check()?;
    Ok(choice)
}

/// What no flag says.
pub fn nothing_left_out() -> Choice {
    Choice { exclude_form: PatternForm::Restic, ..Choice::default() }
}

/// How much is kept, by counts.
pub(super) fn retention(own: &KeepCounts) -> Retention {
    let KeepCounts { keep_daily: daily, keep_weekly: weekly, .. } = *own;
    let (monthly, yearly) = (own.keep_monthly, own.keep_yearly);
    Retention { daily, weekly, monthly, yearly }
}
