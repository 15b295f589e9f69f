//! Free ports on loopback.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::StartError;
use super::leash::Leashed;

/// How long a server may take to listen.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// How often a start is tried when someone else takes the port between our look and the server's.
pub(super) const ATTEMPTS: usize = 5;

/// A port on which nothing listens at the moment.
pub(super) fn free() -> Result<u16, StartError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| StartError::failed("looking for a free port on 127.0.0.1", error))
}

pub(super) fn connect(port: u16) -> std::io::Result<TcpStream> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let stream = TcpStream::connect_timeout(&address, Duration::from_millis(500))?;
    stream.set_read_timeout(Some(Duration::from_millis(500)))?;
    Ok(stream)
}

/// Waits until `is_ready`; fails when the server ends before, or takes too long.
pub(super) fn wait(server: &mut Leashed, mut is_ready: impl FnMut() -> bool) -> Result<(), StartError> {
    let started = Instant::now();
    loop {
        if is_ready() {
            return Ok(());
        }
        if server.has_ended() {
            return Err(StartError::failed(
                format_args!("{} ended at once", server.name()),
                server.log(),
            ));
        }
        if started.elapsed() > PATIENCE {
            let doing = format_args!("{} did not become ready within {PATIENCE:?}", server.name());
            return Err(StartError::failed(doing, server.log()));
        }
        sleep(Duration::from_millis(5));
    }
}

/// Calls `start` with a free port, and again with another one if it was taken meanwhile.
pub(super) fn on_free_port<T>(mut start: impl FnMut(u16) -> Result<T, StartError>) -> Result<T, StartError> {
    let mut attempt = 1;
    loop {
        match start(free()?) {
            Err(StartError::Failed(why)) if attempt < ATTEMPTS && is_taken(&why) => attempt += 1,
            result => return result,
        }
    }
}

fn is_taken(why: &str) -> bool {
    why.to_lowercase().contains("address already in use")
}
