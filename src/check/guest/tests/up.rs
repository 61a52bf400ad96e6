//! What a machine that is up says when it is asked, beside its files.

use super::*;

#[test]
fn a_machine_that_is_up_is_believed_what_it_says_when_it_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    sound(folder.path());
    std::fs::create_dir_all(folder.path().join("proc/1")).unwrap();
    write_text(folder.path(), "proc/loadavg", "1.90 0 0 1/1 1\n");
    let tree = Tree::open(folder.path()).unwrap();
    let of = |agent: Asked, busy_percent: Option<u64>, id: &str| {
        let found = look(&tree, Whose::ThisMachine(Live { agent, busy_percent }));
        let own = found.into_iter().find(|own| own.id() == id).unwrap();
        (own.grade.word(), own.facts, own.command.unwrap_or_default())
    };
    let told = |own: &str, other: &str| Asked::Told(vec![own.to_owned(), other.to_owned()]);
    for (asked, verdict, said, next) in [
        // By the process that it wrote down, which is not there.
        (Asked::Unasked, "problem", "does not run", "systemctl start walinuxagent.service"),
        (told("active", "inactive"), "good", "and runs", ""),
        (
            told("failed", "active"),
            "problem",
            "is failed now",
            "systemctl start walinuxagent.service",
        ),
        (told("activating", "active"), "unknown", "look again in a minute", ""),
        (told("a\u{1b}[31m", ""), "problem", "is a", "systemctl start walinuxagent.service"),
        (
            Asked::Told(Vec::new()),
            "problem",
            "does not run",
            "systemctl start walinuxagent.service",
        ),
        (Asked::Silent(std::time::Duration::from_secs(30)), "unknown", "within 30 s", ""),
    ] {
        let (found, facts, command) = of(asked.clone(), None, "guest-agent-on");
        assert_eq!((found, command.as_str()), (verdict, next), "{asked:?}: {facts}");
        assert!(facts.contains(said) && !facts.contains('\u{1b}'), "{asked:?}: {facts}");
    }
    // What is measured decides, in the average many wait for a disk.
    for (busy, verdict) in [(None, "warning"), (Some(89), "good"), (Some(90), "warning")] {
        let (found, facts, _) = of(told("active", ""), busy, "guest-load");
        assert_eq!(found, verdict, "{facts}");
        let moment = busy.map(|own| format!("busy to {own} % now, in the last minute to 95 %"));
        assert!(moment.is_none_or(|own| facts.contains(&own)), "{facts}");
    }
}
