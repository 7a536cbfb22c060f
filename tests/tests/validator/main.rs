//! The validator: it has nothing to say about valid runs, and names what is wrong with others.

mod accepts;
mod hostile;
mod machines;
mod mutations;
