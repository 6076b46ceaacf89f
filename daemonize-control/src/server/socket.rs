//! The sockets of the two listeners and of their connections.

use crate::access_rules::Peer;
use std::io;
use std::os::fd::AsFd;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite};

/// A connected socket.
pub(super) trait PeerSocket: AsyncRead + AsyncWrite + AsFd + Unpin + Send + Sync + 'static {
    /// Becomes ready once there may be bytes to read, or the peer has closed its side.
    fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>>;
}

impl PeerSocket for tokio::net::UnixStream {
    fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_read_ready(context)
    }
}

impl PeerSocket for tokio::net::TcpStream {
    fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_read_ready(context)
    }
}

/// A listening socket.
pub(super) trait Acceptor: AsFd {
    /// The socket of a connection.
    type Socket: PeerSocket;

    /// Accepts the next connection, and identifies its peer.
    async fn accept_peer(&self) -> io::Result<(Self::Socket, Peer)>;
}

impl Acceptor for tokio::net::UnixListener {
    type Socket = tokio::net::UnixStream;

    async fn accept_peer(&self) -> io::Result<(Self::Socket, Peer)> {
        let (socket, _) = self.accept().await?;
        let user = socket.peer_cred()?;
        Ok((socket, Peer::Unix { uid: user.uid(), gid: user.gid() }))
    }
}

impl Acceptor for tokio::net::TcpListener {
    type Socket = tokio::net::TcpStream;

    async fn accept_peer(&self) -> io::Result<(Self::Socket, Peer)> {
        let (socket, address) = self.accept().await?;
        // A response is one write: nothing follows that could share its segment, so waiting for more gains nothing (TCP_NODELAY).
        socket.set_nodelay(true)?;
        Ok((socket, Peer::Tcp(address)))
    }
}
