//! Who is logged in: refresh tokens, and sessions that were ended.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use uuid::Uuid;

use super::answer::Refusal;
use super::token::Claims;
use super::{Account, App};

/// The sessions of this process.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Refresh token → whose, and the session.
    refresh: HashMap<String, (Account, String)>,
    ended: HashSet<String>,
}

impl Sessions {
    /// A refresh token, good for one use.
    pub(super) fn remember(&self, account: &Account, session: &str) -> String {
        let token = Uuid::new_v4().simple().to_string();
        self.state()
            .refresh
            .insert(token.clone(), (account.clone(), session.to_owned()));
        token
    }

    pub(super) fn redeem(&self, token: &str) -> Option<(Account, String)> {
        self.state().refresh.remove(token)
    }

    pub(super) fn end(&self, session: &str) {
        let mut state = self.state();
        state.ended.insert(session.to_owned());
        state.refresh.retain(|_, (_, other)| other != session);
    }

    fn is_open(&self, session: &str) -> bool {
        !self.state().ended.contains(session)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whoever sent the request: by bearer token, or by the cookie of a browser.
pub(super) struct Caller(pub(super) Claims);

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Refusal> {
        bearer(&parts.headers)
            .or_else(|| cookie(&parts.headers, "sid"))
            .and_then(|token| app.keys.verify(token))
            .filter(|claims| app.sessions.is_open(&claims.sid))
            .map(Caller)
            .ok_or(Refusal(StatusCode::UNAUTHORIZED, "please log in"))
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    value.strip_prefix("Bearer ")
}

fn cookie<'h>(headers: &'h HeaderMap, wanted: &str) -> Option<&'h str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == wanted).then_some(value))
}
