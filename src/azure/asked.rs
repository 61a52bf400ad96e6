//! What was asked for, and by what: which right is missing when the answer is 403. A right to jobs
//! is none to blobs, and a signature or a key has no role at all.
//! <https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes>

/// What was asked for, and what was to open it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// What is in a resource group, of the resource manager.
    Group,
    /// What a subscription says of itself.
    Subscription,
    /// That a subscription may use a provider.
    Registration,
    /// Blobs, by whoever is signed in.
    Blobs,
    /// Blobs, by the account's key.
    BlobsByKey,
    /// Blobs, by a shared access signature.
    BlobsBySas,
    /// Blobs, by a shared access signature that is for reading only.
    BlobsByReadOnlySas,
}

impl Asked {
    /// What a path of the resource manager is about.
    pub(super) fn of_path(path: &str) -> Self {
        let path = path.to_ascii_lowercase();
        if path.contains("/resourcegroups/") {
            Asked::Group
        } else if path.ends_with("/register") {
            Asked::Registration
        } else if path.contains("/jobs") || path.contains("/locations/") {
            // Lists of a whole subscription; whoever may do the rest may read them.
            Asked::Group
        } else {
            Asked::Subscription
        }
    }

    /// What helps where this was not allowed for the reason that Azure gives in `code`.
    pub(super) fn advice(self, code: &str) -> &'static str {
        let is_of_azure = matches!(self, Asked::Group | Asked::Subscription | Asked::Registration);
        match (self, code) {
            (_, "RequestDisallowedByPolicy") => {
                "a policy of the subscription forbids it; its owner can say which"
            }
            (_, "ReadOnlyDisabledSubscription") => {
                "the subscription is disabled and can only be read; its owner can enable it"
            }
            (_, "AuthorizationFailure") if !is_of_azure => {
                "the account's firewall keeps this machine out: have its address allowed, or come \
                 from a network that is"
            }
            (_, "AccountIsDisabled") if !is_of_azure => {
                "the storage account is disabled, mostly with its subscription: no role and no key \
                 helps until that is enabled again"
            }
            (_, "KeyBasedAuthenticationNotPermitted") => {
                "the account takes no keys and no signatures of keys: leave them out and sign in"
            }
            (Asked::BlobsBySas, "AuthorizationPermissionMismatch") => {
                "the signature lacks a permission: make one for the container with racwdl (read, \
                 add, create, write, delete, list)"
            }
            (Asked::BlobsByReadOnlySas, "AuthorizationPermissionMismatch") => {
                "the signature is for reading only, as its `sp=` says: make one for the container \
                 with racwdl (read, add, create, write, delete, list)"
            }
            (Asked::BlobsBySas | Asked::BlobsByReadOnlySas, "AuthorizationSourceIPMismatch") => {
                "the signature is for other addresses than that of this machine: make one for it"
            }
            (Asked::BlobsBySas | Asked::BlobsByReadOnlySas, _) => {
                "make a new signature: this one is over, not valid yet, of another container or of \
                 a key that was changed; see whether this machine's clock is right too"
            }
            (Asked::BlobsByKey, _) => {
                "check the account's key, and this machine's clock, which may be 15 minutes off at \
                 most"
            }
            (
                Asked::Blobs,
                "AuthenticationFailed"
                | "InvalidAuthenticationInfo"
                | "NoAuthenticationInformation",
            ) => SIGN_IN_AGAIN,
            (Asked::Blobs, _) => {
                "ask for the role Storage Blob Data Contributor on the storage account"
            }
            (Asked::Group, _) => "ask for the role Contributor on the resource group",
            (Asked::Subscription, _) => "ask for the role Reader on the subscription",
            (Asked::Registration, _) => {
                "ask for the role Contributor on the subscription, or have its owner register the \
                 provider"
            }
        }
    }
}

/// For a sign-in that is not taken: no role helps.
pub(super) const SIGN_IN_AGAIN: &str =
    "sign in again: `az login`, or give a new token; `azseed auth status` says who answers";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_asked_for_only_where_one_helps_and_it_is_the_right_one() {
        let group = "/subscriptions/s/resourceGroups/g/providers/Microsoft.DataBox/jobs/j";
        for (path, role) in [
            (group, "role Contributor on the resource group"),
            ("/subscriptions/s/providers/Microsoft.DataBox/jobs", "Contributor on the resource"),
            ("/subscriptions/s/providers/Microsoft.DataBox/register", "Contributor on the sub"),
            ("/subscriptions/s/providers/Microsoft.DataBox", "Reader on the subscription"),
            ("/subscriptions", "Reader on the subscription"),
        ] {
            let advice = Asked::of_path(path).advice("AuthorizationFailed");
            assert!(advice.contains(role), "{path}: {advice}");
        }
        for (asked, code, words) in [
            (Asked::Blobs, "AuthorizationPermissionMismatch", "Storage Blob Data Contributor"),
            (Asked::Blobs, "AuthenticationFailed", "sign in again"),
            (Asked::Blobs, "AuthorizationFailure", "firewall"),
            (Asked::BlobsBySas, "AuthorizationPermissionMismatch", "racwdl"),
            (Asked::BlobsByReadOnlySas, "AuthorizationPermissionMismatch", "reading only"),
            (Asked::BlobsByReadOnlySas, "AuthorizationSourceIPMismatch", "other addresses"),
            (Asked::BlobsBySas, "AuthenticationFailed", "new signature"),
            (Asked::BlobsByKey, "AuthenticationFailed", "clock"),
            (Asked::Blobs, "AccountIsDisabled", "no role and no key"),
            (Asked::BlobsBySas, "AccountIsDisabled", "no role and no key"),
            (Asked::BlobsByKey, "AccountIsDisabled", "is disabled"),
            (Asked::BlobsByKey, "KeyBasedAuthenticationNotPermitted", "sign in"),
        ] {
            let advice = asked.advice(code);
            assert!(advice.contains(words), "{asked:?} {code}: {advice}");
            assert_eq!(advice.contains("the role"), words.contains("Contributor"), "{advice}");
        }
    }
}
