//! The way to a host, step by step: its name, a connection, a proxy's consent, the handshake of TLS and
//! one question that needs no sign-in. Says what came of each, for whom the ordinary client would
//! say only that it failed. Goes by the same proxy and certificates as that client.

mod steps;
mod tls;
mod way;
mod wire;

pub use steps::{Met, Named, Opened, Said, Secured, Steps};
pub use way::proxy_used;

use std::net::SocketAddr;
use std::time::Instant;

use bytes::Bytes;
use futures::future::join_all;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::header::{CONTENT_TYPE, DATE, HOST, PROXY_AUTHORIZATION, SERVER, WWW_AUTHENTICATE};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use url::Url;

use super::error::Error;
use super::network::{Network, is_loopback};
use super::reason::Reason;
use super::runtime::block_on;
use way::{Way, way};
use wire::{Stream, WITHIN, silence, told};

/// So much of an answer is read: its first words are told.
const MOST_BYTES: usize = 16 << 10;

type Wire = TokioIo<Box<dyn Stream>>;

impl Network {
    /// Goes to each address as a call would, as far as it gets, to all at once. `tcp://host:port` is
    /// only connected to.
    pub fn probe(&self, urls: &[&Url]) -> Result<Vec<Steps>, Error> {
        self.expect_certificates()?;
        let one = |url: &Url| {
            let url = url.clone();
            async move {
                let mut steps = Steps::default();
                // What stopped it stands in the steps.
                let _ = self.walk(&url, &mut steps).await;
                steps
            }
        };
        Ok(block_on(join_all(urls.iter().map(|url| one(url)))))
    }

    async fn walk(&self, url: &Url, steps: &mut Steps) -> Option<()> {
        let way = match is_loopback(url) || url.scheme() == "tcp" {
            true => Way::Straight,
            false => way(self, url),
        };
        let (host, port) = match &way {
            Way::Straight => (url.host_str()?.to_owned(), url.port_or_known_default()?),
            Way::Through(proxy) => {
                steps.through = Some(proxy.told());
                (proxy.host.clone(), proxy.port)
            }
        };
        let host = host.trim_matches(['[', ']']);
        let stream = connected(host, port, steps).await?;
        if url.scheme() == "tcp" {
            return Some(());
        }
        let mut stream: Box<dyn Stream> = Box::new(stream);
        if let Way::Through(proxy) = &way {
            if proxy.is_encrypted {
                stream = tls::handshake(self, &proxy.host, stream, &mut steps.secured).await?;
            }
            stream = tunnel(stream, url, proxy.authorization.clone(), &mut steps.tunnel).await?;
        }
        if url.scheme() == "https" {
            let name = url.host_str()?.trim_matches(['[', ']']).to_owned();
            stream = tls::handshake(self, &name, stream, &mut steps.secured).await?;
        }
        steps.said = Some(asked(stream, url).await);
        Some(())
    }
}

async fn connected(host: &str, port: u16, steps: &mut Steps) -> Option<TcpStream> {
    let found = match timeout(WITHIN, lookup_host((host, port))).await {
        Ok(Ok(found)) => found.collect::<Vec<SocketAddr>>(),
        Ok(Err(error)) => {
            steps.named = Named::of(&error);
            return None;
        }
        Err(_) => {
            steps.named = Named::NoAnswer;
            return None;
        }
    };
    steps.named = Named::As(found.iter().map(SocketAddr::ip).collect());
    for address in found {
        let began = Instant::now();
        let tried = timeout(WITHIN, TcpStream::connect(address)).await;
        let opened = match tried {
            Ok(Ok(stream)) => {
                steps.opened = Some(Opened::In(began.elapsed()));
                return Some(stream);
            }
            Ok(Err(error)) => Opened::of(&error),
            Err(_) => Opened::Silent,
        };
        // The first that failed is told, unless another does.
        steps.opened.get_or_insert(opened);
    }
    None
}

/// Asks a proxy for a connection to a host.
async fn tunnel(
    stream: Box<dyn Stream>,
    url: &Url,
    authorization: Option<hyper::header::HeaderValue>,
    met: &mut Option<Met>,
) -> Option<Box<dyn Stream>> {
    let place = format!("{}:{}", url.host_str()?, url.port_or_known_default()?);
    let mut ask = Request::builder().method(Method::CONNECT).uri(&place).header(HOST, &place);
    if let Some(value) = authorization {
        ask = ask.header(PROXY_AUTHORIZATION, value);
    }
    let ask = ask.body(Empty::<Bytes>::new()).ok()?;
    let answer = match exchanged(TokioIo::new(stream), ask).await {
        Ok(answer) => answer,
        Err(why) => {
            *met = Some(Met::Broken(why.line()));
            return None;
        }
    };
    if !answer.status().is_success() {
        let status = answer.status().as_u16();
        *met = Some(Met::Refused { status, words: words(answer).await });
        return None;
    }
    *met = Some(Met::Open);
    let open = hyper::upgrade::on(answer).await.ok()?;
    Some(Box::new(TokioIo::new(open)))
}

/// Asks the host itself, and says what it answers.
async fn asked(stream: Box<dyn Stream>, url: &Url) -> Result<Said, Reason> {
    let place = match url.port() {
        Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
        None => url.host_str().unwrap_or_default().to_owned(),
    };
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let ask = Request::builder().uri(path).header(HOST, place);
    let ask = ask.body(Empty::<Bytes>::new()).map_err(|error| told(&error))?;
    let began = Timestamp::now();
    let answer = exchanged(TokioIo::new(stream), ask).await?;
    let ended = Timestamp::now();
    let text = |name| answer.headers().get(name)?.to_str().ok().map(str::to_owned);
    let date = text(DATE).and_then(|date| jiff::fmt::rfc2822::parse(&date).ok());
    // What the service says is of a moment between the question and its answer.
    let middle = began + ended.duration_since(began) / 2;
    Ok(Said {
        status: answer.status().as_u16(),
        is_html: text(CONTENT_TYPE).is_some_and(|own| own.starts_with("text/html")),
        asks_for_sign_in: answer.headers().contains_key(WWW_AUTHENTICATE),
        is_of_azure: answer.headers().keys().any(|name| name.as_str().starts_with("x-ms-")),
        server: text(SERVER),
        ahead: date.map(|date| middle.duration_since(date.timestamp())),
    })
}

async fn exchanged(
    wire: Wire,
    ask: Request<Empty<Bytes>>,
) -> Result<Response<hyper::body::Incoming>, Reason> {
    let all = async {
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(wire).await.map_err(|error| told(&error))?;
        tokio::spawn(connection.with_upgrades());
        sender.send_request(ask).await.map_err(|error| told(&error))
    };
    timeout(WITHIN, all).await.unwrap_or_else(|_| Err(silence()))
}

/// The first words of an answer.
async fn words(answer: Response<hyper::body::Incoming>) -> String {
    let reason = answer.status().canonical_reason().unwrap_or_default().to_owned();
    let body = Limited::new(answer.into_body(), MOST_BYTES).collect();
    let Ok(Ok(body)) = timeout(WITHIN, body).await else { return reason };
    let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.is_empty() {
        true => reason,
        false => line.chars().take(200).collect(),
    }
}

#[cfg(test)]
mod tests;
