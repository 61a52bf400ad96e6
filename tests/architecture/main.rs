//! Guards the house: who may import whom, what may stand where. Each rule is a function from
//! sources to complaints; each is run on the real sources and, to prove that it can fail, on a
//! line that breaks it.

#[path = "../support/circles.rs"]
mod circles;
mod floors;
mod guard;
mod habits;
mod repository;
mod rooms;
#[allow(dead_code, reason = "this test reads no tests")]
#[path = "../support/sources.rs"]
mod sources;
