//! Faults of the API and its worker.

use super::{Fault, How, Twist};

const fn api(name: &'static str, twist: Twist, breaks: &'static str, caught_by: &'static [&'static str]) -> Fault {
    Fault {
        name,
        breaks,
        caught_by,
        how: How::Api(twist),
    }
}

const fn worker(name: &'static str, twist: Twist, breaks: &'static str, caught_by: &'static [&'static str]) -> Fault {
    Fault {
        how: How::Worker(twist),
        ..api(name, twist, breaks, caught_by)
    }
}

pub(super) const FAULTS: &[Fault] = &[
    api(
        "health_degraded",
        Twist::HealthDegraded,
        "/health answers 200 and says \"degraded\"",
        &["http.health"],
    ),
    api(
        "version_old",
        Twist::VersionOld,
        "the release before this one is still serving",
        &["http.version"],
    ),
    api(
        "catch_all_200",
        Twist::CatchAll200,
        "every path that does not exist is answered as /health is",
        &["http.health", "http.unknown_path"],
    ),
    api(
        "missing_security_header",
        Twist::MissingHeader,
        "answers come without X-Content-Type-Options",
        &["http.security_headers", "headers.manual", "headers.data"],
    ),
    api(
        "redirect_to_localhost",
        Twist::RedirectToLocalhost,
        "/docs redirects to a developer's machine",
        &["http.docs_redirect"],
    ),
    api(
        "bad_input_crashes",
        Twist::BadInputCrashes,
        "a body that is not JSON is answered with 500",
        &["http.bad_json"],
    ),
    api(
        "slow",
        Twist::Slow,
        "/api/workflows takes more than two seconds",
        &["http.workflows"],
    ),
    api("hang", Twist::Hang, "/api/models never answers", &["http.models"]),
    api(
        "garbage_json",
        Twist::GarbageJson,
        "/api/credits answers 200 with half a JSON document",
        &["http.credits"],
    ),
    api(
        "connection_reset",
        Twist::ConnectionReset,
        "/api/pricing resets the connection instead of answering",
        &["http.pricing"],
    ),
    api(
        "login_accepts_anything",
        Twist::LoginAcceptsAnything,
        "any password logs in",
        &[
            "login.admin",
            "login.user",
            "login.other",
            "login.lifecycle",
            "login.browser",
        ],
    ),
    api(
        "login_tells_users_apart",
        Twist::LoginTellsUsersApart,
        "the answer to a wrong login tells whether the user exists",
        &["login.user"],
    ),
    api(
        "default_password_works",
        Twist::DefaultPassword,
        "the administrator can log in with \"admin123\"",
        &["login.admin"],
    ),
    api(
        "jwt_never_expires",
        Twist::JwtNeverExpires,
        "tokens carry no expiry",
        &["login.admin", "login.user"],
    ),
    api(
        "expired_token_accepted",
        Twist::ExpiredTokenAccepted,
        "a token that has expired is still accepted",
        &["login.user"],
    ),
    api(
        "forged_token_accepted",
        Twist::ForgedTokenAccepted,
        "the signature of tokens is not verified",
        &["login.admin", "login.user", "login.lifecycle", "login.browser"],
    ),
    api(
        "alg_none_accepted",
        Twist::AlgNoneAccepted,
        "an unsigned token with \"alg\": \"none\" is accepted",
        &["login.admin", "login.user", "login.lifecycle", "login.browser"],
    ),
    api(
        "weak_jwt_secret",
        Twist::WeakSecret,
        "tokens are signed with \"secret\", which anyone can guess",
        &[
            "login.admin",
            "login.user",
            "login.lifecycle",
            "login.browser",
            "env.configuration",
        ],
    ),
    api(
        "admin_open",
        Twist::AdminOpen,
        "the admin dashboard opens without an administrator's token",
        &["login.admin", "http.admin_refuses_users"],
    ),
    api(
        "refresh_broken",
        Twist::RefreshBroken,
        "a refresh token gives no new access token",
        &["login.lifecycle"],
    ),
    api(
        "logout_ignored",
        Twist::LogoutIgnored,
        "a token still works after logging out",
        &["login.lifecycle"],
    ),
    api(
        "cookie_readable",
        Twist::CookieReadable,
        "scripts can read the session cookie: it is not HttpOnly",
        &["http.session_cookie", "headers.session"],
    ),
    api(
        "rate_limit_never",
        Twist::RateLimitNever,
        "no number of requests is too many",
        &["rate_limit.generate"],
    ),
    api(
        "rate_limit_off_by_one",
        Twist::RateLimitOffByOne,
        "one request more than promised is let through",
        &["rate_limit.generate"],
    ),
    api(
        "rate_limit_no_retry_after",
        Twist::RateLimitNoRetryAfter,
        "429 comes without Retry-After",
        &["rate_limit.generate"],
    ),
    api(
        "rate_limit_escapes_by_forwarded_for",
        Twist::RateLimitEscapes,
        "a made-up X-Forwarded-For gives a fresh budget",
        &["rate_limit.generate"],
    ),
    api(
        "rate_limit_never_recovers",
        Twist::RateLimitNeverRecovers,
        "who was refused once stays refused after the window",
        &["rate_limit.generate"],
    ),
    api(
        "rate_limit_shared",
        Twist::RateLimitGlobal,
        "all users share one budget",
        &["rate_limit.generate"],
    ),
    api(
        "rate_limit_races",
        Twist::RateLimitRaces,
        "requests at the same time are counted as one",
        &["rate_limit.generate"],
    ),
    worker(
        "job_lies",
        Twist::JobLies,
        "jobs are \"completed\" without a result",
        &["http.job_done", "job.count"],
    ),
    worker(
        "worker_dead",
        Twist::WorkerDead,
        "nobody takes jobs from the queue",
        &["http.job_done", "job.count", "queue.thumbnails", "redis.worker"],
    ),
    worker(
        "heartbeat_forever",
        Twist::HeartbeatForever,
        "the worker's sign of life would outlive the worker",
        &["redis.worker"],
    ),
    worker(
        "queue_backlog",
        Twist::QueueBacklog,
        "the worker takes jobs but no mail, and 250 letters wait",
        &["redis.queues"],
    ),
];
