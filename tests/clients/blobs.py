"""The calls of blob clients by Microsoft's client for Python. What came of each is a line
`CALL<TAB>ok` or `CALL<TAB>no …`. Told by the environment: ACCOUNT, KEY, URL (of the account),
TENANT if there is a sign-in."""

import base64
import datetime
import hashlib
import os

from azure.identity import ClientSecretCredential
from azure.storage.blob import (
    AccountSasPermissions, BlobBlock, BlobClient, BlobSasPermissions, BlobServiceClient, ContainerClient,
    ContainerSasPermissions, ContentSettings, CustomerProvidedEncryptionKey, ResourceTypes, StandardBlobTier,
    generate_account_sas, generate_blob_sas, generate_container_sas,
)

from told import call, expect, refused

ACCOUNT, KEY, URL = (os.environ[name] for name in ("ACCOUNT", "KEY", "URL"))
TENANT = os.environ.get("TENANT")
OPTIONS = {"max_block_size": 1 << 20, "max_single_put_size": 1 << 20, "max_single_get_size": 1 << 20, "max_chunk_get_size": 1 << 20}
SERVICE = BlobServiceClient(URL, credential={"account_name": ACCOUNT, "account_key": KEY}, **OPTIONS)
CONTAINER = SERVICE.get_container_client("python")
CONTENT = b"content of a blob"
LARGE = os.urandom(5_000_000)


def soon():
    now = datetime.datetime.now(datetime.timezone.utc)
    return {"start": now - datetime.timedelta(minutes=10), "expiry": now + datetime.timedelta(hours=1)}


blob = CONTAINER.get_blob_client("folder/small one")
large = CONTAINER.get_blob_client("large")


def read():
    expect(blob.download_blob().readall() == CONTENT)
    expect(large.download_blob(max_concurrency=2).readall() == LARGE)


def stretch():
    md5 = hashlib.md5(CONTENT[3:10]).digest()
    told = blob.download_blob(offset=3, length=7, validate_content=True)
    expect(told.readall() == CONTENT[3:10])
    expect(bytes(told.properties.content_settings.content_md5 or b"") in (b"", md5))


def checked():
    blob.upload_blob(CONTENT, overwrite=True, validate_content=True)
    block = base64.b64encode(b"id").decode()
    wrong = {"Content-MD5": base64.b64encode(bytes(16)).decode()}
    refused(lambda: large.stage_block(block, CONTENT, headers=wrong), "Md5Mismatch")


def folders():
    found = sorted(own.name for own in CONTAINER.walk_blobs())
    expect(found == ["folder/", "large"], found)


def pages():
    found = [own.name for page in CONTAINER.list_blobs(results_per_page=1).by_page() for own in page]
    expect(found == ["folder/small one", "large"], found)


def properties():
    blob.set_http_headers(ContentSettings(content_type="text/plain"))
    blob.set_blob_metadata({"other": "word"})
    told = blob.get_blob_properties()
    expect((told.content_settings.content_type, told.metadata["other"]) == ("text/plain", "word"))


def leased():
    lease = blob.acquire_lease(15)
    refused(blob.delete_blob, "LeaseIdMissing")
    lease.renew()
    lease.release()


def copied():
    told = CONTAINER.get_blob_client("copied").start_copy_from_url(blob.url)
    expect(told["copy_status"] == "success")


def container_sas():
    rights = ContainerSasPermissions(read=True, list=True)
    return generate_container_sas(ACCOUNT, "python", account_key=KEY, permission=rights, **soon())


def by_container_sas():
    signed = ContainerClient.from_container_url(f"{CONTAINER.url}?{container_sas()}")
    expect(signed.get_blob_client("folder/small one").download_blob().readall() == CONTENT)
    expect(list(signed.list_blobs()))


def by_account_sas():
    kinds, rights = ResourceTypes(service=True, container=True, object=True), AccountSasPermissions(read=True, list=True)
    query = generate_account_sas(ACCOUNT, KEY, kinds, rights, **soon())
    expect("python" in [own.name for own in BlobServiceClient(f"{URL}?{query}").list_containers()])


def block_from_url():
    to, block = CONTAINER.get_blob_client("block-from-url"), base64.b64encode(b"id").decode()
    to.stage_block_from_url(block, f"{blob.url}?{container_sas()}", source_offset=3, source_length=7)
    to.commit_block_list([BlobBlock(block)])
    expect(to.download_blob().readall() == CONTENT[3:10])


def tiers():
    cold = CONTAINER.get_blob_client("copied")
    cold.set_standard_blob_tier(StandardBlobTier.COOL)
    cold.set_standard_blob_tier(StandardBlobTier.ARCHIVE)
    refused(lambda: cold.download_blob().readall(), "BlobArchived")


def own_key():
    key = os.urandom(32)
    text, digest = (base64.b64encode(own).decode() for own in (key, hashlib.sha256(key).digest()))
    own = CONTAINER.get_blob_client("own")
    refused(lambda: own.upload_blob(CONTENT, cpk=CustomerProvidedEncryptionKey(text, digest)), "")
    expect(not own.exists())


def batch():
    told = list(CONTAINER.delete_blobs("from-url", "block-from-url"))
    expect([own.status_code for own in told] == [202, 202], [own.status_code for own in told])
    expect(not CONTAINER.get_blob_client("from-url").exists())


def delete():
    blob.delete_blob()
    CONTAINER.delete_container()
    expect(not CONTAINER.exists())


call("make a container", CONTAINER.create_container)
call("write", lambda: blob.upload_blob(CONTENT, metadata={"of": "test"}))
call("write by blocks", lambda: large.upload_blob(LARGE))
call("read", read)
call("read a stretch with its MD5", stretch)
call("content with a wrong checksum is refused", checked)
call("list", lambda: expect([own.name for own in CONTAINER.list_blobs()] == ["folder/small one", "large"]))
call("list by folders", folders)
call("list in pages", pages)
call("list containers", lambda: expect("python" in [own.name for own in SERVICE.list_containers()]))
call("properties", properties)
call("conditions", lambda: refused(lambda: blob.upload_blob(CONTENT), "BlobAlreadyExists"))
call("lease", leased)
call("copy with the key", copied)
call("SAS of a container", by_container_sas)
call("SAS of the account", by_account_sas)
call("put from a URL", lambda: CONTAINER.get_blob_client("from-url").upload_blob_from_url(f"{blob.url}?{container_sas()}"))
call("block from a URL", block_from_url)
call("tier and archive", tiers)
call("a key of one's own is refused", own_key)
if TENANT:
    signed = BlobServiceClient(URL, credential=ClientSecretCredential(TENANT, "client", "secret"))

    def by_delegation():
        times = soon()
        key = signed.get_user_delegation_key(times["start"], times["expiry"])
        rights = BlobSasPermissions(read=True)
        query = generate_blob_sas(
            ACCOUNT, "python", "folder/small one", user_delegation_key=key, permission=rights, **times
        )
        expect(BlobClient.from_blob_url(f"{blob.url}?{query}").download_blob().readall() == CONTENT)

    call("sign-in", lambda: expect(signed.get_blob_client("python", "folder/small one").download_blob().readall() == CONTENT))
    call("user delegation SAS", by_delegation)
else:
    print("sign-in\t-")
    print("user delegation SAS\t-")
call("batch delete", batch)
call("delete", delete)
