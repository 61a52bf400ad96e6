//! restic and a vault at work on one container, each over its own Azure back end: Azurite stands where
//! the public cloud is.

#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::fs;
use std::process::Command;

use serde_json::Value;
use support::azurite::Azurite;
use support::clients::rclone;
use support::program::{Machine, Said, said};
use support::seed::{is_equal, make_source, staged};

const CONTAINER: &str = "azseed-office";

struct Place {
    machine: Machine,
    azurite: Azurite,
}

impl Place {
    fn end(&self, command: &mut Command) -> Said {
        let said = said(command.output().unwrap());
        assert_eq!(said.code, 0, "{command:?}\n{}\n{}", said.stdout, said.stderr);
        said
    }

    fn azseed(&self, words: &[&str]) -> Vec<Value> {
        let mut command = self.machine.command(&[&["--json"], words].concat());
        command.env("AZSEED_ACCOUNT_KEY", self.azurite.key());
        command.env("AZSEED_CA_FILE", self.machine.path("ca.pem"));
        let said = self.end(&mut command);
        let all = said.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        all.filter(|line| !line["type"].as_str().unwrap().ends_with("progress")).collect()
    }

    fn restic(&self, words: &[&str]) -> String {
        let mut command = self.machine.other("/usr/bin/restic".as_ref());
        command.args(["--cacert", "ca.pem", "--password-file", "password", "--json"]);
        command.args(["-r", &format!("azure:{CONTAINER}:/repo")]).args(words);
        command.env("AZURE_ACCOUNT_NAME", "account1").env("AZURE_ACCOUNT_KEY", self.azurite.key());
        let said = said_plain(&mut command);
        assert_eq!(said.code, 0, "{words:?}\n{}\n{}", said.stdout, said.stderr);
        said.stdout
    }

    /// The ids of all snapshots, as restic lists them.
    fn listed(&self) -> Vec<String> {
        let all: Vec<Value> = serde_json::from_str(&self.restic(&["snapshots"])).unwrap();
        all.iter().map(|own| own["id"].as_str().unwrap().to_owned()).collect()
    }
}

/// What a program said that is not ours.
fn said_plain(command: &mut Command) -> Said {
    let output = command.output().unwrap();
    Said {
        code: output.status.code().unwrap_or(137),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

#[test]
fn restic_over_its_own_back_end_and_a_vault_take_turns_on_one_container_of_azurite() {
    let machine = Machine::with_names(&["login.microsoftonline.com"], &[Azurite::HOST]);
    let azurite = Azurite::start_named(&machine);
    make_source(&machine);
    staged(&machine, "1Mi");
    let password = fs::read_dir(machine.path("state/passwords")).unwrap().next().unwrap();
    fs::copy(password.unwrap().path(), machine.path("password")).unwrap();
    // As if the parcel had arrived.
    let mut put = machine.other(&rclone());
    put.args(["--config", "", "copy", "staging/repo", &format!(":azureblob:{CONTAINER}/repo")]);
    put.env("RCLONE_AZUREBLOB_ACCOUNT", "account1").env("RCLONE_AZUREBLOB_KEY", azurite.key());
    put.env("SSL_CERT_FILE", machine.path("ca.pem"));
    let put = said_plain(&mut put);
    assert_eq!(put.code, 0, "{}", put.stderr);

    let place = Place { machine, azurite };
    let source = place.machine.text("source");
    let mut attach = vec!["vault", "attach", "--vault", "Office", "--storage-account", "account1"];
    attach.extend(["--container", CONTAINER, "--password-file", "password"]);
    place.azseed(&attach);
    place.azseed(&["vault", "source", "add", &source]);
    let seed = place.listed();
    fs::write(place.machine.path("source/folder/file-2"), "changed").unwrap();
    let ours = place.azseed(&["vault", "run", "--now"]).pop().unwrap();
    let ours = ours["increment"]["snapshot"].as_str().unwrap().to_owned();
    let listed = place.listed();
    assert!(listed.contains(&ours) && listed.contains(&seed[0]), "{listed:?} {seed:?} {ours}");
    place.restic(&["check", "--read-data"]);

    fs::write(place.machine.path("source/folder/new"), "by restic").unwrap();
    place.restic(&["backup", &source]);
    let theirs = place.listed().into_iter().find(|id| !listed.contains(id)).unwrap();
    let seen = place.azseed(&["vault", "snapshots"]);
    assert!(seen.iter().any(|own| own["id"] == theirs.as_str()), "{theirs}: {seen:?}");
    place.azseed(&["vault", "restore", "--target", "of-restic", "--snapshot", &theirs]);
    assert!(is_equal(&place.machine, "of-restic"));

    // The next run of the vault goes on from it: nothing is read again, and what it lets go by its
    // policy was shown.
    let next = place.azseed(&["vault", "run", "--now"]).pop().unwrap();
    let next = next["increment"]["snapshot"].as_str().unwrap();
    assert!(place.listed().iter().any(|id| id == next));
    place.restic(&["check", "--read-data"]);
    place.restic(&["restore", next, "--target", "by-restic"]);
    assert!(is_equal(&place.machine, "by-restic"));
    let checked = place.azseed(&["vault", "check", "--read-data"]).pop().unwrap();
    assert_eq!(
        (&checked["faults"], &checked["damages"]),
        (&Value::Array(vec![]), &Value::Array(vec![]))
    );
}
