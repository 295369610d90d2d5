//! Programs of many machines that train one model, as ranks of MPI.
//!
//! `World` is the `Team` of volley-project: the programs that `mpirun`, `srun` or another launcher started. What they
//! exchange are few and large messages.
//!
//! | exchange | how |
//! |---|---|
//! | what each rank says, and its part of the weights | `MPI_Allgather` of the lengths, `MPI_Allgatherv` in rounds |
//! | the sums of gradients, each rank's part of them | turns in the ring of ranks, by `MPI_Sendrecv` |
//! | the checkpoint of rank 0, at the start | pieces along the chain of ranks |
//!
//! In a ring each line carries a word once, whatever the number of ranks is. The reductions and broadcasts that Open
//! MPI chooses for messages of this size carry it several times (docs/scale.md has the figures). Residues are below
//! 2^50. So words of up to 2^14 ranks are added without a reduction modulo their primes.
//!
//! MPI ends all ranks where a message fails.
//!
//! The crate is empty without its feature `mpi`, so that the workspace builds where there is no MPI.
#![forbid(unsafe_code)]

#[cfg(feature = "mpi")]
mod world;

#[cfg(feature = "mpi")]
pub use world::World;
