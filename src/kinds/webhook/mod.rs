//! `webhook`: a signed event is accepted, and every forgery is refused.

mod judge;
mod observe;
mod sign;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::deployment::http::{Expect, Request, Response, Statuses};
use crate::deployment::{Protocol, Target, Unobserved};
use crate::outcome::{Effect, Finding};
use crate::suite::{Group, Period, Problem, Spanned, Subject};

use super::{Export, Kind};
use sign::Scheme;

/// A webhook: an event that is signed as the provider signs it is accepted, and every forgery is refused.
///
/// After a deploy the secret is the one of another environment, or a JSON parser has eaten the raw body, and every event is
/// refused: payments arrive and nobody gets what they paid for. Or the secret is missing and everything is accepted: anyone
/// can say that they have paid. Neither shows in a health check. The check signs with the secret that the deployment should
/// have, and sends one event as it must be and others as they must not be: without a signature, with one that is cut short,
/// signed with another secret and with an empty one, changed after signing, and, where the signature covers the time, signed
/// too long ago. Stripe's events go out indented, as Stripe sends them, so that a receiver which signs the JSON that it has
/// parsed, and not the raw body, is found out. A webhook that refuses everything is not secure, it is dead; a crash is no
/// refusal.
///
/// ```toml
/// [webhook.stripe]
/// title = "Stripe's events are accepted, and nobody else's"
/// post = "/webhooks/stripe"
/// scheme = "stripe"
/// secret = "{{ env.STRIPE_WEBHOOK_SECRET }}"
/// refuses = 400
/// expect.json."$.received" = true
///
/// [webhook.stripe.json]
/// type = "customer.subscription.updated"
/// data.object = { id = "sub_smoke", object = "subscription", status = "active", customer = "cus_smoke" }
/// ```
///
///   scheme        who signs, and so how:
///                   stripe        Stripe-Signature: t=…,v1=…
///                   github        X-Hub-Signature-256: sha256=…
///                   shopify       X-Shopify-Hmac-SHA256
///                   standard      webhook-id, webhook-timestamp, webhook-signature (Standard Webhooks: Polar, …)
///                   svix          the same as svix-id, svix-timestamp, svix-signature (Svix: Clerk, Resend, …)
///                   nowpayments   x-nowpayments-sig, over the JSON with its keys sorted
///   secret        what the provider and the deployment share
///   key           how the secret is a key: "base64" (after `whsec_`; the default of standard and svix) or "text" (the others,
///                 and Polar)
///   accepts       the statuses that say "accepted": any 2xx unless given. accepts = 404 is right where the handler answers so
///                 once it has verified the signature and does not find what the event is about: no harm is done
///   refuses       the statuses that say "refused": any 4xx unless given
///   expect        what the answer to the accepted event looks like, as in `http`
///   tolerance     how old a signature may be: "5m" unless given
///   replay        the same delivery once more is "accepted" (providers deliver twice, and want a 2xx) or "refused". Without it
///                 none is sent. That an accepted one has no effect twice, a `sql` check that `needs` this one can tell.
///   header        another name for the header with the signature
///
/// The request is as in `http` (see `smoke kinds http`: post or put, headers, query, json, form, body, bearer, basic, cookies,
/// max_body, http2; get, head, options, patch, delete and follow make no sense here). Each delivery has an id of its own: in the
/// scheme's header, and for Stripe as the event's `id` (`object` and `created` are filled in as well), unless the suite
/// says which. Later checks may use the accepted one's as {{ stripe.id }}. Headers that tell what happened, such as
/// X-GitHub-Event (`ping` unless given) or X-Shopify-Topic, are yours to set.
///
/// The event is real for the deployment: choose one that does no harm, or one whose effect another check verifies.
///
/// A failure:
///
///   FAILED  webhook.stripe   Stripe's events are accepted, and nobody else's
///     suites/billing.toml:4:10
///     4 │ scheme = "stripe"
///       │          ^^^^^^^^
///       rightly signed   expected: 2xx   seen: 400: No signatures found; as for every other delivery
///     try: it refuses everything: has the deployment this secret, and does it verify the raw body, before a JSON parser?
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Webhook {
    #[schemars(flatten)]
    request: Request,
    /// Who signs, and so how.
    scheme: Spanned<Scheme>,
    /// What the provider and the deployment share.
    secret: Spanned<String>,
    /// How the secret is a key.
    key: Option<KeyForm>,
    /// The statuses that say "accepted".
    accepts: Option<Spanned<Statuses>>,
    /// The statuses that say "refused".
    refuses: Option<Spanned<Statuses>>,
    /// What the answer to the accepted event looks like.
    #[serde(default)]
    expect: Expect,
    /// How old a signature may be.
    #[serde(default = "five_minutes")]
    tolerance: Spanned<Period>,
    /// What becomes of the same delivery once more.
    replay: Option<Spanned<Replay>>,
    /// Another name for the header with the signature.
    header: Option<String>,
}

/// How a secret is a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum KeyForm {
    /// Base64 of it, after `whsec_`.
    Base64,
    /// As it is.
    Text,
}

