//! Files of version 1, in `testdata/wire`: later programs read them, and write them as they are.

use std::fs;
use std::path::PathBuf;

use super::*;

fn path(kind: &Kind) -> PathBuf {
    let name = format!("{}.vly", kind.to_string().replace(' ', "-"));
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/wire").join(name)
}

fn golden(kind: &Kind) -> Vec<u8> {
    fs::read(path(kind)).unwrap()
}

#[test]
fn golden_files_are_read_and_written_as_they_are() {
    let parameters = Parameters::read(&golden(&Kind::PARAMETERS)[..], NO_LIMIT).unwrap();
    let context = Context::new(parameters);
    for (kind, reread) in REREAD {
        let file = golden(&kind);
        assert!(reread(&context, &file, NO_LIMIT).unwrap() == file, "{kind}");
    }
}

/// What the files mean: the expansion of seeds, the order of the evaluation points, the sign of a rotation.
#[test]
fn golden_files_compute_what_they_did() {
    let parameters = Parameters::read(&golden(&Kind::PARAMETERS)[..], NO_LIMIT).unwrap();
    let context = Context::new(parameters);
    let secret_key = SecretKey::read(&context, None, &golden(&Kind::SECRET_KEY)[..], NO_LIMIT).unwrap();
    let keys = EvaluationKeySet::read(&context, &golden(&Kind::EVALUATION_KEYS)[..], NO_LIMIT).unwrap();
    let seeded = golden(&Kind::SEEDED_CIPHERTEXT);
    let seeded = SeededCiphertext::read(&context, &seeded[..], NO_LIMIT).unwrap().expand(&context).unwrap();
    let computed = Ciphertext::read(&context, &golden(&Kind::CIPHERTEXT)[..], NO_LIMIT).unwrap();
    let public_key = PublicKey::read(&context, &golden(&Kind::PUBLIC_KEY)[..], NO_LIMIT).unwrap();
    let encoder = Encoder::new(&context);
    let decrypt = |ciphertext: &Ciphertext| encoder.decode(&secret_key.decrypt(ciphertext).unwrap()).unwrap();
    let values = random_slots(8, &mut rng(4));
    let close = |ciphertext: &Ciphertext, expected: &dyn Fn(usize) -> crate::Complex64| {
        for (slot, value) in decrypt(ciphertext).into_iter().enumerate() {
            assert!((value - expected(slot)).norm() < 1e-6, "slot {slot}: {value}");
        }
    };
    close(&seeded, &|slot| values[slot]);
    close(&computed, &|slot| values[slot] * values[slot]);
    let evaluator = Evaluator::new(&context, keys).unwrap();
    let low = evaluator.drop_level(&seeded, 1).unwrap();
    close(&evaluator.rotate(&low, 1).unwrap(), &|slot| values[(slot + 1) % 8]);
    let lowest = evaluator.drop_level(&seeded, 0).unwrap();
    close(&evaluator.conjugate(&lowest).unwrap(), &|slot| values[slot].conj());
    let plaintext = encoder.encode(&values, &context.parameters().scale(), 1).unwrap();
    close(&public_key.encrypt(&plaintext, &mut rng(6)).unwrap(), &|slot| values[slot]);
}

#[test]
#[ignore = "writes the golden files: only for a new version of the format"]
fn write_golden_files() {
    for ((kind, _), file) in REREAD.iter().zip(Owner::new().files()) {
        fs::write(path(kind), file).unwrap();
    }
}
