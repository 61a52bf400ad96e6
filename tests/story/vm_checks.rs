//! What stands in the way of a backup is told before: machines as Azure sees them, what their security
//! groups let out, vault and policy, the storage account, and the rights of whoever is signed in; and
//! what a check asked for is done by hand and once.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

use serde_json::Value;

use crate::vm::World;

const SUBSCRIPTION: &str = "11111111-2222-4333-8444-555555555555";

/// `id verdict` of each finding about a thing that is not good, or of all without one.
fn bad(found: &[Value], about: &str) -> Vec<String> {
    let is_of = |own: &&Value| about.is_empty() || own["about"] == about;
    let all = found.iter().filter(is_of).filter(|own| own["verdict"] != "good");
    all.map(|own| format!("{} {}", own["id"], own["verdict"]).replace('"', "")).collect()
}

/// The finding of this id.
fn of<'a>(found: &'a [Value], id: &str) -> &'a Value {
    found.iter().find(|own| own["id"] == id).unwrap_or_else(|| panic!("no {id}: {found:?}"))
}

fn text<'a>(own: &'a Value, field: &str) -> &'a str {
    own[field].as_str().unwrap_or_else(|| panic!("no {field}: {own}"))
}

/// The line that a finding says, without the program's name.
fn command(own: &Value) -> String {
    text(own, "command").strip_prefix("azseed ").unwrap().to_owned()
}

#[test]
fn many_machines_are_looked_at_side_by_side_and_each_row_has_its_verdict() {
    let world = World::new(&[
        "web",
        "off --power deallocated",
        "silent --agent absent",
        "moving --power transient",
        "odd --nics 2 --load-balancer --size Standard_B1ls --extension failed --odd unmanaged",
        "more --odd accelerated --odd ephemeral --odd appliance --subnet other/one",
        "client --os windows --odd client --odd no-extensions",
        "old --classic",
    ]);
    let good = world.json(0, "check vm web off");
    assert_eq!(bad(&good, "RG/web"), Vec::<String>::new());
    assert_eq!(bad(&good, "RG/off"), ["vm-agent unknown"]);
    let rows = good.iter().filter(|own| own["about"] == "RG/web");
    let ids: Vec<&str> = rows.map(|own| text(own, "id")).collect();
    let all = [
        "vm-model",
        "vm-state",
        "vm-agent",
        "vm-agent-flag",
        "vm-extension",
        "vm-disks",
        "vm-os",
        "vm-network",
        "vm-controllers",
        "vm-size",
        "vm-lock",
        "vm-protected",
        "vm-jobs",
        "nsg-backup",
        "nsg-storage",
        "nsg-signin",
    ];
    assert_eq!(ids, all);
    let found = world.json(13, "check vm web off silent moving odd more client old");
    for (machine, expected) in [
        ("RG/web", vec![]),
        ("RG/silent", vec!["vm-agent problem", "vm-agent-flag problem"]),
        ("RG/moving", vec!["vm-state problem", "vm-agent unknown"]),
        (
            "RG/odd",
            vec![
                "vm-extension warning",
                "vm-disks problem",
                "vm-network warning",
                "vm-size warning",
            ],
        ),
        ("RG/more", vec!["vm-disks warning", "vm-route warning"]),
        ("RG/client", vec!["vm-agent-flag problem", "vm-os warning"]),
        ("old", vec!["vm-model problem"]),
    ] {
        assert_eq!(bad(&found, machine), expected, "{machine}");
    }
    assert_eq!(found.iter().find(|own| own["about"] == "old").unwrap()["explain"], "vm-classic");
    // Names are asked of the owner's own server, which the groups stand before.
    world.vm("web --odd dns");
    let named = world.json(0, "check vm web");
    assert!(text(of(&named, "nsg-dns"), "facts").starts_with("UDP 53 to 10.0.0.53 is allowed"));
    world.declare("nsg web-nsg --vm web --rule no-dns,200,deny,10.0.0.53,53");
    let named = world.json(1, "check vm web");
    assert_eq!(bad(&named, ""), ["nsg-dns problem"]);
    let line = command(of(&named, "nsg-dns"));
    let suggested = world.expect(1, &line).stdout;
    assert!(suggested.contains("--protocol Udp") && suggested.contains("10.0.0.53"), "{suggested}");
    world.declare("nsg web-nsg --vm web --rule no-dns,200,allow,10.0.0.53,53");
    world.declare("group rg --lock ReadOnly");
    assert_eq!(bad(&world.json(0, "check vm web"), ""), ["vm-lock warning"]);
    world.expect(1, "check vm web --strict");
    let told = world.ok("check vm web off");
    assert!(told.starts_with("RG/web:\n") && told.contains("\nRG/off:\n"), "{told}");
    assert!(told.contains("crash-consistent"), "{told}");
    world.refused(10, "vm-not-found", "check vm nobody");
}

