// SPDX-License-Identifier: LGPL-2.1-or-later
//! What the machine and the process know: environment, clock, CPU, texts of error numbers. The
//! bottom floor: it imports nothing of the library.

mod clock;
mod environment;
mod message;
mod node;
mod wide;

pub use clock::local_offset;
pub use environment::variable;
pub(crate) use message::resolver_code_message;
pub use message::system_message;
pub use node::node_name;
pub use wide::{Wide, wide};
