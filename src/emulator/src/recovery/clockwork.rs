//! What time does: backups that policies ask for begin, jobs end and leave their points, points and
//! deleted machines go. However far the clock is put forward, all of it comes in its order.

use jiff::{SignedDuration, Timestamp};

use super::model::{Item, Job, JobState, Point, Protection, Restore, Vault, World};
use super::plan::Plan;
use super::vm::Vm;

const INSTALLING: SignedDuration = SignedDuration::from_mins(1);
const SNAPSHOT: SignedDuration = SignedDuration::from_mins(2);
const TRANSFER: SignedDuration = SignedDuration::from_mins(5);
/// Longer than the half day after which one shall look.
const SLOW: SignedDuration = SignedDuration::from_hours(13);

/// What is next in a vault.
#[derive(Debug, Clone, Copy)]
enum Event {
    Ends(usize),
    Due(usize),
}

/// Lets everything happen that happens until `now`.
pub(super) fn settle(world: &mut World, now: Timestamp) {
    let World { vaults, vms, .. } = world;
    while let Some((at, vault, event)) = next(vaults, now) {
        let vault = &mut vaults[vault];
        match event {
            Event::Ends(job) => end(vault, job),
            Event::Due(item) => due(vault, item, vms, at),
        }
    }
    for vault in vaults {
        vault.items.retain(|own| own.deleted_until.is_none_or(|until| now < until));
        for item in &mut vault.items {
            // The last point stays as long as nobody stops the protection.
            let newest = item.points.iter().map(|point| point.time).max();
            let stays = |point: &Point| now < point.expires || Some(point.time) == newest;
            item.points.retain(stays);
        }
    }
}

fn next(vaults: &[Vault], now: Timestamp) -> Option<(Timestamp, usize, Event)> {
    let of = |(at, vault): (usize, &Vault)| -> Vec<(Timestamp, usize, Event)> {
        let jobs = vault.jobs.iter().enumerate().filter(|(_, own)| !own.state.is_over());
        let ends = jobs.map(|(job, own)| (own.end, at, Event::Ends(job)));
        let items = vault.items.iter().enumerate();
        let due = items.filter_map(|(item, own)| Some((own.due?, at, Event::Due(item))));
        ends.chain(due).collect()
    };
    let all = vaults.iter().enumerate().flat_map(of);
    all.filter(|(at, ..)| *at <= now).min_by_key(|(at, ..)| *at)
}

fn end(vault: &mut Vault, job: usize) {
    let own = &mut vault.jobs[job];
    own.state = if own.state == JobState::Cancelling { JobState::Cancelled } else { own.ends };
    let (group, vm, ended) = (own.group.clone(), own.vm.clone(), own.end);
    let (state, is_backup) = (own.state, own.operation == "Backup");
    if !is_backup {
        return;
    }
    let point = own.point.take().filter(|_| state != JobState::Cancelled);
    let Some(item) = vault.item_mut(&group, &vm) else { return };
    if state != JobState::Cancelled {
        item.last = Some((ended, state.word().to_owned()));
    }
    if let Some(point) = point {
        item.points.push(point);
        if item.state == Protection::IRPending {
            item.state = Protection::Protected;
        }
    }
}

fn due(vault: &mut Vault, item: usize, vms: &mut [Vm], at: Timestamp) {
    let own = &vault.items[item];
    let policy = own.policy.as_deref().and_then(|name| vault.policy(name));
    let plan = policy.and_then(|policy| Plan::of(&policy.properties).ok());
    let is_under_way = vault.running(&own.group, &own.vm, "Backup").is_some();
    let next = plan.as_ref().and_then(|plan| plan.next(at));
    vault.items[item].due = next;
    let Some(plan) = plan.filter(|_| !is_under_way) else { return };
    let job = back_up(&vault.items[item], vms, at, plan.expiry(at), plan.instant_days);
    vault.jobs.push(job);
}

