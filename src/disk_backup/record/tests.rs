//! Records: how they are read, joined and named.

use super::*;

impl DiskBackup {
    /// One that was never written anywhere.
    pub fn example() -> Self {
        DiskBackup {
            version: 1,
            revision: 0,
            id: Uuid::nil(),
            name: "os".parse().unwrap(),
            source: "account1/disks/os.vhd".parse().unwrap(),
            image: None,
            target: "account1/backup/os.vhd".parse().unwrap(),
            generation: 1,
            every_secs: 600,
            first: FirstCopy::Auto,
            diff: DiffWish::Auto,
            transfer: Via::Client,
            engine: Engine::Diff,
            run: None,
            last: None,
            keep: Keep::default(),
            proofs: BTreeMap::new(),
            restored: None,
        }
    }
}

#[test]
fn a_time_is_told_as_it_is_typed() {
    let told = [600, 5400, 43_200, 86_400, 172_800].map(super::typed_time);
    assert_eq!(told, ["10m", "90m", "12h", "1d", "2d"]);
}

fn own(revision: u64) -> DiskBackup {
    DiskBackup { revision, ..DiskBackup::example() }
}

fn round(secs: i64) -> Option<LastRound> {
    let at = Timestamp::from_second(secs).unwrap();
    Some(LastRound { at, ..LastRound::default() })
}

#[test]
fn of_two_records_the_newer_one_holds_and_nothing_that_was_done_is_forgotten() {
    let run = Some(Uuid::max());
    let old = DiskBackup { run, last: round(9), ..own(3) };
    let new = DiskBackup { every_secs: 60, last: round(7), ..own(4) };
    let joined = old.clone().joined(new.clone());
    assert_eq!((joined.every_secs, joined.revision), (60, 4));
    assert_eq!((joined.run, joined.last), (run, round(9)), "what is this machine's stays");
    assert_eq!(new.clone().joined(old.clone()), new, "an older one is not taken");
    let anew = DiskBackup { generation: 2, ..own(4) };
    assert_eq!(old.joined(anew).last, None, "the new copy has no point yet");
    // Of two of older programs, the one with the later round.
    let (one, two) = (DiskBackup { last: round(5), ..own(0) }, own(0));
    assert_eq!(two.clone().joined(one.clone()).last, round(5));
    assert_eq!(DiskBackup { every_secs: 60, ..one.clone() }.joined(two).every_secs, 60);
    assert_eq!(DiskBackup { last: round(8), ..one }.joined(own(1)).revision, 1);
    let proof = Proof { at: Timestamp::UNIX_EPOCH, by: ProvenBy::Table, is_whole: true };
    let proven = DiskBackup { proofs: [("t".to_owned(), proof)].into(), ..own(2) };
    assert_eq!(proven.clone().joined(own(2)).proofs.len(), 1, "not said there yet");
    assert_eq!(proven.joined(own(3)).proofs.len(), 0, "pruned there");
    // A clock that was ahead makes no round a later one.
    let stamped = |stamp: &str, secs| {
        let last = round(secs).map(|own| LastRound { backup_snapshot: stamp.to_owned(), ..own });
        DiskBackup { last, ..own(4) }
    };
    let (ahead, later) = (
        stamped("2026-11-29T04:00:00.0000000Z", 1 << 34),
        stamped("2026-11-30T04:00:00.0000000Z", 9),
    );
    assert_eq!(ahead.joined(later.clone()).last, later.last);
}

#[test]
fn a_record_is_read_if_it_is_whole_of_this_form_and_of_its_name() {
    let read = |text: &[u8], name| DiskBackup::read(text, Path::new("os.json"), name);
    let text = own(1).text();
    assert_eq!(read(&text, "os").unwrap(), own(1));
    let newer =
        String::from_utf8(text.clone()).unwrap().replace("\"version\": 1", "\"version\": 2");
    for (text, name, code) in [
        (&text[..], "web", "disk-record-damaged"),
        (&text[..40], "os", "disk-record-damaged"),
        (b"", "os", "disk-record-damaged"),
        (newer.as_bytes(), "os", "disk-record-newer"),
        (b"{\"version\": 9}", "os", "disk-record-newer"),
    ] {
        assert_eq!(disk_prep::noun::Diagnose::code(&read(text, name).unwrap_err()), code);
    }
}

#[test]
fn copies_are_named_one_after_the_other_from_whichever_goes_on() {
    let named = |target: &str, generation| DiskBackup {
        target: format!("account1/backup/{target}").parse().unwrap(),
        generation,
        ..own(1)
    };
    let all = |own: DiskBackup| [1, 2, 3].map(|generation| own.copy_name(generation));
    assert_eq!(all(named("os.vhd", 1)), ["os.vhd", "os.g2.vhd", "os.g3.vhd"]);
    assert_eq!(all(named("os.g2.vhd", 2)), ["os.vhd", "os.g2.vhd", "os.g3.vhd"]);
    assert_eq!(all(named("os.g3.vhd", 3)), ["os.vhd", "os.g2.vhd", "os.g3.vhd"]);
    // A first copy may be called so by its owner.
    assert_eq!(named("os.g1.vhd", 1).copy_name(2), "os.g1.g2.vhd");
    assert_eq!(named("plain", 1).copy_name(1), "plain");
}
