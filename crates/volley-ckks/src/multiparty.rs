//! Keys that several owners make together, and that nobody holds: the cryptographic layer of a pool.
//!
//! The joint secret is s = Σ s_i. Every s_i is uniform ternary and known to owner i alone. A [`Pool`] is what the
//! owners agree on: parameters, members, the keys to be made, and a common seed, from which all uniform halves follow.
//! Then
//!
//! | step | an owner sends | together they give |
//! |---|---|---|
//! | [`OwnerRoundOne::commitment`] | hashes of the shares of round one and of the Galois keys | [`Commitments`] |
//! | [`OwnerRoundOne::share`] | −a·s_i + e of the public key, −u_i·aⱼ + P·gⱼ·s_i + e and s_i·aⱼ + e′ of the relinearization key | [`RoundOneSums`] |
//! | [`OwnerRoundTwo::share`] | s_i·h₀ⱼ + (u_i − s_i)·h₁ⱼ + e + e′, for the sums h₀ⱼ and h₁ⱼ of round one, and −aⱼ·σ⁻¹(s_i) + e + P·gⱼ·s_i of each Galois key | [`EvaluationKeySet`](crate::EvaluationKeySet) |
//! | [`KeyHolder::share`] | s_i·c₁ and noise | a plaintext ([`Opening`]), or a ciphertext under a receiver's key ([`Switching`]) |
//!
//! This is the protocol of Mouchet, Troncoso-Pastoriza, Bossuat and Hubaux (eprint 2020/304), in the RNS of this crate:
//! digits gⱼ and special primes P are those of the keys of one owner, and a server computes with the result as with any
//! other keys ([`Evaluator`](crate::Evaluator)). Everybody encrypts with the [public key](RoundOneSums::public_key).
//!
//! **What it protects.** Parties follow the protocol and keep what they see (semi-honest). The server and all other
//! owners together learn nothing of an owner's share or data but the results that are decrypted. It is as hard to learn
//! more as it is with the same parameters to break the keys of a single owner. `SECURITY.md` of the project has the
//! argument, and what a party that does not follow the protocol can do. Some of it is refused:
//!
//! * shares that were chosen after the others': by commitments ([`Commitments`]);
//! * two lists of members, two sets of shares or two public keys: by fingerprints that owners compare, of the
//!   [commitments](Commitments::fingerprint) and of the [sums](RoundOneSums::fingerprint);
//! * round two with other sums than the first time, a second decryption of a ciphertext: by the owner's state.
//!
//! **Killed programs.** An owner is a value of three stages, [`OwnerRoundOne`], [`OwnerRoundTwo`] and [`KeyHolder`].
//! All its randomness follows from one seed, the step and what the step is done with. So every message can be made
//! again, and is the same. A program writes the owner down *before* it sends what the owner's new state allows.
//!
//! **Sealed openings.** The shares of an [`Opening`] show its result to whoever has them and the ciphertext. Owners who
//! send them through a server [seal](KeyHolder::sealed_opening) them for the members: any number of ciphertexts at once
//! ([`Openings`]). Each member has a [key of transport](TransportKey) for that.
//!
//! **A threshold.** In a [pool with one](Pool::with_threshold) any t of the owners decrypt. After round one each sends
//! every member a [sealed share](OwnerRoundTwo::sealed_share) of its secret; what all sent makes a
//! [key holder](OwnerRoundTwo::into_key_holder_by_shares), and the rest is as for all owners.
//!
//! **Noise.** It is that of a secret of n times the variance ([`Parameters::pooled`](crate::Parameters::pooled)), with a
//! relinearization key that is noisier ([`Noise::relinearization`](crate::noise::Noise::relinearization)). A decryption
//! adds the owners' [`smudging`] noise, which takes a larger scale than other circuits.
//!
//! ```
//! use rand::{SeedableRng, rngs::SysRng};
//! use rand_chacha::ChaCha20Rng;
//! use volley_ckks::multiparty::*;
//! use volley_ckks::noise::Noise;
//! use volley_ckks::volley_ring::sampling::Seed;
//! use volley_ckks::*;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut rng = ChaCha20Rng::try_from_rng(&mut SysRng)?;
//!
//! // 128-bit security, one level of 90 bits for a product, and room for smudging.
//! let levels = vec![vec![50, 50], vec![45, 45]];
//! let (p_bits, security) = (vec![50, 50, 50], Security::Classical128);
//! let literal = ParametersLiteral { log_n: 14, levels, p_bits, log_scale: 90, security };
//! let context = Context::new(literal.build()?.pooled(3)?);
//! let parameters = context.parameters();
//!
//! // All agree on the pool. Each has a key by which messages are sealed for it.
//! let transport: Vec<_> = (0..3).map(|_| TransportKey::generate(&mut rng)).collect();
//! let members = ["north", "east", "south"].into_iter().zip(transport.iter().map(TransportKey::public_key));
//! let spec = KeySpec::new(parameters).relinearization(1).rotations([1], 0);
//! let pool = Pool::new(&context, members, spec, Seed::generate(&mut rng))?;
//!
//! // Each owner draws a share of the secret, and is committed to its part of the keys.
//! let owners: Vec<_> =
//!     pool.everyone().map(|member| OwnerRoundOne::new(&pool, member, &mut rng)).collect::<Result<_, _>>()?;
//! let commitments = Commitments::new(&pool, owners.iter().map(OwnerRoundOne::commitment))?;
//!
//! // Round one.
//! let mut gathering = RoundOneGathering::new(&commitments);
//! owners.iter().try_for_each(|owner| gathering.add(owner.share(&commitments)?))?;
//! let sums = gathering.finish()?;
//! let public_key = sums.public_key();
//!
//! // Round two.
//! let owners: Vec<_> = owners
//!     .into_iter()
//!     .map(|owner| owner.into_round_two(&commitments, &sums))
//!     .collect::<Result<_, _>>()?;
//! let mut gathering = RoundTwoGathering::new(sums.clone());
//! owners.iter().try_for_each(|owner| gathering.add(owner.share(&sums)?))?;
//! let evaluator = Evaluator::new(&context, gathering.finish()?)?;
//!
//! // North and south encrypt, and the server computes xⱼ₊₁·yⱼ₊₁.
//! let encoder = Encoder::new(&context);
//! let mut encrypt = |values: [f64; 2]| {
//!     public_key.encrypt(&encoder.encode(&values, &parameters.scale(), 1)?, &mut rng)
//! };
//! let (x, y) = (encrypt([0.5, 0.25])?, encrypt([3.0, -2.0])?);
//! let result = evaluator.rotate(&evaluator.multiply(&x, &y)?, 1)?;
//!
//! // The noise of this circuit, for slots of size 2 at most, says how much must be hidden.
//! let (fresh, message) = (Noise::public_encryption(parameters), 2.0 * parameters.scale().to_f64());
//! let product = fresh.product(message, fresh, message, parameters.degree());
//! let product = product.plus(Noise::relinearization(parameters, 1));
//! let noise = product.times(1.0 / parameters.rescaling_factor(1).to_f64());
//! let noise = noise.plus(Noise::rounding(parameters)).plus(Noise::key_switch(parameters, 0));
//! let smudging = Smudging::new(40, 1, noise.error_norm(parameters))?;
//!
//! // East asks for the result: all owners switch it to East's own key.
//! let east = SecretKey::generate(&context, &mut rng);
//! let request =
//!     Switching::new(&pool, &result, pool.everyone(), &smudging, &PublicKey::generate(&east, &mut rng))?;
//! let mut shares = Vec::new();
//! for owner in owners {
//!     let mut owner = owner.into_key_holder()?;
//!     owner.admit(&request)?;
//!     shares.push(owner.share(&request)?);
//! }
//! let slots = encoder.decode_real(&east.decrypt(&request.finish(shares)?)?)?;
//! assert!((slots[0] + 0.5).abs() < 1e-3 && (slots[1] - 1.5).abs() < 1e-3);
//! # Ok(())
//! # }
//! ```

