//! What a call hands to the units that repeat it.

use std::path::{Path, PathBuf};

use super::call::Call;
use crate::cli::{ArmArgs, AzureArgs, BlobArgs};
use crate::journey::connections::Patience;
use crate::outcome::Attendant;

/// Flags of this call that a run by a timer needs too, since it has neither this command line nor
/// this environment. Values that may hold a secret stay out.
pub fn unit_words(
    files: &[(&'static str, &Option<PathBuf>)],
    (azure, blobs): (&AzureArgs, &BlobArgs),
    call: &Call<'_>,
) -> Vec<(&'static str, String)> {
    let AzureArgs { arm, proxy } = azure;
    let ArmArgs { cloud, arm_endpoint, authority, auth, token_file, ca_file, patience } = arm;
    let BlobArgs { blob_endpoint, account_key_file, sas_file } = blobs;
    let path = |path: &Path| {
        let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        whole.display().to_string()
    };
    let mut words = Vec::new();
    let of_all = [
        ("--log-file", &call.global.log_file),
        ("--token-file", token_file),
        ("--ca-file", ca_file),
        ("--account-key-file", account_key_file),
        ("--sas-file", sas_file),
    ];
    for (flag, file) in files.iter().copied().chain(of_all) {
        words.extend(file.as_deref().map(|file| (flag, path(file))));
    }
    let addresses = [
        ("--arm-endpoint", arm_endpoint),
        ("--authority", authority),
        ("--blob-endpoint", blob_endpoint),
        ("--proxy", proxy),
    ];
    for (flag, address) in addresses {
        match address {
            Some(own) if own.is_bare() => words.push((flag, own.to_string())),
            Some(_) => call.ui.warn(&format!(
                "the value of {flag} may hold a secret and does not go into a unit: set it in the \
                 configuration"
            )),
            None => {}
        }
    }
    let auth = auth.and_then(|own| clap::ValueEnum::to_possible_value(&own));
    words.extend(auth.map(|own| ("--auth", own.get_name().to_owned())));
    let is_file = cloud.cloud.exists();
    let cloud = if is_file { path(&cloud.cloud) } else { cloud.cloud.display().to_string() };
    words.extend((cloud != "AzureCloud").then_some(("--cloud", cloud)));
    let is_usual = *patience == Patience::default().most;
    words.extend((!is_usual).then(|| ("--patience", format!("{}s", patience.as_secs()))));
    words
}
