//! Bare calls to the emulated resource manager; uses nothing of the product.

use reqwest::header::HeaderMap;
use reqwest::{Certificate, Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::emulator::Emulator;

/// The subscription of every test's emulator.
pub const SUBSCRIPTION: &str = "11111111-2222-4333-8444-555555555555";
/// The version that calls have unless a test says otherwise.
pub const VERSION: &str = "2020-08-01";

/// A caller with the emulator's token.
#[derive(Debug)]
pub struct Arm {
    runtime: Runtime,
    http: Client,
    origin: String,
    token: String,
}

/// What a call was told.
#[derive(Debug)]
pub struct Told {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Told {
    /// The body.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    /// The job's properties.
    #[track_caller]
    pub fn properties(&self) -> Value {
        assert!(self.status < 300, "{} {}", self.status, self.text);
        self.json()["properties"].take()
    }

    /// Status and code of a refusal, in the resource manager's form.
    #[track_caller]
    pub fn refusal(&self) -> (u16, String) {
        let body = self.json();
        let error = &body["error"];
        assert!(!error["message"].as_str().expect("it has a message").is_empty(), "{body}");
        assert!(error["details"].is_array(), "{body}");
        (self.status, error["code"].as_str().expect("it has a code").to_owned())
    }
}

/// The path of a job in the resource group `rg`.
pub fn job(name: &str) -> String {
    format!("{}/{name}", jobs())
}

/// The path of the jobs of the resource group `rg`.
pub fn jobs() -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.ImportExport/jobs")
}

/// What a job needs beside its drives.
pub fn body(drives: Value) -> Value {
    json!({
        "location": "westus",
        "properties": {
            "storageAccountId": format!(
                "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/\
                 Microsoft.Storage/storageAccounts/account1"
            ),
            "jobType": "Import",
            "returnAddress": {
                "recipientName": "Test", "streetAddress1": "Street1", "city": "Redmond",
                "postalCode": "98007", "countryOrRegion": "USA", "phone": "4250000000",
                "email": "Test@contoso.com",
            },
            "returnShipping": {"carrierName": "FedEx", "carrierAccountNumber": "989ffff"},
            "driveList": drives,
        },
    })
}

/// A change that says a parcel is on its way.
pub fn parcel(number: &str) -> Value {
    let package = json!({"carrierName": "FedEx", "trackingNumber": number});
    json!({"properties": {"state": "Shipping", "deliveryPackage": package}})
}

impl Arm {
    /// A caller of this emulator.
    pub fn of(emulator: &Emulator) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let pem = std::fs::read(emulator.fact("ca_file")).unwrap();
        let certificate = Certificate::from_pem(&pem).unwrap();
        let http = Client::builder().add_root_certificate(certificate).build().unwrap();
        let (origin, token) = (emulator.fact("arm").to_owned(), emulator.fact("token").to_owned());
        Arm { runtime: Runtime::new().unwrap(), http, origin, token }
    }

    /// A request with nothing but what the test adds to it; `path` may be a whole address.
    pub fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        let rest = path.strip_prefix(&self.origin).unwrap_or(path);
        self.http.request(method, format!("{}{rest}", self.origin))
    }

    /// The same with the token.
    pub fn with_token(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, path).bearer_auth(&self.token)
    }

    /// A call with the token to a whole address.
    pub fn elsewhere(&self, method: Method, address: &str) -> RequestBuilder {
        self.http.request(method, address).bearer_auth(&self.token)
    }

    /// Sends it and takes the whole answer.
    pub fn send(&self, request: RequestBuilder) -> Told {
        self.runtime.block_on(async {
            let answer = request.send().await.unwrap();
            let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
            Told { status, headers, text: answer.text().await.unwrap() }
        })
    }

    /// The same of a request that is made whole.
    pub fn execute(&self, request: reqwest::Request) -> Told {
        self.runtime.block_on(async {
            let answer = self.http.execute(request).await.unwrap();
            let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
            Told { status, headers, text: answer.text().await.unwrap() }
        })
    }

    fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Told {
        let mut request = self.with_token(method, &format!("{path}?api-version={VERSION}"));
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        self.send(request)
    }

    pub fn get(&self, path: &str) -> Told {
        self.call(Method::GET, path, None)
    }

    pub fn put(&self, path: &str, body: &Value) -> Told {
        self.call(Method::PUT, path, Some(body))
    }

    pub fn patch(&self, path: &str, body: &Value) -> Told {
        self.call(Method::PATCH, path, Some(body))
    }

    pub fn post(&self, path: &str) -> Told {
        self.call(Method::POST, path, None)
    }

    pub fn delete(&self, path: &str) -> Told {
        self.call(Method::DELETE, path, None)
    }
}
