// The whole story of a protected machine by Microsoft's management clients for Node.js:
//   recovery.cjs begin|after
// What came of each call is a line `CALL<TAB>ok` or `CALL<TAB>no …`. Told by the environment: SUBSCRIPTION.
// `begin` ends with a backup that is under way, `after` goes on when its time is over.
const { ClientSecretCredential } = require("@azure/identity");
const { RecoveryServicesClient } = require("@azure/arm-recoveryservices");
const { RecoveryServicesBackupClient } = require("@azure/arm-recoveryservicesbackup");
const assert = require("node:assert");
const { call } = require("./told.cjs");

const { SUBSCRIPTION } = process.env;
const [group, vault, fabric] = ["rg", "prod", "Azure"];
const at = `/subscriptions/${SUBSCRIPTION}/resourceGroups`;
const machine = `${at}/rg/providers/Microsoft.Compute/virtualMachines/web`;
const account = `${at}/storage/providers/Microsoft.Storage/storageAccounts/account1`;
const policies = `${at}/${group}/providers/Microsoft.RecoveryServices/vaults/${vault}/backupPolicies`;
const name = "iaasvmcontainerv2;rg;web";
const item = [vault, group, fabric, `IaasVMContainer;${name}`, `VM;${name}`];
const ofMachines = "backupManagementType eq 'AzureIaasVM'";
const soon = { updateIntervalInMs: 50 };
const credential = new ClientSecretCredential(SUBSCRIPTION, "client", "secret");
const vaults = new RecoveryServicesClient(credential, SUBSCRIPTION);
const backup = new RecoveryServicesBackupClient(credential, SUBSCRIPTION);

async function all(pages) {
  const found = [];
  for await (const own of pages) found.push(own);
  return found;
}

async function refused(what, code) {
  await assert.rejects(what, (error) => {
    const said = `${error.code} ${error.message}`;
    assert.ok(said.includes(code), `${said} and not ${code}`);
    return true;
  });
}

