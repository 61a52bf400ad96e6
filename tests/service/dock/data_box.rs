//! Drives of a `Microsoft.DataBox` job at the dock: how the job ends, and the logs of today.

use reqwest::Method;
use serde_json::{Value, json};

use super::datacenter::Datacenter;
use super::drive::Drive;
use crate::support::arm::{self, Told};

const VERSION: &str = "2025-07-01";
/// A recovery password that keeps the rules, of another drive.
const FOREIGN: &str = "238810-662376-448998-450120-652806-203390-606320-483076";

fn call(datacenter: &Datacenter, method: Method, rest: &str, body: &Value) -> Told {
    let path = arm::job(rest).replace("ImportExport", "DataBox");
    let sign = if path.contains('?') { '&' } else { '?' };
    let request = datacenter.arm.with_token(method, &format!("{path}{sign}api-version={VERSION}"));
    datacenter.arm.send(request.body(body.to_string()))
}

/// Orders a job `Seed` of these drives, with all logs, and sends its parcel.
fn shipped(drives: &[&Drive]) -> Datacenter {
    let datacenter = Datacenter::open();
    let disk = |drive: &&Drive| {
        let entry = &drive.entry;
        let disk = json!({
            "manifestFile": entry["manifestFile"], "manifestHash": entry["manifestHash"],
            "bitLockerKey": entry["bitLockerKey"],
        });
        (drive.serial.clone(), disk)
    };
    let disks: serde_json::Map<String, Value> = drives.iter().map(disk).collect();
    let account = arm::body(json!([]))["properties"]["storageAccountId"].take();
    let order = json!({
        "location": "westus", "sku": {"name": "DataBoxCustomerDisk"},
        "properties": {"transferType": "ImportToAzure", "details": {
            "jobDetailsType": "DataBoxCustomerDisk",
            "contactDetails": {"contactName": "Ops", "phone": "1", "emailList": ["o@contoso.com"]},
            "shippingAddress": {"streetAddress1": "1 Way", "country": "US"},
            "dataImportDetails": [{
                "accountDetails": {
                    "dataAccountType": "StorageAccount", "storageAccountId": account,
                },
                "logCollectionLevel": "Verbose",
            }],
            "importDiskDetailsCollection": disks,
            "returnToCustomerPackageDetails": {"carrierName": "DHL"},
            "enableManifestBackup": true,
        }},
    });
    let made = call(&datacenter, Method::PUT, "Seed", &order);
    assert_eq!(made.status, 202, "{}", made.text);
    let parcel = json!({"deliverToDcPackageDetails": {"carrierName": "UPS", "trackingId": "1Z1"}});
    let told = call(&datacenter, Method::POST, "Seed/markDevicesShipped", &parcel);
    assert_eq!(told.status, 204, "{}", told.text);
    datacenter
}

fn job(datacenter: &Datacenter) -> Value {
    call(datacenter, Method::GET, "Seed?$expand=details", &json!({})).properties()
}

/// The checksum of Azure Storage, bit by bit.
fn crc64(bytes: &[u8]) -> u64 {
    let mut sum = u64::MAX;
    for byte in bytes {
        sum ^= u64::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ 0x9A6C_9329_AC4B_C9B5 } else { sum >> 1 };
        }
    }
    !sum
}

