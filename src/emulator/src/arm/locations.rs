//! The regions of the emulated services, both of them. Addresses are made up but for their form: nobody shall
//! send a parcel after a rehearsal. One region takes no drives and names another, as several of
//! the real ones do; one gives its address only to who writes to it.

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

const LOCATIONS: [Location; 5] = [
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
