//! The only room that prints: human, plain, json, quiet.
