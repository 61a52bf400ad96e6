"""The whole story of a protected machine by Microsoft's management clients for Python:
    recovery.py begin|after
What came of each call is a line `CALL<TAB>ok` or `CALL<TAB>no …`. Told by the environment: SUBSCRIPTION.
`begin` ends with a backup that is under way, `after` goes on when its time is over."""

import os
import sys
import time

from azure.identity import ClientSecretCredential
from azure.mgmt.recoveryservices import RecoveryServicesClient
from azure.mgmt.recoveryservices import models as vault_models
from azure.mgmt.recoveryservicesbackup import models
from azure.mgmt.recoveryservicesbackup import RecoveryServicesBackupClient

from told import call, expect, refused

SUBSCRIPTION, GROUP, VAULT = os.environ["SUBSCRIPTION"], "rg", "prod"
VM = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/web"
NAME = "iaasvmcontainerv2;rg;web"
CONTAINER, ITEM = f"IaasVMContainer;{NAME}", f"VM;{NAME}"
ONLY_VMS = "backupManagementType eq 'AzureIaasVM'"
BY = {
    "credential": ClientSecretCredential(SUBSCRIPTION, "client", "secret"),
    "subscription_id": SUBSCRIPTION, "polling_interval": 1,
}
ENDPOINT = os.environ.get("ENDPOINT")
if ENDPOINT:
    BY |= {"base_url": ENDPOINT, "credential_scopes": [f"{ENDPOINT}/.default"]}
vaults = RecoveryServicesClient(**BY)
backup = RecoveryServicesBackupClient(**BY)


def make():
    settings = vault_models.VaultPropertiesRedundancySettings(
        standard_tier_storage_redundancy="LocallyRedundant", cross_region_restore="Disabled")
    vault = vault_models.Vault(
        location="westus", sku=vault_models.Sku(name="RS0", tier="Standard"),
        properties=vault_models.VaultProperties(redundancy_settings=settings, public_network_access="Enabled"))
    made = vaults.vaults.begin_create_or_update(GROUP, VAULT, vault).result()
    expect(made.properties.provisioning_state == "Succeeded")


def storage():
    own = backup.backup_resource_storage_configs_non_crr.get(VAULT, GROUP)
    expect((own.properties.storage_model_type, own.properties.storage_type_state) == ("LocallyRedundant", "Unlocked"))


def refresh():
    backup.protection_containers.refresh(VAULT, GROUP, "Azure", filter=ONLY_VMS)
    time.sleep(1)


def protectable():
    own = [item.properties.friendly_name for item in backup.backup_protectable_items.list(VAULT, GROUP, filter=ONLY_VMS)]
    expect(own == ["web"], own)


def policy():
    own = backup.protection_policies.get(VAULT, GROUP, "DefaultPolicy").properties
    expect(own.schedule_policy.schedule_run_frequency == "Daily")
    expect(own.retention_policy.daily_schedule.retention_duration.count == 30)


def set_policy():
    own = backup.protection_policies.get(VAULT, GROUP, "DefaultPolicy")
    own.properties.retention_policy.daily_schedule.retention_duration.count = 7
    made = backup.protection_policies.create_or_update(VAULT, GROUP, "short", models.ProtectionPolicyResource(properties=own.properties))
    expect(made.properties.retention_policy.daily_schedule.retention_duration.count == 7)
    backup.protection_policies.begin_delete(VAULT, GROUP, "short").result()


def protect():
    at = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.RecoveryServices/vaults/{VAULT}"
    own = models.AzureIaaSComputeVMProtectedItem(source_resource_id=VM, policy_id=f"{at}/backupPolicies/DefaultPolicy")
    made = backup.protected_items.begin_create_or_update(
        VAULT, GROUP, "Azure", CONTAINER, ITEM, models.ProtectedItemResource(properties=own)).result()
    # The client knows an item by two kinds, one within the other, and takes it for none of them.
    expect(made.properties["protectionState"] == "IRPending", made.properties)


def trigger():
    asked = models.BackupRequestResource(properties=models.IaasVMBackupRequest())
    backup.backups.trigger(VAULT, GROUP, "Azure", CONTAINER, ITEM, asked)
    jobs = list(backup.backup_jobs.list(VAULT, GROUP, filter=f"operation eq 'Backup' and status eq 'InProgress' and {ONLY_VMS}"))
    expect(len(jobs) == 1 and jobs[0].properties.actions_info == ["Cancellable"], jobs)


