//! What is sent at most. Each call with a body waits until what was sent before it has had its time;
//! bodies are kept small for it, so that the line is used evenly and not in bursts.

use std::num::NonZero;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{Context, Request};
use disk_prep::noun::Rate;
use disk_prep::sys::hold::hold;

use super::retry::Pace;

/// A body has the bytes of half a second, but not fewer and not more than these.
const LEAST_BODY_BYTES: u64 = 256 << 10;
const MOST_BODY_BYTES: u64 = 8 << 20;

/// Lets calls wait for their turn.
#[derive(Debug)]
pub(super) struct Limit {
    rate: Rate,
    pace: Arc<dyn Pace>,
    /// When the line is free again.
    free_at: Mutex<Duration>,
}

impl Limit {
    /// At most so much a second.
    pub fn new(rate: Rate, pace: Arc<dyn Pace>) -> Arc<Self> {
        let free_at = Mutex::new(pace.now());
        Arc::new(Limit { rate, pace, free_at })
    }

    /// How large the body of a call may be.
    pub fn body_bytes(rate: Rate) -> NonZero<u64> {
        let bytes = (rate.bytes() / 2).clamp(LEAST_BODY_BYTES, MOST_BODY_BYTES);
        NonZero::new(bytes).expect("it is no less than the least")
    }

    /// Takes the line for so many bytes; how long to wait before they are sent.
    fn take(&self, bytes: u64) -> Duration {
        let now = self.pace.now();
        let mut free_at = hold(&self.free_at);
        let begin = now.max(*free_at);
        *free_at = begin.saturating_add(duration(bytes, self.rate));
        begin.saturating_sub(now)
    }
}

/// How long so many bytes take.
fn duration(bytes: u64, rate: Rate) -> Duration {
    let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(rate.bytes());
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[async_trait::async_trait]
impl Policy for Limit {
    async fn send(
        &self,
        ctx: &Context,
        request: &mut Request,
        next: &[Arc<dyn Policy>],
    ) -> PolicyResult {
        let bytes = request.body().len().unwrap_or(0);
        if bytes > 0 {
            self.pace.wait(self.take(bytes)).await;
        }
        let (first, rest) = next.split_first().expect("the transport comes last");
        first.send(ctx, request, rest).await
    }
}

#[cfg(test)]
mod tests {
    use futures::future::BoxFuture;

    use super::*;

    /// A clock that stands still unless it is set.
    #[derive(Debug, Default)]
    struct Still(Mutex<Duration>);

    impl Pace for Still {
        fn now(&self) -> Duration {
            *hold(&self.0)
        }
        fn wait(&self, _: Duration) -> BoxFuture<'static, ()> {
            Box::pin(async {})
        }
        fn chance(&self) -> f64 {
            0.0
        }
        fn patience(&self) -> Duration {
            Duration::ZERO
        }
        fn tell(&self, _: &str) {}
    }

    #[test]
    fn what_is_sent_waits_for_what_was_sent_before_and_a_pause_is_not_made_up_for() {
        let clock = Arc::new(Still::default());
        let limit = Limit::new("1M".parse().unwrap(), clock.clone());
        let secs = |bytes| limit.take(bytes).as_secs_f64();
        assert_eq!([secs(2_000_000), secs(500_000), secs(1)], [0.0, 2.0, 2.5]);
        *hold(&clock.0) = Duration::from_secs(100);
        assert_eq!([secs(1_000_000), secs(1_000_000)], [0.0, 1.0]);
    }

    #[test]
    fn bodies_are_small_enough_for_an_even_line() {
        let bytes = |rate: &str| Limit::body_bytes(rate.parse().unwrap()).get();
        assert_eq!([bytes("1K"), bytes("4M"), bytes("1G")], [256 << 10, 2_000_000, 8 << 20]);
    }
}
