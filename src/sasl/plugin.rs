// SPDX-License-Identifier: LGPL-2.1-or-later
//! Mechanisms in shared objects: `sasl-NAME.so` with a data symbol `sasl_client`.
//!
//! A plug-in's `response` may call the application, so [`Call::call`] is left to the code at
//! the C boundary; the other functions are called from here. A plug-in's state lives as long
//! as anything that may still call it, and its shared object longer than that.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::mem;
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::request::{Interact, InteractFunction};
use super::secret::Secret;
use crate::error::{Error, Result};

/// Where plug-ins are looked for.
const DIRECTORY: &str = match option_env!("ESMTP_PLUGIN_DIR") {
    Some(directory) => directory,
    None => "/usr/lib/esmtp-plugins-6.2.0",
};

/// `auth_response_t`.
type ResponseFunction = unsafe extern "C-unwind" fn(
    context: *mut c_void,
    challenge: *const c_char,
    len: *mut c_int,
    interact: Option<InteractFunction>,
    arg: *mut c_void,
) -> *const c_char;

/// `auth_recode_t`.
type RecodeFunction = unsafe extern "C-unwind" fn(
    context: *mut c_void,
    to: *mut *mut c_char,
    to_len: *mut c_int,
    from: *const c_char,
    from_len: c_int,
) -> c_int;

/// `struct auth_client_plugin`, what the symbol `sasl_client` is.
#[repr(C)]
#[derive(Clone, Copy)]
struct Client {
    keyword: *const c_char,
    description: *const c_char,
    init: Option<unsafe extern "C-unwind" fn(context: *mut c_void) -> c_int>,
    destroy: Option<unsafe extern "C-unwind" fn(context: *mut c_void)>,
    response: Option<ResponseFunction>,
    flags: c_uint,
    ssf: c_int,
    encode: Option<RecodeFunction>,
    decode: Option<RecodeFunction>,
}

/// A shared object that is loaded, with what it says of itself.
pub(super) struct Plugin {
    // Null for one that is part of the program, as in tests.
    handle: *mut c_void,
    client: Client,
    response: ResponseFunction,
}

// SAFETY: the pointers lead to constant data and functions of the shared object, which stays
// loaded while this value exists; state is kept per exchange, in `Instance`.
unsafe impl Send for Plugin {}
// SAFETY: as above; nothing is written through a shared reference.
unsafe impl Sync for Plugin {}

impl Drop for Plugin {
    fn drop(&mut self) {
        if !self.handle.is_null() {
            // SAFETY: the handle comes from dlopen and is closed once. What points into the
            // shared object keeps this value, so nothing is left that does.
            unsafe { libc::dlclose(self.handle) };
        }
    }
}

static LOADED: Mutex<BTreeMap<Box<str>, Arc<Plugin>>> = Mutex::new(BTreeMap::new());

fn loaded() -> MutexGuard<'static, BTreeMap<Box<str>, Arc<Plugin>>> {
    LOADED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Unloads the plug-ins that no context uses.
pub fn unload_unused() {
    let is_used = |(_name, plugin): &(Box<str>, Arc<Plugin>)| Arc::strong_count(plugin) > 1;
    let mut loaded = loaded();
    let (used, unused): (BTreeMap<_, _>, BTreeMap<_, _>) =
        mem::take(&mut *loaded).into_iter().partition(is_used);
    *loaded = used;
    // Unloading runs the shared object's destructors: not before the lock is free.
    drop(loaded);
    drop(unused);
}

impl Plugin {
    /// The plug-in of a mechanism, loaded if it was not yet.
    pub(super) fn find(mechanism: &str) -> Result<Arc<Self>> {
        let file_name = file_name(mechanism).ok_or(Error::Invalid)?;
        if let Some(plugin) = loaded().get(&*file_name) {
            return Ok(Arc::clone(plugin));
        }
        // Loading runs foreign code, so without the lock. Another thread may be faster:
        // dlopen counts, and the later of both is closed again.
        let path = CString::new(format!("{DIRECTORY}/{file_name}")).map_err(|_| Error::Invalid)?;
        let plugin = Arc::new(Self::load(&path).ok_or(Error::Invalid)?);
        let kept = Arc::clone(loaded().entry(file_name).or_insert_with(|| Arc::clone(&plugin)));
        Ok(kept)
    }

    fn load(path: &CStr) -> Option<Self> {
        // SAFETY: the path is a C string. Whoever can write to the plug-in directory is
        // trusted with what the plug-in does.
        let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
        if handle.is_null() {
            return None;
        }
        let client = {
            // SAFETY: the handle is open.
            let symbol: *const Client = unsafe { libc::dlsym(handle, c"sasl_client".as_ptr()) }.cast();
            // SAFETY: a plug-in's symbol of this name has this type.
            unsafe { symbol.as_ref() }.copied()
        };
        let plugin = client.and_then(|client| Self::new(handle, client));
        if plugin.is_none() {
            // SAFETY: the handle is open, and nothing was taken from the shared object.
            unsafe { libc::dlclose(handle) };
        }
        plugin
    }

    fn new(handle: *mut c_void, client: Client) -> Option<Self> {
        let response = client.response?;
        Some(Self { handle, client, response })
    }

    /// What it is like: [`super::flags`].
    pub(super) fn flags(&self) -> c_uint {
        self.client.flags
    }

    /// The strength of its security layer.
    pub(super) fn ssf(&self) -> c_int {
        self.client.ssf
    }
}