/// A backup of a machine that begins now. How it will end is decided by how the machine is now.
pub(crate) fn back_up(
    item: &Item,
    vms: &mut [Vm],
    start: Timestamp,
    expires: Timestamp,
    instant_days: i64,
) -> Job {
    let vm = vms.iter_mut().find(|own| own.is(&item.group, &item.vm));
    let (is_slow, is_running) = match &vm {
        Some(vm) => (vm.is_slow, vm.is_running()),
        None => (false, false),
    };
    let os = vm.as_ref().map_or("linux", |vm| vm.os.as_str()).to_owned();
    let mut vm = vm;
    let failure = fault(vm.as_deref_mut());
    // The service brings its extension along, and leaves it there.
    if let Some(vm) = vm.filter(|vm| failure.is_none() && vm.is_running()) {
        "ok".clone_into(&mut vm.extension);
    }
    let whole = if is_slow { SLOW } else { SNAPSHOT.saturating_add(TRANSFER) };
    let (lasts, ends) = match failure.as_ref().map(|(_, stage)| stage.as_str()) {
        None => (whole, JobState::Completed),
        Some("warning") => (whole, JobState::CompletedWithWarnings),
        Some("transfer") => (whole, JobState::Failed),
        Some("extension") => (INSTALLING, JobState::Failed),
        Some(_) => (SNAPSHOT, JobState::Failed),
    };
    let later = |by: SignedDuration| start.saturating_add(by).unwrap_or(Timestamp::MAX);
    let consistency = match (is_running, os.as_str()) {
        (false, _) => "CrashConsistent",
        (true, "windows") => "AppConsistent",
        (true, _) => "FileSystemConsistent",
    };
    let point = Point {
        id: start.as_microsecond().to_string(),
        time: start,
        consistency: consistency.to_owned(),
        instant_until: later(
            SignedDuration::from_hours(24).saturating_mul(i32::try_from(instant_days).unwrap_or(2)),
        ),
        expires,
        os,
        disks: None,
    };
    Job {
        id: uuid::Uuid::new_v4().to_string(),
        operation: "Backup".to_owned(),
        group: item.group.clone(),
        vm: item.vm.clone(),
        state: JobState::InProgress,
        start,
        end: later(lasts),
        ends,
        failure: failure.map(|(code, _)| code),
        snapshot: Some(later(SNAPSHOT)),
        point: (ends != JobState::Failed).then_some(point),
        restore: None,
        is_on_demand: false,
    }
}

/// A restore of a point that begins now.
pub(crate) fn restore(
    item: &Item,
    point: Point,
    restore: Restore,
    vms: &mut [Vm],
    start: Timestamp,
) -> Job {
    let vm = vms.iter_mut().find(|own| own.is(&item.group, &item.vm));
    let is_slow = vm.as_ref().is_some_and(|vm| vm.is_slow);
    let failure = vm.and_then(|vm| strike(vm, |at| at == "restore"));
    let lasts = match (&failure, is_slow) {
        (None, true) => SLOW,
        (None, false) => TRANSFER,
        (Some(_), _) => SNAPSHOT,
    };
    Job {
        id: uuid::Uuid::new_v4().to_string(),
        operation: "Restore".to_owned(),
        group: item.group.clone(),
        vm: item.vm.clone(),
        state: JobState::InProgress,
        start,
        end: start.saturating_add(lasts).unwrap_or(Timestamp::MAX),
        ends: if failure.is_some() { JobState::Failed } else { JobState::Completed },
        failure: failure.map(|(code, _)| code),
        snapshot: None,
        point: Some(point),
        restore: Some(restore),
        is_on_demand: false,
    }
}

/// What goes wrong with a machine on purpose at such a stage; it strikes once less.
fn strike(vm: &mut Vm, is_meant: impl Fn(&str) -> bool) -> Option<(String, String)> {
    let failing = vm.failing.as_mut().filter(|own| is_meant(&own.at))?;
    let came = (failing.code.clone(), failing.at.clone());
    failing.left = failing.left.map(|left| left.saturating_sub(1));
    if failing.left == Some(0) {
        vm.failing = None;
    }
    Some(came)
}

