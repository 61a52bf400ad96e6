//! The customer's key over the drives' keys, as each service takes it in its order.

use disk_prep::noun::KeyVault;
use serde_json::{Value, json};

/// Of the classic service (`azure-import-export` 1A.7). The job's identity has to be let at the key in
/// the portal: this service takes none in its order.
pub(super) fn classic(own: &KeyVault) -> Value {
    json!({
        "kekType": "CustomerManaged", "kekUrl": own.key_url, "kekVaultResourceID": own.vault_id,
    })
}

/// Of Data Box, with who may use it (`azure-import-export` 1C).
pub(super) fn data_box(own: &KeyVault) -> Value {
    let mut key = classic(own);
    key["identityProperties"] = match &own.identity {
        Some(id) => json!({"type": "UserAssigned", "userAssigned": {"resourceId": id}}),
        None => json!({"type": "SystemAssigned"}),
    };
    key
}

/// The identity that an order of Data Box itself has: one that may use the customer's key.
pub(super) fn identity(own: &KeyVault) -> Value {
    match &own.identity {
        Some(id) => json!({"type": "UserAssigned", "userAssignedIdentities": {id.as_str(): {}}}),
        None => json!({"type": "SystemAssigned"}),
    }
}
