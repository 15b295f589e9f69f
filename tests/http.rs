//! The kind `http` against a real server: each promise kept once and broken once.

mod support;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, COOKIE, HOST, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Form, Json};
use serde_json::{Value, json};
use support::{Project, serve};

fn headers(pairs: &[(HeaderName, &'static str)], body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    for (name, value) in pairs {
        response.headers_mut().append(name.clone(), value.parse().unwrap());
    }
    response
}

/// What a request carried, as JSON.
async fn echo(request: Request) -> Json<Value> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let text = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    Json(json!({
        "method": parts.method.as_str(),
        "path": parts.uri.path(),
        "query": parts.uri.query(),
        "body": String::from_utf8_lossy(&body),
        "type": text("content-type"),
        "authorization": text("authorization"),
        "cookie": text("cookie"),
        "custom": text("x-custom"),
        "version": format!("{:?}", parts.version),
    }))
}

/// "hello hello …", gzipped by hand: `python3 -c "import gzip; print(list(gzip.compress(b'hello', mtime=0)))"`.
const GZIP_HELLO: [u8; 25] = [
    31, 139, 8, 0, 0, 0, 0, 0, 2, 255, 203, 72, 205, 201, 201, 7, 0, 134, 166, 16, 54, 5, 0, 0, 0,
];
/// "hello" as a stored brotli block.
const BROTLI_HELLO: [u8; 9] = [0x0b, 0x02, 0x80, b'h', b'e', b'l', b'l', b'o', 0x03];

fn site() -> String {
    let router = Router::new()
        .route(
            "/health",
            get(|| async { Json(json!({ "status": "healthy", "uptime": 12.5, "items": [] })) }),
        )
        .route("/echo", any(echo))
        .route("/echo/{*rest}", any(echo))
        .route("/moved", get(|| async { (StatusCode::FOUND, [(LOCATION, "/health")]) }))
        .route("/loop", get(|| async { (StatusCode::FOUND, [(LOCATION, "/loop")]) }))
        .route(
            "/seeother",
            post(|| async { (StatusCode::SEE_OTHER, [(LOCATION, "/echo")]) }),
        )
        .route(
            "/gzip",
            get(|| async { headers(&[(CONTENT_ENCODING, "gzip")], GZIP_HELLO.to_vec()) }),
        )
        .route(
            "/brotli",
            get(|| async { headers(&[(CONTENT_ENCODING, "br")], BROTLI_HELLO.to_vec()) }),
        )
        .route("/big", get(|| async { Bytes::from(vec![b'x'; 3 << 20]) }))
        .route(
            "/html",
            get(|| async { headers(&[(CONTENT_TYPE, "text/html")], "<h1>Welcome</h1>") }),
        )
        .route(
            "/login",
            post(|| async {
                headers(
                    &[
                        (SET_COOKIE, "sid=\"Bearer abc\"; HttpOnly; Secure; Path=/"),
                        (SET_COOKIE, "theme=dark"),
                    ],
                    "in",
                )
            }),
        )
        .route(
            "/me",
            get(|headers: HeaderMap| async move {
                match headers.get(COOKIE).map(|value| value.to_str().unwrap()) {
                    Some(cookies) if cookies.contains("sid=\"Bearer abc\"") => (StatusCode::OK, cookies.to_owned()),
                    other => (StatusCode::UNAUTHORIZED, format!("{other:?}")),
                }
            }),
        )
        .route("/form", post(|Form(form): Form<Value>| async move { Json(form) }))
        .route(
            "/host",
            get(|headers: HeaderMap| async move { headers[HOST].to_str().unwrap().to_owned() }),
        );
    serve(router)
}

/// The suite is green.
#[track_caller]
fn green(suite: &str) {
    Project::http(&site(), suite).run().exits(0);
}

/// The suite fails, and says all of `parts`.
#[track_caller]
fn red(suite: &str, parts: &[&str]) {
    Project::http(&site(), suite).run().exits(1).says(parts);
}

