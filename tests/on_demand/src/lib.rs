//! Nothing: the package has helper programs and tests.
