//! The state directory: jobs, deadlines, custody log.
