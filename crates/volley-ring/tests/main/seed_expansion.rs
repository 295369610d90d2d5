//! The golden vector of the seed expansion: this rule is part of every file format.

use serde::Deserialize;
use volley_ring::RnsBasis;
use volley_ring::sampling::{Domain, Seed, expand_uniform};

#[derive(Deserialize)]
struct Golden {
    degree: usize,
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    /// 32 bytes in hexadecimal.
    seed: String,
    domain: u8,
    digit: u16,
    limb_number: u32,
    prime: u64,
    residues: Vec<u64>,
}

impl Vector {
    fn seed(&self) -> Seed {
        assert_eq!(self.seed.len(), 64);
        let byte = |i: usize| u8::from_str_radix(&self.seed[2 * i..2 * i + 2], 16).expect("hexadecimal");
        Seed(std::array::from_fn(byte))
    }

    fn domain(&self) -> Domain {
        let domains = [Domain::Ciphertext, Domain::PublicKey, Domain::KeySwitchingKey];
        domains.into_iter().find(|&domain| domain as u8 == self.domain).expect("a domain")
    }
}

#[test]
fn expansion_equals_the_golden_vector_of_an_independent_program() {
    let golden: Golden = serde_json::from_str(include_str!("../../testdata/seed_expansion.json")).unwrap();
    assert!(golden.vectors.len() >= 13);
    for vector in golden.vectors {
        let basis = RnsBasis::new(golden.degree, &[vector.prime]).unwrap();
        let limb_number = |_| vector.limb_number;
        let poly = expand_uniform(&basis, &vector.seed(), vector.domain(), vector.digit, limb_number);
        assert_eq!(poly.residues(), vector.residues);
    }
}