#[test]
fn whole_drives_complete_their_job_and_have_both_logs() {
    let (first, second) = (Drive::seal("S1"), Drive::seal("S2"));
    let datacenter = shipped(&[&first, &second]);
    let said = datacenter.dock(&[&first, &second]);
    for own in &said {
        let told = (&own["status"], &own["job"], &own["error_log"]);
        assert_eq!(told, (&json!("Completed"), &json!("Seed"), &json!(null)), "{own}");
    }
    assert!(datacenter.has_all_of(&first) && datacenter.has_all_of(&second));
    let job = job(&datacenter);
    assert_eq!((&job["status"], &job["isDeletable"]), (&"Completed".into(), &true.into()));
    let details = &job["details"];
    assert_eq!(details["jobStages"][3]["stageStatus"], "Succeeded", "{details}");
    let logs = details["copyLogDetails"].as_array().unwrap();
    assert_eq!(logs.len(), 2);
    for (drive, (copy, log)) in
        [&first, &second].iter().zip(details["copyProgress"].as_array().unwrap().iter().zip(logs))
    {
        let bytes: usize = drive.blobs().iter().map(|(_, content)| content.len()).sum();
        assert_eq!(
            (&copy["serialNumber"], &copy["copyStatus"], &copy["filesProcessed"]),
            (&json!(drive.serial), &"Completed".into(), &2.into())
        );
        assert_eq!(
            (&copy["bytesProcessed"], &copy["totalBytesToProcess"]),
            (&json!(bytes), &json!(bytes))
        );
        assert_eq!(log["copyLogDetailsType"], "DataBoxCustomerDisk");
        let address = log["errorLogLink"].as_str().unwrap();
        let name = format!("/databoxcopylog/Seed_{}_CopyLog_", drive.serial);
        assert!(address.contains(&name) && address.ends_with(".xml"), "{address}");
        let text = datacenter.log(&log["errorLogLink"]);
        assert!(text.starts_with("<CopyLog ") && text.contains("<Status>Succeeded<"), "{text}");
        assert!(text.contains("<TotalFiles_Blobs>2<"), "{text}");
        let verbose = datacenter.log(&log["verboseLogLink"]);
        for (name, content) in drive.blobs() {
            let line = format!(
                "<File CloudFormat=\"BlockBlob\" Path=\"seed\\{name}\" Size=\"{}\" crc64=\"{}\">\n</File>",
                content.len(),
                crc64(&content)
            );
            assert!(verbose.contains(&line), "{line}\n{verbose}");
        }
        let backup = &details["importDiskDetailsCollection"][&drive.serial];
        let backup = backup["backupManifestCloudPath"].as_str().unwrap();
        let account = datacenter.emulator.data().join("blobs/account1");
        assert_eq!(std::fs::read_to_string(account.join(backup)).unwrap(), drive.manifest().1);
    }
}

#[test]
fn a_drive_that_cannot_be_unlocked_and_a_file_that_is_missing_end_in_errors_with_their_logs() {
    let (mut locked, mut lacking) = (Drive::seal("S1"), Drive::seal("S2"));
    locked.entry["bitLockerKey"] = FOREIGN.into();
    lacking.rewrite(|text| {
        assert!(text.contains("S2.small.txt</FilePath>"), "{text}");
        text.replace("S2.small.txt</FilePath>", "S2.smell.txt</FilePath>")
    });
    let datacenter = shipped(&[&locked, &lacking]);
    let said = datacenter.dock(&[&locked, &lacking]);
    assert_eq!(said[0]["status"], "BitLockerKeyInvalid", "{said:?}");
    assert_eq!(said[1]["status"], "CompletedWithErrors", "{said:?}");
    let job = job(&datacenter);
    assert_eq!(job["status"], "CompletedWithErrors");
    let details = &job["details"];
    assert_eq!(details["jobStages"][3]["stageStatus"], "SucceededWithErrors");
    let [one, two] = [0, 1].map(|at| &details["copyProgress"][at]);
    assert_eq!(
        (&one["copyStatus"], &one["error"]["code"]),
        (&"OtherUserError".into(), &"BitLockerKeyInvalid".into())
    );
    assert_eq!(
        (&two["copyStatus"], &two["filesErroredOut"], two.get("error")),
        (&"CompletedWithErrors".into(), &1.into(), None)
    );
    assert_eq!(details["copyLogDetails"][0]["errorLogLink"], said[0]["error_log"]);
    let [first, second] =
        [0, 1].map(|at| datacenter.log(&details["copyLogDetails"][at]["errorLogLink"]));
    assert!(first.starts_with("<CopyLog ") && first.contains("<Status>Failed<"), "{first}");
    assert!(first.contains("<BitLockerKeyInvalid Count=\"1\""), "{first}");
    let entity = "<ErroredEntity CloudFormat=\"BlockBlob\" Path=\"seed\\S2.small.txt\">\n  \
                  <Category>UploadErrorWin32</Category>\n  <ErrorCode>2</ErrorCode>";
    assert!(second.starts_with(entity), "{second}");
    assert!(second.contains("<FilesErrored>1<"), "{second}");
    assert!(datacenter.has_none_of(&locked));
}
