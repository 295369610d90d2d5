//! Noise flooding: decryptions that may be shown.
//!
//! CKKS decrypts to m + e, where e depends on the secret key and on the computation. Whoever knows m and sees enough
//! such sums solves for the key (Li and Micciancio, eprint 2020/1533). So a decryption that is to be published first
//! gets a Gaussian of deviation σ on every coefficient, wide enough to hide e (Li, Micciancio, Schultz and Sorrell,
//! eprint 2022/816):
//!
//! ```text
//! σ = √(12·τ)·2^(s/2)·t
//! ```
//!
//! for τ decryptions under one key, s bits of statistical security and t ≥ ‖e‖₂, the Euclidean norm of the N
//! coefficients.
//!
//! **Why.** Let P be what is shown, m + e + g with g from the Gaussian. Let Q be m + g, which a simulator that knows
//! only m would show. Their Kullback-Leibler divergence is ‖e‖²/2σ² for each decryption. Over τ decryptions, each
//! chosen with knowledge of those before, the divergences add up to at most
//!
//! ```text
//! τ·t²/2σ² = 2^−s/24,
//! ```
//!
//! and by Pinsker's inequality the two worlds differ by a statistical distance of at most 2^(−s/2)/√48. *s bits* is
//! meant as Micciancio and Walter (eprint 2018/077) measure decision games, by the inverse square of the advantage: at
//! s = 30 the advantage that decryptions give, to an adversary of any computing power, is below 2^−17.7. Where there is
//! no difference the scheme is as secure as without any decryption.
//!
//! **The norm.** The theorem is about the whole vector that is shown, so t is a Euclidean norm and not the size of one
//! coefficient: √N times its deviation, and √N in σ. (A decryption of which only some slots are shown is a function of
//! this vector and gives away no more.)
//!
//! **What remains.** The norm of e is assumed to be at most t. That is a property of a circuit that was evaluated as
//! planned: a server that returns another ciphertext, with an error of its choice, gets m + e + g for an e that g does
//! not hide. Errors are random, so t holds except with a small probability
//! ([`error_norm`](crate::noise::Noise::error_norm)). The noise is a *discrete* Gaussian, within ε = 2^−65 of the ideal
//! at each point ([`WideGaussian`]). Its KL divergence for a shift by integers is at most that of the continuous one,
//! plus a term of that size. Only τ decryptions are covered.
//!
//! **The same noise again.** Two decryptions of one ciphertext with fresh noise would be two samples of m + e + g, and
//! the mean of many samples is m + e. So g is a function of what is decrypted:
//!
//! ```text
//! k = BLAKE3 derive-key(context, s),   g = Gaussian(ChaCha20(BLAKE3 keyed(k, parameters, level, σ, c₀, c₁)))
//! ```
//!
//! and a repeated decryption shows nothing new: it counts once among the τ.
//!
//! * *It is as good as fresh noise.* k is used for nothing else. To those who do not know s it is a random key, as long
//!   as BLAKE3 is a random oracle: to tell it from one is to ask the oracle about s, and whoever can do that has broken
//!   the scheme. Under a random key the keyed hash is a pseudorandom function. So inputs that differ get seeds, and
//!   noise, that cannot be told from independent ones, and the bound above is that of fresh noise. The bound no longer
//!   holds for adversaries of any computing power: the advantage is 2^(−s/2)/√48 plus that of distinguishing BLAKE3
//!   and ChaCha20 from random.
//! * *Two ciphertexts* differ in some residue. They have independent noise even if they hold the same message, or are
//!   one ciphertext at two levels: these are two decryptions.
//! * *Two widths.* σ is part of the input. From one seed the noises of two widths would be sums of the same errors with
//!   different factors: two equations that give m + e away. With σ in the input they are independent, and count as two
//!   decryptions.
//! * *Scale and slot count* are not part of the input: they say how the shown vector is read, and change neither e nor
//!   the vector.

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use volley_ring::sampling::WideGaussian;
use volley_ring::{Eval, RnsPoly};
use zeroize::Zeroizing;

