//! What Azure shows of machines, and the verdicts on it.

use super::*;
use crate::azure::{AgentFacts, DiskCounts};
use crate::check::finding::Grade;

fn machine() -> MachineFacts {
    MachineFacts {
        region: "westus".to_owned(),
        size: "Standard_D2s_v5".to_owned(),
        system: "Linux".to_owned(),
        provisioning: "Succeeded".to_owned(),
        states: vec!["ProvisioningState/succeeded".into(), "PowerState/running".into()],
        agent: Some(AgentFacts { version: "2.9".to_owned(), state: "Ready".to_owned() }),
        has_agent: Some(true),
        ..MachineFacts::default()
    }
}

fn view(machine: MachineFacts) -> View {
    View {
        name: "rg/web".to_owned(),
        is_classic: false,
        machine: Answer::Known(machine),
        cards: Answer::Known(vec![CardFacts::default()]),
        is_led_away: false,
        locks: Answer::Known(Vec::new()),
        size: Some(SizeFacts { name: String::new(), cores: 2, memory_mib: 8192 }),
        protected: Answer::Known(None),
        ended: None,
        jobs: Answer::Known(Vec::new()),
    }
}

fn told(view: &View) -> Vec<String> {
    let all = findings(view).into_iter().filter(|own| own.grade != Grade::Good);
    all.map(|own| format!("{} {}", own.id(), own.grade.word())).collect()
}

#[test]
fn an_ordinary_machine_is_good_and_one_that_is_off_too() {
    assert_eq!(told(&view(machine())), Vec::<String>::new());
    let states = vec!["PowerState/deallocated".to_owned()];
    let off = MachineFacts { states, agent: None, ..machine() };
    assert_eq!(told(&view(off.clone())), ["vm-agent unknown"]);
    let found = findings(&view(off));
    assert!(found.iter().any(|own| own.facts.contains("crash-consistent")));
    assert!(found.iter().all(|own| own.about.as_deref() == Some("rg/web")));
}

#[test]
fn an_agent_that_is_ready_and_too_old_is_told() {
    let of = |system: &str, version: &str| {
        let agent = Some(AgentFacts { version: version.to_owned(), state: "Ready".to_owned() });
        told(&view(MachineFacts { agent, system: system.to_owned(), ..machine() }))
    };
    assert_eq!(of("Linux", "2.2.53.1"), Vec::<String>::new());
    assert_eq!(of("Linux", "2.2.53.0"), ["vm-agent warning"]);
    assert_eq!(of("Windows", "2.6.1198.718"), Vec::<String>::new());
    assert_eq!(of("Windows", "2.6.1198.717"), ["vm-agent problem"]);
    assert_eq!(of("Linux", "newest"), Vec::<String>::new());
}

