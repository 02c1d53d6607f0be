// SPDX-License-Identifier: LGPL-2.1-or-later
//! The client's side of SASL (RFC 4422): mechanisms, plug-ins, and the context that an
//! application sets up for them.
//!
//! Nothing here calls the application or touches the connection. [`Context`] says what is
//! [`Due`], its user does that and comes back with the result:
//!
//! ```text
//! begin(None) ─► Ask(fields) ─► answered(…) ─► Respond(initial response) ─► the server
//! begin(challenge) ◄─────────────────────────────────────────────────────── its challenge
//! ```
//!
//! Unsafe code is in [`plugin`] only, which calls C.

mod built_in;
mod channel;
mod context;
mod cram_md5;
mod external;
mod hold;
mod line;
mod locked;
mod login;
mod mechanism;
mod ntlm;
mod oauth;
mod plain;
#[allow(unsafe_code)]
pub mod plugin;
mod policy;
mod request;
mod scram;
mod secret;
mod selection;

pub use built_in::{ignores_prompts, may_be_asked_for};
pub use channel::{BindingKind, Channel, ChannelBinding};
pub use context::{Context, Due, Given};
pub use hold::Hold;
pub use line::{Opening, answer, decode_challenge, opening};
pub use plugin::SecurityLayer;
pub use request::{ClientRequest, FIELDS_MAX, Interact, InteractFunction, field, flags};
pub use secret::Secret;
pub use selection::Attempts;
