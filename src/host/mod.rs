// SPDX-License-Identifier: LGPL-2.1-or-later
//! What the machine and the process know: environment, clock, CPU, texts of error numbers. The
//! bottom floor: it imports nothing of the library.

mod clock;
mod descriptor;
mod environment;
mod message;
mod node;
mod process;
mod record;
mod system_log;
mod wide;

pub use clock::local_offset;
pub(crate) use descriptor::away_from_stdio;
pub use environment::variable;
pub(crate) use message::resolver_code_message;
pub use message::system_message;
pub use node::node_name;
#[cfg(test)]
pub(crate) use process::this_program;
pub use process::{ProcessUser, at_end, peer_user, process_user, program_path, user_named};
pub use record::Record;
pub use system_log::log_error;
pub use wide::{Wide, each_position, wide};