#[test]
fn each_row_of_the_machine_has_its_verdict() {
    let with = |change: &dyn Fn(&mut MachineFacts)| {
        let mut own = machine();
        change(&mut own);
        told(&view(own))
    };
    let disks = |disks: DiskCounts| with(&move |own| own.disks = disks);
    let extension = |state: &str| ExtensionFacts {
        name: "VMSnapshotLinux".to_owned(),
        kind: "Microsoft.Azure.RecoveryServices.VMSnapshotLinux".to_owned(),
        version: "1".to_owned(),
        state: state.to_owned(),
    };
    let image = |publisher: &str, sku: &str| {
        let image = [publisher.to_owned(), "o".to_owned(), sku.to_owned()];
        with(&move |own| own.image = Some(image.clone()))
    };
    assert_eq!(with(&|own| own.provisioning = "Failed".into()), ["vm-state problem"]);
    let starting = |own: &mut MachineFacts| own.states = vec!["PowerState/starting".into()];
    assert_eq!(with(&starting), ["vm-state problem"]);
    assert_eq!(with(&|own| own.states = Vec::new()), ["vm-state unknown"]);
    assert_eq!(with(&|own| own.agent = None), ["vm-agent problem"]);
    let not_ready = AgentFacts { version: "1".to_owned(), state: "Not Ready".to_owned() };
    assert_eq!(with(&|own| own.agent = Some(not_ready.clone())), ["vm-agent problem"]);
    assert_eq!(with(&|own| own.has_agent = Some(false)), ["vm-agent-flag problem"]);
    assert_eq!(with(&|own| own.takes_extensions = Some(false)), ["vm-agent-flag problem"]);
    let failed = |own: &mut MachineFacts| own.extensions = vec![extension("failed")];
    assert_eq!(with(&failed), ["vm-extension warning"]);
    let sound = |own: &mut MachineFacts| own.extensions = vec![extension("succeeded")];
    assert_eq!(with(&sound), Vec::<String>::new());
    let plain = DiskCounts::default();
    let most = MACHINE_DATA_DISKS;
    assert_eq!(disks(DiskCounts { data: most, ..plain }), Vec::<String>::new());
    assert_eq!(disks(DiskCounts { data: most + 1, ..plain }), ["vm-disks problem"]);
    assert_eq!(disks(DiskCounts { unmanaged: 1, ..plain }), ["vm-disks problem"]);
    assert_eq!(disks(DiskCounts { is_ephemeral: true, ..plain }), ["vm-disks warning"]);
    assert_eq!(disks(DiskCounts { accelerated: 1, ..plain }), ["vm-disks warning"]);
    assert_eq!(disks(DiskCounts { ultra: 1, ..plain }), ["vm-disks warning"]);
    assert_eq!(image("MicrosoftWindowsDesktop", "win11"), ["vm-os warning"]);
    assert_eq!(image("MicrosoftWindowsServer", "2008-SP2"), ["vm-os problem"]);
    assert_eq!(image("MicrosoftWindowsServer", "2008-R2-SP1"), Vec::<String>::new());
}

#[test]
fn what_stands_around_the_machine_has_its_verdict_too() {
    let with = |change: &dyn Fn(&mut View)| {
        let mut own = view(machine());
        change(&mut own);
        told(&own)
    };
    let two = vec![CardFacts::default(), CardFacts::default()];
    assert_eq!(with(&|own| own.cards = Answer::Known(two.clone())), ["vm-network warning"]);
    let balanced = CardFacts { is_balanced: true, ..CardFacts::default() };
    let cards = vec![balanced];
    assert_eq!(with(&|own| own.cards = Answer::Known(cards.clone())), ["vm-network warning"]);
    assert_eq!(with(&|own| own.is_led_away = true), ["vm-route warning"]);
    let lock = Lock { id: "/l".into(), name: "l".into(), level: "CanNotDelete".into() };
    assert_eq!(with(&|own| own.locks = Answer::Known(vec![lock.clone()])), ["vm-lock warning"]);
    assert_eq!(with(&|own| own.size = None), ["vm-size unknown"]);
    let small = Some(SizeFacts { name: String::new(), cores: 1, memory_mib: 512 });
    assert_eq!(with(&|own| own.size = small.clone()), ["vm-size warning"]);
    let held = |is_meant| {
        let (vault, group) = ("v".to_owned(), "rg".to_owned());
        Answer::Known(Some(Protected { vault, group, is_meant }))
    };
    assert_eq!(with(&|own| own.protected = held(Some(false))), ["vm-protected problem"]);
    assert_eq!(with(&|own| own.protected = held(Some(true))), Vec::<String>::new());
    assert_eq!(with(&|own| own.protected = held(None)), Vec::<String>::new());
    let ended = |is_meant, is_deleted| {
        let (vault, group, told) = ("v".to_owned(), "rg".to_owned(), String::new());
        let ended = EndedProtection { vault, group, is_meant, is_deleted, told };
        with(&move |own| own.ended = Some(ended.clone()))
    };
    assert_eq!(ended(Some(false), false), ["vm-protected problem"]);
    assert_eq!(ended(Some(true), true), ["vm-protected warning"]);
    assert_eq!(ended(None, false), Vec::<String>::new());
    assert_eq!(with(&|own| own.jobs = Answer::Known(vec!["1".into()])), ["vm-jobs warning"]);
    assert_eq!(told(&View::classic("old")), ["vm-model problem"]);
    assert_eq!(with(&|own| own.machine = Answer::Absent), ["vm-model problem"]);
    let unknown = || Answer::Unknown("AuthorizationFailed".to_owned());
    assert_eq!(with(&|own| own.machine = unknown()), ["vm-model unknown"]);
}
