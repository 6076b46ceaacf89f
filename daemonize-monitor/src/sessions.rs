//! Sessions of the status page: keys that browsers use instead of the monitor's token.
//!
//! A code is made for root or the owner, and is exchanged once for the key of a session. Both are 256 random bits, live in
//! memory alone, end with the monitor, and are bounded in number.

use nix::time::{ClockId, clock_gettime};
use std::fmt::Write as _;
use std::hint::black_box;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The time for which a code can be exchanged.
pub(crate) const CODE_LIFETIME: Duration = Duration::from_secs(60);
/// The largest number of codes that wait for their exchange; a further one replaces the oldest.
const MAX_CODES: usize = 16;
/// The largest number of sessions; a further one ends the one that was unused for longest.
const MAX_SESSIONS: usize = 64;
/// The number of digits of a key.
const KEY_DIGITS: usize = 64;

/// The sessions of a monitor, shared by the routes and the check of credentials.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sessions(Arc<Mutex<SessionTable>>);

/// 256 random bits, as hexadecimal digits.
#[derive(Clone)]
struct SessionKey(String);

/// The codes and the keys.
#[derive(Debug, Default)]
struct SessionTable {
    /// The codes with the times at which they expire, the oldest first.
    codes: Vec<(SessionKey, Duration)>,
    /// The keys of the sessions, the one that was unused for longest first.
    keys: Vec<SessionKey>,
}

impl Sessions {
    /// Makes a code that can be exchanged once within [`CODE_LIFETIME`].
    ///
    /// # Errors
    /// The kernel gives no random numbers (`getrandom(2)`).
    pub(crate) fn make_code(&self) -> io::Result<String> {
        let key = SessionKey::random()?;
        let text = key.0.clone();
        self.with(|table| table.add_code(key, now()));
        Ok(text)
    }

    /// Returns `true` if `code` can be exchanged now.
    pub(crate) fn is_code(&self, code: &[u8]) -> bool {
        self.with(|table| table.find_code(code, now()).is_some())
    }

    /// Exchanges a code for the key of a new session; `None` if it is wrong, was exchanged before or has expired.
    ///
    /// # Errors
    /// The kernel gives no random numbers (`getrandom(2)`); the code is used up.
    pub(crate) fn open(&self, code: &[u8]) -> io::Result<Option<String>> {
        if !self.with(|table| table.take_code(code, now())) {
            return Ok(None);
        }
        let key = SessionKey::random()?;
        let text = key.0.clone();
        self.with(|table| table.add_key(key));
        Ok(Some(text))
    }

    /// Returns `true` if `key` is that of a session.
    pub(crate) fn is_open(&self, key: &[u8]) -> bool {
        self.with(|table| table.use_key(key))
    }

    /// Ends the session of this key, if there is one.
    pub(crate) fn end(&self, key: &[u8]) {
        self.with(|table| table.keys.retain(|other| !other.is_equal(key)));
    }

    fn with<T>(&self, act: impl FnOnce(&mut SessionTable) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl SessionTable {
    fn add_code(&mut self, code: SessionKey, now: Duration) {
        self.codes.retain(|(_, end)| now < *end);
        if self.codes.len() >= MAX_CODES {
            self.codes.remove(0);
        }
        self.codes.push((code, now.saturating_add(CODE_LIFETIME)));
    }

    fn find_code(&mut self, code: &[u8], now: Duration) -> Option<usize> {
        self.codes.retain(|(_, end)| now < *end);
        find(self.codes.iter().map(|(known, _)| known), code)
    }

    fn take_code(&mut self, code: &[u8], now: Duration) -> bool {
        let found = self.find_code(code, now);
        found.map(|index| self.codes.remove(index)).is_some()
    }

    fn add_key(&mut self, key: SessionKey) {
        if self.keys.len() >= MAX_SESSIONS {
            self.keys.remove(0);
        }
        self.keys.push(key);
    }

    /// Returns `true` if there is such a key, which becomes the one that was used last.
    fn use_key(&mut self, key: &[u8]) -> bool {
        let found = find(self.keys.iter(), key);
        if let Some(index) = found {
            self.keys[index..].rotate_left(1);
        }
        found.is_some()
    }
}

/// Returns the place of a key. Compares all of them, so that the time does not reveal the place.
fn find<'a>(keys: impl Iterator<Item = &'a SessionKey>, wanted: &[u8]) -> Option<usize> {
    keys.enumerate().fold(None, |found, (index, key)| if key.is_equal(wanted) { Some(index) } else { found })
}

impl SessionKey {
    fn random() -> io::Result<SessionKey> {
        let mut bytes = [0; KEY_DIGITS / 2];
        getrandom::fill(&mut bytes)?;
        let mut text = String::with_capacity(KEY_DIGITS);
        for byte in bytes {
            let _ = write!(text, "{byte:02x}");
        }
        Ok(SessionKey(text))
    }

