//! Configuration and variables into desired objects: scope, functions, expansion.
