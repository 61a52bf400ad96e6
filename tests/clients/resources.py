"""What the checks read of a subscription, by Microsoft's management clients for Python: accounts and
their containers, virtual machines, disks and snapshots. What came of each call is a line `CALL<TAB>ok`
or `CALL<TAB>no …`. Told by the environment: SUBSCRIPTION, KEY (of account1).
"""

import os

from azure.identity import ClientSecretCredential
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.storage import StorageManagementClient

from told import call, expect, refused

SUBSCRIPTION, GROUP = os.environ["SUBSCRIPTION"], "rg"
BY = {
    "credential": ClientSecretCredential(SUBSCRIPTION, "client", "secret"),
    "subscription_id": SUBSCRIPTION, "polling_interval": 0.05,
}
storage = StorageManagementClient(**BY)
compute = ComputeManagementClient(**BY)
DISK = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.Compute/disks/os"


def names(found):
    return sorted(own.name for own in found)


def same(found, expected):
    expect(found == expected, f"{found} and not {expected}")


def accounts():
    same(names(storage.storage_accounts.list()), ["account1", "account2"])
    own = list(storage.storage_accounts.list_by_resource_group(GROUP))
    same(names(own), ["account1", "account2"])
    expect(all(f"/resourceGroups/{GROUP}/" in one.id for one in own), own)


def account():
    own = storage.storage_accounts.get_properties(GROUP, "account1")
    rules = own.network_rule_set
    same((own.kind, own.sku.name, own.sku.tier, own.location), ("StorageV2", "Standard_GRS", "Standard", "westus"))
    same((rules.default_action, rules.bypass, rules.ip_rules[0].ip_address_or_range), ("Deny", "None", "192.0.2.7"))
    same((own.allow_shared_key_access, own.minimum_tls_version), (False, "TLS1_1"))
    same((own.is_hns_enabled, own.enable_nfs_v3, own.public_network_access), (False, False, "Enabled"))
    same(own.primary_endpoints.blob, "https://account1.blob.core.windows.net/")
    same(storage.storage_accounts.get_properties(GROUP, "account2").network_rule_set.default_action, "Allow")


def keys():
    same(storage.storage_accounts.list_keys(GROUP, "account1").keys_property[0].value, os.environ["KEY"])


def blob_service():
    own = storage.blob_services.get_service_properties(GROUP, "account1")
    kept = own.delete_retention_policy, own.container_delete_retention_policy
    same([(one.enabled, one.days) for one in kept], [(True, 7), (False, None)])
    same(own.is_versioning_enabled, True)


def containers():
    own = list(storage.blob_containers.list(GROUP, "account1"))
    same([(one.name, one.has_legal_hold, one.lease_state) for one in own], [("backup", False, "Available")])
    one = storage.blob_containers.get(GROUP, "account1", "backup")
    same((one.name, one.has_immutability_policy, one.public_access), ("backup", False, "None"))
    refused(lambda: storage.blob_containers.get(GROUP, "account1", "other"), "ContainerNotFound")


def machines():
    same(names(compute.virtual_machines.list_all()), ["ill", "web"])
    same(names(compute.virtual_machines.list(GROUP)), ["ill", "web"])
    same(names(compute.virtual_machines.list("other")), [])


def machine():
    own = compute.virtual_machines.get(GROUP, "web", expand="instanceView")
    same((own.location, own.provisioning_state, own.hardware_profile.vm_size), ("westus", "Succeeded", "Standard_D2s_v5"))
    same((own.storage_profile.os_disk.os_type, [one.lun for one in own.storage_profile.data_disks]), ("Linux", [0]))
    same(own.storage_profile.os_disk.managed_disk.storage_account_type, "Premium_LRS")
    same(own.os_profile.linux_configuration.provision_vm_agent, True)
    same(own.storage_profile.image_reference.publisher, "Debian")
    view = own.instance_view
    same([one.code for one in view.statuses], ["ProvisioningState/succeeded", "PowerState/running"])
    same(([one.display_status for one in view.vm_agent.statuses], view.vm_agent.vm_agent_version), (["Ready"], "2.14.0.1"))
    kind = "Microsoft.Azure.RecoveryServices.VMSnapshotLinux"
    same([one.type for one in view.extensions], [kind])
    same([(one.type, one.status.display_status) for one in view.vm_agent.extension_handlers], [(kind, "Ready")])


