//! An emulated Azure with a caller that knows HTTP and nothing else, and orders without drives.

use std::io::{Read, Write};
use std::net::TcpStream;

use azseed_emulator::{
    AccountOptions, Emulator, EmulatorOptions, Names, Style, forward_clock, start,
};
use jiff::SignedDuration;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tempfile::TempDir;

pub const SUBSCRIPTION: &str = "11111111-2222-4333-8444-555555555555";
pub const VERSION: &str = "2025-07-01";
/// What unlocks a drive; nobody looks at it before the datacenter does.
pub const KEY: &str = "238810-662376-448998-450120-652806-203390-606320-483076";
pub const CARRIER_ACCOUNT: &str = "989ffff";

/// The Azure of one test.
pub struct Office {
    emulator: Emulator,
    folder: TempDir,
}

/// What a call was told.
#[derive(Debug)]
pub struct Heard {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub text: String,
}

/// The storage account of the orders.
pub fn account(name: &str) -> String {
    format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Storage/\
         storageAccounts/{name}"
    )
}

/// What an order says of a drive: all of it nonsense, as in the recorded traffic.
pub fn disk() -> Value {
    json!({"manifestFile": "SampleManifest.xml", "manifestHash": "xxxx", "bitLockerKey": KEY})
}

/// An order of drives with these serials.
pub fn order(serials: &[&str]) -> Value {
    let disks: serde_json::Map<String, Value> =
        serials.iter().map(|serial| ((*serial).to_owned(), disk())).collect();
    json!({
        "location": "westus", "sku": {"name": "DataBoxCustomerDisk"},
        "properties": {
            "transferType": "ImportToAzure",
            "details": {
                "jobDetailsType": "DataBoxCustomerDisk",
                "contactDetails": {
                    "contactName": "Ops", "phone": "14258828080",
                    "emailList": ["ops@contoso.com"],
                },
                "shippingAddress": {
                    "streetAddress1": "1 Way", "city": "Redmond", "stateOrProvince": "WA",
                    "country": "US", "postalCode": "98052", "companyName": "Contoso",
                },
                "dataImportDetails": [{
                    "accountDetails": {
                        "dataAccountType": "StorageAccount",
                        "storageAccountId": account("account1"),
                    },
                }],
                "importDiskDetailsCollection": disks,
                "returnToCustomerPackageDetails": {
                    "carrierName": "FedEx", "carrierAccountNumber": CARRIER_ACCOUNT,
                },
            },
        },
    })
}

/// The order with another value at a place, or without one there.
pub fn order_with(pointer: &str, value: Option<Value>) -> Value {
    let mut order = order(&["S1"]);
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = order.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value {
        Some(value) => parent.insert(name.to_owned(), value),
        None => parent.remove(name),
    };
    order
}

/// A parcel on its way.
pub fn parcel(number: &str) -> Value {
    json!({"deliverToDcPackageDetails": {"carrierName": "UPS", "trackingId": number}})
}

pub fn jobs() -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.DataBox/jobs")
}

pub fn job(name: &str) -> String {
    format!("{}/{name}", jobs())
}

/// The same name at the older service.
pub fn classic(name: &str) -> String {
    job(name).replace("DataBox", "ImportExport")
}

/// The address of a call.
pub fn at(path: &str) -> String {
    let sign = if path.contains('?') { '&' } else { '?' };
    format!("{path}{sign}api-version={VERSION}")
}

impl Heard {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Where to ask on.
    #[track_caller]
    pub fn location(&self) -> String {
        self.header("location").unwrap_or_else(|| panic!("no Location: {self:?}")).to_owned()
    }

    #[track_caller]
    pub fn properties(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json()["properties"].take()
    }

    /// Expects a refusal in this service's form and returns its error.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> Value {
        let error = self.json()["error"].take();
        assert_eq!((self.status, error["code"].as_str().unwrap()), (status, code), "{error}");
        assert!(!error["message"].as_str().unwrap().is_empty(), "{error}");
        assert!(error["details"].is_array() && error["additionalInfo"].is_array(), "{error}");
        assert!(error.as_object().unwrap().contains_key("target"), "{error}");
        error
    }
}

