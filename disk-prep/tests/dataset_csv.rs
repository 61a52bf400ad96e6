//! `dataset.csv`: every generation is read, every fault is named with its
//! line, its column and what to write instead.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests set their stage with plain files and may fail anywhere"
)]

use std::path::{Path, PathBuf};

use disk_prep::dataset::{CsvFault, Item, Row, dataset_csv, driveset_csv};
use disk_prep::noun::{BlobType, ImportDisposition};
use proptest::prelude::*;

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/csv").join(name);
    std::fs::read(path).unwrap()
}

fn said(faults: Vec<CsvFault>) -> Vec<String> {
    faults.iter().map(CsvFault::to_string).collect()
}

/// A row of `dataset.csv` without anything that is optional.
fn plain(line: u64, path: &str, destination: &str) -> Row {
    let path = PathBuf::from(path);
    let item = match destination.split_once('/') {
        Some((container, prefix)) if prefix.is_empty() || prefix.ends_with('/') => {
            let container = container.parse().unwrap();
            Item::Folder { path, container, prefix: prefix.to_owned() }
        }
        _ => Item::File { path, blob: destination.parse().unwrap() },
    };
    let blob_type = Some(BlobType::BlockBlob);
    Row { line, item, blob_type, disposition: None, metadata: None, properties: None }
}

#[test]
fn each_generation_of_a_data_set_is_read() {
    let parse = |name| dataset_csv::parse(&fixture(name)).unwrap();
    let first = "/srv/50M original";
    assert_eq!(
        parse("dataset-2017.csv"),
        [
            Row {
                disposition: Some(ImportDisposition::Rename),
                ..plain(2, &format!("{first}/100M_1.csv.txt"), "containername/100M_1.csv.txt")
            },
            Row {
                blob_type: None,
                disposition: Some(ImportDisposition::NoOverwrite),
                metadata: Some("/srv/metadata.xml".into()),
                properties: Some("/srv/properties.xml".into()),
                ..plain(3, first, "containername/original/")
            },
        ]
    );
    assert_eq!(
        parse("dataset-2018.csv"),
        [
            Row {
                blob_type: Some(BlobType::PageBlob),
                disposition: Some(ImportDisposition::Overwrite),
                ..plain(3, "/srv/a, \"b\".vhd", "$root/disk.vhd")
            },
            plain(4, "/srv/plain", "seed/"),
        ]
    );
    assert_eq!(
        parse("dataset-2.2.csv"),
        [
            plain(2, "/srv/one", "seed/one"),
            Row { blob_type: Some(BlobType::PageBlob), ..plain(3, "/srv/disks", "seed/disks/") },
        ]
    );
    let other_order = b"itemtype, basepath ,DSTITEMPATHORPREFIX,,\nblock, /a , seed/a,,\n,,,\n";
    assert_eq!(dataset_csv::parse(other_order).unwrap(), [plain(2, "/a", "seed/a")]);
}

#[test]
fn what_spreadsheets_leave_is_taken_and_a_cell_is_what_its_quotes_hold() {
    let header = "BasePath,DstItemPathOrPrefix,ItemType";
    for text in [
        format!("{header}\n\"/a\" , \"seed/a\", BlockBlob\n"),
        format!("{header},,\n/a,seed/a,BlockBlob,,\n,,,,\n,,\n"),
        format!("sep=,\n{header}\n/a,seed/a,BlockBlob\n"),
        format!("\u{feff}sep=;\r\n{}\r\n/a;seed/a;BlockBlob\r\n", header.replace(',', ";")),
        format!("{header}\n/a\t ,seed/a , \"BlockBlob \"\n"),
    ] {
        let rows = dataset_csv::parse(text.as_bytes()).unwrap();
        assert_eq!(rows.len(), 1, "{text}");
        assert_eq!(rows[0].item, plain(1, "/a", "seed/a").item, "{text}");
    }
    for path in ["/x/report ", " /x", "/x/re\u{a0}", "/x/a\"b"] {
        let text = format!("{header}\n\"{}\",seed/a,BlockBlob\n", path.replace('"', "\"\""));
        let rows = dataset_csv::parse(text.as_bytes());
        match path.strip_prefix(' ') {
            None => assert_eq!(rows.unwrap()[0].item.path(), Path::new(path)),
            Some(_) => assert_eq!(rows.unwrap_err()[0].column, "BasePath"),
        }
    }
    // Without quotes only blanks are cut, and no other sign that looks like one.
    let rows = dataset_csv::parse(format!("{header}\n/x\u{a0} ,seed/a,BlockBlob").as_bytes());
    assert_eq!(rows.unwrap()[0].item.path(), Path::new("/x\u{a0}"));
}