/// The suite cannot tell, and says all of `parts`.
#[track_caller]
fn unclear(suite: &str, parts: &[&str]) {
    Project::http(&site(), suite).run().exits(3).says(parts);
}

#[test]
fn status_headers_json_body_size_and_schema() {
    green(
        r#"
[http.all]
get = "/health"
expect.status = ["2xx", 304]
expect.headers.content-type = { starts_with = "application/json" }
expect.json."$.status" = "healthy"
expect.json."$.uptime" = { gt = 0, type = "number" }
expect.json."$.missing" = { exists = false }
expect.body = { contains = "healthy" }
expect.size = { lt = 100 }
expect.within = "5s"
expect.version = "HTTP/1.1"
expect.schema = { type = "object", required = ["status"], properties = { status = { enum = ["healthy"] } } }
control = "/nonsense"
"#,
    );
    red(
        r#"
[http.all]
get = "/health"
expect.status = 204
expect.headers.x-missing = { exists = true }
expect.json."$.status" = "degraded"
expect.json."$.gone" = { ne = 1 }
expect.body = { lacks = "healthy" }
expect.size = { gt = 100000 }
expect.schema = { required = ["version"] }
"#,
        &[
            "status",
            "expected: 204",
            "header x-missing",
            "$.status",
            "expected: \"degraded\"",
            "seen: \"healthy\"",
            "$.gone",
            "seen: nothing there",
            "without \"healthy\"",
            "greater than 100000",
            "\"version\" is a required property",
        ],
    );
}

#[test]
fn a_statement_about_every_item_of_an_empty_list_is_unclear() {
    let suite = "[http.a]\nget = \"/health\"\nexpect.json.\"$.items\" = { every = { gt = 0 } }\n";
    Project::http(&site(), suite)
        .run()
        .exits(3)
        .says(&["nothing to compare"]);
}

#[test]
fn a_server_that_answers_every_path_alike_is_caught_by_the_control() {
    let router = Router::new().fallback(|| async { "whatsdx is running" });
    let suite = "[http.health]\nget = \"/health\"\nexpect.status = 200\ncontrol = \"/nonsense\"\n";
    Project::http(&serve(router), suite)
        .run()
        .exits(1)
        .says(&["control /nonsense", "the same answer, 200"]);
}

#[test]
fn a_body_that_is_no_json_is_shown() {
    red(
        "[http.a]\nget = \"/html\"\nexpect.json.\"$.a\" = 1\n",
        &["a JSON body", "not JSON", "<h1>Welcome</h1>"],
    );
}

#[test]
fn no_redirect_is_followed_unless_told() {
    green("[http.a]\nget = \"/moved\"\nexpect.status = 302\nexpect.redirect = { ends_with = \"/health\" }\n");
    green("[http.a]\nget = \"/moved\"\nfollow = true\nexpect.status = 200\nexpect.json.\"$.status\" = \"healthy\"\n");
    red(
        "[http.a]\nget = \"/loop\"\nfollow = 3\nexpect.status = 200\n",
        &["seen: 302"],
    );
    green(
        "[http.a]\npost = \"/seeother\"\njson = { a = 1 }\nfollow = true\nexpect.json.\"$.method\" = \"GET\"\n\
         expect.json.\"$.body\" = \"\"\n",
    );
}

