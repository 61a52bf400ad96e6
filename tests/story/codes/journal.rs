//! A journal that a stranger has written: each line fits the one before, and what it says of the
//! recovery password is nothing that can be opened.

use std::fs;

use sha2::{Digest, Sha256};

use super::{everything, is_refused, machine, nothing_changed, words};

/// The records of a journal, each line with the mark that the format asks for.
fn journal(records: &[String]) -> String {
    let mut chain = [0; 32];
    let line = |record: &String| {
        chain = Sha256::new().chain_update(chain).chain_update(record).finalize().into();
        let mark: String = chain[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{mark} {record}\n")
    };
    records.iter().map(line).collect()
}

#[test]
fn a_sealed_password_that_is_no_age_file_opens_nothing() {
    let machine = machine();
    let prep = "prep --staging files --offline --drive image:d.img,serial=D1,size=210M";
    machine.expect(0, &words(prep));
    let path = machine.path("files/journals/D1.journal");
    let text = fs::read_to_string(&path).unwrap();
    let records = text.lines().map(|line| line.split_once(' ').unwrap().1.to_owned());
    let records: Vec<String> = records.collect();
    assert_eq!(journal(&records), text, "the marks are made as the format says");
    let field = "\"recovery_password\":";
    let (before, after) = records[0].split_once(field).unwrap();
    let (_, after) = after.split_once(',').unwrap();
    let head = "-----BEGIN AGE ENCRYPTED FILE-----";
    for sealed in ["", "a text", head] {
        let forged = format!("{before}{field}{{\"sealed\":\"{sealed}\"}},{after}");
        let all = [&[forged], &records[1..]].concat();
        fs::write(&path, journal(&all)).unwrap();
        let seen = everything(&machine);
        for line in
            ["verify image:d.img,serial=D1 --staging files", "job keys --reveal --staging files"]
        {
            let told = machine.run(&words(line));
            is_refused(&told, 1, "sealed-damaged", line);
            assert!(told.stdout.is_empty(), "{}", told.stdout);
        }
        nothing_changed(&machine, &seen);
    }
}