async function until(what) {
  for (let tries = 0; tries < 50; tries += 1) {
    if (await what()) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  assert.fail("it does not come");
}

const jobs = (filter) => all(backup.backupJobs.list(vault, group, { filter }));
const points = () => all(backup.recoveryPoints.list(...item));
const trigger = () =>
  backup.backups.trigger(...item, { properties: { objectType: "IaasVMBackupRequest" } });

function restoreOf(recoveryPointId) {
  return {
    objectType: "IaasVMRestoreRequest", recoveryPointId, recoveryType: "RestoreDisks",
    sourceResourceId: machine, storageAccountId: account, region: "westus",
    createNewCloudService: false, originalStorageAccountOption: false,
    encryptionDetails: { encryptionEnabled: false },
  };
}

const parts = {
  async begin() {
    await call("create a vault", async () => {
      const properties = {
        publicNetworkAccess: "Enabled",
        redundancySettings: {
          standardTierStorageRedundancy: "LocallyRedundant", crossRegionRestore: "Disabled",
        },
      };
      const asked = { location: "westus", sku: { name: "RS0", tier: "Standard" }, properties };
      const made = await vaults.vaults.beginCreateOrUpdateAndWait(group, vault, asked, soon);
      assert.equal(made.properties.provisioningState, "Succeeded");
    });
    await call("vault", async () => assert.equal((await vaults.vaults.get(group, vault)).location, "westus"));
    await call("list vaults", async () => {
      const found = await all(vaults.vaults.listBySubscriptionId());
      assert.ok(found.some((own) => own.name === vault));
    });
    await call("redundancy", async () => {
      const own = (await backup.backupResourceStorageConfigsNonCRR.get(vault, group)).properties;
      assert.equal(own.storageModelType, "LocallyRedundant");
      assert.equal(own.storageTypeState, "Unlocked");
    });
    await call("discover", () =>
      backup.protectionContainers.refresh(vault, group, fabric, { filter: ofMachines }));
    await call("protectable", () => until(async () => {
      const found = await all(backup.backupProtectableItems.list(vault, group, { filter: ofMachines }));
      return found.length === 1 && found[0].properties.friendlyName === "web";
    }));
    await call("policy", async () => {
      const own = (await backup.protectionPolicies.get(vault, group, "DefaultPolicy")).properties;
      assert.equal(own.schedulePolicy.scheduleRunFrequency, "Daily");
      assert.equal(own.retentionPolicy.dailySchedule.retentionDuration.count, 30);
    });
    await call("set a policy", async () => {
      const { properties } = await backup.protectionPolicies.get(vault, group, "DefaultPolicy");
      properties.retentionPolicy.dailySchedule.retentionDuration.count = 7;
      const made = await backup.protectionPolicies.createOrUpdate(vault, group, "short", { properties });
      assert.equal(made.properties.retentionPolicy.dailySchedule.retentionDuration.count, 7);
      await backup.protectionPolicies.beginDeleteAndWait(vault, group, "short", soon);
    });
    await call("protect", async () => {
      const properties = {
        protectedItemType: "Microsoft.Compute/virtualMachines", sourceResourceId: machine,
        policyId: `${policies}/DefaultPolicy`,
      };
      await backup.protectedItems.createOrUpdate(...item, { properties });
      await until(async () => {
        const own = await backup.protectedItems.get(...item).catch(() => undefined);
        return own?.properties.protectionState === "IRPending";
      });
    });
    await call("back up", async () => {
      await trigger();
      const found = await jobs(`operation eq 'Backup' and status eq 'InProgress' and ${ofMachines}`);
      assert.equal(found.length, 1);
      assert.deepEqual(found[0].properties.actionsInfo, ["Cancellable"]);
    });
  },
  async after() {
    await call("job", async () => {
      const [job] = await jobs("operation eq 'Backup'");
      const own = (await backup.jobDetails.get(vault, group, job.name)).properties;
      assert.equal(own.status, "Completed");
      assert.equal(own.extendedInfo.tasksList.length, 2);
    });
    await call("protected", async () => {
      const found = await all(backup.backupProtectedItems.list(vault, group, { filter: ofMachines }));
      assert.deepEqual(found.map((own) => own.properties.protectionState), ["Protected"]);
    });
    await call("points", async () => {
      const found = await points();
      assert.equal(found.length, 1);
      assert.equal(found[0].properties.recoveryPointType, "FileSystemConsistent");
      const one = await backup.recoveryPoints.get(...item, found[0].name);
      assert.equal(one.properties.recoveryPointTierDetails[0].type, "InstantRP");
    });
    await call("validate a restore", async () => {
      const [point] = await points();
      const restoreRequest = restoreOf(point.name);
      const properties = { objectType: "ValidateIaasVMRestoreOperationRequest", restoreRequest };
      await backup.validateOperation.beginTriggerAndWait(vault, group, { id: machine, properties }, soon);
    });
    await call("restore", async () => {
      const [point] = await points();
      const asked = { properties: restoreOf(point.name) };
      const begin = () => backup.restores.beginTriggerAndWait(...item, point.name, asked, soon);
      await begin();
      const [job] = await jobs("operation eq 'Restore'");
      const own = (await backup.jobDetails.get(vault, group, job.name)).properties;
      assert.equal(own.status, "InProgress");
      assert.equal(own.extendedInfo.tasksList[0].taskId, "Transfer data from vault");
      assert.equal(own.extendedInfo.propertyBag["Target Storage Account Name"], "account1");
      await refused(begin, "UserErrorRestoreOperationInProgress");
    });
    await call("cancel", async () => {
      await trigger();
      const [job] = await jobs("operation eq 'Backup' and status eq 'InProgress'");
      const cancel = () => backup.jobCancellations.trigger(vault, group, job.name);
      await cancel();
      const own = (await backup.jobDetails.get(vault, group, job.name)).properties;
      assert.equal(own.status, "Cancelling");
      await refused(cancel, "BMSUserErrorJobNotInProgress");
    });
    await call("delete", async () => {
      await backup.protectedItems.delete(...item);
      const own = (await backup.protectedItems.get(...item)).properties;
      assert.equal(own.isScheduledForDeferredDelete, true);
      await refused(() => vaults.vaults.beginDeleteAndWait(group, vault, soon), "NotEmpty");
    });
  },
};

parts[process.argv[2]]();
