//! `oauth`: signing in with a provider starts at the provider, and comes back here.

mod address;
mod judge;
mod observe;
mod returning;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::deployment::http::{Request, Response, Statuses};
use crate::deployment::{Protocol, Target, Unobserved};
use crate::outcome::{Effect, Finding};
use crate::suite::{Entries, Group, JsonPath, Matcher, Problem, Spanned, Subject};

use super::Kind;

/// Signing in with a provider (OAuth 2, OpenID Connect) starts there with the right client, and comes back to here.
///
/// After a deploy the redirect URI is the classic: a variable has another name than the code reads, and users come back from
/// Google to localhost. Or the client id is that of another environment, or `undefined`. No health check tells, and the person
/// who tries it has the old session. The check starts to sign in, twice, follows nothing, and reads the address to which the
/// browser is sent. Then it comes back with a code that nobody gave: that must end in an error page or a redirect, never in a
/// crash and never in a session. Nobody signs in, so that the provider accepts the client a person has to see (`attest`).
///
/// ```toml
/// [oauth.google]
/// title = "Signing in with Google starts at Google, and comes back here"
/// get = "/auth/google/authorize"
/// provider = "accounts.google.com"
/// client_id = { ends_with = ".apps.googleusercontent.com" }
/// scopes = ["openid", "email"]
/// params.access_type = "offline"
/// pkce = true
/// ```
///
///   provider       the host to which the browser is sent; always over https
///   client_id      a matcher; without one, it is there and not a placeholder such as `undefined`
///   redirect_uri   a matcher; without one, it is an address of this deployment (same scheme, host and port)
///   scopes         what is asked for, at least
///   params         matchers for other parameters: params.prompt = "consent"
///   state          whether each start carries a `state` of its own, against forged answers: true unless given
///   pkce           whether each start must carry a `code_challenge` of its own, by S256: false unless given
///   url            where a JSON answer has the address, for APIs that do not redirect: "$.url"
///   callback       the path to which the provider sends users back: that of the redirect URI unless given
///   refuses        the statuses of the callback that say "refused": 3xx or 4xx (but 404 and 405) unless given
///   return_param   the parameter that says where users go in the end, such as Supabase's `redirect_to`. Foreign addresses in it
///                  must not be honoured: not the plain one, not one without a scheme, not look-alikes of what `query` has.
///                  The check cancels at the provider, in effect, and sees where the callback leads; with a value in `query`,
///                  also that this one is honoured.
///   falls_back     a matcher: where the callback leads instead (Supabase's Site URL)
///
/// The request is as in `http` (see `smoke kinds http`: get, head, options, post, put, patch, delete, query, headers, json,
/// form, body, bearer, basic, cookies, max_body, http2; follow makes no sense here).
///
/// ```toml
/// [oauth.supabase]
/// title = "Supabase sends users to Google, and to nowhere else"
/// on = "supabase"
/// get = "/auth/v1/authorize"
/// query = { provider = "google", redirect_to = "https://app.example.com/auth/callback" }
/// provider = "accounts.google.com"
/// return_param = "redirect_to"
/// falls_back = { starts_with = "https://app.example.com" }
/// ```
///
/// A failure:
///
///   FAILED  oauth.google   Signing in with Google starts at Google, and comes back here
///     suites/api.toml:3:7
///     3 │ get = "/auth/google/authorize"
///       │       ^^^^^^^^^^^^^^^^^^^^^^^^
///       redirect_uri   expected: an address at https://api.example.com   seen: "http://localhost:8000/auth/google/callback"
///     try: does the deployment set the variable that the code reads?
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Oauth {
    #[schemars(flatten)]
    request: Request,
    /// The host to which the browser is sent.
    provider: Spanned<String>,
    /// Who asks.
    client_id: Option<Spanned<Matcher>>,
    /// Where the provider sends users back.
    redirect_uri: Option<Spanned<Matcher>>,
    /// What is asked for, at least.
    #[serde(default)]
    scopes: Vec<Spanned<String>>,
    /// Other parameters.
    #[serde(default)]
    params: Entries<Matcher>,
    /// Whether each start carries a `state` of its own.
    #[serde(default = "yes")]
    state: bool,
    /// Whether each start must carry a `code_challenge` of its own.
    #[serde(default)]
    pkce: bool,
    /// Where a JSON answer has the address.
    url: Option<Spanned<JsonPath>>,
    /// The path to which the provider sends users back.
    callback: Option<Spanned<String>>,
    /// The statuses of the callback that say "refused".
    refuses: Option<Spanned<Statuses>>,
    /// The parameter that says where users go in the end.
    return_param: Option<Spanned<String>>,
    /// Where the callback leads instead of a foreign address.
    falls_back: Option<Spanned<Matcher>>,
}

