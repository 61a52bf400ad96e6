//! When a call is tried again, and when. The policy is apart from the calls: it knows what came of
//! a try, what the service asked for and what time it is, and says what is next. The resource
//! manager's calls ask it in their own loop, those of the SDK through a policy in its pipeline,
//! whose own retries are off.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use azure_core::error::ErrorKind as CoreKind;
use azure_core::http::headers::HeaderName;
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{Context, Request};
use disk_prep::sys::hold::hold;
use futures::future::BoxFuture;
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::{SignedDuration, Timestamp};
use tracing::info;
use url::Url;
use uuid::Uuid;

use super::call::Call;
use super::error::Error;
use super::patience::Patience;

/// A call that fails is tried so often; then somebody is told. A service that is busy is waited for
/// by time and not by count.
const TRIES: u32 = 5;
/// The pause after the first try that the service asked no other for; each later one is twice as
/// long. Up to half of it is left out by chance, so that many callers do not come back at once.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest of those.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// All pauses of a call that fails together. Whoever is asked for more is told, and comes back later.
const ALL_PAUSES: Duration = Duration::from_secs(300);
/// Who waits longer than this for a service that is busy is told of it.
const TOLD_FROM: Duration = Duration::from_secs(5);

/// What a second time would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Nothing that the first has not done: it reads, names what it makes, or has a condition.
    Harmless,
    /// The same again, so it is sent again only if it was not taken the first time.
    IfUntaken,
    /// It is never sent a second time.
    Never,
}

/// What came of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    /// There was no connection, so nothing was taken.
    Unsent,
    /// No answer; what was sent may have been taken.
    Unanswered,
    /// An answer with this status.
    Status(u16),
}

/// Whether what came of a try is a reason to try again. A service that throttles (429) or is busy
/// (503) has not begun; one that fails in another way may have.
pub(super) fn is_tried_again(came: Came, repeat: Repeat) -> bool {
    match came {
        Came::Unsent | Came::Status(429 | 503) => repeat != Repeat::Never,
        Came::Unanswered | Came::Status(408 | 500 | 502 | 504) => repeat == Repeat::Harmless,
        Came::Status(_) => false,
    }
}

/// How long a service asks to wait; headers are looked up by name. A date is counted against the
/// service's own clock if it says what time it is.
/// <https://www.rfc-editor.org/rfc/rfc9110#field.retry-after>
pub(super) fn asked_pause<'a>(
    header: impl Fn(&'static str) -> Option<&'a str>,
    now: Timestamp,
) -> Option<Duration> {
    // More digits than a number has are years all the same.
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let millis = |name| header(name).and_then(|text| number(text.trim()));
    if let Some(millis) = millis("x-ms-retry-after-ms").or_else(|| millis("retry-after-ms")) {
        return Some(Duration::from_millis(millis));
    }
    let text = header("retry-after")?.trim();
    if let Some(secs) = number(text) {
        return Some(Duration::from_secs(secs));
    }
    let now = header("date").and_then(date).unwrap_or(now);
    Some(Duration::try_from(date(text)?.duration_since(now)).unwrap_or_default())
}

/// A moment as headers have it.
fn date(text: &str) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(text.trim()).ok()
}

/// The clock of a service, as its answers tell it.
#[derive(Debug, Default)]
pub(super) struct ServiceClock(Mutex<Option<(Timestamp, Duration)>>);

impl ServiceClock {
    /// Takes the date of an answer that came at this moment of ours.
    pub fn hear(&self, text: Option<&str>, at: Duration) {
        if let Some(told) = text.and_then(date) {
            *hold(&self.0) = Some((told, at));
        }
    }

    /// What time it is there at this moment of ours; `None` if it never said so.
    pub fn time(&self, now: Duration) -> Option<Timestamp> {
        let (told, at) = (*hold(&self.0))?;
        told.checked_add(SignedDuration::try_from(now.saturating_sub(at)).ok()?).ok()
    }
}

/// Where time and chance come from.
pub(super) trait Pace: std::fmt::Debug + Send + Sync {
    /// Time since some moment that stays the same.
    fn now(&self) -> Duration;
    /// Lets time go by.
    fn wait(&self, pause: Duration) -> BoxFuture<'static, ()>;
    /// A number from 0 to 1.
    fn chance(&self) -> f64;
    /// How long a service that is busy is waited for.
    fn patience(&self) -> Duration;
    /// Tells whoever waits that he does.
    fn tell(&self, text: &str);
    /// Within which time of its begin a call that failed is tried again.
    fn tried_within(&self) -> Option<Duration> {
        None
    }
    /// Takes a pause for a service that is busy out of what there is for all calls together; not if
    /// that is less.
    fn may_pause(&self, _: Duration) -> bool {
        true
    }
}

