//! For tests: a container whose calls fail as planned, before or after they have taken effect. It
//! counts them too, and how many are under way at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Barrier, Mutex};

use bytes::Bytes;
use disk_prep::noun::{ContainerName, Md5Digest};
use disk_prep::sys::hold::hold;
use uuid::Uuid;

use super::container::{
    BlobFacts, Container, Copied, Fence, Fenced, Made, Removed, Sent, Supply, Upload, Vouched,
};
use super::copy_source::CopySource;
use super::error::Error;

/// A kind of call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// A list.
    List,
    /// A look at one blob.
    Look,
    /// A blob or a stretch of one.
    Read,
    /// A blob that is written whole.
    Write,
    /// A blob of any length that is sent.
    Send,
    /// One that is written if there is none.
    WriteNew,
    /// A copy by the service.
    Copy,
    /// An MD5 that is vouched for.
    Vouch,
    /// A deletion.
    Remove,
    /// A lease that is taken.
    Lease,
    /// A lease that is renewed.
    Renew,
    /// A lease that is taken over.
    TakeOver,
    /// A lease that is given back.
    Release,
}

/// Which call fails, counted from 0, and whether it has taken effect by then.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// Its kind.
    pub act: Act,
    /// Calls of this kind before it.
    pub after: usize,
    /// Whether only the answer is lost.
    pub is_done: bool,
    /// What it ends with.
    pub error: fn() -> Error,
}

/// A service that is busy.
pub fn busy() -> Error {
    Error::Failing { host: "played".to_owned(), status: 503, call: None }
}

#[derive(Debug, Default)]
struct Counts {
    calls: BTreeMap<Act, usize>,
    under_way: BTreeMap<Act, usize>,
    most: BTreeMap<Act, usize>,
}

/// What happens elsewhere while a machine stands still.
pub struct Pause(pub Box<dyn FnOnce() + Send>);

impl std::fmt::Debug for Pause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pause")
    }
}

/// What is planned, and what has happened.
#[derive(Debug, Default)]
pub struct Plan {
    faults: Vec<Fault>,
    /// Calls of this kind wait for one another, so that so many are under way at once.
    together: Option<(Act, Barrier)>,
    /// So many calls are made, of whatever kind; then the machine is dead.
    dies_after: Option<usize>,
    /// What happens elsewhere while the machine stands still before the call of this number.
    pause: Mutex<Option<(usize, Pause)>>,
    counts: Mutex<Counts>,
}

impl Plan {
    /// These calls fail.
    pub fn of(faults: &[Fault]) -> Arc<Self> {
        Arc::new(Plan { faults: faults.to_vec(), ..Plan::default() })
    }

    /// Calls of this kind wait until there are so many.
    pub fn together(act: Act, count: usize) -> Arc<Self> {
        Arc::new(Plan { together: Some((act, Barrier::new(count))), ..Plan::default() })
    }

    /// The same on a machine that dies after so many calls, and stands still before one of them while
    /// something happens elsewhere.
    pub fn of_life(
        faults: &[Fault],
        dies_after: Option<usize>,
        pause: Option<(usize, Pause)>,
    ) -> Arc<Self> {
        let (faults, pause) = (faults.to_vec(), Mutex::new(pause));
        Arc::new(Plan { faults, dies_after, pause, ..Plan::default() })
    }

    /// A container whose calls are planned.
    pub fn container(self: &Arc<Self>, inner: Arc<dyn Container>) -> Arc<dyn Container> {
        Arc::new(Faulty { inner, plan: Arc::clone(self) })
    }

    /// How many calls of a kind there were.
    pub fn calls(&self, act: Act) -> usize {
        hold(&self.counts).calls.get(&act).copied().unwrap_or(0)
    }

    /// How many of a kind were under way at once, at most.
    pub fn most_of(&self, act: Act) -> usize {
        hold(&self.counts).most.get(&act).copied().unwrap_or(0)
    }

    fn meet<T>(&self, act: Act, run: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        let number = {
            let mut counts = hold(&self.counts);
            let under_way = counts.under_way.entry(act).or_default();
            *under_way += 1;
            let now = *under_way;
            let most = counts.most.entry(act).or_default();
            *most = now.max(*most);
            let calls = counts.calls.entry(act).or_default();
            *calls += 1;
            *calls - 1
        };
        let total: usize = hold(&self.counts).calls.values().sum();
        let pause = hold(&self.pause).take_if(|(at, _)| total > *at);
        if let Some((_, pause)) = pause {
            (pause.0)();
        }
        if self.dies_after.is_some_and(|most| total > most) {
            *hold(&self.counts).under_way.entry(act).or_default() -= 1;
            return Err(busy());
        }
        if let Some((_, barrier)) = self.together.as_ref().filter(|(kind, _)| *kind == act) {
            barrier.wait();
        }
        let fault = self.faults.iter().find(|own| own.act == act && own.after == number);
        let ended = match fault {
            Some(fault) if !fault.is_done => Err((fault.error)()),
            Some(fault) => run().and_then(|_| Err((fault.error)())),
            None => run(),
        };
        *hold(&self.counts).under_way.entry(act).or_default() -= 1;
        ended
    }
}