#[test]
fn a_preflight_says_what_is_missing_and_its_last_line_protects() {
    let world = World::new(&["web", "far --region eastus"]);
    let none = world.json(10, "vm preflight web");
    assert_eq!(bad(&none, ""), ["vm-vault problem", "vm-ready unknown"]);
    // The line is typed as it stands once name and group are chosen.
    let made = |own: &[Value], name: &str| {
        let line = command(of(own, "vm-vault"));
        line.replace(" NAME ", &format!(" {name} ")).replace(" GROUP ", " backup-rg ")
    };
    assert!(made(&none, "prod").ends_with("--location westus"), "{none:?}");
    world.ok(&made(&none, "prod"));
    let far = world.json(13, "vm preflight far --vault prod");
    world.ok(&format!("{} --role secondary", made(&far, "there")));
    world.ok("vm vault delete --vault there --yes");
    let other = world.json(13, "vm preflight web far");
    assert_eq!(bad(&other, "RG/web"), Vec::<String>::new());
    assert_eq!(bad(&other, "RG/far"), ["vm-vault problem", "vm-ready unknown"]);
    let policy = world.json(10, "vm preflight web --policy gold");
    assert_eq!(of(&policy, "vm-policy")["explain"], "vm-policy-not-found");
    let ready = world.json(0, "vm preflight web");
    world.ok(&command(of(&ready, "vm-ready")));
    assert_eq!(text(&world.json(0, "vm status web")[0], "vault"), "prod");
    let held = world.json(0, "check vm web --vault prod");
    assert!(text(of(&held, "vm-protected"), "facts").contains("prod"), "{held:?}");
    // Another vault does not get it, and says which one has it.
    world.ok("vm vault create second --location westus --resource-group backup-rg");
    let other = world.json(13, "check vm web --vault second");
    assert_eq!(bad(&other, ""), ["vm-protected problem"]);
    world.ok("vm backup web --vault prod");
    let busy = world.json(0, "check vm web");
    assert_eq!(bad(&busy, ""), ["vm-jobs warning"]);
    assert!(command(of(&busy, "vm-jobs")).ends_with(" --vault prod --resource-group backup-rg"));
}

#[test]
fn what_was_deleted_is_told_truly_and_protecting_it_has_it_back_with_its_points() {
    let world = World::with_vault(&["web", "db"]);
    world.ok("vm protect web db");
    world.ok("vm backup web");
    world.forward("+10m");
    world.ok("vm unprotect web --delete-data --yes");
    let found = world.json(0, "check vm web");
    assert_eq!(bad(&found, ""), ["vm-protected warning"]);
    let told = text(of(&found, "vm-protected"), "facts");
    assert!(told.contains("prod") && told.contains("can be had back until"), "{told}");
    let ready = world.json(0, "vm preflight web");
    assert_eq!(of(&ready, "vm-ready")["verdict"], "good");
    for line in [
        "vm unprotect web --keep-data --yes",
        "vm restore disks web --at latest --account account1",
    ] {
        let told = world.refused(13, "vm-protection-ended", line);
        assert!(
            told.contains("`azseed vm protect RG/web --vault prod --resource-group "),
            "{told}"
        );
    }
    let refused = world.json(13, "vm backup web");
    assert_eq!(refused[0]["code"], "vm-protection-ended", "{refused:?}");
    assert_eq!(world.json(0, "vm list --unprotected")[0]["name"], "web");
    let all = world.expect(0, "vm protect --all");
    assert!(all.stderr.contains("RG/web is left out"), "what somebody ended is not begun: {all:?}");
    world.ok("vm vault create second --location westus --resource-group backup-rg");
    let other = world.json(13, "vm preflight web --vault second");
    assert_eq!(bad(&other, ""), ["vm-protected problem", "vm-ready unknown"]);
    let line = "vm protect RG/web --vault prod --resource-group backup-rg";
    assert_eq!(command(of(&other, "vm-protected")), line);
    let back = world.json(0, &command(of(&found, "vm-protected")));
    assert!(text(&back[0], "message").contains("had back with its points"), "{back:?}");
    assert_eq!(text(&world.json(0, "vm status web")[0], "protection"), "protected");
    assert_eq!(world.json(0, "vm point list web --vault prod").len(), 1);
    world.ok("vm unprotect web --keep-data --yes --vault prod");
    assert_eq!(bad(&world.json(0, "check vm web"), ""), Vec::<String>::new());
    let again = world.json(0, "vm protect web --vault prod");
    assert!(text(&again[0], "message").contains("its points are there"), "{again:?}");
    assert_eq!(world.json(0, "vm protect web --vault prod")[0]["outcome"], "unchanged");
    world.ok("explain BMSUserErrorItemInSoftDeletedState");
}

