//! Where randomness comes from, where it goes, and that the rules stay as they are.

use rand_chacha::ChaCha20Rng;
use rand_core::{CryptoRng, Rng, SeedableRng};
use volley_ring::PackedPoly;
use volley_ring::sampling::Seed;

use super::*;
use crate::Ciphertext;

/// Everything that one generator makes: a secret key, a public key, evaluation keys and two ciphertexts of one
/// plaintext. What is published comes with the seeds.
struct Published {
    owner: SecretKey,
    public_key: PublicKey,
    keys: EvaluationKeySet,
    seeded: [crate::SeededCiphertext; 2],
    ciphertext: Ciphertext,
}

impl Published {
    fn generate(log_n: u32, rng: &mut impl CryptoRng) -> Self {
        let context = Context::new(parameters(log_n, LEVELS));
        let owner = SecretKey::generate(&context, rng);
        let public_key = PublicKey::generate(&owner, rng);
        let spec = all_keys()(KeySpec::new(context.parameters()));
        let keys = EvaluationKeySet::generate(&owner, &spec, rng).unwrap();
        // Constant slots: the plaintext has one coefficient, which no rounding touches.
        let plaintext = Encoder::new(&context).encode(&[0.5], &context.parameters().scale(), 2).unwrap();
        let seeded = [(); 2].map(|()| owner.encrypt(&plaintext, rng).unwrap());
        let ciphertext = public_key.encrypt(&plaintext, rng).unwrap();
        Self { owner, public_key, keys, seeded, ciphertext }
    }

    fn seeds(&self) -> Vec<Seed> {
        let keys = each_key(self.owner.context().parameters(), &self.keys);
        let keys = keys.iter().map(|(_, key)| key.seed().unwrap());
        keys.chain(self.seeded.each_ref().map(|ciphertext| ciphertext.seed))
            .chain([self.public_key.seed()])
            .collect()
    }

    /// What a server sees, as polynomials.
    fn polys(&self) -> Vec<RnsPoly<Eval>> {
        let keys = each_key(self.owner.context().parameters(), &self.keys);
        let keys = keys.into_iter().flat_map(|(_, key)| key.digits().iter().flatten());
        keys.map(PackedPoly::unpack)
            .chain(self.seeded.each_ref().map(|ciphertext| ciphertext.c0.clone()))
            .chain(self.ciphertext.parts.iter().cloned())
            .collect()
    }
}

#[test]
fn every_object_has_a_seed_of_its_own() {
    let published = Published::generate(4, &mut rng(1));
    let mut seeds: Vec<[u8; 32]> = published.seeds().iter().map(|seed| seed.0).collect();
    let count = seeds.len();
    seeds.sort_unstable();
    seeds.dedup();
    assert_eq!((seeds.len(), count), (7, 7));
    let [first, second] = &published.seeded;
    assert!(first.c0 != second.c0, "encryption is randomised");
    let decrypted = published.seeded.each_ref().map(|ciphertext| {
        let ciphertext = ciphertext.expand(published.owner.context()).unwrap();
        published.owner.decrypt(&ciphertext).unwrap().poly
    });
    assert!(decrypted[0] != decrypted[1], "and so are the errors");
}

/// Hands out the words of a generator and remembers all of them.
struct Recorder<R> {
    inner: R,
    bytes: Vec<u8>,
}

impl<R: Rng> rand_core::TryRng for Recorder<R> {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        self.inner.fill_bytes(out);
        self.bytes.extend_from_slice(out);
        Ok(())
    }
}

impl<R: Rng> rand_core::TryCryptoRng for Recorder<R> {}

#[test]
fn what_is_published_never_comes_from_a_stream_of_secrets() {
    // The caller's generator gives nothing but pairs of stream keys (public, secret). Seeds and names are read from
    // the public streams, and are not among the bytes of the caller or of a secret stream.
    let mut recorder = Recorder { inner: rng(1), bytes: Vec::new() };
    let published = Published::generate(4, &mut recorder);
    let stream_keys: Vec<[u8; 32]> =
        recorder.bytes.chunks_exact(32).map(|key| key.try_into().unwrap()).collect();
    assert_eq!((stream_keys.len(), recorder.bytes.len() % 64), (12, 0), "six calls, one fork each");
    let stream = |key: &[u8; 32]| {
        let mut bytes = vec![0; 1 << 14];
        ChaCha20Rng::from_seed(*key).fill_bytes(&mut bytes);
        bytes
    };
    let contains = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    let public: Vec<_> = stream_keys.iter().step_by(2).map(stream).collect();
    let mut secret: Vec<_> = stream_keys.iter().skip(1).step_by(2).map(stream).collect();
    // Streams of one key each, and of each digit, are forked from the secret stream of the key set.
    let forks: Vec<_> =
        secret[2][..4 * 32].chunks_exact(32).map(|key| stream(key.try_into().unwrap())).collect();
    secret.extend(forks);
    secret.push(recorder.bytes);
    let seeds = published.seeds();
    let id = published.owner.id();
    let parts = seeds.iter().map(|seed| &seed.0[..]).chain([&id.as_bytes()[..]]);
    for part in parts {
        assert!(public.iter().any(|stream| contains(stream, part)), "from a public stream");
        assert!(!secret.iter().any(|stream| contains(stream, part)), "from no secret one");
    }
}

#[test]
fn the_expansion_and_sampling_rules_have_not_changed() {
    // A change of this hash means that stored keys and ciphertexts can no longer be expanded, or that the samplers
    // draw otherwise: give the format a new version, then a new hash.
    let published = Published::generate(6, &mut ChaCha20Rng::from_seed([7; 32]));
    let mut hash = blake3::Hasher::new();
    hash.update(published.owner.id().as_bytes());
    for seed in published.seeds() {
        hash.update(&seed.0);
    }
    let expanded = published.seeded[0].expand(published.owner.context()).unwrap();
    for poly in published.polys().into_iter().chain(expanded.parts.clone()) {
        for residue in poly.residues() {
            hash.update(&residue.to_le_bytes());
        }
    }
    assert_eq!(
        hash.finalize().to_hex().as_str(),
        "913c6af3930cfab9debd1cdeaaef50feb60f791c6cea559a79f13eae0e9481a3"
    );
}
