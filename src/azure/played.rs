//! For tests of this room: a service on loopback that gives out answers one after the other, and a
//! time that goes by only while somebody waits.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use disk_prep::sys::hold::hold;
use url::Url;

use super::bounds::Bounds;
use super::exchange::Exchange;
use super::network::{Clear, Network};
use super::retry::tests::PlayedPace;
use super::retry::{Pace, ServiceClock};
use super::sign_in::{ARM_SCOPE, SignIn, Tokens};

/// One answer: status, headers in which `{}` is the service's address, body.
#[derive(Debug, Clone)]
pub struct Answer {
    status: u16,
    headers: String,
    body: String,
}

/// An answer.
pub fn answer(status: u16, headers: &str, body: &str) -> Answer {
    Answer { status, headers: headers.to_owned(), body: body.to_owned() }
}

/// A running service; its threads end with the test.
#[derive(Debug)]
pub struct Played {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    pace: Arc<PlayedPace>,
}

impl Played {
    /// Starts one that gives these answers.
    pub fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let book = Arc::clone(&asked);
        let answers = Arc::new(Mutex::new(VecDeque::from(answers)));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A caller may come over another connection before it has hung up the first.
                let (answers, book) = (Arc::clone(&answers), Arc::clone(&book));
                std::thread::spawn(move || serve(stream, address, &answers, &book));
            }
        });
        Played { address, asked, pace: Arc::default() }
    }

    /// An address of it.
    pub fn url(&self, path: &str) -> Url {
        format!("http://{}{path}", self.address).parse().unwrap()
    }

    /// What sends calls to it, with a token that was given.
    pub fn exchange(&self) -> Exchange {
        self.exchange_by(SignIn::Token("token".to_owned().into()))
    }

    /// The same, with this sign-in.
    pub fn exchange_by(&self, sign_in: SignIn) -> Exchange {
        let http = Network::default().client(&self.url("/"), Clear::Loopback).unwrap();
        let tokens = Tokens::new(sign_in, http.clone(), ARM_SCOPE);
        let pace: Arc<dyn Pace> = self.pace.clone();
        let (bounds, clock) = (Bounds::default(), ServiceClock::default());
        Exchange { http, tokens, bounds, pace, clock }
    }

    /// Method and target of each call so far.
    pub fn asked(&self) -> Vec<String> {
        hold(&self.asked).clone()
    }

    /// The pauses that were made between calls, milliseconds.
    pub fn pauses_ms(&self) -> Vec<u128> {
        hold(&self.pace.pauses).iter().map(Duration::as_millis).collect()
    }
}

/// Answers the calls of one connection as long as there are answers.
fn serve(
    stream: TcpStream,
    address: SocketAddr,
    answers: &Mutex<VecDeque<Answer>>,
    book: &Mutex<Vec<String>>,
) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        let length = lines.iter().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().unwrap())
        });
        stream.read_exact(&mut vec![0; length.unwrap_or(0)]).unwrap();
        hold(book).push(lines[0].trim_end_matches(" HTTP/1.1").to_owned());
        let Some(Answer { status, headers, body }) = hold(answers).pop_front() else { return };
        let headers = match headers.as_str() {
            "" => String::new(),
            own => format!("{}\r\n", own.replace("{}", &format!("http://{address}"))),
        };
        let length = match status {
            204 => String::new(),
            _ => format!("content-length: {}\r\n", body.len()),
        };
        let whole = format!("HTTP/1.1 {status} Played\r\n{length}{headers}\r\n{body}");
        // In one piece, so that nobody waits for the rest of it.
        stream.get_mut().write_all(whole.as_bytes()).unwrap();
    }
}
