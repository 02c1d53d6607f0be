// SPDX-License-Identifier: LGPL-2.1-or-later
//! Panics on purpose, one in each layer, to test that none of them leaves the library. Only with
//! the feature `injected-panics`; without it a point is nothing.

/// Where a panic is put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// The C boundary.
    Ffi,
    Session,
    /// The protocol engine.
    Protocol,
    /// Message text.
    Content,
    /// Mechanisms.
    Sasl,
    /// Connections.
    Net,
}

#[cfg(feature = "injected-panics")]
mod armed {
    use std::cell::Cell;

    use super::Layer;

    thread_local! {
        static ARMED: Cell<Option<Layer>> = const { Cell::new(None) };
    }

    /// The next time that this thread comes to the layer, it panics.
    pub fn arm(layer: Layer) {
        ARMED.set(Some(layer));
    }

    #[allow(clippy::panic, reason = "it is what this is for")]
    pub(crate) fn point(layer: Layer) {
        if ARMED.get() == Some(layer) {
            ARMED.set(None);
            panic!("a panic in {layer:?}, for a test");
        }
    }
}

#[cfg(feature = "injected-panics")]
pub use armed::arm;
#[cfg(feature = "injected-panics")]
pub(crate) use armed::point;

/// Nothing.
#[cfg(not(feature = "injected-panics"))]
#[inline]
pub(crate) const fn point(_: Layer) {}
