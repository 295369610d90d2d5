//! What the keys of a pool take each party, known before there are any.
//!
//! A step is made of [parts](Part), which are counted from the polynomials that are made, read and added up. Transforms
//! and products have their times in a [`CostModel`]; the other parts have theirs in relation to [`CostModel::made`],
//! the time of a byte of keys, so that a [measurement](super::Measurement) of a machine holds for them as well. The
//! seconds are those of one core. What a disk or a network takes besides is not in them.

use std::array;

use crate::arithmetic::cost_model::CostModel;
use crate::base::params::Parameters;
use crate::multiparty::{
    Pool, RoundOneShare, RoundTwoShare, SealedShare, galois_layout, round_one_layout, round_two_layout,
    share_bytes,
};

/// What a step is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Transforms of a limb, in units of N·log₂ N.
    Transformed,
    /// Residues that are multiplied.
    Multiplied,
    /// Words of a stream that uniform residues are taken from: 2^b/q for each residue modulo a prime q of b bits.
    Drawn,
    /// Residues that are packed, unpacked, permuted, or read and checked.
    Packed,
    /// Bytes that are hashed: of shares, of their sums, and of every file, which is hashed twice where it is read.
    Hashed,
    /// Bytes of shares of secrets that are sealed.
    Sealed,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Transformed, Self::Multiplied, Self::Drawn, Self::Packed, Self::Hashed, Self::Sealed];

    /// Nanoseconds of one, on one core. Those that are multiples of [`CostModel::made`] are the best fit of four runs
    /// of `cargo xtask key-rounds`, on a Xeon with AVX-512 IFMA. What small samples and files take besides is in them.
    #[must_use]
    pub fn nanoseconds(self, times: &CostModel) -> f64 {
        match self {
            Self::Transformed => times.transform,
            Self::Multiplied => times.product,
            Self::Drawn => 2.25 * times.made,
            Self::Packed => 0.37 * times.made,
            Self::Hashed => 0.09 * times.made,
            Self::Sealed => 0.2 * times.made,
        }
    }
}

/// What the keys of a pool take: each owner the first steps, and the server the last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KeyRounds {
    /// The commitment, for which the shares of round one and of the Galois keys are made and forgotten.
    pub commitment: KeyStep,
    /// The share of round one is made again and sent.
    pub round_one: KeyStep,
    /// The shares of round one of all members are added up, and that of round two is sent, with the Galois keys made
    /// again.
    pub round_two: KeyStep,
    /// A sealed share of the secret is sent to each member, in a pool with a threshold.
    pub sharing: Option<KeyStep>,
    /// The shares of both rounds are added up, and the evaluation keys written.
    pub evaluation_keys: KeyStep,
}

impl KeyRounds {
    /// What the steps of this pool take.
    #[must_use]
    pub fn of(pool: &Pool) -> Self {
        let [first, second] = [RoundOneShare::file_bytes(pool), RoundTwoShare::file_bytes(pool)];
        let counting = Counting { pool, parameters: pool.context().parameters() };
        let members = pool.members().len() as u64;
        let (made, galois) = (counting.round_one_share(), counting.galois_share());
        let committed = made.plus(galois, 1.0).and(Part::Hashed, counting.bytes(&galois_layout(pool)));
        Self {
            commitment: KeyStep { computing: committed, ..KeyStep::default() },
            round_one: KeyStep { written: first, computing: made, ..KeyStep::default() },
            round_two: KeyStep {
                read: members * first,
                written: second,
                checked: members as f64 * counting.residues(&round_one_layout(pool)),
                computing: counting.round_two(),
            },
            sharing: pool.sharing().map(|threshold| KeyStep {
                written: members * SealedShare::file_bytes(pool),
                computing: counting.sharing(threshold),
                ..KeyStep::default()
            }),
            evaluation_keys: KeyStep {
                read: members * (first + second),
                written: pool.spec().pooled_byte_count(),
                checked: members as f64 * counting.residues_of_both_rounds(),
                computing: counting.evaluation_keys(),
            },
        }
    }
}

/// What one step takes one party.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct KeyStep {
    /// Bytes of the files of all members that are read.
    pub read: u64,
    /// Bytes of the files that are written. Evaluation keys stay with the server, all others are sent.
    pub written: u64,
    /// Residues in the files that are read.
    checked: f64,
    computing: Parts,
}

impl KeyStep {
    /// Seconds on one core, with what files take it.
    #[must_use]
    pub fn seconds(&self, times: &CostModel) -> f64 {
        seconds(self.parts(), times)
    }

    /// The same for a party that has all messages in memory, and keeps its own there.
    #[must_use]
    pub fn computing_seconds(&self, times: &CostModel) -> f64 {
        seconds(self.computing.0, times)
    }

    /// How often each [part](Part::ALL) is done.
    #[must_use]
    pub fn parts(&self) -> [f64; Part::ALL.len()] {
        let [read, written] = [self.read, self.written].map(|bytes| bytes as f64);
        let files = Parts::default().and(Part::Packed, self.checked).and(Part::Hashed, 2.0 * read + written);
        self.computing.plus(files, 1.0).0
    }
}

