//! The job client against a resource manager that the test itself plays: what is sent, what is
//! refused before anything is sent, lists over pages, and answers that say to come again.

#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]

use crate::support;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use support::program::Machine;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const TOKEN: &str = "a token that nobody else knows";

/// What the service remembers.
#[derive(Default)]
struct Book {
    jobs: BTreeMap<String, Value>,
    calls: Vec<String>,
    busy: u32,
}

/// A resource manager for one test.
struct Service {
    address: SocketAddr,
    book: Arc<Mutex<Book>>,
    ca: tempfile::TempDir,
}

impl Service {
    fn start() -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let ca = tempfile::tempdir().unwrap();
        std::fs::write(ca.path().join("ca.pem"), cert.pem()).unwrap();
        let key = PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let book = Arc::new(Mutex::new(Book::default()));
        let (told, heard) = std::sync::mpsc::channel();
        let shared = book.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let address = listener.local_addr().unwrap();
                told.send(address).unwrap();
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    let (acceptor, book) = (acceptor.clone(), shared.clone());
                    tokio::spawn(async move {
                        let Ok(stream) = acceptor.accept(stream).await else { return };
                        let answer = service_fn(move |request| {
                            let book = book.clone();
                            async move { Ok::<_, Infallible>(answer(&book, address, request).await) }
                        });
                        let _ = hyper::server::conn::http1::Builder::new()
                            .serve_connection(TokioIo::new(stream), answer)
                            .await;
                    });
                }
            });
        });
        Service { address: heard.recv().unwrap(), book, ca }
    }

    fn command(&self, machine: &Machine, args: &[&str]) -> Command {
        let mut command: Command = machine.command(args);
        command
            .env("AZSEED_ARM_ENDPOINT", format!("https://localhost:{}", self.address.port()))
            .env("AZSEED_CA_FILE", self.ca.path().join("ca.pem"))
            .env("AZSEED_TOKEN", TOKEN)
            // The manager that the test plays is the classic one.
            .env("AZSEED_SERVICE", "import-export");
        command
    }

    fn azseed(&self, machine: &Machine, args: &[&str]) -> (i32, String, String) {
        let output = self.command(machine, args).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
    }

    fn changing_calls(&self) -> usize {
        let book = self.book.lock().unwrap();
        book.calls.iter().filter(|call| !call.starts_with("GET")).count()
    }
}

type Answer = Response<Full<Bytes>>;

fn reply(status: u16, body: &Value) -> Answer {
    Response::builder().status(status).body(Full::from(body.to_string())).unwrap()
}

fn fault(status: u16, code: &str) -> Answer {
    reply(status, &json!({"error": {"code": code, "message": "as the test wants it"}}))
}

async fn answer(book: &Mutex<Book>, address: SocketAddr, request: Request<Incoming>) -> Answer {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let query = request.uri().query().unwrap_or_default().to_owned();
    let signed = request.headers().get("authorization").map(|own| own.to_str().unwrap().to_owned());
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let mut book = book.lock().unwrap();
    book.calls.push(format!("{method} {path}"));
    if signed != Some(format!("Bearer {TOKEN}")) {
        return fault(401, "AuthenticationFailed");
    }
    if !query.contains("api-version=2020-08-01") {
        return fault(400, "InvalidApiVersionParameter");
    }
    if book.busy > 0 {
        book.busy -= 1;
        let mut busy = fault(429, "TooManyRequests");
        busy.headers_mut().insert("retry-after", "0".parse().unwrap());
        return busy;
    }
    match (method, path.ends_with("/jobs")) {
        (Method::GET, true) => {
            // One job a page, so that every list goes on.
            let skip: usize = query
                .split('&')
                .find_map(|pair| pair.strip_prefix("skip="))
                .map_or(0, |skip| skip.parse().unwrap());
            let value: Vec<&Value> = book.jobs.values().skip(skip).take(1).collect();
            let port = address.port();
            let next = (skip + 1 < book.jobs.len()).then(|| {
                format!("https://localhost:{port}{path}?api-version=2020-08-01&skip={}", skip + 1)
            });
            reply(200, &json!({"value": value, "nextLink": next}))
        }
        (Method::GET, false) => match book.jobs.get(&path) {
            Some(job) => reply(200, job),
            None => fault(404, "ResourceNotFound"),
        },
        (Method::PUT, _) => {
            let mut job: Value = serde_json::from_slice(&body).unwrap();
            job["name"] = json!(path.rsplit('/').next().unwrap());
            job["properties"]["state"] = json!("Creating");
            job["systemData"] = json!({"createdAt": jiff::Timestamp::now()});
            book.jobs.insert(path, job.clone());
            reply(201, &job)
        }
        (Method::PATCH, _) => {
            let change: Value = serde_json::from_slice(&body).unwrap();
            let Some(job) = book.jobs.get_mut(&path) else { return fault(404, "ResourceNotFound") };
            for (key, value) in change["properties"].as_object().unwrap() {
                job["properties"][key] = value.clone();
            }
            reply(200, job)
        }
        (Method::DELETE, _) => {
            book.jobs.remove(&path);
            reply(200, &Value::Null)
        }
        _ => fault(405, "MethodNotAllowed"),
    }
}

