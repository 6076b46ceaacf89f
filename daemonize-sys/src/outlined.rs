//! A box whose drop code is not inlined, for large types that are dropped in many places.

use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};

/// A box whose content is dropped by one function. The compiler inlines the drop code of a `Box<T>` wherever one may be dropped, also
/// during a panic; for a large type that is more code than the rest of the caller.
#[derive(Debug)]
pub struct Outlined<T>(ManuallyDrop<Box<T>>);

impl<T> Outlined<T> {
    /// Moves the value to the heap.
    pub fn new(value: T) -> Outlined<T> {
        Outlined(ManuallyDrop::new(Box::new(value)))
    }

    /// Returns the value.
    pub fn into_inner(self) -> T {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: `self` is not dropped, and its box is not used again.
        *unsafe { ManuallyDrop::take(&mut this.0) }
    }
}

impl<T> Drop for Outlined<T> {
    #[inline(never)]
    fn drop(&mut self) {
        // SAFETY: nothing uses the box after the drop of its only owner.
        unsafe { ManuallyDrop::drop(&mut self.0) }
    }
}

impl<T> Deref for Outlined<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Outlined<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}
