//! Named places in a process at which a test lets it die or stand still.
//!
//! Responsible for proving what follows from a death between two steps, which a signal from
//! outside hits once in a thousand tries. Points can be armed where debug assertions are on, so in
//! every build that tests use without another one, and in an optimised build with the feature
//! `armed`. Elsewhere [`hit`] is nothing, and what is shipped cannot be made to die.
//!
//! At most one point is armed in a process, once, before its work begins.

mod point;

pub use point::Point;

/// Why a point cannot be armed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArmError {
    /// This program was built without.
    NotBuiltIn,
    /// There is no point of that name.
    NoSuchPoint(String),
    /// It is none of the deeds.
    NoSuchDeed(String),
    /// One is armed already.
    Twice,
}

impl std::fmt::Display for ArmError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotBuiltIn => f.write_str(
                "this program has no failpoints: they are in debug builds, and in others with the \
                 feature failpoints",
            ),
            Self::NoSuchPoint(name) => {
                let names: Vec<&str> = Point::ALL.iter().map(|it| it.name()).collect();
                write!(f, "no failpoint {name:?}; there are {}", names.join(", "))
            }
            Self::NoSuchDeed(deed) => {
                write!(
                    f,
                    "a failpoint cannot {deed:?}; it can \"kill\" or \"stop\""
                )
            }
            Self::Twice => f.write_str("a failpoint is armed already"),
        }
    }
}

impl std::error::Error for ArmError {}

/// Whether points can be armed in this program.
#[must_use]
pub const fn is_built_in() -> bool {
    cfg!(any(debug_assertions, feature = "armed"))
}

/// The process is here. Where this point is armed, it dies or stands still, once.
#[inline]
pub fn hit(point: Point) {
    #[cfg(any(debug_assertions, feature = "armed"))]
    armed::hit(point);
    #[cfg(not(any(debug_assertions, feature = "armed")))]
    let _ = point;
}

/// Arms a point: `worker.finished.appended=kill` or `…=stop`.
///
/// # Errors
/// When the text says something else, or nothing can be armed here.
pub fn arm(text: &str) -> Result<(), ArmError> {
    let (name, deed) = text.split_once('=').unwrap_or((text, ""));
    let point = Point::ALL.into_iter().find(|it| it.name() == name);
    let point = point.ok_or_else(|| ArmError::NoSuchPoint(name.to_owned()))?;
    #[cfg(any(debug_assertions, feature = "armed"))]
    return armed::arm(point, deed);
    #[cfg(not(any(debug_assertions, feature = "armed")))]
    {
        let _ = (point, deed);
        Err(ArmError::NotBuiltIn)
    }
}

#[cfg(any(debug_assertions, feature = "armed"))]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicBool, Ordering};

    use rustix::process::{Signal, getpid, kill_process};

    use super::{ArmError, Point};

    struct Armed {
        point: Point,
        signal: Signal,
        done: AtomicBool,
    }

    static ARMED: OnceLock<Armed> = OnceLock::new();

    pub(super) fn arm(point: Point, deed: &str) -> Result<(), ArmError> {
        let signal = match deed {
            "kill" => Signal::KILL,
            "stop" => Signal::STOP,
            _ => return Err(ArmError::NoSuchDeed(deed.to_owned())),
        };
        let armed = Armed {
            point,
            signal,
            done: AtomicBool::new(false),
        };
        ARMED.set(armed).map_err(|_| ArmError::Twice)
    }

    pub(super) fn hit(point: Point) {
        let Some(armed) = ARMED.get() else { return };
        if armed.point == point && !armed.done.swap(true, Ordering::Relaxed) {
            // Of ourselves, which cannot be refused.
            kill_process(getpid(), armed.signal).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_has_a_name_of_its_own_and_what_is_none_is_told() {
        let mut names: Vec<&str> = Point::ALL.iter().map(|it| it.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Point::ALL.len());
        let none = arm("worker.lunch=kill").unwrap_err();
        assert!(none.to_string().contains("worker.finished.appended"));
        let deed = arm("worker.finished.appended=explode").unwrap_err();
        assert_eq!(deed, ArmError::NoSuchDeed("explode".to_owned()));
    }
}
