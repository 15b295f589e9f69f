//! Logs in, and then tries what must not work.

use std::time::{SystemTime, UNIX_EPOCH};

use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::deployment::http::{Jar, Request, Response};
use crate::deployment::{Target, Unobserved};
use crate::suite::{Entries, Spanned};

use super::{Login, credentials, jwt};

/// Every answer.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(in crate::kinds) struct Seen {
    /// When the token was given, in seconds since 1970.
    pub(super) now: i64,
    /// To the right credentials.
    pub(super) good: Response,
    /// To wrong ones; empty where the right ones did not log in.
    pub(super) guesses: Vec<Guess>,
    /// Of the protected path.
    pub(super) probes: Vec<Probe>,
    /// `secret` does not sign the server's tokens.
    pub(super) secret_is_another: bool,
    /// The cookie is `Secure` and the address is not: it is not sent back.
    pub(super) cookie_stays_home: bool,
    /// To the refresh token, and to a made-up one.
    pub(super) refreshed: Option<[Response; 2]>,
    /// To the logout, and of the protected path after it.
    pub(super) logged_out: Option<[Response; 2]>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Guess {
    pub(super) what: Wrong,
    /// As whom.
    pub(super) user: String,
    pub(super) answer: Response,
}

/// What is wrong with the credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Wrong {
    Password,
    User,
    /// Nothing: they are the request's own, and default ones.
    Own,
    /// An entry of `refuses`.
    Listed(usize),
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Probe {
    pub(super) with: With,
    pub(super) answer: Response,
}

/// What the protected path is asked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum With {
    Token,
    Nothing,
    Changed,
    Unsigned,
    Forged,
    /// Signed by one of `old_secrets`.
    Old(usize),
    Expired,
}

impl Seen {
    pub(super) fn fresh_refresh_token(&self, login: &Login) -> Option<String> {
        let [good, _] = self.refreshed.as_ref()?;
        login.refresh_token_in(good)
    }
}

pub(super) async fn observe(login: &Login, target: &Target<'_>) -> Result<Seen, Unobserved> {
    let before = target.jar().borrow().clone();
    let good = target.send(&login.request).await?;
    if good.status == 429 {
        let wait = good
            .header("retry-after")
            .map_or_else(String::new, |wait| format!(", Retry-After {wait}"));
        return Err(Unobserved::new(format!(
            "the login's own rate limit refused the right credentials (429{wait})"
        ))
        .hint("wait, or let fewer checks log in: one login can serve many checks as {{ name.token }}"));
    }
    let mut seen = Seen {
        now: now(),
        good,
        ..Seen::default()
    };
    if !login.grants(&seen.good, None) {
        return Ok(seen);
    }
    let session = Session {
        login,
        target,
        before,
        after: target.jar().borrow().clone(),
        credential: login.credential_in(&seen.good),
    };
    let (guesses, probes) = futures_util::future::try_join(session.guess(), session.probe(&mut seen)).await?;
    (seen.guesses, seen.probes) = (guesses, probes);
    if let Some(refresh) = &login.refresh {
        seen.refreshed = Some(session.refresh(refresh, &seen.good).await?);
    }
    if let (Some(logout), Some(protects)) = (&login.logout, &login.protects) {
        seen.logged_out = session.log_out(logout, protects).await?;
    }
    Ok(seen)
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

impl Login {
    /// What a request carries to show who it is: the token, or the cookie as the server wrote it.
    fn credential_in(&self, answer: &Response) -> Option<String> {
        match &self.cookie {
            Some(name) => answer.cookie(name).map(str::to_owned),
            None => self.token_in(answer),
        }
    }

    /// What every request of the client carries, such as an `apikey`, without what belongs to the login itself.
    fn own_headers(&self) -> Entries<String> {
        let mut headers = self.request.headers.clone();
        let of_the_login = ["authorization", "cookie", "content-type", "content-length"];
        headers.remove_if(|name| of_the_login.contains(&name.to_ascii_lowercase().as_str()));
        headers
    }
}

/// One login.
struct Session<'a> {
    login: &'a Login,
    target: &'a Target<'a>,
    before: Jar,
    after: Jar,
    credential: Option<String>,
}

