//! A blob container as a repository: ingest, increments, restore.
