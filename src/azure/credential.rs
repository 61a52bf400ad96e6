//! Where blobs are, and what opens an account.

use disk_prep::noun::{AccountName, Address, Rate};
use secrecy::SecretString;

use super::cloud::BlobHome;
use super::network::Network;
use super::sign_in::Auth;

/// Where blobs are and how to reach them.
#[derive(Debug, Clone)]
pub struct BlobOptions {
    /// The storage account.
    pub account: AccountName,
    /// Where its blobs are.
    pub home: BlobHome,
    /// Where tokens are given.
    pub authority: Address,
    /// Certificates and proxy.
    pub network: Network,
    /// What opens the account.
    pub credential: BlobCredential,
    /// What is sent at most.
    pub limit: Option<Rate>,
}

/// What opens an account.
#[derive(Debug, Clone)]
pub enum BlobCredential {
    /// Whoever is signed in, or a token that was given.
    SignedIn(Auth),
    /// The account's key.
    Key(SecretString),
    /// A shared access signature.
    Sas(SecretString),
}