impl Office {
    pub fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Office { emulator: run(&folder), folder }
    }

    /// Opens with an order `seed` of drive S1.
    pub fn with_order() -> Self {
        let office = Office::open();
        office.made("seed", &order(&["S1"]));
        office
    }

    /// The same, on its way.
    pub fn with_parcel() -> Self {
        let office = Office::with_order();
        assert_eq!(office.act("seed", "markDevicesShipped", &parcel("1Z1")).status, 204);
        office
    }

    /// Ends the emulator and starts another one on its folder.
    pub fn restart(self) -> Self {
        let Office { emulator, folder } = self;
        drop(emulator);
        Office { emulator: run(&folder), folder }
    }

    pub fn origin(&self) -> &str {
        &self.emulator.facts.arm
    }

    pub fn data(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Sends a call to this address, as it is, with the token and these headers.
    pub fn send(&self, method: &str, address: &str, more: &str, body: Option<&Value>) -> Heard {
        let token = self.emulator.facts.token.expose_secret();
        let head = format!("authorization: Bearer {token}\r\n{more}");
        self.send_bare(method, address, &head, body)
    }

    /// The same without the token.
    pub fn send_bare(
        &self,
        method: &str,
        address: &str,
        head: &str,
        body: Option<&Value>,
    ) -> Heard {
        let host = self.origin().strip_prefix("http://").unwrap();
        // An address that another run gave out leads here too.
        let target = match address.split_once("://") {
            Some((_, rest)) => format!("/{}", rest.split_once('/').unwrap().1),
            None => address.to_owned(),
        };
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut stream = TcpStream::connect(host).unwrap();
        write!(
            stream,
            "{method} {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{head}\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, text) = text.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let header = |line: &str| {
            line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()))
        };
        Heard { status, headers: lines.filter_map(header).collect(), text: text.to_owned() }
    }

    pub fn get(&self, path: &str) -> Heard {
        self.send("GET", &at(path), "", None)
    }

    pub fn put(&self, name: &str, order: &Value) -> Heard {
        self.send("PUT", &at(&job(name)), "", Some(order))
    }

    pub fn patch(&self, name: &str, body: &Value) -> Heard {
        self.send("PATCH", &at(&job(name)), "", Some(body))
    }

    pub fn delete(&self, name: &str) -> Heard {
        self.send("DELETE", &at(&job(name)), "", None)
    }

    pub fn post(&self, path: &str, body: &Value) -> Heard {
        self.send("POST", &at(path), "", Some(body))
    }

    /// An action of a job.
    pub fn act(&self, name: &str, action: &str, body: &Value) -> Heard {
        self.post(&format!("{}/{action}", job(name)), body)
    }

    /// Makes an order.
    #[track_caller]
    pub fn made(&self, name: &str, order: &Value) {
        let told = self.put(name, order);
        assert_eq!((told.status, told.text.as_str()), (202, ""));
    }

    /// Properties with details.
    #[track_caller]
    pub fn whole(&self, name: &str) -> Value {
        self.get(&format!("{}?$expand=details", job(name))).properties()
    }

    #[track_caller]
    pub fn status(&self, name: &str) -> Value {
        self.get(&job(name)).properties()["status"].take()
    }

    /// The names of all jobs of the subscription.
    pub fn names(&self) -> Vec<String> {
        let all = format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.DataBox/jobs");
        let told = self.get(&all).json();
        let names = told["value"].as_array().unwrap().iter();
        names.map(|job| job["name"].as_str().unwrap().to_owned()).collect()
    }

    pub fn forward_days(&self, days: i64) {
        forward_clock(self.data(), SignedDuration::from_hours(days * 24)).unwrap();
    }

    /// Brings a drive without content to the dock; what the dock says of it.
    pub fn dock(&self, serial: &str) -> (Option<String>, String) {
        let image = tempfile::tempfile().unwrap();
        let drives = vec![(serial.parse().unwrap(), image.into())];
        let replies = azseed_emulator::dock(self.data(), drives).unwrap();
        let [azseed_emulator::Reply::Drive { job, status, .. }] = &replies[..] else {
            panic!("{replies:?}")
        };
        (job.clone(), status.clone())
    }
}

fn run(folder: &TempDir) -> Emulator {
    start(&EmulatorOptions {
        listen: "127.0.0.1:0".parse().unwrap(),
        blob_listen: None,
        names: Names {
            arm: "https://management.azure.com".to_owned(),
            authority: "https://login.microsoftonline.com".to_owned(),
            suffix: "core.windows.net".to_owned(),
        },
        style: Style::Path,
        data: folder.path().to_owned(),
        is_plain: true,
        #[cfg(feature = "other-service")]
        blob_endpoint: None,
        unregistered: Vec::new(),
        mischief: Vec::new(),
        account: AccountOptions {
            accounts: vec!["account1".parse().unwrap()],
            subscription: Some(SUBSCRIPTION.parse().unwrap()),
            ..AccountOptions::default()
        },
    })
    .unwrap()
}
