//! Listening for clients: on a Unix socket, or on TCP for this user alone.
//!
//! A debugger can run any code in the program, so whoever connects must be its owner. A Unix socket lies in a directory
//! that decides. On loopback TCP the kernel's table of connections tells whose the other end is; what cannot be told
//! apart that way, and other addresses, need a token in the `launch` or `attach` request.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use super::session::{self, Gate};
use crate::debugger::Debugger;

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A Unix socket.
    Unix(PathBuf),
    /// TCP; port 0 means one that is free.
    Tcp(SocketAddr),
}

impl Address {
    /// Reads `unix:PATH`, `PORT` or `HOST:PORT`; the error is for the user.
    pub fn parse(text: &str) -> Result<Address, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            let path = std::path::absolute(path).map_err(|e| format!("{path}: {e}"))?;
            return Ok(Address::Unix(path));
        }
        if let Ok(port) = text.parse::<u16>() {
            return Ok(Address::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, port))));
        }
        let with_name = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
        let address = with_name.as_deref().unwrap_or(text).parse();
        address.map(Address::Tcp).map_err(|_| format!("{text} is no address: give PORT, HOST:PORT or unix:PATH"))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Unix(path) => write!(f, "unix:{}", path.display()),
            Address::Tcp(address) => write!(f, "{address}"),
        }
    }
}

enum Listener {
    Unix(UnixListener),
    Tcp(TcpListener),
}

/// A server that listens.
pub struct Server {
    listener: Listener,
    /// Where it listens.
    pub address: Address,
    token: Option<String>,
}

impl Server {
    /// Begins to listen; the error is for the user.
    pub fn bind(address: &Address, token: Option<String>) -> Result<Server, String> {
        let failed = |e: io::Error| format!("cannot listen on {address}: {e}");
        match address {
            Address::Unix(path) => {
                remove_dead_socket(path);
                let listener = UnixListener::bind(path).map_err(failed)?;
                Ok(Server { listener: Listener::Unix(listener), address: address.clone(), token })
            }
            Address::Tcp(wanted) => {
                if !wanted.ip().is_loopback() && token.is_none() {
                    return Err(format!("{wanted} can be reached from other computers: that needs --token"));
                }
                let listener = TcpListener::bind(wanted).map_err(failed)?;
                let address = Address::Tcp(listener.local_addr().map_err(failed)?);
                Ok(Server { listener: Listener::Tcp(listener), address, token })
            }
        }
    }

    /// How to connect, for the user.
    pub fn announcement(&self) -> String {
        let mut text = format!("taipan: waiting for a debugger on {}", self.address);
        if let Address::Tcp(address) = &self.address {
            let token = self.token.as_ref().map_or(String::new(), |t| format!(", \"token\": \"{t}\""));
            text.push_str(&format!(
                "\n  VS Code, launch.json: {{\"type\": \"debugpy\", \"request\": \"attach\", \"name\": \"Taipan\", \
                 \"debugServer\": {}{token}}}\n  nvim-dap: dap.adapters.taipan = {{type = 'server', port = {}}}",
                address.port(),
                address.port(),
            ));
        }
        text
    }

    /// Serves one client after the other. Never returns.
    pub fn serve(self, debugger: &'static Debugger) {
        loop {
            match &self.listener {
                Listener::Unix(listener) => match listener.accept() {
                    Ok((stream, _)) => self.welcome(debugger, stream.try_clone(), stream, Gate::Open),
                    Err(e) => pause_after(&e),
                },
                Listener::Tcp(listener) => match listener.accept() {
                    Ok((stream, peer)) => {
                        let gate = self.gate(&stream, peer);
                        // Small messages go back and forth: waiting to fill packets would make each step slow.
                        let _ = stream.set_nodelay(true);
                        self.welcome(debugger, stream.try_clone(), stream, gate);
                    }
                    Err(e) => pause_after(&e),
                },
            }
        }
    }

    fn gate(&self, stream: &TcpStream, peer: SocketAddr) -> Gate {
        match (&self.token, stream.local_addr()) {
            (Some(token), _) => Gate::Token(token.clone()),
            (None, Ok(local)) if is_own(peer, local) => Gate::Open,
            _ => Gate::Closed,
        }
    }

    fn welcome<S: Stream>(&self, debugger: &'static Debugger, reader: io::Result<S>, writer: S, gate: Gate) {
        match reader {
            Ok(reader) => session::converse(debugger, reader, writer, gate),
            Err(e) => tracing::warn!("a client was lost: {e}"),
        }
    }
}

/// Both directions of a connection.
pub trait Stream: Read + Write + Send + 'static {}
impl<T: Read + Write + Send + 'static> Stream for T {}

fn pause_after(e: &io::Error) {
    tracing::warn!("no connection: {e}");
    std::thread::sleep(std::time::Duration::from_millis(100));
}

/// Removes a socket that nobody listens on any more.
fn remove_dead_socket(path: &Path) {
    use std::os::unix::fs::FileTypeExt;
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|m| m.file_type().is_socket());
    if is_socket && UnixStream::connect(path).is_err() {
        // If it cannot be removed, binding says so.
        let _ = std::fs::remove_file(path);
    }
}

/// Whether the other end of a loopback connection belongs to this user, as `/proc/net/tcp` has it.
fn is_own(peer: SocketAddr, local: SocketAddr) -> bool {
    let table = match peer.ip() {
        IpAddr::V4(_) => "/proc/net/tcp",
        IpAddr::V6(_) => "/proc/net/tcp6",
    };
    let me = nix::unistd::getuid().as_raw();
    let Ok(text) = std::fs::read_to_string(table) else { return false };
    owner_of(&text, peer.port(), local.port()) == Some(me)
}

/// The user of the connection from `from` to `to` (ports) in a table of the kernel.
fn owner_of(table: &str, from: u16, to: u16) -> Option<u32> {
    let port = |field: &str| u16::from_str_radix(field.rsplit(':').next()?, 16).ok();
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let here = port(fields.get(1)?)? == from && port(fields.get(2)?)? == to;
        if here { fields.get(7)?.parse().ok() } else { None }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        assert_eq!(Address::parse("5678").unwrap().to_string(), "127.0.0.1:5678");
        assert_eq!(Address::parse("localhost:80").unwrap().to_string(), "127.0.0.1:80");
        assert_eq!(Address::parse("unix:/tmp/s").unwrap(), Address::Unix(PathBuf::from("/tmp/s")));
        assert!(Address::parse("nowhere").unwrap_err().contains("nowhere"));
    }

    #[test]
    fn other_computers_need_a_token() {
        let everywhere = Address::parse("0.0.0.0:0").unwrap();
        assert!(Server::bind(&everywhere, None).err().unwrap().contains("--token"));
    }

    #[test]
    fn the_kernel_knows_whose_a_connection_is() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
                     0: 0100007F:1F90 0100007F:A1B2 01 00000000:00000000 00:00000000 00000000  1000        0 1 1\n   \
                     1: 0100007F:A1B2 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1001        0 1 1\n";
        assert_eq!(owner_of(table, 0xA1B2, 0x1F90), Some(1001));
        assert_eq!(owner_of(table, 1, 2), None);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let there = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (here, peer) = listener.accept().unwrap();
        assert!(is_own(peer, here.local_addr().unwrap()));
        drop(there);
    }
}
