//! Opens a BitLocker volume as a stranger would: from its bytes and the recovery password only.
