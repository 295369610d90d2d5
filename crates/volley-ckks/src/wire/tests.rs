use std::io::{self, Read, Write};
use std::sync::Arc;

#[cfg(feature = "sealing")]
use super::sealing::Cost;
use super::*;
use crate::base::params::ParametersError;
use crate::testing::{parameters, random_slots, rng};
use crate::{
    Arithmetic, Ciphertext, Context, Encoder, EvaluationKeySet, Evaluator, KeySpec, Parameters,
    ParametersLiteral, PublicKey, Scale, SecretKey, Security, SeededCiphertext,
};

mod golden;
mod multiparty;
mod mutations;
mod needed;
#[cfg(not(feature = "sealing"))]
mod no_sealing;
#[cfg(feature = "sealing")]
mod sealing;

const PASSPHRASE: &[u8] = b"correct horse battery staple";
/// As little work as Argon2id allows.
#[cfg(feature = "sealing")]
const CHEAP: Cost = Cost { memory_kib: 8, iterations: 1, lanes: 1 };
const NO_LIMIT: u64 = u64::MAX;
/// Kinds of files, the sealed secret key last.
const KINDS: usize = if cfg!(feature = "sealing") { 7 } else { 6 };

type Reread = fn(&Arc<Context>, &[u8], u64) -> Result<Vec<u8>, WireError>;

/// Reads a file and writes what was read.
const REREAD: [(Kind, Reread); KINDS] = [
    (Kind::PARAMETERS, |_, file, limit| written(|out| Parameters::read(file, limit)?.write(out))),
    (Kind::PUBLIC_KEY, |context, file, limit| {
        written(|out| PublicKey::read(context, file, limit)?.write(out))
    }),
    (Kind::EVALUATION_KEYS, |context, file, limit| {
        written(|out| EvaluationKeySet::read(context, file, limit)?.write(context.parameters(), out))
    }),
    (Kind::CIPHERTEXT, |context, file, limit| {
        written(|out| Ciphertext::read(context, file, limit)?.write(context.parameters(), out))
    }),
    (Kind::SEEDED_CIPHERTEXT, |context, file, limit| {
        written(|out| SeededCiphertext::read(context, file, limit)?.write(context.parameters(), out))
    }),
    (Kind::SECRET_KEY, |context, file, limit| {
        written(|out| SecretKey::read(context, None, file, limit)?.write(out))
    }),
    #[cfg(feature = "sealing")]
    (SEALED, |context, file, limit| {
        // With the generator that it was sealed with.
        let key = SecretKey::read(context, Some(PASSPHRASE), file, limit)?;
        written(|out| key.write_sealed_at(CHEAP, PASSPHRASE, &mut rng(9), out))
    }),
];
/// Its file says "secret key".
const SEALED: Kind = Kind::new("sealed secret key");

fn written(write: impl FnOnce(&mut Vec<u8>) -> Result<(), WireError>) -> Result<Vec<u8>, WireError> {
    let mut file = Vec::new();
    write(&mut file)?;
    Ok(file)
}

/// One owner with something of each kind, the same each time.
struct Owner {
    context: Arc<Context>,
    secret_key: SecretKey,
    public_key: PublicKey,
    keys: Arc<EvaluationKeySet>,
    seeded: SeededCiphertext,
    ciphertext: Ciphertext,
}

impl Owner {
    fn new() -> Self {
        let parameters = parameters(4, 2);
        let spec = KeySpec::new(&parameters).relinearization(2).rotations([1], 1).conjugation(0);
        let context = Context::new(parameters);
        let secret_key = SecretKey::generate(&context, &mut rng(1));
        let public_key = PublicKey::generate(&secret_key, &mut rng(2));
        let keys = Arc::new(EvaluationKeySet::generate(&secret_key, &spec, &mut rng(3)).unwrap());
        let scale = context.parameters().scale();
        let plaintext = Encoder::new(&context).encode(&random_slots(8, &mut rng(4)), &scale, 2).unwrap();
        let seeded = secret_key.encrypt(&plaintext, &mut rng(5)).unwrap();
        // Computed, so that its scale has primes.
        let evaluator = Evaluator::new(&context, Arc::clone(&keys)).unwrap();
        let ciphertext = evaluator.square(&seeded.expand(&context).unwrap()).unwrap();
        Self { context, secret_key, public_key, keys, seeded, ciphertext }
    }

