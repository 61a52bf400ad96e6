//! The emulator's HTTP: requests with changes over a connection of their own each. Every answer is
//! one, and none is the emulator's own failure.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use azseed_emulator::{AccountOptions, Emulator, EmulatorOptions, Names, Style, start};
use secrecy::ExposeSecret;
use url::Url;

use super::engine::{Dice, mutate};
use super::{SEEDS, fixtures};

const COUNT: usize = 6_000;
/// Callers at once; most of their time is waiting.
const SENDERS: usize = 16;

static PANICS: AtomicUsize = AtomicUsize::new(0);

/// Sends bytes and returns the status of the answer, if there was one. A request that is not whole
/// is ended after `patience`.
fn status(address: &str, request: &[u8], patience: Duration) -> Option<u16> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(patience)).unwrap();
    // The other side may have seen enough before all was sent.
    let _sent = stream.write_all(request).is_ok();
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    let mut is_ended = false;
    loop {
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => answer.extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock && !is_ended => {
                is_ended = true;
                let _closed = stream.shutdown(Shutdown::Write).is_ok();
                stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            }
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
        blob_listen: None,
        names: Names {
            arm: "https://management.azure.com".to_owned(),
            authority: "https://login.microsoftonline.com".to_owned(),
            suffix: "core.windows.net".to_owned(),
        },
        style: Style::Path,
        data: folder.path().to_owned(),
        is_plain: true,
        blob_endpoint: None,
        unregistered: Vec::new(),
        mischief: Vec::new(),
        account: AccountOptions {
            accounts: vec!["seedaccount".parse().unwrap()],
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
    let [arm, blob] = [&facts.arm, &facts.blob]
        .map(|origin| format!("127.0.0.1:{}", Url::parse(origin).unwrap().port().unwrap()));
    let address = |request: &[u8]| {
        let is_blob = String::from_utf8_lossy(request).contains(" /seedaccount/");
        if is_blob { blob.as_str() } else { arm.as_str() }
    };
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
    for request in &corpus {
        let status = status(address(request), &filled(request), Duration::from_secs(20));
        let text = String::from_utf8_lossy(request);
        assert!(status.is_some_and(|own| (200..500).contains(&own)), "{status:?}: {text}");
    }
    let met: [AtomicUsize; 6] = Default::default();
    for seed in *SEEDS {
        let mut dice = Dice(seed ^ 13);
        let requests: Vec<Vec<u8>> = (0..COUNT / 2).map(|_| mutate(&corpus, &mut dice)).collect();
        std::thread::scope(|scope| {
            for own in requests.chunks(requests.len().div_ceil(SENDERS)) {
                let (met, filled, address) = (&met, &filled, &address);
                scope.spawn(move || {
                    for request in own {
                        let status =
                            status(address(request), &filled(request), Duration::from_millis(80));
                        let text = String::from_utf8_lossy(request);
                        let is_sound = status != Some(500) && PANICS.load(Ordering::Relaxed) == 0;
                        assert!(is_sound, "{status:?}: {text}");
                        let class = usize::from(status.unwrap_or(0) / 100).min(5);
                        met[class].fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
    }
    let met = met.map(AtomicUsize::into_inner);
    assert!(met[2] > COUNT / 100 && met[4] > COUNT / 100, "{met:?}");
    eprintln!("mutated inputs: HTTP: {COUNT}");
}
