//! The flags of cookies.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::outcome::Finding;

use super::Seen;

/// Flags that cookies must have.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Flags {
    /// Sent over https only.
    secure: Option<bool>,
    /// Out of reach for scripts.
    http_only: Option<bool>,
    /// The values of SameSite that will do.
    same_site: Option<OneOrMany>,
    /// The cookies that are meant; all unless given.
    of: Vec<String>,
}

/// `"Lax"` or `["Lax", "Strict"]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
enum OneOrMany {
    One(SameSite),
    Many(Vec<SameSite>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
enum SameSite {
    Strict,
    Lax,
    None,
}

impl SameSite {
    fn name(self) -> &'static str {
        match self {
            Self::Strict => "Strict",
            Self::Lax => "Lax",
            Self::None => "None",
        }
    }
}

impl Flags {
    pub(super) fn is_empty(&self) -> bool {
        self.secure.is_none() && self.http_only.is_none() && self.same_site.is_none()
    }

    /// Of each cookie that is meant each flag that is asked for.
    pub(super) fn judge(&self, seen: &Seen) -> Vec<Finding> {
        let set: Vec<Cookie> = seen.all("set-cookie").map(Cookie::read).collect();
        let absent = self
            .of
            .iter()
            .filter(|name| !set.iter().any(|cookie| cookie.name == name.as_str()));
        let mut findings: Vec<Finding> = absent
            .map(|name| Finding::unclear(format!("cookie {name}"), "to be set", "the answer does not set it"))
            .collect();
        if set.is_empty() && self.of.is_empty() {
            findings.push(
                Finding::unclear("cookies", "at least one", "the answer sets none")
                    .hint("ask what sets the cookie, such as the login"),
            );
        }
        let meant = |cookie: &&Cookie| self.of.is_empty() || self.of.iter().any(|name| name == cookie.name);
        findings.extend(set.iter().filter(meant).flat_map(|cookie| self.judge_one(cookie)));
        findings
    }

    fn judge_one(&self, cookie: &Cookie) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut flag = |name: &str, wanted: Option<bool>, set: bool, hint: &str| {
            if let Some(wanted) = wanted {
                let say = |set: bool| if set { name.to_owned() } else { format!("not {name}") };
                let finding = Finding::expect(set == wanted, cookie.what(), say(wanted), say(set));
                findings.push(if wanted { finding.hint(hint) } else { finding });
            }
        };
        flag(
            "Secure",
            self.secure,
            cookie.secure,
            "without it the cookie also travels over http, for all to read",
        );
        flag(
            "HttpOnly",
            self.http_only,
            cookie.http_only,
            "without it every script on the page can read it",
        );
        let allowed: &[SameSite] = match &self.same_site {
            None => return findings,
            Some(OneOrMany::One(one)) => std::slice::from_ref(one),
            Some(OneOrMany::Many(many)) => many,
        };
        let names: Vec<&str> = allowed.iter().map(|value| value.name()).collect();
        let seen = cookie.same_site.unwrap_or("no SameSite");
        let listed = names.iter().any(|name| name.eq_ignore_ascii_case(seen));
        let expected = format!("SameSite {}", names.join(" or "));
        findings.push(if listed && seen.eq_ignore_ascii_case("None") && !cookie.secure {
            Finding::failed(cookie.what(), expected, "SameSite None without Secure")
                .hint("browsers drop such a cookie: set Secure")
        } else {
            Finding::expect(listed, cookie.what(), expected, seen)
        });
        findings
    }
}

/// A `Set-Cookie` line.
struct Cookie<'a> {
    name: &'a str,
    secure: bool,
    http_only: bool,
    same_site: Option<&'a str>,
}

impl<'a> Cookie<'a> {
    fn read(line: &'a str) -> Self {
        let mut parts = line.split(';').map(str::trim);
        let pair = parts.next().unwrap_or_default();
        let mut cookie = Self {
            name: pair.split_once('=').map_or(pair, |(name, _)| name).trim(),
            secure: false,
            http_only: false,
            same_site: None,
        };
        for part in parts {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            match key.trim().to_ascii_lowercase().as_str() {
                "secure" => cookie.secure = true,
                "httponly" => cookie.http_only = true,
                "samesite" => cookie.same_site = Some(value.trim()),
                _ => {}
            }
        }
        cookie
    }

    fn what(&self) -> String {
        format!("cookie {}", self.name)
    }
}
