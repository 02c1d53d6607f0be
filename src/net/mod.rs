// SPDX-License-Identifier: LGPL-2.1-or-later
//! The network and what the host knows: names, addresses, connections, TLS.
//!
//! Unsafe code is allowed here for the system's and OpenSSL's C functions only.

mod connect;
mod full_name;
mod host;
mod password;
mod poll;
mod proxy;
mod resolve;
mod server;
mod srv;
mod stream;
mod tls;

pub use connect::Addresses;
pub use host::{address_literal, mail_name};
pub use password::{PasswordCallback, PasswordFunction};
pub use poll::Waiting;
pub use proxy::{ProxyAccess, ProxyProtocol};
pub use resolve::{Resolved, resolve, resolver_message, service_port};
pub use server::Server;
pub use srv::{SubmissionService, Target};
pub use stream::{Recode, Stream};
pub use tls::{
    CertificateFacts, Identity, Obstacle, Pem, Pin, Secured, TlsBinding, TlsBindingKind, TlsContext,
    TlsDemands, TlsSetup, user_folder,
};
