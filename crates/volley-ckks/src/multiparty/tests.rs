use std::sync::Arc;

use num_complex::Complex64;
use volley_ring::sampling::Seed;
use zeroize::Zeroizing;

use super::secret::{OwnerSecret, Purpose};
use super::*;
use crate::testing::{parameters, random_slots, rng};
use crate::{
    Arithmetic, Ciphertext, Context, Encoder, Error, EvaluationKeySet, Evaluator, KeySpec, Parameters,
    Precision, PublicKey, SecretKey,
};

mod noise;
mod openings;
mod refusals;
mod shares;
mod smudging;
mod threshold;

const LEVELS: usize = 4;

/// A ring of N = 2^`log_n` for a pool: levels as in [`parameters`].
fn pooled(log_n: u32, owners: usize) -> Parameters {
    parameters(log_n, LEVELS).pooled(owners).unwrap()
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|member| format!("owner {member}")).collect()
}

/// The key of transport of a member.
fn transport_key(member: usize) -> TransportKey {
    TransportKey::generate(&mut rng(100 + member as u64))
}

/// Members of these names with their keys of transport.
fn keyed<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Vec<(String, TransportPublicKey)> {
    let keyed = |(member, name): (usize, N)| (name.into(), transport_key(member).public_key());
    names.into_iter().enumerate().map(keyed).collect()
}

fn pool_of(parameters: Parameters, spec: impl FnOnce(KeySpec) -> KeySpec, seed: u8) -> Pool {
    let (spec, members) = (spec(KeySpec::new(&parameters)), names(parameters.secret().owners()));
    Pool::new(&Context::new(parameters), keyed(members), spec, Seed([seed; 32])).unwrap()
}

fn all_keys(spec: KeySpec) -> KeySpec {
    spec.relinearization(LEVELS).rotations([1], LEVELS).conjugation(2)
}

/// Owners before round one, with their commitments.
struct Members {
    pool: Pool,
    owners: Vec<OwnerRoundOne>,
    commitments: Commitments,
}

impl Members {
    fn new(pool: Pool) -> Self {
        let owners = pool.everyone().map(|member| OwnerRoundOne::new(&pool, member, &mut rng(member as u64)));
        let owners: Vec<_> = owners.map(Result::unwrap).collect();
        let commitments = Commitments::new(&pool, owners.iter().map(OwnerRoundOne::commitment)).unwrap();
        Self { pool, owners, commitments }
    }

    fn sums(&self) -> RoundOneSums {
        let mut gathering = RoundOneGathering::new(&self.commitments);
        for owner in &self.owners {
            gathering.add(owner.share(&self.commitments).unwrap()).unwrap();
        }
        gathering.finish().unwrap()
    }

    /// The joint secret, which nobody has outside of tests.
    fn joint_secret(&self) -> SecretKey {
        let context = self.pool.context();
        let mut sum = vec![0; context.parameters().degree()];
        for owner in &self.owners {
            let mut rng = owner.secret.generator(Purpose::Secret, &[]);
            let share = volley_ring::sampling::sample_ternary(sum.len(), &mut rng);
            sum.iter_mut().zip(share.iter()).for_each(|(sum, share)| *sum += share);
        }
        SecretKey::from_coefficients(context, self.pool.key_id(), &sum)
    }

    fn into_round_two(self, sums: &RoundOneSums) -> Vec<OwnerRoundTwo> {
        let commitments = self.commitments;
        self.owners.into_iter().map(|owner| owner.into_round_two(&commitments, sums).unwrap()).collect()
    }
}

fn evaluation_keys(owners: &[OwnerRoundTwo], sums: &RoundOneSums) -> EvaluationKeySet {
    let mut gathering = RoundTwoGathering::new(sums.clone());
    for owner in owners {
        gathering.add(owner.share(sums).unwrap()).unwrap();
    }
    gathering.finish().unwrap()
}

/// Owners who have done both rounds, and their server.
struct Session {
    pool: Pool,
    holders: Vec<KeyHolder>,
    public_key: PublicKey,
    joint: SecretKey,
    evaluator: Evaluator,
    encoder: Encoder,
}

