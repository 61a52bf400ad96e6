//! A service that the test plays byte by byte: HTTPS on loopback, one thread a connection, and
//! whatever answer the test writes, endless ones too; or a proxy that opens what it should pass on.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::authority::{Authority, NOW, Years};

/// What was asked.
#[derive(Debug, Clone)]
pub struct Call {
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

/// A running service; its threads end with the test.
#[derive(Debug)]
pub struct Played {
    address: SocketAddr,
    folder: tempfile::TempDir,
    calls: Arc<Book>,
}

type Answer = dyn Fn(&Call, &mut dyn Write) -> io::Result<()> + Send + Sync;
type Book = Mutex<Vec<Call>>;

impl Played {
    /// Starts one that answers so.
    pub fn start(
        answer: impl Fn(&Call, &mut dyn Write) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        Played::shown(&Authority::new("Played"), "localhost", NOW, answer)
    }

    /// The same; it shows a certificate of this name and these years.
    pub fn shown(
        authority: &Authority,
        name: &str,
        years: Years,
        answer: impl Fn(&Call, &mut dyn Write) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let config = authority.server(name, years);
        Played::listening(authority.pem(), move |stream, book| {
            serve(stream, config.clone(), &answer, book)
        })
    }

    /// Starts a proxy that stands between: it takes itself for every host that is asked for, with
    /// a certificate of this authority, and answers so.
    pub fn between(
        authority: Authority,
        answer: impl Fn(&Call, &mut dyn Write) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let pem = authority.pem().to_owned();
        Played::listening(&pem, move |mut stream, book| {
            let asked = read(&mut BufReader::new(&stream))?;
            let host = asked.path.split(':').next().unwrap_or_default();
            stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n")?;
            serve(stream, authority.server(host, NOW), &answer, book)
        })
    }

    fn listening(
        pem: &str,
        work: impl Fn(TcpStream, &Book) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), pem).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (work, calls) = (Arc::new(work), Arc::new(Mutex::new(Vec::new())));
        let book = calls.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (work, book) = (work.clone(), book.clone());
                // A caller that hangs up ends its thread.
                std::thread::spawn(move || work(stream, &book));
            }
        });
        Played { address, folder, calls }
    }

    /// Its address.
    pub fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.address.port())
    }

    /// The same as a proxy's.
    pub fn proxy(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What vouches for its certificate.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// What it was asked so far.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }
}

fn serve(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    answer: &Answer,
    book: &Book,
) -> io::Result<()> {
    let connection = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut stream = BufReader::new(StreamOwned::new(connection, stream));
    loop {
        let call = read(&mut stream)?;
        book.lock().unwrap().push(call.clone());
        answer(&call, stream.get_mut())?;
        stream.get_mut().flush()?;
    }
}

fn read(stream: &mut impl BufRead) -> io::Result<Call> {
    let mut line = || {
        let mut line = String::new();
        match stream.read_line(&mut line)? {
            0 => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
            _ => Ok(line.trim_end().to_owned()),
        }
    };
    let first = line()?;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let mut headers = BTreeMap::new();
    loop {
        let line = line()?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    Ok(Call { method, path: path.to_owned(), query: query.to_owned(), headers, body })
}

/// Writes a whole answer.
pub fn reply(to: &mut dyn Write, status: u16, headers: &str, body: &[u8]) -> io::Result<()> {
    let length = body.len();
    write!(to, "HTTP/1.1 {status} As played\r\ncontent-length: {length}\r\n{headers}\r\n")?;
    to.write_all(body)
}

/// Begins an answer without an end, and goes on until the caller hangs up.
pub fn endless(to: &mut dyn Write, status: u16, piece: &[u8]) -> io::Result<()> {
    let head = "x-ms-request-id: 1\r\ntransfer-encoding: chunked\r\n";
    write!(to, "HTTP/1.1 {status} As played\r\n{head}\r\n")?;
    loop {
        write!(to, "{:x}\r\n", piece.len())?;
        to.write_all(piece)?;
        to.write_all(b"\r\n")?;
    }
}
