//! One HTTP client for a run, and what was sent through it.
//!
//! No redirect is followed and no cookie kept unless a check asks for it. Bodies are read up to a bound. TLS is verified
//! against the system's certificates (`SSL_CERT_FILE` names others); HTTP/2 is spoken where the server offers it.

mod encoding;
mod error;
mod expect;
mod jar;
mod ledger;
mod request;
mod response;
mod status;

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use reqwest::header::{ACCEPT_ENCODING, AUTHORIZATION, COOKIE, HeaderValue, LOCATION};
use reqwest::{Client, Method, StatusCode, redirect};
use rustls::{ClientConfig, RootCertStore};
use url::Url;

use super::{Target, Unobserved};

pub use expect::Expect;
pub use jar::Jar;
pub use ledger::Identity;
use ledger::Ledger;
pub use request::{Basic, Request};
pub use response::{Hop, Response, without_value};
pub use status::Statuses;

/// One HTTP endpoint: a base URL.
#[derive(Debug)]
pub struct Site {
    base: Url,
    ledger: Ledger,
}

/// How many redirects `follow = true` follows.
const HOPS: u32 = 10;

impl Site {
    /// The site at `address`, an `http://` or `https://` URL.
    ///
    /// # Errors
    /// When it is not one.
    pub fn new(address: &str) -> Result<Self, String> {
        let base = Url::parse(address).map_err(|error| format!("not a URL ({error})"))?;
        if !matches!(base.scheme(), "http" | "https") || base.host().is_none() {
            return Err("not an http:// or https:// URL".to_owned());
        }
        Ok(Self {
            base,
            ledger: Ledger::default(),
        })
    }

    /// The base URL without credentials.
    #[must_use]
    pub fn address(&self) -> String {
        let mut shown = self.base.clone();
        let _ = shown.set_password(None);
        let _ = shown.set_username("");
        shown.as_str().trim_end_matches('/').to_owned()
    }

    /// The password in the address, if there is one.
    #[must_use]
    pub fn password(&self) -> Option<String> {
        self.base.password().map(str::to_owned)
    }

    /// How many requests of the run went to paths that start with `path` within the last `window`: of anyone, or of `who`.
    #[must_use]
    pub fn spent(&self, path: &str, window: Duration, who: Option<Identity>) -> usize {
        let base = self.base.path().trim_end_matches('/');
        self.ledger.spent(&format!("{base}{path}"), window, who)
    }

    /// `path` below the base URL; an absolute URL stands for itself.
    ///
    /// # Errors
    /// When that is no URL.
    pub fn url(&self, path: &str) -> Result<Url, Unobserved> {
        if path.starts_with("http://") || path.starts_with("https://") {
            return Url::parse(path).map_err(|error| Unobserved::new(format!("{path} is not a URL: {error}")));
        }
        let (path, query) = path
            .split_once('?')
            .map_or((path, None), |(path, query)| (path, Some(query)));
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        url.set_query(query);
        Ok(url)
    }
}

