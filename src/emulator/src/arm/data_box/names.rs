//! What the service calls itself, its versions and the one device that the emulator has.

/// The provider's name in small letters.
pub(crate) const PROVIDER: &str = "microsoft.databox";
/// The versions that the emulator knows: the newest and two before it that have all it needs.
pub(crate) const VERSIONS: [&str; 3] = ["2022-12-01", "2025-02-01", "2025-07-01"];
/// Drives of the customer's own.
pub(super) const SKU: &str = "DataBoxCustomerDisk";
