//! Arguments: clap structs and value parsers, one file per command. No I/O.
