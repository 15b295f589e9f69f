//! What the run has sent to one endpoint, so that a rate limit's budget can be told.

use std::cell::RefCell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use reqwest::header::HeaderValue;

/// Who a request was sent as: a digest of its credentials, never the credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity(u64);

impl Identity {
    /// Nobody: no credentials.
    pub const ANONYMOUS: Self = Self(0);

    /// The identity behind these headers.
    #[must_use]
    pub fn of(authorization: Option<&HeaderValue>, cookie: Option<&HeaderValue>) -> Self {
        if authorization.is_none() && cookie.is_none() {
            return Self::ANONYMOUS;
        }
        let mut hasher = DefaultHasher::new();
        (
            authorization.map(HeaderValue::as_bytes),
            cookie.map(HeaderValue::as_bytes),
        )
            .hash(&mut hasher);
        Self(hasher.finish().max(1))
    }
}

/// Every request of the run to one endpoint.
#[derive(Debug, Default)]
pub(super) struct Ledger(RefCell<Vec<Sent>>);

#[derive(Debug)]
struct Sent {
    /// When its answer came, or else when it was sent: the server has counted it no later.
    at: Instant,
    path: Box<str>,
    identity: Identity,
}

impl Ledger {
    /// Notes that a request is sent; gives its number.
    pub(super) fn note(&self, path: &str, identity: Identity) -> usize {
        let mut sent = self.0.borrow_mut();
        sent.push(Sent {
            at: Instant::now(),
            path: path.into(),
            identity,
        });
        sent.len() - 1
    }

    /// Notes that the answer to request `number` has come.
    pub(super) fn answered(&self, number: usize) {
        if let Some(sent) = self.0.borrow_mut().get_mut(number) {
            sent.at = Instant::now();
        }
    }

    /// How many requests went to paths that start with `scope` within the last `window`: of anyone, or of `identity`.
    pub(super) fn spent(&self, scope: &str, window: Duration, identity: Option<Identity>) -> usize {
        let sent = self.0.borrow();
        let recent = sent.iter().filter(|sent| sent.at.elapsed() <= window);
        let counted = |sent: &&Sent| sent.path.starts_with(scope) && identity.is_none_or(|who| who == sent.identity);
        recent.filter(counted).count()
    }
}
