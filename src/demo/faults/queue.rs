//! Faults of the queue that is kept as Bull keeps it.

use super::{Fault, How, Twist};

const CAUGHT_BY: &[&str] = &["queue.thumbnails"];

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "queue_unread",
        breaks: "the worker listens to every queue but the thumbnails",
        caught_by: CAUGHT_BY,
        how: How::Worker(Twist::ThumbnailsUnread),
    },
    Fault {
        name: "queue_job_failed",
        breaks: "a thumbnail could not be made",
        caught_by: CAUGHT_BY,
        how: How::Worker(Twist::ThumbnailFailed),
    },
    Fault {
        name: "queue_job_stalled",
        breaks: "a worker took the job of a thumbnail and died over it",
        caught_by: CAUGHT_BY,
        how: How::Redis(&["LPUSH", "bull:thumbnails:active", "2"]),
    },
];
