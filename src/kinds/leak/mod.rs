//! `leak`: what is served to everyone holds nothing that is not meant for everyone.

mod asked;
mod judge;
mod observe;
mod page;
mod revealing;
mod suspects;

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::deployment::http::Request;
use crate::deployment::secrets::{Leaked, Sought};
use crate::deployment::{Protocol, Target, Unobserved};
use crate::outcome::{Effect, Finding};
use crate::suite::{Needle, Problem, Spanned, is_placeholder};

use super::Kind;

/// No secret, source map, `.env`, `.git`, stack trace or host name is served to everyone; a front end was built for here.
///
/// What a build puts into a bundle everybody can read, and a build takes what its environment holds: a secret key behind
/// the wrong prefix, the address of a developer's machine. A web server that serves its folder serves `.env` and `.git`
/// too. An error handler that was meant for development answers strangers with paths and hosts. None of it is visible
/// to who uses the page; so look for it after each deploy.
///
/// ```toml
/// [leak.site]
/// pages = ["/", "/login"]
/// contains = ["pk_live_", "https://api.example.com"]
/// lacks = ["localhost", "127.0.0.1", { matches = "sk_(live|test)_" }]
/// never = ["{{ env.STRIPE_WEBHOOK_SECRET }}"]
/// paths = ["/backup.tar.gz", "/admin/export.csv"]
/// answers = ["/health", "/no-such-page", { post = "/api/login", body = "{" }]
/// ```
///
/// Keys (all optional; without any, `/` and the usual places are looked at):
///
///   pages        pages that are read with all scripts and styles of the same origin that they, or their scripts, refer to;
///                default ["/"]. A page that is named must be there.
///   assets       false: read the pages alone, not their scripts and styles
///   secrets      false: do not look for secrets by their form. They are Stripe's keys and webhook secrets, a Supabase
///                service_role key, keys of AWS, GitHub, GitLab, Slack, Shopify, OpenAI and Anthropic, a Google OAuth
///                secret, private keys, passwords in addresses (postgres://user:password@host). An anonymous key of
///                Supabase and a browser's key of Google are made to be published.
///   never        values that must stand nowhere, neither as they are nor in base64, hex, or escaped
///   contains     what a page or a script must have in it, each at least once
///   lacks        what none of them, and none of the answers, may have in it; { matches = "regex" } for a pattern
///   mixed        false: allow resources over http:// of other hosts (a page over https cannot load them)
///   source_maps  true: allow source maps to be served, or to be in a script; without it none may be
///   usual        false: do not try the usual places (/.env, /.git/config, /actuator/env, /backup.sql …). A server that
///                answers every path alike leaks nothing: what comes must look like what belongs there.
///   paths        further paths that must not be served
///   answers      answers that must tell nothing of the inside: no stack trace, no path of the server's disk, no private
///                address or host:port, no version of a server or runtime, no error text of a driver. A path, or a
///                request as in `http`.
///   allow        what may stand there all the same: text, or { matches = "regex" }, in what would be reported
///
/// What is found is shown by its kind, its first characters, its length and its line; never whole.
///
/// Everything is GET, except what `answers` sends; a request there that is not GET, HEAD or OPTIONS writes, and needs an
/// environment that allows it (`effect = "read"` declares one that only asks).
///
/// A failure:
///
///   FAILED  leak.site
///     suites/app.toml:1:7
///       /assets/index-4f2a.js, line 1   expected: no secret   seen: a Stripe secret key (sk_live_51Hx…, 107 characters)
///       try: revoke it, since it was public; then keep it out of the variables that the front end's build reads
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Leak {
    /// Pages that are read with their scripts and styles.
    pages: Option<Vec<Spanned<String>>>,
    /// Read the scripts and styles too.
    #[serde(default = "yes")]
    assets: bool,
    /// Look for secrets by their form.
    #[serde(default = "yes")]
    secrets: bool,
    /// Values that must stand nowhere.
    #[serde(default)]
    never: Vec<Spanned<String>>,
    /// What a page or a script must have in it.
    #[serde(default)]
    contains: Vec<Spanned<Needle>>,
    /// What none of them may have in it.
    #[serde(default)]
    lacks: Vec<Spanned<Needle>>,
    /// No resource over http:// of another host.
    #[serde(default = "yes")]
    mixed: bool,
    /// Allow source maps.
    #[serde(default)]
    source_maps: bool,
    /// Try the usual places.
    #[serde(default = "yes")]
    usual: bool,
    /// Further paths that must not be served.
    #[serde(default)]
    paths: Vec<Spanned<String>>,
    /// Answers that must tell nothing of the inside.
    #[serde(default)]
    answers: Vec<Spanned<asked::Asked>>,
    /// What may stand there all the same.
    #[serde(default)]
    allow: Vec<Needle>,
}

fn yes() -> bool {
    true
}

