//! Bits of the one word of the `ARMED` map.

/// Everything is attached: count, and send events.
pub const ARMED: u32 = 1;

/// A self-test is running: processes in the `SELF_TEST` map are told apart.
pub const SELF_TEST: u32 = 2;
