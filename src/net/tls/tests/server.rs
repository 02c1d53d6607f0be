// SPDX-License-Identifier: LGPL-2.1-or-later
//! A TLS server for one connection, and a client for it.

use std::ffi::CStr;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

use openssl::ssl::{SslContext, SslContextBuilder, SslMethod, SslStream, SslVersion};

use super::super::config_dir::ConfigDir;
use super::super::{Secured, TlsContext, TlsSetup};
use super::{Folder, Issued, soon};
use crate::error::Result;
use crate::net::Stream;

/// A server in a thread.
pub(in super::super) struct Server<T> {
    address: SocketAddr,
    thread: JoinHandle<T>,
}

impl<T: Send + 'static> Server<T> {
    /// Accepts one connection and gives its socket to `serve`.
    pub(in super::super) fn plain(serve: impl FnOnce(TcpStream) -> T + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
        let address = listener.local_addr().expect("address");
        let thread = std::thread::spawn(move || {
            let (socket, _) = listener.accept().expect("accepts");
            for set in [TcpStream::set_read_timeout, TcpStream::set_write_timeout] {
                set(&socket, Some(Duration::from_secs(5))).expect("time-out");
            }
            serve(socket)
        });
        Self { address, thread }
    }

    /// Accepts one TLS connection with this certificate and gives it to `serve`.
    pub(in super::super) fn tls(
        issued: &Issued,
        version: Option<SslVersion>,
        serve: impl FnOnce(SslStream<TcpStream>) -> T + Send + 'static,
    ) -> Self {
        let mut builder = builder(issued);
        builder.set_min_proto_version(version).expect("version");
        builder.set_max_proto_version(version).expect("version");
        Self::context(builder.build(), serve)
    }

    pub(in super::super) fn context(
        context: SslContext,
        serve: impl FnOnce(SslStream<TcpStream>) -> T + Send + 'static,
    ) -> Self {
        Self::plain(move |socket| {
            let ssl = openssl::ssl::Ssl::new(&context).expect("ssl");
            serve(ssl.accept(socket).expect("shakes hands"))
        })
    }

    /// What `serve` gave.
    pub(in super::super) fn join(self) -> T {
        self.thread.join().expect("the server is fine")
    }

    pub(in super::super) fn socket(&self) -> TcpStream {
        let socket = TcpStream::connect(self.address).expect("connects");
        socket.set_nonblocking(true).expect("non-blocking");
        socket
    }

    pub(in super::super) fn connect(&self) -> Stream {
        Stream::new(self.socket())
    }
}

pub(in super::super) fn builder(issued: &Issued) -> SslContextBuilder {
    let mut builder = SslContext::builder(SslMethod::tls_server()).expect("context");
    builder.set_certificate(&issued.certificate).expect("certificate");
    builder.set_private_key(&issued.key).expect("key");
    builder
}

/// How a client sets out.
pub(in super::super) struct Client<'a> {
    pub(in super::super) host: &'a CStr,
    pub(in super::super) config: Option<ConfigDir>,
    pub(in super::super) context: Option<TlsContext>,
}

impl<'a> Client<'a> {
    pub(in super::super) fn new(host: &'a CStr, folder: &Folder) -> Self {
        Self {
            host,
            config: Some(folder.config()),
            context: None,
        }
    }

    pub(in super::super) fn setup(&self) -> TlsSetup {
        let setup = TlsSetup::prepare_in(self.config.as_ref(), self.context.as_ref(), self.host, None);
        setup.unwrap_or_else(|obstacle| panic!("{obstacle:?}"))
    }

    pub(in super::super) fn secure<T: Send + 'static>(
        &self,
        server: &Server<T>,
    ) -> Result<(Stream, Secured)> {
        let mut stream = server.connect();
        let secured = stream.secure(self.setup(), soon())?;
        Ok((stream, secured))
    }
}
