// The calls of a disk's backup by Microsoft's client for Node.js. What came of each is a line
// `CALL<TAB>ok` or `CALL<TAB>no …`. Told by the environment: ACCOUNT, KEY, URL (of the account).
const storage = require("@azure/storage-blob");
const assert = require("node:assert");
const { call } = require("./told.cjs");

const { ACCOUNT, KEY, URL: at } = process.env;
const key = new storage.StorageSharedKeyCredential(ACCOUNT, KEY);
const container = new storage.BlobServiceClient(at, key).getContainerClient("nodepages");
const PAGE = 512;
const PAGES = 64;
const disk = container.getPageBlobClient("disk.vhd");
const model = Buffer.alloc(PAGES * PAGE);
const points = [];

async function write(page, content) {
  await disk.uploadPages(content, page * PAGE, content.length);
  content.copy(model, page * PAGE);
}

async function clear(page, pages) {
  await disk.clearPages(page * PAGE, pages * PAGE);
  model.fill(0, page * PAGE, (page + pages) * PAGE);
}

async function snapshot() {
  const made = await disk.createSnapshot({ metadata: { bk_owner: "me" } });
  points.push([made.snapshot, Buffer.from(model)]);
}

function opened(blob, id) {
  const query = storage.generateBlobSASQueryParameters({
    containerName: container.containerName, blobName: blob.name, snapshotTime: id,
    permissions: storage.BlobSASPermissions.parse("r"), expiresOn: new Date(Date.now() + 3_600_000),
  }, key);
  return `${blob.url}?snapshot=${encodeURIComponent(id)}&${query}`;
}

// Lists that come in parts say where a range starts, the others at which offset it is.
const pages = (ranges) => (ranges ?? []).map((own) => (own.offset ?? own.start) / PAGE);
const refused = (promise, code) => assert.rejects(promise, (error) => error.code === code);

