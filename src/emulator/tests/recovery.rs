//! Vaults, policies, protected machines, jobs and points of the emulated Recovery Services, by bare
//! calls.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]
#![allow(dead_code, reason = "not every test program needs every helper")]

#[path = "support/arm.rs"]
mod arm;
#[path = "support/emulator.rs"]
mod emulator;

use azseed_emulator::{VmDeed, VmOrder, machines};
use reqwest::Method;
use serde_json::{Value, json};

use arm::{Arm, SUBSCRIPTION, Told};
use emulator::{Emulator, Folder};

const VERSION: &str = "2025-08-01";

struct World {
    _folder: Folder,
    emulator: Emulator,
    arm: Arm,
}

impl World {
    fn new() -> Self {
        let folder = Folder::new();
        let emulator = Emulator::start(&folder);
        let arm = Arm::of(&emulator);
        // Far from the time of every policy.
        let now = jiff::Zoned::now().with_time_zone(jiff::tz::TimeZone::UTC);
        let minutes = i64::from(now.hour()) * 60 + i64::from(now.minute());
        emulator.forward(&format!("PT{}M", (36 * 60 - minutes) % (24 * 60)));
        World { _folder: folder, emulator, arm }
    }

    fn vm(&self, name: &str, change: impl FnOnce(&mut VmOrder)) {
        let mut order = VmOrder { name: name.to_owned(), ..VmOrder::default() };
        change(&mut order);
        machines(self.emulator.data(), VmDeed::Set(order), Vec::new()).unwrap();
    }

    fn call(&self, method: Method, path: &str, body: Option<Value>) -> Told {
        let sign = if path.contains('?') { '&' } else { '?' };
        let path = match path.contains("api-version=") {
            true => path.to_owned(),
            false => format!("{path}{sign}api-version={VERSION}"),
        };
        let mut request = self.arm.with_token(method, &path);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        self.arm.send(request)
    }

    fn get(&self, path: &str) -> Told {
        self.call(Method::GET, path, None)
    }

    #[track_caller]
    fn list(&self, path: &str) -> Vec<Value> {
        let told = self.get(path);
        assert_eq!(told.status, 200, "{}", told.text);
        told.json()["value"].as_array().unwrap().clone()
    }

    /// Follows the status of an operation to its end.
    #[track_caller]
    fn follow(&self, begun: &Told) -> Value {
        assert_eq!(begun.status, 202, "{}", begun.text);
        let at = begun.headers["azure-asyncoperation"].to_str().unwrap().to_owned();
        let words: Vec<Value> = (0..3).map(|_| self.get(&at).json()).collect();
        assert_eq!(words[0]["status"], "InProgress");
        words[2].clone()
    }

    fn vault(&self, name: &str) -> String {
        let path = format!("{}/{name}", vaults());
        let body = json!({"location": "West US", "sku": {"name": "Standard"}, "properties": {}});
        let made = self.call(Method::PUT, &path, Some(body));
        assert_eq!(made.status, 201, "{}", made.text);
        path
    }

    fn protect(&self, vault: &str, vm: &str) -> Told {
        let body = json!({"properties": {
            "protectedItemType": "Microsoft.Compute/virtualMachines",
            "sourceResourceId": machine(vm),
            "policyId": format!("{vault}/backupPolicies/DefaultPolicy"),
        }});
        self.call(Method::PUT, &item(vault, vm), Some(body))
    }

    fn back_up(&self, vault: &str, vm: &str) -> Told {
        let body = json!({"properties": {"objectType": "IaasVMBackupRequest"}});
        self.call(Method::POST, &format!("{}/backup", item(vault, vm)), Some(body))
    }
}

fn vaults() -> String {
    format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.RecoveryServices/vaults"
    )
}

fn machine(vm: &str) -> String {
    format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/{vm}"
    )
}

fn item(vault: &str, vm: &str) -> String {
    let name = format!("iaasvmcontainerv2;rg;{vm}");
    format!(
        "{vault}/backupFabrics/Azure/protectionContainers/IaasVMContainer;{name}/protectedItems/VM;{name}"
    )
}

