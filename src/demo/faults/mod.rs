//! What can be broken in the demo, one promise each, so that a person sees what a failure looks like.

mod api;
mod config;
mod data;
mod edge;
mod hooks;
mod leaks;
mod queue;
mod rights;
mod work;

/// The faults of each topic.
const TOPICS: &[&[Fault]] = &[
    api::FAULTS,
    config::FAULTS,
    data::FAULTS,
    edge::FAULTS,
    hooks::FAULTS,
    leaks::FAULTS,
    queue::FAULTS,
    rights::FAULTS,
    work::FAULTS,
];

/// One broken promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// What `--break` calls it.
    pub name: &'static str,
    /// What is no longer true, in a sentence.
    pub breaks: &'static str,
    /// The checks of `suites/demo.toml` that must notice, as `kind.name`. No other check but those that need these
    /// may end differently than without the fault.
    pub caught_by: &'static [&'static str],
    pub(super) how: How,
}

/// How a promise is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// The API behaves otherwise.
    Api(Twist),
    /// Statements that run when the database is ready.
    Sql(&'static str),
    /// A database function in which one passage is replaced by another.
    Function(&'static str, &'static str, &'static str),
    /// A command that Redis gets when it is ready.
    Redis(&'static [&'static str]),
    /// The worker behaves otherwise, which takes a Redis to work on.
    Worker(Twist),
    /// The server is stopped once everything runs.
    Stop(Server),
}

/// A server besides the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// PostgreSQL.
    Postgres,
    /// Redis.
    Redis,
}

/// How the API, or its worker, departs from what it promises; [`Fault::breaks`] tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Twist {
    AdminForUsers,
    AdminOpen,
    AlgNoneAccepted,
    AttestationExpired,
    BadInputCrashes,
    BreaksUnderLoad,
    BundleHoldsSecret,
    CatchAll200,
    CertificateExpires,
    CertificateOtherHost,
    ConfigDevLogin,
    ConfigMissingKey,
    ConfigPlaceholder,
    ConnectionReset,
    CookieReadable,
    CorsEchoes,
    CorsForgotten,
    CorsLookalikes,
    CspLoose,
    DebugPortOpen,
    DefaultPassword,
    EnvFileServed,
    ExpiredTokenAccepted,
    ForgedTokenAccepted,
    GarbageJson,
    Hang,
    HealthDegraded,
    HealthTellsHosts,
    HeartbeatForever,
    JobLies,
    JobNeverEnds,
    JobsShared,
    JwtNeverExpires,
    LogFullOfErrors,
    LogHoldsSecret,
    LoginAcceptsAnything,
    LoginTellsUsersApart,
    LogoutIgnored,
    MachineLeftBehind,
    MachineStopped,
    MigratorConnected,
    MissingHeader,
    OauthCallbackCrashes,
    OauthOpenRedirect,
    OauthStateConstant,
    OauthToLocalhost,
    PoweredByShown,
    QueueBacklog,
    RateLimitEscapes,
    RateLimitGlobal,
    RateLimitNever,
    RateLimitNeverRecovers,
    RateLimitNoRetryAfter,
    RateLimitOffByOne,
    RateLimitRaces,
    RedirectToLocalhost,
    RefreshBroken,
    Slow,
    SlowUnderLoad,
    ThumbnailFailed,
    ThumbnailsUnread,
    VersionOld,
    WeakSecret,
    WebhookCrashes,
    WebhookDead,
    WebhookNeverStale,
    WebhookOpen,
    WorkerDead,
}

impl Fault {
    /// The server without which there is nothing to break.
    #[must_use]
    pub fn needs(&self) -> Option<Server> {
        match self.how {
            How::Api(_) => None,
            How::Sql(_) | How::Function(..) => Some(Server::Postgres),
            How::Redis(_) | How::Worker(_) => Some(Server::Redis),
            How::Stop(server) => Some(server),
        }
    }

    /// What the API has to do differently.
    pub(super) fn twist(&self) -> Option<Twist> {
        match self.how {
            How::Api(twist) | How::Worker(twist) => Some(twist),
            How::Sql(_) | How::Function(..) | How::Redis(_) | How::Stop(_) => None,
        }
    }
}

/// All faults, in the order in which they are listed.
pub fn all() -> impl Iterator<Item = &'static Fault> {
    TOPICS.iter().copied().flatten()
}

/// The fault called `name`.
#[must_use]
pub fn find(name: &str) -> Option<&'static Fault> {
    all().find(|fault| fault.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_fault_has_a_name_of_its_own_a_sentence_and_a_check_that_notices() {
        let mut names = BTreeSet::new();
        for fault in all() {
            assert!(names.insert(fault.name), "{} is there twice", fault.name);
            assert!(
                !fault.breaks.ends_with('.') && fault.breaks.contains(' '),
                "{}",
                fault.name
            );
            assert!(!fault.caught_by.is_empty(), "{} goes unnoticed", fault.name);
        }
        assert!(names.len() >= 26, "{}", names.len());
    }

    #[test]
    fn the_checks_that_notice_are_in_the_suite() {
        let suite = include_str!("../../../suites/demo.toml");
        for fault in all() {
            for check in fault.caught_by {
                assert!(
                    suite.contains(&format!("\n[{check}]\n")),
                    "{}: no check {check}",
                    fault.name
                );
            }
        }
    }
}