    /// A file of each kind, in the order of [`REREAD`].
    fn files(&self) -> [Vec<u8>; KINDS] {
        let parameters = self.context.parameters();
        [
            written(|out| parameters.write(out)),
            written(|out| self.public_key.write(out)),
            written(|out| self.keys.write(parameters, out)),
            written(|out| self.ciphertext.write(parameters, out)),
            written(|out| self.seeded.write(parameters, out)),
            written(|out| self.secret_key.write(out)),
            #[cfg(feature = "sealing")]
            written(|out| self.secret_key.write_sealed_at(CHEAP, PASSPHRASE, &mut rng(9), out)),
        ]
        .map(Result::unwrap)
    }
}

/// Replaces the hash at the end by that of what precedes it.
fn rehash(file: &mut [u8]) {
    if let Some(length) = file.len().checked_sub(32) {
        let hash = *blake3::hash(&file[..length]).as_bytes();
        file[length..].copy_from_slice(&hash);
    }
}

/// Where the body begins.
fn body_start(file: &[u8]) -> usize {
    12 + usize::from(u16::from_le_bytes([file[10], file[11]]))
}

/// The file with some bytes of the body replaced, and the hash made right.
fn with_body(file: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = file.to_vec();
    let at = body_start(&file) + at;
    file[at..at + bytes.len()].copy_from_slice(bytes);
    rehash(&mut file);
    file
}

/// The file with another header, and the hash made right.
fn with_header(file: &[u8], change: impl FnOnce(&mut Header)) -> Vec<u8> {
    let mut header = Header::read(file).unwrap();
    change(&mut header);
    let mut changed = [&header.encode().unwrap(), &file[body_start(file)..]].concat();
    rehash(&mut changed);
    changed
}

#[test]
fn what_is_written_is_read_and_written_again() {
    let owner = Owner::new();
    for ((kind, reread), file) in REREAD.iter().zip(owner.files()) {
        assert!(reread(&owner.context, &file, file.len() as u64).unwrap() == file, "{kind}");
        let header = Header::read(&file[..]).unwrap();
        assert_eq!(header.file_bytes(), Ok(file.len() as u64), "{kind}");
        assert_eq!(header.params_id, owner.context.parameters().id());
        let key_id = (*kind != Kind::PARAMETERS).then_some(owner.secret_key.id());
        assert_eq!(header.key_id, key_id);
        assert_eq!(SecretKey::is_sealed(&header), *kind == SEALED);
        assert!(header.kind == *kind || *kind == SEALED);
    }
}

