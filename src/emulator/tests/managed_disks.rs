//! Managed disks and their incremental snapshots, by bare calls: what an address that is given out
//! opens and for how long, what changed between two snapshots, and what the service refuses.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]
#![allow(dead_code, reason = "not every test program needs every helper")]

#[path = "support/arm.rs"]
mod arm;
#[path = "support/emulator.rs"]
mod emulator;

use std::fs;
use std::os::fd::OwnedFd;

use azseed_emulator::{DiskDeed, DiskOrder, managed_disks};
use reqwest::Method;
use serde_json::{Value, json};

use arm::{Arm, SUBSCRIPTION, Told};
use emulator::{Emulator, Folder};

const VERSION: &str = "2024-03-02";
const PAGE: usize = 512;
const MIB: usize = 1 << 20;

struct World {
    folder: Folder,
    emulator: Emulator,
    arm: Arm,
}

fn path(rest: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute/{rest}")
}

impl World {
    fn new() -> Self {
        let folder = Folder::new();
        let emulator = Emulator::start(&folder);
        let arm = Arm::of(&emulator);
        World { folder, emulator, arm }
    }

    fn file(&self, content: &[u8]) -> Vec<OwnedFd> {
        let path = self.folder.path("content");
        fs::write(&path, content).unwrap();
        vec![fs::File::open(&path).unwrap().into()]
    }

    fn disk(&self, name: &str, sku: &str, content: &[u8]) {
        let (name, sku) = (name.to_owned(), Some(sku.to_owned()));
        let order = DiskOrder { name, sku, ..DiskOrder::default() };
        managed_disks(self.emulator.data(), DiskDeed::Set(order), self.file(content)).unwrap();
    }

    fn write(&self, name: &str, offset: usize, content: &[u8]) {
        let order = DiskOrder { name: name.to_owned(), ..DiskOrder::default() };
        let deed = DiskDeed::Write { order, offset: offset as u64 };
        managed_disks(self.emulator.data(), deed, self.file(content)).unwrap();
    }

    fn call(&self, method: Method, rest: &str, body: Option<Value>) -> Told {
        let own = match rest.starts_with("https://") {
            true => rest.to_owned(),
            false => format!("{}?api-version={VERSION}", path(rest)),
        };
        let mut request = self.arm.with_token(method, &own);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        self.arm.send(request)
    }

    /// Follows what a call began to what it came to.
    #[track_caller]
    fn follow(&self, begun: &Told) -> Value {
        assert_eq!(begun.status, 202, "{}", begun.text);
        let status = begun.headers["azure-asyncoperation"].to_str().unwrap();
        assert_eq!(self.call(Method::GET, status, None).json()["status"], "InProgress");
        assert_eq!(self.call(Method::GET, status, None).json()["status"], "Succeeded");
        let at = begun.headers["location"].to_str().unwrap();
        self.call(Method::GET, at, None).json()
    }

    fn put_snapshot(&self, name: &str, disk: &str) -> Told {
        let body = json!({"location": "westus", "tags": {"by": "test"}, "properties": {
            "incremental": true,
            "creationData": {"createOption": "Copy", "sourceResourceId": path(&format!("disks/{disk}"))},
        }});
        self.call(Method::PUT, &format!("snapshots/{name}"), Some(body))
    }

    fn snapshot(&self, name: &str, disk: &str) -> Value {
        let made = self.put_snapshot(name, disk);
        self.follow(&made)
    }

    fn begin(&self, rest: &str, access: &str) -> Told {
        let body = json!({"access": access, "durationInSeconds": 3600});
        self.call(Method::POST, &format!("{rest}/beginGetAccess"), Some(body))
    }

    /// The address that opens a disk or a snapshot.
    fn open(&self, rest: &str, access: &str) -> String {
        let begun = self.begin(rest, access);
        self.follow(&begun)["accessSAS"].as_str().unwrap().to_owned()
    }

    fn end(&self, rest: &str) {
        let ended = self.call(Method::POST, &format!("{rest}/endGetAccess"), None);
        assert_eq!(ended.status, 200, "{}", ended.text);
    }