#[test]
fn a_backup_that_keeps_its_point_otherwise_is_not_taken_for_the_one_that_is_asked_for() {
    let world = World::with_vault(&["web --group one", "web --group two"]);
    world.ok("vm protect --all");
    let asked = "vm backup one/web --keep-until 2099-01-01";
    let done = world.json(0, asked);
    assert_eq!(done[0]["outcome"], "done");
    assert_eq!(world.json(0, asked)[0]["outcome"], "unchanged", "it is the same");
    // As a call leaves it that is killed before it hears of its job.
    let notes = world.machine.path("state/vm-backups");
    std::fs::remove_file(notes.join(format!("{}.json", text(&done[0], "job")))).unwrap();
    let again = world.json(0, asked);
    assert_eq!((&again[0]["outcome"], &again[0]["job"]), (&"unchanged".into(), &done[0]["job"]));
    assert_eq!(world.json(0, "vm backup one/web")[0]["outcome"], "unchanged");
    let other = world.json(11, "vm backup one/web --keep-until 2098-01-01");
    assert_eq!(other[0]["code"], "vm-backup-under-way");
    world.ok("vm backup two/web");
    let told = world.expect(11, "vm backup two/web --keep-until 2098-01-01").stdout;
    assert!(told.contains("azseed vm job wait") && told.contains("--vault prod"), "{told}");
    assert_eq!(world.kept_jobs("Backup"), 2);
    // Of two of one name the group is told.
    let listed = world.ok("vm job list --operation Backup").to_lowercase();
    assert!(listed.contains("  one/web  ") && listed.contains("  two/web  "), "{listed}");
    let jobs = world.json(0, "vm job list --operation Backup");
    for own in &jobs {
        assert!(["one", "two"].contains(&text(own, "group").to_lowercase().as_str()), "{own}");
    }
    world.forward("+10m");
    let waited = world.expect(0, &format!("vm job wait {}", text(&jobs[0], "id")));
    let group = text(&jobs[0], "group");
    assert!(waited.stderr.contains(&format!("Backup of {group}/web: Completed")), "{waited:?}");
    let shown = world.ok(&format!("vm job show {}", text(&jobs[0], "id")));
    assert!(shown.contains(&format!("  {group}/web  ")), "{shown}");
}

