//! What a token opens where somebody declared less than everything: containers by actions of the
//! resource manager, blobs by actions on data ("Permissions for calling data operations").

use super::call::Path3;
use super::fault::Fault;
use super::need::{Kind, Need};
use crate::http::Call;
use crate::rights::RightsOrder;

const BLOBS: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs";
const CONTAINERS: &str = "Microsoft.Storage/storageAccounts/blobServices/containers";
const KEY: &str = "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action";

/// Refuses what is not among the rights; a key and a signature have none.
pub(super) fn check(rights: &RightsOrder, call: &Call, path: &Path3) -> Result<(), Fault> {
    let is_by_token = call.header("authorization").is_some_and(|own| own.starts_with("Bearer "));
    let (restype, comp) = call.operation();
    let Need { letters, kind, .. } = Need::of(call, path);
    let data = |verb: &str| rights.lets_data(&format!("{BLOBS}/{verb}"));
    let container = |verb: &str| rights.lets(&format!("{CONTAINERS}/{verb}"));
    let is_allowed = match (kind, letters) {
        _ if !is_by_token => true,
        (Some(Kind::Object), "r") => data("read"),
        (Some(Kind::Object), "d") => data("delete"),
        (Some(Kind::Object), "wc") => data("write") || data("add/action"),
        (Some(Kind::Object), _) => data("write"),
        (Some(Kind::Container), "l") => data("read"),
        (Some(Kind::Container), "r") => container("read"),
        (Some(Kind::Container), "d") => container("delete"),
        (Some(Kind::Container), _) => container("write"),
        (Some(Kind::Service), _) => container("read"),
        // A batch deletes blobs.
        (None, _) if comp == Some("batch") => data("delete"),
        (None, _) if (restype, comp) == (Some("service"), Some("userdelegationkey")) => {
            rights.lets(KEY)
        }
        (None, _) => true,
    };
    if is_allowed { Ok(()) } else { Err(Fault::not_allowed()) }
}
