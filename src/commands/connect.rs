//! Connections to Azure, as the flags want them.

use std::path::Path;

use disk_prep::noun::{AccountName, ContainerName};
use disk_prep::sys::private::{self, NotPrivate};
use secrecy::SecretString;

use crate::azure::{
    Arm, ArmOptions, BlobCredential, BlobOptions, Container, Error, Network, variable,
};
use crate::cli::{AzureArgs, BlobArgs, Hidden};
use crate::ui::Ui;

const KEY_VARIABLE: &str = "AZSEED_ACCOUNT_KEY";
const SAS_VARIABLE: &str = "AZSEED_SAS";

fn network(args: &AzureArgs) -> Network {
    Network { ca_file: args.ca_file.clone(), proxy: args.proxy.clone() }
}

/// The resource manager.
pub(super) fn arm(args: &AzureArgs) -> Result<Arm, Error> {
    Arm::open(&ArmOptions {
        endpoint: args.arm_endpoint.clone(),
        authority: args.authority.clone(),
        token: args.token_file.as_deref().map(secret).transpose()?,
        network: network(args),
    })
}

/// A container.
pub(super) fn container(
    azure: &AzureArgs,
    blobs: &BlobArgs,
    account: &AccountName,
    name: &ContainerName,
) -> Result<Container, Error> {
    let options = BlobOptions {
        account: account.clone(),
        endpoint: blobs.blob_endpoint.clone(),
        authority: azure.authority.clone(),
        network: network(azure),
        credential: credential(azure, blobs)?,
    };
    Container::open(&options, name.clone())
}

/// What a file says goes before what the environment says; a key before a SAS before a token
/// before the sign-in.
fn credential(azure: &AzureArgs, args: &BlobArgs) -> Result<BlobCredential, Error> {
    if let Some(path) = &args.account_key_file {
        return secret(path).map(BlobCredential::Key);
    }
    if let Some(path) = &args.sas_file {
        return secret(path).map(BlobCredential::Sas);
    }
    if let Some(path) = &azure.token_file {
        return secret(path).map(|token| BlobCredential::SignedIn(Some(token)));
    }
    if let Some(key) = variable(KEY_VARIABLE)? {
        return Ok(BlobCredential::Key(key.into()));
    }
    let sas = variable(SAS_VARIABLE)?;
    Ok(sas.map_or(BlobCredential::SignedIn(None), |sas| BlobCredential::Sas(sas.into())))
}

/// Reads a secret from a file that only its owner may read.
fn secret(path: &Path) -> Result<SecretString, Error> {
    let text = private::read_text(path).map_err(|source| match NotPrivate::of(&source) {
        Some(why) if why.is_open() => Error::SecretFile { path: path.to_owned(), source },
        _ => Error::SecretUnreadable { path: path.to_owned(), source },
    })?;
    let secret = SecretString::from(text.trim());
    // A service may say back what it was sent.
    let name = format!("(the content of {})", path.display());
    Ui::hide(vec![Hidden { text: secret.clone(), name }]);
    Ok(secret)
}
