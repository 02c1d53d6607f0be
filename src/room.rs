// SPDX-License-Identifier: LGPL-2.1-or-later
//! Room for what a program hands in, however long it is: asked for, so that a host which is short of
//! memory gets an error. For small things of a fixed size that would be in the way, and is not
//! done: there the process ends.

use crate::error::{Error, Result};

/// An empty vector with room for so many.
pub fn room<T>(count: usize) -> Result<Vec<T>> {
    let mut vector = Vec::new();
    vector.try_reserve_exact(count).map_err(|_| Error::no_memory())?;
    Ok(vector)
}

/// Makes room for one more in a list that grows with what a program sets.
pub fn one_more<T>(list: &mut Vec<T>) -> Result<()> {
    list.try_reserve(1).map_err(|_| Error::no_memory())
}

/// The parts one after the other.
pub fn concat(parts: &[&[u8]]) -> Result<Vec<u8>> {
    let length = parts.iter().map(|part| part.len()).fold(0, usize::saturating_add);
    let mut whole = room(length)?;
    for part in parts {
        whole.extend_from_slice(part);
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_had_is_an_error() {
        assert_eq!(room::<u8>(usize::MAX), Err(Error::Client));
        assert_eq!(concat(&[b"a", b"", b"bc"]), Ok(b"abc".to_vec()));
    }
}
