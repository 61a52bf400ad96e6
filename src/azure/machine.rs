//! The identity that Azure gives to its own machines. A machine that has none finds out within
//! seconds; the service that gives tokens is one hop away and is never reached by a proxy.

use std::time::Duration;

use azure_core::credentials::TokenCredential;
use azure_core::http::{ClientOptions, RetryOptions, Transport};
use azure_identity::{ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId};
use secrecy::SecretString;
use tokio::time::timeout;

use super::bounds::Bounds;
use super::error::Error;
use super::network::Network;
use super::reason::Reason;
use super::transport::Bounded;

/// Longer nobody waits to hear that there is nobody.
const PATIENCE: Duration = Duration::from_secs(5);
/// A token of a machine lasts a day, and its giver has them ready.
const LIFETIME: Duration = Duration::from_secs(900);

/// A token of this machine, or of the identity of that id which it was given.
pub(super) async fn machine(
    client: Option<String>,
    scope: &str,
) -> Result<(SecretString, Duration), Error> {
    let carrier = Network::default().neighbour()?;
    let options = ManagedIdentityCredentialOptions {
        user_assigned_id: client.map(UserAssignedId::ClientId),
        client_options: ClientOptions {
            transport: Some(Transport::new(Bounded::new(carrier, Bounds::default()))),
            retry: RetryOptions::none(),
            ..ClientOptions::default()
        },
    };
    let none = |why: String| Error::NoIdentity { why };
    let said = |error: azure_core::Error| {
        // The first sentence; what follows may be an answer of somebody else.
        let line = Reason::of(&error).line();
        none(line.lines().next().unwrap_or_default().chars().take(200).collect())
    };
    let credential = ManagedIdentityCredential::new(Some(options)).map_err(said)?;
    let token = timeout(PATIENCE, credential.get_token(&[scope], None)).await;
    let waited = |_| none(format!("nobody answered within {} s", PATIENCE.as_secs()));
    let token = token.map_err(waited)?.map_err(said)?;
    Ok((token.token.secret().to_owned().into(), LIFETIME))
}
