//! What several test programs share: the program, other people's readers, throw-away trees. No
//! product code.
#![allow(dead_code, reason = "each test program uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]
#![allow(clippy::disallowed_methods, reason = "tests start programs and write no state files")]

// Calls, signatures and what every blob service does are the same for the emulator's own tests.
#[path = "../../src/emulator/tests/support/arm.rs"]
pub mod arm;
pub mod authority;
pub mod azurite;
pub mod clients;
pub mod disk;
pub mod emulator;
pub mod guests;
pub mod kept;
#[path = "../../src/emulator/tests/support/key.rs"]
pub mod key;
pub mod names;
pub mod old_form;
#[path = "../../src/emulator/tests/support/page_suite.rs"]
pub mod page_suite;
pub mod played;
pub mod program;
pub mod readers;
pub mod schema;
pub mod search;
pub mod seed;
#[path = "../../src/emulator/tests/support/suite.rs"]
pub mod suite;
pub mod told;
pub mod transcript;
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
