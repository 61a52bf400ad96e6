//! The initial backup into the staging path, and seed.json.
