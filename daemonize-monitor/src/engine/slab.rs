//! A generational slab: values under small indices that are reused; a generation distinguishes the uses of one index.

use std::ops::{Index, IndexMut};

/// Generations of a number, after which the first one comes again: as many as fit beside the number into the 64 bits that
/// `epoll(7)` keeps with a descriptor.
pub(super) const GENERATIONS: u32 = 1 << 24;

/// One use of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) index: usize,
    pub(super) generation: u32,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Slab<T> {
    slots: Vec<Slot<T>>,
    free: Vec<usize>,
}

#[derive(Debug)]
struct Slot<T> {
    generation: u32,
    value: Option<T>,
}

impl<T> Default for Slab<T> {
    fn default() -> Slab<T> {
        Slab { slots: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slab<T> {
    pub(super) fn insert(&mut self, value: T) -> Key {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { generation: 0, value: None });
            self.slots.len() - 1
        });
        self.slots[index].value = Some(value);
        self.key(index)
    }

    /// Takes a value out. Its number may be used again, with another generation.
    pub(super) fn remove(&mut self, index: usize) -> Option<T> {
        let slot = self.slots.get_mut(index)?;
        let value = slot.value.take()?;
        slot.generation = (slot.generation + 1) % GENERATIONS;
        self.free.push(index);
        Some(value)
    }

    pub(super) fn get(&self, index: usize) -> Option<&T> {
        self.slots.get(index)?.value.as_ref()
    }

    pub(super) fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        self.slots.get_mut(index)?.value.as_mut()
    }

    /// Returns the key of a number that is or was in use.
    pub(super) fn key(&self, index: usize) -> Key {
        Key { index, generation: self.slots[index].generation }
    }

    /// Returns `true` if the value that was inserted under this key is still there.
    pub(super) fn contains(&self, key: Key) -> bool {
        self.slots.get(key.index).is_some_and(|slot| slot.generation == key.generation && slot.value.is_some())
    }

    /// Returns the value that was inserted under this key, unless it was removed.
    pub(super) fn current_mut(&mut self, key: Key) -> Option<&mut T> {
        let slot = self.slots.get_mut(key.index)?;
        slot.value.as_mut().filter(|_| slot.generation == key.generation)
    }

    /// Returns all values with their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        self.slots.iter().enumerate().filter_map(|(index, slot)| Some((index, slot.value.as_ref()?)))
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.slots.iter_mut().filter_map(|slot| slot.value.as_mut())
    }
}

impl<T> Index<usize> for Slab<T> {
    type Output = T;

    /// Panics if the number is not in use.
    fn index(&self, index: usize) -> &T {
        self.get(index).expect("the number is in use")
    }
}

impl<T> IndexMut<usize> for Slab<T> {
    fn index_mut(&mut self, index: usize) -> &mut T {
        self.get_mut(index).expect("the number is in use")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_of_removed_value_does_not_find_its_successor() {
        let mut slots = Slab::default();
        let first = slots.insert('a');
        assert!(slots.contains(first) && slots.current_mut(first) == Some(&mut 'a'));
        assert_eq!(slots.remove(first.index), Some('a'));
        assert_eq!((slots.remove(first.index), slots.get(first.index)), (None, None));
        let second = slots.insert('b');
        assert_eq!(second.index, first.index);
        assert!(!slots.contains(first) && slots.current_mut(first).is_none());
        assert!(slots.contains(second) && slots[second.index] == 'b');
        assert_eq!(slots.iter().collect::<Vec<_>>(), [(0, &'b')]);
    }
}
