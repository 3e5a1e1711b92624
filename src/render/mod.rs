//! Plans, events, state and diagnostics into text for terminals and programs.
