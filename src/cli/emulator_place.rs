//! Arguments of `emulator account`, `group`, `nsg` and `rights`: what the subscription has beside
//! machines.

use clap::Subcommand;
use disk_prep::noun::AccountName;

/// What the subscription has beside machines.
#[derive(Debug, Subcommand)]
pub enum EmulatorPlace {
    /// Make a storage account other than a plain one
    #[command(
        after_help = "Examples:\n  azseed emulator account other1 --region eastus --sku Premium_LRS\n  \
        azseed emulator account other1 --rule firewall=deny --rule services=off\n\n\
        A RULE is firewall=allow|deny, address=IP or none, keys=on|off, public=on|off,\n\
        services=on|off, tls=TLS1_0 to TLS1_3, folders=on|off, nfs=on|off,\n\
        soft-delete=DAYS|off, container-soft-delete=DAYS|off, versions=on|off, or\n\
        lock=CanNotDelete|ReadOnly|none."
    )]
    Account {
        /// Its name
        #[arg(value_name = "NAME")]
        name: AccountName,
        /// Its region
        #[arg(long, value_name = "REGION")]
        region: Option<String>,
        /// Its storage: Standard_LRS, Standard_ZRS, Premium_LRS, ...
        #[arg(long, value_name = "WORD")]
        sku: Option<String>,
        /// StorageV2, BlobStorage, FileStorage, ...
        #[arg(long, value_name = "WORD")]
        kind: Option<String>,
        /// Whom it lets in, or what it holds on to; repeat for more
        #[arg(long = "rule", value_name = "RULE")]
        rules: Vec<String>,
    },
    /// Let a resource group be there or not; without this every name is one
    Group {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
        /// It is not there
        #[arg(long)]
        gone: bool,
        /// A lock on it: CanNotDelete, ReadOnly or none
        #[arg(long, value_name = "LEVEL")]
        lock: Option<String>,
    },
    /// Make a network security group, or change it; what is not said stays
    #[command(
        after_help = "Example:\n  azseed emulator nsg web-nsg --vm web --rule block,200,deny,Internet\n\n\
        A RULE is NAME,PRIORITY,allow|deny,DESTINATION[,PORTS], of what leaves."
    )]
    Nsg {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
        /// Its resource group; rg if it is new
        #[arg(long, value_name = "NAME")]
        group: Option<String>,
        /// Its region; westus if it is new
        #[arg(long, value_name = "REGION")]
        region: Option<String>,
        /// A rule; repeat for more
        #[arg(long = "rule", value_name = "RULE")]
        rules: Vec<String>,
        /// A machine of its group at whose card it stands; repeat for more
        #[arg(long = "vm", value_name = "NAME")]
        machines: Vec<String>,
        /// A subnet of its group at which it stands; repeat for more
        #[arg(long = "subnet", value_name = "NETWORK/SUBNET")]
        subnets: Vec<String>,
    },
    /// Say what whoever signs in may do; without a word everything
    #[command(
        after_help = "Example:\n  azseed emulator rights --action '*/read' --data /tmp/azure\n\n\
        What is not among it is refused, as Azure does: calls of the resource manager, and\n\
        those of the blob service that a token opens."
    )]
    Rights {
        /// An action, with * for any part of it; repeat for more
        #[arg(long = "action", value_name = "ACTION")]
        actions: Vec<String>,
        /// One that is taken away again; repeat for more
        #[arg(long = "not-action", value_name = "ACTION")]
        not_actions: Vec<String>,
        /// An action on data; repeat for more
        #[arg(long = "data-action", value_name = "ACTION")]
        data_actions: Vec<String>,
        /// One that is taken away again; repeat for more
        #[arg(long = "not-data-action", value_name = "ACTION")]
        not_data_actions: Vec<String>,
        /// Nobody is told
        #[arg(long)]
        hidden: bool,
    },
}