def machine_disks():
    own = compute.virtual_machines.get(GROUP, "web")
    profile = own.storage_profile
    for one in [profile.os_disk, *profile.data_disks]:
        words = one.managed_disk.id.strip("/").split("/")
        disk = compute.disks.get(words[3], words[-1])
        same((disk.id.lower(), disk.name), (one.managed_disk.id.lower(), one.name))
        same((disk.sku.name, disk.disk_size_bytes), (one.managed_disk.storage_account_type, 3 << 20))
        same((disk.disk_state, disk.managed_by, disk.location), ("Attached", own.id, own.location))
    same(compute.disks.get(GROUP, "web-os").os_type, "Linux")
    asked = {"access": "Read", "durationInSeconds": 600}
    refused(lambda: compute.disks.begin_grant_access(GROUP, "web-os", asked).result(), "OperationNotAllowed")
    refused(lambda: compute.disks.begin_delete(GROUP, "web-0").result(), "OperationNotAllowed")


def ill_machine():
    own = compute.virtual_machines.get(GROUP, "ill")
    same((own.instance_view, own.os_profile.allow_extension_operations), (None, False))
    disk, kind = own.storage_profile.os_disk, "Microsoft.Azure.RecoveryServices"
    expect(disk.managed_disk is None and disk.vhd.uri.endswith("/ill-os.vhd"), disk)
    view = compute.virtual_machines.instance_view(GROUP, "ill")
    same(([one.display_status for one in view.vm_agent.statuses]), ["Not Ready"])
    one = compute.virtual_machine_extensions.get(GROUP, "ill", "VMSnapshotLinux")
    same((one.publisher, one.provisioning_state), (kind, "Failed"))
    same(names(compute.virtual_machine_extensions.list(GROUP, "ill").value), ["VMSnapshotLinux"])
    refused(lambda: compute.virtual_machines.get(GROUP, "nobody"), "ResourceNotFound")


def sizes():
    own = {one.name: (one.number_of_cores, one.memory_in_mb) for one in compute.virtual_machine_sizes.list("westus")}
    same(own["Standard_D2s_v5"], (2, 8192))


def disks():
    same((names(compute.disks.list()), names(compute.disks.list_by_resource_group("other"))), (["os", "web-0", "web-os"], []))
    own = compute.disks.get(GROUP, "os")
    same((own.id, own.sku.name, own.sku.tier, own.location), (DISK, "Premium_LRS", "Premium", "westus"))
    same((own.disk_size_bytes, own.disk_size_gb, own.disk_state), (3 << 20, 1, "Unattached"))
    expect(own.creation_data.create_option and own.unique_id and own.time_created.year > 2000, own)
    refused(lambda: compute.disks.get(GROUP, "nobody"), "ResourceNotFound")


def snapshots():
    asked = {
        "location": "westus", "tags": {"by": "a test"},
        "properties": {"incremental": True, "creationData": {"createOption": "Copy", "sourceResourceId": DISK}},
    }
    made = compute.snapshots.begin_create_or_update(GROUP, "first", asked).result()
    same((made.name, made.incremental, made.tags["by"]), ("first", True, "a test"))
    same((names(compute.snapshots.list()), names(compute.snapshots.list_by_resource_group(GROUP))), (["first"], ["first"]))
    own = compute.snapshots.get(GROUP, "first")
    same((own.creation_data.source_resource_id, own.provisioning_state, own.disk_size_bytes), (DISK, "Succeeded", 3 << 20))
    same(own.creation_data.source_unique_id, compute.disks.get(GROUP, "os").unique_id)


def open_snapshot():
    asked = {"access": "Read", "durationInSeconds": 600}
    link = compute.snapshots.begin_grant_access(GROUP, "first", asked).result().access_sas
    expect(link.startswith("https://"), link)
    same(compute.snapshots.get(GROUP, "first").disk_state, "ActiveSAS")
    compute.snapshots.begin_revoke_access(GROUP, "first").result()
    same(compute.snapshots.get(GROUP, "first").disk_state, "Unattached")
    compute.snapshots.begin_delete(GROUP, "first").result()
    same(names(compute.snapshots.list()), [])


for name, what in [
    ("accounts", accounts), ("account", account), ("keys", keys), ("blob service", blob_service),
    ("containers", containers), ("machines", machines), ("machine", machine), ("disks of a machine", machine_disks), ("ill machine", ill_machine),
    ("sizes", sizes), ("disks", disks), ("snapshots", snapshots), ("open a snapshot", open_snapshot),
]:
    call(name, what)
