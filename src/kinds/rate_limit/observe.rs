//! Sends requests until one is refused, and then the ones that tell for whom.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use jiff::Timestamp;
use reqwest::header::HeaderValue;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::deployment::http::{Identity, Jar, Request, Response};
use crate::deployment::{Target, Unobserved};

use super::{Meaning, RateLimit, SLACK, dialects};

/// The counts, and who else was refused.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(in crate::kinds) struct Seen {
    /// What the run had sent within the window before, of anyone.
    pub(super) spent: u32,
    /// The same, with the credentials of this request.
    pub(super) spent_alike: u32,
    /// One count, or two where the first was not exact.
    pub(super) counts: Vec<Count>,
    /// With made-up addresses, after the limit had tripped.
    pub(super) spoofed: Vec<Spoofed>,
    /// As somebody else, after the limit had tripped.
    pub(super) other: Option<Response>,
    /// After the window.
    pub(super) recovered: Option<Recovered>,
}

/// One window's worth of requests.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Count {
    /// How many were let through.
    pub(super) accepted: u32,
    /// Every status, and how often it came, in the order of coming.
    pub(super) statuses: Vec<(u16, u32)>,
    /// The first answer, whose headers say what the limit is.
    pub(super) first: Response,
    /// The first answer that did not let its request through.
    pub(super) refusal: Option<Response>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Spoofed {
    pub(super) header: String,
    pub(super) statuses: Vec<u16>,
    /// Right after those, without the header.
    pub(super) control: u16,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Recovered {
    pub(super) after_millis: u64,
    pub(super) status: u16,
}

impl Seen {
    /// The refusal that is judged.
    pub(super) fn refusal(&self) -> Option<&Response> {
        self.counts.last()?.refusal.as_ref()
    }
}

pub(super) async fn observe(limit: &RateLimit, target: &Target<'_>) -> Result<Seen, Unobserved> {
    let mut seen = spent(limit, target)?;
    let first = count(limit, target).await?;
    let again = first.refusal.is_some() && !limit.is_exact(&seen, &first) && limit.can_count_again();
    seen.counts.push(first);
    if again {
        tokio::time::sleep(limit.per.0 + SLACK / 4).await;
        seen.counts.push(count(limit, target).await?);
    }
    let Some(refusal) = seen.refusal() else {
        return Ok(seen);
    };
    let tripped = Instant::now();
    let wait = dialects::wait(refusal, Timestamp::now());
    for header in limit.spoofed() {
        seen.spoofed.push(spoof(limit, target, header).await?);
    }
    if let Some(other) = &limit.other {
        let stranger = target.beside(Jar::default());
        seen.other = Some(stranger.send(&as_other(&limit.request, other)).await?);
    }
    if limit.waits_for_recovery() {
        seen.recovered = Some(recover(limit, target, tripped, wait).await?);
    }
    Ok(seen)
}

/// What the run has spent of the budget.
fn spent(limit: &RateLimit, target: &Target<'_>) -> Result<Seen, Unobserved> {
    let site = target.http()?;
    let (_, path) = limit.request.method_and_path();
    let url = site.url(path)?;
    let scope = match &limit.scope {
        Some(scope) => site.url(scope)?,
        None => url.clone(),
    };
    let header = |text: String| HeaderValue::from_str(&text).ok();
    let own = limit
        .request
        .headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    let authorization = match (&limit.request.bearer, own) {
        (Some(token), _) => header(format!("Bearer {token}")),
        (None, Some((_, value))) => header((**value).clone()),
        (None, None) => None,
    };
    let cookie = target.jar().borrow().header(&url).and_then(header);
    let identity = Identity::of(authorization.as_ref(), cookie.as_ref());
    let spent = |who| u32::try_from(site.ledger().spent(scope.path(), limit.per.0, who)).unwrap_or(u32::MAX);
    Ok(Seen {
        spent: spent(None),
        spent_alike: spent(Some(identity)),
        ..Seen::default()
    })
}

/// Sends until one is refused; what is under way then is waited for, for it counts, too.
async fn count(limit: &RateLimit, target: &Target<'_>) -> Result<Count, Unobserved> {
    let mut counted = Count::default();
    let first = target.send(&limit.request).await?;
    counted.note(limit, &first);
    counted.first = first;
    let mut sent = 1;
    let mut under_way = FuturesUnordered::new();
    loop {
        while counted.refusal.is_none() && sent < limit.most() && under_way.len() < limit.burst() as usize {
            under_way.push(target.send(&limit.request));
            sent += 1;
        }
        let Some(answer) = under_way.next().await else {
            return Ok(counted);
        };
        counted.note(limit, &answer?);
    }
}

impl Count {
    fn note(&mut self, limit: &RateLimit, answer: &Response) {
        match self.statuses.iter_mut().find(|(status, _)| *status == answer.status) {
            Some((_, times)) => *times += 1,
            None => self.statuses.push((answer.status, 1)),
        }
        if limit.meaning(answer.status) == Meaning::Accepted {
            self.accepted += 1;
        } else if self.refusal.is_none() {
            self.refusal = Some(answer.clone());
        }
    }
}

impl RateLimit {
    /// Whether the count is what is left of the limit. A first count may begin with less, because the run itself, or
    /// somebody else, has spent some; the answers may say how much.
    pub(super) fn is_exact(&self, seen: &Seen, count: &Count) -> bool {
        let left = |spent: u32| self.limit.saturating_sub(spent);
        let known = [left(seen.spent), left(seen.spent_alike)].contains(&count.accepted);
        let said = dialects::remaining(&count.first).is_some_and(|left| left + 1 == u64::from(count.accepted));
        count.accepted > 0 && (known || said && count.accepted < *self.limit)
    }
}

async fn spoof(limit: &RateLimit, target: &Target<'_>, header: &str) -> Result<Spoofed, Unobserved> {
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let mut request = limit.request.clone();
        request.headers.put(header, made_up_address());
        statuses.push(target.send(&request).await?.status);
    }
    Ok(Spoofed {
        header: header.to_owned(),
        statuses,
        control: target.send(&limit.request).await?.status,
    })
}

