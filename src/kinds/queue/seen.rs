//! What there is to know of a queue, whichever library keeps it.

use serde::{Deserialize, Serialize};

/// How many jobs are looked at singly.
pub(super) const SAMPLE: usize = 1_000;

/// A queue at one moment.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(in crate::kinds) struct Seen {
    /// The server, for messages.
    pub(super) address: String,
    /// Whether Redis knows of it at all.
    pub(super) exists: bool,
    /// The queues that there are, where this one is not.
    pub(super) others: Vec<String>,
    /// The library that wrote it, where it is another than expected.
    pub(super) foreign: Option<String>,
    pub(super) paused: bool,
    /// Those that wait to be taken.
    pub(super) waiting: i64,
    /// Those that wait for their time.
    pub(super) delayed: i64,
    /// Those that are being worked on.
    pub(super) active: i64,
    pub(super) oldest: Option<Waiting>,
    /// How many have failed, in the time that is asked about.
    pub(super) failed: i64,
    /// Not all failed jobs were looked at: there may be more.
    pub(super) failed_more: bool,
    pub(super) last_failure: Option<Failure>,
    /// Those that were taken, and whose worker is gone.
    pub(super) stalled: Vec<String>,
    pub(super) workers: Vec<Worker>,
    /// Why the server does not tell who is connected.
    pub(super) hidden: Option<String>,
}

/// A job that waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Waiting {
    pub(super) id: String,
    /// In seconds.
    pub(super) for_: f64,
}

/// A job that failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Failure {
    pub(super) id: String,
    /// What it was to do.
    pub(super) what: String,
    /// Seconds ago.
    pub(super) ago: Option<f64>,
    pub(super) why: Option<String>,
}

/// Someone who takes jobs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Worker {
    pub(super) name: String,
    /// Seconds since its last sign of life.
    pub(super) silent: Option<f64>,
    /// Whether its connection is there, as far as the server tells.
    pub(super) connected: Option<bool>,
    /// It has signed off.
    pub(super) ended: bool,
    /// It holds the lock of a job.
    pub(super) busy: bool,
}

impl Worker {
    pub(super) fn is_alive(&self, heartbeat: f64) -> bool {
        let recent = self.silent.is_some_and(|silent| silent <= heartbeat);
        !self.ended && self.connected != Some(false) && (recent || self.busy)
    }
}

/// Seconds since 1970 from ISO 8601, in UTC unless it says otherwise (RQ writes a `Z`; old versions nothing).
pub(super) fn iso(text: &str) -> Option<f64> {
    let zoned = text.parse::<jiff::Timestamp>().or_else(|_| {
        let plain = text.replace(' ', "T");
        format!("{plain}Z").parse::<jiff::Timestamp>()
    });
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 are far below 2^52")]
    zoned.ok().map(|at| at.as_millisecond() as f64 / 1000.0)
}

/// The two ends of a list of `length`, as ranges for LRANGE.
pub(super) fn ends(length: i64) -> Vec<[String; 2]> {
    const END: i64 = 50;
    if length <= 2 * END {
        vec![["0".to_owned(), "-1".to_owned()]]
    } else {
        vec![
            ["0".to_owned(), (END - 1).to_string()],
            [(-END).to_string(), "-1".to_owned()],
        ]
    }
}
