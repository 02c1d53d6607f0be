// SPDX-License-Identifier: LGPL-2.1-or-later
//! The functions of libm that the DNS crate's bookkeeping calls: `round` only where the processor has no instruction
//! for it and the build is not optimised, as on i386. Each process
//! that has our library would load libm for them, which takes a tenth of its start; so Meson's link leads the calls
//! here (`--wrap`), to the crate with the same functions in Rust.

#[unsafe(no_mangle)]
extern "C" fn __wrap_exp(x: f64) -> f64 {
    libm::exp(x)
}

#[unsafe(no_mangle)]
extern "C" fn __wrap_pow(x: f64, y: f64) -> f64 {
    libm::pow(x, y)
}

#[unsafe(no_mangle)]
extern "C" fn __wrap_round(x: f64) -> f64 {
    libm::round(x)
}