fn seconds(parts: [f64; Part::ALL.len()], times: &CostModel) -> f64 {
    1e-9 * Part::ALL.iter().zip(parts).map(|(part, count)| part.nanoseconds(times) * count).sum::<f64>()
}

/// How often each part is done, in the order of [`Part::ALL`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Parts([f64; Part::ALL.len()]);

impl Parts {
    fn and(mut self, part: Part, count: f64) -> Self {
        self.0[part as usize] += count;
        self
    }

    fn plus(self, other: Self, times: f64) -> Self {
        Self(array::from_fn(|part| self.0[part] + times * other.0[part]))
    }
}

/// Counts the parts of a pool's steps.
struct Counting<'a> {
    pool: &'a Pool,
    parameters: &'a Parameters,
}

impl Counting<'_> {
    fn degree(&self) -> f64 {
        self.parameters.degree() as f64
    }

    /// Residues of polynomials modulo Q_level·P at these levels.
    fn residues(&self, levels: &[usize]) -> f64 {
        let limbs = |&level| self.parameters.limbs(level) + self.parameters.p().len();
        self.degree() * levels.iter().map(limbs).sum::<usize>() as f64
    }

    fn residues_of_both_rounds(&self) -> f64 {
        self.residues(&round_one_layout(self.pool)) + self.residues(&round_two_layout(self.pool))
    }

    /// So many residues are transformed.
    fn transformed(&self, parts: Parts, residues: f64) -> Parts {
        parts.and(Part::Transformed, f64::from(self.parameters.log_n()) * residues)
    }

    /// Words of the streams of uniform polynomials modulo Q_level·P at these levels.
    fn words(&self, levels: &[usize]) -> f64 {
        let words = |q: u64| f64::from(u64::BITS - q.leading_zeros()).exp2() / q as f64;
        let of_level = |&level: &usize| -> f64 {
            self.parameters.q_primes(level).chain(self.parameters.p().iter().copied()).map(words).sum()
        };
        self.degree() * levels.iter().map(of_level).sum::<f64>()
    }

    /// So many ternary secrets modulo QP.
    fn secrets(&self, count: f64) -> Parts {
        self.transformed(Parts::default(), count * self.residues(&[self.parameters.max_level()]))
    }

    /// Polynomials a·s + e with uniform a that is expanded from a seed.
    fn samples(&self, levels: &[usize]) -> Parts {
        let residues = self.residues(levels);
        let parts = Parts::default()
            .and(Part::Drawn, self.words(levels))
            .and(Part::Multiplied, residues)
            .and(Part::Packed, residues);
        self.transformed(parts, residues)
    }

    fn bytes(&self, levels: &[usize]) -> f64 {
        levels.iter().map(|&level| self.parameters.packed_extended_bytes(level)).sum::<u64>() as f64
    }

    /// The share of round one and its hash.
    fn round_one_share(&self) -> Parts {
        let levels = round_one_layout(self.pool);
        // s, and u where there is a relinearization key.
        let secrets = if levels.len() == 1 { 1.0 } else { 2.0 };
        self.secrets(secrets).plus(self.samples(&levels), 1.0).and(Part::Hashed, self.bytes(&levels))
    }

    /// The share of the Galois keys, of a secret that is there.
    fn galois_share(&self) -> Parts {
        let levels = galois_layout(self.pool);
        let keys = self.pool.spec().galois_elements().len() as f64;
        // Each key has a permuted s.
        let permuted = keys * self.residues(&[self.parameters.max_level()]);
        self.samples(&levels).and(Part::Packed, permuted)
    }

    /// All shares of round one are checked and added up.
    fn sums(&self) -> Parts {
        let levels = round_one_layout(self.pool);
        let members = self.pool.members().len() as f64;
        // Both summands are unpacked, and the sum is packed.
        Parts::default()
            .and(Part::Packed, 3.0 * (members - 1.0) * self.residues(&levels))
            .and(Part::Hashed, members * self.bytes(&levels))
    }

    fn round_two(&self) -> Parts {
        let residues = self.residues(&round_one_layout(self.pool)[1..]) / 2.0;
        let secrets = if residues == 0.0 { 1.0 } else { 2.0 };
        let share = Parts::default().and(Part::Multiplied, 2.0 * residues).and(Part::Packed, 3.0 * residues);
        let share = self.transformed(share, 2.0 * residues).plus(self.secrets(secrets), 1.0);
        // The sums are hashed when the owner is bound to them, and when the share is made.
        self.sums()
            .plus(share, 1.0)
            .plus(self.galois_share(), 1.0)
            .and(Part::Hashed, 2.0 * self.bytes(&round_one_layout(self.pool)))
    }

    /// A value of a polynomial of this many coefficients for each member, sealed.
    fn sharing(&self, threshold: usize) -> Parts {
        let bytes = share_bytes(self.pool) as f64;
        let residues = bytes / size_of::<u64>() as f64;
        let random = (threshold - 1) as f64 * residues;
        // Each random residue takes two words.
        let share = self
            .secrets(1.0)
            .and(Part::Drawn, 2.0 * random)
            .and(Part::Multiplied, random)
            .and(Part::Packed, residues)
            .and(Part::Sealed, bytes);
        Parts::default().plus(share, self.pool.members().len() as f64)
    }

    fn evaluation_keys(&self) -> Parts {
        let (second, galois) = (round_two_layout(self.pool), galois_layout(self.pool));
        let members = self.pool.members().len() as f64;
        let hashed = self.bytes(&round_one_layout(self.pool)) + members * self.bytes(&galois);
        // The uniform halves of Galois keys are expanded.
        self.sums()
            .and(Part::Packed, 3.0 * (members - 1.0) * self.residues(&second) + self.residues(&galois))
            .and(Part::Hashed, hashed)
            .and(Part::Drawn, self.words(&galois))
    }
}

