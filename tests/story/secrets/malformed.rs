//! Values that are not what they should be, wherever they come from.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::{AZURE, Bench, TOKEN};

/// Values that are not what they should be, wherever they come from; each may be a secret.
pub fn malformed(bench: &mut Bench) {
    let list = "vault list";
    let mut rows: Vec<(Vec<String>, Vec<(String, String)>, i32)> = Vec::new();
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let connection =
        "DefaultEndpointsProtocol=https;AccountName=account1;AccountKey=MARKER7key==;x";
    let digits = ["123456"; 8].join("-").replacen("123456", "MARKER", 1);
    for json in [&[][..], &["--json"]] {
        let mut add = |words: Vec<String>, variable: Option<(&str, &str)>, code| {
            let json = json.iter().map(|word| word.to_string());
            let variable = variable.map(|(name, value)| (name.to_owned(), value.to_owned()));
            rows.push((
                words.into_iter().chain(json).collect(),
                variable.into_iter().collect(),
                code,
            ));
        };
        for (flag, variable) in [
            ("--proxy", "AZSEED_PROXY"),
            ("--arm-endpoint", "AZSEED_ARM_ENDPOINT"),
            ("--authority", "AZSEED_AUTHORITY"),
            ("--blob-endpoint", "AZSEED_BLOB_ENDPOINT"),
        ] {
            for value in ["http://u:MARKER4proxy@host:port", "MARKER4proxy", "u:MARKER4proxy@h:1"] {
                add([words(list), vec![flag.to_owned(), value.to_owned()]].concat(), None, 2);
                add(words(list), Some((variable, value)), 2);
            }
        }
        // An address that is one, with what none has.
        for flag in ["--arm-endpoint", "--authority"] {
            for value in ["https://u:MARKER4proxy@h/", "https://h/?sig=MARKER4proxy"] {
                let text = format!("job list --staging staging {flag} {value}");
                add(words(&text), Some(("AZSEED_TOKEN", TOKEN)), 2);
            }
        }
        let blob = "vault snapshots --blob-endpoint https://h/?sv=1&sig=MARKER4proxy";
        add(words(blob), Some(("AZSEED_TOKEN", TOKEN)), 2);
        // The secret itself where its file should be named.
        for flag in ["--sas-file", "--account-key-file", "--token-file"] {
            for value in ["sv=1&sig=MARKER5", "MARKER5+key/==", "eyJMARKER5.x.y"] {
                let given = vec![flag.to_owned(), value.to_owned()];
                add([words("vault snapshots"), given].concat(), None, 2);
            }
        }
        let verify = "verify s2.img,serial=S2 --staging sealed";
        add(words(&format!("{verify} --identity AGE-SECRET-KEY-1MARKER")), None, 2);
        let inspect = "inspect s1.img,serial=S1 --recovery-password-file";
        add([words(inspect), vec![digits.clone()]].concat(), None, 2);
        let prep = "prep --staging staging --drive s9.img,serial=S9,size=210M --offline";
        let recipient = "--encrypt-keys-for AGE-SECRET-KEY-1MARKER";
        add(words(&format!("{prep} {recipient}")), None, 2);
        add(words(prep), Some(("AZSEED_ENCRYPT_KEYS_FOR", "AGE-SECRET-KEY-1MARKER")), 2);
        let stage = format!("stage --source source --staging other --job seed-3 {AZURE}");
        add(
            words(&format!(
                "{} --password-file MARKER3password",
                stage.split_whitespace().collect::<Vec<_>>().join(" ")
            )),
            None,
            2,
        );
        let stage = "stage --source source --staging other --job seed-3 --storage-account";
        add([words(stage), vec![connection.to_owned()]].concat(), None, 2);
        add(words("vault snapshots"), Some(("AZSEED_ACCOUNT_KEY", "MARKER5 is not base64")), 2);
        add(words("vault list --sas=sv=1&sig=MARKER5"), None, 2);
    }
    // Help shows no value of the environment.
    rows.push((
        words("vault --help"),
        vec![("AZSEED_PROXY".into(), "http://u:MARKER4proxy@h:1".into())],
        0,
    ));
    rows.push((words("vault -h"), vec![("AZSEED_SAS_FILE".into(), "MARKER5".into())], 0));
    // A configuration file with a value of that kind, and one that breaks off in it.
    for (name, text, code) in [
        ("value", "proxy = \"http://u:MARKER4proxy@host:port\"\n", 2),
        ("form", "proxy = \"http://u:MARKER4proxy@h:1\n", 2),
        ("key", "proxy = 'http://h:1'\nproxy = 'http://u:MARKER4proxy@h:1'\n", 2),
        ("good", "proxy = \"http://u:MARKER4proxy@h:1\"\n", 0),
    ] {
        let path = bench.machine.path(&format!("secrets/{name}.toml"));
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let path = path.display().to_string();
        for text in ["config show", "config show --json", "vault list --help", "vault list"] {
            // Help is only given where the file can be used.
            rows.push((words(text), vec![("AZSEED_CONFIG".into(), path.clone())], code));
        }
    }
    let rows = rows
        .into_iter()
        .map(|(words, variables, code)| {
            let mut row = bench.row("", &[], code);
            row.command = bench.machine.command(&words);
            row.command.env("AZSEED_CA_FILE", bench.emulator.fact("ca_file"));
            row.command.envs(variables.iter().map(|(name, value)| (name, value)));
            row.name = format!("{words:?} {variables:?}");
            row
        })
        .collect::<Vec<_>>();
    // Not all at once: there are more than a small machine likes.
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        bench.search.run(rows.by_ref().take(8).collect());
    }
    assert!(!bench.machine.path("other").exists() && !bench.machine.path("s9.img").exists());
}