/// An address for documentation (RFC 5737): nobody's.
fn made_up_address() -> String {
    let [first, second, ..] = Uuid::new_v4().into_bytes();
    let net = ["192.0.2", "198.51.100", "203.0.113"][usize::from(first % 3)];
    format!("{net}.{second}")
}

fn as_other(request: &Request, other: &super::Other) -> Request {
    let mut request = request.clone();
    if other.bearer.is_some() || other.basic.is_some() {
        request.bearer.clone_from(&other.bearer);
        request.basic.clone_from(&other.basic);
    }
    for (name, value) in other.headers.iter() {
        request.headers.put(name, (**value).clone());
    }
    request
}

/// Asks again when the refusal says that it may, and where that was too early, when the window must be over.
async fn recover(
    limit: &RateLimit,
    target: &Target<'_>,
    tripped: Instant,
    said: Option<Duration>,
) -> Result<Recovered, Unobserved> {
    let window = limit.per.0 + SLACK / 4;
    let mut waits = vec![window];
    if let Some(said) = said.filter(|said| *said + SLACK / 4 < window) {
        waits.insert(0, said + SLACK / 4);
    }
    let mut since = tripped;
    let mut status = 0;
    for wait in waits {
        tokio::time::sleep(wait.saturating_sub(since.elapsed())).await;
        status = target.send(&limit.request).await?.status;
        if limit.meaning(status) == Meaning::Accepted {
            break;
        }
        // Some limiters count what they refuse: the window then begins anew.
        since = Instant::now();
    }
    let after_millis = u64::try_from(tripped.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(Recovered { after_millis, status })
}
