//! No secret leaves the program but where it belongs. Every secret there is carries a marker, and
//! every malformed value too; every byte that every command says or writes is searched for them,
//! in success and in failure. A process that holds them is not dumped.
#![allow(clippy::type_complexity, reason = "rows of tables")]
#![allow(clippy::disallowed_methods, reason = "tests start programs and write no state files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

mod malformed;
mod process;
use crate::support;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use disk_prep::noun::RecoveryPassword;
use support::emulator::Emulator;
use support::key::Key;
use support::played::{Played, endless, reply};
use support::program::{Machine, Said};
use support::search::{Row, Search};
use support::tree::{self, Dice};

const SUBSCRIPTION: &str = "11111111-2222-4333-8444-555555555555";
const AZURE: &str = "--storage-account account1 --container seed --resource-group rg \
                     --subscription 11111111-2222-4333-8444-555555555555 --location westus \
                     --contact contact.toml";
const TOKEN: &str = "MARKER1token.of-the.sign-in";
const CLIENT_SECRET: &str = "MARKER2~client/secret+x";
const PASSWORD: &str = "MARKER3 password of the repository";
const PROXY_PASSWORD: &str = "MARKER4proxy";
const WRONG: &str = "MARKER5 a wrong value";
const ACCOUNT_KEY: &[u8] = b"MARKER6 the bytes of an account's key, 64 of them as a rule.....";

/// A machine with every secret there is.
struct Bench {
    machine: Machine,
    emulator: Emulator,
    search: Search,
    sas: String,
}

impl Bench {
    fn new() -> Self {
        let machine = Machine::new();
        let secret = |name: &str, text: &str| {
            fs::create_dir_all(machine.path("secrets")).unwrap();
            let path = machine.path(&format!("secrets/{name}"));
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        };
        let account_key = BASE64_STANDARD.encode(ACCOUNT_KEY);
        let own = age::x25519::Identity::generate();
        let other = age::x25519::Identity::generate();
        let text = |identity: &age::x25519::Identity| {
            secrecy::ExposeSecret::expose_secret(&identity.to_string()).to_owned()
        };
        fs::write(machine.path("recipient"), own.to_public().to_string()).unwrap();
        for (name, text) in [
            ("token", TOKEN),
            ("account-key", &account_key),
            ("password", &format!("{PASSWORD}\n")),
            ("identity", &text(&own)),
            ("other-identity", &text(&other)),
            ("wrong", WRONG),
            ("wrong-key", &BASE64_STANDARD.encode(WRONG)),
        ] {
            secret(name, text);
        }
        let files = ["secrets/token", "secrets/account-key"].map(|name| machine.text(name));
        let emulator = Emulator::start_with(
            &machine,
            &["--token-file", &files[0], "--account-key-file", &files[1]],
        );
        let sas = sas(&machine);
        secret("sas", &sas);
        secret("wrong-sas", &format!("sv=2022-11-02&sr=c&sp=r&sig={}", &WRONG[..7]));
        let mut search = Search::default();
        for (name, text) in [
            ("token", TOKEN),
            ("client secret", CLIENT_SECRET),
            ("password", PASSWORD),
            ("proxy's password", PROXY_PASSWORD),
            ("wrong value", WRONG),
            ("account key", &account_key),
            ("identity", &text(&own)),
            ("other identity", &text(&other)),
        ] {
            search.plant(name, text);
        }
        search.plant_bytes("account key", ACCOUNT_KEY);
        // The signature alone, as it is and encoded.
        for (_, signature) in
            url::form_urlencoded::parse(sas.as_bytes()).filter(|(name, _)| name == "sig")
        {
            search.plant("signature", &signature);
        }
        // The words that stand in every message of a wrong value.
        search.plant_bytes("marker", b"MARKER");
        for place in ["secrets", "azure", "staging/journals", "sealed/journals", "state/keys"] {
            search.allow(machine.path(place));
        }
        Bench { machine, emulator, search, sas }
    }

