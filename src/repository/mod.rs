//! rustic_core behind one door: backup, check, restore, forget; folder and blob stores.
