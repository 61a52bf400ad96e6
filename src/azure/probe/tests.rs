//! The way to a host against hosts and proxies that the test plays: certificates, silence, refusals.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;

use jiff::SignedDuration;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::*;

/// An authority of its own, and hosts that it signs.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    folder: tempfile::TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "Office Proxy");
        let key = KeyPair::generate().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let own = params.self_signed(&key).unwrap();
        std::fs::write(folder.path().join("ca.pem"), own.pem()).unwrap();
        Authority { issuer: Issuer::new(params, key), folder }
    }

    fn network(&self) -> Network {
        Network { ca_file: Some(self.folder.path().join("ca.pem")), ..Network::default() }
    }

    /// A host with a certificate of a name and of years, which answers every call with a text.
    fn host(&self, name: &str, years: (i32, i32), text: String) -> SocketAddr {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(years.0, 1, 1);
        params.not_after = date_time_ymd(years.1, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let provider = rustls::crypto::ring::default_provider();
        let config = ServerConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let config = Arc::new(config);
        listening(move |stream| {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = BufReader::new(StreamOwned::new(connection, stream));
            // A caller that does not take the certificate says nothing.
            if head(&mut stream).is_some() {
                let _ = stream.get_mut().write_all(text.as_bytes());
                let _ = stream.get_mut().flush();
            }
        })
    }
}

fn listening(work: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let work = Arc::new(work);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let work = Arc::clone(&work);
            std::thread::spawn(move || work(stream));
        }
    });
    address
}

/// The lines of a question, up to the empty one.
fn head(stream: &mut impl BufRead) -> Option<Vec<String>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => return Some(lines),
            line => lines.push(line.to_owned()),
        }
    }
}

fn said(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}

fn probe(network: &Network, url: &str) -> Steps {
    network.probe(&[&Url::parse(url).unwrap()]).unwrap().pop().unwrap()
}

fn at(host: SocketAddr) -> String {
    format!("https://localhost:{}/path?query=1", host.port())
}

const YEARS: (i32, i32) = (2020, 2090);

#[test]
fn a_host_is_told_with_who_signed_it_and_what_it_says() {
    let authority = Authority::new();
    let date = jiff::fmt::rfc2822::to_string(
        &(Timestamp::now() - SignedDuration::from_mins(10)).to_zoned(jiff::tz::TimeZone::UTC),
    );
    let headers = format!(
        "date: {}\r\nwww-authenticate: Bearer\r\nx-ms-request-id: 1\r\nserver: Blob\r\n",
        date.unwrap()
    );
    let host = authority.host("localhost", YEARS, said("401 Unauthorized", &headers, "{}"));
    let steps = probe(&authority.network(), &at(host));
    assert!(matches!(steps.opened, Some(Opened::In(_))), "{steps:?}");
    let Some(Secured::By { issuer }) = &steps.secured else { panic!("{steps:?}") };
    assert!(issuer.contains("Office Proxy"), "{issuer}");
    let Some(Ok(said)) = steps.said else { panic!("{steps:?}") };
    assert_eq!((said.status, said.is_html), (401, false));
    assert!(said.asks_for_sign_in && said.is_of_azure, "{said:?}");
    assert_eq!(said.server.as_deref(), Some("Blob"));
    let ahead = said.ahead.unwrap();
    assert!(
        (ahead - SignedDuration::from_mins(10)).abs() < SignedDuration::from_secs(30),
        "{ahead}"
    );
}

#[test]
fn why_a_certificate_is_not_taken_is_told_apart() {
    let authority = Authority::new();
    let answer = || said("200 OK", "", "");
    let sound = authority.host("localhost", YEARS, answer());
    let steps = probe(&Network::default(), &at(sound));
    let Some(Secured::UnknownIssuer { issuer }) = &steps.secured else { panic!("{steps:?}") };
    assert!(issuer.contains("Office Proxy") && steps.said.is_none(), "{steps:?}");
    for years in [(2001, 2002), (2080, 2090)] {
        let host = authority.host("localhost", years, answer());
        let steps = probe(&authority.network(), &at(host));
        let Some(Secured::Untimely { span }) = &steps.secured else { panic!("{steps:?}") };
        assert!(span.contains(&years.0.to_string()), "{span}");
    }
    let host = authority.host("other.test", YEARS, answer());
    let steps = probe(&authority.network(), &at(host));
    assert_eq!(steps.secured, Some(Secured::OtherName { names: "other.test".to_owned() }));
}

