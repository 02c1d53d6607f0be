// SPDX-License-Identifier: LGPL-2.1-or-later
//! What mechanisms need to know of the connection under the dialogue.

/// The connection's facts. The default is a connection that nothing is known about, which
/// counts as clear text.
#[derive(Debug, Clone, Default)]
pub struct Channel {
    /// TLS is in use.
    pub secure: bool,
    /// What tells this TLS connection from any other, if that is known.
    pub binding: Option<ChannelBinding>,
    /// The server's name as the application set it.
    pub host: String,
    /// The server's port.
    pub port: u16,
    /// The server offers a SCRAM mechanism with channel binding.
    pub plus_offered: bool,
}

/// Data that both ends of one TLS connection share, and nobody in the middle (RFC 5056).
#[derive(Debug, Clone)]
pub struct ChannelBinding {
    /// Where the data comes from.
    pub kind: BindingKind,
    pub data: Vec<u8>,
}

/// The registered types of channel binding that TLS connections have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BindingKind {
    /// Keying material exported under a label of its own (RFC 9266).
    TlsExporter,
    /// The first Finished message (RFC 5929 §3).
    TlsUnique,
    /// The hash of the server's certificate (RFC 5929 §4).
    TlsServerEndPoint,
}

impl BindingKind {
    /// The name that both ends call it by.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TlsExporter => "tls-exporter",
            Self::TlsUnique => "tls-unique",
            Self::TlsServerEndPoint => "tls-server-end-point",
        }
    }
}
