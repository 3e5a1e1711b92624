//! Tests of the whole server through its router, on a held clock.
