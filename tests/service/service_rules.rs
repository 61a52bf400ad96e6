//! Every rule that the service has for names, sizes, parcels, drives and rows of a dataset.csv
//! (`azure-import-export` 2.4, 2.5, 3.1, 3.4, 6.5): refused before a call, told, kept by how it is
//! made, or why nobody can know it here. What needs no Azure is tried.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::fs;

use azseed::advice::{Speaker, find};
use support::program::Machine;

/// How a rule is met.
enum Met {
    /// By these refusals of ours, each met by a test of its own.
    Refused(&'static [&'static str]),
    /// What the service says of it is explained.
    Explained(&'static [&'static str]),
    /// It cannot be broken.
    Made(&'static str),
    /// It cannot be known before.
    Unknown(&'static str),
}

use Met::{Explained, Made, Refused, Unknown};

const RULES: &[(&str, &str, Met)] = &[
    ("2.4", "ten drives a job", Made("more than ten become several jobs, each its own parcel")),
    ("2.4", "ten drives of an order", Refused(&["job-too-many-drives"])),
    ("2.4", "open orders", Explained(&["ActiveOrderLimitBreachedDelay"])),
    ("2.4", "one account a job", Refused(&["job-other-account", "auth-contradicted"])),
    ("2.4", "kinds of accounts", Explained(&["StorageAccountNotAccessible"])),
    ("2.4", "blobs, no Azure Files, no share names", Refused(&["csv-invalid"])),
    ("2.4", "size of a drive", Unknown("the pages contradict each other, from 4 TB to no limit")),
    ("2.4", "block and page blobs", Refused(&["csv-invalid", "names-unshippable"])),
    (
        "2.4",
        "blocks and ranges of a manifest",
        Made("blocks and ranges have 4 MiB and are counted"),
    ),
    ("2.4", "journals for the portal", Made("each drive has a file of its own, far below 2 MB")),
    ("2.4", "names of containers and blobs", Refused(&["csv-invalid", "names-unshippable"])),
    ("2.4", "names of jobs", Refused(&["job-name-refused", "usage"])),
    ("2.4", "how long it takes", Unknown("7 to 10 days are an aim of the service, told as such")),
    ("2.5", "one parcel, one number", Refused(&["tracking-number-taken"])),
    ("2.5", "only its drives in a parcel", Refused(&["drive-count"])),
    ("2.5", "carriers", Refused(&["parcels-refused", "shipment-blank"])),
    ("2.5", "inbound IDs", Made("the packing slip of such a region names what is wanted")),
    ("2.5", "whole return address", Refused(&["contact-invalid", "no-return-address"])),
    ("2.5", "a valid account at the carrier", Unknown("only the carrier knows its accounts")),
    ("2.5", "tracking within two weeks", Refused(&["job-too-late-to-ship", "ship-date"])),
    ("3.1", "SATA drives only", Refused(&["drive-not-sata", "drive-host-managed"])),
    ("3.1", "sectors of 512 bytes, also behind a dock", Refused(&["sector-size"])),
    ("3.1", "no enclosure", Unknown("a dock and an enclosure look alike; the checklist asks")),
    (
        "3.1",
        "the serial on the label",
        Refused(&["serial-mismatch", "drive-without-serial", "serial-shared"]),
    ),
    ("3.4", "drive not in the parcel", Explained(&["NeverReceived", "DriveNotReceived"])),
    (
        "3.4",
        "dead or damaged drive",
        Refused(&["drive-read-failed", "drive-read-back", "drive-write-failed"]),
    ),
    ("3.4", "volume is not NTFS", Refused(&["file-system-unreadable", "drive-without-partitions"])),
    ("3.4", "not encrypted", Refused(&["volume-not-bitlocker", "volume-suspended"])),
    ("3.4", "key", Refused(&["volume-wrong-password", "volume-no-recovery-password"])),
    ("3.4", "damaged encryption metadata", Refused(&["volume-metadata-damaged"])),
    ("3.4", "manifest", Refused(&["manifest-unreadable"])),
    ("3.4", "manifest of another drive", Refused(&["wrong-drive"])),
    ("3.4", "account closed to the service", Explained(&["BlobRequestForbidden"])),
    ("3.4", "names that Azure does not take", Refused(&["csv-invalid", "names-unshippable"])),
    ("3.4", "list of an export", Unknown("this program imports only; the code is explained")),
];

#[test]
fn every_rule_of_the_service_is_refused_told_kept_or_cannot_be_known() {
    for (section, rule, met) in RULES {
        match met {
            Refused(codes) => {
                for code in *codes {
                    let said_by = find(code).map(|advice| advice.said_by);
                    assert_eq!(said_by, Some(Speaker::Azseed), "{section} {rule}: {code}");
                }
            }
            Explained(codes) => {
                for code in *codes {
                    let said_by = find(code).map(|advice| advice.said_by);
                    assert_eq!(said_by, Some(Speaker::Datacenter), "{section} {rule}: {code}");
                }
            }
            Made(why) | Unknown(why) => assert!(why.len() > 20, "{section} {rule}"),
        }
    }
    for section in ["2.4", "2.5", "3.1", "3.4"] {
        assert!(RULES.iter().filter(|(own, ..)| *own == section).count() > 3, "{section}");
    }
}

const SECOND: &str = "BasePath,DstItemPathOrPrefix,ItemType";
const FIRST: &str = "BasePath,DstBlobPathOrPrefix,BlobType,Disposition";

#[test]
fn every_row_that_the_service_would_refuse_is_refused_before_a_drive_is_begun() {
    let machine = Machine::new();
    for name in ["folder/a", "deep/sub/x"] {
        fs::create_dir_all(machine.path(name).parent().unwrap()).unwrap();
        fs::write(machine.path(name), "x").unwrap();
    }
    for (name, bytes) in
        [("odd", 513), ("page", (8 << 40) + 512), ("block", 50_000 * (4 << 20) + 1)]
    {
        fs::File::create(machine.path(name)).unwrap().set_len(bytes).unwrap();
    }
    let here = machine.text("");
    let here = here.trim_end_matches('/');
    let (long, parts) = ("x".repeat(1025), "x/".repeat(255));
    let rows = [
        (SECOND, "{}/odd,cont/odd,PageBlob", "a multiple of 512"),
        (SECOND, "{}/page,cont/page,PageBlob", "at most 8796093022208"),
        (SECOND, "{}/block,cont/block,BlockBlob", "at most 50000 blocks"),
        (SECOND, "{}/folder/a,share/a,file", "for Azure Files"),
        (SECOND, "{}/folder/a,Cont/a,BlockBlob", "not a valid container name"),
        (SECOND, "{}/folder/a,co--nt/a,BlockBlob", "not a valid container name"),
        (SECOND, "{}/folder/a,co/a,BlockBlob", "not a valid container name"),
        (SECOND, "{}/folder/a,cont/LONGx,BlockBlob", "longer than"),
        (SECOND, "{}/folder/a,cont/PARTSx,BlockBlob", "256 parts"),
        (SECOND, "{}/folder/a,cont/a.,BlockBlob", "ends in a dot"),
        (SECOND, "folder/a,cont/a,BlockBlob", "does not begin with /"),
        (SECOND, "{}/folder/*,cont/,BlockBlob", "has a wildcard"),
        (SECOND, "{}/folder,cont/,BlockBlob", "the blob's whole name"),
        (SECOND, "{}/folder/,cont,BlockBlob", "write cont/"),
        (SECOND, "{}/deep/,$root/,BlockBlob", "takes no folders"),
        (SECOND, "{}/folder/a,cont/a,None", "the cell is empty"),
        (SECOND, "{}/folder/a,cont/a,", "the cell is empty"),
        (SECOND, "{}/folder/none,cont/a,BlockBlob", "there is no"),
        (FIRST, "{}/folder/a,cont/a,BlockBlob,replace", "is no disposition"),
        ("BasePath,DstItemPathOrPrefix", "{}/folder/a,cont/a", "the column is missing"),
    ];
    let prep = [
        "prep",
        "--dataset",
        "rows.csv",
        "--job",
        "job-1",
        "--storage-account",
        "account1",
        "--subscription",
        "11111111-2222-4333-8444-555555555555",
        "--resource-group",
        "rg",
        "--offline",
        "--drive",
        "d.img,serial=D1,size=210M",
    ];
    for (head, row, why) in rows {
        let row = row.replace("{}", here).replace("LONG", &long).replace("PARTS", &parts);
        fs::write(machine.path("rows.csv"), format!("{head}\n{row}\n")).unwrap();
        let said = machine.run(&prep);
        assert_eq!(said.code, 2, "{row}\n{}", said.stderr);
        assert!(said.stderr.contains("code: csv-invalid "), "{row}\n{}", said.stderr);
        assert!(said.stderr.contains(why), "{row}\n{}", said.stderr);
        assert!(!machine.path("d.img").exists(), "{row}");
    }
    // Both generations, absent side files in all their forms, a mark of the encoding, other ends.
    for text in [
        format!(
            "{FIRST},MetadataFile,PropertiesFile\n{here}/folder/a,cont/a,,rename,\"None\",None\n"
        ),
        format!("\u{feff}{}\r\n\"{here}/folder/\",\"cont/\",BlockBlob\r\n", SECOND.to_uppercase()),
        format!("{SECOND}\n{here}/folder/,$root/,BlockBlob\n"),
    ] {
        fs::write(machine.path("rows.csv"), &text).unwrap();
        let plan = ["plan", "--dataset", "rows.csv", "--job", "job-1", "--drive-size", "1T"];
        machine.expect(0, &plan);
    }
}

#[test]
fn each_service_takes_its_own_names_of_jobs_only() {
    let machine = Machine::new();
    fs::create_dir(machine.path("folder")).unwrap();
    fs::write(machine.path("folder/a"), "x").unwrap();
    let long = ["a".repeat(24), "a".repeat(25), "a".repeat(64), "a".repeat(65)];
    let (fits, too_long, fits_classic, too_long_classic) = (&long[0], &long[1], &long[2], &long[3]);
    for (service, name, code) in [
        ("data-box", "abc", 0),
        ("data-box", fits.as_str(), 0),
        ("data-box", "Office-1", 0),
        ("data-box", "ab", 2),
        ("data-box", too_long.as_str(), 2),
        ("data-box", "a_b", 2),
        ("data-box", "a-b-", 2),
        ("import-export", "ab", 0),
        ("import-export", fits_classic.as_str(), 0),
        ("import-export", too_long_classic.as_str(), 2),
        ("import-export", "Office", 2),
        ("import-export", "1a", 2),
        ("import-export", "a_b", 2),
    ] {
        let staging = format!("{service}-{name}");
        let said = machine.run(&[
            "stage",
            "adopt",
            "--source",
            "folder",
            "--staging",
            &staging,
            "--job",
            name,
            "--service",
            service,
            "--storage-account",
            "account1",
            "--container",
            "cont",
            "--resource-group",
            "rg",
            "--subscription",
            "11111111-2222-4333-8444-555555555555",
        ]);
        assert_eq!(said.code, code, "{service} {name}\n{}", said.stderr);
        assert_eq!(machine.path(&staging).exists(), code == 0, "{service} {name}");
    }
}
