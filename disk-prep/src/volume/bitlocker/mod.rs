//! BitLocker volumes, format version 2, one recovery password as the protector
//! (`bitlocker-volume`). `write` makes what goes on a drive; `unlock` opens a volume as a
//! stranger would. The two share no code, so that one mistake cannot hide in both.

pub mod unlock;
pub mod write;
