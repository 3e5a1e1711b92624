//! Arguments into calls: one file per command, exit codes.