#[test]
fn what_is_read_is_what_was_written() {
    let owner = Owner::new();
    let Owner { context, .. } = &owner;
    let [parameters, public_key, keys, ciphertext, seeded, ..] = owner.files();
    assert_eq!(Parameters::read(&parameters[..], NO_LIMIT).as_ref(), Ok(context.parameters()));
    assert_eq!(PublicKey::file_bytes(context.parameters()), public_key.len() as u64);
    assert_eq!(Ciphertext::read(context, &ciphertext[..], NO_LIMIT).as_ref(), Ok(&owner.ciphertext));
    assert_eq!(SeededCiphertext::read(context, &seeded[..], NO_LIMIT).as_ref(), Ok(&owner.seeded));
    for (file, passphrase) in owner.files().into_iter().skip(5).zip([None, Some(PASSPHRASE)]) {
        let read = SecretKey::read(context, passphrase, &file[..], NO_LIMIT).unwrap();
        assert!(read.poly() == owner.secret_key.poly() && read.id() == owner.secret_key.id());
    }
    // The halves that are expanded, too: what the keys compute is the same.
    let read = Arc::new(EvaluationKeySet::read(context, &keys[..], NO_LIMIT).unwrap());
    let square = |keys: &Arc<EvaluationKeySet>| {
        let evaluator = Evaluator::new(context, Arc::clone(keys)).unwrap();
        let square = evaluator.square(&owner.seeded.expand(context).unwrap()).unwrap();
        let low = evaluator.drop_level(&square, 0).unwrap();
        evaluator.conjugate(&low).unwrap()
    };
    assert_eq!(square(&read), square(&owner.keys));
    let read = PublicKey::read(context, &public_key[..], NO_LIMIT).unwrap();
    let plaintext = Encoder::new(context).encode(&[1.0; 8], &Scale::power_of_two(30), 1).unwrap();
    let encrypt = |key: &PublicKey| key.encrypt(&plaintext, &mut rng(8)).unwrap();
    assert_eq!(encrypt(&read), encrypt(&owner.public_key));
}

#[test]
fn sizes_are_known_before_anything_is_made() {
    let owner = Owner::new();
    let parameters = owner.context.parameters();
    let files = owner.files();
    assert_eq!(owner.keys.spec(parameters).unwrap().byte_count(), files[2].len() as u64);
    for spec in [KeySpec::new(parameters), KeySpec::new(parameters).rotations(1..8, 2)] {
        let keys = EvaluationKeySet::generate(&owner.secret_key, &spec, &mut rng(1)).unwrap();
        assert_eq!(written(|out| keys.write(parameters, out)).unwrap().len() as u64, spec.byte_count());
    }
    // By hand: 50 + 40 + 40 bits for each of 16 coefficients, a seed, and 9 bytes for level, slots and scale.
    assert_eq!(owner.seeded.record_bytes(parameters), 16 * 130 / 8 + 32 + 9);
    let body = files[4].len() - body_start(&files[4]) - 32;
    assert_eq!(owner.seeded.record_bytes(parameters), body as u64);
    let body = files[3].len() - body_start(&files[3]) - 32;
    assert_eq!(owner.ciphertext.record_bytes(parameters), body as u64);
}

#[test]
fn memory_is_bounded_by_the_file() {
    // The shortest primes, which gain the most by packing.
    let literal = ParametersLiteral {
        log_n: 4,
        levels: vec![vec![10]; 4],
        p_bits: vec![10],
        log_scale: 5,
        security: Security::Unchecked,
    };
    for parameters in [literal.build().unwrap(), Parameters::n14().unwrap()] {
        let spec = KeySpec::new(&parameters).rotations(1..8, 0).relinearization(parameters.max_level());
        assert!(spec.memory_bytes() <= MEMORY_FACTOR * spec.byte_count());
    }
}

#[test]
fn truncated_files_are_called_truncated() {
    let owner = Owner::new();
    for ((kind, reread), file) in REREAD.iter().zip(owner.files()) {
        for length in 0..file.len() {
            let error = reread(&owner.context, &file[..length], NO_LIMIT).unwrap_err();
            assert_eq!(error, WireError::Truncated, "{kind} of {length} bytes");
        }
    }
}

#[test]
fn every_flipped_bit_is_found_and_damage_is_called_damage() {
    let owner = Owner::new();
    for ((kind, reread), file) in REREAD.iter().zip(owner.files()) {
        let start = body_start(&file);
        for at in 0..file.len() {
            for bit in 0..8 {
                let mut flipped = file.clone();
                flipped[at] ^= 1 << bit;
                let error = reread(&owner.context, &flipped, NO_LIMIT).unwrap_err();
                assert!(at < start || error == WireError::Damaged, "{kind}, bit {bit} of byte {at}: {error}");
            }
        }
    }
}

