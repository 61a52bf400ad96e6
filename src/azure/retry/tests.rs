//! Retries by a clock that is played.

use super::*;
use azure_core::http::headers::Headers;
use azure_core::http::{AsyncRawResponse, Method, StatusCode};
use std::collections::VecDeque;

use super::super::patience::Tempo;

/// A time that goes by only while somebody waits.
#[derive(Debug, Default)]
pub struct PlayedPace {
    pub pauses: Mutex<Vec<Duration>>,
    pub told: Mutex<Vec<String>>,
    pub is_hasty: bool,
    pub is_look: bool,
}

impl Pace for PlayedPace {
    fn now(&self) -> Duration {
        hold(&self.pauses).iter().sum()
    }
    fn wait(&self, pause: Duration) -> BoxFuture<'static, ()> {
        hold(&self.pauses).push(pause);
        Box::pin(std::future::ready(()))
    }
    fn chance(&self) -> f64 {
        0.0
    }
    fn patience(&self) -> Duration {
        if self.is_hasty { Patience::default().most } else { Duration::from_secs(900) }
    }
    fn tell(&self, text: &str) {
        hold(&self.told).push(text.to_owned());
    }
    fn tried_within(&self) -> Option<Duration> {
        self.is_look.then_some(Duration::from_secs(5))
    }
    fn may_pause(&self, pause: Duration) -> bool {
        !self.is_look || self.now() + pause <= Duration::from_secs(5)
    }
}

#[test]
fn what_is_tried_again_is_what_was_not_taken_or_does_no_harm() {
    let statuses = |repeat| -> Vec<u16> {
        (100..600).filter(|status| is_tried_again(Came::Status(*status), repeat)).collect()
    };
    assert_eq!(statuses(Repeat::Harmless), [408, 429, 500, 502, 503, 504]);
    assert_eq!(statuses(Repeat::IfUntaken), [429, 503]);
    assert!(statuses(Repeat::Never).is_empty());
    for (repeat, unsent, unanswered) in [
        (Repeat::Harmless, true, true),
        (Repeat::IfUntaken, true, false),
        (Repeat::Never, false, false),
    ] {
        assert_eq!(is_tried_again(Came::Unsent, repeat), unsent, "{repeat:?}");
        assert_eq!(is_tried_again(Came::Unanswered, repeat), unanswered, "{repeat:?}");
    }
}

#[test]
fn a_pause_is_read_in_every_form_and_a_date_by_the_services_own_clock() {
    let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let secs = |secs| Some(Duration::from_secs(secs));
    let millis = |millis| Some(Duration::from_millis(millis));
    let date = "Thu, 01 Jan 2026 00:01:30 GMT";
    for (headers, expected) in [
        (&[("retry-after", "0")][..], secs(0)),
        (&[("retry-after", " 7 ")], secs(7)),
        (&[("retry-after", "31536000")], secs(31_536_000)),
        (&[("retry-after", "99999999999999999999999999")], secs(u64::MAX)),
        (&[("retry-after", date)], secs(90)),
        (&[("retry-after", date), ("date", "Thu, 01 Jan 2026 00:01:00 GMT")], secs(30)),
        (&[("retry-after", date), ("date", "Thu, 01 Jan 2026 00:02:00 GMT")], secs(0)),
        (&[("retry-after", date), ("date", "today")], secs(90)),
        (&[("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT")], secs(0)),
        (&[("retry-after-ms", "250")], millis(250)),
        (&[("x-ms-retry-after-ms", "1500"), ("retry-after", "9")], millis(1500)),
        (&[("retry-after-ms", "5"), ("x-ms-retry-after-ms", "6")], millis(6)),
        (&[("retry-after-ms", "soon"), ("retry-after", "9")], secs(9)),
        (&[("retry-after", "-5")], None),
        (&[("retry-after", "")], None),
        (&[("retry-after", "soon")], None),
        (&[], None),
    ] {
        let header = |name| headers.iter().find(|(own, _)| *own == name).map(|(_, value)| *value);
        assert_eq!(asked_pause(header, now), expected, "{headers:?}");
    }
}

#[test]
fn pauses_double_and_chance_takes_half_at_most() {
    let secs = |chance| [1, 2, 3, 4].map(|count| backoff(count, chance).as_secs_f64());
    assert_eq!(secs(0.0), [1.0, 2.0, 4.0, 8.0]);
    assert_eq!(secs(1.0), [0.5, 1.0, 2.0, 4.0]);
    assert_eq!([6, 7, 8, u32::MAX].map(|count| backoff(count, 0.0).as_secs()), [32, 60, 60, 60]);
    let pace = RealPace::begin(&Patience::default());
    assert!((0..100).all(|_| (0.0..=1.0).contains(&pace.chance())));
}

