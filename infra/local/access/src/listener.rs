//! Connections as all services take them.

use axum::serve::{ListenerExt, TapIo};
use tokio::net::{TcpListener, TcpStream};

/// Connections that send at once: else small answers wait for the acknowledgement of what went before.
pub fn without_delay(listener: TcpListener) -> TapIo<TcpListener, fn(&mut TcpStream)> {
    listener.tap_io(|connection| {
        let _ = connection.set_nodelay(true);
    })
}