#[test]
fn trailing_bytes_are_refused_after_the_file_and_in_the_body() {
    let owner = Owner::new();
    for ((kind, reread), file) in REREAD.iter().zip(owner.files()) {
        let longer = [&file[..], &[0]].concat();
        assert_eq!(reread(&owner.context, &longer, NO_LIMIT), Err(WireError::TrailingBytes), "{kind}");
        let mut longer = file[..file.len() - 32].to_vec();
        longer.extend([0; 33]);
        let longer = with_header(&longer, |header| header.body_bytes += 1);
        assert_eq!(reread(&owner.context, &longer, NO_LIMIT), Err(WireError::TrailingBytes), "{kind}");
    }
}

#[test]
fn a_body_that_is_too_short_for_its_content_is_refused() {
    let owner = Owner::new();
    for ((kind, reread), file) in REREAD.iter().zip(owner.files()) {
        let mut shorter = file.clone();
        shorter.remove(file.len() - 33);
        let shorter = with_header(&shorter, |header| header.body_bytes -= 1);
        let error = reread(&owner.context, &shorter, NO_LIMIT).unwrap_err();
        assert!(matches!(error, WireError::BodyLength { .. }), "{kind}: {error}");
    }
}

#[test]
fn files_above_the_limit_are_refused_by_their_header() {
    let owner = Owner::new();
    for ((kind, reread), file) in REREAD.iter().zip(owner.files()) {
        let bytes = file.len() as u64;
        let expected = WireError::LimitExceeded { bytes, limit: bytes - 1 };
        // The body is not there to be read.
        assert_eq!(reread(&owner.context, &file[..body_start(&file)], bytes - 1), Err(expected), "{kind}");
    }
}

#[test]
fn claims_of_more_than_there_is_set_no_memory_aside() {
    // Petabytes, which an allocation would not survive.
    let owner = Owner::new();
    for ((kind, reread), file) in REREAD.iter().zip(owner.files()) {
        for body_bytes in [1 << 50, u64::MAX - 1000, u64::MAX] {
            let huge = with_header(&file, |header| header.body_bytes = body_bytes);
            let error = reread(&owner.context, &huge, NO_LIMIT).unwrap_err();
            assert!(matches!(error, WireError::Truncated), "{kind}: {error}");
            let error = reread(&owner.context, &huge, 1 << 40).unwrap_err();
            assert!(matches!(error, WireError::LimitExceeded { .. }), "{kind}: {error}");
        }
    }
    let [parameters, _, keys, ..] = owner.files();
    // A structure, and a number of keys.
    let huge = with_body(&parameters, 0, &[0xFF; 4]);
    let error = Parameters::read(&huge[..], NO_LIMIT).unwrap_err();
    assert!(matches!(error, WireError::BodyLength { .. }), "{error}");
    let count = 1 + owner.keys.spec(owner.context.parameters()).unwrap().byte_count() as usize;
    let relinearization = KeySpec::new(owner.context.parameters()).relinearization(2).byte_count() as usize;
    assert!(count > relinearization);
    let spec = KeySpec::new(owner.context.parameters());
    let none = EvaluationKeySet::generate(&owner.secret_key, &spec, &mut rng(1)).unwrap();
    let none = written(|out| none.write(owner.context.parameters(), out)).unwrap();
    let huge = with_body(&none, 1, &[0xFF; 4]);
    let error = EvaluationKeySet::read(&owner.context, &huge[..], NO_LIMIT).unwrap_err();
    assert_eq!(error, WireError::BodyLength { needed: 4, left: 1 });
    assert!(keys.len() > none.len());
}

