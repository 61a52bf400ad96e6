//! Connections to Azure, and the secrets that open them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use disk_prep::noun::{
    AccountName, Address, BlobPlace, ContainerName, Rate, ResourceGroup, Service, SubscriptionId,
};
use disk_prep::sys::private::{self, NotPrivate};
use secrecy::SecretString;

use crate::azure::{
    Arm, ArmOptions, Auth, BlobContainer, BlobCredential, BlobHome, BlobOptions, Container, DiskId,
    Error, ManagedDisk, ManagedOptions, Network, PageBlob, ServicePageBlob, variable,
};
use crate::import_job::{DataBox, ImportExport, JobService};
use crate::outcome::Attendant;

pub use crate::azure::{AuthKind, CloudChoice, Patience, Tempo};

/// Where the resource manager is, and how to reach it.
#[derive(Debug, Clone)]
pub struct AzureOptions {
    /// The cloud, for what the next two and the blobs' endpoint leave open.
    pub cloud: CloudChoice,
    /// The resource manager.
    pub arm_endpoint: Option<Address>,
    /// Where tokens are given.
    pub authority: Option<Address>,
    /// How to sign in; without it, by whatever there is.
    pub auth: Option<AuthKind>,
    /// A file with a token.
    pub token_file: Option<PathBuf>,
    /// A certificate authority beside the system's.
    pub ca_file: Option<PathBuf>,
    /// A proxy.
    pub proxy: Option<Address>,
    /// How long a service that is busy is waited for.
    pub patience: Duration,
    /// What calls are made for.
    pub tempo: Tempo,
}

impl AzureOptions {
    /// The same for a look, which is to say soon that nobody answers.
    pub fn into_look(self) -> Self {
        AzureOptions { tempo: Tempo::Look, ..self }
    }
}

/// Where blobs are, and what opens them.
#[derive(Debug, Clone, Default)]
pub struct BlobAccess {
    /// The blob service; without it the account's own address in the cloud.
    pub endpoint: Option<Address>,
    /// A file with the account's key.
    pub account_key_file: Option<PathBuf>,
    /// A file with a shared access signature.
    pub sas_file: Option<PathBuf>,
    /// What is sent at most.
    pub limit: Option<Rate>,
}

const KEY_VARIABLE: &str = "AZSEED_ACCOUNT_KEY";
const SAS_VARIABLE: &str = "AZSEED_SAS";
const SEED_SAS_VARIABLE: &str = "AZSEED_SEED_SAS";

pub(super) fn network(args: &AzureOptions, attendant: &dyn Attendant) -> Network {
    let mut patience = Patience::new(args.patience, attendant.teller());
    patience.tempo = args.tempo;
    Network { ca_file: args.ca_file.clone(), proxy: args.proxy.clone(), patience }
}

/// What a new job is made in when nothing says otherwise.
pub const CURRENT_SERVICE: Service = Service::DataBox;

/// The service that takes the drives in. The only place that opens one.
pub fn job_service(
    service: Service,
    args: &AzureOptions,
    subscription: SubscriptionId,
    group: ResourceGroup,
    attendant: &dyn Attendant,
) -> Result<Box<dyn JobService>, Error> {
    let arm = arm(args, attendant)?;
    Ok(match service {
        Service::DataBox => Box::new(DataBox::new(arm, subscription, group)),
        Service::ImportExport => Box::new(ImportExport::new(arm, subscription, group)),
    })
}

/// Who is to sign in.
fn auth(args: &AzureOptions, attendant: &dyn Attendant) -> Result<Auth, Error> {
    let token = args.token_file.as_deref().map(|path| secret(path, attendant)).transpose()?;
    Ok(Auth { kind: args.auth, token })
}

/// The resource manager itself.
pub fn arm(args: &AzureOptions, attendant: &dyn Attendant) -> Result<Arm, Error> {
    let cloud = args.cloud.cloud()?;
    Arm::open(&ArmOptions {
        endpoint: args.arm_endpoint.clone().unwrap_or_else(|| cloud.arm.clone()),
        audience: cloud.arm,
        authority: args.authority.clone().unwrap_or(cloud.authority),
        auth: auth(args, attendant)?,
        network: network(args, attendant),
    })
}

/// A container.
pub fn container(
    azure: &AzureOptions,
    blobs: &BlobAccess,
    account: &AccountName,
    name: &ContainerName,
    attendant: &dyn Attendant,
) -> Result<Arc<dyn Container>, Error> {
    opened(azure, blobs, (account, name), credential(azure, blobs, attendant)?, attendant)
}

/// A page blob.
pub fn page_blob(
    azure: &AzureOptions,
    blobs: &BlobAccess,
    place: &BlobPlace,
    attendant: &dyn Attendant,
) -> Result<Arc<dyn PageBlob>, Error> {
    let credential = credential(azure, blobs, attendant)?;
    let options = blob_options(azure, blobs, place.account(), credential, attendant)?;
    let blob = ServicePageBlob::open(&options, place.container().clone(), place.name())?;
    Ok(Arc::new(blob))
}

/// A managed disk.
pub fn managed_disk(
    azure: &AzureOptions,
    blobs: &BlobAccess,
    (id, label): (&DiskId, &str),
    like: Option<&DiskId>,
    attendant: &dyn Attendant,
) -> Result<Arc<dyn PageBlob>, Error> {
    let options = ManagedOptions {
        id: id.clone(),
        label: label.to_owned(),
        like: like.cloned(),
        network: network(azure, attendant),
        limit: blobs.limit,
    };
    Ok(Arc::new(ManagedDisk::open(Arc::new(arm(azure, attendant)?), options)))
}

