//! What crosses the border between the kernel programs and user space.
//!
//! Both sides compile this crate, so a layout or a formula exists once. It has
//! no dependency on aya and no allocation; everything here is plain data and
//! arithmetic.
//!
//! - [`bucket`]: value → histogram bucket, and back
//! - [`cell`]: the words of one series' value: generation, sums, histograms
//! - [`series`]: what one series is counted by
//! - [`slot`]: copies in flight, and the sums by process
//! - [`event`]: the records of the ring buffer
//! - [`loss`]: what could not be counted, by kind
//! - [`fields`]: kernel structure fields whose offsets the loader sets
//! - [`programs`]: every kernel program, its hook and its number
//! - [`state`]: the word that arms the programs

#![cfg_attr(not(test), no_std)]
// The kernel's programs are one function each: what they use must be inlined.
#![allow(clippy::inline_always)]

pub mod bucket;
pub mod cell;
pub mod event;
pub mod fields;
pub mod loss;
pub mod patch;
pub mod programs;
pub mod series;
pub mod slot;
pub mod state;