fn code(told: &Told) -> (u16, String) {
    (told.status, told.json()["error"]["code"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn a_machine_is_found_protected_backed_up_and_its_points_come_by_the_clock() {
    let world = World::new();
    world.vm("web", |_| {});
    world.vm("away", |own| own.region = Some("East US".to_owned()));
    let vault = world.vault("v1");
    assert_eq!(world.get(&vault).json()["location"], "westus");
    let protectable = format!("{vault}/backupProtectableItems");
    assert!(world.list(&protectable).is_empty(), "only after a look");
    let path = format!("{vault}/backupFabrics/Azure/refreshContainers");
    let begun = world.call(Method::POST, &path, None);
    let at = begun.headers["location"].to_str().unwrap().to_owned();
    let statuses: Vec<u16> = (0..3).map(|_| world.get(&at).status).collect();
    assert_eq!(statuses, [202, 202, 204]);
    let found = world.list(&protectable);
    assert_eq!(found.len(), 1, "of the vault's region: {found:?}");
    assert_eq!(found[0]["name"], "iaasvmcontainerv2;rg;web");
    let storage = format!("{vault}/backupstorageconfig/vaultstorageconfig");
    assert_eq!(world.get(&storage).properties()["storageTypeState"], "Unlocked");
    let local = json!({"properties": {"storageModelType": "LocallyRedundant"}});
    assert_eq!(world.call(Method::PATCH, &storage, Some(local)).status, 204);
    let ended = world.follow(&world.protect(&vault, "web"));
    assert_eq!(
        (ended["status"].as_str(), ended["properties"]["objectType"].as_str()),
        (Some("Succeeded"), Some("OperationStatusJobExtendedInfo"))
    );
    let own = world.get(&item(&vault, "web")).properties();
    assert_eq!(
        (&own["protectionState"], &own["lastBackupTime"]),
        (&json!("IRPending"), &json!("2001-01-01T00:00:00Z"))
    );
    assert_eq!(world.get(&storage).properties()["storageTypeState"], "Locked");
    let geo = json!({"properties": {"storageModelType": "GeoRedundant"}});
    assert_eq!(world.call(Method::PUT, &storage, Some(geo)).status, 400);
    assert!(world.list(&protectable).is_empty(), "it is protected");
    let ended = world.follow(&world.back_up(&vault, "web"));
    let job = ended["properties"]["jobId"].as_str().unwrap().to_owned();
    let job = format!("{vault}/backupJobs/{job}");
    assert_eq!(world.get(&job).properties()["status"], "InProgress");
    assert_eq!(code(&world.back_up(&vault, "web")).0, 409, "one at a time");
    world.emulator.forward("PT7M");
    let own = world.get(&job).properties();
    assert_eq!(own["status"], "Completed");
    assert_eq!(own["extendedInfo"]["tasksList"][1]["taskId"], "Transfer data to vault");
    let own = world.get(&item(&vault, "web")).properties();
    assert_eq!(own["protectionState"], "Protected");
    let points = format!("{}/recoveryPoints", item(&vault, "web"));
    let all = world.list(&points);
    assert_eq!(all.len(), 1);
    assert_eq!(all[0]["properties"]["recoveryPointTierDetails"][0]["type"], "InstantRP");
    world.emulator.forward("P3D");
    let all = world.list(&points);
    assert!(all.len() >= 3, "one a day by the policy: {}", all.len());
    let first = &all[all.len() - 1]["properties"]["recoveryPointTierDetails"];
    assert_eq!(first[0]["type"], "HardenedRP", "the snapshot is gone");
    let backups = format!("{vault}/backupJobs?$filter=operation%20eq%20'ConfigureBackup'");
    assert_eq!(world.list(&backups).len(), 1);
}

#[test]
fn what_the_service_would_refuse_is_refused_and_a_failure_is_told_in_the_job() {
    let world = World::new();
    world.vm("web", |_| {});
    world.vm("away", |own| own.region = Some("eastus".to_owned()));
    let vault = world.vault("v1");
    let wrong = format!("{}/v_1", vaults());
    let body = json!({"location": "westus", "sku": {"name": "RS0"}, "properties": {}});
    assert_eq!(code(&world.call(Method::PUT, &wrong, Some(body))).1, "InvalidResourceName");
    assert_eq!(code(&world.protect(&vault, "away")).1, "BMSUserErrorDatasourceNotInVaultRegion");
    let ended = world.follow(&world.protect(&vault, "none"));
    assert_eq!(
        (&ended["status"], &ended["error"]["code"]),
        (&json!("Failed"), &json!("BCMV2VMNotFound")),
        "it is told with 200"
    );
    world.follow(&world.protect(&vault, "web"));
    let other = world.vault("v2");
    let refused = code(&world.protect(&other, "web"));
    assert_eq!(refused.1, "BMSUserErrorContainerAlreadyInAnotherVault");
    world.vm("web", |own| own.fail = Some("UserErrorFsFreezeFailed,times=1".to_owned()));
    let ended = world.follow(&world.back_up(&vault, "web"));
    let job = format!("{vault}/backupJobs/{}", ended["properties"]["jobId"].as_str().unwrap());
    world.emulator.forward("PT3M");
    let own = world.get(&job).properties();
    assert_eq!(own["status"], "Failed");
    assert_eq!(own["errorDetails"][0]["errorTitle"], "UserErrorFsFreezeFailed");
    let ended = world.follow(&world.back_up(&vault, "web"));
    let job = format!("{vault}/backupJobs/{}", ended["properties"]["jobId"].as_str().unwrap());
    let begun = world.call(Method::POST, &format!("{job}/cancel"), None);
    assert_eq!(begun.status, 202, "{}", begun.text);
    world.emulator.forward("PT1M");
    assert_eq!(world.get(&job).properties()["status"], "Cancelled");
    let again = world.call(Method::POST, &format!("{job}/cancel"), None);
    assert_eq!(code(&again).1, "BMSUserErrorJobNotInProgress");
    // The one that was cancelled does not count.
    for _ in 0..3 {
        world.follow(&world.back_up(&vault, "web"));
        world.emulator.forward("PT8M");
    }
    assert_eq!(code(&world.back_up(&vault, "web")).1, "UserErrorOnDemandBackupLimitReached");
}

#[test]
fn what_is_deleted_stays_for_14_days_and_so_does_the_vault() {
    let world = World::new();
    world.vm("web", |_| {});
    let vault = world.vault("v1");
    world.follow(&world.protect(&vault, "web"));
    let used = format!("{vault}/backupPolicies/DefaultPolicy");
    assert_eq!(code(&world.call(Method::DELETE, &used, None)).1, "BMSUserErrorPolicyInUse");
    let deleted = world.call(Method::DELETE, &item(&vault, "web"), None);
    assert_eq!(world.follow(&deleted)["status"], "Succeeded");
    let own = world.get(&item(&vault, "web")).properties();
    assert_eq!(own["isScheduledForDeferredDelete"], true);
    assert_eq!(world.call(Method::DELETE, &vault, None).status, 400);
    let back = json!({"properties": {
        "protectedItemType": "Microsoft.Compute/virtualMachines",
        "protectionState": "ProtectionStopped", "isRehydrate": true,
        "sourceResourceId": machine("web"),
    }});
    world.follow(&world.call(Method::PUT, &item(&vault, "web"), Some(back)));
    let own = world.get(&item(&vault, "web")).properties();
    assert_eq!(
        (&own["isScheduledForDeferredDelete"], &own["protectionState"]),
        (&json!(false), &json!("ProtectionStopped"))
    );
    world.call(Method::DELETE, &item(&vault, "web"), None);
    world.emulator.forward("P15D");
    assert_eq!(world.get(&item(&vault, "web")).status, 404);
    assert_eq!(world.call(Method::DELETE, &vault, None).status, 202);
    assert_eq!(world.get(&vault).status, 404);
}

#[test]
fn a_machine_is_told_with_its_power_and_its_agent_whatever_the_case() {
    let world = World::new();
    world.vm("web", |own| own.os = Some("windows".to_owned()));
    world.vm("old", |own| own.is_classic = true);
    let of = |provider: &str| {
        let path = format!("/subscriptions/{SUBSCRIPTION}/providers/{provider}/virtualMachines");
        let all = world.list(&path);
        all.iter().map(|own| own["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(of("Microsoft.Compute"), ["web"]);
    assert_eq!(of("Microsoft.ClassicCompute"), ["old"]);
    let path = machine("WEB").replace("/rg/", "/RG/");
    let own = world.get(&format!("{path}?$expand=instanceView")).properties();
    assert_eq!(own["instanceView"]["statuses"][1]["code"], "PowerState/running");
    assert_eq!(own["instanceView"]["vmAgent"]["statuses"][0]["displayStatus"], "Ready");
    world.vm("web", |own| own.power = Some("deallocated".to_owned()));
    let own = world.get(&format!("{path}/instanceView")).json();
    assert_eq!(own["statuses"][1]["code"], "PowerState/deallocated");
    assert_eq!(own.get("vmAgent"), None);
    let version = format!("{path}?api-version=2015-01-01");
    assert_eq!(code(&world.get(&version)).1, "InvalidApiVersionParameter");
    assert_eq!(world.get(&machine("none")).status, 404);
}

#[test]
fn a_restore_is_checked_and_brings_the_bytes_of_the_point() {
    let world = World::new();
    let disk = vec![7_u8; 1024];
    let given = world.emulator.data().join("given");
    std::fs::write(&given, &disk).unwrap();
    let file = || vec![std::fs::File::open(&given).unwrap().into()];
    let order = VmOrder { name: "web".to_owned(), ..VmOrder::default() };
    machines(world.emulator.data(), VmDeed::Set(order.clone()), file()).unwrap();
    let vault = world.vault("v1");
    world.follow(&world.protect(&vault, "web"));
    world.follow(&world.back_up(&vault, "web"));
    world.emulator.forward("PT7M");
    let write = VmDeed::Write { order, lun: None, offset: 1024 };
    let beyond = machines(world.emulator.data(), write, file()).unwrap_err();
    assert!(beyond.to_string().contains("ends at 1024"), "{beyond}");
    let points = format!("{}/recoveryPoints", item(&vault, "web"));
    let point = world.list(&points)[0]["name"].as_str().unwrap().to_owned();
    let account = "account1";
    let request = |kind: &str| {
        json!({
            "objectType": "IaasVMRestoreRequest", "recoveryPointId": point,
            "recoveryType": kind, "sourceResourceId": machine("web"), "region": "westus",
            "storageAccountId": format!(
                "/subscriptions/{SUBSCRIPTION}/resourceGroups/x/providers/Microsoft.Storage/storageAccounts/{account}"
            ),
            "createNewCloudService": false, "originalStorageAccountOption": false,
            "encryptionDetails": {"encryptionEnabled": false},
        })
    };
    let validate = |own: Value| {
        let body = json!({"properties": {
            "objectType": "ValidateIaasVMRestoreOperationRequest", "restoreRequest": own,
        }});
        let path = format!("{vault}/backupTriggerValidateOperation");
        let ended = world.follow(&world.call(Method::POST, &path, Some(body)));
        ended["properties"]["validateOperationResponse"]["validationResults"].clone()
    };
    assert_eq!(validate(request("RestoreDisks")), json!([]));
    let mut new = request("AlternateLocation");
    new["targetVirtualMachineId"] = machine("web2").into();
    new["targetResourceGroupId"] =
        format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg").into();
    let network = machine("web")
        .replace("Microsoft.Compute/virtualMachines/web", "Microsoft.Network/virtualNetworks/vnet");
    new["virtualNetworkId"] = network.as_str().into();
    new["subnetId"] = format!("{network}/subnets/none").into();
    assert_eq!(validate(new.clone())[0]["code"], "restore-subnet-missing");
    let restore = format!("{points}/{point}/restore");
    let begin = |own: Value| world.call(Method::POST, &restore, Some(json!({"properties": own})));
    let ended = world.follow(&begin(new.clone()));
    assert_eq!(
        (&ended["status"], &ended["error"]["code"]),
        (&json!("Failed"), &json!("restore-subnet-missing"))
    );
    let mut wrong = request("RestoreDisks");
    wrong["region"] = "eastus".into();
    assert_eq!(begin(wrong).status, 400);
    let ended = world.follow(&begin(request("RestoreDisks")));
    let job = format!("{vault}/backupJobs/{}", ended["properties"]["jobId"].as_str().unwrap());
    assert_eq!(code(&begin(request("RestoreDisks"))).1, "UserErrorRestoreOperationInProgress");
    world.emulator.forward("PT10M");
    let own = world.get(&job).properties();
    assert_eq!(own["extendedInfo"]["tasksList"][0]["taskId"], "Transfer data from vault");
    let bag = &own["extendedInfo"]["propertyBag"];
    let container = bag["Config Blob Container Name"].as_str().unwrap();
    let blob = world.emulator.data().join(format!("blobs/{account}/{container}/web-osdisk.vhd"));
    let held = std::fs::read(blob).unwrap();
    assert_eq!((held.len(), &held[..1024]), (1536, &disk[..]));
    new["subnetId"] = format!("{network}/subnets/default").into();
    world.follow(&begin(new));
    world.emulator.forward("PT10M");
    assert_eq!(world.get(&machine("web2")).status, 200);
    let held = std::fs::read(world.emulator.data().join("vms/rg/web2/os.img")).unwrap();
    assert_eq!(held, disk);
}