#[test]
fn what_does_not_listen_does_not_speak_or_says_nothing_is_told_apart() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(probe(&Network::default(), &at(gone)).opened, Some(Opened::Refused));
    let port = format!("tcp://127.0.0.1:{}", gone.port());
    assert_eq!(probe(&Network::default(), &port).opened, Some(Opened::Refused));
    let silent = listening(|mut stream| {
        let _ = stream.read(&mut [0; 9000]);
        std::thread::sleep(WITHIN * 2);
    });
    let steps = probe(&Network::default(), &at(silent));
    assert_eq!(steps.secured, Some(Secured::Failed(silence())));
    let plain = listening(|mut stream| {
        let _ = stream.read(&mut [0; 9000]);
        let _ = stream.write_all(b"220 mail.test ESMTP\r\n");
    });
    let steps = probe(&Network::default(), &at(plain));
    assert!(matches!(steps.secured, Some(Secured::Failed(_))), "{steps:?}");
    let open = format!("tcp://127.0.0.1:{}", plain.port());
    assert!(matches!(probe(&Network::default(), &open).opened, Some(Opened::In(_))));
}

#[test]
fn a_name_that_is_not_there_is_no_name_server_that_is_silent() {
    let of = |text: &str| Named::of(&std::io::Error::other(text));
    let head = "failed to lookup address information: ";
    assert_eq!(of(&format!("{head}Name or service not known")), Named::Unknown);
    assert_eq!(of(&format!("{head}Temporary failure in name resolution")), Named::NoAnswer);
}

/// A proxy that wants a user, and connects every name to one host.
fn proxy(to: SocketAddr) -> SocketAddr {
    listening(move |mut stream| {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let Some(asked) = head(&mut reader) else { return };
        let has_user = asked.iter().any(|line| line == "proxy-authorization: Basic dTpw");
        if !has_user {
            let text = said("407 Proxy Authentication Required", "", "<b>who\r\nare you</b>");
            let _ = stream.write_all(text.as_bytes());
            return;
        }
        assert!(asked[0].starts_with("CONNECT account1.test:443 "), "{asked:?}");
        let mut other = TcpStream::connect(to).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        let (mut back, mut own) = (other.try_clone().unwrap(), stream.try_clone().unwrap());
        std::thread::spawn(move || std::io::copy(&mut back, &mut own));
        let _ = std::io::copy(&mut reader, &mut other);
    })
}

#[test]
fn a_proxy_is_asked_with_its_user_and_what_it_says_is_told_without() {
    let authority = Authority::new();
    let host =
        authority.host("account1.test", YEARS, said("403 Forbidden", "x-ms-version: 1\r\n", ""));
    let port = proxy(host).port();
    let through = |user: &str| Network {
        proxy: Some(format!("http://{user}127.0.0.1:{port}").parse().unwrap()),
        ..authority.network()
    };
    let steps = probe(&through("u:p@"), "https://account1.test/");
    assert_eq!(steps.through, Some(format!("127.0.0.1:{port}")));
    assert_eq!(steps.tunnel, Some(Met::Open));
    assert!(matches!(&steps.said, Some(Ok(said)) if said.status == 403), "{steps:?}");
    let steps = probe(&through(""), "https://account1.test/");
    let words = "<b>who are you</b>".to_owned();
    assert_eq!(steps.tunnel, Some(Met::Refused { status: 407, words }));
    assert_eq!(steps.secured, None);
    // What does not speak as a proxy does.
    let mail = listening(|mut stream| {
        let _ = stream.write_all(b"220 mail.test ESMTP\r\n");
    });
    let proxy = Some(format!("http://127.0.0.1:{}", mail.port()).parse().unwrap());
    let steps = probe(&Network { proxy, ..Network::default() }, "https://account1.test/");
    assert!(matches!(steps.tunnel, Some(Met::Broken(_))), "{steps:?}");
}

#[test]
fn a_file_of_authorities_that_cannot_be_read_is_told_before_anything_is_tried() {
    let network =
        Network { ca_file: Some(Path::new("/nowhere.pem").to_owned()), ..Network::default() };
    assert!(network.probe(&[]).is_err());
}
