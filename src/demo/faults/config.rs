//! Faults of the configuration, the platform and what was verified by hand.

use super::{Fault, How, Twist};

const fn fault(name: &'static str, twist: Twist, breaks: &'static str, caught_by: &'static [&'static str]) -> Fault {
    Fault {
        name,
        breaks,
        caught_by,
        how: How::Api(twist),
    }
}

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "config_placeholder",
        Twist::ConfigPlaceholder,
        "the webhook secret is still the one of the guide",
        &["env.configuration"],
    ),
    fault(
        "config_missing_key",
        Twist::ConfigMissingKey,
        "the key that encrypts tokens was never set",
        &["env.configuration"],
    ),
    fault(
        "config_dev_login",
        Twist::ConfigDevLogin,
        "a login for developers is configured in production",
        &["env.configuration"],
    ),
    fault(
        "machine_stopped",
        Twist::MachineStopped,
        "one of the two machines is stopped",
        &["command.machines", "command.services"],
    ),
    fault(
        "machine_left_behind",
        Twist::MachineLeftBehind,
        "one of the two machines still runs the release before this one",
        &["command.machines"],
    ),
    fault(
        "debug_port_open",
        Twist::DebugPortOpen,
        "a debugger listens for whoever comes",
        &["port.perimeter"],
    ),
    fault(
        "attestation_expired",
        Twist::AttestationExpired,
        "it is more than a year ago that somebody restored a backup",
        &["attest.restore"],
    ),
];