#[test]
fn a_stuck_extension_is_taken_out_once_and_the_next_backup_brings_it_anew() {
    let world = World::with_vault(&["web --extension failed", "db"]);
    let asked = world.json(0, "vm register web db");
    assert!(asked.iter().all(|own| own["vault"].is_null()), "{asked:?}");
    assert!(world.ok("vm register db").contains("vm protect RG/db"), "the line that does it");
    world.ok("vm protect web");
    let asked = world.json(0, "vm register web db");
    assert_eq!((&asked[0]["vault"], &asked[1]["vault"]), (&"prod".into(), &Value::Null));
    let job = world.json(0, "vm backup web")[0]["job"].as_str().unwrap().to_owned();
    // While the service is at work nothing is taken out.
    world.refused(11, "vm-job-under-way", "vm extension remove web --yes");
    world.forward("+7m");
    let told = world.expect(1, &format!("vm job wait {job}")).stdout;
    assert!(told.contains("basic-snapshot-extension-stuck"), "{told}");
    let shown = world.json(0, "vm extension show web");
    assert_eq!((&shown[0]["state"], &shown[0]["outcome"]), (&"failed".into(), &"seen".into()));
    let found = world.json(0, "check vm web");
    world.refused(2, "needs-yes", &command(of(&found, "vm-extension")));
    let gone = world.json(0, "vm extension remove web --yes");
    assert_eq!(gone[0]["outcome"], "removed");
    let again = world.json(0, "vm extension remove web --yes");
    assert_eq!((&again[0]["outcome"], &again[0]["name"]), (&"unchanged".into(), &Value::Null));
    let job = world.json(0, "vm backup web")[0]["job"].as_str().unwrap().to_owned();
    world.forward("+7m");
    world.ok(&format!("vm job wait {job}"));
    let shown = world.json(0, "vm extension show web");
    assert_eq!(shown[0]["state"], "succeeded", "the backup brought it along");
}

#[test]
fn what_a_group_blocks_is_suggested_and_a_rule_is_written_once_and_only_where_it_is_free() {
    let world = World::new(&["web", "proxied --subnet vnet/inner"]);
    world.declare("nsg web-nsg --vm web --rule keep-in,200,deny,Internet --rule out,150,allow,Sql");
    world.declare("nsg inner-nsg --subnet vnet/inner --rule keep-in,300,deny,*");
    let found = world.json(1, "check vm web");
    let all = ["nsg-backup problem", "nsg-storage problem", "nsg-signin problem"];
    assert_eq!(bad(&found, ""), all);
    assert!(text(of(&found, "nsg-storage"), "facts").contains("keep-in of web-nsg"), "{found:?}");
    let looked = world.json(1, &command(of(&found, "nsg-storage")));
    let rules: Vec<&Value> = looked.iter().filter(|own| own["type"] == "nsg-rule").collect();
    assert_eq!(rules.len(), 3, "{looked:?}");
    let to = |own: &Value| own["rule"]["properties"]["destinationAddressPrefix"].clone();
    assert_eq!(
        rules.iter().map(|own| to(own)).collect::<Vec<_>>(),
        ["AzureBackup", "Storage.westus", "AzureActiveDirectory"]
    );
    for own in &rules {
        assert!(text(own, "group").eq_ignore_ascii_case("rg/web-nsg"), "{own}");
        let line = text(own, "command").to_lowercase();
        assert!(line.contains(" -g rg --nsg-name web-nsg "), "{line}");
    }
    // At a subnet, and by a proxy of its own network.
    let inner = world.ok_or_bad("nsg suggest --vm proxied --proxy 10.0.0.9:3128");
    assert!(inner.contains("inner-nsg") && inner.contains("10.0.0.9"), "{inner}");
    // The rule of a proxy: asked, written once, and nothing else is touched.
    let rule = "nsg rule --proxy-ip 10.0.0.5 --name allow-proxy --priority 190";
    let shown = world.json(0, rule);
    assert!(shown[0]["applied"].is_null() && world.rules("web-nsg") == ["keep-in", "out"]);
    world.refused(2, "needs-yes", &format!("{rule} --nsg web-nsg --apply"));
    assert_eq!(world.rules("web-nsg"), ["keep-in", "out"], "nobody said yes");
    let written = world.json(0, &format!("{rule} --nsg rg/web-nsg --apply --yes"));
    assert_eq!(written[0]["applied"], "written");
    assert_eq!(world.rules("web-nsg"), ["allow-proxy", "keep-in", "out"]);
    let again = world.json(0, &format!("{rule} --nsg web-nsg --apply"));
    assert_eq!(again[0]["applied"], "was-there", "twice is once, and nothing is asked");
    let other = rule.replace("190", "191");
    world.refused(2, "nsg-rule-other", &format!("{other} --nsg web-nsg --apply --yes"));
    let taken = rule.replace("190", "200").replace("allow-proxy", "second");
    let told =
        world.refused(13, "nsg-priority-taken", &format!("{taken} --nsg web-nsg --apply --yes"));
    assert!(told.contains("keep-in"), "{told}");
    world.refused(10, "nsg-not-found", &format!("{rule} --nsg none --apply --yes"));
    world.declare("nsg web-nsg --group other");
    world.refused(2, "nsg-ambiguous", &format!("{rule} --nsg web-nsg --apply --yes"));
    world.refused(2, "nsg-two-sources", "nsg suggest --vm web --rules rules.json");
    world.refused(2, "flag-missing", "nsg suggest");
    // Azure says where a machine is and whom it asks for names.
    for flag in ["--location westus", "--vm-ip 10.0.0.4", "--dns-server 10.0.0.53"] {
        let line = format!("nsg suggest --vm web {flag}");
        let told = world.refused(2, "flag-without-meaning", &line);
        assert!(told.contains(flag.split(' ').next().unwrap()), "{told}");
    }
    assert_eq!(world.rules("web-nsg"), ["allow-proxy", "keep-in", "out"]);
}

