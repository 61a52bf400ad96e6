//! The commands that a line of `Next` or `hint` tells are typed as they are told, each in a copy of
//! the machine that told it: its folder under the same name, its emulator at the same addresses, in
//! namespaces of their own, so that the story goes on as if nobody had typed them.

use std::process::{Command, Stdio};

use super::program::Machine;

/// Commands that are told and not typed here, and why.
const UNTYPED: &[(&str, &str)] = &[
    ("azseed inspect", "which drive is looked at is the reader's to say"),
    ("azseed stage", "what is staged, and where, is the reader's to say"),
    ("azseed prep", "which drive is used is the reader's to say"),
    ("azseed prep --staging /here/staging", "which drive is used is the reader's to say"),
];
/// What a person is asked at a terminal, a script says beforehand.
const ASKED: &[&str] = &["azseed cleanup"];

/// The copy, with an emulator in it, and the command. Where it waits for the service, time goes by.
const IN_COPY: &str = "set -e\n\
    cp -a --sparse=always \"$1/.\" \"$2\"\n\
    mount --bind \"$2\" \"$1\"\n\
    cd \"$1\"\n\
    ip link set lo up\n\
    \"$3\" --state own emulator --data azure --account account1 \
      --subscription 11111111-2222-4333-8444-555555555555 > up &\n\
    emulator=$!\n\
    until [ -s up ]; do kill -0 $emulator; sleep 0.05; done\n\
    . ./azure/azure.env\n\
    set +e\n\
    case \"$4\" in *'vm job wait'*) \"$3\" emulator clock +10m --data azure ;; esac\n\
    eval \"$4\"\n\
    code=$?\n\
    kill $emulator\n\
    exit $code";

/// The commands that the lines of `Next` and `hint` of a text tell.
pub fn told(text: &str) -> Vec<String> {
    let mut is_told = false;
    let mut found = Vec::new();
    for line in text.lines() {
        let own = line.trim_start();
        let begins = own.starts_with("hint:") || own.starts_with("Next ") || line.contains("Next:");
        // It may go on in lines below its label.
        is_told = begins || is_told && line.starts_with("         ");
        if is_told {
            let from = line.find("Next:").filter(|_| !own.starts_with("hint:")).unwrap_or(0);
            let quoted = line[from..].split('`').skip(1).step_by(2);
            let commands = quoted.filter(|text| *text == "azseed" || text.starts_with("azseed "));
            found.extend(commands.map(str::to_owned));
        }
    }
    found
}

/// Types a command that was told, with these drives where it names any; whether it was typed.
pub fn try_told(machine: &Machine, command: &str, drives: &[String]) -> bool {
    let plain = command.replace(machine.text("").trim_end_matches('/'), "/here");
    if UNTYPED.iter().any(|(own, _)| *own == plain) {
        return false;
    }
    let mut words: Vec<String> = Vec::new();
    for word in command.split(' ') {
        let flag = words.last().map(String::as_str).unwrap_or_default();
        let value = match (flag, word) {
            (_, "DRIVE…") => made(machine, drives),
            ("--vault", "NAME") => "office".to_owned(),
            ("--carrier", "NAME") => "FedEx".to_owned(),
            ("--tracking-number", "NUMBER") => "1Z999".to_owned(),
            ("--location", "REGION") => "westeurope".to_owned(),
            ("--contact", "FILE") => "contact.toml".to_owned(),
            (_, word) => word.to_owned(),
        };
        words.push(value);
    }
    let is_asked = ASKED.iter().any(|own| command.starts_with(own));
    let program = env!("CARGO_BIN_EXE_azseed");
    let line = words.join(" ").replacen("azseed", &format!("'{program}' --state state"), 1);
    let line = if is_asked { line + " --yes" } else { line };
    let mut copy = tempfile::Builder::new();
    let copy = copy.prefix("azseed-told-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut typed = Command::new("/usr/bin/unshare");
    typed.args(["--mount", "--net", "--propagation", "private", "sh", "-c", IN_COPY, "sh"]);
    typed.arg(machine.path("").components().as_path()).arg(copy.path()).arg(program).arg(&line);
    typed.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").stdin(Stdio::null());
    typed.env("HOME", machine.path("").components().as_path());
    let output = typed.output().unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "told, and does not work: {command}\ntyped as {line}\n{}\n{}{}",
        output.status,
        said(&output.stdout),
        said(&output.stderr)
    );
    true
}

/// Those of the drives that there are.
fn made(machine: &Machine, drives: &[String]) -> String {
    let is_made = |drive: &&String| {
        let path = drive.split(',').next().unwrap_or_default();
        machine.path(path.trim_start_matches("image:")).exists()
    };
    drives.iter().filter(is_made).map(String::as_str).collect::<Vec<_>>().join(" ")
}

#[test]
fn what_is_told_is_found_below_its_label_too() {
    let text = "Next: send them, then `azseed job ship`\n  hint: list with `azseed list` or `ls`\n\
                Next       say so with\n             `azseed a b`\nDone `azseed c`\n";
    assert_eq!(told(text), ["azseed job ship", "azseed list", "azseed a b"]);
}
