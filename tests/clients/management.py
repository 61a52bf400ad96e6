"""The whole story of a job by Microsoft's management clients for Python:
    management.py data-box|import-export order|after
What came of each call is a line `CALL<TAB>ok` or `CALL<TAB>no …`. Told by the environment:
SUBSCRIPTION, JOB, DRIVE (what a job says of the drive), NUMBER (of the parcel)."""

import datetime
import json
import os
import sys

from azure.identity import ClientSecretCredential
from azure.mgmt.databox import DataBoxManagementClient
from azure.mgmt.storageimportexport import StorageImportExport
from azure.mgmt.storageimportexport import models
from azure.storage.blob import BlobClient
from msrest.authentication import BasicTokenAuthentication

SUBSCRIPTION, JOB, NUMBER = (os.environ[name] for name in ("SUBSCRIPTION", "JOB", "NUMBER"))
DRIVE = json.loads(os.environ["DRIVE"])
GROUP = "rg"
ACCOUNT = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.Storage/storageAccounts/account1"
CREDENTIAL = ClientSecretCredential(SUBSCRIPTION, "client", "secret")


def call(name, what):
    try:
        what()
        print(f"{name}\tok")
    except Exception as error:  # what a client throws is what is asked for
        said = (str(error) or repr(error)).splitlines()[0]
        print(f"{name}\tno {type(error).__name__}: {said}")


def expect(is_so, what="not as expected"):
    if not is_so:
        raise AssertionError(what)


def is_there(link):
    log = BlobClient.from_blob_url(link, credential=CREDENTIAL).download_blob().readall()
    expect(log, "the log is empty")


class Classic:
    def __init__(self):
        token = CREDENTIAL.get_token("https://management.azure.com/.default").token
        self.client = StorageImportExport(BasicTokenAuthentication({"access_token": token}), SUBSCRIPTION)

    def body(self):
        address = models.ReturnAddress(
            recipient_name="Backup Team", street_address1="1 Example Street", city="Redmond",
            state_or_province="WA", postal_code="98052", country_or_region="USA",
            phone="4255550100", email="backup@example.com",
        )
        drive = models.DriveStatus(
            drive_id=DRIVE["driveId"], bit_locker_key=DRIVE["bitLockerKey"],
            manifest_file=DRIVE["manifestFile"], manifest_hash=DRIVE["manifestHash"],
        )
        shipping = models.ReturnShipping(carrier_name="FedEx", carrier_account_number="123456789")
        details = models.JobDetails(
            storage_account_id=ACCOUNT, job_type="Import", return_address=address, return_shipping=shipping,
            diagnostics_path="waimportexport", log_level="Verbose", backup_drive_manifest=True, drive_list=[drive],
        )
        return models.PutJobParameters(location="westus", properties=details)

    def order(self):
        client, jobs = self.client, self.client.jobs
        call("operations", lambda: expect(list(client.operations.list())))
        call("locations", lambda: expect("West US" in [own.name for own in client.locations.list()]))
        call("location", lambda: expect(client.locations.get("West US").supported_carriers))
        call("order", lambda: jobs.create(JOB, GROUP, self.body()))
        call("list", lambda: expect(JOB in [own.name for own in jobs.list_by_subscription()]))
        call("list of a group", lambda: expect(JOB in [own.name for own in jobs.list_by_resource_group(GROUP)]))
        call("show", lambda: expect(jobs.get(JOB, GROUP).properties.state == "Creating"))

        def keys():
            own = list(client.bit_locker_keys.list(JOB, GROUP))[0]
            expect((own.drive_id, own.bit_locker_key) == (DRIVE["driveId"], DRIVE["bitLockerKey"]))

        def parcel():
            date = datetime.datetime.now(datetime.timezone.utc).isoformat()
            package = models.PackageInfomation(
                carrier_name="FedEx", tracking_number=NUMBER, drive_count=1, ship_date=date
            )
            change = models.UpdateJobParameters(delivery_package=package, state="Shipping")
            jobs.update(JOB, GROUP, change)
            expect(jobs.get(JOB, GROUP).properties.delivery_package.tracking_number == NUMBER)

        call("keys", keys)
        call("parcel", parcel)

    def after(self):
        jobs = self.client.jobs

        def done():
            job = jobs.get(JOB, GROUP).properties
            expect((job.state, job.drive_list[0].copy_status) == ("Completed", "Completed"), job.state)

        def cancel():
            jobs.create(f"{JOB}-x", GROUP, self.body())
            jobs.update(f"{JOB}-x", GROUP, models.UpdateJobParameters(cancel_requested=True))
            expect(jobs.get(f"{JOB}-x", GROUP).properties.cancel_requested)

        def delete():
            for name in (f"{JOB}-x", JOB):
                jobs.delete(name, GROUP)
            expect(JOB not in [own.name for own in jobs.list_by_subscription()])

        call("show when done", done)
        call("copy log", lambda: is_there(jobs.get(JOB, GROUP).properties.drive_list[0].verbose_log_uri))
        call("cancel", cancel)
        call("delete", delete)


