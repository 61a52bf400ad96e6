//! Other products in a Linux machine that want the same snapshots, Azure's Site Recovery among them.

use super::super::agent_units::UNIT_FOLDERS;
use super::super::finding::{Finding, good, warning};
use super::super::tree::Tree;

/// Services of other products that take snapshots or freeze file systems, by unit and by program.
const OTHERS: [(&str, &str, &str); 6] = [
    ("veeamservice.service", "usr/sbin/veeamservice", "Veeam Agent"),
    ("acronis_mms.service", "usr/lib/Acronis/BackupAndRecovery/mms", "Acronis Cyber Protect"),
    ("bacula-fd.service", "usr/sbin/bacula-fd", "Bacula"),
    ("bareos-fd.service", "usr/sbin/bareos-fd", "Bareos"),
    ("dsmcad.service", "opt/tivoli/tsm/client/ba/bin/dsmcad", "IBM Storage Protect"),
    ("urbackupclientbackend.service", "usr/local/sbin/urbackupclientbackend", "UrBackup"),
];
const SITE_RECOVERY: &str = "Microsoft.Azure.RecoveryServices.SiteRecovery";
/// Where its agent lies that watches what is written, and the driver which does so.
const SITE_RECOVERY_AGENT: &str = "usr/local/ASR";
const SITE_RECOVERY_DRIVER: &str = "involflt";

/// What there is of them.
pub(super) fn look(tree: &Tree, lib: &str) -> Vec<Finding> {
    let mut found = vec![match has_site_recovery(tree, lib) {
        true => {
            let action = "keep it and the backup at different hours";
            warning("site-recovery", "Site Recovery is installed", action)
                .next("azseed check schedule")
        }
        false => good("site-recovery", "there is no Site Recovery"),
    }];
    let is_there = |unit: &str, program: &str| {
        tree.has(program) || UNIT_FOLDERS.iter().any(|own| tree.has(&format!("{own}/{unit}")))
    };
    let others = OTHERS.iter().filter(|own| is_there(own.0, own.1)).map(|own| own.2);
    let others: Vec<Finding> = others
        .map(|product| {
            let facts = format!("{product} is installed");
            let action = "let only one of the two run at a time";
            let finding = warning("other-backup", facts, action);
            finding.explained("basic-other-backup-running")
        })
        .collect();
    match others.is_empty() {
        true => found.push(good("other-backup", "no other product for backups is known here")),
        false => found.extend(others),
    }
    found
}

/// Whether Site Recovery is at work: its extension, its agent, or its driver.
pub(super) fn has_site_recovery(tree: &Tree, lib: &str) -> bool {
    let names = tree.names(lib).unwrap_or_default();
    let modules = tree.text("proc/modules").ok().flatten().unwrap_or_default();
    let is_driver = |line: &str| line.split(' ').next() == Some(SITE_RECOVERY_DRIVER);
    names.iter().any(|own| own.starts_with(SITE_RECOVERY))
        || tree.has(SITE_RECOVERY_AGENT)
        || modules.lines().any(is_driver)
}
