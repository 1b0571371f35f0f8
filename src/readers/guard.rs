//! Decoders of other hands: a panic of one becomes an error that names the file. Knows no format.

use std::{
    any::Any,
    cell::Cell,
    panic::{self, AssertUnwindSafe},
    sync::Once,
};

use crate::error::ReadError;

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`; a panic in it is told as damage of `file`.
pub(crate) fn guarded<T>(file: &str, work: impl FnOnce() -> Result<T, ReadError>) -> Result<T, ReadError> {
    silence();
    let before = GUARDED.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(before);
    result.unwrap_or_else(|payload| Err(ReadError::Decoder { file: file.to_string(), cause: message(&*payload) }))
}

/// Without this a panic prints itself before anybody can catch it. Panics outside of `guarded` print as ever.
fn silence() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let ever = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !GUARDED.get() {
                ever(info);
            }
        }));
    });
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str).or(payload.downcast_ref::<&str>().copied());
    text.unwrap_or("no word of the cause").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_of_the_file() {
        let error = guarded("a.xls", || -> Result<(), ReadError> { panic!("index out of bounds") }).unwrap_err();
        assert_eq!(error.to_string(), "`a.xls` is damaged: its decoder gave up (index out of bounds)");
        assert_eq!(guarded("a.xls", || Ok(7)).unwrap(), 7);
    }
}