#[cfg(test)]
mod tests {
    use volley_ring::sampling::Seed;

    use super::*;
    use crate::multiparty::TransportKey;
    use crate::testing::{parameters, rng};
    use crate::{Context, KeySpec};

    const LOG_N: u32 = 10;
    const LEVELS: usize = 3;

    fn pool(owners: usize, threshold: Option<usize>, spec: impl FnOnce(KeySpec) -> KeySpec) -> Pool {
        let context = Context::new(parameters(LOG_N, LEVELS).pooled(owners).unwrap());
        let members =
            (0..owners).map(|owner| (owner.to_string(), TransportKey::generate(&mut rng(1)).public_key()));
        let (spec, seed) = (spec(KeySpec::new(context.parameters())), Seed([1; 32]));
        match threshold {
            None => Pool::new(&context, members, spec, seed),
            Some(threshold) => Pool::with_threshold(&context, members, threshold, spec, seed),
        }
        .unwrap()
    }

    #[test]
    fn the_share_of_a_public_key_alone_is_counted_by_hand() {
        let pool = pool(2, None, |spec| spec);
        let parameters = pool.context().parameters();
        let residues = ((parameters.limbs(LEVELS) + parameters.p().len()) << LOG_N) as f64;
        let step = KeyRounds::of(&pool).commitment;
        let [transformed, multiplied, drawn, packed, hashed, sealed] = step.parts();
        // The secret and the error are transformed, a·s is multiplied, and the share is packed and hashed.
        assert_eq!(
            [transformed, multiplied, packed, sealed],
            [2.0 * f64::from(LOG_N) * residues, residues, residues, 0.0]
        );
        assert!((residues..2.0 * residues).contains(&drawn), "{drawn} words for {residues} residues");
        assert_eq!(hashed, parameters.packed_extended_bytes(LEVELS) as f64);
    }

    #[test]
    fn shares_take_the_same_in_every_pool_and_sums_as_much_more_for_each_owner() {
        let rounds = |owners| {
            KeyRounds::of(&pool(owners, None, |spec| spec.relinearization(LEVELS).rotations([1, 2], LEVELS)))
        };
        let [two, three, four] = [2, 3, 4].map(rounds);
        for (one, other) in [(two.commitment, four.commitment), (two.round_one, four.round_one)] {
            assert_eq!(one, other);
        }
        assert_eq!(two.round_one.read, 0);
        for step in [|rounds: &KeyRounds| rounds.round_two, |rounds: &KeyRounds| rounds.evaluation_keys] {
            let [two, three, four] = [&two, &three, &four].map(|rounds| step(rounds).parts());
            for ((two, three), four) in two.into_iter().zip(three).zip(four) {
                assert!((four - three - (three - two)).abs() <= 1e-9 * four, "{two}, {three}, {four}");
            }
        }
    }

    #[test]
    fn secrets_are_shared_where_there_is_a_threshold_and_more_random_for_a_higher_one() {
        assert_eq!(KeyRounds::of(&pool(3, None, |spec| spec)).sharing, None);
        let [low, high] =
            [2, 3].map(|threshold| KeyRounds::of(&pool(4, Some(threshold), |spec| spec)).sharing.unwrap());
        assert_eq!(low.written, high.written);
        let drawn = Part::Drawn as usize;
        assert_eq!(high.parts()[drawn], 2.0 * low.parts()[drawn]);
    }

    #[test]
    fn seconds_are_the_times_of_all_parts_and_files_take_some() {
        let times = CostModel::default();
        let step = KeyRounds::of(&pool(2, None, |spec| spec.relinearization(LEVELS))).round_two;
        let sum: f64 =
            Part::ALL.iter().zip(step.parts()).map(|(part, count)| part.nanoseconds(&times) * count).sum();
        assert!((step.seconds(&times) - 1e-9 * sum).abs() < 1e-12 * sum);
        assert!(step.computing_seconds(&times) < step.seconds(&times));
    }
}