impl Session {
    fn new(pool: Pool) -> Self {
        let context = Arc::clone(pool.context());
        let members = Members::new(pool.clone());
        let (sums, joint) = (members.sums(), members.joint_secret());
        let owners = members.into_round_two(&sums);
        let keys = evaluation_keys(&owners, &sums);
        Self {
            pool,
            holders: owners.into_iter().map(|owner| owner.into_key_holder().unwrap()).collect(),
            public_key: sums.public_key(),
            joint,
            evaluator: Evaluator::new(&context, keys).unwrap(),
            encoder: Encoder::new(&context),
        }
    }

    fn encrypt(&self, values: &[Complex64], level: usize, seed: u64) -> Ciphertext {
        let scale = self.pool.context().parameters().scale();
        let plaintext = self.encoder.encode(values, &scale, level).unwrap();
        self.public_key.encrypt(&plaintext, &mut rng(seed)).unwrap()
    }

    fn shares<const PARTS: usize>(&mut self, request: &Request<PARTS>) -> Vec<DecryptionShare<PARTS>> {
        let asked = self.holders.iter_mut().filter(|holder| request.owners().contains(&holder.member()));
        asked
            .map(|holder| {
                holder.admit(request).unwrap();
                holder.share(request).unwrap()
            })
            .collect()
    }

    fn bits(&self, expected: &[Complex64], plaintext: &crate::Plaintext) -> f64 {
        Precision::measure(expected, &self.encoder.decode(plaintext).unwrap()).worst_bits()
    }
}

/// As little smudging as there may be, of errors of norm 1: noise of 2^39·√N.
fn least() -> Smudging {
    Smudging::new(40, 1, 1.0).unwrap()
}

/// A scale that such noise leaves some bits of.
fn wide_scale() -> crate::Scale {
    crate::Scale::power_of_two(80)
}

#[test]
fn circuits_compute_under_the_key_of_a_pool() {
    for owners in [2, 5, 16] {
        let session = Session::new(pool_of(pooled(10, owners), all_keys, 1));
        let (x, y) = (random_slots(512, &mut rng(2)), random_slots(512, &mut rng(3)));
        for level in [LEVELS, 2, 1] {
            let (a, b) = (session.encrypt(&x, level, 4), session.encrypt(&y, level, 5));
            let rotated = session.evaluator.rotate(&session.evaluator.multiply(&a, &b).unwrap(), 1).unwrap();
            let conjugated =
                session.evaluator.conjugate(&session.evaluator.drop_level(&a, 1).unwrap()).unwrap();
            let decrypt = |ciphertext| session.joint.decrypt(ciphertext).unwrap();
            let products: Vec<_> = (0..512).map(|j| x[(j + 1) % 512] * y[(j + 1) % 512]).collect();
            let conjugates: Vec<_> = x.iter().map(Complex64::conj).collect();
            assert!(session.bits(&x, &decrypt(&a)) > 25.0);
            assert!(session.bits(&products, &decrypt(&rotated)) > 22.0, "{owners} owners, level {level}");
            assert!(session.bits(&conjugates, &decrypt(&conjugated)) > 25.0);
        }
    }
}

#[test]
fn a_result_is_opened_by_all_or_switched_to_one() {
    for owners in [2, 5, 16] {
        let mut session = Session::new(pool_of(pooled(10, owners), all_keys, 1));
        let x = random_slots(512, &mut rng(2));
        let parameters = session.pool.context().parameters().clone();
        for (level, seed) in [(2, 4), (LEVELS, 5)] {
            let plaintext = session.encoder.encode(&x, &wide_scale(), level).unwrap();
            let encrypt = |seed| session.public_key.encrypt(&plaintext, &mut rng(seed)).unwrap();
            let (opened, switched) = (encrypt(seed), encrypt(seed + 10));
            let noise = least().noise(owners).slot_deviation(&parameters, &wide_scale());

            let request = Opening::new(&session.pool, &opened, session.pool.everyone(), &least()).unwrap();
            let shares = session.shares(&request);
            let bits = session.bits(&x, &request.finish(shares).unwrap());
            assert!((bits + noise.log2()).abs() < 4.0, "{bits} bits, {noise}");

            let receiver = SecretKey::generate(session.pool.context(), &mut rng(7));
            let key = PublicKey::generate(&receiver, &mut rng(8));
            let everyone = session.pool.everyone();
            let request = Switching::new(&session.pool, &switched, everyone, &least(), &key).unwrap();
            let shares = session.shares(&request);
            let result = request.finish(shares).unwrap();
            assert_eq!((result.key_id(), result.operand()), (receiver.id(), switched.operand()));
            let bits = session.bits(&x, &receiver.decrypt(&result).unwrap());
            assert!((bits + noise.log2()).abs() < 4.0, "{bits} bits, {noise}");
        }
    }
}

