//! A machine with Windows, by the files of its system volume.

use super::super::agent_version::{OLDEST_WINDOWS, dotted};
use super::super::finding::{Finding, good, problem, unknown, warning};
use super::super::pe_version::product_version;
use super::super::tree::Tree;

const AGENT: &str = "WindowsAzure/Packages/WaAppAgent.exe";
/// A Windows agent has some hundred KiB.
const MOST_PROGRAM_BYTES: u64 = 16 << 20;
const SQL: &str = "Program Files/Microsoft SQL Server";

/// Whether it is a machine with Windows.
pub(in super::super) fn is_of_windows(tree: &Tree) -> bool {
    tree.has("Windows") || tree.has("WindowsAzure")
}

/// All that is to be said of it.
pub(super) fn look(tree: &Tree) -> Vec<Finding> {
    vec![agent(tree), sql(tree)]
}

fn agent(tree: &Tree) -> Finding {
    let program = match tree.bytes(AGENT, 0, MOST_PROGRAM_BYTES) {
        Ok(Some(program)) => program,
        Ok(None) => {
            let action = "install the agent's MSI as administrator";
            let finding = problem("windows-agent", "there is no VM agent", action);
            return finding.explained("vm-agent-missing");
        }
        Err(why) => return unknown("windows-agent", why.to_string()),
    };
    match product_version(&program) {
        None => unknown("windows-agent", format!("{AGENT} says no version")),
        Some(own) if own >= OLDEST_WINDOWS => {
            good("windows-agent", format!("agent {}", dotted(own)))
        }
        Some(own) => problem(
            "windows-agent",
            format!("agent {} is older than {}", dotted(own), dotted(OLDEST_WINDOWS)),
            "install the agent's MSI as administrator, while no backup runs",
        )
        .explained("agent-version-too-old"),
    }
}

/// Instances of SQL Server make a snapshot wait for all their writers.
fn sql(tree: &Tree) -> Finding {
    let names = match tree.names(SQL) {
        Ok(names) => names,
        Err(why) => return unknown("sql", why.to_string()),
    };
    // Tools of its clients lie beside instances, in folders of other names.
    match names.iter().filter(|name| name.starts_with("MSSQL")).count() {
        0 => good("sql", "there is no SQL Server"),
        _ => {
            let facts = "SQL Server is installed: its writers may delay a snapshot";
            let action = "if a backup fails for it, run what this line prints as administrator";
            warning("sql", facts, action)
                .next("azseed explain snapshot-sql-vss-delay --fix-script")
                .explained("snapshot-sql-vss-delay")
        }
    }
}
