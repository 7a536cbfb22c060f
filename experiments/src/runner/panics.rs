//! Keeps a panic inside its cell, with its message and place, and keeps it off the terminal.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// `Some` while this thread is inside [`caught`]; then the message of the last panic.
    static MESSAGE: RefCell<Option<String>> = const { RefCell::new(None) };
}

static HOOK: Once = Once::new();

/// Runs `body`; a panic comes back as its message and place.
///
/// # Errors
/// The panic.
pub fn caught<T>(body: impl FnOnce() -> T) -> Result<T, String> {
    HOOK.call_once(|| {
        let others = take_hook();
        set_hook(Box::new(move |info| {
            let is_inside = MESSAGE.with_borrow_mut(|message| match message {
                Some(message) => {
                    *message = info.to_string().replace('\n', " ");
                    true
                }
                None => false,
            });
            if !is_inside {
                others(info);
            }
        }));
    });
    MESSAGE.set(Some(String::new()));
    let result = catch_unwind(AssertUnwindSafe(body));
    let message = MESSAGE.take().unwrap_or_default();
    result.map_err(|payload| match message.is_empty() {
        false => message,
        // It came from another thread and was passed on here.
        true => (payload.downcast_ref::<String>().cloned())
            .or_else(|| payload.downcast_ref::<&str>().map(|s| (*s).to_owned()))
            .unwrap_or_else(|| "a panic without a message".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_comes_back_with_its_place() {
        let message = caught(|| -> u32 { panic!("boom {}", 7) }).unwrap_err();
        assert!(message.contains("boom 7"), "{message}");
        assert!(message.contains("panics.rs"), "{message}");
        assert_eq!(caught(|| 3), Ok(3));
    }
}