mod accessors;
mod commitment;
mod error;
mod galois;
mod heard;
mod holder;
mod openings;
mod pool;
mod pool_id;
mod request;
mod round_one;
mod round_two;
mod secret;
mod sharing;
pub mod smudging;
mod transport;

pub use commitment::{Commitment, Commitments};
pub use error::PoolError;
pub use holder::KeyHolder;
pub use openings::{OpenedShares, Openings, SealedOpening};
pub use pool::{MAX_NAME_BYTES, Pool};
pub use pool_id::PoolId;
pub use request::{DecryptionShare, Opening, Request, Switching};
pub use round_one::{OwnerRoundOne, RoundOneGathering, RoundOneShare, RoundOneSums};
pub use round_two::{OwnerRoundTwo, RoundTwoGathering, RoundTwoShare};
pub use sharing::SealedShare;
pub use smudging::Smudging;
pub use transport::{TRANSPORT_KEY_BYTES, TransportKey, TransportPublicKey};

// What files are made of and read into.
#[cfg(feature = "wire")]
pub(crate) use {
    commitment::{Digest, Digests},
    galois::layout as galois_layout,
    round_one::layout as round_one_layout,
    round_two::layout as round_two_layout,
    secret::OwnerSecret,
    sharing::{decode as decode_share, encode as encode_share, share_bytes},
    transport::{ENCAPSULATED_BYTES, MESSAGE_KEY_BYTES, Sealed, SealedForAll, TAG_BYTES},
};

#[cfg(test)]
mod tests;
