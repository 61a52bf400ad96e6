//! Calls of a service that is busy take turns: fewer are under way at once as long as it says so,
//! and more again by and by ([`Window`]). A call that pauses between two tries holds no turn, and one
//! that reads holds it until all of the answer is here.

use std::sync::{Arc, Mutex};

use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::response::PinnedStream;
use azure_core::http::{AsyncRawResponse, Context, Method, Request};
use disk_prep::sys::hold::hold;
use futures::TryStreamExt;
use tokio::sync::Notify;
use tracing::info;

use super::window::{Ended, Turn, Window};

/// The turns of one service, for each of its calls.
#[derive(Debug, Clone, Default)]
pub(super) struct Turns(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    window: Mutex<Window>,
    /// Told whenever one ends.
    ended: Notify,
}

/// A turn that is held; it ends with the value.
struct OwnTurn {
    shared: Arc<Shared>,
    turn: Turn,
    ended: Ended,
}

impl Turns {
    async fn take(&self) -> OwnTurn {
        loop {
            let ended = self.0.ended.notified();
            // One that ends between the look and the wait is heard of.
            tokio::pin!(ended);
            ended.as_mut().enable();
            let turn = hold(&self.0.window).begin();
            if let Some(turn) = turn {
                return OwnTurn { shared: Arc::clone(&self.0), turn, ended: Ended::Otherwise };
            }
            ended.await;
        }
    }
}

impl Drop for OwnTurn {
    fn drop(&mut self) {
        let changed = hold(&self.shared.window).end(self.turn, self.ended);
        if let Some(at_once) = changed {
            let why = self.ended;
            info!(at_once, ?why, "so many calls at once from now on");
        }
        self.shared.ended.notify_waiters();
    }
}

/// The answer, which holds the turn until its body is read or given up.
fn with(answer: AsyncRawResponse, held: OwnTurn) -> AsyncRawResponse {
    let (status, headers, body) = answer.deconstruct();
    let read = futures::stream::try_unfold((body, held), |(mut body, held)| async move {
        Ok(body.try_next().await?.map(|piece| (piece, (body, held))))
    });
    let stream: PinnedStream = Box::pin(read);
    AsyncRawResponse::new(status, headers, stream)
}

#[async_trait::async_trait]
impl Policy for Turns {
    async fn send(
        &self,
        ctx: &Context,
        request: &mut Request,
        next: &[Arc<dyn Policy>],
    ) -> PolicyResult {
        let (first, rest) = next.split_first().expect("the transport comes last");
        let is_read = request.method() == Method::Get;
        let mut held = self.take().await;
        let answer = first.send(ctx, request, rest).await?;
        held.ended = match u16::from(answer.status()) {
            429 | 503 => Ended::Busy,
            500.. => Ended::Otherwise,
            _ => Ended::Well,
        };
        let has_content = is_read && held.ended == Ended::Well;
        Ok(if has_content { with(answer, held) } else { answer })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use azure_core::http::StatusCode;
    use azure_core::http::headers::Headers;
    use bytes::Bytes;
    use url::Url;

    use super::*;

    /// A service that is busy for some calls. It counts how many are under way, and the most of them
    /// since it was looked at.
    #[derive(Debug, Default)]
    struct Service {
        under_way: AtomicUsize,
        most: AtomicUsize,
        busy: AtomicUsize,
    }

    /// Ends when the answer is sent to its end.
    struct Sending(Arc<Service>);

    impl Drop for Sending {
        fn drop(&mut self) {
            self.0.under_way.fetch_sub(1, Ordering::SeqCst);
        }
    }

    #[derive(Debug)]
    struct Door(Arc<Service>);

    #[async_trait::async_trait]
    impl Policy for Door {
        async fn send(&self, _: &Context, _: &mut Request, _: &[Arc<dyn Policy>]) -> PolicyResult {
            let now = self.0.under_way.fetch_add(1, Ordering::SeqCst) + 1;
            self.0.most.fetch_max(now, Ordering::SeqCst);
            let sending = Sending(Arc::clone(&self.0));
            tokio::time::sleep(Duration::from_millis(1)).await;
            let less = |left: usize| left.checked_sub(1);
            let is_busy =
                self.0.busy.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok();
            if is_busy {
                let status = StatusCode::ServiceUnavailable;
                return Ok(AsyncRawResponse::from_bytes(status, Headers::new(), ""));
            }
            let body = futures::stream::try_unfold((0, sending), |(at, sending)| async move {
                tokio::time::sleep(Duration::from_millis(1)).await;
                Ok((at < 2).then(|| (Bytes::from_static(b"x"), (at + 1, sending))))
            });
            let stream: PinnedStream = Box::pin(body);
            Ok(AsyncRawResponse::new(StatusCode::Ok, Headers::new(), stream))
        }
    }

    /// So many callers at once, each with so many calls; the most that the service has seen.
    async fn called(turns: &Turns, service: &Arc<Service>, callers: usize, calls: usize) -> usize {
        service.most.store(0, Ordering::SeqCst);
        let call = async |method| {
            let next: Vec<Arc<dyn Policy>> = vec![Arc::new(Door(Arc::clone(service)))];
            let mut request = Request::new(Url::parse("https://h/c/b").unwrap(), method);
            turns.send(&Context::new(), &mut request, &next).await.unwrap()
        };
        let caller = async || {
            for _ in 0..calls {
                let answer = call(Method::Get).await;
                let is_well = answer.status() == StatusCode::Ok;
                let read = answer.into_body().collect().await.unwrap();
                assert!(!is_well || read.len() == 2);
            }
        };
        futures::future::join_all((0..callers).map(|_| caller())).await;
        assert_eq!(service.under_way.load(Ordering::SeqCst), 0);
        service.most.load(Ordering::SeqCst)
    }

    #[tokio::test]
    async fn fewer_are_under_way_after_the_service_was_busy_and_as_many_again_after_a_while() {
        let (turns, service) = (Turns::default(), Arc::new(Service::default()));
        assert_eq!(called(&turns, &service, 8, 4).await, 8);
        service.busy.store(8, Ordering::SeqCst);
        assert_eq!(called(&turns, &service, 8, 1).await, 8, "they were under way");
        assert_eq!(called(&turns, &service, 8, 1).await, 4, "a half of them");
        assert_eq!(called(&turns, &service, 8, 20).await, 8, "as many as there are");
        service.busy.store(100, Ordering::SeqCst);
        called(&turns, &service, 8, 12).await;
        assert_eq!(called(&turns, &service, 8, 1).await, 2, "four were busy, one at a time");
    }
}
