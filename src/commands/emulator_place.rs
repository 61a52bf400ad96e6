//! `emulator account`, `group`, `nsg` and `rights`: what the subscription has beside machines.

use std::path::Path;

use azseed_emulator::{AccountOrder, GroupOrder, RightsOrder, SecurityOrder};

use crate::cli::EmulatorPlace;
use crate::journey::dock;
use crate::outcome::Ended;

/// Runs one of them.
pub fn run(command: &EmulatorPlace, data: &Path) -> Ended {
    Ok(Box::new(match command {
        EmulatorPlace::Account { name, region, sku, kind, rules } => {
            let (region, sku, kind) = (region.clone(), sku.clone(), kind.clone());
            let (name, rules) = (name.to_string(), rules.clone());
            dock::account(data, AccountOrder { name, region, sku, kind, rules })?
        }
        EmulatorPlace::Group { name, gone, lock } => {
            let (name, lock) = (name.clone(), lock.clone());
            dock::group(data, GroupOrder { name, is_there: !gone, lock })?
        }
        EmulatorPlace::Nsg { name, group, region, rules, machines, subnets } => {
            let order = SecurityOrder {
                name: name.clone(),
                group: group.clone(),
                region: region.clone(),
                rules: rules.clone(),
                machines: machines.clone(),
                subnets: subnets.clone(),
            };
            dock::security(data, order)?
        }
        EmulatorPlace::Rights { actions, not_actions, data_actions, not_data_actions, hidden } => {
            let own = RightsOrder {
                actions: actions.clone(),
                not_actions: not_actions.clone(),
                data_actions: data_actions.clone(),
                not_data_actions: not_data_actions.clone(),
                is_hidden: *hidden,
            };
            let is_whole = own == RightsOrder::default();
            dock::rights(data, if is_whole { RightsOrder::whole() } else { own })?
        }
    }))
}