    /// Returns `true` if `other` is this key. Takes the same time wherever the first difference is.
    fn is_equal(&self, other: &[u8]) -> bool {
        let pairs = self.0.bytes().zip(other.iter().copied());
        // `black_box` keeps the compiler from returning at the first difference.
        let difference = pairs.fold(0, |all, (ours, theirs)| black_box(all | (ours ^ theirs)));
        other.len() == self.0.len() && difference == 0
    }
}

impl std::fmt::Debug for SessionKey {
    /// Never prints the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionKey(…)")
    }
}

/// Returns the time since boot, which goes on while the machine is suspended (`CLOCK_BOOTTIME`, `clock_gettime(2)`).
fn now() -> Duration {
    clock_gettime(ClockId::CLOCK_BOOTTIME).map(Duration::from).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SessionKey {
        SessionKey::random().unwrap()
    }

    #[test]
    fn code_is_exchanged_once() {
        let sessions = Sessions::default();
        let code = sessions.make_code().unwrap();
        assert_eq!((code.len(), sessions.is_open(code.as_bytes())), (KEY_DIGITS, false));
        assert!(
            sessions.is_code(code.as_bytes()) && !sessions.is_code(&code.as_bytes()[1..]) && !sessions.is_code(b"")
        );
        let session = sessions.open(code.as_bytes()).unwrap().unwrap();
        assert_ne!(session, code);
        assert_eq!((sessions.open(code.as_bytes()).unwrap(), sessions.is_code(code.as_bytes())), (None, false));
        assert!(sessions.is_open(session.as_bytes()) && !sessions.is_code(session.as_bytes()));
        assert_eq!(sessions.open(session.as_bytes()).unwrap(), None);
        assert!(!format!("{sessions:?}").contains(&session));
        sessions.end(session.as_bytes());
        assert!(!sessions.is_open(session.as_bytes()));
    }

    #[test]
    fn code_expires_after_its_lifetime() {
        let (mut table, code, start) = (SessionTable::default(), key(), Duration::from_secs(5));
        table.add_code(code.clone(), start);
        assert!(table.find_code(code.0.as_bytes(), start + Duration::from_millis(59_999)).is_some());
        assert!(!table.take_code(code.0.as_bytes(), start + CODE_LIFETIME));
        assert!(table.codes.is_empty());
    }

    #[test]
    fn codes_and_sessions_are_bounded() {
        let mut table = SessionTable::default();
        let codes: Vec<SessionKey> = (0..=MAX_CODES).map(|_| key()).collect();
        for code in &codes {
            table.add_code(code.clone(), Duration::ZERO);
        }
        assert_eq!(table.codes.len(), MAX_CODES);
        assert!(!table.take_code(codes[0].0.as_bytes(), Duration::ZERO));
        assert!(table.take_code(codes[1].0.as_bytes(), Duration::ZERO));
        let keys: Vec<SessionKey> = (0..=MAX_SESSIONS).map(|_| key()).collect();
        for one in &keys {
            table.add_key(one.clone());
            // The first session is used all the time, the second never.
            assert!(table.use_key(keys[0].0.as_bytes()));
        }
        assert_eq!(table.keys.len(), MAX_SESSIONS);
        assert!(table.use_key(keys[0].0.as_bytes()) && !table.use_key(keys[1].0.as_bytes()));
        assert!(keys[2..].iter().all(|one| table.use_key(one.0.as_bytes())));
    }
}
