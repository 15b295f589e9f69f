//! Faults that a browser notices before the application does anything.

use super::{Fault, How, Twist};

const fn edge(name: &'static str, twist: Twist, breaks: &'static str, caught_by: &'static [&'static str]) -> Fault {
    Fault {
        name,
        breaks,
        caught_by,
        how: How::Api(twist),
    }
}

pub(super) const FAULTS: &[Fault] = &[
    edge(
        "certificate_expires",
        Twist::CertificateExpires,
        "the certificate ends in three days",
        &["tls.edge"],
    ),
    edge(
        "certificate_of_another_host",
        Twist::CertificateOtherHost,
        "the certificate is for the host that the API lived on before",
        &["tls.edge"],
    ),
    edge(
        "cors_echoes_origin",
        Twist::CorsEchoes,
        "every site may use the API with the cookies of its visitors",
        &["cors.site"],
    ),
    edge(
        "cors_lookalikes",
        Twist::CorsLookalikes,
        "every origin that contains \"localhost\" may use the API",
        &["cors.site"],
    ),
    edge(
        "cors_forgets_front_end",
        Twist::CorsForgotten,
        "our own front end may not use the API",
        &["cors.site"],
    ),
    edge(
        "csp_loose",
        Twist::CspLoose,
        "the Content-Security-Policy lets every script in",
        &["headers.manual"],
    ),
    edge(
        "powered_by_shown",
        Twist::PoweredByShown,
        "every answer names the framework behind it",
        &["headers.manual", "headers.data"],
    ),
];
