//! Azure and the datacenter's dock on loopback. Shares no wire types with the client.

pub mod jobs;
