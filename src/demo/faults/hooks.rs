//! Faults at the doors for other services: webhooks and signing in with a provider.

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
        "webhook_dead",
        Twist::WebhookDead,
        "the webhook refuses every event, also those that are rightly signed",
        &["webhook.payments"],
    ),
    api(
        "webhook_open",
        Twist::WebhookOpen,
        "the webhook accepts every event, whoever sends it",
        &["webhook.payments"],
    ),
    api(
        "webhook_never_stale",
        Twist::WebhookNeverStale,
        "the webhook accepts an event however long ago it was signed",
        &["webhook.payments"],
    ),
    api(
        "webhook_crashes",
        Twist::WebhookCrashes,
        "the webhook crashes on a signature of another length",
        &["webhook.payments"],
    ),
    api(
        "oauth_to_localhost",
        Twist::OauthToLocalhost,
        "users come back from Google to a developer's machine",
        &["oauth.google"],
    ),
    api(
        "oauth_state_constant",
        Twist::OauthStateConstant,
        "every sign-in has the same state",
        &["oauth.google"],
    ),
    api(
        "oauth_callback_crashes",
        Twist::OauthCallbackCrashes,
        "who comes back from Google with a code that is no good sees a 500",
        &["oauth.google"],
    ),
    api(
        "oauth_open_redirect",
        Twist::OauthOpenRedirect,
        "signing in ends at whatever address a link says",
        &["oauth.google"],
    ),
];
