//! Calls of a service that is busy take turns: fewer are under way at once as long as it says so,
//! and more again by and by ([`Window`]). A call that pauses between two tries holds no turn, nor does
//! one whose answer has begun: who reads a blob in parts may read one of them only behind another.

use std::sync::{Arc, Mutex};

use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{Context, Request};
use disk_prep::sys::hold::hold;
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

#[async_trait::async_trait]
impl Policy for Turns {
    async fn send(
        &self,
        ctx: &Context,
        request: &mut Request,
        next: &[Arc<dyn Policy>],
    ) -> PolicyResult {
        let (first, rest) = next.split_first().expect("the transport comes last");
        let mut held = self.take().await;
        let answer = first.send(ctx, request, rest).await?;
        held.ended = match u16::from(answer.status()) {
            429 | 503 => Ended::Busy,
            500.. => Ended::Otherwise,
            _ => Ended::Well,
        };
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use azure_core::http::headers::Headers;
    use azure_core::http::{AsyncRawResponse, Method, StatusCode};
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

    #[derive(Debug)]
    struct Door(Arc<Service>);

    #[async_trait::async_trait]
    impl Policy for Door {
        async fn send(&self, _: &Context, _: &mut Request, _: &[Arc<dyn Policy>]) -> PolicyResult {
            let now = self.0.under_way.fetch_add(1, Ordering::SeqCst) + 1;
            self.0.most.fetch_max(now, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(1)).await;
            let less = |left: usize| left.checked_sub(1);
            let is_busy =
                self.0.busy.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok();
            self.0.under_way.fetch_sub(1, Ordering::SeqCst);
            let status = if is_busy { StatusCode::ServiceUnavailable } else { StatusCode::Ok };
            Ok(AsyncRawResponse::from_bytes(status, Headers::new(), ""))
        }
    }

    /// So many callers at once, each with so many calls; the most that the service has seen.
    async fn called(turns: &Turns, service: &Arc<Service>, callers: usize, calls: usize) -> usize {
        service.most.store(0, Ordering::SeqCst);
        let call = async || {
            let next: Vec<Arc<dyn Policy>> = vec![Arc::new(Door(Arc::clone(service)))];
            let mut request = Request::new(Url::parse("https://h/c/b").unwrap(), Method::Get);
            turns.send(&Context::new(), &mut request, &next).await.unwrap()
        };
        let caller = async || {
            for _ in 0..calls {
                call().await;
            }
        };
        futures::future::join_all((0..callers).map(|_| caller())).await;
        assert_eq!(service.under_way.load(Ordering::SeqCst), 0);
        service.most.load(Ordering::SeqCst)
    }

    #[tokio::test]
    async fn an_answer_that_nobody_reads_yet_keeps_no_call_from_its_turn() {
        let (turns, service) = (Turns::default(), Arc::new(Service::default()));
        service.busy.store(8, Ordering::SeqCst);
        called(&turns, &service, 1, 8).await;
        let next: Vec<Arc<dyn Policy>> = vec![Arc::new(Door(Arc::clone(&service)))];
        let mut unread = Vec::new();
        for _ in 0..9 {
            let mut request = Request::new(Url::parse("https://h/c/b").unwrap(), Method::Get);
            unread.push(turns.send(&Context::new(), &mut request, &next).await.unwrap());
        }
        assert!(unread.iter().all(|answer| answer.status() == StatusCode::Ok));
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
