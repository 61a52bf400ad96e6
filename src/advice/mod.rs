//! The error catalogue behind `explain`.
