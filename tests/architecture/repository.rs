//! What the repository holds, and what its packages depend on.

use std::collections::BTreeSet;

use crate::sources::root;

#[test]
fn the_top_level_has_no_other_folders() {
    let allowed = ["src", "disk-prep", "fixtures", "tests", "docs", "packaging"];
    // Made by builds and by hand, and not part of the repository.
    let ignored = std::fs::read_to_string(root().join(".gitignore")).unwrap_or_default();
    let entries = std::fs::read_dir(root()).expect("the root can be listed");
    let stray: Vec<String> = entries
        .map(|entry| entry.expect("it can be listed"))
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.') && !allowed.contains(&name.as_str()))
        .filter(|name| !ignored.lines().any(|line| line.trim_matches('/') == name))
        .collect();
    assert!(stray.is_empty(), "folders that the house does not have: {stray:?}");
}

/// Direct dependencies of both packages that no row of the table in `docs/decisions.md` names,
/// and rows that no package uses.
fn dependency_faults(used: &BTreeSet<String>, decisions: &str) -> Vec<String> {
    let section = decisions.split("## Dependencies").nth(1).unwrap_or_default();
    let section = section.split("\n## ").next().unwrap_or_default();
    let listed: BTreeSet<String> = section
        .lines()
        .filter(|line| line.starts_with("| `"))
        .flat_map(|line| {
            let first = line.split('|').nth(1).unwrap_or_default();
            first
                .split(',')
                .map(|name| name.trim().trim_matches('`').to_owned())
                .collect::<Vec<_>>()
        })
        .collect();
    used.symmetric_difference(&listed)
        .map(|name| format!("{name} is used or listed, not both"))
        .collect()
}

#[test]
fn every_dependency_has_its_reason_and_disk_prep_has_none_of_the_network() {
    let metadata = cargo_metadata::MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .other_options(vec!["--offline".to_owned()])
        .exec()
        .expect("cargo can read the manifests");
    let decisions = std::fs::read_to_string(root().join("docs/decisions.md")).expect("it is there");
    let mut used = BTreeSet::new();
    for package in &metadata.packages {
        for dependency in package.dependencies.iter().filter(|one| one.path.is_none()) {
            used.insert(dependency.name.clone());
            let network = ["clap", "indicatif", "tokio", "reqwest", "hyper", "rustic_core"];
            let barred =
                network.contains(&dependency.name.as_str()) || dependency.name.starts_with("azure");
            assert!(
                package.name.as_str() != "disk-prep" || !barred,
                "disk-prep must not use {}",
                dependency.name
            );
        }
    }
    let with_one_more = used.iter().cloned().chain(["new-crate".to_owned()]).collect();
    assert!(!dependency_faults(&with_one_more, &decisions).is_empty(), "the rule cannot fail");
    let faults = dependency_faults(&used, &decisions);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