#[test]
fn other_files_are_told_apart() {
    let owner = Owner::new();
    let files = owner.files();
    for ((kind, reread), file) in REREAD.iter().zip(&files) {
        for (other, found) in files.iter().map(|file| (file, Header::read(&file[..]).unwrap().kind)) {
            let expected = Header::read(&file[..]).unwrap().kind;
            if found != expected {
                let error = reread(&owner.context, other, NO_LIMIT).unwrap_err();
                assert_eq!(error, WireError::Kind { expected, found: found.clone() });
                assert!(error.to_string().contains(&found.to_string()));
            }
        }
        let text = b"samples,features,labels\n1,2,3\n";
        assert_eq!(reread(&owner.context, text, NO_LIMIT), Err(WireError::Magic));
        let mut later = file.clone();
        later[8..10].copy_from_slice(&7u16.to_le_bytes());
        let error = WireError::Version { found: 7, supported: VERSION };
        assert_eq!(reread(&owner.context, &later, NO_LIMIT), Err(error), "{kind}");
    }
    let unknown = with_header(&files[0], |header| header.kind = Kind::new("recipe"));
    let error = WireError::Kind { expected: Kind::PARAMETERS, found: Kind::new("recipe") };
    assert_eq!(Parameters::read(&unknown[..], NO_LIMIT), Err(error));
}

#[test]
fn files_of_other_parameters_and_keys_are_refused() {
    let owner = Owner::new();
    let expected = owner.context.parameters().id();
    let foreign = Context::new(parameters(4, 1));
    let found = foreign.parameters().id();
    for ((kind, reread), file) in REREAD.iter().zip(owner.files()).skip(1) {
        let error = WireError::ForeignParameters { expected: found, found: expected };
        assert_eq!(reread(&foreign, &file, NO_LIMIT), Err(error), "{kind}");
    }
    let error = WireError::ForeignParameters { expected: found, found: expected };
    let mut out = Vec::new();
    assert_eq!(owner.keys.write(foreign.parameters(), &mut out), Err(error.clone()));
    assert_eq!(owner.keys.spec(foreign.parameters()), Err(crate::Error::ParameterMismatch));
    assert_eq!(owner.seeded.write(foreign.parameters(), &mut out), Err(error.clone()));
    assert_eq!(owner.ciphertext.write(foreign.parameters(), &mut out), Err(error));
    // Parameters whose primes are not those of their name.
    let [file, _, keys, ..] = owner.files();
    let renamed = with_header(&file, |header| header.params_id = found);
    let error = WireError::ForeignParameters { expected: found, found: expected };
    assert_eq!(Parameters::read(&renamed[..], NO_LIMIT), Err(error));

    let stranger = SecretKey::generate(&owner.context, &mut rng(7)).id();
    let opened = FileReader::open(&keys[..], NO_LIMIT).unwrap();
    assert_eq!(opened.expect_key(owner.secret_key.id()), Ok(()));
    let error = WireError::ForeignKey { expected: stranger, found: Some(owner.secret_key.id()) };
    assert!(error.to_string().ends_with(&format!("to key {}, not {stranger}", owner.secret_key.id())));
    assert_eq!(opened.expect_key(stranger), Err(error));
    assert!(EvaluationKeySet::read_file(&owner.context, opened).is_ok());
}

#[test]
fn headers_have_one_encoding() {
    let owner = Owner::new();
    let [parameters, public_key, ..] = owner.files();
    let header = |file: &[u8]| Parameters::read(file, NO_LIMIT).unwrap_err();
    // Too long, not a name, a key behind what has none, an extension that means nothing.
    let mut long = parameters.clone();
    long[10..12].copy_from_slice(&1025u16.to_le_bytes());
    assert_eq!(header(&long), WireError::Header);
    for name in [*b"Parameters", *b"param\x1b[31m"] {
        let mut file = parameters.clone();
        file[13..23].copy_from_slice(&name);
        rehash(&mut file);
        assert_eq!(header(&file), WireError::Header);
    }
    let keyed = with_header(&parameters, |header| header.key_id = Some(owner.secret_key.id()));
    assert_eq!(header(&keyed), WireError::Header);
    let extended = with_header(&parameters, |header| header.extension = vec![1]);
    assert_eq!(header(&extended), WireError::Header);
    let bare = with_header(&public_key, |header| header.key_id = None);
    assert_eq!(PublicKey::read(&owner.context, &bare[..], NO_LIMIT).unwrap_err(), WireError::Header);
    // A length with a superfluous byte.
    let (start, length) = (body_start(&parameters), parameters[body_start(&parameters) - 1]);
    assert!(length < 0x80);
    let mut padded = parameters.clone();
    padded.splice(start - 1..start, [length | 0x80, 0]);
    padded[10] += 1;
    rehash(&mut padded);
    assert_eq!(header(&padded), WireError::Header);
    let unwritable = Header { kind: Kind::new(""), ..Header::read(&parameters[..]).unwrap() };
    assert_eq!(unwritable.file_bytes(), Err(WireError::Header));
}

