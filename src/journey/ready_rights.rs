//! Whether whoever is signed in may do what a purpose asks of Azure: asked where the rights are needed,
//! judged in `check`. Changes nothing.

use disk_prep::noun::Service;

use super::answered::answer;
use super::connections::{AzureOptions, BlobAccess, is_by_sign_in};
use crate::azure::Arm;
use crate::check::azure::Answer;
use crate::check::finding::Finding;
use crate::check::rights::{
    ACCOUNT, BLOBS, DATA_BOX, IMPORT_EXPORT, NEW_DATA_BOX, NEW_IMPORT_EXPORT, Place, Purpose,
    Right, assigned, look, missing,
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

/// Looks at the roles that are given to whoever is signed in.
pub(super) fn assigned_at(arm: &Arm, scope: &str) -> Option<Finding> {
    let who = arm.who().ok()?.principal;
    let held = match &who {
        Some(who) => answer(arm.assignments(scope, who).map(Some)),
        None => Answer::Unknown("the token does not say who is signed in".to_owned()),
    };
    assigned(scope, &held).map(|own| own.of("azure"))
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

/// Those that make a job of a service; the others of [`of_service`] are for later steps.
pub(super) fn of_new_job(service: Service) -> &'static [Right] {
    match service {
        Service::DataBox => NEW_DATA_BOX,
        Service::ImportExport => NEW_IMPORT_EXPORT,
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
