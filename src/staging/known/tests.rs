//! What this machine remembers of seeds and their drives, and forgets when it may.

use std::os::unix::fs::PermissionsExt;

use disk_prep::noun::{Diagnose, ErrorKind};

use super::*;

fn seed(job: &str) -> Seed {
    serde_json::from_value(serde_json::json!({
        "version": 1, "id": Uuid::new_v4(), "origin": "written", "kind": "repository",
        "state": "finished", "data": "repo", "job": job, "storage_account": "seedaccount",
        "container": "seed", "prefix": "", "resource_group": "backup",
        "subscription": "00000000-0000-0000-0000-000000000000",
        "begun_at": "1970-01-01T00:00:00Z",
    }))
    .unwrap()
}

#[test]
fn a_record_that_cannot_be_read_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let state = State::open(Some(folder.path())).unwrap();
    let (one, other) = (seed("one"), seed("other"));
    assert!(state.drives_of_others(one.id).unwrap().is_empty());
    let serial = Serial::new("S1").unwrap();
    state.remember(other.id, &other.target.job, folder.path(), vec![serial.clone()]).unwrap();
    let known = state.drives_of_others(one.id).unwrap();
    assert_eq!((&known[0].serial, known[0].job.as_str(), known.len()), (&serial, "other", 1));
    assert!(known[0].since.is_some());
    assert!(state.drives_of_others(other.id).unwrap().is_empty());

    let record = state.seeds().join(format!("{}.json", other.id));
    let whole = fs::read_to_string(&record).unwrap();
    let newer = whole.replace("\"version\":1", "\"version\":2");
    for text in ["", "{", "{}", &newer] {
        fs::write(&record, text).unwrap();
        let error = state.drives_of_others(one.id).unwrap_err();
        assert_eq!((error.code(), error.kind()), ("state-record", ErrorKind::Guard), "{text}");
        assert!(error.to_string().contains(record.to_str().unwrap()), "{error}");
        assert!(error.hint().is_some());
        // Nor is it written over.
        let again = state.remember(other.id, &other.target.job, folder.path(), Vec::new());
        assert_eq!(again.unwrap_err().code(), "state-record", "{text}");
        assert_eq!(fs::read_to_string(&record).unwrap(), text);
    }
    fs::write(&record, &whole).unwrap();
    fs::write(state.seeds().join("notes.json"), &whole).unwrap();
    assert_eq!(state.drives_of_others(one.id).unwrap_err().code(), "state-record");
    assert_eq!(state.staging_paths().len(), 1);
}

#[test]
fn a_drive_of_two_seeds_is_there_for_each() {
    let folder = tempfile::tempdir().unwrap();
    let state = State::open(Some(folder.path())).unwrap();
    for job in ["first", "second"] {
        let own = seed(job);
        let drives = vec![Serial::new("S1").unwrap()];
        state.remember(own.id, &own.target.job, folder.path(), drives).unwrap();
    }
    let held = state.drives_of_others(seed("third").id).unwrap();
    let mut jobs: Vec<&str> = held.iter().map(|own| own.job.as_str()).collect();
    jobs.sort_unstable();
    assert_eq!(jobs, ["first", "second"]);
}

#[test]
fn a_drive_that_was_begun_stays_remembered_without_its_journal_until_it_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let state = State::open(Some(folder.path())).unwrap();
    let (own, serial, guid) = (seed("first"), Serial::new("S1").unwrap(), Uuid::new_v4());
    let (id, job) = (own.id, &own.target.job);
    state.remember_begun(id, job, folder.path(), &[(serial.clone(), guid)]).unwrap();
    let since = || state.drives_of_others(Uuid::nil()).unwrap()[0].since;
    let first = since();
    state.remember(id, job, folder.path(), Vec::new()).unwrap();
    let held = state.drives_of_others(Uuid::nil()).unwrap();
    assert_eq!((held.len(), &held[0].serial, held[0].disk_guid), (1, &serial, Some(guid)));
    assert_eq!(since(), first, "a later look makes it no younger");
    let homes = state.homes_of(&serial).unwrap();
    assert_eq!((homes.len(), homes[0].id), (1, id));
    state.forget_drive(id, &serial).unwrap();
    assert!(state.drives_of_others(Uuid::nil()).unwrap().is_empty());
    assert!(state.homes_of(&serial).unwrap().is_empty());
}

#[test]
fn a_draft_of_a_killed_run_is_no_record() {
    let folder = tempfile::tempdir().unwrap();
    let state = State::open(Some(folder.path())).unwrap();
    let one = seed("one");
    state.remember(one.id, &one.target.job, folder.path(), Vec::new()).unwrap();
    fs::write(state.seeds().join(format!("{}.json.7.new", one.id)), "{").unwrap();
    assert!(state.drives_of_others(seed("other").id).unwrap().is_empty());
}

#[test]
fn records_may_be_read_by_all_and_passwords_and_locks_by_the_owner() {
    let folder = tempfile::tempdir().unwrap();
    let state = State::open(Some(&folder.path().join("state"))).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let seed = seed("one");
    let path = state.make_password(&seed).unwrap();
    let password = fs::read(&path).unwrap();
    assert_eq!(state.make_password(&seed).unwrap(), path);
    assert_eq!(fs::read(&path).unwrap(), password, "one that was made is kept");
    state.remember(seed.id, &seed.target.job, folder.path(), Vec::new()).unwrap();
    let locks = state.folder().join("locks");
    let modes = [state.folder(), &state.seeds(), &state.passwords(), &locks].map(mode);
    assert_eq!(modes, [0o755, 0o755, 0o700, 0o700]);
    let lock = locks.join("records.lock");
    assert_eq!(mode(&lock), 0o600);
    // What an older version or another umask left open is closed.
    fs::set_permissions(&locks, fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&lock, fs::Permissions::from_mode(0o644)).unwrap();
    drop(state.hold_records().unwrap());
    assert_eq!((mode(&locks), mode(&lock)), (0o700, 0o600));
}
