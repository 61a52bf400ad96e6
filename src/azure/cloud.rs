//! The clouds of Azure: where resource manager and sign-in are, and what the names of storage
//! accounts end with. The one place that builds the address of an account's blobs.

use std::fmt;
use std::path::{Path, PathBuf};

use disk_prep::noun::{AccountName, Address};
use disk_prep::sys::given;
use url::Url;

use super::error::Error;
use super::network::folder;

/// A cloud that is meant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum CloudChoice {
    /// The public cloud.
    #[default]
    Public,
    /// The one of the government of the USA.
    UsGovernment,
    /// The one in China.
    China,
    /// One that a file tells of.
    File(PathBuf),
}

/// What the names of a cloud's storage accounts end with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageSuffix(String);

/// A cloud.
#[derive(Debug, Clone)]
pub struct Cloud {
    /// The resource manager, which tokens for it are for.
    pub arm: Address,
    /// Where tokens are given.
    pub authority: Address,
    /// What the names of storage accounts end with.
    pub suffix: StorageSuffix,
}

/// Where blobs are.
#[derive(Debug, Clone)]
pub enum BlobHome {
    /// An endpoint with the account in its path.
    Endpoint(Address),
    /// Each account has a name of its own.
    Names(StorageSuffix),
}

/// What a file tells of a cloud.
const KEYS: [&str; 3] = ["arm-endpoint", "authority", "blob-suffix"];

impl CloudChoice {
    /// One of the known names, in any case, else a file.
    pub fn of(named: &Path) -> Self {
        match named.to_str().unwrap_or_default().to_lowercase().as_str() {
            "azurecloud" => CloudChoice::Public,
            "azureusgovernment" => CloudChoice::UsGovernment,
            "azurechinacloud" => CloudChoice::China,
            _ => CloudChoice::File(named.to_owned()),
        }
    }

    /// The cloud itself; a file is read.
    pub fn cloud(&self) -> Result<Cloud, Error> {
        match self {
            CloudChoice::Public => Ok(Cloud::known(
                "https://management.azure.com",
                "https://login.microsoftonline.com",
                "core.windows.net",
            )),
            CloudChoice::UsGovernment => Ok(Cloud::known(
                "https://management.usgovcloudapi.net",
                "https://login.microsoftonline.us",
                "core.usgovcloudapi.net",
            )),
            CloudChoice::China => Ok(Cloud::known(
                "https://management.chinacloudapi.cn",
                "https://login.chinacloudapi.cn",
                "core.chinacloudapi.cn",
            )),
            CloudChoice::File(path) => read(path),
        }
    }
}

impl Cloud {
    /// "Azure Government and Azure China endpoints", as the Azure CLI knows them too.
    fn known(arm: &str, authority: &str, suffix: &str) -> Self {
        let address = |text: &str| text.parse().expect("it is an address");
        let suffix = StorageSuffix::new(suffix).expect("it is a suffix");
        Cloud { arm: address(arm), authority: address(authority), suffix }
    }
}

fn read(path: &Path) -> Result<Cloud, Error> {
    let fault = |source: Box<dyn std::error::Error + Send + Sync>| Error::CloudFile {
        path: path.to_owned(),
        source,
    };
    let text = given::read_text(path).map_err(|error| fault(error.into()))?;
    parse(&text).map_err(|text| fault(text.into()))
}

/// What the text of a file tells; else what is wrong with it, in one line.
fn parse(text: &str) -> Result<Cloud, CloudFault> {
    let table: toml::Table = toml::from_str(text).map_err(|error| {
        let before = error.span().map_or(0, |span| span.start);
        let line = text.bytes().take(before).filter(|byte| *byte == b'\n').count() + 1;
        CloudFault::Form { line, fault: error.message().to_owned() }
    })?;
    if let Some(key) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(CloudFault::Unknown { key: key.clone() });
    }
    let value = |key| {
        let value = table.get(key).and_then(toml::Value::as_str);
        value.ok_or(CloudFault::Value { key, rule: "is missing or no text" })
    };
    let address = |key| {
        let address = value(key)?.parse::<Address>().ok().filter(Address::is_bare);
        let address = address.filter(|address| address.url().scheme() == "https");
        address.ok_or(CloudFault::Value { key, rule: "is not an address such as https://host" })
    };
    let [arm, authority, suffix] = KEYS;
    let rule = "is not the end of a host's name behind `blob.`, such as core.windows.net";
    let own = StorageSuffix::new(value(suffix)?);
    Ok(Cloud {
        arm: address(arm)?,
        authority: address(authority)?,
        suffix: own.ok_or(CloudFault::Value { key: suffix, rule })?,
    })
}

