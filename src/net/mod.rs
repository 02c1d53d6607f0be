// SPDX-License-Identifier: LGPL-2.1-or-later
//! The network and what the host knows: names, addresses, connections, TLS.
//!
//! Unsafe code is allowed here for the system's and OpenSSL's C functions only.

mod connect;
mod environment;
mod host;
mod message;
mod password;
mod poll;
mod resolve;
mod server;
mod srv;
mod stream;
mod tls;
mod wide;

pub use connect::Addresses;
pub use environment::variable;
pub use host::{local_offset, mail_name};
pub use message::system_message;
pub use password::{PasswordCallback, PasswordFunction};
pub use resolve::{Resolved, resolve, resolver_message};
pub use server::{Server, server_host};
pub use srv::{SubmissionService, Target};
pub use stream::{Recode, Stream};
pub use tls::{Identity, Obstacle, Secured, TlsBinding, TlsBindingKind, TlsContext, TlsSetup};
pub use wide::{Wide, wide};
