//! Programs of a user's own, through the library, in both worlds.

mod failures;
mod growing;
mod live;
mod pipelines;