#[test]
fn a_published_data_set_is_answered_with_paths_of_this_machine() {
    assert_eq!(
        said(dataset_csv::parse(&fixture("dataset-published.csv")).unwrap_err()),
        [
            "line 2, column BasePath: \"F:\\50M_original\\100M_1.csv.txt\" is a Windows path; \
             write where that drive is mounted here, such as /mnt/f/50M_original/100M_1.csv.txt",
            "line 3, column BasePath: \"F:\\50M_original\\\" is a Windows path; write where that \
             drive is mounted here, such as /mnt/f/50M_original/",
        ]
    );
}

/// Rows below the newest header with all columns, and what is said of them.
const BAD_ROWS: &[(&str, &[&str])] = &[
    (
        "\\\\server\\share\\dir\\,seed/,BlockBlob,,,",
        &[
            "line 2, column BasePath: \"\\\\server\\share\\dir\\\" is a Windows share; mount it and \
           write its path here, such as /mnt/server/share/dir/",
        ],
    ),
    (
        "/srv\\a,seed/a,BlockBlob,,,",
        &[
            "line 2, column BasePath: \"/srv\\a\" has backslashes; write / between folders, such as \
           /srv/a",
        ],
    ),
    (
        "f:/a,seed\\a,,,d:\\m.xml,\\\\s\\p.xml",
        &[
            "line 2, column BasePath: \"f:/a\" is a Windows path; write where that drive is \
             mounted here, such as /mnt/f/a",
            "line 2, column DstItemPathOrPrefix: \"seed\\a\" has backslashes; write seed/a",
            "line 2, column ItemType: the cell is empty; write BlockBlob or PageBlob",
            "line 2, column MetadataFile: \"d:\\m.xml\" is a Windows path; write where that drive \
             is mounted here, such as /mnt/d/m.xml",
            "line 2, column PropertiesFile: \"\\\\s\\p.xml\" is a Windows share; mount it and \
             write its path here, such as /mnt/s/p.xml",
        ],
    ),
    (
        "srv/a,seed/a,BlockBlob,,,",
        &["line 2, column BasePath: \"srv/a\" does not begin with /; write the whole path"],
    ),
    (
        "/srv/../a,seed/a,BlockBlob,,,",
        &["line 2, column BasePath: \"/srv/../a\" goes up by `..`; write the path without it"],
    ),
    (
        "/srv/*,seed/a,BlockBlob,,,",
        &["line 2, column BasePath: \"/srv/*\" has a wildcard; name the folder, with / at its end"],
    ),
    (
        ",,,overwrite,,",
        &[
            "line 2, column BasePath: the cell is empty",
            "line 2, column DstItemPathOrPrefix: the cell is empty",
            "line 2, column ItemType: the cell is empty; write BlockBlob or PageBlob",
        ],
    ),
    (
        "/a,seed/a,None,maybe,/m/,",
        &[
            "line 2, column ItemType: the cell is empty; write BlockBlob or PageBlob",
            "line 2, column Disposition: \"maybe\" is no disposition; write overwrite, \
             no-overwrite or rename",
            "line 2, column MetadataFile: \"/m/\" is a folder; write a file, or None",
        ],
    ),
    (
        "/a,seed/a,file,,,\n/b,seed/b,AppendBlob,,,",
        &[
            "line 2, column ItemType: file is for Azure Files; azseed sends blobs: write BlockBlob",
            "line 3, column ItemType: \"AppendBlob\" is no type; write BlockBlob or PageBlob",
        ],
    ),
    (
        "/a/,seed/a,BlockBlob,,,\n/b,seed/b/,BlockBlob,,,\n/c,seed,BlockBlob,,,\n/d/,seed,BlockBlob,,,\n/e,/seed/e,BlockBlob,,,",
        &[
            "line 2, column DstItemPathOrPrefix: the row copies a folder; end it with /: seed/a/",
            "line 3, column DstItemPathOrPrefix: the row copies a file; write the blob's whole \
             name, such as seed/b/b",
            "line 4, column DstItemPathOrPrefix: \"seed\" has no container; write seed/name",
            "line 5, column DstItemPathOrPrefix: \"seed\" has no container; write seed/",
            "line 6, column DstItemPathOrPrefix: \"/seed/e\" begins with /; write the container \
             first",
        ],
    ),
    (
        "/a,https://x.blob.core.windows.net/seed/a,BlockBlob,,,",
        &["line 2, column DstItemPathOrPrefix: \"https://x.blob.core.windows.net/seed/a\" is an \
           address; write container/name"],
    ),
    (
        "/a/,MyShare/,BlockBlob,,,",
        &[
            "line 2, column DstItemPathOrPrefix: \"MyShare\" is not a valid container name: 3 to 63 \
           lower-case letters, digits and single hyphens, a letter or digit at both ends, or $root",
        ],
    ),
    (
        "/a,seed/a//b,BlockBlob,,,\n/b,seed/../b,BlockBlob,,,\n/c,seed/c.,BlockBlob,,,\n/d,seed/x:y/d,BlockBlob,,,\n/e,seed/nul,BlockBlob,,,\n/f/,$root/f/g/,BlockBlob,,,",
        &[
            "line 2, column DstItemPathOrPrefix: \"\" cannot be a name in it: empty, `.` or `..`",
            "line 3, column DstItemPathOrPrefix: \"..\" cannot be a name in it: empty, `.` or `..`",
            "line 4, column DstItemPathOrPrefix: \"c.\" cannot be a name in it: it ends in a dot \
             or a blank",
            "line 5, column DstItemPathOrPrefix: \"x:y\" cannot be a name in it: it has one of / \
             \\ : * ? \" < > |",
            "line 6, column DstItemPathOrPrefix: \"nul\" cannot be a name in it: it is a device \
             name of Windows (CON, PRN, AUX, NUL, COM0-9, LPT0-9, also with ¹ ² ³, CONIN$, CONOUT$)",
            "line 7, column DstItemPathOrPrefix: the container $root takes no folders; write \
             $root/name",
        ],
    ),
    (
        "/a,seed/a,BlockBlob,,,\n/b,seed/a,BlockBlob,,,\n/a,seed/c,BlockBlob,,,\n//a/,seed/d/,BlockBlob,,,",
        &[
            "line 3, column DstItemPathOrPrefix: seed/a is the destination of line 2 already",
            "line 4, column BasePath: /a is copied by line 2 already",
            "line 5, column BasePath: /a is copied by line 2 already",
        ],
    ),
    (
        "/a/b/,seed/x/b/,BlockBlob,,,\n/a/,seed/x/,BlockBlob,,,\n/a/c,seed/x/c,BlockBlob,,,\n/a/d,seed/y/d,BlockBlob,,,",
        &[
            "line 2, column DstItemPathOrPrefix: line 3 copies /a with all below it to the same \
             place; leave this row out",
            "line 4, column DstItemPathOrPrefix: line 3 copies /a with all below it to the same \
             place; leave this row out",
        ],
    ),
    (
        "/a,seed/a,BlockBlob\n\"/c\nd\",seed/c,BlockBlob,,,\n/e,se ed/e,BlockBlob,,,",
        &[
            "line 2, column Disposition: the row ends before it: 3 cells of 6",
            "line 3, column BasePath: there is a line break in it; a quote may be missing",
            "line 5, column DstItemPathOrPrefix: \"se ed\" is not a valid container name: 3 to 63 \
             lower-case letters, digits and single hyphens, a letter or digit at both ends, or $root",
        ],
    ),
    (
        "/b,b,seed/b,BlockBlob,,,rename\n",
        &["line 2, column 7: the row has 7 cells, the header 6; put quotes around a cell with a \
           comma"],
    ),
    (
        "/a,seed/a,BlockBlob,,,\n\n/b,\"seed/b,BlockBlob,,,\n",
        &["line 4, column DstItemPathOrPrefix: a quote is not closed"],
    ),
    (
        "/a\"b\",seed/a,BlockBlob,,,\n\"/c\"d,seed/c,BlockBlob,,,\n/e,seed/e,Block\0Blob,,,",
        &[
            "line 2, column BasePath: a quote stands in the middle; put quotes around the whole \
             cell and double those in it",
            "line 3, column BasePath: there is text behind the closing quote; double a quote that \
             belongs to the cell",
            "line 4, column ItemType: there is a zero byte in it; save the file as UTF-8",
        ],
    ),
    (
        "/a,seed/o\u{fffe},BlockBlob,,,\n/b,seed/com²/b,BlockBlob,,,",
        &[
            "line 2, column DstItemPathOrPrefix: \"o\\u{fffe}\" cannot be a name in it: it has \
             U+FFFE, a noncharacter",
            "line 3, column DstItemPathOrPrefix: \"com²\" cannot be a name in it: it is a device \
             name of Windows (CON, PRN, AUX, NUL, COM0-9, LPT0-9, also with ¹ ² ³, CONIN$, CONOUT$)",
        ],
    ),
];