/// A container of an account beside the one that the options open: by a signature for it, else by
/// who is signed in. `None` if neither is there, since a key opens its own account only.
pub fn container_beside(
    azure: &AzureOptions,
    blobs: &BlobAccess,
    sas_file: Option<&Path>,
    (account, name): (&AccountName, &ContainerName),
    attendant: &dyn Attendant,
) -> Result<Option<Arc<dyn Container>>, Error> {
    let credential = match (sas_file, variable(SEED_SAS_VARIABLE)?) {
        (Some(path), _) => BlobCredential::Sas(secret(path, attendant)?),
        (None, Some(sas)) => BlobCredential::Sas(sas.into()),
        (None, None) => match credential(azure, blobs, attendant)? {
            signed_in @ BlobCredential::SignedIn(_) => signed_in,
            BlobCredential::Key(_) | BlobCredential::Sas(_) => return Ok(None),
        },
    };
    opened(azure, blobs, (account, name), credential, attendant).map(Some)
}

fn opened(
    azure: &AzureOptions,
    blobs: &BlobAccess,
    (account, name): (&AccountName, &ContainerName),
    credential: BlobCredential,
    attendant: &dyn Attendant,
) -> Result<Arc<dyn Container>, Error> {
    let options = blob_options(azure, blobs, account, credential, attendant)?;
    Ok(Arc::new(BlobContainer::open(&options, name.clone())?))
}

fn blob_options(
    azure: &AzureOptions,
    blobs: &BlobAccess,
    account: &AccountName,
    credential: BlobCredential,
    attendant: &dyn Attendant,
) -> Result<BlobOptions, Error> {
    let cloud = azure.cloud.cloud()?;
    Ok(BlobOptions {
        account: account.clone(),
        home: home(azure, blobs)?,
        authority: azure.authority.clone().unwrap_or(cloud.authority),
        network: network(azure, attendant),
        credential,
        limit: blobs.limit,
    })
}

/// Where blobs are: at the endpoint that was given, else under the names of the cloud.
pub fn home(azure: &AzureOptions, blobs: &BlobAccess) -> Result<BlobHome, Error> {
    match &blobs.endpoint {
        Some(endpoint) => Ok(BlobHome::Endpoint(endpoint.clone())),
        None => azure.cloud.cloud().map(|cloud| BlobHome::Names(cloud.suffix)),
    }
}

/// What a file says goes before what the environment says; a key before a SAS before a token
/// before the sign-in.
fn credential(
    azure: &AzureOptions,
    args: &BlobAccess,
    attendant: &dyn Attendant,
) -> Result<BlobCredential, Error> {
    if let Some(path) = &args.account_key_file {
        return secret(path, attendant).map(BlobCredential::Key);
    }
    if let Some(path) = &args.sas_file {
        return secret(path, attendant).map(BlobCredential::Sas);
    }
    if azure.token_file.is_some() {
        return auth(azure, attendant).map(BlobCredential::SignedIn);
    }
    if let Some(key) = variable(KEY_VARIABLE)? {
        return Ok(BlobCredential::Key(key.into()));
    }
    match variable(SAS_VARIABLE)? {
        Some(sas) => Ok(BlobCredential::Sas(sas.into())),
        None => auth(azure, attendant).map(BlobCredential::SignedIn),
    }
}

/// Variables that sign in, with what goes with them.
const SIGN_IN_VARIABLES: [&str; 6] = [
    "AZSEED_TOKEN",
    "AZURE_TENANT_ID",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_FEDERATED_TOKEN_FILE",
];

/// The variables that open what no file opens; those that are not set are left out.
pub(super) fn only_variables(
    azure: &AzureOptions,
    blobs: &BlobAccess,
) -> Result<Vec<&'static str>, Error> {
    let mut names = Vec::new();
    if azure.token_file.is_none() {
        let has_file = blobs.account_key_file.is_some() || blobs.sas_file.is_some();
        names.extend([KEY_VARIABLE, SAS_VARIABLE].into_iter().filter(|_| !has_file));
        names.extend(SIGN_IN_VARIABLES);
    }
    names.push(SEED_SAS_VARIABLE);
    let mut set = Vec::new();
    for name in names {
        set.extend(variable(name)?.map(|_| name));
    }
    Ok(set)
}

/// Whether blobs are opened by who is signed in, and not by a key or a signature.
pub(super) fn is_by_sign_in(
    azure: &AzureOptions,
    blobs: &BlobAccess,
    attendant: &dyn Attendant,
) -> Result<bool, Error> {
    Ok(matches!(credential(azure, blobs, attendant)?, BlobCredential::SignedIn(_)))
}

/// Reads a secret from a file that only its owner may read.
fn secret(path: &Path, attendant: &dyn Attendant) -> Result<SecretString, Error> {
    let text = private::read_text(path).map_err(|source| match NotPrivate::of(&source) {
        Some(why) if why.is_open() => Error::SecretFile { path: path.to_owned(), source },
        _ => Error::SecretUnreadable { path: path.to_owned(), source },
    })?;
    let secret = SecretString::from(text.trim());
    // A service may say back what it was sent.
    let name = format!("(the content of {})", path.display());
    attendant.hide(secret.clone(), name);
    Ok(secret)
}
