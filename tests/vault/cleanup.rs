//! What is looked at before the imported container and the staging path are cleared.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::fs;
use std::path::Path;

use serde_json::Value;
use support::emulator::Emulator;
use support::kept::last;
use support::program::{Machine, files_below};
use support::seed::{put, run, shipped};

#[test]
fn a_cleanup_waits_is_tried_and_comes_only_after_a_check_that_found_nothing() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    shipped(&machine, &emulator);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    // What the first increment brings is the vault's alone.
    fs::write(machine.path("source/more"), vec![9; 300_000]).unwrap();
    run(&machine, &emulator, 0, &[]);
    let imported = emulator.blob("seed", "");
    let count = || (files_below(&imported).len(), files_below(&machine.path("staging/repo")).len());
    let before = count();
    let call = |code: i32, words: &[&str]| -> Value {
        let all = [&["cleanup", "--json", "--yes"], words].concat();
        last(&emulator.expect(&machine, code, &all))
    };
    let early = call(4, &["--older-than", "14"]);
    assert_eq!(early["code"], "cleanup-too-early");
    assert!(early["message"].as_str().unwrap().ends_with("less than 14 days ago"), "{early}");
    // Another vault waits for the same seed.
    let staging = machine.text("staging");
    let create = ["vault", "create", "--vault", "Other", "--staging", &staging];
    emulator.expect(&machine, 0, &create);
    assert_eq!(call(4, &["--vault", "Office"])["code"], "cleanup-other-vault");
    // Its record is cut short: it alone cannot be used, and that is told.
    let other = machine.path("state/vaults/other.json");
    fs::write(&other, "").unwrap();
    let said = emulator.expect(&machine, 4, &["vault", "status", "--vault", "Other"]);
    assert!(said.stderr.contains("code: state-vault"), "{}", said.stderr);
    for words in [&["vault", "list"][..], &["status", "--offline"]] {
        let said = emulator.expect(&machine, 3, words);
        let told = format!("{}{}", said.stdout, said.stderr);
        assert!(told.contains("other.json") && told.contains("Office"), "{words:?}: {told}");
    }
    emulator.expect(&machine, 0, &["vault", "status", "--vault", "Office"]);
    fs::remove_file(&other).unwrap();
    let idle = call(2, &["--job", "photos", "--older-than", "14"]);
    assert_eq!(idle["code"], "flag-without-meaning");
    let tried = call(0, &["--dry-run", "--older-than", "0"]);
    let would = tried["would_go"].as_str().unwrap();
    assert!(tried["dry_run"] == true && would.starts_with("Would delete"), "{tried}");
    assert_eq!(count(), before, "nothing is gone");

    // The vault has every blob of the seed, and a folder of it cannot be read all the same.
    let packs = files_below(&emulator.blob("azseed-office", "repo/data"));
    let is_staged = |path: &Path| {
        let name = path.file_name().unwrap();
        files_below(&machine.path("staging/repo/data")).iter().any(|own| own.ends_with(name))
    };
    let own: Vec<_> = packs.iter().filter(|path| !is_staged(path)).collect();
    let contents: Vec<_> = own.iter().map(|path| fs::read(path).unwrap()).collect();
    assert!(!own.is_empty());
    for (path, content) in own.iter().zip(&contents) {
        fs::write(path, vec![0; content.len()]).unwrap();
    }
    let refused = call(5, &[]);
    assert!(refused["code"].is_string(), "{refused}");
    assert_eq!(count(), before, "nothing is gone");
    for (path, content) in own.iter().zip(&contents) {
        fs::write(path, content).unwrap();
    }

    // Another vault goes on in the imported container, here or on another machine; without the
    // seed's files nobody could read what it has added.
    let password = fs::read_dir(machine.path("state/passwords")).unwrap().next().unwrap().unwrap();
    let password = password.path().display().to_string();
    let attach = ["vault", "attach", "--vault", "There", "--storage-account", "account1"];
    let more = ["--container", "seed", "--password-file", &password];
    emulator.expect(&machine, 0, &[&attach[..], &more].concat());
    let used = call(4, &["--vault", "Office"]);
    assert_eq!(used["code"], "cleanup-import-used");
    assert!(used["message"].as_str().unwrap().contains("vault There"), "{used}");
    emulator.expect(&machine, 0, &["vault", "detach", "--vault", "There", "--yes"]);
    put(&emulator, "seed", &format!("repo/snapshots/{}", "5".repeat(64)), b"somebody's");
    assert_eq!(call(4, &[])["code"], "cleanup-import-used");
    fs::remove_file(emulator.blob("seed", &format!("repo/snapshots/{}", "5".repeat(64)))).unwrap();
    // A vault of another machine that is to adopt the container, of whatever name, has taken nothing in
    // yet.
    for name in ["Yonder", "Office"] {
        let claim = format!("{{\"version\":1,\"vault\":\"{name}\"}}");
        put(&emulator, "seed", "azseed/vault.json", claim.as_bytes());
        let used = call(4, &[]);
        assert_eq!(used["code"], "cleanup-import-used");
        let told = format!("vault {name}");
        assert!(used["message"].as_str().unwrap().contains(&told), "{used}");
    }
    fs::remove_file(emulator.blob("seed", "azseed/vault.json")).unwrap();
    assert_eq!(count(), before, "nothing is gone");

    // Nothing is sent over the vault itself.
    let stage = "stage --source source --staging over --job over-1 --storage-account account1 \
                 --container azseed-office --resource-group rg \
                 --subscription 11111111-2222-4333-8444-555555555555";
    let stage: Vec<&str> = stage.split_whitespace().collect();
    for words in [&stage[..], &[&stage[..], &["--dry-run"]].concat()] {
        let said = machine.expect(4, words);
        assert!(said.stderr.contains("code: seed-over-vault"), "{}", said.stderr);
    }
    assert!(!machine.path("over").exists());
    let rows = format!(
        "BasePath,DstBlobPathOrPrefix,BlobType,Disposition\n{}/,azseed-office/repo/,BlockBlob,overwrite\n",
        machine.text("rows")
    );
    fs::create_dir(machine.path("rows")).unwrap();
    fs::write(machine.path("rows/config"), "another").unwrap();
    fs::write(machine.path("rows.csv"), rows).unwrap();
    let prep = "prep --dataset rows.csv --job over-2 --storage-account account1 --resource-group rg \
                --offline --drive o.img,serial=O1,size=210M";
    let said = machine.expect(4, &prep.split_whitespace().collect::<Vec<_>>());
    assert!(said.stderr.contains("code: seed-over-vault"), "{}", said.stderr);
    assert!(!machine.path("o.img").exists() && !machine.path("state/jobs/over-2").exists());

    let record = machine.path("state/vaults/office.json");
    let mut vault: Value = serde_json::from_slice(&fs::read(&record).unwrap()).unwrap();
    vault["ingested_at"] = "2026-01-01T00:00:00Z".into();
    fs::write(&record, vault.to_string()).unwrap();
    let done = call(0, &["--older-than", "14"]);
    assert_eq!(done["blobs_deleted"], before.0, "{done}");
    assert_eq!(count(), (0, 0));
    // What is gone on purpose is not called missing.
    for words in [&["job", "reconcile"][..], &["job", "repair", "--all"]] {
        let all = [words, &["--json", "--yes", "--staging", &staging]].concat();
        assert_eq!(last(&emulator.expect(&machine, 10, &all))["code"], "staging-cleared");
    }
    let again = call(0, &[]);
    assert!(again["cleared_at"].is_string() && again["blobs_deleted"] == 0, "{again}");
}

