//! Questions at a terminal that are not answered as they must be.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use super::{everything, is_refused, machine, nothing_changed, words};
use crate::support::CONTACT;
use crate::support::emulator::Emulator;
use crate::support::program::{Said, said};

/// Runs a command at a terminal at which this is typed; all that it says is on one screen.
fn typed(command: &Command, text: &str) -> Said {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    let line: Vec<_> = words.map(|word| word.to_str().unwrap()).collect();
    let mut terminal = Command::new("script");
    terminal.args(["-q", "-e", "-c", &line.join(" "), "/dev/null"]).env_clear();
    terminal.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    terminal.current_dir(command.get_current_dir().unwrap());
    terminal.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = terminal.spawn().unwrap();
    process.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let Said { code, stdout, .. } = said(process.wait_with_output().unwrap());
    Said { code, stdout: String::new(), stderr: stdout }
}

#[test]
fn a_drive_whose_serial_was_typed_wrong_is_not_touched() {
    let machine = machine();
    fs::File::create(machine.path("d.img")).unwrap().set_len(210 << 20).unwrap();
    let prep = "prep --staging files --offline --drive image:d.img,serial=D1";
    let before = everything(&machine);
    for text in ["D2\n", "\n", "d1\n"] {
        let told = typed(&machine.command(&words(prep)), text);
        is_refused(&told, 4, "drive-not-confirmed", text);
        nothing_changed(&machine, &before);
    }
    let told = typed(&machine.command(&words(prep)), "D1\n");
    assert_eq!(told.code, 0, "{}", told.stderr);
    let release = typed(&machine.command(&words("drive release D1 --staging files")), "D2\n");
    is_refused(&release, 4, "drive-not-confirmed", "release");
}

#[test]
fn a_job_whose_end_was_not_confirmed_goes_on() {
    let machine = machine();
    let emulator = Emulator::start(&machine);
    fs::write(machine.path("contact.toml"), CONTACT).unwrap();
    let prep = "prep --staging files --location westus --contact contact.toml \
                --drive image:d.img,serial=D1,size=210M";
    emulator.expect(&machine, 0, &words(prep));
    let jobs = emulator.data().join("meta/jobs");
    let record = fs::read_dir(&jobs).unwrap().next().unwrap().unwrap().path();
    let before = fs::read(&record).unwrap();
    for (line, text) in [
        ("job cancel --staging files", "n\n"),
        ("job cancel --staging files", "\n"),
        ("job cancel --staging files", "D1\n"),
    ] {
        let told = typed(&emulator.command(&machine, &words(line)), text);
        is_refused(&told, 4, "not-confirmed", line);
        assert_eq!(fs::read(&record).unwrap(), before, "{line}");
    }
    for line in ["job cancel --staging files", "job delete --staging files"] {
        let told = typed(&emulator.command(&machine, &words(line)), "y\n");
        assert_eq!(told.code, 0, "{line} {}", told.stderr);
    }
    assert!(!record.exists());
}

#[test]
fn what_nobody_said_of_a_parcel_is_asked_for_at_a_terminal() {
    let machine = machine();
    let emulator = Emulator::start(&machine);
    fs::write(machine.path("contact.toml"), CONTACT).unwrap();
    let prep = "prep --staging files --location westus --contact contact.toml \
                --drive image:d.img,serial=D1,size=210M";
    emulator.expect(&machine, 0, &words(prep));
    let show = || {
        let said = emulator.expect(&machine, 0, &words("job show --staging files --json"));
        serde_json::from_str::<serde_json::Value>(&said.stdout).unwrap()
    };
    let before = show();
    let at = |line: &str, text: &str| typed(&emulator.command(&machine, &words(line)), text);
    // Each line is shown as it is; an empty answer leaves it.
    let lines = "\n2 Other Street\n\n\n\n\n\n+1 425 555 0199\n\n";
    let told = at("job return-address --staging files", lines);
    assert_eq!(told.code, 0, "{}", told.stderr);
    assert!(told.stderr.contains("City [Redmond]: "), "{}", told.stderr);
    let text = |value: &serde_json::Value| value["return_to"].to_string();
    assert_eq!(text(&before).replace("1 Example Street", "2 Other Street"), text(&show()));
    let refused = at("job return-address --staging files", "\n\n\n\n\n\n\ncall me\n\n");
    assert!(refused.code == 2 && refused.stderr.contains("phone"), "{}", refused.stderr);
    let told = at("job return-shipping --staging files", "UPS\n77\n");
    assert_eq!(told.code, 0, "{}", told.stderr);
    let refused = at("job ship --staging files", "FedEx\n1Z1\ntomorrow\n");
    assert!(
        refused.code == 2 && refused.stderr.contains("tomorrow is no day"),
        "{}",
        refused.stderr
    );
    let refused = at("job ship --staging files", "FedEx\n\n\n");
    is_refused(&refused, 2, "flag-missing", "no number");
    assert!(show()["tracking_number"].is_null());
    let told = at("job ship --staging files", "FedEx\n1Z1\n\n");
    assert_eq!(told.code, 0, "{}", told.stderr);
    let asked = ["Carrier: ", "Tracking number: ", "Handed over on ["];
    assert!(asked.iter().all(|text| told.stderr.contains(text)), "{}", told.stderr);
    assert_eq!(show()["tracking_number"], "1Z1");
}
