// SPDX-License-Identifier: LGPL-2.1-or-later
//! What the application said about a message's headers, as it stands when its text begins.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::content::Facts;
use crate::content::header::Plan;
use crate::host;
use crate::session::{Message, ReversePath, Session};

pub(super) fn plan(session: &Session, message: &Message) -> Plan {
    session.find_localhost();
    let localhost = session.localhost.borrow();
    let localhost = localhost.as_bytes();
    let reverse_path = message.reverse_path().borrow();
    let reverse_path = match &*reverse_path {
        ReversePath::Mailbox(mailbox) => Some(mailbox.shown()).filter(|path| !path.is_empty()),
        ReversePath::Null | ReversePath::Refused => None,
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let facts = Facts {
        reverse_path,
        recipients: &|take| message.for_each_recipient(|one| take(one.mailbox().shown())),
        utf8: message.needs_utf8(),
        seconds: i64::try_from(now.as_secs()).unwrap_or(i64::MAX),
        microseconds: now.subsec_micros(),
        pid: std::process::id(),
        localhost,
        local_offset: &host::local_offset,
    };
    message.headers().borrow().plan(&facts)
}
