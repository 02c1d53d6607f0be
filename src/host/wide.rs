// SPDX-License-Identifier: LGPL-2.1-or-later
//! The vector instructions that this host has.

/// Work that gains by vector instructions. [`Wide::run`] must always be inlined, and so must
/// what it calls: a function of its own would be compiled for any CPU.
pub trait Wide {
    /// What comes of it.
    type Output;

    /// Does it.
    fn run(self) -> Self::Output;
}

/// Does work compiled for the widest vector instructions of this CPU; the library as a whole is
/// compiled for any CPU of its architecture.
#[inline]
pub fn wide<W: Wide>(work: W) -> W::Output {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the CPU has the instructions.
        return unsafe { with_avx2(work) };
    }
    work.run()
}

/// # Safety
/// The CPU has AVX2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn with_avx2<W: Wide>(work: W) -> W::Output {
    work.run()
}

/// Calls `found` with each position of an octet in a text. What the CPU can do is found out once, not
/// for each of them: a text has ten thousand lines in a megabyte.
#[inline]
pub fn each_position(octet: u8, text: &[u8], mut found: impl FnMut(usize)) {
    #[cfg(target_arch = "x86_64")]
    if let Some(searcher) = memchr::arch::x86_64::avx2::memchr::One::new(octet) {
        return searcher.iter(text).for_each(found);
    }
    for at in memchr::memchr_iter(octet, text) {
        found(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_those_of_the_octet() {
        for length in 0..300 {
            let text: Vec<u8> =
                (0..length).map(|at| if at % 7 == 3 || at % 31 == 0 { b'x' } else { b'y' }).collect();
            let mut found = Vec::new();
            each_position(b'x', &text, |at| found.push(at));
            let expected: Vec<usize> = (0..length).filter(|at| text[*at] == b'x').collect();
            assert_eq!(found, expected);
        }
    }
}
