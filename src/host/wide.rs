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
