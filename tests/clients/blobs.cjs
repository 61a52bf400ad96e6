// The calls of blob clients by Microsoft's client for Node.js. What came of each is a line
// `CALL<TAB>ok` or `CALL<TAB>no …`. Told by the environment: ACCOUNT, KEY, URL (of the account),
// TENANT if there is a sign-in.
const storage = require("@azure/storage-blob");
const { ClientSecretCredential } = require("@azure/identity");
const assert = require("node:assert");
const crypto = require("node:crypto");
const { call } = require("./told.cjs");

const { ACCOUNT, KEY, URL: at, TENANT } = process.env;
const key = new storage.StorageSharedKeyCredential(ACCOUNT, KEY);
const service = new storage.BlobServiceClient(at, key);
const container = service.getContainerClient("node");
const protocol = at.startsWith("https") ? storage.SASProtocol.Https : storage.SASProtocol.HttpsAndHttp;
const content = Buffer.from("content of a blob");
const large = crypto.randomBytes(5_000_000);

function soon() {
  return { startsOn: new Date(Date.now() - 600_000), expiresOn: new Date(Date.now() + 3_600_000) };
}

async function all(pages) {
  const found = [];
  for await (const own of pages) found.push(own.name);
  return found;
}

async function main() {
  const blob = container.getBlockBlobClient("folder/small one");
  await call("make a container", () => container.create());
  await call("write", () => blob.upload(content, content.length, { metadata: { of: "test" } }));
  await call("write by blocks", () =>
    container.getBlockBlobClient("large").uploadData(large, { blockSize: 1 << 20, maxSingleShotSize: 1 << 20 }));
  await call("read", async () => {
    assert.deepEqual(await blob.downloadToBuffer(), content);
    assert.deepEqual(await container.getBlockBlobClient("large").downloadToBuffer(0, undefined, { blockSize: 1 << 20 }), large);
  });
  await call("read a stretch with its MD5", async () => {
    const told = await blob.download(3, 7, { rangeGetContentMD5: true });
    const md5 = crypto.createHash("md5").update(content.subarray(3, 10)).digest();
    assert.deepEqual(Buffer.from(told.contentMD5), md5);
  });
  await call("content with a wrong checksum is refused", async () => {
    const id = Buffer.from("id").toString("base64");
    const wrong = { transactionalContentCrc64: Buffer.alloc(8, 1) };
    const staged = container.getBlockBlobClient("large").stageBlock(id, content, content.length, wrong);
    await assert.rejects(staged, (error) => error.code === "Crc64Mismatch");
  });
  await call("list", async () => assert.deepEqual(await all(container.listBlobsFlat()), ["folder/small one", "large"]));
  await call("list by folders", async () => {
    const kinds = [];
    for await (const own of container.listBlobsByHierarchy("/")) kinds.push(`${own.kind} ${own.name}`);
    assert.deepEqual(kinds.sort(), ["blob large", "prefix folder/"]);
  });
  await call("list in pages", async () => {
    let pages = 0;
    for await (const page of container.listBlobsFlat().byPage({ maxPageSize: 1 })) pages += page.segment.blobItems.length;
    assert.equal(pages, 2);
  });
  await call("list containers", async () => assert.ok((await all(service.listContainers())).includes("node")));
  await call("properties", async () => {
    await blob.setHTTPHeaders({ blobContentType: "text/plain" });
    assert.equal((await blob.getProperties()).contentType, "text/plain");
    await blob.setMetadata({ other: "word" });
    assert.equal((await blob.getProperties()).metadata.other, "word");
  });
  await call("conditions", async () => {
    const made = blob.upload(content, content.length, { conditions: { ifNoneMatch: "*" } });
    await assert.rejects(made, (error) => error.code === "BlobAlreadyExists");
  });
  await call("lease", async () => {
    const lease = blob.getBlobLeaseClient();
    await lease.acquireLease(15);
    await assert.rejects(blob.delete(), (error) => error.code === "LeaseIdMissing");
    await lease.renewLease();
    await lease.releaseLease();
  });
  await call("copy with the key", async () => {
    const poller = await container.getBlobClient("copied").beginCopyFromURL(blob.url);
    assert.equal((await poller.pollUntilDone()).copyStatus, "success");
  });
  const sas = storage.generateBlobSASQueryParameters(
    { containerName: "node", permissions: storage.ContainerSASPermissions.parse("racwdl"), protocol, ...soon() }, key);
  await call("SAS of a container", async () => {
    const signed = new storage.ContainerClient(`${container.url}?${sas}`);
    assert.deepEqual(await signed.getBlobClient("folder/small one").downloadToBuffer(), content);
    assert.ok((await all(signed.listBlobsFlat())).length);
  });
  await call("SAS of the account", async () => {
    const query = storage.generateAccountSASQueryParameters({
      permissions: storage.AccountSASPermissions.parse("rwdl"), protocol, services: "b", resourceTypes: "sco", ...soon(),
    }, key);
    assert.ok((await all(new storage.BlobServiceClient(`${at}?${query}`).listContainers())).includes("node"));
  });
  await call("put from a URL", () => container.getBlockBlobClient("from-url").syncUploadFromURL(`${blob.url}?${sas}`));
  await call("block from a URL", async () => {
    const to = container.getBlockBlobClient("block-from-url");
    const id = Buffer.from("id").toString("base64");
    await to.stageBlockFromURL(id, `${blob.url}?${sas}`, 3, 7);
    await to.commitBlockList([id]);
    assert.deepEqual(await to.downloadToBuffer(), content.subarray(3, 10));
  });
  await call("tier and archive", async () => {
    const cold = container.getBlockBlobClient("copied");
    await cold.setAccessTier("Cool");
    await cold.setAccessTier("Archive");
    await assert.rejects(cold.downloadToBuffer(), (error) => error.code === "BlobArchived");
  });
  await call("a key of one's own is refused", async () => {
    const own = crypto.randomBytes(32);
    const customerProvidedKey = {
      encryptionKey: own.toString("base64"), encryptionAlgorithm: "AES256",
      encryptionKeySha256: crypto.createHash("sha256").update(own).digest("base64"),
    };
    await assert.rejects(container.getBlockBlobClient("own").upload(content, content.length, { customerProvidedKey }));
    assert.equal(await container.getBlobClient("own").exists(), false);
  });
  if (TENANT) {
    const signed = new storage.BlobServiceClient(at, new ClientSecretCredential(TENANT, "client", "secret"));
    await call("sign-in", async () =>
      assert.deepEqual(await signed.getContainerClient("node").getBlobClient("folder/small one").downloadToBuffer(), content));
    await call("user delegation SAS", async () => {
      const { startsOn, expiresOn } = soon();
      const delegated = await signed.getUserDelegationKey(startsOn, expiresOn);
      const query = storage.generateBlobSASQueryParameters({
        containerName: "node", blobName: "folder/small one", permissions: storage.BlobSASPermissions.parse("r"),
        protocol, startsOn, expiresOn,
      }, delegated, ACCOUNT);
      assert.deepEqual(await new storage.BlobClient(`${blob.url}?${query}`).downloadToBuffer(), content);
    });
  } else {
    for (const name of ["sign-in", "user delegation SAS"]) console.log(`${name}\t-`);
  }
  await call("batch delete", async () => {
    const urls = ["from-url", "block-from-url"].map((name) => container.getBlobClient(name).url);
    const told = await service.getBlobBatchClient().deleteBlobs(urls, key);
    assert.equal(told.subResponsesSucceededCount, 2);
    assert.equal(await container.getBlobClient("from-url").exists(), false);
  });
  await call("delete", async () => {
    await blob.delete();
    await container.delete();
    assert.equal(await container.exists(), false);
  });
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
