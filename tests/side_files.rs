//! What a dataset.csv says of a blob beside its content: kind, metadata, properties. It goes on a
//! drive, through the dock, and is asked for with the official client; from the emulator's own
//! blob service, and from Azurite.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

mod support;

use std::fs;

use azure_storage_blobs::models::{BlobClientGetPropertiesResultHeaders, BlobType};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use md5::{Digest, Md5};
use support::azurite::Azurite;
use support::emulator::Emulator;
use support::key::container;
use support::program::Machine;

const HEAD: &str = "BasePath,DstBlobPathOrPrefix,BlobType,Disposition,MetadataFile,PropertiesFile";
const PHOTO: &[u8] = b"a photograph";

/// Prepares a drive from a dataset.csv, ships and docks it.
fn docked(machine: &Machine, emulator: &Emulator) {
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
    emulator.expect(machine, 0, &words);
    let mut ship = vec!["job", "ship", "--carrier", "FedEx", "--tracking-number", "1Z1"];
    ship.extend(["--job", "photos", "--resource-group", "rg"]);
    ship.extend(["--subscription", "11111111-2222-4333-8444-555555555555"]);
    emulator.expect(machine, 0, &ship);
    let said = emulator.dock(machine, &["d1.img,serial=D1"]);
    assert_eq!(said[0]["status"], "Completed", "{said:?}");
}

async fn expect_all(emulator: &Emulator) {
    let pictures = container(emulator, "pictures");
    for name in ["a.jpg", "b.jpg"] {
        let told = pictures.blob_client(name).get_properties(None).await.unwrap();
        assert_eq!(told.blob_type().unwrap(), Some(BlobType::BlockBlob));
        assert_eq!(told.content_type().unwrap().as_deref(), Some("image/jpeg"));
        assert_eq!(told.content_md5().unwrap(), None, "none was given");
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
}

#[tokio::test]
async fn metadata_properties_and_kinds_of_blobs_arrive() {
    let machine = Machine::new();
    let emulator = Emulator::start(&machine);
    docked(&machine, &emulator);
    expect_all(&emulator).await;
}

#[tokio::test]
async fn they_arrive_in_another_blob_service_too() {
    let machine = Machine::new();
    let azurite = Azurite::start(&machine);
    let emulator = azurite.emulator(&machine);
    docked(&machine, &emulator);
    expect_all(&emulator).await;
}
