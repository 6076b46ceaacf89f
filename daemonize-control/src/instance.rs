//! One instance of a program, and how a second launch reaches it.
