//! A throwaway nginx.

use std::path::Path;
use std::sync::Arc;

use super::leash::Leashed;
use super::workspace::Workspace;
use super::{Certificate, StartError, port, program};

/// How the server is to be.
#[derive(Debug, Clone, Default)]
pub struct NginxOptions {
    /// Its certificate; without one it speaks http.
    pub certificate: Option<Certificate>,
    /// Lines of its `server` block: `ssl_protocols TLSv1.2;`, `return 301 https://…;`.
    pub settings: String,
}

/// A running nginx.
#[derive(Debug)]
pub struct Nginx {
    _server: Leashed,
    port: u16,
}

impl Nginx {
    /// Starts a server. Returns when it listens.
    pub fn start(options: &NginxOptions) -> Result<Self, StartError> {
        let program = program::find(program::NGINX)?;
        let workspace = Arc::new(Workspace::new("nginx")?);
        if let Some(certificate) = &options.certificate {
            workspace.write("chain.pem", &certificate.chain)?;
            workspace.write("key.pem", &certificate.key)?;
        }
        port::on_free_port(|port| {
            let settings = workspace.write("nginx.conf", &configuration(workspace.path(), port, options))?;
            let arguments = ["-p".as_ref(), workspace.path(), "-c".as_ref(), settings.as_path()];
            // What it says before it has read where its errors go.
            let arguments = arguments.into_iter().chain(["-e".as_ref(), Path::new("stderr")]);
            let mut server = Leashed::start("nginx", Arc::clone(&workspace), "TERM", &program, arguments)?;
            port::wait(&mut server, || port::connect(port).is_ok())?;
            Ok(Self { _server: server, port })
        })
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// One process, which ends with ours, and everything that it writes in its own directory.
fn configuration(folder: &Path, port: u16, options: &NginxOptions) -> String {
    let folder = folder.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|name| format!("    {name}_temp_path {folder}/{name};\n"))
        .collect();
    let (ssl, certificate) = match options.certificate {
        Some(_) => (
            " ssl",
            format!("        ssl_certificate {folder}/chain.pem;\n        ssl_certificate_key {folder}/key.pem;\n"),
        ),
        None => ("", String::new()),
    };
    format!(
        "daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
{temporary}    server {{
        listen 127.0.0.1:{port}{ssl};
{certificate}        {settings}
        location / {{ return 200 \"hello\\n\"; }}
    }}
}}
",
        settings = options.settings
    )
}
