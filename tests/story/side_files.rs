//! What a dataset.csv says of a blob beside its content: kind, metadata, properties. It goes on a
//! drive, through the dock, and is asked for with the official client; from the emulator's own
//! blob service, and from Azurite.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use crate::support;

use std::fs;

use azure_storage_blobs::models::{BlobClientGetPropertiesResultHeaders, BlobType};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use md5::{Digest, Md5};
use sha2::Sha256;
use support::azurite::Azurite;
use support::emulator::Emulator;
use support::key::container;
use support::program::Machine;
use support::readers;

const HEAD: &str = "BasePath,DstBlobPathOrPrefix,BlobType,Disposition,MetadataFile,PropertiesFile";
const PHOTO: &[u8] = b"a photograph";

/// Prepares a drive from a dataset.csv, ships and docks it.
fn docked(machine: &Machine, emulator: &Emulator, more: &[&str]) {
    let write = |name: &str, content: &[u8]| {
        let path = machine.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        machine.text(name)
    };
    write("photos/a.jpg", PHOTO);
    write("photos/b.jpg", b"another one");
    let mut disk = vec![0; 6 << 20];
    disk[5 << 20..].fill(9);
    let disk = write("disk.vhd", &disk);
    let photo = write("one.jpg", PHOTO);
    let metadata = write("m.xml", b"<Metadata><Album>Summer &amp; sea</Album></Metadata>");
    let type_only =
        write("p.xml", b"<Properties><Content-Type>image/jpeg</Content-Type></Properties>");
    let md5 = BASE64_STANDARD.encode(Md5::digest(PHOTO));
    let all = format!(
        "<Properties><Content-Type>image/png</Content-Type><Content-MD5>{md5}</Content-MD5>\
         <Content-Language>fr</Content-Language><Cache-Control>no-cache</Cache-Control>\
         <Content-Encoding>identity</Content-Encoding></Properties>"
    );
    let all = write("all.xml", all.as_bytes());
    let photos = machine.text("photos");
    let rows = format!(
        "{HEAD}\n{photos}/,pictures/,BlockBlob,overwrite,{metadata},{type_only}\n\
         {photo},pictures/one.jpg,BlockBlob,overwrite,None,{all}\n\
         {disk},disks/disk.vhd,PageBlob,no-overwrite,{metadata},None\n"
    );
    let dataset = write("dataset.csv", rows.as_bytes());
    let contact = write("contact.toml", support::CONTACT.as_bytes());
    let mut words = vec!["prep", "--dataset", &dataset, "--job", "photos", "--contact", &contact];
    words.extend(["--storage-account", "account1", "--resource-group", "rg"]);
    words.extend(["--subscription", "11111111-2222-4333-8444-555555555555"]);
    words.extend(["--location", "westus", "--drive", "d1.img,serial=D1,size=210M"]);
    words.extend(more);
    emulator.expect(machine, 0, &words);
    let mut ship = vec!["job", "ship", "--carrier", "FedEx", "--tracking-number", "1Z1"];
    ship.extend(["--job", "photos", "--resource-group", "rg"]);
    ship.extend(["--subscription", "11111111-2222-4333-8444-555555555555"]);
    emulator.expect(machine, 0, &ship);
    let said = emulator.dock(machine, &["d1.img,serial=D1"]);
    assert_eq!(said[0]["status"], "Completed", "{said:?}");
}

