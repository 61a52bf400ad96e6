// The whole story of a job by Microsoft's management clients for Node.js:
//   management.cjs data-box|import-export order|after
// What came of each call is a line `CALL<TAB>ok` or `CALL<TAB>no …`. Told by the environment:
// SUBSCRIPTION, JOB, DRIVE (what a job says of the drive), NUMBER (of the parcel).
const { ClientSecretCredential } = require("@azure/identity");
const { BlobClient } = require("@azure/storage-blob");
const { DataBoxManagementClient } = require("@azure/arm-databox");
const { StorageImportExport } = require("@azure/arm-storageimportexport");
const assert = require("node:assert");
const { call } = require("./told.cjs");

const { SUBSCRIPTION, JOB, NUMBER } = process.env;
const drive = JSON.parse(process.env.DRIVE);
const group = "rg";
const account =
  `/subscriptions/${SUBSCRIPTION}/resourceGroups/${group}/providers/Microsoft.Storage/storageAccounts/account1`;
const credential = new ClientSecretCredential(SUBSCRIPTION, "client", "secret");

async function names(pages) {
  const found = [];
  for await (const own of pages) found.push(own.name);
  return found;
}

async function isThere(link) {
  const log = await new BlobClient(link, credential).downloadToBuffer();
  assert.ok(log.length > 0, "the log is empty");
}

const address = {
  recipientName: "Backup Team", streetAddress1: "1 Example Street", city: "Redmond",
  stateOrProvince: "WA", postalCode: "98052", countryOrRegion: "USA",
  phone: "4255550100", email: "backup@example.com",
};

const classic = {
  client: new StorageImportExport(credential, SUBSCRIPTION),
  body: () => ({
    location: "westus",
    properties: {
      storageAccountId: account, jobType: "Import", returnAddress: address,
      returnShipping: { carrierName: "FedEx", carrierAccountNumber: "123456789" },
      diagnosticsPath: "waimportexport", logLevel: "Verbose", backupDriveManifest: true,
      driveList: [drive],
    },
  }),
  async order() {
    const { client } = this;
    await call("operations", async () => assert.ok((await names(client.operations.list())).length));
    await call("locations", async () => assert.ok((await names(client.locations.list())).includes("West US")));
    await call("location", async () => assert.ok((await client.locations.get("West US")).supportedCarriers.length));
    await call("order", () => client.jobs.create(JOB, group, this.body()));
    await call("list", async () => assert.ok((await names(client.jobs.listBySubscription())).includes(JOB)));
    await call("list of a group", async () =>
      assert.ok((await names(client.jobs.listByResourceGroup(group))).includes(JOB)));
    await call("show", async () => assert.equal((await client.jobs.get(JOB, group)).properties.state, "Creating"));
    await call("keys", async () => {
      const keys = [];
      for await (const own of client.bitLockerKeys.list(JOB, group)) keys.push(own);
      assert.equal(keys[0].bitLockerKey, drive.bitLockerKey);
      assert.equal(keys[0].driveId, drive.driveId);
    });
    await call("parcel", async () => {
      const shipDate = new Date().toISOString();
      const deliveryPackage = { carrierName: "FedEx", trackingNumber: NUMBER, driveCount: 1, shipDate };
      await client.jobs.update(JOB, group, { deliveryPackage, state: "Shipping" });
      const job = await client.jobs.get(JOB, group);
      assert.equal(job.properties.deliveryPackage.trackingNumber, NUMBER);
    });
  },
  async after() {
    const { client } = this;
    await call("show when done", async () => {
      const job = await client.jobs.get(JOB, group);
      assert.equal(job.properties.state, "Completed");
      assert.equal(job.properties.driveList[0].copyStatus, "Completed");
    });
    await call("copy log", async () =>
      isThere((await client.jobs.get(JOB, group)).properties.driveList[0].verboseLogUri));
    await call("cancel", async () => {
      await client.jobs.create(`${JOB}-x`, group, this.body());
      await client.jobs.update(`${JOB}-x`, group, { cancelRequested: true });
      assert.equal((await client.jobs.get(`${JOB}-x`, group)).properties.cancelRequested, true);
    });
    await call("delete", async () => {
      for (const name of [`${JOB}-x`, JOB]) await client.jobs.delete(name, group);
      assert.ok(!(await names(client.jobs.listBySubscription())).includes(JOB));
    });
  },
};