/// A service that answers so, one after the other.
#[derive(Debug)]
struct Plays(Mutex<VecDeque<azure_core::Result<(u16, &'static str)>>>);

#[async_trait::async_trait]
impl Policy for Plays {
    async fn send(&self, _: &Context, _: &mut Request, _: &[Arc<dyn Policy>]) -> PolicyResult {
        let (status, wait) = hold(&self.0).pop_front().unwrap()?;
        let mut headers = Headers::new();
        if !wait.is_empty() {
            headers.insert("retry-after", wait);
        }
        Ok(AsyncRawResponse::from_bytes(StatusCode::from(status), headers, ""))
    }
}

fn fault(kind: CoreKind) -> azure_core::Result<(u16, &'static str)> {
    Err(azure_core::Error::with_message(kind, "played"))
}

/// What comes of a call of the SDK, its pauses in seconds, and how it is told.
fn played(
    repeat: Repeat,
    plays: Vec<azure_core::Result<(u16, &'static str)>>,
) -> (Result<u16, String>, Vec<f64>, String) {
    played_by(&Arc::default(), repeat, plays)
}

fn played_by(
    own: &Arc<PlayedPace>,
    repeat: Repeat,
    plays: Vec<azure_core::Result<(u16, &'static str)>>,
) -> (Result<u16, String>, Vec<f64>, String) {
    let pace: Arc<dyn Pace> = own.clone();
    let retry = Retry::new(&pace, repeat);
    let next: Vec<Arc<dyn Policy>> = vec![Arc::new(Plays(Mutex::new(plays.into())))];
    let url = Url::parse("https://h/c/b?sig=S").unwrap();
    let mut request = Request::new(url, Method::Put);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let came = runtime.block_on(retry.send(&Context::new(), &mut request, &next));
    let came = came.map(|answer| u16::from(answer.status()));
    let came = came.map_err(|error| match error.downcast_ref::<Error>() {
        Some(own) => own.to_string(),
        None => error.to_string(),
    });
    let pauses = hold(&own.pauses).iter().map(Duration::as_secs_f64).collect();
    let told = hold(&retry.book()).take().unwrap().to_string();
    (came, pauses, told)
}

#[test]
fn a_call_of_the_sdk_is_tried_again_as_the_service_asks_and_told_with_its_tries() {
    let (came, pauses, told) =
        played(Repeat::Harmless, vec![Ok((503, "7")), Ok((500, "")), Ok((201, ""))]);
    assert_eq!((came, pauses), (Ok(201), vec![7.0, 2.0]));
    assert_eq!(told, "PUT https://h/c/b, 3 tries in 9 s");
    let (came, pauses, told) = played(
        Repeat::Harmless,
        vec![fault(CoreKind::Io), fault(CoreKind::Connection), Ok((429, "0")), Ok((404, ""))],
    );
    assert_eq!((came, pauses), (Ok(404), vec![1.0, 2.0, 0.0]));
    assert_eq!(told, "PUT https://h/c/b, 4 tries in 3 s");
    let (came, pauses, told) = played(Repeat::Harmless, (0..5).map(|_| Ok((500, ""))).collect());
    assert_eq!((came, pauses), (Ok(500), vec![1.0, 2.0, 4.0, 8.0]));
    assert_eq!(told, "PUT https://h/c/b, 5 tries in 15 s");
    // A look is not tried again once so much time is gone.
    let look = Arc::new(PlayedPace { is_look: true, ..PlayedPace::default() });
    let (came, pauses, _) =
        played_by(&look, Repeat::Harmless, (0..5).map(|_| Ok((500, ""))).collect());
    assert_eq!((came, pauses), (Ok(500), vec![1.0, 2.0, 4.0]));
    let pace = |tempo| {
        let mut patience = Patience::default();
        patience.tempo = tempo;
        RealPace::begin(&patience)
    };
    assert_eq!(pace(Tempo::Work).tried_within(), None);
    assert!(pace(Tempo::Look).tried_within().is_some_and(|own| own < Duration::from_secs(20)));
    // All calls of a look together wait no longer for a service that is busy.
    let may = |pace: &Arc<dyn Pace>, secs| pace.may_pause(Duration::from_secs(secs));
    let look = pace(Tempo::Look);
    assert_eq!([7, 7, 7, 1].map(|secs| may(&look, secs)), [true, true, false, true]);
    assert!([900, 900].iter().all(|secs| may(&pace(Tempo::Work), *secs)));
}

#[test]
fn a_look_at_a_service_that_is_busy_ends_soon_and_says_how_long_it_asks_to_wait() {
    let told = |secs| format!("h asks for a pause of {secs} s, which is longer than a call waits");
    for (asked, came, pauses) in [
        ("120", Err(told(120)), vec![]),
        ("4", Err(told(4)), vec![4.0]),
        ("", Ok(429), vec![1.0, 2.0]),
    ] {
        let look = Arc::new(PlayedPace { is_look: true, ..PlayedPace::default() });
        let plays = (0..9).map(|_| Ok((429, asked))).collect();
        let (own, waited, _) = played_by(&look, Repeat::Harmless, plays);
        assert_eq!((own, waited), (came, pauses), "{asked}");
    }
}

/// Whether the service says how long or not, the bound is a time, and the screen tells of it.
#[test]
fn a_service_that_is_busy_for_long_is_waited_for_by_time_and_it_is_told() {
    let storm = |times: usize, asked: &'static str, end| {
        (0..times).map(|_| Ok((503, asked))).chain(end).collect::<Vec<_>>()
    };
    for (asked, pauses) in [
        ("", vec![1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]),
        ("1", vec![1.0, 1.0, 1.0, 1.0, 2.0, 4.0, 8.0, 16.0]),
        ("30", vec![30.0; 8]),
    ] {
        let own = Arc::<PlayedPace>::default();
        let (came, waited, _) =
            played_by(&own, Repeat::IfUntaken, storm(8, asked, Some(Ok((201, "")))));
        assert_eq!((came, &waited), (Ok(201), &pauses), "{asked}");
        let told = hold(&own.told);
        assert!(told[0].starts_with("h has been busy for ") && told[0].contains("503"), "{told:?}");
        // Short waits are told to nobody.
        let mut until = 0.0;
        let long = pauses.iter().filter(|pause| {
            until += **pause;
            until >= 5.0
        });
        assert_eq!(told.len(), long.count(), "{told:?}");
    }
    for asked in ["", "0", "120"] {
        let (came, pauses, told) = played(Repeat::Harmless, storm(100, asked, None));
        let all: f64 = pauses.iter().sum();
        assert_eq!(came, Ok(503), "{asked}");
        assert!((780.0..=900.0).contains(&all), "{asked}: {all} s, {told}");
    }
    // One failure after the storm is one failure.
    let mut mixed = storm(8, "1", Some(Ok((500, ""))));
    mixed.push(Ok((201, "")));
    assert_eq!(played(Repeat::Harmless, mixed).0, Ok(201));
}

#[test]
fn a_pause_that_is_too_long_ends_the_call_and_is_told() {
    for plays in [vec![Ok((500, "301"))], vec![Ok((500, "200")), Ok((500, "101"))]] {
        let (last, waited) = (plays.len(), 200.0 * (plays.len() - 1) as f64);
        let (came, pauses, _) = played(Repeat::Harmless, plays);
        let secs = if last == 1 { 301 } else { 101 };
        assert!(came.unwrap_err().contains(&format!("{secs} s")), "{secs}");
        assert_eq!(pauses.iter().sum::<f64>(), waited);
    }
    let (came, pauses, _) = played(Repeat::Harmless, vec![Ok((429, "901"))]);
    assert!(came.unwrap_err().contains("901 s") && pauses.is_empty());
    let (came, pauses, _) = played(Repeat::Harmless, vec![Ok((429, "900")), Ok((200, ""))]);
    assert_eq!((came, pauses), (Ok(200), vec![900.0]));
}

#[test]
fn who_has_little_patience_keeps_the_first_pauses_that_are_asked_for_all_the_same() {
    let hasty = || Arc::new(PlayedPace { is_hasty: true, ..PlayedPace::default() });
    let plays = vec![Ok((429, "200")), Ok((200, ""))];
    let (came, pauses, _) = played_by(&hasty(), Repeat::Harmless, plays);
    assert_eq!((came, pauses), (Ok(200), vec![200.0]));
    let storm = |asked: &'static str| (0..100).map(|_| Ok((503, asked))).collect::<Vec<_>>();
    let (came, pauses, _) = played_by(&hasty(), Repeat::Harmless, storm(""));
    assert_eq!((came, pauses), (Ok(503), vec![1.0, 2.0, 4.0, 8.0, 16.0]));
    let (_, pauses, _) = played_by(&hasty(), Repeat::Harmless, storm("1"));
    assert_eq!(pauses, [1.0, 1.0, 1.0, 1.0, 2.0, 4.0, 8.0, 16.0], "up to a minute");
}

#[test]
fn what_must_not_happen_twice_is_not_sent_twice() {
    let (came, pauses, _) = played(Repeat::IfUntaken, vec![Ok((503, "")), Ok((500, ""))]);
    assert_eq!((came, pauses), (Ok(500), vec![1.0]));
    let (came, _, _) = played(Repeat::IfUntaken, vec![fault(CoreKind::Io)]);
    assert!(came.is_err());
    let (came, _, told) = played(Repeat::Never, vec![Ok((503, "1"))]);
    assert_eq!((came, told), (Ok(503), "PUT https://h/c/b".to_owned()));
}
