//! The resource id of a managed disk.

use std::fmt;
use std::str::FromStr;

use disk_prep::limits::DISK_NAME_SIGNS;
use disk_prep::noun::{ResourceGroup, SubscriptionId};

/// A managed disk. The service tells groups and names in any case.
#[derive(Debug, Clone)]
pub struct DiskId {
    /// Its subscription.
    pub subscription: SubscriptionId,
    /// Its resource group.
    pub group: ResourceGroup,
    /// Its name.
    pub name: String,
}

/// A word that names no managed disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is no resource id of a managed disk")]
pub struct NoDiskId;

impl DiskId {
    /// Another disk or snapshot of the same group, as a path.
    pub(super) fn beside(&self, kind: &str, name: &str) -> String {
        let DiskId { subscription, group, .. } = self;
        format!(
            "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Compute/{kind}{}{name}",
            if name.is_empty() { "" } else { "/" }
        )
    }
}

impl FromStr for DiskId {
    type Err = NoDiskId;

    fn from_str(text: &str) -> Result<Self, NoDiskId> {
        let parts: Vec<&str> = text.split('/').collect();
        let &["", first, subscription, second, group, third, provider, kind, name] = &parts[..]
        else {
            return Err(NoDiskId);
        };
        let words = [first, second, third, provider, kind];
        let right = ["subscriptions", "resourceGroups", "providers", "Microsoft.Compute", "disks"];
        let is_right = words.iter().zip(right).all(|(word, own)| word.eq_ignore_ascii_case(own));
        let is_sign = |own: char| own.is_ascii_alphanumeric() || "-_.".contains(own);
        if !is_right
            || name.is_empty()
            || name.len() > DISK_NAME_SIGNS
            || !name.chars().all(is_sign)
        {
            return Err(NoDiskId);
        }
        Ok(DiskId {
            subscription: subscription.parse().map_err(|_| NoDiskId)?,
            group: group.parse().map_err(|_| NoDiskId)?,
            name: name.to_owned(),
        })
    }
}

impl fmt::Display for DiskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.beside("disks", &self.name))
    }
}

impl PartialEq for DiskId {
    fn eq(&self, other: &Self) -> bool {
        self.to_string().eq_ignore_ascii_case(&other.to_string())
    }
}

impl Eq for DiskId {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_in_any_case_and_written_in_one() {
        let id = "11111111-2222-4333-8444-555555555555";
        let text =
            format!("/Subscriptions/{id}/resourcegroups/RG/providers/microsoft.compute/Disks/os-1");
        let own: DiskId = text.parse().unwrap();
        let written =
            format!("/subscriptions/{id}/resourceGroups/RG/providers/Microsoft.Compute/disks/os-1");
        assert_eq!(own.to_string(), written);
        assert_eq!(own, written.replace("RG", "rg").parse().unwrap());
        for wrong in [
            "os",
            "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/disks/os",
            &written.replace("disks", "snapshots"),
            &written.replace("os-1", "o s"),
            &written.replace("os-1", ""),
            &format!("{written}/x"),
        ] {
            assert_eq!(wrong.parse::<DiskId>(), Err(NoDiskId), "{wrong}");
        }
    }
}
