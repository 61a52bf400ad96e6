//! Whether whoever is signed in may do what a purpose asks of Azure: asked where the rights are needed,
//! judged in `check`. Changes nothing.

use disk_prep::noun::Service;

use super::answered::answer;
use super::connections::{AzureOptions, BlobAccess, is_by_sign_in};
use crate::azure::Arm;
use crate::check::finding::Finding;
use crate::check::rights::{
    ACCOUNT, BLOBS, DATA_BOX, IMPORT_EXPORT, Place, Purpose, Right, look, missing,
};
use crate::outcome::Attendant;

/// Looks at the rights that are needed at a scope.
pub(super) fn rights_at(arm: &Arm, scope: &str, needed: &[Right]) -> Vec<Finding> {
    let held = answer(arm.permissions(scope).map(Some));
    let who = arm.who().ok();
    let principal = who.and_then(|own| own.principal.or(own.application));
    let place = Place { scope: scope.to_owned(), principal };
    look(&place, needed, &held).into_iter().map(|own| own.of("azure")).collect()
}

/// The rights that are missing at a scope; none if nobody tells.
pub(super) fn missing_at(arm: &Arm, scope: &str, needed: &[Right]) -> Vec<Right> {
    arm.permissions(scope).map(|held| missing(needed, &held)).unwrap_or_default()
}

/// Those over jobs of a service.
pub(super) fn of_service(service: Service) -> &'static [Right] {
    match service {
        Service::DataBox => DATA_BOX,
        Service::ImportExport => IMPORT_EXPORT,
    }
}

/// Those over an account, and over its blobs where only the sign-in opens them.
pub(super) fn of_account(
    purpose: Purpose,
    azure: &AzureOptions,
    blobs: &BlobAccess,
    attendant: &dyn Attendant,
) -> Vec<Right> {
    // What is no key or no signature is told where it is used.
    let is_signed_in = is_by_sign_in(azure, blobs, attendant).unwrap_or(false);
    let with_blobs = is_signed_in && purpose != Purpose::Restore;
    let blobs = if with_blobs { BLOBS } else { &[] };
    [ACCOUNT, blobs].concat()
}
