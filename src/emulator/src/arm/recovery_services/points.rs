//! Recovery points of a machine.

use serde_json::{Value, json};

use super::super::call::Context;
use super::super::fault::Fault;
use super::items::Asked;
use super::names::item_path;
use super::times::{asked as field, moment, told};
use crate::http::Answer;
use crate::recovery::Point;

pub(super) fn list(context: Context<'_>, asked: Asked<'_>) -> Result<Answer, Fault> {
    let world = context.world.read();
    let (_, item) = asked.find(&world)?;
    let filter = context.call.parameter("$filter").unwrap_or_default();
    let time = |name: &str| field(filter, name).and_then(moment);
    let (from, to) = (time("startDate"), time("endDate"));
    let is_asked = |own: &&Point| {
        from.is_none_or(|from| own.time >= from) && to.is_none_or(|to| own.time <= to)
    };
    let newest_first = item.points.iter().rev().filter(is_asked);
    let value: Vec<Value> = newest_first.map(|own| body(context, asked, own)).collect();
    Ok(Answer::json(200, &json!({ "value": value })))
}

pub(super) fn one(context: Context<'_>, asked: Asked<'_>, id: &str) -> Result<Answer, Fault> {
    let world = context.world.read();
    let (_, item) = asked.find(&world)?;
    let point = item.points.iter().find(|own| own.id == id);
    let point = point.ok_or_else(|| {
        let message = format!("The recovery point {id} was not found.");
        Fault::new(404, "BMSUserErrorRecoveryPointNotFound", message)
    })?;
    Ok(Answer::json(200, &body(context, asked, point)))
}

fn body(context: Context<'_>, asked: Asked<'_>, point: &Point) -> Value {
    let mut tiers = vec![json!({"type": "HardenedRP", "status": "Valid"})];
    if context.now < point.instant_until {
        tiers.insert(0, json!({"type": "InstantRP", "status": "Valid"}));
    }
    let system = if point.os == "windows" { "Windows" } else { "Linux" };
    json!({
        "id": format!(
            "{}{}/recoveryPoints/{}",
            asked.at.id(context), item_path(asked.group, asked.vm), point.id
        ),
        "name": point.id,
        "type": "Microsoft.RecoveryServices/vaults/backupFabrics/protectionContainers/protectedItems/recoveryPoints",
        "properties": {
            "objectType": "IaasVMRecoveryPoint", "recoveryPointType": point.consistency,
            "recoveryPointTime": told(point.time), "recoveryPointAdditionalInfo": "",
            "sourceVMStorageType": "PremiumVMOnPartialPremiumStorage",
            "isSourceVMEncrypted": false, "isInstantIlrSessionActive": false,
            "isManagedVirtualMachine": true, "virtualMachineSize": "Standard_D2s_v5",
            "originalStorageAccountOption": false, "osType": system,
            "recoveryPointTierDetails": tiers,
        },
    })
}
