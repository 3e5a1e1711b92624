//! Time in the sandbox: the machine's, or one that a test holds.
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Where the sandbox takes its time from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    /// The machine's clock: simulated controllers act a few tens of milliseconds after a change.
    Auto,
    /// Stands still until it is advanced; simulated controllers act only then.
    #[cfg_attr(not(test), expect(dead_code, reason = "tests hold the clock; the program never does"))]
    Manual(Timestamp),
}

impl Clock {
    /// Returns a clock that stands at a fixed instant, for tests.
    #[cfg(test)]
    pub(crate) fn held() -> Self {
        Self::Manual(Timestamp::constant(1_767_225_600, 0))
    }

    pub(super) fn now(&self) -> Timestamp {
        match self {
            Self::Auto => Timestamp::now(),
            Self::Manual(now) => *now,
        }
    }

    pub(super) fn is_held(self) -> bool {
        matches!(self, Self::Manual(_))
    }

    /// Moves a held clock to an instant; the machine's clock moves by itself.
    pub(super) fn move_to(&mut self, instant: Timestamp) {
        if let Self::Manual(now) = self {
            *now = instant.max(*now);
        }
    }
}

/// Returns an instant as Kubernetes writes it: in seconds, RFC 3339, UTC.
pub(super) fn rfc3339(instant: Timestamp) -> String {
    let seconds = Timestamp::from_second(instant.as_second()).unwrap_or(instant);
    seconds.to_string()
}

/// Returns an instant later by a duration; stands still at the end of time.
pub(super) fn later(instant: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    instant.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// Returns the time from one instant to a later one, or nothing.
pub(super) fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or(Duration::ZERO)
}