use crate::base::error::Error;
use crate::rlwe::keys::SecretKey;
use crate::scheme::ciphertext::{Ciphertext, Plaintext};

/// Separates the key of the noise from every other use of the secret.
const NOISE_CONTEXT: &str = "Volley 2026: noise of flooded CKKS decryptions, version 1";

/// How much decryptions may reveal: s and τ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flooding {
    statistical_bits: u32,
    decryptions: u32,
}

impl Flooding {
    /// Fewest bits of statistical security.
    pub const MIN_STATISTICAL_BITS: u32 = 30;
    /// Most bits of statistical security: more than any key has.
    pub const MAX_STATISTICAL_BITS: u32 = 128;

    /// s = `statistical_bits` for τ = `decryptions` under one key.
    ///
    /// # Errors
    ///
    /// [`Error::StatisticalBits`] for less than 30 bits or more than 128, [`Error::NoDecryptions`].
    pub fn new(statistical_bits: u32, decryptions: u32) -> Result<Self, Error> {
        let (min, max) = (Self::MIN_STATISTICAL_BITS, Self::MAX_STATISTICAL_BITS);
        if !(min..=max).contains(&statistical_bits) {
            return Err(Error::StatisticalBits { bits: statistical_bits, min, max });
        }
        if decryptions == 0 {
            return Err(Error::NoDecryptions);
        }
        Ok(Self { statistical_bits, decryptions })
    }

    /// s.
    #[must_use]
    pub fn statistical_bits(&self) -> u32 {
        self.statistical_bits
    }

    /// τ.
    #[must_use]
    pub fn decryptions(&self) -> u32 {
        self.decryptions
    }

    /// σ for errors of norm t = `error_norm`, where `ciphertexts` ciphertexts are decrypted at once: their errors are
    /// one vector of √`ciphertexts` times the norm.
    #[must_use]
    pub fn deviation(&self, error_norm: f64, ciphertexts: usize) -> f64 {
        let decryptions = f64::from(self.decryptions) * ciphertexts as f64;
        (12.0 * decryptions).sqrt() * (f64::from(self.statistical_bits) / 2.0).exp2() * error_norm
    }
}

impl SecretKey {
    /// Decrypts and adds a discrete Gaussian of at least this deviation to every coefficient (at most √(5/2) wider). A
    /// decryption that is going to be shown needs this ([module](self)). The same ciphertext and deviation give the
    /// same result each time. It takes about 2^7 Gaussian errors for each coefficient.
    ///
    /// # Errors
    ///
    /// [`Error::FloodingRange`] where the noise does not fit the modulus of the ciphertext's level, and those of
    /// [`decrypt`](Self::decrypt).
    pub fn decrypt_flooded(&self, ciphertext: &Ciphertext, deviation: f64) -> Result<Plaintext, Error> {
        /// log₂ of how many deviations stay below half the modulus.
        const HEADROOM: f64 = 6.0;
        let mut plaintext = self.decrypt(ciphertext)?;
        let modulus_log2 = self.context().parameters().log_q(ciphertext.level());
        let refusal = Error::FloodingRange { deviation, modulus_log2 };
        let Some(gaussian) = WideGaussian::at_least(deviation) else { return Err(refusal) };
        if gaussian.deviation().log2() + HEADROOM > modulus_log2 {
            return Err(refusal);
        }
        let basis = self.context().q(ciphertext.level());
        let mut rng = self.noise_generator(ciphertext, &gaussian);
        let noise = gaussian.sample(basis.degree(), &mut rng);
        let noise = Zeroizing::new(basis.forward(basis.from_wide(&noise)));
        basis.add_assign(&mut plaintext.poly, &noise);
        Ok(plaintext)
    }