impl Session<'_> {
    /// All guesses at once: each has cookies of its own.
    async fn guess(&self) -> Result<Vec<Guess>, Unobserved> {
        let login = self.login;
        let mut tries = vec![
            (Wrong::Password, login.with_wrong_password()),
            (Wrong::User, login.with_unknown_user()),
        ];
        let listed = login.refuses.iter().enumerate();
        tries.extend(listed.map(|(number, fields)| (Wrong::Listed(number), login.with(fields))));
        try_join_all(tries.into_iter().map(async |(what, request)| {
            let answer = self.target.beside(self.before.clone()).send(&request).await?;
            let user = login.user_in(&request).unwrap_or_default();
            Ok(Guess { what, user, answer })
        }))
        .await
    }

    async fn probe(&self, seen: &mut Seen) -> Result<Vec<Probe>, Unobserved> {
        let (Some(path), Some(credential)) = (&self.login.protects, &self.credential) else {
            return Ok(Vec::new());
        };
        let mut tries = vec![(With::Token, Some(credential.clone())), (With::Nothing, None)];
        let token = credentials::unwrapped(credential);
        match jwt::parse(&token) {
            Some(parsed) => {
                let expired = self
                    .login
                    .secret
                    .as_ref()
                    .map(|secret| parsed.expired(secret, seen.now));
                seen.secret_is_another = expired == Some(None);
                let forgeries = [
                    (With::Changed, Some(parsed.changed())),
                    (With::Unsigned, Some(parsed.unsigned())),
                    (With::Forged, parsed.forged()),
                    (With::Expired, expired.flatten()),
                ];
                let old = (0..).zip(&self.login.old_secrets);
                let old = old.map(|(at, secret)| (With::Old(at), parsed.signed_by(secret)));
                let wrapped = |forged: String| Some(wrapped(credential, &token, &forged));
                tries.extend(
                    forgeries
                        .into_iter()
                        .chain(old)
                        .filter_map(|(with, forged)| Some((with, wrapped(forged?)))),
                );
            }
            None => tries.push((With::Changed, Some(credentials::changed(credential)))),
        }
        seen.cookie_stays_home = self.login.cookie.is_some() && self.cookie_line(path)?.is_none();
        try_join_all(tries.into_iter().map(async |(with, credential)| {
            let answer = self.ask(path, with, credential.as_deref()).await?;
            Ok(Probe { with, answer })
        }))
        .await
    }

    /// GET `path` with `credential` in the place where the server looks for it.
    async fn ask(&self, path: &str, with: With, credential: Option<&str>) -> Result<Response, Unobserved> {
        let mut request = Request {
            headers: self.login.own_headers(),
            ..Request::get(path)
        };
        let mut jar = self.before.clone();
        match (credential, &self.login.cookie) {
            (None, _) => {}
            (Some(token), None) => request.bearer = Some(token.to_owned()),
            (Some(_), Some(_)) if with == With::Token => jar = self.after.clone(),
            (Some(forged), Some(name)) => {
                let good = self.credential.as_deref().unwrap_or_default();
                let line = self
                    .cookie_line(path)?
                    .unwrap_or_else(|| format!("{}={good}", name.as_str()));
                request = request.with_header("Cookie", &line.replace(good, forged));
                jar = Jar::default();
            }
        }
        self.target.beside(jar).send(&request).await
    }

    /// The cookies that the login left for `path`.
    fn cookie_line(&self, path: &str) -> Result<Option<String>, Unobserved> {
        Ok(self.after.header(&self.target.http()?.url(path)?))
    }

    async fn refresh(&self, refresh: &super::Refresh, good: &Response) -> Result<[Response; 2], Unobserved> {
        let with = |token: Option<String>| {
            let mut request = Request {
                post: Some(Spanned::new(0..0, refresh.post.clone())),
                headers: self.login.own_headers(),
                ..Request::default()
            };
            if let Some(token) = token {
                let body = serde_json::json!({ refresh.field.as_str(): token });
                request.json = Some(Spanned::new(0..0, body));
            }
            request
        };
        let made_up = format!("smoke-{}", Uuid::new_v4().simple());
        let refused = self.target.beside(self.before.clone());
        let refused = refused.send(&with(Some(made_up))).await?;
        let refreshed = self.target.beside(self.after.clone());
        let refreshed = refreshed.send(&with(self.login.refresh_token_in(good))).await?;
        Ok([refreshed, refused])
    }

    /// With a login of its own, so that the token that later checks use stays good.
    async fn log_out(&self, logout: &str, protects: &str) -> Result<Option<[Response; 2]>, Unobserved> {
        let second = self.target.beside(self.before.clone());
        let answer = second.send(&self.login.request).await?;
        let Some(credential) = self.login.credential_in(&answer) else {
            return Ok(None);
        };
        let session = Session {
            login: self.login,
            target: self.target,
            before: self.before.clone(),
            after: second.jar().borrow().clone(),
            credential: Some(credential.clone()),
        };
        let mut request = Request {
            post: Some(Spanned::new(0..0, logout.to_owned())),
            headers: self.login.own_headers(),
            ..Request::default()
        };
        if self.login.cookie.is_none() {
            request.bearer = Some(credential.clone());
        }
        if let Some(token) = self.login.refresh_token_in(&answer) {
            let field = self
                .login
                .refresh
                .as_ref()
                .map_or("refresh_token", |refresh| refresh.field.as_str());
            request.json = Some(Spanned::new(0..0, serde_json::json!({ field: token })));
        }
        let left = second.send(&request).await?;
        let after = session.ask(protects, With::Token, Some(&credential)).await?;
        Ok(Some([left, after]))
    }
}

/// The forged token in the wrapping of the good one: quotes, `Bearer`, percent-encoding.
fn wrapped(credential: &str, token: &str, forged: &str) -> String {
    if credential.contains(token) {
        credential.replace(token, forged)
    } else {
        forged.to_owned()
    }
}