#[test]
fn what_is_sent_is_what_the_suite_says() {
    green(
        r#"
[http.json]
put = "/echo/a%20b?x=1"
query = { y = "a b&c", z = 2 }
json = { name = "é", list = [1, true], nested = { when = 2026-11-21 } }
headers = { "X-Custom" = "yes" }
bearer = "t-1"
expect.json."$.method" = "PUT"
expect.json."$.path" = "/echo/a%20b"
expect.json."$.query" = "x=1&y=a+b%26c&z=2"
expect.json."$.body" = '{"name":"é","list":[1,true],"nested":{"when":"2026-11-21"}}'
expect.json."$.type" = "application/json"
expect.json."$.custom" = "yes"
expect.json."$.authorization" = "Bearer t-1"

[http.basic]
get = "/echo"
basic = { user = "u", password = "p" }
expect.json."$.authorization" = "Basic dTpw"

[http.form]
post = "/form"
form = { a = "1 2", b = "x&y" }
expect.json."$.a" = "1 2"
expect.json."$.b" = "x&y"

[http.raw]
patch = "/echo"
body = "plain"
headers = { "Content-Type" = "text/plain" }
expect.json."$.body" = "plain"
expect.json."$.type" = "text/plain"
"#,
    );
}

#[test]
fn compressed_bodies_are_read() {
    green("[http.a]\nget = \"/gzip\"\nexpect.body = \"hello\"\n[http.b]\nget = \"/brotli\"\nexpect.body = \"hello\"\n");
}

#[test]
fn how_a_body_was_compressed_can_be_expected() {
    green("[http.a]\nget = \"/brotli\"\nexpect.headers.Content-Encoding = \"br\"\nexpect.size = 5\n");
    red(
        "[http.a]\nget = \"/gzip\"\nexpect.headers.Content-Encoding = \"br\"\n",
        &["header Content-Encoding   expected: \"br\"   seen: \"gzip\""],
    );
}

#[test]
fn a_header_is_compared_with_a_number_as_one() {
    green("[http.a]\nget = \"/brotli\"\nexpect.headers.Content-Length = { gt = 1, lt = 10000 }\n");
    red(
        "[http.a]\nget = \"/brotli\"\nexpect.headers.Content-Length = { lt = 2 }\nexpect.headers.Content-Encoding = { ne = 5 }\n",
        &["header Content-Length   expected: less than 2"],
    );
}

#[test]
fn a_body_is_read_up_to_a_bound_and_the_finding_says_so() {
    red(
        "[http.a]\nget = \"/big\"\nexpect.body = { contains = \"y\" }\n",
        &["body (its first 1048576 bytes)"],
    );
    unclear(
        "[http.a]\nget = \"/big\"\nexpect.body = { lacks = \"y\" }\n",
        &["more follows that was not read", "raise `max_body`"],
    );
    red(
        "[http.a]\nget = \"/big\"\nmax_body = \"1KiB\"\nexpect.json.\"$\" = 1\n",
        &["longer than 1 KiB, cut there"],
    );
}

#[test]
fn cookies_belong_to_a_check_and_are_shared_by_its_name() {
    let suite = r#"
[http.session]
post = "/login"
expect.cookies.theme = "dark"
expect.cookies.sid = { starts_with = "\"Bearer" }
capture.sid = { cookie = "sid" }

[http.me]
get = "/me"
cookies = "session"
expect.body = { contains = "theme=dark" }

[http.stranger]
get = "/me"
needs = ["session"]
expect.status = 401
"#;
    green(suite);
}

#[test]
fn captures_of_headers_and_text() {
    green(
        r#"
[http.page]
get = "/html"
expect.status = 200
capture.title = { text = '<h1>(\w+)</h1>' }
capture.type = { header = "Content-Type" }

[http.echo]
get = "/echo"
headers = { "X-Custom" = "{{ page.title }} {{ page.type }}" }
expect.json."$.custom" = "Welcome text/html"
"#,
    );
}

#[test]
fn http2_without_asking() {
    green(
        "[http.a]\nget = \"/echo\"\nhttp2 = true\nexpect.json.\"$.version\" = \"HTTP/2.0\"\nexpect.version = \"HTTP/2.0\"\n",
    );
}

#[test]
fn a_base_path_and_a_whole_url() {
    let site = site();
    let suite = format!(
        "[http.below]\nget = \"/x\"\nexpect.json.\"$.path\" = \"/echo/v1/x\"\n\
         [http.whole]\nget = \"{site}/health\"\nexpect.status = 200\n"
    );
    Project::http(&format!("{site}/echo/v1/"), &suite).run().exits(0);
}