/// The file of a mechanism. Names come from the server: only those that RFC 4422 §3.1
/// allows, which have neither dot nor slash, may become a part of a path.
fn file_name(mechanism: &str) -> Option<Box<str>> {
    let valid = (1..=20).contains(&mechanism.len())
        && mechanism.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    valid.then(|| format!("sasl-{}.so", mechanism.to_ascii_lowercase()).into_boxed_str())
}

/// The state that a plug-in keeps for one exchange.
pub(super) struct Instance {
    plugin: Arc<Plugin>,
    context: *mut c_void,
}

// SAFETY: the plug-in's state is used by one exchange, and that by one thread at a time, unless
// the application lets two sessions use a context at once; then the plug-in is as safe as it is.
unsafe impl Send for Instance {}
// SAFETY: as above; the pointer itself does not change.
unsafe impl Sync for Instance {}

impl Instance {
    /// Has the plug-in make its state.
    pub(super) fn new(plugin: Arc<Plugin>) -> Result<Self> {
        let mut context: *mut c_void = ptr::null_mut();
        if let Some(init) = plugin.client.init {
            // SAFETY: the function belongs to the plug-in, which is loaded; it stores its
            // state where it is shown.
            if unsafe { init((&raw mut context).cast()) } == 0 {
                return Err(Error::Client);
            }
        }
        Ok(Self { plugin, context })
    }

    /// The security layer, if there is one.
    pub(super) fn security_layer(self: &Arc<Self>) -> Option<SecurityLayer> {
        let Client { ssf, encode, decode, .. } = self.plugin.client;
        match (encode, decode) {
            (Some(encode), Some(decode)) if ssf > 0 => Some(SecurityLayer {
                instance: Arc::clone(self),
                encode,
                decode,
            }),
            _ => None,
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if let Some(destroy) = self.plugin.client.destroy {
            // SAFETY: the state was made by the same plug-in and is given back once.
            unsafe { destroy(self.context) };
        }
    }
}

/// A call of a plug-in's `response` that is due.
pub struct Call {
    // Keeps the state even if the application, called back, selects another mechanism.
    instance: Arc<Instance>,
    challenge: Option<Secret>,
}

impl Call {
    pub(super) fn new(instance: Arc<Instance>, challenge: Option<&[u8]>) -> Self {
        Self {
            instance,
            challenge: challenge.map(Secret::from),
        }
    }

    /// Calls the plug-in, which may call the application. The result goes to
    /// [`super::Context::plugin_responded`].
    ///
    /// # Safety
    /// `interact` is the application's callback and may be called now.
    pub unsafe fn call(&self, interact: Interact) -> Option<Secret> {
        let challenge = self.challenge.as_ref();
        let mut length = c_int::try_from(challenge.map_or(0, |text| text.len())).ok()?;
        let text = challenge.map_or(ptr::null(), Secret::as_c_ptr);
        let response = self.instance.plugin.response;
        let context = self.instance.context;
        // SAFETY: the function belongs to the plug-in and gets its own state. The challenge
        // is followed by a NUL and lives through the call. The caller answers for the callback.
        let answer =
            unsafe { response(context, text, &raw mut length, Some(interact.function), interact.arg) };
        let length = usize::try_from(length).ok().filter(|_| !answer.is_null())?;
        // SAFETY: the plug-in says that so many bytes are there; they are copied at once.
        Some(Secret::from(unsafe { std::slice::from_raw_parts(answer.cast::<u8>(), length) }))
    }
}

/// What a mechanism does to all text after the exchange, both ways.
pub struct SecurityLayer {
    instance: Arc<Instance>,
    encode: RecodeFunction,
    decode: RecodeFunction,
}

/// Text in memory of the plug-in's, good until its next call.
pub type Recoded = (*mut c_char, c_int);

impl SecurityLayer {
    /// Text for the server, where the plug-in has put it.
    pub fn encode_in_place(&self, text: &[u8]) -> Result<Recoded> {
        let encoded = self.recode(self.encode, text)?;
        // Text must not vanish.
        if encoded.1 == 0 && !text.is_empty() {
            return Err(Error::Client);
        }
        Ok(encoded)
    }

    /// Text from the server, where the plug-in has put it. May be nothing as long as more
    /// must arrive first.
    pub fn decode_in_place(&self, text: &[u8]) -> Result<Recoded> {
        self.recode(self.decode, text)
    }

    /// Text for the server.
    pub fn encode(&self, text: &[u8]) -> Result<Vec<u8>> {
        self.encode_in_place(text).map(copied)
    }

    /// Text from the server.
    pub fn decode(&self, text: &[u8]) -> Result<Vec<u8>> {
        self.decode_in_place(text).map(copied)
    }

    // The number that these functions return is not looked at: nothing ever said what it
    // means. A result that was not stored is a failure.
    fn recode(&self, function: RecodeFunction, text: &[u8]) -> Result<Recoded> {
        let length = c_int::try_from(text.len()).map_err(|_| Error::Invalid)?;
        let mut to: *mut c_char = ptr::null_mut();
        let mut to_len: c_int = 0;
        let context = self.instance.context;
        // SAFETY: the function belongs to the plug-in and gets its own state; the text lives
        // through the call.
        unsafe { function(context, &raw mut to, &raw mut to_len, text.as_ptr().cast(), length) };
        if to_len < 0 || (to.is_null() && to_len > 0) {
            return Err(Error::Client);
        }
        Ok((to, to_len))
    }
}

fn copied((text, length): Recoded) -> Vec<u8> {
    match usize::try_from(length) {
        Ok(length) if length > 0 => {
            // SAFETY: the plug-in has just put so many bytes there (`recode`).
            unsafe { std::slice::from_raw_parts(text.cast::<u8>(), length) }.to_vec()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
pub(super) mod tests;