impl Target<'_> {
    /// Sends `request`, following redirects as far as it says, with the cookies of this check.
    ///
    /// # Errors
    /// When no complete response came.
    pub async fn send(&self, request: &Request) -> Result<Response, Unobserved> {
        let site = self.http()?;
        let (method, path) = request.method_and_path();
        let mut url = site.url(path)?;
        request.add_query(&mut url);
        let (mut method, mut with_body, mut hops) = (method, true, Vec::new());
        let start = Instant::now();
        loop {
            let same_origin = hops.is_empty() || url.origin() == site.base.origin();
            let answer = self
                .send_once(site, request, &method, &url, with_body, same_origin)
                .await?;
            let next = redirect_target(&answer, &url);
            if let Some(next) = next.filter(|_| hops.len() < request.hops() as usize) {
                hops.push(Hop {
                    status: answer.status().as_u16(),
                    location: next.to_string(),
                });
                if method != Method::HEAD
                    && answer.status() != StatusCode::TEMPORARY_REDIRECT
                    && answer.status() != StatusCode::PERMANENT_REDIRECT
                {
                    (method, with_body) = (Method::GET, false);
                }
                url = next;
                continue;
            }
            return Response::read(answer, request.body_bound(), hops, start, &url).await;
        }
    }

    async fn send_once(
        &self,
        site: &Site,
        request: &Request,
        method: &Method,
        url: &Url,
        with_body: bool,
        same_origin: bool,
    ) -> Result<reqwest::Response, Unobserved> {
        let ready = self.build(request, method, url, with_body, same_origin)?;
        let headers = ready.headers();
        let number = site.ledger.note(
            url.path(),
            Identity::of(headers.get(AUTHORIZATION), headers.get(COOKIE)),
        );
        let client = client_for(url, request.http2)?;
        // A server may close a connection that it has kept open just when it is used again: a browser asks once more.
        let again = if method.is_safe() { ready.try_clone() } else { None };
        let answer = match (client.execute(ready).await, again) {
            (Err(error), Some(again)) if error::closed(&error) => client.execute(again).await,
            (answer, _) => answer,
        };
        let answer = answer.map_err(|error| error::explain(&error, url))?;
        site.ledger.answered(number);
        self.jar().borrow_mut().store(answer.headers(), url);
        Ok(answer)
    }

    /// Who `request` would be sent as.
    ///
    /// # Errors
    /// When it cannot be sent.
    pub fn identity(&self, request: &Request) -> Result<Identity, Unobserved> {
        let (method, path) = request.method_and_path();
        let url = self.http()?.url(path)?;
        let ready = self.build(request, &method, &url, false, true)?;
        Ok(Identity::of(
            ready.headers().get(AUTHORIZATION),
            ready.headers().get(COOKIE),
        ))
    }

    fn build(
        &self,
        request: &Request,
        method: &Method,
        url: &Url,
        with_body: bool,
        same_origin: bool,
    ) -> Result<reqwest::Request, Unobserved> {
        let mut builder = client_for(url, request.http2)?.request(method.clone(), url.clone());
        builder = request.add_headers(builder, same_origin);
        if !request.has_header(ACCEPT_ENCODING.as_str()) {
            builder = builder.header(ACCEPT_ENCODING, encoding::ACCEPTED);
        }
        if with_body {
            builder = request.add_body(builder);
        }
        if let Some(cookies) = self
            .jar()
            .borrow()
            .header(url)
            .and_then(|text| HeaderValue::from_str(&text).ok())
        {
            builder = builder.header(COOKIE, cookies);
        }
        builder
            .build()
            .map_err(|error| Unobserved::new(format!("{url} cannot be asked: {}", error::sentence(&error))))
    }
}

fn redirect_target(answer: &reqwest::Response, from: &Url) -> Option<Url> {
    if !answer.status().is_redirection() {
        return None;
    }
    from.join(answer.headers().get(LOCATION)?.to_str().ok()?).ok()
}

/// The client for `url`. Plain HTTP gets one that never loads the system's certificates: that alone takes longer than a
/// whole check.
fn client_for(url: &Url, http2: bool) -> Result<&'static Client, Unobserved> {
    static PLAIN: LazyLock<Result<Client, String>> = LazyLock::new(|| build(false, false));
    static PLAIN_H2: LazyLock<Result<Client, String>> = LazyLock::new(|| build(false, true));
    static TLS: LazyLock<Result<Client, String>> = LazyLock::new(|| build(true, false));
    let client = match (url.scheme(), http2) {
        ("https", _) => &*TLS,
        (_, true) => &*PLAIN_H2,
        (_, false) => &*PLAIN,
    };
    client
        .as_ref()
        .map_err(|error| Unobserved::new(format!("no HTTP client: {error}")))
}

fn build(tls: bool, http2: bool) -> Result<Client, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut builder = Client::builder()
        .user_agent(concat!("smoke/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .no_proxy();
    if tls {
        // Fails only where another provider is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    } else {
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        builder = builder.tls_backend_preconfigured(config);
    }
    if http2 {
        builder = builder.http2_prior_knowledge();
    }
    builder.build().map_err(|error| error.to_string())
}
