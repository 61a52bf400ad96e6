//! The two services that take drives in.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::invalid::InvalidNoun;

/// A service that takes drives in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Service {
    /// Azure Data Box, with the customer's own disks: `Microsoft.DataBox`.
    DataBox,
    /// The classic one, announced as retired: `Microsoft.ImportExport`.
    ImportExport,
}

impl Service {
    /// Both, the current one first.
    pub const ALL: [Service; 2] = [Service::DataBox, Service::ImportExport];

    /// The word on the command line and in records.
    pub const fn name(self) -> &'static str {
        match self {
            Service::DataBox => "data-box",
            Service::ImportExport => "import-export",
        }
    }

    /// Azure's name of it.
    pub const fn provider(self) -> &'static str {
        match self {
            Service::DataBox => "Microsoft.DataBox",
            Service::ImportExport => "Microsoft.ImportExport",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Service {
    type Err = InvalidNoun;

    fn from_str(text: &str) -> Result<Self, InvalidNoun> {
        let is_it = |service: &Service| service.name() == text;
        let rule = "data-box or import-export";
        Service::ALL.into_iter().find(is_it).ok_or_else(|| InvalidNoun::new("service", text, rule))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_reads_what_it_writes() {
        for service in Service::ALL {
            assert_eq!(service.name().parse::<Service>().unwrap(), service);
            assert_eq!(serde_json::to_value(service).unwrap(), service.name());
        }
        assert!("DataBox".parse::<Service>().is_err());
    }
}
