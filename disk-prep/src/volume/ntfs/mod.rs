//! NTFS written once.