/// What was served, without what it held.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Seen {
    /// The status of a path that cannot exist.
    control: u16,
    documents: Vec<Document>,
    suspects: Vec<Suspect>,
    /// How many scripts and styles come from other hosts, and were not read.
    elsewhere: usize,
    /// How many were left out because there were too many.
    left_out: usize,
}

/// Where a document comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Role {
    Page,
    Asset,
    Answer,
}

/// A page, a script, a style, an answer.
#[derive(Debug, Serialize, Deserialize)]
struct Document {
    /// Its path, or `POST /path`.
    name: String,
    role: Role,
    /// Which of the pages or answers it is.
    #[serde(default)]
    index: usize,
    status: u16,
    /// Whether it was longer than is read.
    cut: bool,
    leaked: Vec<Leaked>,
    /// Which of `contains` stand in it.
    contains: Vec<usize>,
    /// Which of `lacks` stand in it, and on which line.
    lacks: Vec<(usize, usize)>,
    /// Resources over http:// of other hosts.
    mixed: Vec<String>,
    /// Where its source map is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    map: Option<String>,
    /// What it tells of the inside: what that is, and the place.
    reveals: Vec<(String, String)>,
}

impl Document {
    fn is_there(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// A path that must not be served.
#[derive(Debug, Serialize, Deserialize)]
struct Suspect {
    path: String,
    /// Which of `paths` it is; none for a usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    named: Option<usize>,
    status: u16,
    /// Whether what came is what belongs there.
    genuine: bool,
}

impl Kind for Leak {
    const NAME: &'static str = "leak";
    const SPEAKS: Option<Protocol> = Some(Protocol::Http);
    type Seen = Seen;

    fn effect(&self) -> Effect {
        let effects = self.answers.iter().map(|asked| asked.0.effect());
        effects.max().unwrap_or(Effect::Read)
    }

    fn mistakes(&self) -> Vec<Problem> {
        let mut problems: Vec<Problem> = self.never.iter().filter_map(too_short).collect();
        let pages = self.pages.iter().flatten();
        for path in pages.chain(&self.paths).filter(|path| !path.starts_with('/')) {
            let message = format!("`{}` is not a path", path.as_str());
            problems.push(Problem::at(path.span(), message).hint("a path starts with `/`"));
        }
        problems.extend(self.answers.iter().flat_map(|asked| asked.0.mistakes()));
        if self.page_list().is_empty()
            && let Some(first) = self.contains.first()
        {
            problems.push(Problem::at(
                first.span(),
                "`contains` is about pages, and there are none",
            ));
        }
        problems
    }

    fn expects_nothing(&self) -> bool {
        let reads = !self.page_list().is_empty() || !self.answers.is_empty();
        let of_text = self.secrets
            || self.mixed
            || !self.source_maps
            || !(self.never.is_empty() && self.contains.is_empty() && self.lacks.is_empty() && self.answers.is_empty());
        !(self.usual || !self.paths.is_empty() || reads && of_text)
    }

    fn steps(&self) -> Vec<String> {
        let mut steps = Vec::new();
        for (_, page) in self.page_list() {
            let assets = if self.assets {
                ", and its scripts and styles"
            } else {
                ""
            };
            steps.push(format!("GET {page}{assets}"));
        }
        if self.usual {
            steps.push(format!("GET {} usual places, such as /.env", suspects::USUAL.len()));
        }
        steps.extend(self.paths.iter().map(|path| format!("GET {}", path.as_str())));
        steps.extend(self.answers.iter().flat_map(|asked| asked.0.steps()));
        steps.push(format!("GET {}, which cannot exist", suspects::CONTROL));
        steps
    }

    async fn observe(&self, target: &Target<'_>) -> Result<Seen, Unobserved> {
        observe::look(self, target).await
    }

    fn judge(&self, seen: &Seen) -> Vec<Finding> {
        judge::all(self, seen)
    }
}

fn too_short(value: &Spanned<String>) -> Option<Problem> {
    (!is_placeholder(value) && !Sought::is_telling(value)).then(|| {
        Problem::at(value.span(), "a value so short is found by chance")
            .hint("give a secret of at least eight characters, or use `lacks`")
    })
}

impl Leak {
    /// Each page and its place in the suite, where it was named.
    fn page_list(&self) -> Vec<(Option<Range<usize>>, &str)> {
        match &self.pages {
            Some(pages) => pages.iter().map(|page| (Some(page.span()), page.as_str())).collect(),
            None => vec![(None, "/")],
        }
    }

    fn allows(&self, text: &str) -> bool {
        self.allow.iter().any(|needle| needle.is_in(text))
    }

    /// Redirects are followed: an address that only leads to another (`www.`) serves what that one serves.
    fn request(path: &str) -> Request {
        Request {
            max_body: Some(crate::suite::ByteSize(8 << 20)),
            follow: Some(true.into()),
            ..Request::get(path)
        }
    }
}

#[cfg(test)]
mod tests;