impl World {
    /// What a command prints, whether it finds problems or not.
    fn ok_or_bad(&self, text: &str) -> String {
        self.expect(1, text).stdout
    }

    /// The names of the rules of a group as the emulator keeps them, in their order by name.
    fn rules(&self, name: &str) -> Vec<String> {
        let path = self.emulator.data().join("meta/recovery.json");
        let world: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let all = world["security"].as_array().unwrap();
        let is = |own: &&Value| own["name"] == name && own["group"] == "rg";
        let rules = all.iter().find(is).unwrap()["rules"].as_array().unwrap();
        let mut names: Vec<String> = rules.iter().map(|own| text(own, "name").to_owned()).collect();
        names.sort();
        names
    }
}

#[test]
fn an_account_is_judged_by_what_it_is_for() {
    let world = World::new(&[]);
    let check = |purpose: &str, code: i32| {
        let found = world.json(code, &format!("check account account1 --for {purpose}"));
        bad(&found, "")
    };
    for purpose in ["import", "vault", "disk-backup", "restore"] {
        assert_eq!(check(purpose, 0), Vec::<String>::new(), "{purpose}");
    }
    let set = |rules: &str| world.declare(&format!("account account1 {rules}"));
    set("--rule firewall=deny --rule services=off --rule tls=TLS1_1 --rule versions=on");
    let bad_for_import =
        ["account-firewall problem", "account-keys warning", "account-soft-delete warning"];
    assert_eq!(check("import", 13), bad_for_import);
    assert_eq!(check("vault", 13), bad_for_import);
    assert_eq!(check("restore", 0), bad_for_import[1..]);
    set("--rule address=203.0.113.7 --rule services=on --rule tls=TLS1_2 --rule versions=off");
    assert_eq!(check("vault", 0), ["account-firewall unknown"]);
    set("--rule firewall=allow --rule public=off --rule lock=ReadOnly --rule soft-delete=7");
    let closed =
        ["account-firewall warning", "account-soft-delete warning", "account-locks problem"];
    assert_eq!(check("disk-backup", 13), closed);
    set("--rule public=on --rule lock=CanNotDelete --rule soft-delete=off --rule folders=on");
    assert_eq!(check("disk-backup", 13), ["account-kind problem"]);
    assert_eq!(check("vault", 0), Vec::<String>::new());
    set("--rule folders=off --rule keys=off --sku Standard_ZRS");
    assert_eq!(check("restore", 13), ["account-kind problem"]);
    assert_eq!(check("import", 0), Vec::<String>::new(), "nobody gives a key");
    // Premium storage for page blobs was for unmanaged disks.
    set("--sku Premium_LRS");
    let found = world.json(0, "check account account1 --for vault");
    let quota = of(&found, "account-premium-quota");
    assert!(quota["verdict"] == "warning" && text(quota, "facts").contains("17.5 TB"), "{quota}");
    assert_eq!(quota["explain"], "UserErrorBCMPremiumStorageQuotaError");
    set("--sku Standard_LRS");
    // What is in a container.
    let found = world.json(0, "check account account1 --for vault --container backup");
    assert!(text(of(&found, "account-container"), "facts").contains("nothing is in"));
    let gone = world.json(2, "check account nothere --for vault");
    assert_eq!(bad(&gone, ""), ["account-exists problem"]);
}

