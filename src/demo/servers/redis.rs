//! A throwaway Redis.

use std::io::{Read as _, Write as _};
use std::sync::Arc;

use super::leash::Leashed;
use super::workspace::Workspace;
use super::{StartError, port, program};

/// How the server is to be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RedisOptions {
    /// `requirepass`: only letters, digits and `-` (it goes into a URL as it is).
    pub password: Option<String>,
    /// Further lines of `redis.conf`, after ours: `("maxmemory-policy", "noeviction")`.
    pub settings: Vec<(String, String)>,
}

/// A running Redis that keeps nothing on disk.
#[derive(Debug)]
pub struct Redis {
    _server: Leashed,
    port: u16,
    password: Option<String>,
}

impl Redis {
    /// Starts a server. Returns when it answers.
    pub fn start(options: &RedisOptions) -> Result<Self, StartError> {
        let program = program::find(program::REDIS)?;
        let workspace = Arc::new(Workspace::new("redis")?);
        port::on_free_port(|port| {
            // In a file, because a command line can be read by everyone on the machine.
            let settings = workspace.write("redis.conf", &configuration(options, port))?;
            let mut server = Leashed::start("redis-server", Arc::clone(&workspace), "TERM", &program, [settings])?;
            port::wait(&mut server, || answers(port, options.password.as_deref()))?;
            Ok(Self {
                _server: server,
                port,
                password: options.password.clone(),
            })
        })
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address, with the password if there is one.
    #[must_use]
    pub fn url(&self) -> String {
        match &self.password {
            Some(password) => format!("redis://:{password}@127.0.0.1:{}/0", self.port),
            None => format!("redis://127.0.0.1:{}/0", self.port),
        }
    }
}

fn configuration(options: &RedisOptions, port: u16) -> String {
    let mut lines = vec![
        "bind 127.0.0.1".to_owned(),
        format!("port {port}"),
        "daemonize no".to_owned(),
        "save \"\"".to_owned(),
        "appendonly no".to_owned(),
    ];
    lines.extend(
        options
            .password
            .iter()
            .map(|password| format!("requirepass {password}")),
    );
    lines.extend(options.settings.iter().map(|(name, value)| format!("{name} {value}")));
    lines.join("\n")
}

/// Whether our Redis answers; someone else's would refuse our password.
fn answers(port: u16, password: Option<&str>) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = port::connect(port)?;
        if let Some(password) = password {
            stream.write_all(format!("AUTH {password}\r\n").as_bytes())?;
        }
        stream.write_all(b"PING\r\n")?;
        let mut answer = Vec::new();
        let mut chunk = [0; 64];
        while !answer.ends_with(b"+PONG\r\n") {
            match stream.read(&mut chunk)? {
                0 => return Ok(false),
                read => answer.extend_from_slice(&chunk[..read]),
            }
            if answer.starts_with(b"-") {
                return Ok(false);
            }
        }
        Ok(true)
    };
    ask().unwrap_or(false)
}