def done():
    job = list(backup.backup_jobs.list(VAULT, GROUP, filter="operation eq 'Backup'"))[0]
    own = backup.job_details.get(VAULT, GROUP, job.name).properties
    expect(own.status == "Completed" and len(own.extended_info.tasks_list) == 2, own.status)


def protected():
    own = list(backup.backup_protected_items.list(VAULT, GROUP, filter=ONLY_VMS))
    expect([item.properties["protectionState"] for item in own] == ["Protected"])


def points():
    own = list(backup.recovery_points.list(VAULT, GROUP, "Azure", CONTAINER, ITEM))
    expect(len(own) == 1 and own[0].properties.recovery_point_type == "FileSystemConsistent")
    one = backup.recovery_points.get(VAULT, GROUP, "Azure", CONTAINER, ITEM, own[0].name)
    expect(one.properties.recovery_point_tier_details[0].type == "InstantRP")


def restore_request():
    point = list(backup.recovery_points.list(VAULT, GROUP, "Azure", CONTAINER, ITEM))[0].name
    account = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/storage/providers/Microsoft.Storage/storageAccounts/account1"
    return point, models.IaasVMRestoreRequest(
        recovery_point_id=point, recovery_type="RestoreDisks", source_resource_id=VM, region="westus",
        storage_account_id=account, create_new_cloud_service=False, original_storage_account_option=False,
        encryption_details=models.EncryptionDetails(encryption_enabled=False))


def validate():
    _, asked = restore_request()
    own = models.ValidateIaasVMRestoreOperationRequest(restore_request=asked)
    whole = models.ValidateOperationRequestResource(id=VM, properties=own)
    backup.validate_operation.begin_trigger(VAULT, GROUP, whole).result()


def restore():
    point, asked = restore_request()
    whole = models.RestoreRequestResource(properties=asked)
    backup.restores.begin_trigger(VAULT, GROUP, "Azure", CONTAINER, ITEM, point, whole).result()
    job = list(backup.backup_jobs.list(VAULT, GROUP, filter="operation eq 'Restore'"))[0]
    own = backup.job_details.get(VAULT, GROUP, job.name).properties
    expect((own.status, own.extended_info.tasks_list[0].task_id) == ("InProgress", "Transfer data from vault"), own)
    expect(own.extended_info.property_bag["Target Storage Account Name"] == "account1")
    refused(lambda: backup.restores.begin_trigger(VAULT, GROUP, "Azure", CONTAINER, ITEM, point, whole).result(),
            "UserErrorRestoreOperationInProgress")


def cancel_and_end():
    asked = models.BackupRequestResource(properties=models.IaasVMBackupRequest())
    backup.backups.trigger(VAULT, GROUP, "Azure", CONTAINER, ITEM, asked)
    job = list(backup.backup_jobs.list(VAULT, GROUP, filter="status eq 'InProgress'"))[0].name
    backup.job_cancellations.trigger(VAULT, GROUP, job)
    expect(backup.job_details.get(VAULT, GROUP, job).properties.status == "Cancelling")
    refused(lambda: backup.job_cancellations.trigger(VAULT, GROUP, job), "BMSUserErrorJobNotInProgress")


def delete():
    backup.protected_items.delete(VAULT, GROUP, "Azure", CONTAINER, ITEM)
    own = backup.protected_items.get(VAULT, GROUP, "Azure", CONTAINER, ITEM).properties
    expect(own["isScheduledForDeferredDelete"] is True)
    refused(lambda: vaults.vaults.begin_delete(GROUP, VAULT).result(), "NotEmpty")


STEPS = {
    "begin": [
        ("create a vault", make), ("vault", lambda: expect(vaults.vaults.get(GROUP, VAULT).location == "westus")),
        ("list vaults", lambda: expect(VAULT in [own.name for own in vaults.vaults.list_by_subscription_id()])),
        ("redundancy", storage), ("discover", refresh), ("protectable", protectable), ("policy", policy),
        ("set a policy", set_policy), ("protect", protect), ("back up", trigger),
    ],
    "after": [
        ("job", done), ("protected", protected), ("points", points),
        ("validate a restore", validate), ("restore", restore), ("cancel", cancel_and_end), ("delete", delete),
    ],
}
for name, what in STEPS[sys.argv[1]]:
    call(name, what)
