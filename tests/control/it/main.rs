//! Black-box tests of the endpoint, its client and single instances.
