//! The two other ends of `benches/compare`: a server that costs next to nothing, and the least that a client can do.
//!
//! `load serve` says its address, and answers until its standard input is closed. `load get URL COUNT JOBS [json]` sends
//! GET requests, JOBS at a time, as plain `reqwest` does; with `json` it looks at the content type and reads the body.

#![expect(clippy::print_stdout, reason = "it talks to the script")]

use std::error::Error;
use std::io::Read as _;
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const BODY: &str = r#"{"status":"ok","data":{"id":7,"name":"workflow","tags":["a","b","c"]}}"#;

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["serve"] => runtime.block_on(tokio::task::LocalSet::new().run_until(serve())),
        ["get", url, count, jobs] => runtime.block_on(get(url, count.parse()?, jobs.parse()?, false)),
        ["get", url, count, jobs, "json"] => runtime.block_on(get(url, count.parse()?, jobs.parse()?, true)),
        _ => Err("load serve | load get URL COUNT JOBS [json]".into()),
    }
}

async fn serve() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    let closed = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    tokio::pin!(closed);
    loop {
        tokio::select! {
            Ok((stream, _)) = listener.accept() => {
                tokio::task::spawn_local(answer(stream));
            }
            _ = &mut closed => return Ok(()),
        }
    }
}

/// Answers GET requests on one connection. Requests without a body end with an empty line, and nobody here sends others.
async fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let found = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{BODY}",
        BODY.len()
    );
    let mut request = Vec::with_capacity(4096);
    while stream.read_buf(&mut request).await? > 0 {
        if !request.ends_with(b"\r\n\r\n") {
            continue;
        }
        if request.starts_with(b"GET /slow") {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        stream.write_all(found.as_bytes()).await?;
        request.clear();
    }
    Ok(())
}

async fn get(url: &str, count: usize, jobs: usize, json: bool) -> Result<()> {
    // Only where another provider is installed already, which serves as well, can this fail.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder().no_proxy().tls_certs_only([]).build()?;
    stream::iter((0..count).map(|number| one(&client, format!("{url}?n={number}"), json)))
        .buffer_unordered(jobs)
        .try_collect::<()>()
        .await
}

async fn one(client: &Client, url: String, json: bool) -> Result<()> {
    let answer = client.get(url).send().await?.error_for_status()?;
    if json {
        if answer
            .headers()
            .get(CONTENT_TYPE)
            .is_none_or(|kind| kind != "application/json")
        {
            return Err("another content type".into());
        }
        let document: Value = serde_json::from_slice(&answer.bytes().await?)?;
        if document["data"]["id"] != 7 {
            return Err("another id".into());
        }
    } else {
        answer.bytes().await?;
    }
    Ok(())
}