/// The machine's own.
#[derive(Debug)]
pub(super) struct RealPace {
    begun: Instant,
    patience: Patience,
    /// Pauses for a service that is busy, of all calls together.
    busy: Mutex<Duration>,
}

impl RealPace {
    /// From now on.
    pub fn begin(patience: &Patience) -> Arc<dyn Pace> {
        let (begun, patience, busy) = (Instant::now(), patience.clone(), Mutex::default());
        Arc::new(RealPace { begun, patience, busy })
    }
}

impl Pace for RealPace {
    fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    fn wait(&self, pause: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(pause))
    }

    fn chance(&self) -> f64 {
        // Two bytes of an id that is made by chance.
        let id = Uuid::new_v4().into_bytes();
        f64::from(u16::from_be_bytes([id[0], id[1]])) / f64::from(u16::MAX)
    }

    fn patience(&self) -> Duration {
        self.patience.most
    }

    fn tell(&self, text: &str) {
        self.patience.tell(text);
    }

    fn tried_within(&self) -> Option<Duration> {
        self.patience.tempo.tried_within()
    }

    fn may_pause(&self, pause: Duration) -> bool {
        let mut busy = hold(&self.busy);
        let all = busy.saturating_add(pause);
        let may = self.tried_within().is_none_or(|most| all <= most);
        if may {
            *busy = all;
        }
        may
    }
}

/// What is next after a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The pause is over: another try.
    Again,
    /// What came stands.
    Stands,
    /// The service asks for a pause that is longer than a call waits.
    TooLong(Duration),
}

/// The tries of one call.
#[derive(Debug)]
pub(super) struct Tries {
    pace: Arc<dyn Pace>,
    repeat: Repeat,
    begun: Duration,
    count: u32,
    /// Of them, those that failed in another way than by a service that is busy, and their pauses.
    failed: u32,
    paused: Duration,
    busy_since: Option<Duration>,
}

impl Tries {
    /// None yet.
    pub fn new(pace: &Arc<dyn Pace>, repeat: Repeat) -> Self {
        let begun = pace.now();
        let (pace, paused) = (Arc::clone(pace), Duration::ZERO);
        Tries { pace, repeat, begun, count: 0, failed: 0, paused, busy_since: None }
    }

    /// Counts one that begins.
    pub fn begin(&mut self) {
        self.count += 1;
    }

    /// Whether one has begun before.
    pub fn has_begun(&self) -> bool {
        self.count > 0
    }

    /// Says what is next after what came of this address, and waits before another try.
    pub async fn next(&mut self, came: Came, asked: Option<Duration>, url: &Url) -> Next {
        if !is_tried_again(came, self.repeat) {
            return Next::Stands;
        }
        let pause = match came {
            Came::Status(status @ (429 | 503)) => self.of_busy(status, asked, url),
            _ => self.of_failed(asked),
        };
        let pause = match pause {
            Ok(pause) => pause,
            Err(next) => return next,
        };
        info!(attempt = self.count, secs = pause.as_secs_f32(), ?came, "tries again after a pause");
        self.pace.wait(pause).await;
        Next::Again
    }

    /// The pause before a call that failed is tried again.
    fn of_failed(&mut self, asked: Option<Duration>) -> Result<Duration, Next> {
        self.failed += 1;
        let taken = self.pace.now().saturating_sub(self.begun);
        if self.failed >= TRIES || self.pace.tried_within().is_some_and(|most| taken >= most) {
            return Err(Next::Stands);
        }
        let pause = asked.unwrap_or_else(|| backoff(self.count, self.pace.chance()));
        let paused = self.paused.saturating_add(pause);
        if paused > ALL_PAUSES {
            return Err(Next::TooLong(pause));
        }
        self.paused = paused;
        Ok(pause)
    }

