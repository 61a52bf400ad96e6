//! What the resource manager is asked about managed disks and their snapshots (`managed-disks` 1).

use std::collections::BTreeMap;
use std::sync::Arc;

use disk_prep::noun::secret;
use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::arm::Arm;
use super::error::Error;
use super::managed_id::DiskId;

/// The version in which these calls have the form that is read here.
pub(super) const COMPUTE: &str = "2024-03-02";
const GROUPS: &str = "2021-04-01";
/// How long an access lasts at first; a run that needs it for longer asks anew.
const ACCESS_SECS: u64 = 24 * 3600;
/// The kind of a disk of which nothing else is known.
const PLAIN_SKU: &str = "Standard_LRS";

/// Names of one's own.
pub(super) type Tags = BTreeMap<String, String>;

/// A disk or a snapshot, as far as it matters here.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Resource {
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub location: String,
    #[serde(default)]
    pub tags: Option<Tags>,
    #[serde(default)]
    pub sku: Option<Sku>,
    pub properties: Properties,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Sku {
    pub name: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Properties {
    pub unique_id: Option<String>,
    pub disk_state: Option<String>,
    pub disk_size_bytes: Option<u64>,
    pub time_created: Option<Timestamp>,
    pub incremental: Option<bool>,
    pub completion_percent: Option<f64>,
    pub os_type: Option<String>,
    pub hyper_v_generation: Option<String>,
    pub creation_data: Option<Creation>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Creation {
    pub create_option: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_resource_id: Option<String>,
    #[serde(skip_serializing)]
    pub source_unique_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload_size_bytes: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewResource<'a> {
    location: &'a str,
    tags: &'a Tags,
    #[serde(skip_serializing_if = "Option::is_none")]
    sku: Option<Sku>,
    properties: NewProperties,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewProperties {
    #[serde(skip_serializing_if = "Option::is_none")]
    incremental: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    os_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hyper_v_generation: Option<String>,
    creation_data: Creation,
}

#[derive(Serialize)]
struct NewTags<'a> {
    tags: &'a Tags,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Access {
    access: &'static str,
    duration_in_seconds: u64,
}

/// The address that opens a disk or a snapshot: a secret.
#[derive(Deserialize)]
struct Opened {
    #[serde(rename = "accessSAS", with = "secret")]
    link: SecretString,
}

#[derive(Deserialize)]
struct Group {
    location: String,
}

#[derive(Serialize)]
struct Nothing {}

/// Nothing of what is said matters.
#[derive(Deserialize)]
struct Ignored {}

impl Resource {
    /// How it stands, in the service's word.
    pub fn state(&self) -> &str {
        self.properties.disk_state.as_deref().unwrap_or_default()
    }

    /// Whether something opens it.
    pub fn is_open(&self) -> bool {
        self.state().eq_ignore_ascii_case("ActiveSAS")
    }

    /// Whether it can be written.
    pub fn is_uploading(&self) -> bool {
        ["ReadyToUpload", "ActiveUpload"].iter().any(|own| self.state().eq_ignore_ascii_case(own))
    }
}

/// One disk with its snapshots, at the resource manager.
pub(super) struct Calls {
    pub arm: Arc<Arm>,
    pub id: DiskId,
}

impl Calls {
    /// The disk; `None` if it does not exist.
    pub fn disk(&self) -> Result<Option<Resource>, Error> {
        self.arm.get(&self.id.to_string(), COMPUTE)
    }

    /// The incremental snapshots of the disk, and of no other of its name that was before it.
    pub fn snapshots(&self) -> Result<Vec<Resource>, Error> {
        let disk = self.disk()?.and_then(|own| own.properties.unique_id);
        let own = self.id.to_string();
        let is_own = |one: &Resource| {
            let from = one.properties.creation_data.as_ref();
            let of = from.and_then(|from| from.source_resource_id.as_deref());
            let unique = from.and_then(|from| from.source_unique_id.as_deref());
            one.properties.incremental == Some(true)
                && of.is_some_and(|of| of.eq_ignore_ascii_case(&own))
                && disk.as_deref().is_none_or(|disk| unique.is_none_or(|of| of == disk))
        };
        Ok(self.beside()?.into_iter().filter(is_own).collect())
    }

    /// All snapshots of the group, also those of other disks, and of one that had this disk's name before.
    pub fn beside(&self) -> Result<Vec<Resource>, Error> {
        self.arm.list(&self.id.beside("snapshots", ""), COMPUTE)
    }

    /// Takes a snapshot of this name.
    pub fn take(&self, name: &str, tags: &Tags) -> Result<Resource, Error> {
        let disk = self.disk()?;
        let gone = || Error::NotFound {
            what: self.id.to_string(),
            message: "the disk does not exist".to_owned(),
            call: None,
        };
        let creation_data = Creation {
            create_option: "Copy".to_owned(),
            source_resource_id: Some(self.id.to_string()),
            ..Creation::default()
        };
        let body = NewResource {
            location: &disk.ok_or_else(gone)?.location,
            tags,
            sku: None,
            properties: NewProperties {
                incremental: Some(true),
                os_type: None,
                hyper_v_generation: None,
                creation_data,
            },
        };
        self.arm.put(&self.id.beside("snapshots", name), COMPUTE, &body)
    }

    /// Deletes a snapshot.
    pub fn drop_snapshot(&self, name: &str) -> Result<(), Error> {
        match self.arm.delete(&self.id.beside("snapshots", name), COMPUTE) {
            Err(Error::NotFound { .. }) => Ok(()),
            other => other,
        }
    }

    /// Makes the disk, to be written; like another one as far as that is known.
    pub fn make(&self, bytes: u64, tags: &Tags, like: Option<&Resource>) -> Result<(), Error> {
        let location = match like {
            Some(own) => own.location.clone(),
            None => self.location()?,
        };
        let sku = like.and_then(|own| own.sku.clone());
        let known = like.map(|own| own.properties.clone()).unwrap_or_default();
        let creation_data = Creation {
            create_option: "Upload".to_owned(),
            upload_size_bytes: Some(bytes),
            ..Creation::default()
        };
        let body = NewResource {
            location: &location,
            tags,
            sku: Some(sku.unwrap_or_else(|| Sku { name: PLAIN_SKU.to_owned() })),
            properties: NewProperties {
                incremental: None,
                os_type: known.os_type,
                hyper_v_generation: known.hyper_v_generation,
                creation_data,
            },
        };
        self.arm.put::<Ignored>(&self.id.to_string(), COMPUTE, &body).map(drop)
    }

    fn location(&self) -> Result<String, Error> {
        let DiskId { subscription, group, .. } = &self.id;
        let path = format!("/subscriptions/{subscription}/resourceGroups/{group}");
        let found: Option<Group> = self.arm.get(&path, GROUPS)?;
        found.map(|own| own.location).ok_or_else(|| Error::NotFound {
            what: path,
            message: "the resource group does not exist".to_owned(),
            call: None,
        })
    }

    /// Gives the disk other tags.
    pub fn tag(&self, tags: &Tags) -> Result<(), Error> {
        self.arm.patch::<Ignored>(&self.id.to_string(), COMPUTE, &NewTags { tags }).map(drop)
    }

    fn path(&self, snapshot: Option<&str>) -> String {
        match snapshot {
            Some(name) => self.id.beside("snapshots", name),
            None => self.id.to_string(),
        }
    }

    /// Has the service open the disk, or a snapshot of this name.
    pub fn open(&self, snapshot: Option<&str>, is_write: bool) -> Result<SecretString, Error> {
        let path = format!("{}/beginGetAccess", self.path(snapshot));
        let access = if is_write { "Write" } else { "Read" };
        let body = Access { access, duration_in_seconds: ACCESS_SECS };
        let opened: Option<Opened> = self.arm.post(&path, COMPUTE, &body)?;
        opened.map(|own| own.link).ok_or_else(|| Error::Answer {
            host: self.id.to_string(),
            fault: "no address that opens it".to_owned(),
            call: None,
        })
    }

    /// Ends that.
    pub fn close(&self, snapshot: Option<&str>) -> Result<(), Error> {
        let path = format!("{}/endGetAccess", self.path(snapshot));
        match self.arm.post::<Ignored>(&path, COMPUTE, &Nothing {}) {
            Ok(_) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