async function main() {
  await call("a page blob", async () => {
    await container.create();
    await disk.create(PAGES * PAGE);
    for (let page = 0; page < PAGES; page += 4) await write(page, Buffer.alloc(2 * PAGE, page + 1));
  });
  const expected = Array.from({ length: PAGES / 4 }, (_, at) => 4 * at);
  await call("page ranges", async () => {
    const found = await disk.getPageRanges(0, PAGES * PAGE);
    assert.deepEqual(pages(found.pageRange), expected);
    assert.ok(found.pageRange.every((own) => own.count === 2 * PAGE - 1 || own.count === 2 * PAGE));
  });
  await call("page ranges, in parts", async () => {
    const found = [];
    const parts = disk.listPageRanges(0, PAGES * PAGE).byPage({ maxPageSize: 5 });
    for await (const part of parts) found.push(pages(part.pageRange));
    assert.deepEqual(found.flat(), expected);
    assert.equal(found.length, 4);
  });
  await call("a snapshot", snapshot);
  await call("writes and clears", async () => {
    await clear(4, 2);
    await write(0, Buffer.alloc(PAGE, "x"));
    await write(2, Buffer.alloc(PAGE));
    await clear(62, 1);
    await snapshot();
  });
  await call("a difference", async () => {
    const found = await disk.getPageRangesDiff(0, PAGES * PAGE, points[0][0]);
    assert.deepEqual([pages(found.pageRange), pages(found.clearRange)], [[0, 2], [4, 62]]);
  });
  await call("a difference, in parts", async () => {
    const found = [];
    const all = disk.listPageRangesDiff(0, PAGES * PAGE, points[0][0]).byPage({ maxPageSize: 2 });
    for await (const part of all) found.push(...pages(part.pageRange), ...pages(part.clearRange));
    assert.deepEqual(found.sort((one, other) => one - other), [0, 2, 4, 62]);
  });
  await call("a difference, by address", async () => {
    const url = `${disk.url}?snapshot=${encodeURIComponent(points[0][0])}`;
    const found = await disk.withSnapshot(points[1][0]).getPageRangesDiffForManagedDisks(0, PAGES * PAGE, url);
    assert.deepEqual([pages(found.pageRange), pages(found.clearRange)], [[0, 2], [4, 62]]);
  });
  await call("points are read", async () => {
    for (const [id, content] of points) {
      assert.ok(content.equals(await disk.withSnapshot(id).downloadToBuffer()));
    }
  });
  await call("pages from an address", async () => {
    const copy = container.getPageBlobClient("pages.vhd");
    await copy.create(PAGES * PAGE);
    await copy.uploadPagesFromURL(opened(disk, points[0][0]), 8 * PAGE, 8 * PAGE, 2 * PAGE);
    const content = await copy.downloadToBuffer();
    assert.ok(content.subarray(8 * PAGE, 10 * PAGE).equals(points[0][1].subarray(8 * PAGE, 10 * PAGE)));
    assert.ok(content.subarray(0, 8 * PAGE).every((byte) => byte === 0));
  });
  await call("a copy of a snapshot stands alone", async () => {
    const copy = container.getPageBlobClient("copy.vhd");
    await (await copy.beginCopyFromURL(opened(disk, points[0][0]))).pollUntilDone();
    assert.ok(points[0][1].equals(await copy.downloadToBuffer()));
    await copy.clearPages(0, PAGE);
    assert.ok(points[0][1].equals(await disk.withSnapshot(points[0][0]).downloadToBuffer()));
  });
  await call("incremental copies", async () => {
    const copy = container.getPageBlobClient("incremental.vhd");
    for (const [id, content] of points) {
      await copy.startCopyIncremental(opened(disk, id));
      const known = await copy.getProperties();
      assert.ok(known.isIncrementalCopy && known.copyStatus === "success");
      const own = copy.withSnapshot(known.destinationSnapshot);
      assert.ok(content.equals(await own.downloadToBuffer()));
    }
  });
  await call("limits", async () => {
    await refused(disk.uploadPages(Buffer.alloc(PAGE), PAGES * PAGE, PAGE), "InvalidPageRange");
    const large = container.getPageBlobClient("large.vhd");
    await large.create(8 << 20);
    const length = (4 << 20) + PAGE;
    await refused(large.uploadPages(Buffer.alloc(length), 0, length), "RequestBodyTooLarge");
  });
  await call("sequence numbers", async () => {
    await disk.updateSequenceNumber("update", 7);
    const conditions = { ifSequenceNumberLessThan: 7 };
    await refused(disk.uploadPages(Buffer.alloc(PAGE), 0, PAGE, { conditions }), "SequenceNumberConditionNotMet");
    assert.equal((await disk.getProperties()).blobSequenceNumber, 7);
  });
  await call("another length", async () => {
    await disk.resize(PAGES / 2 * PAGE);
    assert.equal((await disk.getProperties()).contentLength, PAGES / 2 * PAGE);
    await disk.resize(PAGES * PAGE);
  });
  await call("a lease", async () => {
    const lease = disk.getBlobLeaseClient();
    const { leaseId } = await lease.acquireLease(15);
    await refused(disk.clearPages(0, PAGE), "LeaseIdMissing");
    await disk.clearPages(0, PAGE, { conditions: { leaseId } });
    await lease.releaseLease();
  });
  await call("a list with snapshots", async () => {
    const found = [];
    const asked = { prefix: "disk", includeSnapshots: true, includeMetadata: true };
    for await (const own of container.listBlobsFlat(asked)) found.push([own.snapshot ?? "", own.metadata?.bk_owner]);
    assert.deepEqual(found, [[points[0][0], "me"], [points[1][0], "me"], ["", undefined]]);
  });
  await call("deleted with snapshots", async () => {
    await refused(disk.delete(), "SnapshotsPresent");
    await disk.withSnapshot(points[0][0]).delete();
    await disk.delete({ deleteSnapshots: "include" });
  });
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
