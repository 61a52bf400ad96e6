//! Every command that a whole journey prints as the next one runs as it is printed, with what only
//! a person knows put in for the words in capitals.
#![allow(clippy::disallowed_methods, reason = "tests start programs and write no state files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::fs;

use support::emulator::Emulator;
use support::program::{Machine, Said, said};

const TARGET: &str = "--storage-account account1 --container seed --resource-group rg \
                      --subscription 11111111-2222-4333-8444-555555555555";

/// The commands between back quotes in a line that tells what comes next.
fn next(said: &Said) -> Vec<String> {
    // A page goes on below the label, indented.
    let mut is_next = false;
    let lines = said.stdout.lines().filter(|line| {
        is_next = line.contains("Next") || is_next && line.starts_with("          ");
        is_next
    });
    let quoted = lines.flat_map(|line| line.split('`').skip(1).step_by(2));
    let commands: Vec<String> =
        quoted.filter(|text| text.starts_with("azseed ")).map(str::to_owned).collect();
    assert!(!commands.is_empty(), "{}", said.stdout);
    commands
}

/// Types a printed command into a shell, with these words for those in capitals.
fn typed(machine: &Machine, emulator: &Emulator, command: &str, known: &[(&str, &str)]) -> Said {
    let text = known.iter().fold(command.to_owned(), |text, (word, value)| {
        let ends = [' ', '\n'];
        let mut words: Vec<&str> = text.split_inclusive(ends).collect();
        for own in &mut words {
            if own.trim() == *word {
                *own = value;
            }
        }
        words.iter().map(|word| word.trim()).collect::<Vec<_>>().join(" ")
    });
    let done = shell(machine, emulator, &text);
    assert_eq!(done.code, 0, "{text}\n{}\n{}", done.stdout, done.stderr);
    done
}

/// Runs a line as a shell reads it, in the same surroundings as any command of this machine has.
pub fn shell(machine: &Machine, emulator: &Emulator, line: &str) -> Said {
    let state = machine.text("state");
    let program = format!("{} --state '{state}'", env!("CARGO_BIN_EXE_azseed"));
    let text = line.replacen("azseed", &program, 1);
    let same = emulator.command(machine, &["--version"]);
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &text]).env_clear().current_dir(machine.path(""));
    for (name, value) in same.get_envs() {
        shell.env(name, value.unwrap());
    }
    said(shell.output().unwrap())
}

#[test]
fn every_next_command_of_a_journey_runs_as_it_is_printed() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    fs::create_dir(machine.path("source")).unwrap();
    fs::write(machine.path("source/file"), vec![7; 3_000_000]).unwrap();
    fs::write(machine.path("contact.toml"), support::CONTACT).unwrap();
    let go = |command: &str, known: &[(&str, &str)]| typed(&machine, &emulator, command, known);
    // A blank in the name, as a share may have it.
    let begun = go(
        &format!("azseed stage --source source --staging 'the staging path' --job seed-1 {TARGET}"),
        &[],
    );
    let [plan] = next(&begun).try_into().unwrap();
    go(&plan, &[]);
    let filled = go(
        "azseed prep --staging 'the staging path' --offline --drive s1.img,serial=S1,size=210M",
        &[],
    );
    let [verify, make] = next(&filled).try_into().unwrap();
    go(&verify, &[("DRIVE…", "s1.img,serial=S1")]);
    let known = [("REGION", "westus"), ("FILE", "contact.toml")];
    assert!(make.contains("REGION") && make.contains("FILE"), "the seed has neither: {make}");
    go(&make, &known);
    // With the job made by the same command.
    let made = go(
        "azseed prep --staging 'the staging path' --location westus --contact contact.toml \
         --drive s1.img,serial=S1",
        &[],
    );
    let [ship] = next(&made).try_into().unwrap();
    go(&ship, &[("NAME", "FedEx"), ("NUMBER", "1Z1")]);
    go("azseed vault create --vault office --staging 'the staging path'", &[]);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    let status = go("azseed job status --staging 'the staging path'", &[]);
    let [run] = next(&status).try_into().unwrap();
    go(&run, &[]);
    go("azseed cleanup --yes", &[]);
    let text = go("azseed vault status", &[]).stdout;
    assert!(text.contains("protected"), "{text}");
}

#[test]
fn the_next_commands_after_a_dataset_make_its_job_and_ship_it() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    fs::create_dir(machine.path("source")).unwrap();
    fs::write(machine.path("source/file"), vec![7; 3_000_000]).unwrap();
    fs::write(machine.path("contact.toml"), support::CONTACT).unwrap();
    let rows = format!("{}/,cont/x/,BlockBlob", machine.text("source"));
    let rows = format!("BasePath,DstItemPathOrPrefix,ItemType\n{rows}\n");
    fs::write(machine.path("rows of mine.csv"), rows).unwrap();
    let go = |command: &str, known: &[(&str, &str)]| typed(&machine, &emulator, command, known);
    let filled = go(
        "azseed prep --dataset 'rows of mine.csv' --job seed-1 --offline --resource-group rg \
         --drive s1.img,serial=S1,size=210M",
        &[],
    );
    let [verify, make] = next(&filled).try_into().unwrap();
    let against = go(&verify, &[("DRIVE…", "s1.img,serial=S1")]).stdout;
    assert!(against.contains("compared with journal and manifest: equal"), "{against}");
    let known = [("NAME", "account1"), ("ID", "11111111-2222-4333-8444-555555555555")];
    // What nobody has said yet is asked for by the command itself.
    go(&format!("{make} --location westus --contact contact.toml"), &known);
    let ship = "azseed job ship --job seed-1 --subscription ID --resource-group rg --carrier FedEx \
                --tracking-number 1Z1";
    go(ship, &known);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    assert_eq!(fs::read(emulator.blob("cont", "x/file")).unwrap(), vec![7; 3_000_000]);
}

#[test]
fn the_next_commands_of_a_followed_job_of_files_lead_to_its_end() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    fs::create_dir(machine.path("source")).unwrap();
    fs::write(machine.path("source/file"), vec![7; 3_000_000]).unwrap();
    fs::write(machine.path("contact.toml"), support::CONTACT).unwrap();
    let go = |command: &str, known: &[(&str, &str)]| typed(&machine, &emulator, command, known);
    go(
        &format!(
            "azseed stage adopt --source source --staging 'the staging path' --job seed-1 {TARGET} \
             --location westus --contact contact.toml"
        ),
        &[],
    );
    let [plan] = next(&go("azseed status", &[])).try_into().unwrap();
    go(&plan, &[]);
    go("azseed prep --staging 'the staging path' --drive s1.img,serial=S1,size=210M", &[]);
    let known = [("NAME", "FedEx"), ("NUMBER", "1Z1")];
    // Both pages ask for the same, as it can be typed.
    let [first] = next(&go("azseed job status", &[])).try_into().unwrap();
    let [ship] = next(&go("azseed status", &[])).try_into().unwrap();
    assert!(first == ship && ship.starts_with("azseed job ship"), "{first}\n{ship}");
    go(&ship, &known);
    emulator.dock(&machine, &["s1.img,serial=S1"]);
    let [compare] = next(&go("azseed status", &[])).try_into().unwrap();
    assert_eq!(next(&go("azseed job status", &[])), std::slice::from_ref(&compare));
    let [clear] = next(&go(&compare, &[])).try_into().unwrap();
    go(&format!("{clear} --yes"), &[]);
    let text = go("azseed status", &[]).stdout;
    assert!(text.contains("nothing: all of it is where it was sent to"), "{text}");
}
