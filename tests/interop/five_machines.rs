//! Five servers of an office, one parcel, one vault in Azurite: from the first `stage` to the day when
//! a machine is gone, word for word as `tests/cli/five-machines.transcript`.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use futures::TryStreamExt;
use support::azurite::Azurite;
use support::key::container;
use support::program::Machine;
use support::transcript::Transcript;
use support::tree::Dice;

const HOSTS: [&str; 5] = ["web1", "web2", "web3", "web4", "web5"];
const FILES: usize = 3;

/// Files of a machine: one that all have, and its own.
fn make_source(root: &Path, number: u64) {
    fs::create_dir_all(root.join("www")).unwrap();
    fs::write(root.join("www/logo"), Dice(1).bytes(600_000)).unwrap();
    fs::write(root.join("www/pages"), Dice(number).bytes(300_000)).unwrap();
    fs::write(root.join("host"), format!("web{number}\n")).unwrap();
}

fn restic(folder: &Path, machine: &Machine, words: &[&str]) -> String {
    let mut restic = Command::new("restic");
    restic.args(["--no-cache", "--no-lock", "-r"]).arg(folder.join("repo"));
    let said = restic.arg("--password-file").arg(machine.path("password")).args(words);
    let said = said.output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8(said.stdout).unwrap()
}

/// Whether a restored folder is a source as it stands.
fn expect_equal(source: &Path, restored: &Path) {
    let said = Command::new("diff").arg("-r").args([source, restored]).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
}

/// A line without sizes: a repository is now and then some bytes longer than another of the same.
fn without_sizes(line: &str) -> Option<String> {
    let words: Vec<&str> = line.split(' ').collect();
    let is_unit = |word: &str| ["B", "KB", "MB"].iter().any(|unit| word.starts_with(unit));
    let is_number =
        |word: &str| word.trim_start_matches('(').parse::<f64>().is_ok() && !word.trim().is_empty();
    let shown = words.iter().enumerate().map(|(at, word)| {
        let is_size = is_number(word) && words.get(at + 1).is_some_and(|next| is_unit(next));
        if is_size { "<size>" } else { word }
    });
    Some(shown.collect::<Vec<_>>().join(" "))
}

#[tokio::test]
async fn five_machines_ship_one_parcel_and_what_one_of_them_had_comes_back_elsewhere() {
    let machine = Machine::new();
    let azurite = Azurite::start(&machine);
    let emulator = azurite.emulator(&machine);
    fs::write(machine.path("contact.toml"), support::CONTACT).unwrap();
    fs::write(machine.path("password"), "a password of many letters").unwrap();
    fs::set_permissions(machine.path("password"), PermissionsExt::from_mode(0o600)).unwrap();
    let hosts = HOSTS.map(|host| machine.on_host(host));
    let spare = machine.on_host("spare");
    let source = |host: &str| machine.path(&format!("srv-{host}"));
    for (host, number) in HOSTS.iter().zip(1..) {
        make_source(&source(host), number);
    }
    let about = "Five web servers stage over a share, one of them fills and ships the drive; each makes \
                 increments while it travels and after it has arrived. Then web3 burns down.";
    let mut said = Transcript::new(&machine, Some(&emulator), about);
    for (machine, host) in hosts.iter().zip(HOSTS) {
        said.on(machine).run_with(
            &format!(
                "stage --source srv-{host} --staging share --job web --storage-account account1 \
             --container seed --resource-group backup \
             --subscription 11111111-2222-4333-8444-555555555555 --location westeurope \
             --contact contact.toml --password-file password"
            ),
            without_sizes,
        );
    }
    said.on(&hosts[0]).run_with("stage status --staging share", without_sizes);
    said.run_with("prep --staging share --drive s1.img,serial=S1,size=210M", without_sizes);
    said.run_with("job ship --carrier FedEx --tracking-number 1Z999", without_sizes);
    for (machine, host) in hosts.iter().zip(HOSTS) {
        said.on(machine).run_with("vault create --vault Office --staging share", without_sizes);
        fs::write(source(host).join("www/news"), host).unwrap();
        said.run_with("vault run --now", without_sizes);
    }
    said.on(&hosts[1]).run_with("vault status", without_sizes);
    said.on(&hosts[0]).run_with("emulator dock s1.img,serial=S1 --data azure", without_sizes);
    said.run_with("vault run", without_sizes);
    for (machine, host) in hosts.iter().zip(HOSTS) {
        fs::write(source(host).join("www/pages"), host).unwrap();
        said.on(machine).run_with("vault run --now", without_sizes);
    }
    said.on(&hosts[0])
        .run_with("vault snapshots", without_sizes)
        .run_with("vault check --read-data", without_sizes)
        .run_with("vault status", without_sizes);
    said.run_with("cleanup --yes", without_sizes);

    fs::remove_dir_all(hosts[2].state()).unwrap();
    said.on(&spare).run_with(
        "vault attach --vault Office --storage-account account1 --container azseed-office \
         --password-file password",
        without_sizes,
    );
    said.run_with("vault snapshots --host web3", without_sizes);
    said.run_with(
        &format!("vault restore --host web3 --path {} --target back", machine.text("srv-web3")),
        without_sizes,
    );
    said.compare("five-machines.transcript");
    expect_equal(&source("web3"), &machine.path("back"));

    // What lies in the container, as restic sees it.
    let box_ = container(&emulator, "azseed-office");
    let folder = machine.path("copy");
    let items: Vec<_> = box_.list_blobs(None).unwrap().try_collect().await.unwrap();
    for item in items {
        let name = item.name.unwrap();
        let content = support::suite::read(&box_.blob_client(&name), None).await;
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    let checked = restic(&folder, &machine, &["check", "--read-data"]);
    assert!(checked.contains("no errors were found"), "{checked}");
    for host in HOSTS {
        let listed = restic(&folder, &machine, &["ls", "latest", "--host", host, "--json"]);
        assert_eq!(listed.matches("\"type\":\"file\"").count(), FILES + 1, "{host}: {listed}");
        let target = machine.path(&format!("restic-{host}"));
        restic(
            &folder,
            &machine,
            &["restore", "latest", "--host", host, "--target", target.to_str().unwrap()],
        );
        let own = source(host);
        expect_equal(&own, &target.join(own.strip_prefix("/").unwrap()));
    }
}