    /// The pause before a service that is busy is asked again. One that asks for short pauses for ever
    /// gets longer ones.
    fn of_busy(
        &mut self,
        status: u16,
        asked: Option<Duration>,
        url: &Url,
    ) -> Result<Duration, Next> {
        let now = self.pace.now();
        let waited = now.saturating_sub(*self.busy_since.get_or_insert(now));
        let own = |count| backoff(count, self.pace.chance());
        let pause = match asked {
            None => own(self.count),
            Some(asked) if self.count < TRIES => asked,
            Some(asked) => asked.max(own(self.count - 3)),
        };
        // A look asks many things, and all of them would be waited for.
        if !self.pace.may_pause(pause) {
            return Err(asked.map_or(Next::Stands, Next::TooLong));
        }
        // What the service asks for at first is kept, as for a call that failed.
        let is_kept = asked.is_some() && self.count < TRIES;
        let most = self.pace.patience().max(if is_kept { ALL_PAUSES } else { Duration::ZERO });
        if asked.is_some_and(|asked| asked > most) {
            return Err(Next::TooLong(pause));
        }
        let until = waited.saturating_add(pause);
        if until > most {
            return Err(Next::Stands);
        }
        if until >= TOLD_FROM {
            let (host, most) = (url.host_str().unwrap_or_default(), most.as_secs());
            self.pace.tell(&format!(
                "{host} has been busy for {} s (it answers {status}): the work waits for it, up to \
                 {most} s, and then goes on",
                waited.as_secs()
            ));
        }
        Ok(pause)
    }

    /// As an error tells of them.
    pub fn call(&self, method: &str, url: &Url) -> Call {
        Call::new(method, url, self.count, self.pace.now().saturating_sub(self.begun))
    }
}

fn backoff(count: u32, chance: f64) -> Duration {
    let whole = FIRST_PAUSE.saturating_mul(2u32.saturating_pow(count.saturating_sub(1)));
    whole.min(LONGEST_PAUSE).mul_f64(1.0 - chance.clamp(0.0, 1.0) / 2.0)
}

/// Where the tries of a call of the SDK are written down, for its error.
pub(super) type Book = Arc<Mutex<Option<Call>>>;

/// The policy in the SDK's pipeline, around everything that is done for each try. It stands among
/// the policies of a call; the SDK's own retries are off.
#[derive(Debug)]
pub(super) struct Retry {
    pace: Arc<dyn Pace>,
    repeat: Repeat,
    book: Book,
}

impl Retry {
    /// For one call, or several of which the last one is told of.
    pub fn new(pace: &Arc<dyn Pace>, repeat: Repeat) -> Self {
        Retry { pace: Arc::clone(pace), repeat, book: Book::default() }
    }

    /// Where its tries are written down.
    pub fn book(&self) -> Book {
        Arc::clone(&self.book)
    }
}

/// What an error of a try means; `None` if it is one of our own that stands.
fn came(error: &azure_core::Error) -> Option<Came> {
    match error.kind() {
        CoreKind::Connection => Some(Came::Unsent),
        CoreKind::Io => Some(Came::Unanswered),
        // Without a token nothing was sent.
        CoreKind::Credential => match error.downcast_ref::<Error>() {
            Some(Error::Unreachable { .. } | Error::Failing { .. }) => Some(Came::Unsent),
            _ => None,
        },
        _ => None,
    }
}

#[async_trait::async_trait]
impl Policy for Retry {
    async fn send(
        &self,
        ctx: &Context,
        request: &mut Request,
        next: &[Arc<dyn Policy>],
    ) -> PolicyResult {
        let (first, rest) = next.split_first().expect("the transport comes last");
        let mut tries = Tries::new(&self.pace, self.repeat);
        loop {
            if tries.has_begun() {
                request.body_mut().reset().await?;
            }
            tries.begin();
            let answer = first.send(ctx, request, rest).await;
            let (came, asked) = match &answer {
                Ok(answer) => {
                    let header =
                        |name| answer.headers().get_optional_str(&HeaderName::from_static(name));
                    let asked = asked_pause(header, Timestamp::now());
                    (Some(Came::Status(answer.status().into())), asked)
                }
                Err(error) => (came(error), None),
            };
            let next = match came {
                Some(came) => tries.next(came, asked, request.url()).await,
                None => Next::Stands,
            };
            if next == Next::Again {
                continue;
            }
            let call = tries.call(request.method().as_str(), request.url());
            *hold(&self.book) = Some(call);
            let Next::TooLong(wait) = next else { return answer };
            let host = request.url().host_str().unwrap_or_default().to_owned();
            let error = Error::AskedToWait { host, wait_secs: wait.as_secs(), call: None };
            let text = "the pause is too long";
            return Err(azure_core::Error::with_error(CoreKind::Other, error, text));
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
