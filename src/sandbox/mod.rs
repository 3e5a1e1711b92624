//! An API server inside the process: store, routes, discovery, simulated controllers.