/// A machine with one sealed drive for job `parcel`.
fn sealed() -> (Machine, String, String) {
    let machine = Machine::new();
    let source = machine.path("source");
    std::fs::create_dir(&source).unwrap();
    std::fs::write(source.join("file"), b"content").unwrap();
    let staging = machine.adopt_for(&source, "parcel", "import-export");
    let drive = format!("{},size=300M", machine.text("S1.img"));
    machine.expect(0, &["prep", "--staging", &staging, "--drive", &drive, "--offline"]);
    let contact = machine.text("contact.toml");
    std::fs::write(&contact, support::CONTACT).unwrap();
    (machine, staging, contact)
}

#[test]
fn a_job_is_made_from_the_journals_shipped_and_ended() {
    let (machine, staging, contact) = sealed();
    let service = Service::start();
    service.book.lock().unwrap().busy = 2;
    let create =
        ["job", "create", "--staging", &staging, "--location", "westus", "--contact", &contact];
    let (code, _, said) = service.azseed(&machine, &create);
    assert_eq!(code, 0, "{said}");
    let job = service.book.lock().unwrap().jobs.values().next().unwrap().clone();
    let drive = &job["properties"]["driveList"][0];
    assert_eq!(drive["driveId"], "S1");
    assert_eq!(drive["manifestFile"], "\\DriveManifest.xml");
    let journal = fs::read_to_string(Path::new(&staging).join("journals/S1.journal")).unwrap();
    let record = |line: &str| -> Value { serde_json::from_str(&line[17..]).unwrap() };
    let begun = record(journal.lines().next().unwrap());
    let sealed = record(journal.lines().last().unwrap());
    assert_eq!(drive["manifestHash"], sealed["manifest_hash"]);
    assert_eq!(drive["bitLockerKey"], begun["recovery_password"]);
    assert!(drive["bitLockerKey"].is_string() && drive["manifestHash"].is_string());
    let before = service.changing_calls();
    let (code, shown, _) = service.azseed(&machine, &[&create[..], &["--json"]].concat());
    assert_eq!((code, service.changing_calls()), (0, before), "made once");
    let line: Value = serde_json::from_str(shown.lines().next().unwrap()).unwrap();
    assert_eq!((&line["changed"], &line["state"]), (&json!(false), &json!("Creating")));
    assert!(!shown.contains(drive["bitLockerKey"].as_str().unwrap()), "no secret in JSON");

    let ship = ["job", "ship", "--staging", &staging, "--carrier", "FedEx", "--tracking-number"];
    let (code, shown, said) = service.azseed(&machine, &[&ship[..], &["1Z1"]].concat());
    assert_eq!(code, 0, "{said}");
    assert!(shown.contains("Shipping") && shown.contains("FedEx 1Z1"), "{shown}");
    let (code, _, said) = service.azseed(&machine, &["job", "delete", "--staging", &staging]);
    assert_eq!(code, 13, "{said}");
    let before = service.changing_calls();
    let cancel = ["job", "cancel", "--staging", &staging];
    let (code, _, said) = service.azseed(&machine, &cancel);
    assert!(code == 2 && said.contains("needs-yes") && said.contains("Would ask"), "{said}");
    assert_eq!(service.changing_calls(), before, "nothing was sent");
    let (code, _, _) = service.azseed(&machine, &[&cancel[..], &["--yes"]].concat());
    assert_eq!((code, service.changing_calls()), (0, before + 1));
}

