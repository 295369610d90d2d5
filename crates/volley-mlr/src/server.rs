//! A training run taken up by its plan.

mod checkpoint;
mod gradient;
mod rows;
mod trainer;
