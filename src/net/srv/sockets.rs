// SPDX-License-Identifier: LGPL-2.1-or-later
//! The crate's sockets, kept away from the descriptors of standard input, output and error like all
//! others of ours.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::time::Duration;

use hickory_resolver::proto::runtime::iocompat::AsyncIoTokioAsStd;
use hickory_resolver::proto::runtime::{RuntimeProvider, TokioRuntimeProvider};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpSocket;

use crate::host::away_from_stdio;

/// How long a connection may take if the crate does not say.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// What is the crate's own, but for the opening of sockets.
#[derive(Clone, Default)]
pub(super) struct Sockets(TokioRuntimeProvider);

type Opening<T> = Pin<Box<dyn Send + Future<Output = io::Result<T>>>>;

impl RuntimeProvider for Sockets {
    type Handle = <TokioRuntimeProvider as RuntimeProvider>::Handle;
    type Timer = <TokioRuntimeProvider as RuntimeProvider>::Timer;
    type Udp = <TokioRuntimeProvider as RuntimeProvider>::Udp;
    type Tcp = <TokioRuntimeProvider as RuntimeProvider>::Tcp;

    fn create_handle(&self) -> Self::Handle {
        self.0.create_handle()
    }

    fn connect_tcp(
        &self,
        server: SocketAddr,
        own: Option<SocketAddr>,
        limit: Option<Duration>,
    ) -> Opening<Self::Tcp> {
        Box::pin(async move {
            let socket = Socket::new(Domain::for_address(server), Type::STREAM, Some(Protocol::TCP))?;
            let socket = Socket::from(away_from_stdio(socket.into())?);
            socket.set_nonblocking(true)?;
            socket.set_tcp_nodelay(true)?;
            if let Some(own) = own {
                socket.bind(&own.into())?;
            }
            let connecting = TcpSocket::from_std_stream(socket.into()).connect(server);
            let connected = tokio::time::timeout(limit.unwrap_or(CONNECT_MAX), connecting).await;
            Ok(AsyncIoTokioAsStd(connected.map_err(|_| io::ErrorKind::TimedOut)??))
        })
    }

    fn bind_udp(&self, own: SocketAddr, _server: SocketAddr) -> Opening<Self::Udp> {
        Box::pin(async move {
            let socket = UdpSocket::bind(own)?;
            let socket = UdpSocket::from(away_from_stdio(OwnedFd::from(socket))?);
            socket.set_nonblocking(true)?;
            tokio::net::UdpSocket::from_std(socket)
        })
    }
}
