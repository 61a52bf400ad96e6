//! The regions of the emulated services, both of them, under the names of the real ones. Addresses
//! are made up but for their form: nobody shall send a parcel after a rehearsal. Some regions take
//! no drives and name another, as the real ones were seen to; one gives its address only to who
//! writes to it.

/// A region.
#[derive(Debug)]
pub(super) struct Location {
    pub id: &'static str,
    pub name: &'static str,
    pub street: &'static str,
    pub city: &'static str,
    pub state: &'static str,
    pub postal_code: &'static str,
    pub country: &'static str,
    pub carriers: &'static [&'static str],
    /// Where drives for it are taken.
    pub takes_at: &'static str,
    /// What must be done before a parcel is sent, in place of an address (`azure-import-export`
    /// 2.5); the older service gives the address all the same.
    pub instruction: Option<&'static str>,
}

/// A region of which nothing more is to be known.
const fn plain(
    id: &'static str,
    name: &'static str,
    country: &'static str,
    takes_at: &'static str,
) -> Location {
    Location {
        id,
        name,
        street: "6 Emulated Road",
        city: "Nowhere",
        state: "",
        postal_code: "00006",
        country,
        carriers: &["DHL", "FedEx"],
        takes_at,
        instruction: None,
    }
}

const LOCATIONS: [Location; 42] = [
    Location {
        id: "westus",
        name: "West US",
        street: "1 Emulated Way",
        city: "Nowhere",
        state: "CA",
        postal_code: "00001",
        country: "USA",
        carriers: &["FedEx", "UPS"],
        takes_at: "westus",
        instruction: None,
    },
    Location {
        id: "eastus",
        name: "East US",
        street: "2 Emulated Way",
        city: "Nowhere",
        state: "VA",
        postal_code: "00002",
        country: "USA",
        carriers: &["FedEx", "UPS", "DHL"],
        takes_at: "eastus",
        instruction: None,
    },
    Location {
        id: "westeurope",
        name: "West Europe",
        street: "Nergensstraat 3",
        city: "Nergenshuizen",
        state: "",
        postal_code: "0000 AA",
        country: "Netherlands",
        carriers: &["FedEx", "DHL"],
        takes_at: "westeurope",
        instruction: None,
    },
    Location {
        id: "northeurope",
        name: "North Europe",
        street: "4 Emulated Quay",
        city: "Nowhere",
        state: "",
        postal_code: "X00 X000",
        country: "Ireland",
        carriers: &["DHL"],
        takes_at: "westeurope",
        instruction: None,
    },
    Location {
        id: "uksouth",
        name: "UK South",
        street: "5 Emulated Lane",
        city: "Nowhere",
        state: "",
        postal_code: "X0 0XX",
        country: "United Kingdom",
        carriers: &["DHL", "FedEx"],
        takes_at: "uksouth",
        instruction: Some(
            "Write to the emulated datacenter for an inbound id before you send the parcel; the \
             answer has the address.",
        ),
    },
    plain("eastus2", "East US 2", "USA", "eastus"),
    plain("centralus", "Central US", "USA", "centralus"),
    plain("northcentralus", "North Central US", "USA", "northcentralus"),
    plain("southcentralus", "South Central US", "USA", "westus"),
    plain("westcentralus", "West Central US", "USA", "centralus"),
    plain("westus2", "West US 2", "USA", "westus2"),
    plain("westus3", "West US 3", "USA", "westus3"),
    plain("canadacentral", "Canada Central", "Canada", "canadacentral"),
    plain("canadaeast", "Canada East", "Canada", "canadacentral"),
    plain("brazilsouth", "Brazil South", "Brazil", "brazilsouth"),
    plain("mexicocentral", "Mexico Central", "Mexico", "mexicocentral"),
    plain("ukwest", "UK West", "United Kingdom", "uksouth"),
    plain("francecentral", "France Central", "France", "francecentral"),
    plain("francesouth", "France South", "France", "francecentral"),
    plain("germanywestcentral", "Germany West Central", "Germany", "germanywestcentral"),
    plain("germanynorth", "Germany North", "Germany", "germanywestcentral"),
    plain("italynorth", "Italy North", "Italy", "italynorth"),
    plain("norwayeast", "Norway East", "Norway", "norwayeast"),
    plain("polandcentral", "Poland Central", "Poland", "polandcentral"),
    plain("spaincentral", "Spain Central", "Spain", "spaincentral"),
    plain("swedencentral", "Sweden Central", "Sweden", "swedencentral"),
    plain("switzerlandnorth", "Switzerland North", "Switzerland", "switzerlandnorth"),
    plain("southafricanorth", "South Africa North", "South Africa", "southafricanorth"),
    plain("uaenorth", "UAE North", "United Arab Emirates", "uaenorth"),
    plain("israelcentral", "Israel Central", "Israel", "israelcentral"),
    plain("qatarcentral", "Qatar Central", "Qatar", "qatarcentral"),
    plain("eastasia", "East Asia", "Hong Kong", "eastasia"),
    plain("southeastasia", "Southeast Asia", "Singapore", "southeastasia"),
    plain("japaneast", "Japan East", "Japan", "japaneast"),
    plain("japanwest", "Japan West", "Japan", "japanwest"),
    plain("koreacentral", "Korea Central", "South Korea", "koreacentral"),
    plain("koreasouth", "Korea South", "South Korea", "australiasoutheast"),
    plain("centralindia", "Central India", "India", "centralindia"),
    plain("westindia", "West India", "India", "centralindia"),
    plain("southindia", "South India", "India", "southindia"),
    plain("australiaeast", "Australia East", "Australia", "australiaeast"),
    plain("australiasoutheast", "Australia Southeast", "Australia", "australiasoutheast"),
];

/// The region of an id or a name: `westus`, `West US`.
pub(super) fn find(text: &str) -> Option<&'static Location> {
    let plain = |text: &str| text.to_lowercase().replace(' ', "");
    LOCATIONS.iter().find(|location| location.id == plain(text))
}

/// All regions.
pub(super) fn all() -> impl Iterator<Item = &'static Location> {
    LOCATIONS.iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_region_takes_drives_or_names_one_that_does() {
        for own in all() {
            let at =
                find(own.takes_at).unwrap_or_else(|| panic!("{}: no {}", own.id, own.takes_at));
            assert_eq!(at.takes_at, at.id, "{} names one that names another", own.id);
            assert_eq!(find(own.name).map(|same| same.id), Some(own.id), "{}", own.name);
        }
    }
}
