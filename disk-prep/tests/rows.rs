//! The rows of a `dataset.csv` as files with destinations, and what the manifest says of them
//! when they have metadata and properties.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests set their stage with plain files and may fail anywhere"
)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use disk_prep::dataset::Error;
use disk_prep::dataset::{
    DataFile, DataSet, FileList, ListedFile, Listing, RowsOptions, read_dataset, scan_rows,
    with_side_files,
};
use disk_prep::manifest::{Entry, ManifestWriter, Zeros, length_bytes, parse};
use disk_prep::noun::{BlobType, Diagnose, ErrorKind, ImportDisposition, Md5Digest, Serial};
use md5::{Digest, Md5};

struct Bench(tempfile::TempDir);

impl Bench {
    fn new() -> Self {
        Bench(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Scans rows; `@` stands for the folder of this bench.
    fn scan(&self, rows: &str) -> Result<DataSet, Error> {
        let folder = self.0.path().to_str().unwrap();
        // The first generation, in which a type may be left out.
        let header =
            "BasePath,DstBlobPathOrPrefix,BlobType,Disposition,MetadataFile,PropertiesFile";
        let csv = self.0.path().join("dataset.csv");
        fs::write(&csv, format!("{header}\n{}\n", rows.replace('@', folder))).unwrap();
        let rows = read_dataset(&csv)?;
        scan_rows(&rows, &RowsOptions { csv, job: "job-1".parse().unwrap() })
    }

    /// What is said of rows; the folder of this bench is `@` again.
    fn faults(&self, rows: &str) -> Vec<String> {
        let Err(error) = self.scan(rows) else { panic!("these rows must be refused") };
        assert_eq!((error.code(), error.kind()), ("csv-invalid", ErrorKind::Usage));
        let Error::Csv { faults, .. } = error else { panic!("{error}") };
        let folder = self.0.path().to_str().unwrap();
        faults.iter().map(|fault| fault.to_string().replace(folder, "@")).collect()
    }
}

fn unpacked(files: &FileList) -> Vec<DataFile> {
    files.iter().map(ListedFile::unpack).collect()
}

#[test]
fn every_row_becomes_files_with_its_destination_type_and_disposition() {
    let bench = Bench::new();
    bench.file("one.bin", b"1");
    bench.file("tree/a/deep", b"22");
    bench.file("tree/top", b"333");
    fs::create_dir(bench.0.path().join("tree/empty")).unwrap();
    bench.file("disks/b.VHD", [0; 1024]);
    bench.file("disks/notes", b"4");
    let set = bench
        .scan(
            "@/one.bin,$root/x.bin,BlockBlob,rename,,\n\
             @/tree/,seed/in/,,,None,\n\
             @/disks/,vm-disks/,,no-overwrite,,",
        )
        .unwrap();
    let files = unpacked(&set.files);
    let seen: Vec<_> = files
        .iter()
        .map(|file| {
            (
                file.path.as_str(),
                file.blob.to_string(),
                file.blob_type,
                file.disposition,
                file.bytes,
            )
        })
        .collect();
    use BlobType::{BlockBlob, PageBlob};
    use ImportDisposition::{NoOverwrite, Rename};
    assert_eq!(
        seen,
        [
            ("\\job-1\\$root\\x.bin", "$root/x.bin".into(), BlockBlob, Rename, 1),
            ("\\job-1\\seed\\in\\a\\deep", "seed/in/a/deep".into(), BlockBlob, NoOverwrite, 2),
            ("\\job-1\\seed\\in\\top", "seed/in/top".into(), BlockBlob, NoOverwrite, 3),
            ("\\job-1\\vm-disks\\b.VHD", "vm-disks/b.VHD".into(), PageBlob, NoOverwrite, 1024),
            ("\\job-1\\vm-disks\\notes", "vm-disks/notes".into(), BlockBlob, NoOverwrite, 1),
        ]
    );
    for file in &files {
        let found = fs::metadata(set.root.join(&file.source)).unwrap();
        assert_eq!(found.len(), file.bytes, "{}", file.source.display());
        assert!(file.listing.is_plain());
    }
    // What is not new is written as before, so that older programs read it.
    let text = serde_json::to_string(&files[0]).unwrap();
    assert!(!text.contains("listing"), "{text}");
    assert_eq!(serde_json::from_str::<DataFile>(&text).unwrap(), files[0]);
}

#[test]
fn whatever_cannot_be_sent_is_named_with_its_line_all_at_once() {
    let bench = Bench::new();
    bench.file("tree/a:b", b"1");
    bench.file("tree/fine", b"1");
    bench.file("tree/sub/x", b"1");
    bench.file("odd.vhd", [0; 513]);
    bench.file("meta.xml", "<Metadata><a-b>1</a-b></Metadata>");
    bench.file(
        "md5.xml",
        "<Properties><Content-MD5>Q2hlY2sgSW50ZWdyaXR5IQ==</Content-MD5></Properties>",
    );
    bench.file("huge.xml", vec![b' '; (1 << 20) + 1]);
    symlink("fine", bench.0.path().join("tree/link")).unwrap();
    assert_eq!(
        bench.faults(
            "@/none,seed/none,BlockBlob,,,\n\
             @/tree,seed/tree,BlockBlob,,,\n\
             @/odd.vhd/,seed/odd/,BlockBlob,,,\n\
             @/tree/sub/,$root/,BlockBlob,,,\n\
             @/tree/link,seed/link,BlockBlob,,,"
        ),
        [
            "line 2, column BasePath: there is no @/none",
            "line 3, column BasePath: @/tree is a folder; write @/tree/",
            "line 4, column BasePath: @/odd.vhd is no folder; write @/odd.vhd",
            "line 6, column BasePath: @/tree/link is a symbolic link; name what it leads to",
        ]
    );
    assert_eq!(
        bench.faults(
            "@/tree/,seed/t/,BlockBlob,,@/meta.xml,@/md5.xml\n\
             @/odd.vhd,seed/odd,PageBlob,,@/meta.xml,@/none.xml\n\
             @/tree/sub/,seed/t2/,BlockBlob,,@/huge.xml,@/tree\n\
             @/md5.xml,seed/t/fine,BlockBlob,,,@/md5.xml"
        ),
        [
            "line 2, column MetadataFile: @/meta.xml: \"a-b\" is no name of metadata: letters, \
             digits and _, no digit first",
            "line 2, column PropertiesFile: @/md5.xml: Content-MD5 is of one file, and the row \
             copies a folder",
            "line 2, column BasePath: @/tree/a:b: it has one of / \\ : * ? \" < > |",
            "line 2, column BasePath: @/tree/link is a symbolic link; name what it leads to",
            "line 3, column MetadataFile: @/meta.xml: \"a-b\" is no name of metadata: letters, \
             digits and _, no digit first",
            "line 3, column PropertiesFile: there is no @/none.xml",
            "line 3, column BasePath: @/odd.vhd: it has 513 bytes, a page blob takes a multiple \
             of 512",
            "line 4, column MetadataFile: @/huge.xml has 1048577 bytes; such a file has at most \
             1048576",
            "line 4, column PropertiesFile: @/tree is no regular file",
            "line 5, column PropertiesFile: @/md5.xml: Content-MD5 says Q2hlY2sgSW50ZWdyaXR5IQ==, \
             but @/md5.xml has AIdQvnbsfohb58rsd+9dDA==",
            "line 5, column BasePath: @/md5.xml would become seed/t/fine, as a file of line 2 does",
        ]
    );
    bench.file("tree/sub/y/z", b"1");
    assert_eq!(
        bench.faults("@/tree/sub/,$root/,BlockBlob,,,"),
        ["line 2, column BasePath: @/tree/sub/y/z: the container $root takes no folders"]
    );
}

#[test]
fn a_blank_behind_a_path_never_makes_it_another_file() {
    let bench = Bench::new();
    bench.file("report", b"WRONG");
    bench.file("report ", b"RIGHT");
    let set = bench.scan("\"@/report \",seed/report,BlockBlob,,,").unwrap();
    assert_eq!(fs::read(set.root.join(set.files.at(0).source())).unwrap(), b"RIGHT");
    let said = bench.faults("@/report ,seed/report,BlockBlob,,,");
    assert_eq!(
        said,
        ["line 2, column BasePath: there is a file \"@/report \" too; put quotes around the one \
          meant"]
    );
    fs::remove_file(bench.0.path().join("report ")).unwrap();
    let set = bench.scan("@/report ,seed/report,BlockBlob,,,").unwrap();
    assert_eq!(set.files.len(), 1);
    let said = bench.faults("\"@/report \",seed/report,BlockBlob,,,");
    assert_eq!(said, ["line 2, column BasePath: there is no @/report "]);
}

#[test]
fn a_digest_that_is_not_the_files_is_refused() {
    let bench = Bench::new();
    bench.file("data", b"content");
    let properties = |digest: &[u8]| {
        let digest = STANDARD.encode(Md5::digest(digest));
        format!("<Properties><Content-MD5>{digest}</Content-MD5></Properties>")
    };
    bench.file("true.xml", properties(b"content"));
    bench.file("false.xml", properties(b"other content"));
    let set = bench.scan("@/data,seed/data,BlockBlob,,,@/true.xml").unwrap();
    assert_eq!(set.files.len(), 1);
    bench.file("gzip.xml", "<Properties><Content-Encoding>gzip</Content-Encoding></Properties>");
    bench.file("packed/a.gz", [0x1f, 0x8b, 8, 0]);
    let set = bench.scan("@/packed/,seed/p/,BlockBlob,,,@/gzip.xml").unwrap();
    assert_eq!(set.files.len(), 1);
    bench.file("packed/b.gz", b"");
    let said = bench.faults("@/packed/,seed/p/,BlockBlob,,,@/gzip.xml");
    assert_eq!(
        said,
        ["line 2, column PropertiesFile: @/gzip.xml: Content-Encoding says gzip, but \
          @/packed/b.gz is not so"]
    );
    let said = bench.faults("@/data,seed/data,BlockBlob,,,@/false.xml");
    assert_eq!(
        said,
        ["line 2, column PropertiesFile: @/false.xml: Content-MD5 says DIR1HwypxohrsJ8t0aZvqg==, \
          but @/data has mgNkuembtIDdJeHwKEyFVQ=="]
    );
}

#[test]
fn links_that_a_person_names_are_resolved_once() {
    let bench = Bench::new();
    bench.file("real/tree/a", b"1");
    bench.file("real/one", b"2");
    symlink("real", bench.0.path().join("link")).unwrap();
    let set =
        bench.scan("@/link/tree/,seed/t/,BlockBlob,,,\n@/link/one,seed/one,BlockBlob,,,").unwrap();
    let folder = fs::canonicalize(bench.0.path()).unwrap();
    for (file, name) in set.files.iter().zip(["real/one", "real/tree/a"]) {
        assert_eq!(set.root.join(file.source()), folder.join(name));
    }
}

#[test]
fn clashes_are_told_with_other_faults_and_empty_folders_are_noted() {
    let bench = Bench::new();
    bench.file("t/x", b"1");
    bench.file("t/X", b"1");
    bench.file("t/bad\u{1}", b"1");
    fs::create_dir(bench.0.path().join("t/empty")).unwrap();
    assert_eq!(
        bench.faults("@/t/,seed/t/,BlockBlob,,,"),
        [
            "line 2, column BasePath: \"@/t/bad\\u{1}\": it has U+0001, a control character",
            "line 2, column BasePath: \\job-1\\seed\\t\\X and \\job-1\\seed\\t\\x are one name on \
             NTFS, which knows no case",
        ]
    );
    fs::remove_file(bench.0.path().join("t/bad\u{1}")).unwrap();
    let set = bench.scan("@/t/,seed/t/,BlockBlob,,,").unwrap();
    assert_eq!(set.empty_folders, [bench.0.path().join("t/empty")]);
}

fn digests(root: &Path, file: &DataFile) -> Vec<Md5Digest> {
    let content = fs::read(root.join(&file.source)).unwrap();
    content.chunks(4 << 20).map(|block| Md5Digest::new(Md5::digest(block).into())).collect()
}

/// Files with metadata and properties, as they go on one drive.
fn with_sides() -> (Bench, DataSet, Vec<DataFile>) {
    let bench = Bench::new();
    bench.file("animals/koala & co.jpg", b"koala");
    bench.file("animals/empty", b"");
    bench.file("disk.vhd", [7; 1024]);
    bench.file("plain", b"plain");
    bench.file("m.xml", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Metadata><DataSetName>SampleData</DataSetName></Metadata>\n");
    bench.file("p.xml", "<Properties><Content-Type>image/jpeg</Content-Type></Properties>");
    bench.file("same.xml", "<Properties><Content-Type>image/jpeg</Content-Type></Properties>");
    let set = bench
        .scan(
            "@/animals/,pictures/animals/,BlockBlob,overwrite,@/m.xml,@/p.xml\n\
             @/disk.vhd,vms/disk.vhd,PageBlob,rename,None,@/same.xml\n\
             @/plain,pictures/plain,BlockBlob,,,",
        )
        .unwrap();
    let files = with_side_files(&set.files);
    assert_eq!(with_side_files(&files), files, "a second time nothing is added");
    (bench, set, unpacked(&files))
}

#[test]
fn a_manifest_with_metadata_and_properties_is_the_golden_one() {
    let (_bench, set, files) = with_sides();
    let names: Vec<_> = files.iter().map(|file| file.path.as_str()).collect();
    assert!(
        names[0].starts_with("\\job-1\\_metadata\\") && names[0].ends_with(".xml"),
        "{names:?}"
    );
    assert!(names[1].starts_with("\\job-1\\_properties\\"), "{names:?}");
    assert_eq!(names.len(), 2 + set.files.len(), "each lies on the drive once");

    let serial = Serial::new("9WM35C2V").unwrap();
    let planned = length_bytes(&serial, &files.iter().cloned().collect());
    let mut writer = ManifestWriter::new(Vec::new(), &serial, Zeros::Listed).unwrap();
    for file in &files {
        writer.file(&Entry::of(file), &Md5Digest::new([9; 16]), &digests(&set.root, file)).unwrap();
    }
    let text = writer.finish(planned).unwrap();
    assert_eq!(text.len() as u64, planned);
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/manifest/side-files.xml");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&golden, &text).unwrap();
    }
    assert_eq!(String::from_utf8(text.clone()).unwrap(), fs::read_to_string(golden).unwrap());

    let manifest = parse(&text).unwrap();
    assert_eq!(manifest.blobs.len(), set.files.len());
    for (blob, file) in manifest.blobs.iter().zip(&unpacked(&set.files)) {
        assert_eq!((&blob.path, blob.blob_type), (&file.path, file.blob_type));
        let Listing::Blob { metadata, properties, .. } = &file.listing else { panic!() };
        assert_eq!(blob.metadata, metadata.as_ref().map(|side| side.path.clone()));
        assert_eq!(blob.properties, properties.as_ref().map(|side| side.path.clone()));
    }
    for side in &files[..2] {
        assert_eq!(manifest.side_files[&side.path], digests(&set.root, side)[0]);
    }
    // A plan file holds all of it.
    for file in &files {
        let text = serde_json::to_string(file).unwrap();
        assert_eq!(serde_json::from_str::<DataFile>(&text).unwrap(), *file);
    }
}

#[test]
fn a_blob_never_refers_to_a_file_that_is_not_on_the_drive() {
    let (_bench, set, files) = with_sides();
    let serial = Serial::new("9WM35C2V").unwrap();
    let planned = length_bytes(&serial, &files.iter().cloned().collect());
    // Left out while it was copied: the blobs are listed without it, the length is kept.
    let mut writer = ManifestWriter::new(Vec::new(), &serial, Zeros::Listed).unwrap();
    writer.left_out(&Entry::of(&files[0]));
    for file in &files[1..] {
        writer.file(&Entry::of(file), &Md5Digest::new([9; 16]), &digests(&set.root, file)).unwrap();
    }
    let text = writer.finish(planned).unwrap();
    assert_eq!(text.len() as u64, planned);
    let manifest = parse(&text).unwrap();
    assert!(manifest.blobs.iter().all(|blob| blob.metadata.is_none()));
    assert_eq!(manifest.side_files.len(), 1);
    // Never planned: there is no such manifest.
    let mut writer = ManifestWriter::new(Vec::new(), &serial, Zeros::Listed).unwrap();
    let files = unpacked(&set.files);
    let refused = files.iter().map(|file| {
        writer.file(&Entry::of(file), &Md5Digest::new([9; 16]), &digests(&set.root, file))
    });
    assert!(refused.filter_map(Result::err).next().unwrap().to_string().contains("_metadata"));
}
