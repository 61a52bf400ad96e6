//! The regions of the emulated service. Addresses are made up but for their form: nobody shall
//! send a parcel after a rehearsal. One region takes no drives and names another, as several of
//! the real ones do.

use serde_json::{Value, json};

/// A region.
#[derive(Debug)]
pub(super) struct Location {
    pub id: &'static str,
    pub name: &'static str,
    street: &'static str,
    city: &'static str,
    state: &'static str,
    postal_code: &'static str,
    country: &'static str,
    carriers: &'static [&'static str],
    /// Where drives for it are taken.
    pub takes_at: &'static str,
}

const LOCATIONS: [Location; 4] = [
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
    },
];

/// The region of an id or a name: `westus`, `West US`.
pub(super) fn find(text: &str) -> Option<&'static Location> {
    let plain = |text: &str| text.to_lowercase().replace(' ', "");
    LOCATIONS.iter().find(|location| location.id == plain(text))
}

/// All regions, as the service lists them.
pub(super) fn all() -> impl Iterator<Item = Value> {
    LOCATIONS.iter().map(body)
}

/// A region as the service shows it.
pub(super) fn body(location: &Location) -> Value {
    let id = |id: &str| format!("/providers/Microsoft.ImportExport/locations/{id}");
    let mut properties = address(location);
    properties["supportedCarriers"] = json!(location.carriers);
    properties["alternateLocations"] = json!([id(location.takes_at)]);
    properties["additionalShippingInformation"] = json!("");
    json!({
        "id": id(location.id), "name": location.name,
        "type": "Microsoft.ImportExport/locations", "properties": properties,
    })
}

/// The address for parcels.
pub(super) fn address(location: &Location) -> Value {
    json!({
        "recipientName": "Emulated Import/Export Service", "streetAddress1": location.street,
        "streetAddress2": "", "city": location.city, "stateOrProvince": location.state,
        "postalCode": location.postal_code, "countryOrRegion": location.country,
        "phone": "000 000 0000",
    })
}
