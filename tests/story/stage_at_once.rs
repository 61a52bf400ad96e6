//! Several machines stage into one seed at the same time.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::support::program::{Machine, files_below, said};
use crate::support::tree::{self, Dice};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Machines on one share.
struct Share(Machine);

impl Share {
    fn new() -> Self {
        let share = Share(Machine::new());
        fs::write(share.0.path("contact.toml"), crate::support::CONTACT).unwrap();
        fs::write(share.0.path("password"), "a password of many letters").unwrap();
        fs::set_permissions(share.0.path("password"), PermissionsExt::from_mode(0o600)).unwrap();
        share
    }

    fn source(&self, host: &str) -> PathBuf {
        self.0.path(&format!("source-{host}"))
    }

    /// Gives a host so many mebibytes, the first of which all have.
    fn fill(&self, host: &str, mib: u64) {
        let own = host.bytes().fold(7, |sum, byte| sum * 31 + u64::from(byte));
        for number in 0..mib {
            let seed = if number == 0 { 1 } else { own + number };
            let content = Dice(seed).bytes(1 << 20);
            tree::write(&self.source(host), &format!("file-{number}"), &content, &mut Dice(seed));
        }
        fs::write(self.source(host).join("host"), host).unwrap();
    }

    fn start(&self, host: &str) -> Child {
        let own = self.0.on_host(host);
        let source = self.source(host);
        let mut words = vec!["stage", "--json", "--source", source.to_str().unwrap()];
        words.extend(["--staging", "staging", "--job", "seed-1", "--container", "seed"]);
        words.extend(["--storage-account", "account1", "--resource-group", "rg"]);
        words.extend(["--subscription", "11111111-2222-4333-8444-555555555555"]);
        words.extend(["--contact", "contact.toml", "--password-file", "password"]);
        words.extend(["--pack-size", "1Mi"]);
        own.command(&words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn end(&self, code: i32, started: Child) -> Value {
        let said = said(started.wait_with_output().unwrap());
        assert_eq!(said.code, code, "{}\n{}", said.stdout, said.stderr);
        serde_json::from_str(said.stdout.lines().last().unwrap()).unwrap()
    }

    fn stage(&self, host: &str, code: i32) -> Value {
        self.end(code, self.start(host))
    }

    /// Starts a host that stands still in the midst of its packs.
    fn still(&self, host: &str) -> (Child, Pid) {
        let before = files_below(&self.0.path("staging/repo/data")).len();
        let process = self.start(host);
        // The program runs below the one that gives it its host name.
        let claim = self.0.path(&format!("staging/.stage-{host}.claim"));
        let program = loop {
            let holder: Option<Value> =
                fs::read(&claim).ok().and_then(|text| serde_json::from_slice(&text).ok());
            if let Some(holder) = holder
                && files_below(&self.0.path("staging/repo/data")).len() > before + 1
            {
                let id = holder["process"].as_u64().unwrap();
                break Pid::from_raw(i32::try_from(id).unwrap()).unwrap();
            }
            std::thread::yield_now();
        };
        kill_process(program, Signal::STOP).unwrap();
        (process, program)
    }

    fn seed(&self) -> Value {
        serde_json::from_slice(&fs::read(self.0.path("staging/seed.json")).unwrap()).unwrap()
    }

    fn prep(&self, host: &str, code: i32) -> Value {
        let drive = "s1.img,serial=S1,size=210M";
        let words = ["prep", "--json", "--staging", "staging", "--offline", "--drive", drive];
        let said = self.0.on_host(host).expect(code, &words);
        serde_json::from_str(said.stdout.lines().last().unwrap()).unwrap()
    }

    fn release(&self, host: &str, code: i32, more: &[&str]) -> Value {
        let words = [&["stage", "release", "--json", "--staging", "staging", host], more].concat();
        let said = self.0.on_host("web1").expect(code, &words);
        serde_json::from_str(said.stdout.lines().last().unwrap()).unwrap()
    }

    fn restic(&self, words: &[&str]) -> String {
        let said = Command::new("restic")
            .args(["--no-cache", "-r"])
            .arg(self.0.path("staging/repo"))
            .arg("--password-file")
            .arg(self.0.path("password"))
            .args(words)
            .output()
            .unwrap();
        let remarks = String::from_utf8_lossy(&said.stderr).into_owned();
        assert!(said.status.success() && remarks.is_empty(), "{remarks}");
        String::from_utf8_lossy(&said.stdout).into_owned()
    }

    /// The seed is finished and holds one whole snapshot of each of these, counted once, and
    /// nothing half-written is left.
    fn is_whole(&self, hosts: &[&str]) {
        let seed = self.seed();
        assert_eq!((&seed["state"], &seed["stagers"]), (&"finished".into(), &Value::Null));
        let mut held: Vec<_> = seed["hosts"].as_array().unwrap().iter().collect();
        held.sort_by_key(|own| own["host"].to_string());
        let names: Vec<_> = held.iter().map(|own| own["host"].as_str().unwrap()).collect();
        assert_eq!(names, hosts);
        let files: usize = hosts.iter().map(|host| files_below(&self.source(host)).len()).sum();
        assert_eq!(seed["totals"]["source_files"], files, "{seed}");
        let shipped = files_below(&self.0.path("staging/repo"));
        assert_eq!(seed["totals"]["files"], shipped.len(), "{seed}");
        assert!(!shipped.iter().any(|path| path.to_str().unwrap().ends_with(".draft")));
        let places = fs::read_dir(self.0.path("staging")).unwrap();
        let names: Vec<_> = places.map(|entry| entry.unwrap().file_name()).collect();
        assert!(!names.iter().any(|name| name.to_str().unwrap().ends_with(".claim")), "{names:?}");
        let check = self.restic(&["check", "--read-data"]);
        assert!(check.contains("no errors were found"), "{check}");
        let listed: Value = serde_json::from_str(&self.restic(&["snapshots", "--json"])).unwrap();
        let mut shown: Vec<_> = listed.as_array().unwrap().iter().collect();
        shown.sort_by_key(|own| own["hostname"].to_string());
        let shown: Vec<_> = shown.iter().map(|own| own["hostname"].as_str().unwrap()).collect();
        assert_eq!(shown, hosts, "one snapshot each");
        for host in hosts {
            let target = self.0.text(&format!("back-{host}"));
            self.restic(&["restore", "latest", "--host", host, "--target", &target]);
            let back = PathBuf::from(target).join(self.source(host).strip_prefix("/").unwrap());
            let expected = tree::expected(&self.source(host), "");
            let differences = tree::expected(&back, "").differences(&expected);
            assert_eq!(differences, Vec::<String>::new(), "{host}");
        }
    }
}

#[test]
fn five_machines_stage_at_the_same_time_and_the_last_of_them_finishes_the_seed() {
    let share = Share::new();
    let hosts = ["web1", "web2", "web3", "web4", "web5"];
    hosts.iter().for_each(|host| share.fill(host, 4));
    let started: Vec<Child> = hosts.iter().map(|host| share.start(host)).collect();
    let ended: Vec<Value> = started.into_iter().map(|own| share.end(0, own)).collect();
    assert!(ended.iter().all(|own| own["snapshot"].is_string()), "{ended:?}");
    assert!(ended.iter().any(|own| own["state"] == "finished"), "{ended:?}");
    share.is_whole(&hosts);
    let again = share.stage("web3", 0);
    assert_eq!((&again["snapshot"], &again["state"]), (&Value::Null, &"finished".into()));
    share.prep("web4", 0);
    share.fill("web6", 2);
    assert_eq!(share.stage("web6", 2)["code"], "staging-closed");
}

#[test]
fn nothing_ships_while_a_machine_stages_and_it_loses_nothing_by_others_that_end_before_it() {
    let share = Share::new();
    ["web1", "web2"].iter().for_each(|host| share.fill(host, 8));
    let (slow, program) = share.still("web2");
    let first = share.stage("web1", 0);
    assert!(first["snapshot"].is_string(), "{first}");
    assert_eq!(
        (&first["state"], &first["staging_hosts"], &first["hosts"]),
        (&"unfinished".into(), &serde_json::json!(["web2"]), &serde_json::json!(["web1"]))
    );
    let refused = share.prep("web1", 6);
    assert_eq!(refused["code"], "staging-unfinished");
    assert!(refused["message"].as_str().unwrap().contains("web2 stages into it"), "{refused}");
    assert!(!share.0.path("s1.img").exists());
    // It is alive, and nobody goes on without it; nor does a second run of the same machine begin.
    assert_eq!(share.release("web2", 11, &["--yes"])["code"], "staging-busy");
    assert_eq!(share.stage("web2", 11)["code"], "staging-busy");
    let again = share.stage("web1", 0);
    assert_eq!((&again["snapshot"], &again["state"]), (&Value::Null, &"unfinished".into()));
    kill_process(program, Signal::CONT).unwrap();
    assert_eq!(share.end(0, slow)["state"], "finished");
    share.is_whole(&["web1", "web2"]);
    share.prep("web1", 0);
}

#[test]
fn a_machine_that_is_killed_in_the_midst_is_waited_for_until_it_comes_again_or_is_released() {
    let share = Share::new();
    ["web1", "web2", "web3"].iter().for_each(|host| share.fill(host, 8));
    let (mut killed, program) = share.still("web2");
    let (other, on) = share.still("web3");
    kill_process(program, Signal::KILL).unwrap();
    killed.wait().unwrap();
    kill_process(on, Signal::CONT).unwrap();
    let other = share.end(0, other);
    assert_eq!(other["staging_hosts"], serde_json::json!(["web2"]), "{other}");
    share.stage("web1", 0);
    let refused = share.prep("web1", 6);
    assert!(refused["message"].as_str().unwrap().contains("web2"), "{refused}");
    assert!(refused["hint"].as_str().unwrap().contains("stage release"), "{refused}");
    assert_eq!(share.stage("web2", 0)["state"], "finished");
    share.is_whole(&["web1", "web2", "web3"]);

    // The same with one that does not come again.
    let share = Share::new();
    ["web1", "web2"].iter().for_each(|host| share.fill(host, 6));
    let (mut killed, program) = share.still("web2");
    kill_process(program, Signal::KILL).unwrap();
    killed.wait().unwrap();
    assert_eq!(share.stage("web1", 0)["state"], "unfinished");
    assert_eq!(share.release("web9", 10, &["--yes"])["code"], "stager-unknown");
    assert_eq!(share.release("web2", 2, &[])["code"], "needs-yes");
    assert_eq!(share.prep("web1", 6)["code"], "staging-unfinished");
    let released = share.release("web2", 0, &["--yes"]);
    assert_eq!(
        (&released["staging_hosts"], &released["state"]),
        (&serde_json::json!([]), &"unfinished".into())
    );
    assert_eq!(share.stage("web1", 0)["state"], "finished");
    share.is_whole(&["web1"]);
    // As long as no drive is begun it may still come.
    assert_eq!(share.stage("web2", 0)["state"], "finished");
    share.is_whole(&["web1", "web2"]);
}

#[test]
fn a_machine_that_others_went_on_without_adds_nothing_when_it_wakes() {
    let share = Share::new();
    ["web1", "web2"].iter().for_each(|host| share.fill(host, 6));
    let (slow, program) = share.still("web2");
    // As on a share that passes no locks on: there it looks dead.
    let path = share.0.path("staging/seed.json");
    let mut seed = share.seed();
    seed["stagers"] = serde_json::json!([]);
    fs::write(&path, seed.to_string()).unwrap();
    fs::remove_file(share.0.path("staging/.stage-web2.claim")).unwrap();
    assert_eq!(share.stage("web1", 0)["state"], "finished");
    kill_process(program, Signal::CONT).unwrap();
    assert_eq!(share.end(6, slow)["code"], "stager-released");
    let shown = files_below(&share.0.path("staging/repo/snapshots"));
    assert_eq!(shown.len(), 1, "only what the record has");
    assert_eq!(share.stage("web2", 0)["state"], "finished");
    share.is_whole(&["web1", "web2"]);
}
