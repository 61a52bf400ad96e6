//! A blob service that goes away in the middle and comes back: Azurite, ended and started again.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::fs;
use std::process::Stdio;

use support::azurite::Azurite;
use support::program::{Machine, files_below, lives_until, said};
use support::seed::{is_equal, run, shipped};
use support::tree::Dice;

/// Bytes that Azurite has on its disk.
fn kept(machine: &Machine) -> u64 {
    let files = files_below(&machine.path("azurite"));
    files.iter().filter_map(|path| path.metadata().ok()).map(|about| about.len()).sum()
}

#[test]
fn azurite_ends_in_the_middle_of_an_ingest_and_of_an_increment_and_the_next_run_goes_on() {
    let machine = Machine::new();
    let mut azurite = Azurite::start(&machine);
    let emulator = azurite.emulator(&machine);
    shipped(&machine, &emulator);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    for (words, more_bytes) in
        [(&["vault", "run"][..], 1 << 20), (&["vault", "run", "--now"], 1 << 20)]
    {
        if words.len() > 2 {
            fs::write(machine.path("source/folder/new"), Dice(80).bytes(6 << 20)).unwrap();
        }
        let before = kept(&machine);
        let mut command = emulator.command(&machine, &[words, &["--json"]].concat());
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        assert!(lives_until(&mut process, || kept(&machine) >= before + more_bytes));
        azurite = azurite.restart(&machine, || {
            let cut = said(process.wait_with_output().unwrap());
            assert_eq!(cut.code, 14, "{}{}", cut.stdout, cut.stderr);
            assert!(cut.stdout.contains("azure-unreachable"), "{}", cut.stdout);
        });
        let done = run(&machine, &emulator, 0, &words[2..]);
        assert_eq!(done["state"], "protected", "{done}");
        assert!(done["increment"]["snapshot"].is_string(), "{done}");
    }
    emulator.expect(&machine, 0, &["cleanup", "--yes"]);
    emulator.expect(&machine, 0, &["vault", "restore", "--target", "restored"]);
    assert!(is_equal(&machine, "restored"));
}
