//! What a Content-Security-Policy forbids.

/// The policies of an answer: each forbids what it forbids.
pub(super) struct Policies(Vec<Vec<Directive>>);

struct Directive {
    name: String,
    sources: Vec<String>,
}

impl Policies {
    /// Reads the value of the header; several of them are joined by commas.
    pub(super) fn read(header: &str) -> Self {
        let directive = |text: &str| {
            let mut words = text.split_whitespace().map(str::to_ascii_lowercase);
            Some(Directive {
                name: words.next()?,
                sources: words.collect(),
            })
        };
        let policy = |text: &str| text.split(';').filter_map(directive).collect();
        Self(header.split(',').map(policy).collect())
    }

    /// Each policy's sources for the first of `names` that it has.
    fn sources<'a>(&'a self, names: &'a [&str]) -> impl Iterator<Item = &'a [String]> {
        self.0.iter().filter_map(move |policy| {
            let named = |name: &&str| policy.iter().find(|directive| directive.name == *name);
            names
                .iter()
                .find_map(named)
                .map(|directive| directive.sources.as_slice())
        })
    }

    /// Whether one of them says which scripts may run.
    pub(super) fn restricts_scripts(&self) -> bool {
        self.sources(&["script-src", "default-src"]).next().is_some()
    }

    /// What lets foreign scripts in, in spite of the strictest of them: as elements of the page, or in any other way.
    pub(super) fn holes(&self) -> Vec<String> {
        let of = |names: &[&str]| {
            let all = self.sources(names).map(holes);
            all.min_by_key(Vec::len).unwrap_or_default()
        };
        let mut found = of(&["script-src", "default-src"]);
        for hole in of(&["script-src-elem", "script-src", "default-src"]) {
            if !found.contains(&hole) {
                found.push(hole);
            }
        }
        found
    }

    /// Whether they say who may frame the page, and whether that is not everybody.
    pub(super) fn frames(&self) -> Option<bool> {
        let mut strict = self
            .sources(&["frame-ancestors"])
            .map(|sources| !sources.iter().any(|source| is_any_host(source)));
        let first = strict.next()?;
        Some(first || strict.any(|strict| strict))
    }
}

/// `*`, `https:`, `https://*`, `*:443`: whoever serves it.
fn is_any_host(source: &str) -> bool {
    let host = source.split_once("://").map_or(source, |(_, host)| host);
    matches!(source, "http:" | "https:") || host.split([':', '/']).next() == Some("*")
}

fn holes(sources: &[String]) -> Vec<String> {
    let has = |word: &str| sources.iter().any(|source| source == word);
    let dynamic = has("'strict-dynamic'");
    let hashed = ["'nonce-", "'sha256-", "'sha384-", "'sha512-"];
    let named = sources
        .iter()
        .any(|source| hashed.iter().any(|start| source.starts_with(start)));
    let is_hole = |source: &&String| match source.as_str() {
        "'unsafe-eval'" => true,
        // Browsers ignore it beside a nonce or a hash.
        "'unsafe-inline'" => !named && !dynamic,
        "data:" | "blob:" => !dynamic,
        source => is_any_host(source) && !dynamic,
    };
    sources.iter().filter(is_hole).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_found_where_scripts_are_let_in() {
        let holes = |header: &str| Policies::read(header).holes().join(" ");
        assert_eq!(holes("default-src 'self'"), "");
        assert_eq!(holes("default-src *; script-src 'self'"), "");
        assert_eq!(holes("default-src 'self' https:"), "https:");
        for any in ["*", "https://*", "http://*:443", "*:*", "https://*/js/"] {
            assert_eq!(holes(&format!("script-src {any}")), any);
            assert_eq!(Policies::read(&format!("frame-ancestors {any}")).frames(), Some(false));
        }
        assert_eq!(holes("script-src https://*.cdn.example"), "");
        assert_eq!(holes("default-src 'self'; script-src-elem *"), "*");
        assert_eq!(
            holes("script-src 'self' 'unsafe-inline' 'unsafe-eval'"),
            "'unsafe-inline' 'unsafe-eval'"
        );
        assert_eq!(holes("script-src 'unsafe-inline' 'nonce-abc'"), "");
        assert_eq!(
            holes("script-src 'strict-dynamic' 'nonce-abc' https: 'unsafe-inline'"),
            ""
        );
        // A second policy can only forbid more.
        assert_eq!(holes("script-src *, script-src 'self'"), "");
        assert!(!Policies::read("img-src 'self'").restricts_scripts());
    }

    #[test]
    fn frames_are_told() {
        let frames = |header: &str| Policies::read(header).frames();
        assert_eq!(frames("default-src 'self'"), None);
        assert_eq!(frames("frame-ancestors 'none'"), Some(true));
        assert_eq!(frames("Frame-Ancestors https:"), Some(false));
        assert_eq!(frames("frame-ancestors *, frame-ancestors 'self'"), Some(true));
    }
}
