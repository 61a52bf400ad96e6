//! One model of an import job and the services behind it.