#[test]
fn every_bad_row_of_a_data_set_is_named_with_line_column_and_remedy() {
    let header = "BasePath,DstItemPathOrPrefix,ItemType,Disposition,MetadataFile,PropertiesFile";
    for (rows, expected) in BAD_ROWS {
        for (end, mark) in [("\n", ""), ("\r\n", "\u{feff}"), ("\r", "")] {
            let text = format!("{mark}{header}\n{rows}\n").replace('\n', end);
            assert_eq!(said(dataset_csv::parse(text.as_bytes()).unwrap_err()), *expected, "{rows}");
        }
    }
    let long = format!("{header}\n/a,seed/{},BlockBlob,,,\n", "x/".repeat(512) + "yz");
    assert_eq!(
        said(dataset_csv::parse(long.as_bytes()).unwrap_err()),
        [
            "line 2, column DstItemPathOrPrefix: the blob's name has 1026 characters, Azure takes at \
          most 1024"
        ]
    );
    let long = format!("{header}\n/{},seed/a,BlockBlob,,,\n", "x".repeat(4096));
    assert_eq!(
        said(dataset_csv::parse(long.as_bytes()).unwrap_err()),
        ["line 2, column BasePath: the path has 4097 bytes, Linux takes 4096"]
    );
}

#[test]
fn a_file_with_other_columns_or_signs_is_answered_with_what_it_should_have() {
    let columns = "BasePath,DstItemPathOrPrefix,ItemType,Disposition,MetadataFile,PropertiesFile";
    for (bytes, expected) in [
        (
            &b""[..],
            "line 1, column BasePath: the file is empty; its first line names the columns"
                .to_owned(),
        ),
        (
            b"\xef\xbb\xbf\r\n",
            "line 1, column BasePath: the file is empty; its first line names the columns".into(),
        ),
        (b"\xff\xfeB\0", "line 1, column BasePath: the file is UTF-16; save it as UTF-8".into()),
        (
            b"/a,seed/a,BlockBlob\n",
            format!(
                "line 1, column BasePath: the first line names no column; it should be {columns}"
            ),
        ),
        (
            b"BasePath;DstItemPathOrPrefix;ItemType\n/a;seed/a;BlockBlob\n",
            "line 1, column 1: the columns are not separated by commas; save the file with commas"
                .into(),
        ),
        (
            b"B\0a\0s\0e\0P\0a\0t\0h\0,\0",
            "line 1, column 1: there is a zero byte in it, as in UTF-16; save the file as UTF-8"
                .into(),
        ),
        (
            b"sep=:\nBasePath:DstItemPathOrPrefix:ItemType\n",
            "line 1, column 1: the line sep= names no separator that is known; leave it out and \
             use commas"
                .into(),
        ),
        (
            b"BasePath\tDstItemPathOrPrefix\tItemType\n/a\tseed/a\tBlockBlob\n",
            "line 1, column 1: the columns are not separated by commas; save the file with commas"
                .into(),
        ),
        (
            b"BasePath,DstItemPathOrPrefix,ItemType\n",
            "line 1, column BasePath: there is no row below the names of the columns".into(),
        ),
        (
            b"BasePath,DstItemPathOrPrefix,ItemType\n/\xe4,seed/a,BlockBlob\n",
            "line 2, column BasePath: it is not UTF-8; save the file as UTF-8".into(),
        ),
        (
            b"BasePath,ItemType\n/a,BlockBlob\n",
            "line 1, column DstItemPathOrPrefix: the column is missing".into(),
        ),
        (
            b"BasePath,DstBlobPathOrPrefix\n/a,seed/a\n",
            "line 1, column ItemType: the column is missing".into(),
        ),
        (
            b"BasePath,DstBlobPathOrPrefix,BlobType,blobtype\n/a,seed/a,,\n",
            "line 1, column blobtype: the column stands twice".into(),
        ),
        (
            b"BasePath,DstItemPathOrPrefix,ItemType,Colour\n/a,seed/a,BlockBlob,red\n",
            format!("line 1, column Colour: there is no such column; the columns are {columns}"),
        ),
    ] {
        assert_eq!(said(dataset_csv::parse(bytes).unwrap_err()), [expected]);
    }
}

