//! What a page, a script or a style refers to.

use std::sync::LazyLock;

use regex::Regex;
use url::Url;

fn regex(text: &str) -> Option<Regex> {
    Regex::new(text).ok()
}

/// Scripts and styles that the page loads.
pub(super) fn of_page(html: &str, base: &Url) -> Vec<Url> {
    static TAGS: LazyLock<Option<Regex>> = LazyLock::new(|| {
        regex(r#"(?is)<(?:script\b[^>]*?\bsrc|link\b[^>]*?\bhref)\s*=\s*["']?([^"'\s>]+)["']?[^>]*>"#)
    });
    let found = TAGS.iter().flat_map(|tags| tags.captures_iter(html));
    found
        .filter(|found| {
            let tag = found[0].to_ascii_lowercase();
            tag.starts_with("<script")
                || tag.contains("stylesheet")
                || tag.contains("modulepreload")
                || is_script(&found[1])
        })
        .filter_map(|found| base.join(&found[1].replace("&amp;", "&")).ok())
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .collect()
}

/// Scripts that a script names: the parts of a bundle that are loaded later.
pub(super) fn of_script(script: &str, own: &Url) -> Vec<Url> {
    static NAMES: LazyLock<Option<Regex>> =
        LazyLock::new(|| regex(r#"["'`]((?:\.{0,2}/)?[\w@~][\w@~./-]*\.m?js)["'`]"#));
    let found = NAMES.iter().flat_map(|names| names.captures_iter(script));
    found
        .flat_map(|found| {
            let name = found[1].to_owned();
            // Vite lists them from the root of the site, others beside the script.
            let beside = own.join(&name).ok();
            let from_root = (!name.starts_with(['/', '.']))
                .then(|| own.join(&format!("/{name}")).ok())
                .flatten();
            beside.into_iter().chain(from_root)
        })
        .collect()
}

fn is_script(path: &str) -> bool {
    let path = path.split(['?', '#']).next().unwrap_or(path).to_ascii_lowercase();
    [".js", ".mjs", ".css"].iter().any(|end| path.ends_with(end))
}

/// Resources over http:// of another origin than the page's.
pub(super) fn mixed(text: &str, own: &Url) -> Vec<String> {
    static LOADS: LazyLock<Option<Regex>> = LazyLock::new(|| {
        regex(concat!(
            r#"(?is)<(?:script|img|iframe|audio|video|source|embed|track|object)\b[^>]*?\b(?:src|data)\s*=\s*["']?(http://[^"'\s>]+)"#,
            r#"|<link\b[^>]*?\bhref\s*=\s*["']?(http://[^"'\s>]+)|<form\b[^>]*?\baction\s*=\s*["']?(http://[^"'\s>]+)"#,
            r#"|\burl\(\s*["']?(http://[^"'\s)]+)|@import\s+["'](http://[^"']+)"#
        ))
    });
    let mut found: Vec<String> = Vec::new();
    for hit in LOADS.iter().flat_map(|loads| loads.captures_iter(text)) {
        let Some(address) = hit.iter().skip(1).flatten().next() else {
            continue;
        };
        let Ok(mut url) = Url::parse(address.as_str()) else {
            continue;
        };
        if url.origin() != own.origin() {
            url.set_query(None);
            let _ = url.set_password(None);
            found.push(url.to_string());
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Where the source map of a script or style would be: where it says, and where it usually is.
pub(super) fn maps(text: &str, own: &Url) -> Vec<Url> {
    static SAYS: LazyLock<Option<Regex>> = LazyLock::new(|| regex(r"[#@]\s*sourceMappingURL=([^\s*'\x22]+)"));
    let says = SAYS.iter().flat_map(|says| says.captures_iter(text)).last();
    let says = says.and_then(|found| own.join(&found[1]).ok());
    let mut usual = own.clone();
    usual.set_path(&format!("{}.map", own.path()));
    usual.set_query(None);
    let mut urls: Vec<Url> = says.into_iter().filter(|url| url.origin() == own.origin()).collect();
    if !urls.contains(&usual) {
        urls.push(usual);
    }
    urls
}

/// Whether a script or style carries its source map within itself, in base64. What code writes before a map that it makes is
/// none.
pub(super) fn carries_map(text: &str) -> bool {
    static INLINE: LazyLock<Option<Regex>> =
        LazyLock::new(|| regex(r"[#@]\s*sourceMappingURL=data:application/json[^,\s]*;base64,eyJ[A-Za-z0-9+/]{16}"));
    INLINE.as_ref().is_some_and(|inline| inline.is_match(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here() -> Url {
        Url::parse("https://shop.example/start").unwrap()
    }

    fn texts(urls: &[Url]) -> Vec<&str> {
        urls.iter().map(Url::as_str).collect()
    }

    #[test]
    fn a_pages_scripts_and_styles_are_found() {
        let html = r#"<link rel="icon" href="/favicon.ico"><LINK rel=stylesheet href=/a.css>
            <script type="module" crossorigin src="/assets/index-1.js"></script><link rel="modulepreload" href="/assets/v.js">
            <script src='https://js.stripe.com/v3/'></script><script>1</script>"#;
        assert_eq!(
            texts(&of_page(html, &here())),
            [
                "https://shop.example/a.css",
                "https://shop.example/assets/index-1.js",
                "https://shop.example/assets/v.js",
                "https://js.stripe.com/v3/"
            ]
        );
    }

    #[test]
    fn the_later_parts_of_a_bundle_are_found() {
        let own = Url::parse("https://shop.example/assets/index.js").unwrap();
        let script = r#"import("./Admin-2.js"),m(["assets/Cart-3.js"])"#;
        assert_eq!(
            texts(&of_script(script, &own)),
            [
                "https://shop.example/assets/Admin-2.js",
                "https://shop.example/assets/assets/Cart-3.js",
                "https://shop.example/assets/Cart-3.js"
            ]
        );
    }

    #[test]
    fn resources_over_http_are_mixed_content_and_links_are_not() {
        let html = r#"<a href="http://other.example/">x</a><img src="http://cdn.example/a.png?x=1"><img src="/b.png">
            <style>a{background:url(http://cdn.example/c.png)}</style>"#;
        assert_eq!(
            mixed(html, &here()),
            ["http://cdn.example/a.png", "http://cdn.example/c.png"]
        );
    }
}