#[test]
fn a_seed_whose_job_is_gone_is_taken_in_all_the_same() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    let staging = shipped(&machine, &emulator);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    let of = |word| ["job", word, "--staging", &staging, "--yes"];
    emulator.expect(&machine, 0, &of("status"));
    emulator.expect(&machine, 0, &of("delete"));
    let ran = run(&machine, &emulator, 0, &[]);
    assert_eq!(ran["state"], "protected", "{ran}");
    assert!(ran["ingested"]["copied"].as_u64().unwrap() > 0, "{ran}");
}

/// What somebody has put in the place of an imported blob since the seed was taken in is his, also when
/// it is as long; and so is what was there in its place before.
#[test]
fn only_the_versions_that_were_proven_are_deleted() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    shipped(&machine, &emulator);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    let other = |path: &Path| vec![b'?'; path.metadata().unwrap().len().try_into().unwrap()];
    let pack = files_below(&emulator.blob("seed", "repo/data")).pop_first().unwrap();
    let name = pack.strip_prefix(emulator.blob("seed", "")).unwrap().to_str().unwrap().to_owned();
    put(&emulator, "seed", &name, &other(&pack));
    let ran = run(&machine, &emulator, 0, &[]);
    assert_eq!(ran["ingested"]["repaired"], 1, "{ran}");
    let config = emulator.blob("seed", "repo/config");
    put(&emulator, "seed", "repo/config", &other(&config));
    let words = ["cleanup", "--json", "--yes"];
    let done = last(&emulator.expect(&machine, 3, &words));
    assert_eq!(done["blobs_left"].as_array().unwrap().len(), 2, "{done}");
    let left: Vec<_> = files_below(&emulator.blob("seed", "")).into_iter().collect();
    assert_eq!(left, [config, pack]);
}