#[test]
fn rights_that_are_missing_are_named_with_the_smallest_role_that_has_them() {
    let world = World::with_vault(&["web"]);
    let group = format!("--subscription {SUBSCRIPTION} --resource-group rg");
    let look = |purpose: &str, code: i32| {
        world.json(code, &format!("check azure --for {purpose} {group}"))
    };
    let whole = look("vm", 0);
    assert_eq!(bad(&whole, ""), Vec::<String>::new());
    assert!(text(of(&whole, "azure-assignments"), "facts").starts_with("Owner at /subscriptions/"));
    let limits = text(of(&whole, "azure-limits"), "facts");
    assert!(limits.contains("1 of 500 vaults") && limits.contains("1 of 200 policies"), "{limits}");
    assert_eq!(bad(&look("restore", 0), ""), Vec::<String>::new());
    // An account is named by its id where it is in another subscription.
    let id = |subscription: &str| {
        format!(
            "/subscriptions/{subscription}/resourceGroups/rg/providers/Microsoft.Storage/\
             storageAccounts/account1"
        )
    };
    for (subscription, expected) in [
        (SUBSCRIPTION, vec![]),
        ("99999999-2222-4333-8444-555555555555", vec!["azure-subscription-match warning"]),
    ] {
        let id = id(subscription);
        let found =
            world.json(0, &format!("check azure --for restore --storage-account {id} {group}"));
        assert_eq!(bad(&found, ""), expected);
        of(&found, "azure-subscription-match");
    }
    world.declare(
        "rights --action */read --action Microsoft.RecoveryServices/* \
                   --not-action Microsoft.RecoveryServices/Vaults/write",
    );
    let found = look("vm", 12);
    let missing: Vec<&Value> = found.iter().filter(|own| own["verdict"] == "problem").collect();
    let roles = ["Backup Contributor", "Virtual Machine Contributor"];
    let names =
        ["Microsoft.RecoveryServices/Vaults/write", "Microsoft.Compute/virtualMachines/write"];
    assert_eq!(missing.len(), 2, "{found:?}");
    for ((own, role), name) in missing.iter().zip(roles).zip(names) {
        assert_eq!(own["id"], "azure-rights");
        assert!(text(own, "facts").ends_with(name), "{own}");
        let line = format!("az role assignment create --assignee emulator --role '{role}' --scope");
        assert!(text(own, "command").starts_with(&line), "{own}");
    }
    // Before a restore they are looked at where it would make something.
    world.ok("vm protect web");
    world.ok("vm backup web");
    world.forward("+7m");
    let new = "vm restore new web --at latest --account account1 --name web2 --vnet vnet \
               --subnet default";
    let told = world.refused(13, "vm-restore-refused", new);
    assert!(told.contains("virtualMachines/write"), "{told}");
    assert!(told.contains("Virtual Machine Contributor"), "{told}");
    assert_eq!(world.kept_jobs("Restore"), 0);
    world.declare("rights --hidden");
    let hidden = ["azure-rights unknown", "azure-assignments unknown"];
    assert_eq!(bad(&look("vm", 0), ""), hidden);
    world.declare("rights");
    world.vm("web --nics 2 --load-balancer");
    let said = world.expect(0, &format!("{new} --dry-run"));
    assert!(said.stderr.contains("2 network cards, a load balancer"), "{}", said.stderr);
    // Managed disks need rights that page blobs do not.
    let disks = format!("disk-backup --storage-account account1 {group}");
    assert_eq!(
        bad(&world.json(0, &format!("check azure --for {disks}")), ""),
        Vec::<String>::new()
    );
    world.declare(
        "rights --action * --data-action * --not-action Microsoft.Compute/snapshots/* \
                   --not-action Microsoft.Compute/disks/*",
    );
    let found = world.json(0, &format!("check azure --for {disks}"));
    assert_eq!(bad(&found, ""), ["azure-rights warning", "azure-rights warning"], "{found:?}");
    let told: String =
        found.iter().map(|own| format!("{} {}\n", own["facts"], own["command"])).collect();
    for part in [
        "to back up managed disks: missing at",
        "Microsoft.Compute/disks/read",
        "Microsoft.Compute/snapshots/beginGetAccess/action",
        "'Disk Snapshot Contributor'",
        "'Disk Backup Reader'",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    // No job is named, so none is looked for.
    let found =
        world.json(0, &format!("check azure --for import --storage-account account1 {group}"));
    assert!(!found.iter().any(|own| own["what"] == "job"), "{found:?}");
    // Blobs need a right of their own, which an owner of everything has not.
    world.declare("rights --action * --data-action * --not-data-action */blobs/write");
    let found = world.json(12, "check account account1 --for vault");
    assert!(text(of(&found, "azure-rights"), "facts").ends_with("/blobs/write"), "{found:?}");
    world.declare("rights --action *");
    let found = world.json(12, "check account account1 --for vault");
    let command = text(of(&found, "azure-rights"), "command");
    assert!(command.contains("'Storage Blob Data Contributor'"), "{command}");
    let found = world.json(12, "check account account1 --for vault --strict");
    assert_eq!(bad(&found, ""), ["azure-rights problem"]);
}

#[test]
fn vaults_are_made_region_by_region_and_all_of_it_is_one_picture() {
    let world = World::new(&["web", "far --region eastus", "off --power deallocated"]);
    let create = "vm vault create prod --resource-group backup-rg";
    world.refused(2, "vm-vault-one-or-all", &format!("{create} --per-region --location westus"));
    let made = world.json(0, &format!("{create} --per-region --redundancy local"));
    let told: Vec<(&str, &str)> =
        made.iter().map(|own| (text(own, "name"), text(own, "region"))).collect();
    assert_eq!(told, [("prod-eastus", "eastus"), ("prod-westus", "westus")]);
    assert!(made.iter().all(|own| own["redundancy"] == "LocallyRedundant"), "{made:?}");
    let again = world.json(0, &format!("{create} --per-region"));
    assert_eq!(again, Vec::<Value>::new(), "twice is once");
    world.ok("vm protect web off --vault prod-westus");
    world.ok("vm unprotect off --vault prod-westus --keep-data --yes");
    let tree = world.json(0, "vm vault tree");
    let west = tree.iter().find(|own| own["vault"] == "prod-westus").unwrap();
    assert_eq!((tree.len(), &west["subscription"]), (2, &SUBSCRIPTION.into()));
    let policy = &west["policies"][0];
    assert_eq!(
        (&policy["name"], &policy["machines"][0]["name"]),
        (&"DefaultPolicy".into(), &"web".into())
    );
    assert_eq!(west["loose"][0]["name"], "off");
    let told = world.ok("vm vault tree --vault prod-westus");
    assert!(told.contains("backup-rg/prod-westus (westus, LocallyRedundant)"), "{told}");
    assert!(told.contains("    without a policy\n      RG/off  protection stopped"), "{told}");
    assert!(!told.contains("prod-eastus"), "{told}");
}

#[test]
fn machines_that_begin_together_are_spread_by_the_lines_that_are_proposed() {
    let names = ["m1", "m2", "m3", "m4", "m5", "m6"];
    let world = World::with_vault(&names);
    world.ok("vm protect --all");
    let proposed = world.json(0, "vm policy stagger");
    let steps: Vec<&str> = proposed.iter().map(|own| text(own, "step")).collect();
    assert_eq!(steps, ["keep", "make"]);
    let new = &proposed[1];
    assert_eq!(
        (&new["policy"], new["machines"].as_array().unwrap().len()),
        (&"DefaultPolicy-2".into(), 2)
    );
    let told = world.ok("vm policy stagger");
    assert!(told.contains("DefaultPolicy-2.toml:"), "{told}");
    assert_eq!(world.json(0, "vm policy list").len(), 1, "nothing was changed");
    std::fs::write(world.machine.path("DefaultPolicy-2.toml"), text(new, "file")).unwrap();
    for line in new["commands"].as_array().unwrap() {
        world.ok(&format!("{} --yes", line.as_str().unwrap().strip_prefix("azseed ").unwrap()));
    }
    let told = world.ok("vm policy stagger");
    assert!(told.contains("Nothing is to be spread in prod"), "{told}");
    let status = world.json(0, "vm status m6");
    assert_eq!(status[0]["policy"], "DefaultPolicy-2");
}