#[test]
fn numbers_out_of_range_are_named() {
    let owner = Owner::new();
    let [parameters, _, keys, ciphertext, seeded, secret_key, ..] = owner.files();
    let read = |at: usize, bytes: &[u8]| {
        let file = with_body(&seeded, at, bytes);
        SeededCiphertext::read(&owner.context, &file[..], NO_LIMIT).unwrap_err()
    };
    assert_eq!(read(0, &3u16.to_le_bytes()), WireError::LevelRange { level: 3, max: 2 });
    for log2 in [4, 64, 255] {
        assert_eq!(read(2, &[log2]), WireError::SlotRange { log2, max: 8 });
    }
    for exponent in [1001, -1001, 4097, i32::MIN, i32::MAX] {
        assert_eq!(read(3, &exponent.to_le_bytes()), WireError::ScaleRange, "{exponent}");
    }
    // c₀ begins behind operand and seed, with 50 bits for q₀.
    let q = owner.context.parameters().q()[0];
    let largest = (1 << 50) - 1;
    let error = read(9 + 32, &[0xFF; 7]);
    assert_eq!(error, WireError::ResidueRange { residue: largest, modulus: q });

    // The computed one's scale is 2^80/q₂: one prime, number and exponent from byte 9.
    assert_eq!(u16::from_le_bytes([ciphertext[body_start(&ciphertext) + 7], 0]), 1);
    for (index, exponent) in [(3u16, -1i32), (2, 0), (2, 5000), (2, i32::MIN)] {
        let prime = [&index.to_le_bytes()[..], &exponent.to_le_bytes()].concat();
        let file = with_body(&ciphertext, 9, &prime);
        assert_eq!(Ciphertext::read(&owner.context, &file[..], NO_LIMIT), Err(WireError::ScaleRange));
    }

    // A scale of 2^50 at level 0, whose modulus is a bit below.
    let error = read(0, &[[0, 0, 3], [50, 0, 0]].concat());
    let modulus_log2 = owner.context.parameters().log_q(0);
    let refusal = crate::Error::ScaleOverflow { scale_log2: 50.0, modulus_log2, level: 0 };
    assert_eq!(error, WireError::Operand(refusal));

    // Evaluation keys: a flag, the level of relinearization, then Galois elements.
    let keys_error = |at: usize, bytes: &[u8]| {
        let file = with_body(&keys, at, bytes);
        EvaluationKeySet::read(&owner.context, &file[..], NO_LIMIT).unwrap_err()
    };
    assert_eq!(keys_error(0, &[2]), WireError::Malformed);
    assert_eq!(keys_error(1, &9u16.to_le_bytes()), WireError::LevelRange { level: 9, max: 2 });
    let two_digits_of_five_limbs = 2 * (3 * 50 + 2 * 40) * 16 / 8;
    let first = 1 + 34 + two_digits_of_five_limbs + 4;
    for element in [0u32, 1, 6, 31 + 32, u32::MAX] {
        let error = WireError::GaloisElement { element: element.into() };
        assert_eq!(keys_error(first, &element.to_le_bytes()), error);
    }
    // Descending: the second is 31.
    assert_eq!(keys_error(first, &31u32.to_le_bytes()), WireError::GaloisElement { element: 31 });

    let fourth = with_body(&secret_key, 0, &[0b11]);
    assert_eq!(
        SecretKey::read(&owner.context, None, &fourth[..], NO_LIMIT).unwrap_err(),
        WireError::Malformed
    );

    // The first byte of the literal is log N.
    let file = with_body(&parameters, 4, &[33]);
    let error = Parameters::read(&file[..], NO_LIMIT).unwrap_err();
    assert!(matches!(error, WireError::Parameters(ParametersError::LogN { log_n: 33, .. })), "{error}");
}

