//! What apply and destroy tell while they work.
use super::{Address, Diagnostic, Located};

/// What is being done to a resource or object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verb {
    Create,
    Update,
    Replace,
    Delete,
    /// Record it under another address.
    Move,
    /// Take over an object that exists already.
    Adopt,
    /// Forget without deleting.
    Forget,
    /// Wait for what an earlier run applied.
    Wait,
}

/// One thing that happened.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// Work on a resource began.
    Started { address: Address, verb: Verb },
    /// The server took the request for one object.
    Sent { address: Address, object: Located, verb: Verb },
    /// An object is not ready yet, with its own reason; told again when the reason changes.
    Waiting { address: Address, object: Located, reason: String },
    /// An object is ready or gone.
    ObjectDone { address: Address, object: Located, verb: Verb },
    /// All objects of a resource are done.
    Done { address: Address, verb: Verb, seconds: f64 },
    /// A resource failed; what depends on it is skipped.
    Failed { address: Address, diagnostic: Diagnostic },
    /// A resource was not tried because `because` failed.
    Skipped { address: Address, because: Address },
    /// Something worth a line, such as a `Warning` header or what a recovery found.
    Notice { message: String },
    /// Ctrl-C: what is in flight is finished, nothing new begins.
    Interrupted,
}