#[test]
fn the_job_that_is_deleted_is_named_or_the_only_one() {
    let (machine, staging, contact) = sealed();
    let service = Service::start();
    let create =
        ["job", "create", "--staging", &staging, "--location", "westus", "--contact", &contact];
    assert_eq!(service.azseed(&machine, &create).0, 0);
    let jobs = || service.book.lock().unwrap().jobs.len();
    let own = service.book.lock().unwrap().jobs.keys().next().unwrap().clone();
    let other = own.replace("parcel", "another");
    let job = service.book.lock().unwrap().jobs[&own].clone();
    service.book.lock().unwrap().jobs.insert(other.clone(), job);
    let run = |words: &[&str], variables: &[(&str, &str)]| {
        let mut command = service.command(&machine, words);
        let output = command.envs(variables.iter().copied()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code().unwrap(), said)
    };
    // A variable does not say which; in a script nothing is deleted without a word.
    let set = [("AZSEED_JOB", "another"), ("AZSEED_YES", "true")];
    let before = service.changing_calls();
    let (code, said) = run(&["job", "delete", "--staging", &staging], &set);
    assert!(code == 2 && said.contains("needs-yes"), "{code} {said}");
    assert!(said.contains("Would delete job parcel"), "{said}");
    assert!(said.contains("AZSEED_JOB is not used: name it with `--job`"), "{said}");
    assert!(said.contains("AZSEED_YES is not used: name it with `--yes`"), "{said}");
    assert_eq!((service.changing_calls(), jobs()), (before, 2));

    // A second seed of this machine: a staging path from the environment is not named.
    std::fs::write(machine.path("files"), "x").unwrap();
    let second = machine.text("second");
    let target =
        ["--container", "second", "--storage-account", "seedaccount", "--resource-group", "rg"];
    let adopt = ["stage", "adopt", "--source", &machine.text("files"), "--staging", &second];
    let adopt = [&adopt[..], &["--job", "another"], &target].concat();
    let adopt = [&adopt[..], &["--subscription", "00000000-0000-0000-0000-000000000000"]].concat();
    std::fs::remove_file(machine.path("files")).unwrap();
    std::fs::create_dir(machine.path("files")).unwrap();
    std::fs::write(machine.path("files/one"), "x").unwrap();
    machine.expect(0, &adopt);
    let set = [("AZSEED_STAGING", staging.as_str())];
    for words in [
        &["job", "delete", "--yes"][..],
        &["job", "cancel", "--yes"],
        &["job", "return-address", "--contact", &contact],
        &["job", "ship", "--carrier", "FedEx", "--tracking-number", "1Z1"],
    ] {
        let (code, said) = run(words, &set);
        assert!(code == 2 && said.contains("which-job"), "{words:?}: {code} {said}");
    }
    assert_eq!((service.changing_calls(), jobs()), (before, 2));
    let (code, said) = run(&["job", "delete", "--yes", "--staging", &staging], &[]);
    assert_eq!((code, jobs()), (0, 1), "{said}");
    assert!(service.book.lock().unwrap().jobs.contains_key(&other));
}