    /// The generator of the noise of one ciphertext at one width ([module](self)).
    fn noise_generator(&self, ciphertext: &Ciphertext, gaussian: &WideGaussian) -> ChaCha20Rng {
        let mut derivation = Zeroizing::new(blake3::Hasher::new_derive_key(NOISE_CONTEXT));
        // Ternary coefficients are given by their residues modulo one prime.
        absorb(&mut derivation, &Zeroizing::new(self.poly().prefix(1)));
        let key = Zeroizing::new(*Zeroizing::new(derivation.finalize()).as_bytes());
        let mut hash = Zeroizing::new(blake3::Hasher::new_keyed(&key));
        hash.update(ciphertext.params_id.as_bytes());
        hash.update(&(ciphertext.level() as u64).to_le_bytes());
        hash.update(&gaussian.deviation().to_bits().to_le_bytes());
        ciphertext.parts.iter().for_each(|part| absorb(&mut hash, part));
        let seed = Zeroizing::new(*Zeroizing::new(hash.finalize()).as_bytes());
        ChaCha20Rng::from_seed(*seed)
    }
}

/// Hashes the residues, limb by limb.
fn absorb(hash: &mut blake3::Hasher, poly: &RnsPoly<Eval>) {
    for limb in poly.limbs() {
        let bytes =
            Zeroizing::new(limb.iter().flat_map(|residue| residue.to_le_bytes()).collect::<Vec<u8>>());
        hash.update(&bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Setup, parameters, random_slots, rng};

    #[test]
    fn the_deviation_is_the_theorems() {
        let flooding = Flooding::new(30, 1).unwrap();
        assert!((flooding.deviation(1.0, 1) / (12f64.sqrt() * 32768.0) - 1.0).abs() < 1e-12);
        let more = Flooding::new(40, 100).unwrap();
        assert_eq!((more.statistical_bits(), more.decryptions()), (40, 100));
        assert!(
            (more.deviation(3.0, 4) / flooding.deviation(1.0, 1) / (3.0 * 32.0 * 20.0) - 1.0).abs() < 1e-12
        );
        // The divergence of all decryptions.
        let (tau, t) = (7.0, 1e6);
        let sigma = Flooding::new(30, 7).unwrap().deviation(t, 1);
        assert!((tau * t * t / (2.0 * sigma * sigma) * 24.0 * 30f64.exp2() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn too_little_security_is_refused() {
        for bits in [0, 29, 129, u32::MAX] {
            let refused = Err(Error::StatisticalBits { bits, min: 30, max: 128 });
            assert_eq!(Flooding::new(bits, 1), refused);
        }
        assert_eq!(Flooding::new(30, 0), Err(Error::NoDecryptions));
    }

    #[test]
    fn what_is_added_is_a_gaussian_of_that_deviation() {
        let setup = Setup::new(parameters(11, 4), |spec| spec);
        let ciphertext = setup.encrypt(&random_slots(1 << 10, &mut rng(2)), 4, 3);
        let basis = setup.context.q(4);
        let plain = setup.secret_key.decrypt(&ciphertext).unwrap();
        // From one word of noise to two.
        for log2 in [10, 30, 50, 61, 62, 63, 80] {
            let wanted = f64::from(log2).exp2();
            let flooded = setup.secret_key.decrypt_flooded(&ciphertext, wanted).unwrap();
            assert_eq!(flooded.operand(), plain.operand());
            let mut difference = flooded.poly.clone();
            basis.sub_assign(&mut difference, &plain.poly);
            let noise = basis.to_centred(&basis.inverse(difference));
            let measured = volley_testkit::statistics::standard_deviation(&noise);
            let exact = WideGaussian::at_least(wanted).unwrap().deviation();
            // Five deviations of the estimate from 2^11 samples.
            assert!((measured / exact - 1.0).abs() < 5.0 / 64.0, "2^{log2}: {measured} for {exact}");
        }
    }

    /// What flooding added, in deviations of the noise.
    fn noise(setup: &Setup, key: &SecretKey, ciphertext: &Ciphertext, deviation: f64) -> Vec<f64> {
        let basis = setup.context.q(ciphertext.level());
        let mut difference = key.decrypt_flooded(ciphertext, deviation).unwrap().poly;
        basis.sub_assign(&mut difference, &key.decrypt(ciphertext).unwrap().poly);
        let exact = WideGaussian::at_least(deviation).unwrap().deviation();
        basis.to_centred(&basis.inverse(difference)).into_iter().map(|x| x / exact).collect()
    }

    #[test]
    fn a_repeated_decryption_has_the_same_noise_and_any_other_has_noise_of_its_own() {
        let setup = Setup::new(parameters(11, 4), |spec| spec);
        let slots = random_slots(1 << 10, &mut rng(2));
        let ciphertext = setup.encrypt(&slots, 4, 3);
        let key = &setup.secret_key;
        let wide = 2e9f64;
        let first = noise(&setup, key, &ciphertext, wide);
        assert_eq!(first, noise(&setup, key, &ciphertext.clone(), wide));
        // Another way of reading the vector is no other decryption. Neither is another deviation that gives the same
        // distribution.
        let mut sparse = ciphertext.clone();
        (sparse.operand.slots, sparse.operand.scale) = (4, crate::Scale::power_of_two(7));
        assert_eq!(first, noise(&setup, key, &sparse, wide));
        assert_eq!(first, noise(&setup, key, &ciphertext, wide.next_down()));

        // One residue more, the same message again, a limb less, another width, another key for the same bytes.
        let mut changed = ciphertext.clone();
        let one = vec![1; setup.context.q(4).limb_count()];
        setup.context.q(4).add_integer_assign(&mut changed.parts[0], &one);
        let fresh = setup.encrypt(&slots, 4, 5);
        let dropped = ciphertext.drop_level(setup.context.parameters(), 3).unwrap();
        let stranger = SecretKey::generate(&setup.context, &mut rng(9));
        let mut foreign = ciphertext.clone();
        foreign.key_id = stranger.id();
        let others = [
            noise(&setup, key, &changed, wide),
            noise(&setup, key, &fresh, wide),
            noise(&setup, key, &dropped, wide),
            noise(&setup, key, &ciphertext, 4e9),
            noise(&setup, key, &ciphertext, 3e18),
            noise(&setup, &stranger, &foreign, wide),
        ];
        for (index, other) in others.iter().enumerate() {
            // Independent unit Gaussians: five deviations from 2^11 products.
            let correlation = first.iter().zip(other).map(|(x, y)| x * y).sum::<f64>() / 2048.0;
            assert!(correlation.abs() < 5.0 / 2048f64.sqrt(), "{index}: {correlation}");
            assert!(other.iter().map(|x| x * x).sum::<f64>() / 2048.0 > 0.8, "{index}");
        }
    }

    #[test]
    fn noise_that_does_not_fit_is_refused() {
        let setup = Setup::new(parameters(5, 2), |spec| spec);
        let ciphertext = setup.encrypt(&random_slots(16, &mut rng(2)), 0, 3);
        let flooded = |deviation| setup.secret_key.decrypt_flooded(&ciphertext, deviation);
        for deviation in [45f64.exp2(), 101f64.exp2(), f64::INFINITY, f64::NAN] {
            let refusal = flooded(deviation).unwrap_err();
            assert!(matches!(refusal, Error::FloodingRange { modulus_log2, .. } if modulus_log2 < 50.0));
            assert!(!refusal.to_string().contains("2^NaN"), "{refusal}");
        }
        assert!(flooded(40f64.exp2()).is_ok());
        let stranger = Setup::new(parameters(5, 1), |spec| spec).secret_key;
        assert_eq!(stranger.decrypt_flooded(&ciphertext, 1.0), Err(Error::ParameterMismatch));
    }
}
