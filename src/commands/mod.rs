//! One file per command: arguments to options, call a room below, return the outcome.
