//! A response, read up to a bound, as plain data.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use reqwest::header::{CONTENT_LENGTH, SET_COOKIE};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use url::Url;

use crate::deployment::Unobserved;
use crate::suite::{ByteSize, Subject};

use super::encoding::Encoding;
use super::error::explain;

/// What came back.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// `HTTP/1.1`, `HTTP/2.0`.
    pub version: String,
    /// Header names (lower case) and values, in the order received; a name may stand more than once. Written down, cookies
    /// have no values: they open sessions.
    #[serde(serialize_with = "without_cookies")]
    pub headers: Vec<(String, String)>,
    /// Names and values of the cookies that it set, values as the server wrote them, quotes and all. Written down, they have
    /// no values.
    #[serde(serialize_with = "without_values")]
    pub cookies: Vec<(String, String)>,
    /// The body as text, decompressed; bytes that are not UTF-8 are replaced.
    pub body: String,
    /// Bytes of the body, decompressed: those read, or those announced where that is more.
    pub size: u64,
    /// The bound at which reading stopped, where the body was longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_at: Option<u64>,
    /// Redirects followed on the way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hops: Vec<Hop>,
    /// From the first byte sent to the last byte read, redirects included, in microseconds.
    pub micros: u64,
}

/// One redirect that was followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// The redirect's status.
    pub status: u16,
    /// Where it led.
    pub location: String,
}

impl Response {
    pub(super) async fn read(
        mut answer: reqwest::Response,
        bound: ByteSize,
        hops: Vec<Hop>,
        start: Instant,
        url: &Url,
    ) -> Result<Self, Unobserved> {
        let limit = usize::try_from(bound.0).unwrap_or(usize::MAX);
        let encoding = Encoding::of(answer.headers());
        let announced = answer
            .headers()
            .get(CONTENT_LENGTH)
            .filter(|_| encoding.is_none())
            .and_then(|value| value.to_str().ok()?.parse().ok());
        let (mut bytes, mut cut) = (Vec::new(), false);
        while let Some(chunk) = answer.chunk().await.map_err(|error| explain(&error, url))? {
            let room = limit - bytes.len();
            bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if chunk.len() > room {
                cut = true;
                break;
            }
        }
        if let Some(encoding) = encoding {
            (bytes, cut) = encoding
                .decode(&bytes, cut, limit)
                .map_err(|why| Unobserved::new(format!("the body of {} cannot be decoded: {why}", url.path())))?;
        }
        let cut_at = cut.then_some(bound.0);
        let headers: Vec<(String, String)> = answer
            .headers()
            .iter()
            .map(|(name, value)| {
                (
                    name.as_str().to_owned(),
                    String::from_utf8_lossy(value.as_bytes()).into_owned(),
                )
            })
            .collect();
        let read = bytes.len() as u64;
        Ok(Self {
            status: answer.status().as_u16(),
            version: format!("{:?}", answer.version()),
            cookies: set_cookies(&headers),
            headers,
            size: if cut_at.is_some() {
                read.max(announced.unwrap_or(0))
            } else {
                read
            },
            body: String::from_utf8(bytes)
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
            cut_at,
            hops,
            micros: u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX),
        })
    }

    /// The first value of the header `name`.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The value of the cookie `name` that the response set.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// A phrase that says why it is none.
    pub fn json(&self) -> Result<Value, String> {
        serde_json::from_str(&self.body).map_err(|error| match self.cut_at {
            Some(bound) => format!("a body longer than {}, cut there", ByteSize(bound)),
            None if self.body.trim().is_empty() => "an empty body".to_owned(),
            None => format!("not JSON ({error}): {}", self.body),
        })
    }

    /// What `capture` looks into.
    #[must_use]
    pub fn subject(&self) -> Subject<'_> {
        Subject {
            json: self.json().ok().map(Cow::Owned),
            headers: &self.headers,
            cookies: &self.cookies,
            text: &self.body,
        }
    }

    /// For a finding: `400: no signature`, or the status alone where nothing else was said.
    #[must_use]
    pub fn shown(&self) -> String {
        match self.body.trim() {
            "" => self.status.to_string(),
            body => format!("{}: {body}", self.status),
        }
    }

    /// How long the exchange took.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        Duration::from_micros(self.micros)
    }

    /// Whether the status is 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// A `Set-Cookie` line with its value left out.
#[must_use]
pub fn without_value(line: &str) -> String {
    let (pair, flags) = line.split_once(';').unwrap_or((line, ""));
    let name = pair.split_once('=').map_or(pair, |(name, _)| name);
    format!("{name}=…;{flags}")
}

fn without_cookies<S: Serializer>(headers: &[(String, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(headers.iter().map(|(name, value)| match name.as_str() {
        "set-cookie" => (name, Cow::Owned(without_value(value))),
        _ => (name, Cow::Borrowed(value.as_str())),
    }))
}

fn without_values<S: Serializer>(cookies: &[(String, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(cookies.iter().map(|(name, _)| (name, "…")))
}

fn set_cookies(headers: &[(String, String)]) -> Vec<(String, String)> {
    let lines = headers.iter().filter(|(name, _)| name == SET_COOKIE.as_str());
    lines
        .filter_map(|(_, line)| {
            let (name, value) = line.split(';').next()?.split_once('=')?;
            Some((name.trim().to_owned(), value.trim().to_owned()))
        })
        .collect()
}
