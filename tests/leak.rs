//! The kind `leak` against real servers: whole, and each promise broken once.

mod support;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::http::{StatusCode, Uri};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum::routing::get;
use support::{Project, Said, serve};

/// Joined here, so that no key stands in this file.
fn stripe_key() -> String {
    ["sk_live", "51HxAbCdEfGhIjKlMnOpQrSt"].join("_")
}

const SUITE: &str = r#"
[leak.site]
pages = ["/"]
contains = ["pk_live_", "https://api.shop.example"]
lacks = ["localhost", { matches = "sk_(live|test)_" }]
never = ["correct horse & battery"]
paths = ["/backup.zip"]
answers = ["/health"]
"#;

/// What one site serves; the rest is 404.
#[derive(Clone)]
struct Site {
    page: String,
    script: String,
    lazy: String,
    health: String,
    more: Vec<(&'static str, String)>,
}

impl Default for Site {
    fn default() -> Self {
        Self {
            page: "<!doctype html><script src=\"/assets/index.js\"></script><script src=\"https://js.stripe.com/v3/\"></script>"
                .to_owned(),
            script: "const k=\"pk_live_123\",u=\"https://api.shop.example\";import(\"./later.js\")".to_owned(),
            lazy: "export default 1".to_owned(),
            health: "{\"status\":\"healthy\",\"version\":\"2.4.1\"}".to_owned(),
            more: Vec::new(),
        }
    }
}

fn script(text: String) -> Response {
    ([(CONTENT_TYPE, "text/javascript")], text).into_response()
}

impl Site {
    fn run(self, suite: &str) -> Said {
        let Self {
            page,
            script: index,
            lazy,
            health,
            more,
        } = self;
        let mut router = Router::new()
            .route("/", get(|| async { Html(page) }))
            .route("/assets/index.js", get(|| async { script(index) }))
            .route("/assets/later.js", get(|| async { script(lazy) }))
            .route("/health", get(|| async { health }));
        for (path, text) in more {
            router = router.route(path, get(|| async { text }));
        }
        Project::http(&serve(router), suite).run()
    }

