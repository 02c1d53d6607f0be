// SPDX-License-Identifier: LGPL-2.1-or-later
//! What the values of headers are made of, apart from what the application set.

/// Hands out the recipients of a message: calls the function it is given with each.
pub type Recipients<'a> = dyn Fn(&mut dyn FnMut(&[u8])) + 'a;

/// What is true when a text begins.
pub struct Facts<'a> {
    /// The sender as the application wrote it; `None` is the null path.
    pub reverse_path: Option<&'a [u8]>,
    /// The recipients, as the application wrote them.
    pub recipients: &'a Recipients<'a>,
    /// Whether the transaction uses SMTPUTF8, so that headers need not be ASCII (RFC 6532).
    pub utf8: bool,
    /// The time now, in seconds since 1970.
    pub seconds: i64,
    /// The rest of the time now.
    pub microseconds: u32,
    /// The number of this process.
    pub pid: u32,
    /// The name of this host.
    pub localhost: &'a [u8],
    /// Seconds that the local time is ahead of UTC at a time, if that can be told.
    pub local_offset: &'a dyn Fn(i64) -> Option<i32>,
}

#[cfg(test)]
impl Facts<'static> {
    pub const PLAIN: Self = Self {
        reverse_path: Some(b"me@example.org"),
        recipients: &|_| {},
        utf8: false,
        seconds: 0,
        microseconds: 0,
        pid: 1,
        localhost: b"here",
        local_offset: &|_| Some(0),
    };
}
