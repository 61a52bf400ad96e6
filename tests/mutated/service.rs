//! The emulator's HTTP: requests with changes over a connection of their own each. Every answer is
//! one, and none is the emulator's own failure.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use azseed::emulator::{AccountOptions, Emulator, EmulatorOptions, start};
use secrecy::ExposeSecret;
use url::Url;

use super::engine::{Dice, mutate};
use super::{SEEDS, fixtures};

const COUNT: usize = 2_000;

static PANICS: AtomicUsize = AtomicUsize::new(0);

/// Sends bytes and returns the status of the answer, if there was one before the end.
fn status(address: &str, request: &[u8]) -> Option<u16> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.set_nodelay(true).unwrap();
    // The other side may have seen enough before all was sent.
    let _sent = stream.write_all(request).is_ok();
    let _closed = stream.shutdown(std::net::Shutdown::Write).is_ok();
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    loop {
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => answer.extend_from_slice(&piece[..count]),
            Err(error) => {
                let is_slow = error.kind() == std::io::ErrorKind::WouldBlock;
                assert!(!is_slow, "no answer and no end: {:?}", String::from_utf8_lossy(request));
                break;
            }
        }
        if answer.len() > 1 << 20 {
            break;
        }
    }
    let text = String::from_utf8_lossy(&answer);
    text.split(' ').nth(1).and_then(|word| word.parse().ok())
}

#[test]
fn requests_to_the_emulator() {
    let folder = tempfile::tempdir().unwrap();
    let emulator: Emulator = start(&EmulatorOptions {
        listen: "127.0.0.1:0".parse().unwrap(),
        data: folder.path().to_owned(),
        is_plain: true,
        blob_endpoint: None,
        account: AccountOptions {
            account: Some("seedaccount".parse().unwrap()),
            subscription: Some("11111111-2222-4333-8444-555555555555".parse().unwrap()),
            ..AccountOptions::default()
        },
    })
    .unwrap();
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        before(info);
    }));
    let facts = &emulator.facts;
    let origin = Url::parse(&facts.arm).unwrap();
    let address = format!("127.0.0.1:{}", origin.port().unwrap());
    let (mark, token) = (b"@TOKEN@", facts.token.expose_secret());
    let filled = |request: &[u8]| {
        let mut request = request.to_vec();
        while let Some(at) = request.windows(mark.len()).position(|own| own == mark) {
            request.splice(at..at + mark.len(), token.bytes());
        }
        request
    };
    let corpus: Vec<Vec<u8>> = fixtures("mutated/http", |name| name.ends_with(".http"))
        .into_iter()
        .map(|text| {
            let text = String::from_utf8(text).unwrap();
            let (head, body) = text.split_once("\n\n").unwrap();
            format!("{}\r\n\r\n{body}", head.replace('\n', "\r\n")).into_bytes()
        })
        .collect();
    let mut met = [0usize; 6];
    for request in &corpus {
        let status = status(&address, &filled(request)).expect("a good request has an answer");
        let text = String::from_utf8_lossy(request);
        assert!((200..500).contains(&status), "{status}: {text}");
    }
    for seed in *SEEDS {
        let mut dice = Dice(seed ^ 13);
        for _ in 0..COUNT / 2 {
            let request = mutate(&corpus, &mut dice);
            let status = status(&address, &filled(&request));
            let text = String::from_utf8_lossy(&request);
            let is_failure = status.is_some_and(|own| own == 500);
            assert!(!is_failure && PANICS.load(Ordering::Relaxed) == 0, "{status:?}: {text}");
            met[usize::from(status.unwrap_or(0) / 100).min(5)] += 1;
        }
    }
    assert!(met[2] > COUNT / 20 && met[4] > COUNT / 20, "{met:?}");
    eprintln!("mutated inputs: HTTP: {COUNT}");
}
