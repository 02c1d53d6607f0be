// SPDX-License-Identifier: LGPL-2.1-or-later
//! TLS for a connection, by the system's OpenSSL.
//!
//! First everything is made ready ([`TlsSetup::prepare`]): context, CA list, client
//! certificate; so that what is unusable is found before the server is told to start. Then
//! [`Stream::secure`](super::Stream::secure) shakes hands. It judges nothing: [`Secured`]
//! tells what is known of the server, and the application may be asked.
//!
//! No callback of ours is ever registered with OpenSSL for longer than a connection lasts: the
//! library may be unloaded while the host goes on using OpenSSL.

mod ca_file;
mod channel_binding;
mod client_certificate;
mod config_dir;
mod connection;
mod context;
mod demands;
mod error_queue;
mod facts;
mod identity;
mod peer;
mod resumption;
mod server_name;
mod setup;
mod shared;
mod socket;
mod sys;
mod trust;

#[cfg(test)]
mod tests;

pub use channel_binding::{TlsBinding, TlsBindingKind};
pub use context::TlsContext;
pub use demands::{Pem, Pin, TlsDemands};
pub use facts::CertificateFacts;
pub use identity::Identity;
pub use peer::Secured;
pub use setup::{Obstacle, TlsSetup};

/// The folder with the user's files, as the environment names it.
#[must_use]
pub fn user_folder() -> Option<std::path::PathBuf> {
    config_dir::ConfigDir::of_user().map(config_dir::ConfigDir::into_path)
}

pub(super) use connection::{Connection, RECORD_SIZE};