#[test]
fn scales_of_many_squarings_are_written_and_read() {
    // 40·2^7 and 2^6: exponents grow where the scale does not.
    let setup = crate::testing::Setup::new(parameters(4, 7), |spec| spec.relinearization(7));
    let power = (0..7).fold(setup.encrypt(&random_slots(8, &mut rng(2)), 7, 3), |power, _| {
        setup.evaluator.square(&power).unwrap()
    });
    assert_eq!(power.scale().exponents().unwrap().0, 40 << 7);
    let mut file = Vec::new();
    power.write(setup.context.parameters(), &mut file).unwrap();
    assert_eq!(Ciphertext::read(&setup.context, &file[..], NO_LIMIT), Ok(power));
}

#[test]
fn a_scale_of_other_primes_is_not_written() {
    let owner = Owner::new();
    let scale = Scale::prime(65_537);
    let plaintext = Encoder::new(&owner.context).encode(&[1.0], &scale, 1).unwrap();
    let ciphertext = owner.secret_key.encrypt(&plaintext, &mut rng(1)).unwrap();
    let error = ciphertext.write(owner.context.parameters(), io::sink()).unwrap_err();
    assert_eq!(error, WireError::ScaleRange);
}

#[test]
fn secret_files_are_the_owners_and_are_not_overwritten() {
    let owner = Owner::new();
    let folder = std::env::temp_dir().join(format!("volley-wire-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("secret.vly");
    let _ = std::fs::remove_file(&path);
    owner.secret_key.write(create_private_file(&path).unwrap()).unwrap();
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
    }
    assert_eq!(create_private_file(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    let file = std::fs::File::open(&path).unwrap();
    assert!(SecretKey::read(&owner.context, None, file, NO_LIMIT).is_ok());
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Fails after some bytes, in either direction.
struct Broken<'a> {
    file: &'a [u8],
    room: usize,
}

impl Broken<'_> {
    fn use_up(&mut self, wanted: usize) -> io::Result<usize> {
        let count = wanted.min(self.room);
        self.room -= count;
        if count == 0 { Err(io::Error::other("the disk is full")) } else { Ok(count) }
    }
}

impl Read for Broken<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.use_up(out.len())?;
        self.file.read(&mut out[..count])
    }
}

impl Write for Broken<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.use_up(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn failures_of_the_system_are_passed_on() {
    let owner = Owner::new();
    let [_, _, file, ..] = owner.files();
    let error = WireError::Io { kind: io::ErrorKind::Other, message: "the disk is full".to_owned() };
    for room in [0, 5, 20, 200, 1000, file.len() - 5] {
        let mut broken = Broken { file: &file, room };
        assert_eq!(owner.keys.write(owner.context.parameters(), &mut broken), Err(error.clone()), "{room}");
        let broken = Broken { file: &file, room };
        assert_eq!(EvaluationKeySet::read(&owner.context, broken, NO_LIMIT).unwrap_err(), error, "{room}");
    }
}

#[test]
fn a_body_has_the_length_that_its_header_says() {
    let owner = Owner::new();
    let header = Header::read(&owner.files()[0][..]).unwrap();
    let header = Header { body_bytes: 4, ..header };
    let write = |bytes: usize| write_file(&header, io::sink(), |body| body.bytes(&vec![0; bytes]));
    assert_eq!(write(4), Ok(()));
    assert_eq!(write(3), Err(WireError::BodyLength { needed: 1, left: 0 }));
    assert_eq!(write(5), Err(WireError::TrailingBytes));
}
