//! The listener: TLS, HTTP/1, and one blocking thread for each call. Knows nothing of Azure.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use http_body_util::{BodyExt, Either, Full, Limited, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::http::{Answer, Body, Call, LARGEST_BODY, Manner};

/// In how many drops a body comes that is slow on purpose, and the pause before each.
const DROPS: usize = 10;
const PAUSE: std::time::Duration = std::time::Duration::from_millis(40);
/// Bytes of a file that are sent at once.
const PIECE: u64 = 1 << 20;

/// Answers calls.
pub(super) type Handler = Arc<dyn Fn(Call) -> Answer + Send + Sync>;

/// Takes connections for ever. Without `tls` it speaks plain HTTP.
pub(super) async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, handler: Handler) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors: a connection that ends frees one.
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            continue;
        };
        let (tls, handler) = (tls.clone(), Arc::clone(&handler));
        tokio::spawn(async move { connection(stream, tls, handler).await });
    }
}

async fn connection(stream: TcpStream, tls: Option<TlsAcceptor>, handler: Handler) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let handler = Arc::clone(&handler);
        async move { respond(request, handler).await }
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new());
    // A caller that goes away in mid-call is its own matter.
    let _ = match tls {
        None => http.serve_connection(TokioIo::new(stream), service).await,
        Some(tls) => match tls.accept(stream).await {
            Ok(stream) => http.serve_connection(TokioIo::new(stream), service).await,
            Err(_) => return,
        },
    };
}

type Frames = futures::stream::BoxStream<'static, io::Result<Frame<Bytes>>>;
type Outgoing = Either<Full<Bytes>, StreamBody<Frames>>;

/// The connection is to end in place of an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is reset")]
struct Reset;

async fn respond(
    request: Request<Incoming>,
    handler: Handler,
) -> Result<Response<Outgoing>, Reset> {
    let (head, body) = request.into_parts();
    let answer = match Limited::new(body, LARGEST_BODY).collect().await {
        Err(_) => Answer::empty(413),
        Ok(body) => {
            let query = head.uri.query().unwrap_or_default();
            let call = Call {
                method: head.method,
                path: head.uri.path().to_owned(),
                query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
                headers: head.headers,
                body: body.to_bytes(),
            };
            let answered = tokio::task::spawn_blocking(move || handler(call)).await;
            answered.unwrap_or_else(|_| Answer::empty(500))
        }
    };
    let mut response = Response::builder()
        .status(answer.status)
        .header("server", "azseed-emulator")
        .header("x-ms-request-id", uuid::Uuid::new_v4().to_string());
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    let length = match &answer.body {
        Body::Whole(bytes) => bytes.len() as u64,
        Body::Head(bytes) | Body::Stretch { bytes, .. } => *bytes,
    };
    let body = match (answer.manner, answer.body) {
        (Manner::Reset, _) => return Err(Reset),
        (_, Body::Head(_)) => Either::Left(Full::new(Bytes::new())),
        (Manner::Well, Body::Whole(bytes)) => Either::Left(Full::new(bytes)),
        (Manner::Well, Body::Stretch { file, start, bytes }) => {
            Either::Right(stretch(file, start, bytes))
        }
        (manner, body) => Either::Right(badly(whole(body), manner)),
    };
    let response = response.header("content-length", length).body(body);
    Ok(response.unwrap_or_else(|_| {
        let mut broken = Response::new(Either::Left(Full::new(Bytes::new())));
        *broken.status_mut() = hyper::StatusCode::INTERNAL_SERVER_ERROR;
        broken
    }))
}

/// All of a body; what cannot be read of it is left out, and so the answer is too short.
fn whole(body: Body) -> Bytes {
    match body {
        Body::Whole(bytes) => bytes,
        Body::Head(_) => Bytes::new(),
        Body::Stretch { file, start, bytes } => {
            let mut whole = vec![0; usize::try_from(bytes).unwrap_or(0)];
            file.read_exact_at(&mut whole, start).map_or_else(|_| Bytes::new(), |()| whole.into())
        }
    }
}

/// In drops, or half of it and then the end of the connection.
fn badly(bytes: Bytes, manner: Manner) -> StreamBody<Frames> {
    let drop_bytes = bytes.len().div_ceil(DROPS).max(1);
    let end = if manner == Manner::Half { bytes.len() / 2 } else { bytes.len() };
    let drops = futures::stream::unfold(0, move |at| {
        let bytes = bytes.clone();
        async move {
            if at >= end {
                let is_cut = end < bytes.len() && at == end;
                let cut = || Err(io::Error::from(io::ErrorKind::ConnectionReset));
                return is_cut.then(|| (cut(), usize::MAX));
            }
            let next = (at + drop_bytes).min(end);
            tokio::time::sleep(PAUSE).await;
            Some((Ok(Frame::data(bytes.slice(at..next))), next))
        }
    });
    StreamBody::new(Box::pin(drops))
}

fn stretch(file: File, start: u64, bytes: u64) -> StreamBody<Frames> {
    let file = Arc::new(file);
    let pieces = futures::stream::unfold((start, bytes), move |(at, left)| {
        let file = Arc::clone(&file);
        async move {
            if left == 0 {
                return None;
            }
            let length = left.min(PIECE);
            let read = tokio::task::spawn_blocking(move || {
                let mut piece = vec![0; usize::try_from(length).unwrap_or(0)];
                file.read_exact_at(&mut piece, at).map(|()| Frame::data(Bytes::from(piece)))
            });
            let piece = read.await.unwrap_or_else(|error| Err(io::Error::other(error)));
            Some((piece, (at.saturating_add(length), left - length)))
        }
    });
    StreamBody::new(Box::pin(pieces))
}
