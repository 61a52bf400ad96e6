//! BitLocker volumes.