    /// A call to an address, without a token.
    fn at(&self, method: Method, link: &str, headers: &[(&str, &str)], body: &[u8]) -> Told {
        let blob = self.emulator.fact("blob").to_owned();
        assert!(link.starts_with(&blob), "{link}");
        let mut request = self.arm.elsewhere(method, link).header("x-ms-version", "2021-08-06");
        request = request.header("content-length", body.len()).body(body.to_vec());
        let mut request = request.build().unwrap();
        request.headers_mut().remove("authorization");
        for (name, value) in headers {
            let name = reqwest::header::HeaderName::from_bytes(name.as_bytes()).unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        self.arm.execute(request)
    }

    fn ranges(&self, link: &str, earlier: Option<&str>) -> (u16, String) {
        let header = earlier.map(|own| ("x-ms-previous-snapshot-url", own));
        let headers: Vec<_> = header.into_iter().collect();
        let told = self.at(Method::GET, &format!("{link}&comp=pagelist"), &headers, b"");
        (told.status, told.text)
    }

    fn read(&self, link: &str, start: usize, bytes: usize) -> Told {
        let range = format!("bytes={start}-{}", start + bytes - 1);
        self.at(Method::GET, link, &[("x-ms-range", &range)], b"")
    }
}

#[test]
fn a_snapshot_is_read_by_an_address_and_tells_what_changed_since_an_earlier_one() {
    let world = World::new();
    let mut content = vec![0; 2 * MIB];
    content[..PAGE].fill(b'a');
    world.disk("os", "Premium_LRS", &content);
    let disk = world.call(Method::GET, "disks/os", None).json();
    assert_eq!(disk["properties"]["diskState"], "Unattached");
    assert_eq!(disk["properties"]["diskSizeBytes"], 2 * MIB);
    let one = world.snapshot("one", "os");
    assert_eq!(one["properties"]["incremental"], true);
    assert_eq!(one["properties"]["creationData"]["sourceUniqueId"], disk["properties"]["uniqueId"]);
    assert!(one["properties"]["completionPercent"].is_null(), "{one}");
    world.write("os", MIB, &[b'b'; 2 * PAGE]);
    world.write("os", MIB + 8 * PAGE + 100, b"odd");
    world.snapshot("two", "os");
    world.write("os", 0, &[b'c'; PAGE]);

    let (first, second) =
        (world.open("snapshots/one", "Read"), world.open("snapshots/two", "Read"));
    assert!(!first.contains("sp="), "no word of rights or time: {first}");
    let again = world.open("snapshots/two", "Read");
    assert_eq!(again, second, "what is open stays open by the same address");
    let state = world.call(Method::GET, "snapshots/two", None).json();
    assert_eq!(state["properties"]["diskState"], "ActiveSAS");
    // The footer is part of it.
    let head = world.at(Method::HEAD, &second, &[], b"");
    assert_eq!(head.headers["content-length"], (2 * MIB + PAGE).to_string());
    assert_eq!(world.read(&second, 0, PAGE).text, "a".repeat(PAGE), "as it was then");
    assert!(world.read(&second, 2 * MIB, PAGE).text.starts_with("conectix"));
    let odd = world.read(&second, MIB + 8 * PAGE, PAGE).text;
    assert_eq!(&odd[99..104], "\0odd\0");
    let (status, text) = world.ranges(&second, Some(&first));
    assert_eq!(status, 200, "{text}");
    let range = |start: usize, end: usize| {
        format!("<PageRange><Start>{start}</Start><End>{}</End></PageRange>", end - 1)
    };
    let expected =
        range(MIB, MIB + 2 * PAGE) + &range(MIB + 8 * PAGE, MIB + 9 * PAGE) + "</PageList>";
    assert!(text.ends_with(&format!("<PageList>{expected}")), "{text}");
    assert_eq!(world.ranges(&first, Some(&second)).0, 400, "the other way round");
    // An address opens what it is for, to be read.
    let page = ("x-ms-page-write", "update");
    let put = world.at(
        Method::PUT,
        &format!("{second}&comp=page"),
        &[page, ("x-ms-range", "bytes=0-511")],
        &[1; PAGE],
    );
    assert_eq!(put.status, 403, "{}", put.text);
    assert_eq!(world.at(Method::DELETE, &second, &[], b"").status, 403);
    let last = if second.ends_with('0') { '1' } else { '0' };
    let other = format!("{}{last}", &second[..second.len() - 1]);
    assert_eq!(world.read(&other, 0, PAGE).status, 403);

    let deleted = world.call(Method::DELETE, "snapshots/one", None);
    assert_eq!(deleted.status, 409, "it is open");
    world.end("snapshots/one");
    assert_eq!(world.read(&first, 0, PAGE).status, 403);
    assert_eq!(world.ranges(&second, Some(&first)).0, 403, "both are open or there is none");
    assert_eq!(world.call(Method::DELETE, "snapshots/one", None).status, 200);
    world.emulator.forward("PT61M");
    assert_eq!(world.read(&second, 0, PAGE).status, 403, "it is over");
    // Snapshots outlive their disk; the bytes go with the last of both.
    assert_eq!(world.call(Method::DELETE, "disks/os", None).status, 200);
    let second = world.open("snapshots/two", "Read");
    assert_eq!(world.read(&second, 0, PAGE).text, "a".repeat(PAGE));
    world.end("snapshots/two");
    assert_eq!(world.call(Method::DELETE, "snapshots/two", None).status, 200);
    let left = fs::read_dir(world.emulator.data().join("blobs/manageddisks")).unwrap().count();
    assert_eq!(left, 0);
}

#[test]
fn a_snapshot_in_the_background_is_read_when_the_clock_says_so_and_limits_hold() {
    let world = World::new();
    world.disk("fast", "UltraSSD_LRS", &[1; 4 * PAGE]);
    world.snapshot("s0", "fast");
    let percent = || {
        world.call(Method::GET, "snapshots/s0", None).json()["properties"]["completionPercent"]
            .as_f64()
            .unwrap()
    };
    assert!(percent() < 100.0);
    assert_eq!(world.begin("snapshots/s0", "Read").refusal(), (409, "OperationNotAllowed".into()));
    world.emulator.forward("PT5M");
    assert!((50.0..100.0).contains(&percent()), "{}", percent());
    world.emulator.forward("PT5M");
    world.open("snapshots/s0", "Read");
    for number in 1..8 {
        world.snapshot(&format!("s{number}"), "fast");
    }
    assert_eq!(world.put_snapshot("s8", "fast").status, 429, "seven in five minutes");
    world.emulator.forward("PT10M");
    for number in 1..5 {
        world.open(&format!("snapshots/s{number}"), "Read");
    }
    assert_eq!(world.begin("snapshots/s5", "Read").status, 409, "five at once");
    world.end("snapshots/s1");
    world.open("snapshots/s5", "Read");
}

#[test]
fn a_disk_is_uploaded_page_by_page_and_is_one_when_the_access_ends() {
    let world = World::new();
    let put = |bytes: usize| {
        let body = json!({"location": "westus", "sku": {"name": "Premium_LRS"}, "properties": {
            "creationData": {"createOption": "Upload", "uploadSizeBytes": bytes},
        }});
        world.call(Method::PUT, "disks/new", Some(body))
    };
    assert_eq!(put(20 * MIB).status, 400, "no footer");
    assert_eq!(put(MIB + PAGE).status, 400, "too small");
    let made = put(20 * MIB + PAGE);
    assert_eq!(world.follow(&made)["properties"]["diskState"], "ReadyToUpload");
    assert_eq!(world.begin("disks/new", "Read").status, 409);
    assert_eq!(world.put_snapshot("early", "new").status, 409);
    let link = world.open("disks/new", "Write");
    let headers = [("x-ms-page-write", "update"), ("x-ms-range", "bytes=512-1023")];
    let wrote = world.at(Method::PUT, &format!("{link}&comp=page"), &headers, &[7; PAGE]);
    assert_eq!(wrote.status, 201, "{}", wrote.text);
    let state =
        || world.call(Method::GET, "disks/new", None).json()["properties"]["diskState"].clone();
    assert_eq!(state(), "ActiveUpload");
    world.end("disks/new");
    assert_eq!(state(), "Unattached");
    assert_eq!(world.begin("disks/new", "Write").status, 409, "it is written no more");
    let link = world.open("disks/new", "Read");
    assert_eq!(world.read(&link, PAGE, PAGE).text, "\u{7}".repeat(PAGE));
    world.end("disks/new");
    // Grown, and with other tags.
    let body = json!({"tags": {"a": "b"}, "properties": {"diskSizeGB": 1}});
    let grown = world.call(Method::PATCH, "disks/new", Some(body)).json();
    assert_eq!(
        (&grown["properties"]["diskSizeBytes"], &grown["tags"]["a"]),
        (&(1_u64 << 30).into(), &"b".into())
    );
    let listed = world.call(Method::GET, "disks", None).json();
    assert_eq!(listed["value"].as_array().unwrap().len(), 1);
    for (method, rest) in [(Method::GET, "disks/none"), (Method::GET, "snapshots/none")] {
        assert_eq!(world.call(method, rest, None).refusal(), (404, "ResourceNotFound".into()));
    }
}