const dataBox = {
  client: new DataBoxManagementClient(credential, SUBSCRIPTION),
  body: () => ({
    location: "westus", sku: { name: "DataBoxCustomerDisk" }, transferType: "ImportToAzure",
    details: {
      jobDetailsType: "DataBoxCustomerDisk",
      contactDetails: { contactName: "Ops", phone: "14258828080", emailList: ["ops@contoso.com"] },
      shippingAddress: {
        streetAddress1: "1 Way", city: "Redmond", stateOrProvince: "WA", country: "US",
        postalCode: "98052", companyName: "Contoso",
      },
      dataImportDetails: [{
        logCollectionLevel: "Verbose",
        accountDetails: { dataAccountType: "StorageAccount", storageAccountId: account },
      }],
      importDiskDetailsCollection: {
        [drive.driveId]: {
          bitLockerKey: drive.bitLockerKey, manifestFile: drive.manifestFile, manifestHash: drive.manifestHash,
        },
      },
      returnToCustomerPackageDetails: { carrierName: "FedEx", carrierAccountNumber: "989ffff" },
    },
  }),
  async order() {
    const { client } = this;
    await call("operations", async () => assert.ok((await names(client.operations.list())).length));
    await call("location", async () => {
      const asked = { datacenterAddressRequest: { storageLocation: "westus", skuName: "DataBoxCustomerDisk" } };
      const told = await client.service.regionConfiguration("westus", asked);
      assert.ok(told.datacenterAddressResponse.city);
    });
    await call("skus", async () => {
      const asked = { transferType: "ImportToAzure", country: "US", location: "westus" };
      const found = [];
      for await (const own of client.service.listAvailableSkusByResourceGroup(group, "westus", asked)) found.push(own);
      assert.equal(found[0].sku.name, "DataBoxCustomerDisk");
    });
    await call("order", () => client.jobs.beginCreateAndWait(group, JOB, this.body(), { updateIntervalInMs: 50 }));
    await call("list", async () => assert.ok((await names(client.jobs.list())).includes(JOB)));
    await call("list of a group", async () =>
      assert.ok((await names(client.jobs.listByResourceGroup(group))).includes(JOB)));
    await call("show", async () => {
      const job = await client.jobs.get(group, JOB, { expand: "details" });
      assert.equal(job.status, "AwaitingShipmentDetails");
      assert.ok(drive.driveId in job.details.importDiskDetailsCollection);
    });
    await call("update", async () => {
      const change = { details: { contactDetails: { contactName: "Night", phone: "14258828080", emailList: ["n@contoso.com"] } } };
      await client.jobs.beginUpdateAndWait(group, JOB, change, { updateIntervalInMs: 50 });
      const job = await client.jobs.get(group, JOB, { expand: "details" });
      assert.equal(job.details.contactDetails.contactName, "Night");
    });
    await call("keys", async () => {
      const all = [];
      for await (const own of client.jobs.listCredentials(group, JOB)) all.push(own);
      const own = all[0].jobSecrets.diskSecrets[0];
      assert.equal(own.bitLockerKey, drive.bitLockerKey);
      assert.equal(own.diskSerialNumber, drive.driveId);
    });
    await call("parcel", async () => {
      const deliverToDcPackageDetails = { carrierName: "UPS", trackingId: NUMBER };
      await client.jobs.markDevicesShipped(JOB, group, { deliverToDcPackageDetails });
      const job = await client.jobs.get(group, JOB, { expand: "details" });
      assert.equal(job.details.deliverToDcPackageDetails.trackingId, NUMBER);
    });
  },
  async after() {
    const { client } = this;
    await call("show when done", async () => assert.equal((await client.jobs.get(group, JOB)).status, "Completed"));
    await call("copy log", async () => {
      const job = await client.jobs.get(group, JOB, { expand: "details" });
      await isThere(job.details.copyLogDetails[0].verboseLogLink);
    });
    await call("cancel", async () => {
      await client.jobs.beginCreateAndWait(group, `${JOB}-x`, this.body(), { updateIntervalInMs: 50 });
      await client.jobs.cancel(group, `${JOB}-x`, { reason: "a test" });
      assert.equal((await client.jobs.get(group, `${JOB}-x`)).status, "Cancelled");
    });
    await call("delete", async () => {
      for (const name of [`${JOB}-x`, JOB]) await client.jobs.beginDeleteAndWait(group, name, { updateIntervalInMs: 50 });
      assert.ok(!(await names(client.jobs.list())).includes(JOB));
    });
  },
};

const [service, part] = process.argv.slice(2);
(service === "data-box" ? dataBox : classic)[part]().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