#[derive(Debug)]
struct Faulty {
    inner: Arc<dyn Container>,
    plan: Arc<Plan>,
}

impl Container for Faulty {
    fn name(&self) -> &ContainerName {
        self.inner.name()
    }
    fn make(&self) -> Result<(), Error> {
        self.inner.make()
    }
    fn walk(
        &self,
        prefix: &str,
        show: &mut dyn FnMut(String, BlobFacts) -> bool,
    ) -> Result<(), Error> {
        self.plan.meet(Act::List, || self.inner.walk(prefix, show))
    }
    fn facts(&self, name: &str) -> Result<Option<BlobFacts>, Error> {
        self.plan.meet(Act::Look, || self.inner.facts(name))
    }
    fn read(&self, name: &str) -> Result<Option<Bytes>, Error> {
        self.plan.meet(Act::Read, || self.inner.read(name))
    }
    fn source(&self, name: &str) -> CopySource {
        self.inner.source(name)
    }
    fn read_part(&self, name: &str, offset: u64, bytes: u64) -> Result<Bytes, Error> {
        self.plan.meet(Act::Read, || self.inner.read_part(name, offset, bytes))
    }
    fn write_new(&self, name: &str, content: Bytes) -> Result<Made, Error> {
        self.plan.meet(Act::WriteNew, || self.inner.write_new(name, content))
    }
    fn lease(&self, name: &str, id: Uuid, secs: i32) -> Result<(), Error> {
        self.plan.meet(Act::Lease, || self.inner.lease(name, id, secs))
    }
    fn renew_lease(&self, name: &str, id: Uuid) -> Result<(), Error> {
        self.plan.meet(Act::Renew, || self.inner.renew_lease(name, id))
    }
    fn change_lease(&self, name: &str, from: Uuid, to: Uuid) -> Result<(), Error> {
        self.plan.meet(Act::TakeOver, || self.inner.change_lease(name, from, to))
    }
    fn release_lease(&self, name: &str, id: Uuid) -> Result<(), Error> {
        self.plan.meet(Act::Release, || self.inner.release_lease(name, id))
    }
    fn fenced(self: Arc<Self>, fence: Arc<dyn Fence>) -> Arc<dyn Fenced> {
        let inner = Arc::clone(&self.inner).fenced(fence);
        Arc::new(FaultyFenced { container: self, inner })
    }
}

#[derive(Debug)]
struct FaultyFenced {
    container: Arc<Faulty>,
    inner: Arc<dyn Fenced>,
}

impl Fenced for FaultyFenced {
    fn check(&self) -> Result<(), Error> {
        self.inner.check()
    }
    fn container(&self) -> Arc<dyn Container> {
        Arc::clone(&self.container) as Arc<dyn Container>
    }
    fn write(&self, name: &str, content: Bytes, md5: Md5Digest) -> Result<(), Error> {
        self.container.plan.meet(Act::Write, || self.inner.write(name, content, md5))
    }
    fn send(&self, upload: &Upload<'_>, content: &mut dyn Supply) -> Result<Sent, Error> {
        self.container.plan.meet(Act::Send, || self.inner.send(upload, content))
    }
    fn copy_from(&self, source: &CopySource, name: &str, md5: Md5Digest) -> Result<Copied, Error> {
        self.container.plan.meet(Act::Copy, || self.inner.copy_from(source, name, md5))
    }
    fn vouch(&self, name: &str, etag: &str, md5: Md5Digest) -> Result<Vouched, Error> {
        self.container.plan.meet(Act::Vouch, || self.inner.vouch(name, etag, md5))
    }
    fn remove(&self, name: &str, etag: &str) -> Result<Removed, Error> {
        self.container.plan.meet(Act::Remove, || self.inner.remove(name, etag))
    }
    fn remove_any(&self, name: &str) -> Result<Removed, Error> {
        self.container.plan.meet(Act::Remove, || self.inner.remove_any(name))
    }
}