#[test]
fn the_order_of_shares_and_the_number_of_threads_do_not_matter() {
    let members = Members::new(pool_of(pooled(6, 5), all_keys, 1));
    let mut gathering = RoundOneGathering::new(&members.commitments);
    assert_eq!(gathering.missing(), names(5));
    for member in [3, 0, 4, 2] {
        gathering.add(members.owners[member].share(&members.commitments).unwrap()).unwrap();
    }
    assert_eq!(gathering.missing(), ["owner 1"]);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    gathering.add(pool.install(|| members.owners[1].share(&members.commitments)).unwrap()).unwrap();
    let (sums, same) = (members.sums(), gathering.finish().unwrap());
    assert_eq!((&sums.polys, &sums.commitments), (&same.polys, &same.commitments));
    let backwards = members.owners.iter().rev().map(OwnerRoundOne::commitment);
    assert_eq!(Commitments::new(&members.pool, backwards).unwrap(), members.commitments);
}

#[test]
fn a_message_is_the_same_each_time_and_every_owner_has_its_own() {
    let pool = pool_of(pooled(6, 2), all_keys, 1);
    let members = Members::new(pool.clone());
    let owner = &members.owners[0];
    let share = owner.share(&members.commitments).unwrap();
    assert_eq!(owner.share(&members.commitments).unwrap(), share);
    assert_eq!((share.pool(), share.member()), (pool.id(), 0));
    assert_eq!((owner.pool(), owner.member()), (&pool, 0));
    assert_ne!(members.owners[1].share(&members.commitments).unwrap().polys, share.polys);
    // The same seed for another member or in another pool is another secret.
    let other_pool = pool_of(pooled(6, 2), all_keys, 2);
    let seed = || Zeroizing::new(*owner.secret.seed());
    let twin = OwnerSecret::from_seed(&pool, 1, seed()).unwrap();
    let elsewhere = OwnerSecret::from_seed(&other_pool, 0, seed()).unwrap();
    let copy = OwnerSecret::from_seed(&pool, 0, seed()).unwrap();
    assert!(*copy.share() == *owner.secret.share());
    assert!(*twin.share() != *copy.share() && *elsewhere.share() != *copy.share());
    assert!(*copy.share() != *copy.ephemeral());
    assert!(!format!("{owner:?}").contains(&format!("{:?}", owner.secret.seed())));
}

#[test]
fn every_uniform_half_has_a_seed_of_its_own() {
    let pool = pool_of(pooled(6, 2), all_keys, 1);
    let other = pool_of(pooled(6, 2), all_keys, 2);
    let fewer = pool_of(pooled(6, 2), |spec| spec.relinearization(1), 1);
    let seeds = [&pool, &other, &fewer].into_iter().flat_map(|pool| {
        let galois = pool.spec().galois_elements().map(|(element, _)| pool::Uniform::Galois(element));
        let others = [pool::Uniform::PublicKey, pool::Uniform::Relinearization];
        others.into_iter().chain(galois).map(|uniform| pool.uniform_seed(uniform).0).collect::<Vec<_>>()
    });
    let mut seeds: Vec<_> = seeds.collect();
    let count = seeds.len();
    seeds.sort_unstable();
    seeds.dedup();
    assert_eq!((seeds.len(), count), (10, 10));
}