fn yes() -> bool {
    true
}

/// Every answer.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Seen {
    /// The deployment's address.
    site: String,
    /// Two starts, one after the other as far as the provider is concerned.
    starts: Vec<Response>,
    /// To a code that nobody gave.
    callbacks: Vec<Callback>,
    /// Where the callback leads who cancels, after the start as the suite has it.
    cancelled: Option<Response>,
    /// The starts that want to lead elsewhere.
    hostile: Vec<Hostile>,
}

/// The callback's answer to a code that nobody gave.
#[derive(Debug, Serialize, Deserialize)]
struct Callback {
    /// With a state that the deployment gave, or a made-up one.
    own_state: bool,
    answer: Response,
}

/// A start that wants to lead elsewhere.
#[derive(Debug, Serialize, Deserialize)]
struct Hostile {
    /// Where it wants to lead.
    address: String,
    start: Response,
    /// Where the callback leads who cancels.
    cancelled: Option<Response>,
}

impl Oauth {
    /// The address to which `answer` sends the browser.
    fn address(&self, answer: &Response) -> Option<String> {
        match &self.url {
            Some(path) => path.find(&answer.json().ok()?)?.as_str().map(str::to_owned),
            None => (300..400)
                .contains(&answer.status)
                .then(|| answer.header("location").map(str::to_owned))?,
        }
    }

    /// The value of `return_param` that the suite has, which must be honoured.
    fn wanted_return(&self) -> Option<&str> {
        let name = self.return_param.as_ref()?;
        let found = self.request.query.iter().find(|(key, _)| *key == **name);
        found.and_then(|(_, value)| value.as_str())
    }
}

impl Kind for Oauth {
    const NAME: &'static str = "oauth";
    const SPEAKS: Option<Protocol> = Some(Protocol::Http);
    const GROUPS: &'static [Group] = &[Request::GROUP];
    type Seen = Seen;

    fn effect(&self) -> Effect {
        self.request.effect()
    }

    fn mistakes(&self) -> Vec<Problem> {
        let mut problems = self.request.mistakes();
        if self.request.follow.is_some() {
            problems.push(Problem::whole("`follow`: the redirect itself is what is looked at"));
        }
        if self.provider.contains('/') {
            problems.push(
                Problem::at(self.provider.span(), "`provider` is a host").hint("such as \"accounts.google.com\""),
            );
        }
        if let Some(callback) = self.callback.as_ref().filter(|callback| !callback.starts_with('/')) {
            problems.push(Problem::at(
                callback.span(),
                "`callback` is a path, and starts with `/`",
            ));
        }
        if let (Some(falls_back), None) = (&self.falls_back, &self.return_param) {
            problems.push(
                Problem::at(falls_back.span(), "`falls_back` without `return_param`")
                    .hint("name the parameter that says where users go in the end"),
            );
        }
        problems
    }

    fn cookies_of(&self) -> Option<&Spanned<String>> {
        self.request.cookies.as_ref()
    }

    fn subject<'a>(&self, seen: &'a Seen) -> Subject<'a> {
        seen.starts.first().map(Response::subject).unwrap_or_default()
    }

    fn steps(&self) -> Vec<String> {
        let mut steps = self.request.steps();
        steps.push(format!("  leads to {}, which is not asked", self.provider.as_str()));
        steps.push("the same once more".to_owned());
        let callback = self
            .callback
            .as_ref()
            .map_or("the redirect URI, where it is here,", |path| path.as_str());
        steps.push(format!(
            "GET {callback} with a made-up code: refused; with a made-up state and with a real one"
        ));
        if let Some(name) = &self.return_param {
            for address in observe::hostile(self.wanted_return()) {
                steps.push(format!(
                    "{} with {}={address}: not honoured",
                    self.request.line(),
                    name.as_str()
                ));
            }
        }
        steps
    }

    async fn observe(&self, target: &Target<'_>) -> Result<Seen, Unobserved> {
        observe::observe(self, target).await
    }

    fn judge(&self, seen: &Seen) -> Vec<Finding> {
        let mut findings = judge::judge(self, seen);
        findings.extend(returning::judge(self, seen));
        findings
    }
}
