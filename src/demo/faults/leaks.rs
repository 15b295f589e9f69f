//! Faults of what everyone can read, and of what is written down.

use super::{Fault, How, Twist};

const fn api(name: &'static str, twist: Twist, breaks: &'static str, caught_by: &'static [&'static str]) -> Fault {
    Fault {
        name,
        breaks,
        caught_by,
        how: How::Api(twist),
    }
}

pub(super) const FAULTS: &[Fault] = &[
    api(
        "secret_in_bundle",
        Twist::BundleHoldsSecret,
        "the front end's script has a secret key of Stripe in it",
        &["leak.front_end"],
    ),
    api(
        "env_file_served",
        Twist::EnvFileServed,
        "/.env is served to everyone",
        &["leak.front_end"],
    ),
    api(
        "health_tells_hosts",
        Twist::HealthTellsHosts,
        "/health tells strangers where the database stands",
        &["leak.answers"],
    ),
    api(
        "secret_in_log",
        Twist::LogHoldsSecret,
        "the log has passwords and tokens in it",
        &["logs.journal"],
    ),
    api(
        "log_full_of_errors",
        Twist::LogFullOfErrors,
        "every line of the log is an error",
        &["logs.journal"],
    ),
];