    /// A run against the emulator, as loud as it can be, with these variables.
    fn row(&self, words: &str, variables: &[(&str, &str)], code: i32) -> Row {
        let mut command = self.machine.command(&words.split_whitespace().collect::<Vec<_>>());
        command
            .args(["-v", "-v"])
            .env("RUST_LOG", "trace")
            .env("TMPDIR", self.machine.path(""))
            .env("AZSEED_ARM_ENDPOINT", self.emulator.fact("arm"))
            .env("AZSEED_AUTHORITY", self.emulator.fact("authority"))
            .env("AZSEED_BLOB_ENDPOINT", self.emulator.fact("blob"))
            .env("AZSEED_CA_FILE", self.emulator.fact("ca_file"))
            .envs(variables.iter().copied());
        let names: Vec<&str> = variables.iter().map(|(name, _)| *name).collect();
        Row { name: format!("{words} ({})", names.join(", ")), command, code }
    }

    #[track_caller]
    fn one(&mut self, words: &str, variables: &[(&str, &str)], code: i32) -> Said {
        let row = self.row(words, variables, code);
        self.search.run(vec![row]).remove(0)
    }

    /// Rows that do not touch each other, side by side.
    #[track_caller]
    fn all(&mut self, rows: &[(&str, &[(&str, &str)], i32)]) {
        let rows = rows.iter().map(|(words, own, code)| self.row(words, own, *code)).collect();
        self.search.run(rows);
    }
}

/// A signature for the vault's container, signed with the account's key ("Create a service SAS").
fn sas(machine: &Machine) -> String {
    let (start, end) = ("2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z");
    let resource = "/blob/account1/azseed-office";
    let text =
        format!("rwdlac\n{start}\n{end}\n{resource}\n\n\nhttps\n2022-11-02\nc\n\n\n\n\n\n\n");
    let key = Key { account: "account1".to_owned(), key: ACCOUNT_KEY.to_vec() };
    assert!(machine.path("").exists());
    url::form_urlencoded::Serializer::new(String::new())
        .append_pair("sv", "2022-11-02")
        .append_pair("sr", "c")
        .append_pair("sp", "rwdlac")
        .append_pair("st", start)
        .append_pair("se", end)
        .append_pair("spr", "https")
        .append_pair("sig", &key.sign(&text))
        .finish()
}

#[test]
fn no_secret_is_in_any_byte_that_is_written() {
    let mut bench = Bench::new();
    for number in 0..4 {
        let mut dice = Dice(number);
        let content = dice.bytes(1 << 20);
        tree::write(&bench.machine.path("source"), &format!("f{number}"), &content, &mut dice);
    }
    fs::write(bench.machine.path("contact.toml"), support::CONTACT).unwrap();
    journey(&mut bench);
    refusals(&mut bench);
    malformed::malformed(&mut bench);
    bench.search.files(&bench.machine.path(""));
    let [runs, files, bytes] = bench.search.counts;
    println!("searched: {runs} runs, {files} files, {bytes} bytes; 0 secrets");
    assert!(runs >= 80 && files >= 50 && bytes > 200_000_000, "{runs} {files} {bytes}");
}

