//! What several test programs share: the sources as text, the program and other people's
//! programs, throw-away trees. No product code.
#![allow(dead_code, reason = "each test program uses its own part")]

pub mod program;
pub mod readers;
pub mod sources;
pub mod tree;

/// Whom the drives go back to; what every job needs.
pub const CONTACT: &str = r#"[return_address]
recipient_name = "Backup Team"
street_address_1 = "1 Example Street"
city = "Redmond"
state_or_province = "WA"
postal_code = "98052"
country_or_region = "USA"
phone = "4255550100"
email = "backup@example.com"

[return_carrier]
carrier_name = "FedEx"
carrier_account_number = "123456789"
"#;
