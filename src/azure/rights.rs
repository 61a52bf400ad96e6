//! What whoever is signed in may do at a scope, by which roles, and what keeps others from changing it.
//! <https://learn.microsoft.com/rest/api/authorization/permissions>,
//! <https://learn.microsoft.com/rest/api/authorization/role-assignments/list-for-scope>,
//! <https://learn.microsoft.com/rest/api/resources/management-locks>

use serde::Deserialize;

use super::arm::Arm;
use super::error::Error;

const PERMISSIONS: &str = "2022-04-01";
const LOCKS: &str = "2020-05-01";

/// What one role allows: its actions without those that it takes away again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Permission {
    /// Actions of the resource manager, with `*` for any part.
    pub actions: Vec<String>,
    /// Those that are taken away again.
    pub not_actions: Vec<String>,
    /// Actions on data, such as blobs.
    pub data_actions: Vec<String>,
    /// Those that are taken away again.
    pub not_data_actions: Vec<String>,
}

/// A role that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Its name.
    pub role: String,
    /// Where.
    pub scope: String,
}

#[derive(Deserialize)]
struct AssignmentWire {
    properties: AssignmentProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AssignmentProperties {
    role_definition_id: String,
    #[serde(default)]
    scope: String,
}

#[derive(Deserialize)]
struct RoleWire {
    properties: RoleProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RoleProperties {
    role_name: String,
}

/// A lock on a resource or a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// Its resource id, which begins with what it is on.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `CanNotDelete` or `ReadOnly`.
    pub level: String,
}

#[derive(Deserialize)]
struct LockWire {
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    properties: LockProperties,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct LockProperties {
    level: String,
}

impl Arm {
    /// What whoever is signed in may do at a scope.
    pub fn permissions(&self, scope: &str) -> Result<Vec<Permission>, Error> {
        let path = format!("{scope}/providers/Microsoft.Authorization/permissions");
        self.list(&path, PERMISSIONS)
    }

    /// The roles that were given to somebody at a scope or above it, also by a group.
    pub fn assignments(&self, scope: &str, principal: &str) -> Result<Vec<Assignment>, Error> {
        let path = format!(
            "{scope}/providers/Microsoft.Authorization/roleAssignments?$filter=assignedTo('{principal}')"
        );
        let all: Vec<AssignmentWire> = self.list(&path, PERMISSIONS)?;
        let assignment = |own: AssignmentWire| {
            let AssignmentProperties { role_definition_id: id, scope } = own.properties;
            let role: Option<RoleWire> = self.get(id.trim_start_matches('/'), PERMISSIONS)?;
            let role = role.map_or(id, |own| own.properties.role_name);
            Ok(Assignment { role, scope })
        };
        all.into_iter().map(assignment).collect()
    }

    /// The locks of a scope, and of what is below it.
    pub fn locks(&self, scope: &str) -> Result<Vec<Lock>, Error> {
        let path = format!("{scope}/providers/Microsoft.Authorization/locks");
        let all: Vec<LockWire> = self.list(&path, LOCKS)?;
        let lock = |own: LockWire| Lock { id: own.id, name: own.name, level: own.properties.level };
        Ok(all.into_iter().map(lock).collect())
    }
}
