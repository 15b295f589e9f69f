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
];