fn write_dataset(rows: &[Row]) -> Vec<u8> {
    let mut out = csv::Writer::from_writer(Vec::new());
    let header = ["BasePath", "DstBlobPathOrPrefix", "BlobType"];
    out.write_record(header.iter().chain(&["Disposition", "MetadataFile", "PropertiesFile"]))
        .unwrap();
    for row in rows {
        let end = if matches!(row.item, Item::Folder { .. }) { "/" } else { "" };
        let file = |file: &Option<PathBuf>| {
            file.as_ref().map_or("None".to_owned(), |path| path.display().to_string())
        };
        out.write_record([
            format!("{}{end}", row.item.path().display().to_string().trim_end_matches('/')),
            row.item.destination(),
            row.blob_type.map_or(String::new(), |blob_type| format!("{blob_type:?}")),
            row.disposition.map_or(String::new(), |disposition| disposition.name().to_owned()),
            file(&row.metadata),
            file(&row.properties),
        ])
        .unwrap();
    }
    out.into_inner().unwrap()
}

proptest! {
    #[test]
    fn a_data_set_written_out_again_parses_to_the_same_rows(
        rows in prop::collection::vec(("/([ -~äß]{0,11}[a-z])?", "[a-z0-9$]([a-z0-9, A-Zß-]{0,9}[a-z]/?[a-zß]){1,2}", "|[bB]lockBlob|PAGE", "|None|rename|overwrite", "|None|/[a-z\", ]{1,5}"), 1..4),
        end in prop::sample::select(vec!["", "/"]),
    ) {
        let mut out = csv::WriterBuilder::new().from_writer(Vec::new());
        out.write_record(["basepath", "dstblobpathorprefix", "blobtype", "disposition", "metadatafile"]).unwrap();
        for (path, destination, blob_type, disposition, side) in rows {
            let path = path.replace(['\\', '*'], "_");
            let destination = format!("seed/{destination}{end}");
            out.write_record([format!("{path}{end}"), destination, blob_type, disposition, side]).unwrap();
        }
        let rows = dataset_csv::parse(&out.into_inner().unwrap());
        prop_assume!(rows.is_ok());
        prop_assert_eq!(dataset_csv::parse(&write_dataset(rows.as_ref().unwrap())), rows);
    }

    #[test]
    fn no_bytes_make_a_parser_panic(
        name in prop::sample::select(vec!["dataset-2017.csv", "dataset-2018.csv", "driveset-microsoft.csv", "driveset-serial.csv"]),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        random in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut bytes = fixture(name);
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        for bytes in [bytes, random] {
            let _ = dataset_csv::parse(&bytes);
            let _ = driveset_csv::parse(&bytes);
        }
    }
}