/// What is wrong with the file of a cloud.
#[derive(Debug, thiserror::Error)]
enum CloudFault {
    #[error("line {line}: {fault}")]
    Form { line: usize, fault: String },
    #[error("it has the key {key}, which no cloud has")]
    Unknown { key: String },
    #[error("{key} {rule}")]
    Value { key: &'static str, rule: &'static str },
}

impl BlobHome {
    /// Where the blobs of an account are, with a slash at the end.
    pub fn of(&self, account: &AccountName) -> Result<Url, Error> {
        let url = match self {
            BlobHome::Endpoint(endpoint) => folder(endpoint)?.join(&format!("{account}/")),
            BlobHome::Names(suffix) => Url::parse(&format!("https://{account}.blob.{suffix}/")),
        };
        url.map_err(|error| {
            let rule = "it cannot be put together with a path";
            Error::Endpoint { endpoint: error.to_string(), rule }
        })
    }
}

impl StorageSuffix {
    /// Labels of a host's name, two at least.
    fn new(text: &str) -> Option<Self> {
        let is_label = |label: &str| {
            let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            !label.is_empty() && label.len() < 64 && label.bytes().all(is_sign)
        };
        let labels: Vec<&str> = text.split('.').collect();
        let is_suffix =
            labels.len() > 1 && labels[0] != "blob" && labels.iter().all(|own| is_label(own));
        is_suffix.then(|| StorageSuffix(text.to_lowercase()))
    }
}

impl fmt::Display for StorageSuffix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(home: &BlobHome) -> String {
        home.of(&"account1".parse().unwrap()).unwrap().to_string()
    }

    #[test]
    fn each_cloud_has_its_own_names() {
        for (name, arm, authority, blobs) in [
            (
                "AzureCloud",
                "https://management.azure.com/",
                "https://login.microsoftonline.com/",
                "https://account1.blob.core.windows.net/",
            ),
            (
                "azureusgovernment",
                "https://management.usgovcloudapi.net/",
                "https://login.microsoftonline.us/",
                "https://account1.blob.core.usgovcloudapi.net/",
            ),
            (
                "AzureChinaCloud",
                "https://management.chinacloudapi.cn/",
                "https://login.chinacloudapi.cn/",
                "https://account1.blob.core.chinacloudapi.cn/",
            ),
        ] {
            let cloud = CloudChoice::of(Path::new(name)).cloud().unwrap();
            assert_eq!(
                (cloud.arm.to_string(), cloud.authority.to_string()),
                (arm.into(), authority.into())
            );
            assert_eq!(of(&BlobHome::Names(cloud.suffix)), blobs);
        }
        let endpoint = "https://127.0.0.1:9000".parse().unwrap();
        assert_eq!(of(&BlobHome::Endpoint(endpoint)), "https://127.0.0.1:9000/account1/");
    }

    const FILE: &str = "arm-endpoint = \"https://arm.test\"\n\
                        authority = \"https://login.test\"\nblob-suffix = \"Core.Test\"\n";

    #[test]
    fn a_file_tells_of_another_cloud() {
        let cloud = parse(FILE).unwrap();
        assert_eq!(of(&BlobHome::Names(cloud.suffix)), "https://account1.blob.core.test/");
        assert_eq!(cloud.arm.to_string(), "https://arm.test/");
    }

    #[test]
    fn a_file_that_is_none_of_a_cloud_is_refused_with_line_or_key() {
        let refused =
            |from: &str, to: &str| parse(&FILE.replace(from, to)).unwrap_err().to_string();
        for (from, to, told) in [
            ("authority", "autority", "the key autority, which no cloud has"),
            ("authority = ", "authority ", "line 2: "),
            ("\"https://login.test\"", "7", "authority is missing or no text"),
            ("https://login.test", "http://login.test", "authority is not an address"),
            ("https://login.test", "https://u:p@login.test", "authority is not an address"),
            ("Core.Test", "blob.core.test", "blob-suffix is not the end"),
            ("Core.Test", "core", "blob-suffix is not the end"),
            ("Core.Test", "core.test/x?", "blob-suffix is not the end"),
            ("blob-suffix = \"Core.Test\"\n", "", "blob-suffix is missing"),
        ] {
            let said = refused(from, to);
            assert!(said.contains(told), "{to}: {said}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error_with_the_names_that_are_known() {
        use disk_prep::noun::Diagnose;
        let error = CloudChoice::of(Path::new("AzureClowd")).cloud().unwrap_err();
        assert_eq!(error.code(), "cloud-file");
        assert!(format!("{:?}", error.hint()).contains("AzureUSGovernment"));
    }
}