#[test]
fn what_the_service_would_refuse_is_refused_before_anything_is_sent() {
    let (machine, staging, contact) = sealed();
    let service = Service::start();
    let job = |name: &str, number: &str, address: Value| {
        json!({"name": name, "location": "West US", "properties": {
            "state": "Creating", "driveList": [{"driveId": "S1"}], "returnAddress": address,
            "deliveryPackage": {"carrierName": "UPS", "trackingNumber": number}}})
    };
    let create =
        ["job", "create", "--staging", &staging, "--location", "westus", "--contact", &contact];
    assert_eq!(service.azseed(&machine, &create).0, 0);
    let own = service.book.lock().unwrap().jobs.keys().next().unwrap().clone();
    let other = own.replace("parcel", "another");
    service.book.lock().unwrap().jobs.insert(other, job("another", "1Z9", json!({"city": "X"})));
    let before = service.changing_calls();
    let ship = |number: &str| {
        let args =
            ["job", "ship", "--staging", &staging, "--carrier", "UPS", "--tracking-number", number];
        service.azseed(&machine, &args)
    };
    let (code, _, said) = ship("1Z9");
    assert_eq!(code, 13, "{said}");
    assert!(said.contains("tracking-number-taken"), "{said}");
    service.book.lock().unwrap().jobs.get_mut(&own).unwrap()["properties"]["returnAddress"] =
        Value::Null;
    let (code, _, said) = ship("1Z2");
    assert!(code == 13 && said.contains("no-return-address"), "{code} {said}");
    assert_eq!(service.changing_calls(), before);
    let (code, listed, _) = service.azseed(&machine, &["job", "list", "--staging", &staging]);
    assert!(code == 0 && listed.contains("another") && listed.contains("parcel"), "{listed}");
    let gone = ["job", "show", "--staging", &staging, "--job", "nobody"];
    assert_eq!(service.azseed(&machine, &gone).0, 10);
}

#[test]
fn what_a_person_says_of_a_parcel_is_sent_or_refused_and_never_replaced() {
    let (machine, staging, contact) = sealed();
    let service = Service::start();
    let create =
        ["job", "create", "--staging", &staging, "--location", "westus", "--contact", &contact];
    assert_eq!(service.azseed(&machine, &create).0, 0);
    let before = service.changing_calls();
    let ship = |more: &[&str]| {
        let words = ["job", "ship", "--staging", &staging, "--carrier", "UPS", "--tracking-number"];
        service.azseed(&machine, &[&words[..], &["1Z1"], more].concat())
    };
    for (more, code) in [
        (["--ship-date", "9999-12-31"], "ship-date"),
        (["--ship-date", "-009999-01-01"], "ship-date"),
        (["--drive-count", "2"], "drive-count"),
        (["--drive-count", "0"], "drive-count"),
        (["--drive-count", "11"], "drive-count"),
    ] {
        let more = [format!("{}={}", more[0], more[1])];
        let (exit, _, said) = ship(&[&more[0]]);
        assert_eq!(exit, 2, "{more:?} {said}");
        assert!(said.contains(&format!("code: {code}")), "{more:?} {said}");
    }
    assert_eq!(service.changing_calls(), before, "nothing was sent");
    let today = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    let (exit, _, said) = ship(&["--ship-date", &today, "--drive-count", "1"]);
    assert_eq!(exit, 0, "{said}");
    let job = service.book.lock().unwrap().jobs.values().next().unwrap().clone();
    let parcel = &job["properties"]["deliveryPackage"];
    assert_eq!(parcel["shipDate"], format!("{today}T00:00:00Z"));
    assert_eq!(parcel["driveCount"], 1);
}

#[test]
fn without_a_token_or_a_service_the_reason_is_said() {
    let machine = Machine::new();
    let service = Service::start();
    let args = ["job", "list", "--subscription", "00000000-0000-0000-0000-000000000000"];
    let args = [&args[..], &["--resource-group", "backup"]].concat();
    let mut command = machine.command(&args);
    command
        .env("AZSEED_ARM_ENDPOINT", format!("https://localhost:{}", service.address.port()))
        .env("AZSEED_CA_FILE", service.ca.path().join("ca.pem"))
        .env("AZSEED_TOKEN", "another token");
    assert_eq!(command.output().unwrap().status.code(), Some(12));
    // What no header takes is no service that cannot be reached.
    let said = support::program::said(command.env("AZSEED_TOKEN", "two\nlines").output().unwrap());
    assert!(said.code == 12 && said.stderr.contains("azure-token-refused"), "{}", said.stderr);
    let plain = [&args[..], &["--arm-endpoint", "http://localhost:1"]].concat();
    let (code, _, said) = service.azseed(&machine, &plain);
    assert!(code == 2 && said.contains("endpoint-invalid"), "{said}");
    assert!(Path::new(&service.ca.path().join("ca.pem")).exists());
}