class DataBox:
    def __init__(self):
        self.client = DataBoxManagementClient(CREDENTIAL, SUBSCRIPTION, polling_interval=0.05)

    def body(self):
        return {
            "location": "westus", "sku": {"name": "DataBoxCustomerDisk"},
            "properties": {
                "transferType": "ImportToAzure",
                "details": {
                    "jobDetailsType": "DataBoxCustomerDisk",
                    "contactDetails": {
                        "contactName": "Ops", "phone": "14258828080", "emailList": ["ops@contoso.com"],
                    },
                    "shippingAddress": {
                        "streetAddress1": "1 Way", "city": "Redmond", "stateOrProvince": "WA", "country": "US",
                        "postalCode": "98052", "companyName": "Contoso",
                    },
                    "dataImportDetails": [{
                        "logCollectionLevel": "Verbose",
                        "accountDetails": {"dataAccountType": "StorageAccount", "storageAccountId": ACCOUNT},
                    }],
                    "importDiskDetailsCollection": {
                        DRIVE["driveId"]: {
                            name: DRIVE[name] for name in ("bitLockerKey", "manifestFile", "manifestHash")
                        },
                    },
                    "returnToCustomerPackageDetails": {"carrierName": "FedEx", "carrierAccountNumber": "989ffff"},
                },
            },
        }

    def make(self, name):
        return self.client.jobs.begin_create(GROUP, name, self.body(), polling_interval=0.05).result()

    def details(self):
        return self.client.jobs.get(GROUP, JOB, expand="details").details

    def order(self):
        client, jobs = self.client, self.client.jobs

        def location():
            asked = {"datacenterAddressRequest": {"storageLocation": "westus", "skuName": "DataBoxCustomerDisk"}}
            expect(client.service.region_configuration("westus", asked).datacenter_address_response.city)

        def skus():
            asked = {"transferType": "ImportToAzure", "country": "US", "location": "westus"}
            found = list(client.service.list_available_skus_by_resource_group(GROUP, "westus", asked))
            expect(found[0].sku.name == "DataBoxCustomerDisk")

        def show():
            expect(jobs.get(GROUP, JOB).status == "AwaitingShipmentDetails")
            expect(DRIVE["driveId"] in self.details().import_disk_details_collection)

        def update():
            contact = {"contactName": "Night", "phone": "14258828080", "emailList": ["n@contoso.com"]}
            change = {"properties": {"details": {"contactDetails": contact}}}
            jobs.begin_update(GROUP, JOB, change, polling_interval=0.05).result()
            expect(self.details().contact_details.contact_name == "Night")

        def keys():
            own = list(jobs.list_credentials(GROUP, JOB))[0].job_secrets.disk_secrets[0]
            expect((own.disk_serial_number, own.bit_locker_key) == (DRIVE["driveId"], DRIVE["bitLockerKey"]))

        def parcel():
            package = {"deliverToDcPackageDetails": {"carrierName": "UPS", "trackingId": NUMBER}}
            jobs.mark_devices_shipped(job_name=JOB, resource_group_name=GROUP, mark_devices_shipped_request=package)
            expect(self.details().deliver_to_dc_package_details.tracking_id == NUMBER)

        call("operations", lambda: expect(list(client.operations.list())))
        call("location", location)
        call("skus", skus)
        call("order", lambda: self.make(JOB))
        call("list", lambda: expect(JOB in [own.name for own in jobs.list()]))
        call("list of a group", lambda: expect(JOB in [own.name for own in jobs.list_by_resource_group(GROUP)]))
        call("show", show)
        call("update", update)
        call("keys", keys)
        call("parcel", parcel)

    def after(self):
        jobs = self.client.jobs

        def cancel():
            self.make(f"{JOB}-x")
            jobs.cancel(GROUP, f"{JOB}-x", {"reason": "a test"})
            expect(jobs.get(GROUP, f"{JOB}-x").status == "Cancelled")

        def delete():
            for name in (f"{JOB}-x", JOB):
                jobs.begin_delete(GROUP, name, polling_interval=0.05).result()
            expect(JOB not in [own.name for own in jobs.list()])

        call("show when done", lambda: expect(jobs.get(GROUP, JOB).status == "Completed"))
        call("copy log", lambda: is_there(self.details().copy_log_details[0].verbose_log_link))
        call("cancel", cancel)
        call("delete", delete)


service, part = sys.argv[1:]
getattr({"data-box": DataBox, "import-export": Classic}[service](), part)()
