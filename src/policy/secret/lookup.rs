// SPDX-License-Identifier: LGPL-2.1-or-later
//! Tokens from sockets: kept as long as they are good, and for each socket one look-up at a time
//! in a process. Sessions that wait for one take its answer.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::{Access, Token, socket};
use crate::error::thread_mark;
use crate::policy::fault::Fault;

/// A token is not used in the last seconds of its life.
const MARGIN: u64 = 300;
/// A look-up that has not ended so long after its time was left: its thread was cancelled, jumped
/// out of a signal handler, or is in the parent of this process.
const GRACE: Duration = Duration::from_secs(2);

type Answer = Result<Arc<Token>, Fault>;

/// A socket of one user.
struct Place {
    path: PathBuf,
    user: u32,
    kept: Option<Arc<Token>>,
    under_way: Option<Arc<LookUp>>,
}

/// A look-up that others may wait for.
struct LookUp {
    began: Instant,
    thread: usize,
    process: u32,
    answer: Mutex<Option<Answer>>,
    answered: Condvar,
}

static PLACES: Mutex<Vec<Place>> = Mutex::new(Vec::new());

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn place<'a>(places: &'a mut Vec<Place>, path: &Path, user: u32) -> Option<&'a mut Place> {
    let at = places
        .iter()
        .position(|place| place.path == path && place.user == user)
        .unwrap_or_else(|| {
            let place = Place {
                path: path.to_owned(),
                user,
                kept: None,
                under_way: None,
            };
            places.push(place);
            places.len() - 1
        });
    places.get_mut(at)
}

/// The token that is kept, the one that somebody else is fetching, or a fresh one.
pub(super) fn token(path: &Path, access: &Access) -> Answer {
    let (look_up, is_mine) = {
        let mut places = lock(&PLACES);
        let Some(place) = place(&mut places, path, access.user) else {
            return Err(Fault::of(path, "no room"));
        };
        if let Some(token) = place.kept.take_if(|token| !token.may_be_kept()) {
            drop(token);
        }
        if let Some(token) = &place.kept {
            return Ok(Arc::clone(token));
        }
        match &place.under_way {
            Some(look_up) if look_up.is_alive() => (Arc::clone(look_up), false),
            _ => {
                let look_up = Arc::new(LookUp::new());
                place.under_way = Some(Arc::clone(&look_up));
                (look_up, true)
            }
        }
    };
    if is_mine { carry_out(&look_up, path, access) } else { look_up.wait(path) }
}

fn carry_out(look_up: &Arc<LookUp>, path: &Path, access: &Access) -> Answer {
    let answer = socket::fetch(path, access).map(Arc::new);
    if let Some(place) = place(&mut lock(&PLACES), path, access.user) {
        if place.under_way.as_ref().is_some_and(|current| Arc::ptr_eq(current, look_up)) {
            place.under_way = None;
            place.kept = answer.as_ref().ok().filter(|token| token.may_be_kept()).cloned();
        }
    }
    *lock(&look_up.answer) = Some(answer.clone());
    look_up.answered.notify_all();
    answer
}

impl LookUp {
    fn new() -> Self {
        Self {
            began: Instant::now(),
            thread: thread_mark(),
            process: std::process::id(),
            answer: Mutex::new(None),
            answered: Condvar::new(),
        }
    }

    /// Whether somebody is at it. A thread that asks has left its own.
    fn is_alive(&self) -> bool {
        self.process == std::process::id()
            && self.thread != thread_mark()
            && self.began.elapsed() < socket::PATIENCE + GRACE
    }

    fn wait(&self, path: &Path) -> Answer {
        let timed_out = || Fault::system(path, &std::io::Error::from_raw_os_error(libc::ETIMEDOUT));
        let mut answer = lock(&self.answer);
        loop {
            if let Some(answer) = &*answer {
                return answer.clone();
            }
            let left = (socket::PATIENCE + GRACE).saturating_sub(self.began.elapsed());
            if left.is_zero() {
                return Err(timed_out());
            }
            let waited = self.answered.wait_timeout(answer, left);
            answer = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Token {
    fn may_be_kept(&self) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        self.content.expires.is_some_and(|expires| now.saturating_add(MARGIN) < expires)
    }
}

/// A token was refused: if it is the one that is kept, it is no longer.
pub(super) fn drop_token(path: &Path, token: &Arc<Token>) {
    let is_it = |kept: &mut Arc<Token>| Arc::ptr_eq(kept, token);
    for place in lock(&PLACES).iter_mut().filter(|place| place.path == path) {
        drop(place.kept.take_if(is_it));
    }
}

/// Nobody is waited for while the process ends.
pub(super) fn forget() {
    if let Ok(mut places) = PLACES.try_lock() {
        *places = Vec::new();
    }
}
