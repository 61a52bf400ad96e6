//! What a package would hold, before one is built: the units are taken by systemd and closed, the
//! list of files is whole, and the program asks for nothing that Debian 12's libc6 does not bring.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn said(program: &str, words: &[&str], paths: &[PathBuf]) -> (bool, String) {
    let output = Command::new(program).args(words).args(paths).output().unwrap();
    let all = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&all).into_owned())
}

/// The units, with the program that was built in the place of the installed one.
fn units(folder: &Path) -> Vec<PathBuf> {
    let program = env!("CARGO_BIN_EXE_azseed");
    let units = fs::read_dir(root().join("packaging/systemd")).unwrap();
    let place = |entry: fs::DirEntry| {
        let unit = fs::read_to_string(entry.path()).unwrap();
        let path = folder.join(entry.file_name());
        fs::write(&path, unit.replace("/usr/bin/azseed", program)).unwrap();
        path
    };
    units.map(|entry| place(entry.unwrap())).collect()
}

#[test]
fn systemd_takes_the_units_and_the_services_are_closed() {
    let folder = tempfile::tempdir().unwrap();
    let units = units(folder.path());
    assert_eq!(units.len(), 4, "{units:?}");
    let (is_sound, all) = said("systemd-analyze", &["verify", "--man=no"], &units);
    // What else the machine has is none of ours.
    let ours: Vec<&str> = all.lines().filter(|line| line.contains("azseed")).collect();
    assert!(is_sound && ours.is_empty(), "{all}");
    for (name, most) in [("azseed-vault@.service", 35), ("azseed-status@.service", 30)] {
        let threshold = format!("--threshold={most}");
        let words = ["security", "--offline=yes", threshold.as_str()];
        let (is_closed, table) = said("systemd-analyze", &words, &[folder.path().join(name)]);
        assert!(is_closed, "{name}\n{table}");
        println!("{name}: {}", table.lines().rev().find(|line| line.contains("Overall")).unwrap());
    }
    let open = folder.path().join("azseed-vault@.service");
    let service = fs::read_to_string(&open).unwrap();
    fs::write(&open, service.replace("SystemCallFilter=@system-service\n", "Sandbox=much\n"))
        .unwrap();
    let (_, all) = said("systemd-analyze", &["verify", "--man=no"], &[open]);
    assert!(all.contains("Sandbox"), "the check cannot fail: {all}");
}

#[test]
fn the_packaged_service_of_a_vault_is_as_closed_as_the_one_that_schedule_writes() {
    let packaged = text("packaging/systemd/azseed-vault@.service");
    let source = text("src/schedule/units.rs");
    let mut lines = 0;
    for name in ["ALWAYS_CLOSED", "CLOSED"] {
        let begin = source.split_once(&format!("const {name}: &str = \"")).unwrap().1;
        for line in begin.split_once('"').unwrap().0.lines() {
            assert!(packaged.lines().any(|own| own == line), "{line} is missing");
            lines += 1;
        }
    }
    assert!(lines > 12, "only {lines} were found");
}

/// The assets of `[package.metadata.deb]`: where a file is here, and where it goes.
fn assets() -> Vec<(String, String)> {
    let manifest = text("Cargo.toml");
    let list = manifest.split_once("\nassets = [\n").expect("the package has a list").1;
    let rows = list.split_once("\n]").unwrap().0.lines();
    rows.map(|row| {
        let cells: Vec<&str> = row.split('"').skip(1).step_by(2).collect();
        (cells[0].to_owned(), cells[1].to_owned())
    })
    .collect()
}

#[test]
fn a_package_holds_program_pages_completions_example_and_units() {
    let assets = assets();
    // Written by the program itself when a package is built.
    let is_made = |from: &str| from.starts_with("target/");
    for (from, _) in assets.iter().filter(|(from, _)| !is_made(from)) {
        let (folder, name) = from.rsplit_once('/').unwrap_or((".", from));
        let is_there = match name.strip_prefix('*') {
            Some(ending) => fs::read_dir(root().join(folder)).is_ok_and(|mut all| {
                all.any(|entry| entry.unwrap().file_name().to_str().unwrap().ends_with(ending))
            }),
            None => root().join(from).exists(),
        };
        assert!(is_there, "{from} is not there");
    }
    let held: BTreeSet<&str> = assets.iter().map(|(_, to)| to.as_str()).collect();
    for place in [
        "usr/bin/",
        "usr/share/man/man1/",
        "usr/share/man/man5/",
        "usr/share/bash-completion/completions/azseed",
        "usr/share/zsh/vendor-completions/_azseed",
        "usr/share/fish/vendor_completions.d/azseed.fish",
        "usr/share/doc/azseed/examples/config.toml",
        "usr/lib/systemd/system/",
    ] {
        assert!(held.contains(place), "nothing goes to {place}");
    }
}

#[test]
fn the_other_package_holds_the_same_files_in_the_same_places() {
    let manifest = text("Cargo.toml");
    let list = manifest.split_once("[package.metadata.generate-rpm]").unwrap().1;
    let rows = list.split_once("assets = [\n").unwrap().1.split_once("\n]").unwrap().0;
    let held = rows.lines().map(|row| {
        let cells: Vec<&str> = row.split('"').skip(1).step_by(2).collect();
        let place = cells[1].trim_start_matches('/');
        // A single file of a .deb may be put into a folder.
        (cells[0].to_owned(), place.replace("usr/bin/azseed", "usr/bin/"))
    });
    assert_eq!(held.collect::<Vec<_>>(), assets());
}

#[test]
fn the_program_asks_for_nothing_that_libc6_of_debian_12_does_not_bring() {
    let program = [PathBuf::from(env!("CARGO_BIN_EXE_azseed"))];
    let (_, needed) = said("readelf", &["--dynamic", "--wide"], &program);
    let needed = needed.lines().filter(|line| line.contains("(NEEDED)"));
    let needed: Vec<&str> =
        needed.map(|line| line.rsplit(['[', ']']).nth(1).unwrap_or_default()).collect();
    // libc6 depends on libgcc-s1, which has the last one.
    let brought = [
        "libc.so.6",
        "libm.so.6",
        "ld-linux-x86-64.so.2",
        "ld-linux-aarch64.so.1",
        "libgcc_s.so.1",
    ];
    assert!(needed.contains(&"libc.so.6"), "{needed:?}");
    let other = needed.iter().find(|name| !brought.contains(name));
    assert_eq!(other, None, "{needed:?}");
    let (_, versions) = said("readelf", &["--version-info", "--wide"], &program);
    let version = |text: &str| -> (u32, u32) {
        let mut numbers = text.split('.').map(|number| number.parse().unwrap_or(0));
        (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
    };
    let asked = versions.split("GLIBC_").skip(1).map(|rest| {
        version(rest.split(|c: char| !c.is_ascii_digit() && c != '.').next().unwrap_or_default())
    });
    let newest = asked.max().expect("it asks for some");
    println!("GLIBC_{}.{} is the newest that is asked for", newest.0, newest.1);
    assert!(newest <= (2, 36), "Debian 12 has 2.36");
}