    #[track_caller]
    fn fails(self, parts: &[&str]) {
        let said = self.run(SUITE);
        said.exits(1).says(parts);
        assert_eq!(said.stdout.matches("expected:").count(), 1, "{}", said.stdout);
    }
}

#[test]
fn a_site_that_tells_nothing_passes() {
    Site::default().run(SUITE).exits(0);
}

#[test]
fn a_secret_is_found_and_never_shown_whole() {
    let site = Site {
        lazy: format!("1\nlet k=\"{}\"", stripe_key()),
        ..Site::default()
    };
    let said = site.run("[leak.site]\n");
    said.exits(1).says(&[
        "/assets/later.js, line 2",
        "a Stripe secret key (sk_live_51Hx…, 32 characters)",
    ]);
    assert!(!said.stdout.contains("51HxAbCd"), "{}", said.stdout);
}

#[test]
fn a_given_value_is_found_however_it_is_written() {
    for written in [
        "correct horse & battery",
        "Y29ycmVjdCBob3JzZSAmIGJhdHRlcnk=",
        "correct%20horse%20%26%20battery",
    ] {
        let mut site = Site::default();
        site.script += &format!(";x=\"{written}\"");
        site.fails(&["/assets/index.js, line 1", "a value that must not be there"]);
    }
}

#[test]
fn a_bundle_that_was_built_for_elsewhere_is_told() {
    let mut site = Site::default();
    site.script = site
        .script
        .replace("https://api.shop.example", "https://api.staging.example");
    site.fails(&[
        "contains \"https://api.shop.example\"",
        "not in 1 pages, 2 scripts and styles",
    ]);
    let mut site = Site::default();
    site.script += ";dev=\"http://localhost:8000\"";
    site.fails(&["lacks \"localhost\"", "in /assets/index.js, line 1"]);
}

#[test]
fn mixed_content_is_told() {
    let mut site = Site::default();
    site.page += "<img src=\"http://cdn.example/a.png\">";
    site.fails(&["no resource over http:// of another host", "http://cdn.example/a.png"]);
}

#[test]
fn a_source_map_is_told_and_may_be_allowed() {
    let site = Site {
        more: vec![("/assets/index.js.map", "{\"version\":3,\"mappings\":\"\"}".to_owned())],
        ..Site::default()
    };
    site.clone().fails(&["no source map", "/assets/index.js.map is served"]);
    site.run("[leak.site]\nsource_maps = true\n").exits(0);
}

#[test]
fn a_source_map_within_a_script_is_told_and_code_that_makes_one_is_none() {
    let mut site = Site::default();
    site.script += ";css+=\"/*# sourceMappingURL=data:application/json;base64,\".concat(btoa(map),\" */\")";
    site.clone().run("[leak.site]\n").exits(0);
    site.script +=
        "\n//# sourceMappingURL=data:application/json;charset=utf-8;base64,eyJ2ZXJzaW9uIjozLCJtYXBwaW5ncyI6IiJ9";
    site.clone()
        .fails(&["/assets/index.js", "no source map", "one is in it"]);
    site.run("[leak.site]\nsource_maps = true\n").exits(0);
}

#[test]
fn files_of_the_server_are_told() {
    for (path, text) in [
        ("/.env", "SECRET_KEY=abc\n"),
        ("/.git/config", "[core]\n\tbare = false\n"),
        ("/backup.zip", "PK"),
    ] {
        let site = Site {
            more: vec![(path, text.to_owned())],
            ..Site::default()
        };
        site.fails(&[path, "not served"]);
    }
}

#[test]
fn answers_that_tell_of_the_inside_are_told() {
    for (health, what) in [
        ("{\"db\":\"pg-main:5432\"}", "a host behind the server: pg-main:5432"),
        ("{\"error\":\"connect ECONNREFUSED\"}", "an error text of a driver"),
        ("Error: x\\n    at run (/srv/app.js:1:2)", "a stack trace"),
        ("{\"node_version\":\"20.11.1\"}", "a version of what it runs on"),
    ] {
        let site = Site {
            health: health.to_owned(),
            ..Site::default()
        };
        let said = site.run(SUITE);
        said.exits(1).says(&["GET /health", what]);
    }
}

/// An address that only leads to another one serves what that one serves.
#[test]
fn what_is_served_behind_a_redirect_is_told() {
    let site = Router::new()
        .route("/", get(|| async { Html("<!doctype html>") }))
        .route("/.env", get(|| async { "SECRET_KEY=abc\n" }));
    let behind = serve(site);
    let redirect =
        Router::new().fallback(move |uri: Uri| async move { Redirect::permanent(&format!("{behind}{uri}")) });
    Project::http(&serve(redirect), "[leak.site]\n")
        .run()
        .exits(1)
        .says(&["/.env", "not served"]);
}

#[test]
fn an_answer_of_a_proxy_tells_nothing_of_the_service() {
    let router = Router::new().fallback(|| async { StatusCode::BAD_GATEWAY });
    Project::http(&serve(router), "[leak.site]\nusual = false\nanswers = [\"/health\"]\n")
        .run()
        .exits(3)
        .says(&["GET /health", "status 502"]);
}

/// A front end answers every path with its page: that is not `.env`.
#[test]
fn a_page_for_every_path_leaks_nothing() {
    let router = Router::new().fallback(|| async { Html("<!doctype html><title>Shop</title>") });
    Project::http(&serve(router), "[leak.site]\npaths = [\"/backup.zip\"]\n")
        .run()
        .exits(0);
}

#[test]
fn what_could_not_be_looked_at_is_unclear() {
    let router = Router::new().fallback(|| async { StatusCode::SERVICE_UNAVAILABLE });
    Project::http(&serve(router), "[leak.site]\npages = [\"/\"]\n")
        .run()
        .exits(3);
}