/// What becomes of the same delivery once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Replay {
    /// It gets the same answer, and should have no effect.
    Accepted,
    /// It is refused.
    Refused,
}

fn five_minutes() -> Spanned<Period> {
    Spanned::new(0..0, Period(std::time::Duration::from_secs(300)))
}

/// Every delivery and its answer.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Seen {
    /// The id of the rightly signed delivery.
    id: String,
    deliveries: Vec<Delivered>,
}

/// One delivery and its answer.
#[derive(Debug, Serialize, Deserialize)]
struct Delivered {
    how: How,
    answer: Response,
}

/// How a delivery is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum How {
    Rightly,
    Unsigned,
    CutShort,
    OtherSecret,
    EmptySecret,
    Changed,
    Stale,
    Again,
}

impl Webhook {
    /// Every delivery that must be refused.
    fn forgeries(&self) -> Vec<How> {
        let mut all = vec![
            How::Unsigned,
            How::CutShort,
            How::OtherSecret,
            How::EmptySecret,
            How::Changed,
        ];
        if self.scheme.is_timed() {
            all.push(How::Stale);
        }
        all
    }

    /// What a reader calls a delivery.
    fn name(&self, how: How) -> String {
        let name = match how {
            How::Rightly => "rightly signed",
            How::Unsigned => "without a signature",
            How::CutShort => "with a signature cut short",
            How::OtherSecret => "signed with another secret",
            How::EmptySecret => "signed with an empty secret",
            How::Changed => "changed after it was signed",
            How::Stale => return format!("signed longer ago than {}", *self.tolerance),
            How::Again => "the same delivery once more",
        };
        name.to_owned()
    }
}

impl Kind for Webhook {
    const NAME: &'static str = "webhook";
    const SPEAKS: Option<Protocol> = Some(Protocol::Http);
    const GROUPS: &'static [Group] = &[Request::GROUP];
    type Seen = Seen;

    fn effect(&self) -> Effect {
        Effect::Write
    }

    fn mistakes(&self) -> Vec<Problem> {
        let mut problems = self.request.mistakes();
        problems.extend(self.expect.mistakes());
        let request = &self.request;
        for other in [
            &request.get,
            &request.head,
            &request.options,
            &request.patch,
            &request.delete,
        ] {
            problems.extend(other.as_ref().map(|path| {
                Problem::at(path.span(), "an event is delivered by POST").hint("say post = \"/webhooks/…\"")
            }));
        }
        if request.payload().is_none() {
            problems.push(Problem::whole("no event").hint("give what is delivered as json, form or body"));
        }
        if *self.scheme == Scheme::Nowpayments && request.json.is_none() {
            problems.push(Problem::at(self.scheme.span(), "nowpayments signs JSON").hint("give the event as json"));
        }
        if request.follow.is_some() {
            problems.push(Problem::whole(
                "`follow`: providers follow no redirect, and neither does this check",
            ));
        }
        if let (Some(accepts), Some(_)) = (&self.accepts, &self.expect.status) {
            problems.push(
                Problem::at(accepts.span(), "the accepted status twice").hint("give one of accepts and expect.status"),
            );
        }
        if !self.scheme.is_timed() && !self.tolerance.span().is_empty() {
            problems.push(
                Problem::at(
                    self.tolerance.span(),
                    "this scheme does not sign the time, so nothing is too old",
                )
                .hint("leave out `tolerance`"),
            );
        }
        problems
    }

    fn cookies_of(&self) -> Option<&Spanned<String>> {
        self.request.cookies.as_ref()
    }

    fn exports(&self) -> &'static [&'static str] {
        if *self.scheme == Scheme::Nowpayments {
            &[]
        } else {
            &["id"]
        }
    }

    fn export(&self, seen: &Seen) -> Vec<Export> {
        let export = |name: &&'static str| Export {
            name,
            value: Value::from(seen.id.as_str()),
            secret: false,
        };
        self.exports().iter().map(export).collect()
    }

    fn subject<'a>(&self, seen: &'a Seen) -> Subject<'a> {
        seen.answer(How::Rightly).map(Response::subject).unwrap_or_default()
    }

    fn steps(&self) -> Vec<String> {
        let mut steps = self.request.steps();
        let header = self.header.as_deref().unwrap_or(self.scheme.signature_header());
        steps.push(format!("  rightly signed in {header}: accepted"));
        for how in self.forgeries() {
            steps.push(format!("again, {}: refused", self.name(how)));
        }
        match self.replay.as_deref() {
            Some(Replay::Accepted) => steps.push("the first one once more: accepted".to_owned()),
            Some(Replay::Refused) => steps.push("the first one once more: refused".to_owned()),
            None => {}
        }
        steps
    }

    async fn observe(&self, target: &Target<'_>) -> Result<Seen, Unobserved> {
        observe::observe(self, target).await
    }

    fn judge(&self, seen: &Seen) -> Vec<Finding> {
        judge::judge(self, seen)
    }
}

impl Seen {
    fn answer(&self, how: How) -> Option<&Response> {
        let found = self.deliveries.iter().find(|delivered| delivered.how == how);
        found.map(|delivered| &delivered.answer)
    }
}
