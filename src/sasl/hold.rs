// SPDX-License-Identifier: LGPL-2.1-or-later
//! A session's hold on a context that other sessions may have too.

use std::cell::RefCell;
use std::sync::Arc;

use super::Context;

/// An exchange belongs to one session. Of those that share a context, the first one that wants it
/// uses it, as long as it runs; whoever comes in that time gets one like it.
pub struct Hold {
    context: Arc<Context>,
    used: RefCell<Option<Arc<Context>>>,
}

impl Hold {
    /// A hold on the program's context, which is in nobody's use by that.
    #[must_use]
    pub fn new(context: Arc<Context>) -> Self {
        Self { context, used: RefCell::default() }
    }

    /// The context as the program has it.
    #[must_use]
    pub fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// The context for the exchanges of this session, until [`Self::let_go`].
    #[must_use]
    pub fn in_use(&self) -> Arc<Context> {
        let mut used = self.used.borrow_mut();
        let used = used.get_or_insert_with(|| {
            if self.context.occupy() {
                Arc::clone(&self.context)
            } else {
                Context::like(Some(&self.context))
            }
        });
        Arc::clone(used)
    }

    /// The session has ended.
    pub fn let_go(&self) {
        let used = self.used.take();
        if used.is_some_and(|used| Arc::ptr_eq(&used, &self.context)) {
            self.context.vacate();
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.let_go();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_session_at_a_time_uses_the_context_itself() {
        let context = Context::new();
        let first = Hold::new(Arc::clone(&context));
        let second = Hold::new(Arc::clone(&context));
        assert!(Arc::ptr_eq(&first.in_use(), &context));
        assert!(Arc::ptr_eq(&first.in_use(), &context), "it stays the same");
        assert!([&first, &second].iter().all(|hold| Arc::ptr_eq(hold.context(), &context)));
        assert!(!Arc::ptr_eq(&second.in_use(), &context));
        assert!(Arc::ptr_eq(&second.in_use(), &second.in_use()), "this too");
        second.let_go();
        assert!(!Arc::ptr_eq(&second.in_use(), &context), "who goes takes nobody else's place away");
        second.let_go();
        drop(first);
        assert!(Arc::ptr_eq(&second.in_use(), &context));
    }
}