async fn expect_all(emulator: &Emulator, has_md5: bool) {
    let pictures = container(emulator, "pictures");
    for (name, content) in [("a.jpg", PHOTO), ("b.jpg", b"another one")] {
        let told = pictures.blob_client(name).get_properties(None).await.unwrap();
        assert_eq!(told.blob_type().unwrap(), Some(BlobType::BlockBlob));
        assert_eq!(told.content_type().unwrap().as_deref(), Some("image/jpeg"));
        let md5 = has_md5.then(|| Md5::digest(content).to_vec());
        assert_eq!(told.content_md5().unwrap(), md5, "only if it was asked for");
        let metadata: Vec<_> = told.metadata().unwrap().into_iter().collect();
        assert_eq!(metadata.len(), 1, "{metadata:?}");
        assert!(metadata[0].0.eq_ignore_ascii_case("Album"), "{metadata:?}");
        assert_eq!(metadata[0].1, "Summer & sea");
    }
    let told = pictures.blob_client("one.jpg").get_properties(None).await.unwrap();
    assert_eq!(told.content_type().unwrap().as_deref(), Some("image/png"));
    assert_eq!(told.content_md5().unwrap(), Some(Md5::digest(PHOTO).to_vec()));
    assert_eq!(told.content_language().unwrap().as_deref(), Some("fr"));
    assert_eq!(told.cache_control().unwrap().as_deref(), Some("no-cache"));
    assert_eq!(told.content_encoding().unwrap().as_deref(), Some("identity"));
    assert!(told.metadata().unwrap().is_empty());
    let disk = container(emulator, "disks").blob_client("disk.vhd");
    let told = disk.get_properties(None).await.unwrap();
    assert_eq!(told.blob_type().unwrap(), Some(BlobType::PageBlob));
    assert_eq!(told.content_length().unwrap(), Some(6 << 20));
    assert_eq!(told.metadata().unwrap().len(), 1);
    let content = disk.download(None).await.unwrap().body.collect().await.unwrap();
    assert!(content[..5 << 20].iter().all(|byte| *byte == 0));
    assert!(content[5 << 20..].iter().all(|byte| *byte == 9));
    let md5 = has_md5.then(|| Md5::digest(&content).to_vec());
    assert_eq!(told.content_md5().unwrap(), md5);
}

#[tokio::test]
async fn metadata_properties_and_kinds_of_blobs_arrive() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    docked(&machine, &emulator, &[]);
    expect_all(&emulator, false).await;
}

#[tokio::test]
async fn each_blob_gets_its_md5_if_it_is_asked_for_and_other_readers_find_it_on_the_drive() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    docked(&machine, &emulator, &["--content-md5", "--verify"]);
    expect_all(&emulator, true).await;
    let home = machine.path("state/jobs/photos");
    let password = machine.password_file(&home, "D1");
    let found = readers::files("ntfs-3g", &machine.path("d1.img"), &password);
    let made = found.files.keys().filter(|path| path.starts_with("photos/_content-md5/"));
    let places = ["disks/disk.vhd", "pictures/a.jpg", "pictures/b.jpg"];
    let places = places.map(|path| format!("photos/_content-md5/{path}"));
    assert!(made.eq(&places), "its own MD5 is kept: {:?}", found.files.keys());
    let expected = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<Properties><Content-MD5>{}</Content-MD5>\
         <Content-Type>image/jpeg</Content-Type></Properties>\n",
        BASE64_STANDARD.encode(Md5::digest(PHOTO))
    );
    let a = &found.files[&places[1]];
    let digest = Sha256::digest(&expected);
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(a.sha256, digest);
    assert_eq!(a.size, expected.len() as u64);
}

#[test]
fn drives_of_one_job_get_it_all_or_none() {
    let machine = Machine::new();
    fs::create_dir(machine.path("source")).unwrap();
    fs::write(machine.path("source/a"), "a").unwrap();
    let staging = machine.adopt(&machine.path("source"), "job-1");
    let prep = |drive: &str, more: &[&str]| {
        let drive = format!("{drive}.img,size=210M");
        let words = ["prep", "--staging", &staging, "--offline", "--drive", &drive];
        machine.run(&[&words[..], more].concat())
    };
    assert_eq!(prep("d1", &[]).code, 0);
    fs::write(machine.path("source/b"), "b").unwrap();
    let refused = prep("d2", &["--content-md5"]);
    assert_eq!(refused.code, 2, "{}", refused.stderr);
    assert!(refused.stderr.contains("code: content-md5-begun "), "{}", refused.stderr);
    assert!(!machine.path("d2.img").exists());
    machine.expect(0, &["drive", "release", "d1", "--staging", &staging, "--yes"]);
    assert_eq!(prep("d2", &["--content-md5"]).code, 0);
    // What the first drive has, the next one gets without being asked.
    fs::write(machine.path("source/c"), "c").unwrap();
    assert_eq!(prep("d3", &[]).code, 0);
    let plan = fs::read_to_string(machine.path("staging/journals/d3.plan")).unwrap();
    assert!(plan.contains("_content-md5"), "{plan}");
}

#[tokio::test]
async fn they_arrive_in_another_blob_service_too() {
    let machine = Machine::new();
    let azurite = Azurite::start(&machine);
    let emulator = azurite.emulator(&machine);
    docked(&machine, &emulator, &[]);
    expect_all(&emulator, false).await;
}
