//! The staging folder of one of Microsoft's backup agents: what its first backup leaves there for
//! drives (`azure-import-export` 8.1, 8.3). All of it is shipped as page blobs.

use std::fmt;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use walkdir::WalkDir;

/// Whose staging folder it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Workload {
    /// Of the agent for files and folders.
    Mars,
    /// Of System Center Data Protection Manager.
    Dpm,
    /// Of Azure Backup Server.
    Mabs,
    /// Of the agent's backup of a system's state.
    SystemState,
    /// Of one of them; which was not said.
    Agent,
}

impl Workload {
    /// The word of the command line and of records.
    pub const fn name(self) -> &'static str {
        match self {
            Workload::Mars => "mars",
            Workload::Dpm => "dpm",
            Workload::Mabs => "mabs",
            Workload::SystemState => "system-state",
            Workload::Agent => "agent",
        }
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The endings of the files that an agent is known to write.
const ENDINGS: [&str; 2] = ["aibblob", "baseblob"];

/// Whether a folder holds what an agent writes, in any case of its ending.
pub fn is_of_agent(root: &Path) -> io::Result<bool> {
    for entry in WalkDir::new(root) {
        let entry = entry?;
        let ending = entry.path().extension().unwrap_or_default().to_ascii_lowercase();
        if entry.file_type().is_file() && ENDINGS.iter().any(|own| ending == *own) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_an_agent_is_known_by_its_ending_at_any_depth() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        };
        write("notes.txt");
        write("AIBBlob");
        write("x.AIBBlob.bak");
        std::fs::create_dir(folder.path().join("y.BaseBlob")).unwrap();
        assert!(!is_of_agent(folder.path()).unwrap());
        write("deep/er/x.aibBlob");
        assert!(is_of_agent(folder.path()).unwrap());
        assert!(is_of_agent(&folder.path().join("none")).is_err());
    }
}