/// What goes wrong with a machine that is backed up now, and at which stage.
fn fault(vm: Option<&mut Vm>) -> Option<(String, String)> {
    let at = |code: &str, stage: &str| Some((code.to_owned(), stage.to_owned()));
    let Some(vm) = vm else { return at("BCMV2VMNotFound", "extension") };
    if let Some(came) = strike(vm, |at| !["protect", "restore"].contains(&at)) {
        return Some(came);
    }
    match (vm.power.as_str(), vm.agent.as_str()) {
        ("transient", _) => at("UserErrorVmNotInDesirableState", "extension"),
        ("failed", _) => at("UserErrorVmProvisioningStateFailed", "extension"),
        ("running", "absent") => at("vm-agent-missing", "extension"),
        ("running", "stopped") => at("AzureVmOffline", "extension"),
        ("running", _) if vm.extension == "failed" => {
            at("basic-snapshot-extension-stuck", "extension")
        }
        _ if vm.is_odd("many-snapshots") => {
            at("ExtensionFailedSnapshotLimitReachedError", "snapshot")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::{DEFAULT_POLICY, Policy};
    use super::super::plan::default_properties;
    use super::super::vm::VmOrder;
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn world(change: impl FnOnce(&mut VmOrder)) -> World {
        let mut order = VmOrder { name: "web".to_owned(), ..VmOrder::default() };
        let mut vm = Vm::new(&order);
        change(&mut order);
        vm.change(&order).unwrap();
        let item = Item {
            group: "rg".to_owned(),
            vm: "web".to_owned(),
            source: "/x".to_owned(),
            policy: Some(DEFAULT_POLICY.to_owned()),
            state: Protection::IRPending,
            due: Some(time("2026-11-20T02:00:00Z")),
            last: None,
            points: Vec::new(),
            deleted_until: None,
        };
        let policy = Policy { name: DEFAULT_POLICY.to_owned(), properties: default_properties() };
        let vault = Vault {
            group: "rg".to_owned(),
            name: "v".to_owned(),
            location: "westus".to_owned(),
            tags: serde_json::Value::Null,
            redundancy: "GeoRedundant".to_owned(),
            cross_region: false,
            found: Vec::new(),
            policies: vec![policy],
            items: vec![item],
            jobs: Vec::new(),
        };
        World {
            version: 1,
            vms: vec![vm],
            vaults: vec![vault],
            operations: Vec::new(),
            ..World::default()
        }
    }

    #[test]
    fn the_first_backup_of_the_policy_is_the_initial_one_and_points_expire() {
        let mut own = world(|_| {});
        settle(&mut own, time("2026-11-20T02:06:59Z"));
        assert_eq!(own.vaults[0].items[0].state, Protection::IRPending);
        assert_eq!(own.vaults[0].jobs[0].state, JobState::InProgress);
        settle(&mut own, time("2026-11-20T02:07:00Z"));
        assert_eq!(own.vaults[0].items[0].state, Protection::Protected);
        settle(&mut own, time("2027-01-20T03:00:00Z"));
        let vault = &own.vaults[0];
        assert_eq!(vault.jobs.len(), 62, "one a day");
        assert_eq!(vault.items[0].points.len(), 30);
        assert_eq!(vault.items[0].points[0].time, time("2026-12-22T02:00:00Z"));
        let mut again = world(|_| {});
        for day in 20..=30 {
            settle(&mut again, time(&format!("2026-11-{day}T12:00:00Z")));
        }
        settle(&mut again, time("2027-01-20T03:00:00Z"));
        let times = |own: &World| -> Vec<Timestamp> {
            own.vaults[0].items[0].points.iter().map(|point| point.time).collect()
        };
        assert_eq!(times(&again), times(&own), "in steps or at once");
    }

    #[test]
    fn a_machine_that_cannot_be_backed_up_fails_for_its_cause_and_one_that_is_off_does_not() {
        let failed = |change: &dyn Fn(&mut VmOrder)| {
            let mut own = world(change);
            settle(&mut own, time("2026-11-20T12:00:00Z"));
            let vault = &own.vaults[0];
            let consistency = vault.items[0].points.first().map(|own| own.consistency.clone());
            (vault.jobs[0].state.word(), vault.jobs[0].failure.clone(), consistency)
        };
        let word = |text: &str| Some(text.to_owned());
        let power = |text: &'static str| move |own: &mut VmOrder| own.power = word(text);
        let extension = |own: &mut VmOrder| own.extension = word("failed");
        assert_eq!(failed(&extension), ("Failed", word("basic-snapshot-extension-stuck"), None));
        let agent = |text: &'static str| move |own: &mut VmOrder| own.agent = word(text);
        assert_eq!(
            failed(&power("transient")),
            ("Failed", word("UserErrorVmNotInDesirableState"), None)
        );
        assert_eq!(
            failed(&power("failed")),
            ("Failed", word("UserErrorVmProvisioningStateFailed"), None)
        );
        assert_eq!(failed(&agent("absent")), ("Failed", word("vm-agent-missing"), None));
        assert_eq!(failed(&agent("stopped")), ("Failed", word("AzureVmOffline"), None));
        assert_eq!(failed(&power("stopped")), ("Completed", None, word("CrashConsistent")));
        assert_eq!(failed(&|_| {}), ("Completed", None, word("FileSystemConsistent")));
        let many = |own: &mut VmOrder| own.odd = vec!["many-snapshots".to_owned()];
        assert_eq!(
            failed(&many),
            ("Failed", word("ExtensionFailedSnapshotLimitReachedError"), None)
        );
        let fail = |text: &'static str| move |own: &mut VmOrder| own.fail = word(text);
        assert_eq!(
            failed(&fail("UserErrorFsFreezeFailed,at=warning")),
            (
                "CompletedWithWarnings",
                word("UserErrorFsFreezeFailed"),
                word("FileSystemConsistent")
            )
        );
        let mut own = world(fail("ExtensionSnapshotFailedCOM,times=1"));
        settle(&mut own, time("2026-11-21T12:00:00Z"));
        let states: Vec<&str> = own.vaults[0].jobs.iter().map(|job| job.state.word()).collect();
        assert_eq!(states, ["Failed", "Completed"]);
        own.vms.clear();
        settle(&mut own, time("2026-11-22T12:00:00Z"));
        assert_eq!(own.vaults[0].jobs[2].failure, word("BCMV2VMNotFound"));
    }
}