/// All that is done, with every way to sign in.
fn journey(bench: &mut Bench) {
    let token: &[(&str, &str)] = &[("AZSEED_TOKEN", TOKEN)];
    let principal: &[(&str, &str)] = &[
        ("AZURE_TENANT_ID", SUBSCRIPTION),
        ("AZURE_CLIENT_ID", SUBSCRIPTION),
        ("AZURE_CLIENT_SECRET", CLIENT_SECRET),
    ];
    let key = BASE64_STANDARD.encode(ACCOUNT_KEY);
    let sas = bench.sas.clone();
    let stage = "stage --staging staging --job seed-1 --password-file secrets/password --source";
    bench.one(&format!("{stage} source --pack-size 1Mi {AZURE}"), token, 0);
    bench.one("plan --staging staging --drive-size 4T", &[], 0);
    bench.one("prep --staging staging --drive s1.img,serial=S1,size=210M", principal, 0);
    let file = bench.machine.password_file(&bench.machine.path("staging"), "S1");
    let password = fs::read_to_string(&file).unwrap();
    fs::remove_file(&file).unwrap();
    let kept = bench.machine.path("secrets/recovery-password");
    fs::write(&kept, &password).unwrap();
    fs::set_permissions(&kept, fs::Permissions::from_mode(0o600)).unwrap();
    bench.search.plant("recovery password", &password);
    let raw: RecoveryPassword = password.parse().unwrap();
    bench.search.plant_bytes("recovery key", raw.key());

    // Plain files for an age recipient, on a drive of their own.
    let recipient = fs::read_to_string(bench.machine.path("recipient")).unwrap();
    let adopt = format!("stage adopt --source source --staging sealed --job seed-2 {AZURE}");
    bench.one(&adopt, &[], 0);
    let sealed = "--staging sealed --drive s2.img,serial=S2,size=210M";
    bench.one(&format!("prep --offline {sealed} --encrypt-keys-for {recipient}"), &[], 0);
    // Elsewhere, so that the identity is asked for.
    let moved = bench.machine.path("kept-away");
    fs::rename(bench.machine.path("state/keys"), &moved).unwrap();
    bench.search.allow(moved);
    let verify = "verify --staging sealed s2.img,serial=S2";
    let recovery = "--recovery-password-file secrets";
    bench.all(&[
        (&format!("{verify} --identity secrets/identity"), &[], 0),
        (&format!("{verify} --identity secrets/identity --json"), &[], 0),
        (&format!("{verify} --identity secrets/other-identity"), &[], 12),
        (&format!("{verify} --identity secrets/wrong"), &[], 2),
        (verify, &[], 12),
        ("verify --staging staging s1.img,serial=S1", &[], 0),
        (&format!("verify s1.img,serial=S1 {recovery}/recovery-password"), &[], 0),
        (&format!("verify s2.img,serial=S2 {recovery}/recovery-password"), &[], 12),
        (&format!("inspect s1.img,serial=S1 {recovery}/recovery-password --json"), &[], 0),
        (&format!("inspect s1.img,serial=S1 {recovery}/wrong"), &[], 2),
        (&format!("inspect s1.img,serial=S1 {recovery}/wrong --json"), &[], 2),
        ("inspect s1.img,serial=S1 --staging staging", &[], 0),
        ("job keys --staging staging", &[], 0),
        ("job keys --staging staging --json", &[], 0),
        ("job list --staging staging", principal, 0),
        ("job list --staging staging --json --token-file secrets/token", &[], 0),
        ("job show --staging staging --json", token, 0),
        ("stage status --staging staging --json", &[], 0),
        ("config show", &[("AZSEED_PROXY", "http://u:MARKER4proxy@127.0.0.1:1")], 0),
        ("config show --json", &[("AZSEED_PROXY", "http://u:MARKER4proxy@127.0.0.1:1")], 0),
    ]);
    bench.one("job ship --staging staging --carrier FedEx --tracking-number 1Z1", token, 0);
    let create = "vault create --vault office --staging staging --password-file secrets/password";
    bench.one(create, token, 0);
    bench.one("emulator dock s1.img,serial=S1 --data azure", &[], 0);
    bench.one("vault run", &[token[0], ("AZSEED_ACCOUNT_KEY", &key)], 0);
    bench.one("vault run --now --token-file secrets/token", &[], 0);
    bench.one("vault run --now --json --sas-file secrets/sas", token, 0);
    bench.all(&[
        ("vault snapshots", &[("AZSEED_SAS", &sas)], 0),
        ("vault snapshots --json --account-key-file secrets/account-key", &[], 0),
        ("vault snapshots --json --sas-file secrets/sas", &[], 0),
        ("vault status", principal, 0),
        ("vault list --json", &[], 0),
    ]);
    bench.one("vault restore --target restored --sas-file secrets/sas", &[], 0);

    // Whom the user's own program tells of nothing: it writes down all it was given.
    let bin = bench.machine.path("bin");
    fs::create_dir(&bin).unwrap();
    let seen = bench.machine.text("az-saw");
    let script = format!("#!/bin/sh\n{{ env; echo \"$@\"; }} >>{seen}\nexit 1\n");
    fs::write(bin.join("az"), script).unwrap();
    fs::set_permissions(bin.join("az"), fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", bin.display());
    let proxy = format!("http://u:{PROXY_PASSWORD}@127.0.0.1:1");
    let given = [
        ("PATH", path.as_str()),
        ("AZSEED_SAS", &sas),
        ("AZSEED_ACCOUNT_KEY", &key),
        ("AZURE_CLIENT_SECRET", CLIENT_SECRET),
        ("AZSEED_PROXY", &proxy),
    ];
    bench.one("job list --staging staging", &given, 12);
    let seen = fs::read_to_string(seen).unwrap();
    assert!(seen.contains("account get-access-token") && seen.contains("PATH="), "{seen}");
}

/// What is sent to a service that is away, refuses, or says back what it was told.
fn refusals(bench: &mut Bench) {
    let key = BASE64_STANDARD.encode(ACCOUNT_KEY);
    let sas = bench.sas.clone();
    let away = ("AZSEED_BLOB_ENDPOINT", "https://127.0.0.1:1");
    let arm_away = ("AZSEED_ARM_ENDPOINT", "https://127.0.0.1:1");
    let sign_in_away = ("AZSEED_AUTHORITY", "https://127.0.0.1:1");
    let beyond = ("AZSEED_ARM_ENDPOINT", "https://azure.invalid");
    let proxy = format!("http://u%40ser:{PROXY_PASSWORD}@127.0.0.1:1");
    let principal = [
        ("AZURE_TENANT_ID", SUBSCRIPTION),
        ("AZURE_CLIENT_ID", SUBSCRIPTION),
        ("AZURE_CLIENT_SECRET", CLIENT_SECRET),
    ];
    let echo = Played::start(|call, to| {
        let said =
            format!("{} {:?} {}", call.query, call.headers, String::from_utf8_lossy(&call.body));
        let status = match call.method.as_str() {
            _ if call.path.contains("oauth2") => 401,
            // A job that is to be made does not exist.
            "GET" if call.path.contains("/jobs/") => 404,
            _ => 400,
        };
        let fault = serde_json::json!({
            "error": {"code": "Echo", "message": said}, "error_description": said,
        });
        let headers = format!("x-ms-error-code: Echo {}\r\n", call.query);
        reply(to, status, &headers, fault.to_string().as_bytes())
    });
    let drip = Played::start(|_, to| endless(to, 200, &[b' '; 1 << 20]));
    let (echoed, dripped) = (echo.url(""), drip.url(""));
    let (echoed_ca, dripped_ca) =
        (echo.ca_file().display().to_string(), drip.ca_file().display().to_string());
    let echo_blob = echoed.clone();
    let to_echo = [
        ("AZSEED_ARM_ENDPOINT", echoed.as_str()),
        ("AZSEED_AUTHORITY", &echoed),
        ("AZSEED_BLOB_ENDPOINT", &echo_blob),
        ("AZSEED_CA_FILE", &echoed_ca),
    ];
    let to_drip = [
        ("AZSEED_ARM_ENDPOINT", dripped.as_str()),
        ("AZSEED_BLOB_ENDPOINT", &dripped),
        ("AZSEED_CA_FILE", &dripped_ca),
    ];
    let with = |own: &[(&'static str, &str)],
                more: &[(&'static str, &str)]|
     -> Vec<(String, String)> {
        own.iter().chain(more).map(|(name, value)| (name.to_string(), value.to_string())).collect()
    };
    let snapshots = "vault snapshots";
    let list = "job list --staging staging";
    let mut rows: Vec<(String, Vec<(String, String)>, i32)> = Vec::new();
    for json in ["", " --json"] {
        let mut add = |words: &str, variables: Vec<(String, String)>, code| {
            rows.push((format!("{words}{json}"), variables, code));
        };
        // Nobody answers.
        add(&format!("{snapshots} --sas-file secrets/sas"), with(&[away], &[]), 14);
        add(&format!("{snapshots} --account-key-file secrets/account-key"), with(&[away], &[]), 14);
        add(&format!("{snapshots} --token-file secrets/token"), with(&[away], &[]), 14);
        add(snapshots, with(&[away, ("AZSEED_SAS", &sas)], &[]), 14);
        add(snapshots, with(&[sign_in_away], &principal), 14);
        add("vault run --now --sas-file secrets/sas", with(&[away], &[]), 14);
        add(list, with(&[arm_away, ("AZSEED_TOKEN", TOKEN)], &[]), 14);
        add(list, with(&[sign_in_away], &principal), 14);
        add(list, with(&[beyond, ("AZSEED_TOKEN", TOKEN), ("AZSEED_PROXY", &proxy)], &[]), 14);
        add(list, with(&[beyond, ("AZSEED_TOKEN", TOKEN), ("HTTPS_PROXY", &proxy)], &[]), 14);
        add(&format!("{list} --proxy {proxy}"), with(&[beyond, ("AZSEED_TOKEN", TOKEN)], &[]), 14);
        // It is not what opens.
        add(&format!("{snapshots} --sas-file secrets/wrong-sas"), with(&[], &[]), 12);
        add(&format!("{snapshots} --account-key-file secrets/wrong-key"), with(&[], &[]), 12);
        add(&format!("{snapshots} --token-file secrets/wrong"), with(&[], &[]), 12);
        add(&format!("{list} --token-file secrets/wrong"), with(&[], &[]), 12);
        add(list, with(&[("AZSEED_TOKEN", WRONG)], &[]), 12);
        // What was sent is said back.
        add(list, with(&to_echo, &[("AZSEED_TOKEN", TOKEN)]), 13);
        add(&format!("{list} --token-file secrets/token"), with(&to_echo, &[]), 13);
        add(list, with(&to_echo, &principal), 12);
        add(&format!("{snapshots} --sas-file secrets/sas"), with(&to_echo, &[]), 13);
        add(snapshots, with(&to_echo, &[("AZSEED_SAS", &sas)]), 13);
        add(snapshots, with(&to_echo, &[("AZSEED_ACCOUNT_KEY", &key)]), 13);
        add("job create --staging staging --yes", with(&to_echo, &[("AZSEED_TOKEN", TOKEN)]), 13);
        // It never ends.
        add(list, with(&to_drip, &[("AZSEED_TOKEN", TOKEN)]), 1);
        add(&format!("{snapshots} --sas-file secrets/sas"), with(&to_drip, &[]), 1);
    }
    // What deletes, gives away or takes in fails in the same ways.
    for json in ["", " --json"] {
        let mut add = |words: &str, variables: Vec<(String, String)>, code| {
            rows.push((format!("{words}{json}"), variables, code));
        };
        let sas_file = "--sas-file secrets/sas";
        let key_file = "--account-key-file secrets/account-key";
        add("cleanup", with(&[("AZSEED_ACCOUNT_KEY", &key)], &[]), 2);
        for words in ["cleanup --yes", "vault restore --target never"] {
            add(&format!("{words} {sas_file}"), with(&[away], &[]), 14);
            add(&format!("{words} {key_file}"), with(&[away], &[]), 14);
            add(words, with(&[sign_in_away], &principal), 14);
            add(&format!("{words} --sas-file secrets/wrong-sas"), with(&[], &[]), 12);
            add(&format!("{words} --account-key-file secrets/wrong-key"), with(&[], &[]), 12);
            add(&format!("{words} --token-file secrets/wrong"), with(&[], &[]), 12);
            add(&format!("{words} {sas_file}"), with(&to_echo, &[]), 13);
            add(words, with(&to_echo, &[("AZSEED_ACCOUNT_KEY", &key)]), 13);
            add(&format!("{words} {sas_file}"), with(&to_drip, &[]), 1);
        }
        for words in [
            "job show --staging staging",
            "job status --staging staging",
            "job ship --staging staging --carrier UPS --tracking-number 1Z2",
            "job return-address --staging staging --contact contact.toml",
            "job cancel --staging staging --yes",
            "job delete --staging staging --yes",
        ] {
            add(words, with(&[arm_away, ("AZSEED_TOKEN", TOKEN)], &[]), 14);
            add(words, with(&[("AZSEED_TOKEN", WRONG)], &[]), 12);
        }
    }
    let row = |bench: &Bench, (words, variables, code): &(String, Vec<(String, String)>, i32)| {
        let variables: Vec<(&str, &str)> =
            variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        bench.row(words, &variables, *code)
    };
    // Runs of one vault take turns.
    let (alone, rows): (Vec<_>, Vec<_>) =
        rows.into_iter().partition(|(words, ..)| words.starts_with("vault run"));
    for own in &alone {
        let own = row(bench, own);
        bench.search.run(vec![own]);
    }
    let rows = rows.iter().map(|own| row(bench, own)).collect();
    bench.search.run(rows);
    let calls = echo.calls();
    assert!(calls.iter().any(|call| call.query.contains("sig=")), "the signature was sent");
    let has_key =
        |call: &support::played::Call| String::from_utf8_lossy(&call.body).contains("bitLockerKey");
    assert!(calls.iter().any(has_key), "the recovery password was sent");
}