#[test]
fn ipv6() {
    let Ok(listener) = std::net::TcpListener::bind("[::1]:0") else {
        return;
    };
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
        }
    });
    let suite = "[http.a]\nget = \"/\"\nexpect.body = \"ok\"\n";
    Project::http(&format!("http://{address}"), suite).run().exits(0);
}

#[test]
fn a_connection_that_breaks_off_is_unclear() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let suite = "[http.a]\nget = \"/\"\nexpect.status = 200\n";
    let said = Project::http(&format!("http://{address}"), suite).run();
    said.exits(3).says(&["closed the connection before it had answered"]);
}

#[test]
fn a_kept_connection_that_is_closed_when_used_again_is_replaced() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let _ = stream.read(&mut [0; 1024]);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
                let _ = stream.read(&mut [0; 1024]);
            });
        }
    });
    let one = "[http.one]\nget = \"/\"\nexpect.body = \"ok\"\ncapture.word = { text = \"(ok)\" }\n";
    let suite = format!("{one}[http.two]\nget = \"/{{{{ one.word }}}}\"\nexpect.body = \"ok\"\n");
    Project::http(&format!("http://{address}"), &suite).run().exits(0);
    let written = suite.replace("get = \"/{{", "effect = \"read\"\npost = \"/{{");
    let said = Project::http(&format!("http://{address}"), &written).run();
    said.exits(3).says(&["closed the connection before it had answered"]);
}

#[test]
fn several_endpoints_are_told_apart_by_name() {
    let (one, two) = (site(), site());
    let suite = "[http.a]\non = \"web\"\nget = \"/host\"\nexpect.status = 200\n[http.b]\nget = \"/host\"\nexpect.status = 200\n";
    let project = Project::prod(&format!("http = {{ default = {one:?}, web = {two:?} }}"), suite);
    project.run().exits(0);
    let host = two.trim_start_matches("http://");
    project.smoke(&["explain", "prod", "http.a"]).exits(0).says(&[host]);
}

#[test]
fn an_address_that_is_none_is_a_mistake_without_its_password() {
    let suite = "[http.a]\nget = \"/\"\nexpect.status = 200\n";
    let said = Project::prod("http = \"{{ env.SMOKE_TEST_ADDRESS }}\"", suite)
        .env("SMOKE_TEST_ADDRESS", "ftp://user:hunter22@host")
        .run();
    said.exits(2);
    assert!(
        said.stderr.contains("not an http:// or https:// URL"),
        "{}",
        said.stderr
    );
    assert!(!said.stderr.contains("hunter22"));
    // Written into smoke.toml it is quoted, and a value that is wrong in a suite is named: neither shows the secret.
    let said = Project::prod("http = \"ftp://user:hunter22@host\"", suite).run();
    said.exits(2);
    assert!(!said.stderr.contains("hunter22"), "{}", said.stderr);
    let suite = "[http.a]\nget = \"/\"\nexpect.status = 200\ntimeout = \"{{ env.SMOKE_TEST_TIME }}\"\n";
    let said = Project::prod("http = \"http://127.0.0.1:1\"", suite)
        .env("SMOKE_TEST_TIME", "hunter22")
        .run();
    said.exits(2);
    assert!(said.stderr.contains("bad duration \"***\""), "{}", said.stderr);
}

#[test]
fn statuses_are_shown_with_what_the_server_said() {
    let router = Router::new().route(
        "/",
        get(|| async { (StatusCode::BAD_GATEWAY, "upstream is down").into_response() }),
    );
    let suite = "[http.a]\nget = \"/\"\nexpect.status = 200\n";
    Project::http(&serve(router), suite)
        .run()
        .exits(1)
        .says(&["502: upstream is down"]);
}