#[test]
fn the_id_of_a_pool_is_of_all_that_it_is_made_of() {
    let base = || pool_of(pooled(6, 2), all_keys, 1);
    assert_eq!(base().id(), base().id());
    let context = || Context::new(pooled(6, 2));
    let named = |names: [&str; 2]| {
        let context = context();
        let spec = all_keys(KeySpec::new(context.parameters()));
        Pool::new(&context, keyed(names), spec, Seed([1; 32])).unwrap()
    };
    let larger = parameters(6, LEVELS + 1).pooled(2).unwrap();
    let pools = [
        base(),
        pool_of(pooled(6, 3), all_keys, 1),
        pool_of(pooled(7, 2), all_keys, 1),
        pool_of(larger, all_keys, 1),
        pool_of(pooled(6, 2), all_keys, 2),
        pool_of(pooled(6, 2), |spec| all_keys(spec).rotations([2], 0), 1),
        pool_of(pooled(6, 2), |spec| all_keys(spec).conjugation(3), 1),
        pool_of(pooled(6, 2), |spec| spec.rotations([1], LEVELS).conjugation(2), 1),
        named(["owner 1", "owner 0"]),
        named(["owner 0o", "wner 1"]),
    ];
    let mut ids: Vec<_> = pools.iter().map(Pool::id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), pools.len());
    let id = base().id();
    assert_eq!(PoolId::from_bytes(*id.as_bytes()), id);
    assert!(id.to_string().starts_with(&base().key_id().to_string()));
    assert!(format!("{id:?}").contains(&id.to_string()[..8]));
    assert_eq!(base().member("owner 1"), Ok(1));
}

#[test]
fn owners_compare_one_fingerprint() {
    let members = Members::new(pool_of(pooled(6, 2), all_keys, 1));
    let fingerprint = members.commitments.fingerprint();
    let again = members.owners.iter().map(OwnerRoundOne::commitment);
    assert_eq!(Commitments::new(&members.pool, again).unwrap().fingerprint(), fingerprint);
    // The server shows one of them another share.
    let swapped = OwnerRoundOne::new(&members.pool, 1, &mut rng(9)).unwrap();
    let shown = [members.owners[0].commitment(), swapped.commitment()];
    assert_ne!(Commitments::new(&members.pool, shown).unwrap().fingerprint(), fingerprint);
    let other = Members::new(pool_of(pooled(6, 2), all_keys, 2));
    assert_ne!(other.commitments.fingerprint(), fingerprint);
    // Or another public key, that is not the sum of the shares.
    let (sums, mut wrong) = (members.sums(), members.sums());
    assert_eq!(sums.fingerprint(), wrong.fingerprint());
    wrong.polys[0] = wrong.polys[1].clone();
    assert_ne!(sums.fingerprint(), wrong.fingerprint());
}

#[test]
fn a_pool_without_relinearization_has_galois_keys_alone_in_round_two() {
    let session = Session::new(pool_of(pooled(6, 3), |spec| spec.rotations([1], 1), 1));
    assert_eq!(round_one::layout(&session.pool), [LEVELS]);
    assert_eq!(round_two::layout(&session.pool), galois::layout(&session.pool));
    let x = random_slots(32, &mut rng(2));
    let rotated = session.evaluator.rotate(&session.encrypt(&x, 1, 3), 1).unwrap();
    let expected: Vec<_> = (0..32).map(|j| x[(j + 1) % 32]).collect();
    assert!(session.bits(&expected, &session.joint.decrypt(&rotated).unwrap()) > 25.0);
    let error = session.evaluator.square(&rotated).unwrap_err();
    assert_eq!(error, Error::MissingRelinearizationKey);
}

#[test]
fn an_upload_under_the_key_of_a_pool_has_both_halves() {
    let session = Session::new(pool_of(pooled(6, 3), |spec| spec, 1));
    let parameters = session.pool.context().parameters();
    let ciphertext = session.encrypt(&random_slots(32, &mut rng(2)), 2, 3);
    let simulator = crate::Simulator::new(parameters);
    simulator.input(ciphertext.scale(), 2).unwrap();
    let upload = simulator.upload();
    assert_eq!((upload.ciphertexts, upload.bytes), (1, ciphertext.record_bytes(parameters)));
    assert_eq!(upload.memory_bytes, 2 * 3 * 64 * 8);
}
