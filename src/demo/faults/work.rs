//! Faults in who may do what, in jobs, and under load.

use super::{Fault, How, Twist};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "admin_for_users",
        breaks: "the admin dashboard opens for everyone who is logged in",
        caught_by: &["http.admin_refuses_users", "authorization.roles"],
        how: How::Api(Twist::AdminForUsers),
    },
    Fault {
        name: "jobs_shared",
        breaks: "who knows the id of a job sees it, whoever it belongs to",
        caught_by: &["authorization.ownership"],
        how: How::Api(Twist::JobsShared),
    },
    Fault {
        name: "job_never_ends",
        breaks: "the worker takes jobs, and finishes none",
        caught_by: &["http.job_done", "job.count"],
        how: How::Worker(Twist::JobNeverEnds),
    },
    Fault {
        name: "breaks_under_load",
        breaks: "the gallery answers 503 when more than three look at once",
        caught_by: &["load.gallery"],
        how: How::Api(Twist::BreaksUnderLoad),
    },
    Fault {
        name: "slow_under_load",
        breaks: "the gallery takes the longer the more look at once",
        caught_by: &["load.gallery"],
        how: How::Api(Twist::SlowUnderLoad),
    },
];
