//! A search for a secret key in files that must not have it: in every form in which Volley ever holds it.
//!
//! The key is sampled and not expanded from a seed, so there is no seed of it to look for.

use std::collections::HashMap;
use std::error::Error;
use std::fs::{self, File};
use std::path::Path;

use volley_mlr::Job;
use volley_mlr::volley_ckks::Parameters;
use volley_ring::{Eval, RnsBasis, RnsPoly};

/// Fragments are searched for, since a form need not be there as a whole. No chance makes so many bytes equal.
const FRAGMENT_BYTES: usize = 64;
const FRAGMENTS: usize = 8;
pub(crate) const HASH_BYTES: usize = 32;

/// Fragments of all forms, by their first eight bytes.
pub(crate) struct SecretForms {
    fragments: HashMap<[u8; 8], Vec<(String, Vec<u8>)>>,
    /// Whether a fragment begins with two bytes.
    begins: Vec<bool>,
}

impl Default for SecretForms {
    fn default() -> Self {
        Self { fragments: HashMap::new(), begins: vec![false; 1 << 16] }
    }
}

impl SecretForms {
    /// Those of the secret key of a project, which is not sealed.
    pub(crate) fn of_project(project: &Path) -> Result<Self, Box<dyn Error>> {
        let job = Job::read(File::open(project.join("upload/job.vly"))?, 1 << 14)?;
        let parameters = job.plan().parameters();
        let degree = parameters.degree();
        let file = fs::read(project.join("private/secret-key.vly"))?;
        let end = file.len() - HASH_BYTES;
        let packed = &file[end - degree / 4..end];
        let coefficients: Vec<i64> =
            (0..degree).map(|j| [0, 1, -1, 2][usize::from(packed[j / 4] >> (2 * (j % 4)) & 3)]).collect();
        if coefficients.iter().any(|coefficient| coefficient.abs() > 1) {
            return Err("the key is sealed".into());
        }

        let mut forms = Self::default();
        forms.add_polynomial(parameters, &coefficients)?;
        Ok(forms)
    }

    /// All forms of a ternary polynomial.
    pub(crate) fn add_polynomial(
        &mut self,
        parameters: &Parameters,
        coefficients: &[i64],
    ) -> Result<(), Box<dyn Error>> {
        let two_bits =
            |four: &[i64]| four.iter().rev().fold(0, |byte, c| byte << 2 | [2, 0, 1][(c + 1) as usize]);
        self.add("coefficients of two bits", &coefficients.chunks(4).map(two_bits).collect::<Vec<u8>>());
        self.add_residues(parameters, coefficients)
    }

    /// The forms of a polynomial of small coefficients.
    pub(crate) fn add_residues(
        &mut self,
        parameters: &Parameters,
        coefficients: &[i64],
    ) -> Result<(), Box<dyn Error>> {
        self.add("coefficients of a byte", &coefficients.iter().map(|&c| c as i8 as u8).collect::<Vec<_>>());
        self.add("coefficients of eight bytes", &words(coefficients.iter().map(|&c| c as u64)));
        for &prime in parameters.q().iter().chain(parameters.p()) {
            let residues = |&c: &i64| c.rem_euclid(prime as i64) as u64;
            let basis = RnsBasis::new(parameters.degree(), &[prime]).ok_or("a prime of the parameters")?;
            let evaluation: RnsPoly<Eval> = basis.forward(basis.from_signed(coefficients));
            let limbs = [
                ("coefficients", coefficients.iter().map(residues).collect::<Vec<_>>()),
                ("evaluation form", evaluation.residues().to_vec()),
            ];
            for (name, limb) in limbs {
                self.add(&format!("{name} modulo {prime}, packed"), &pack(&limb, prime));
                self.add(&format!("{name} modulo {prime}, in words"), &words(limb.iter().copied()));
            }
        }
        Ok(())
    }

    fn add(&mut self, name: &str, form: &[u8]) {
        for fragment in 0..FRAGMENTS {
            let start = fragment * (form.len() - FRAGMENT_BYTES) / (FRAGMENTS - 1);
            self.add_whole(name, &form[start..start + FRAGMENT_BYTES]);
        }
    }

    /// What is searched for as a whole: eight bytes at least.
    pub(crate) fn add_whole(&mut self, name: &str, bytes: &[u8]) {
        let first: [u8; 8] = bytes[..8].try_into().expect("eight of them");
        self.begins[usize::from(u16::from_le_bytes([bytes[0], bytes[1]]))] = true;
        self.fragments.entry(first).or_default().push((name.to_owned(), bytes.to_vec()));
    }

    /// Where a form of the secret is in the files below a folder.
    pub(crate) fn search(&self, folder: &Path) -> Result<Vec<String>, Box<dyn Error>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                found.extend(self.search(&path)?);
            } else {
                let names = self.search_bytes(&fs::read(&path)?);
                found.extend(names.into_iter().map(|name| format!("{}: {name}", path.display())));
            }
        }
        Ok(found)
    }

    fn search_bytes(&self, content: &[u8]) -> Vec<&str> {
        let mut found = Vec::new();
        for (start, window) in content.windows(8).enumerate() {
            if !self.begins[usize::from(u16::from_le_bytes([window[0], window[1]]))] {
                continue;
            }
            let fragments = self.fragments.get(window).into_iter().flatten();
            let here = fragments.filter(|(_, bytes)| content[start..].starts_with(bytes));
            found.extend(here.map(|(name, _)| &**name));
        }
        found.dedup();
        found
    }
}

fn words(values: impl Iterator<Item = u64>) -> Vec<u8> {
    values.flat_map(u64::to_le_bytes).collect()
}

/// As residues are packed in files.
fn pack(limb: &[u64], prime: u64) -> Vec<u8> {
    let bits = prime.ilog2() as usize + 1;
    let mut bytes = vec![0; limb.len() * bits / 8];
    for (index, residue) in limb.iter().enumerate() {
        for bit in (0..bits).filter(|bit| residue >> bit & 1 == 1) {
            let place = index * bits + bit;
            bytes[place / 8] |= 1 << (place % 8);
        }
    }
    bytes
}

/// What the search must find, or it proves nothing: the evaluation form modulo the first prime, as a file would have
/// it.
pub(crate) fn planted(project: &Path) -> Result<Vec<u8>, Box<dyn Error>> {
    let forms = SecretForms::of_project(project)?;
    let evaluation = |name: &str| name.starts_with("evaluation form") && name.ends_with("packed");
    let mut fragments = forms.fragments.into_values().flatten().filter(|(name, _)| evaluation(name));
    let (_, bytes) = fragments.next().ok_or("a fragment")?;
    Ok([&[1, 2, 3][..], &bytes, &[4, 5]].concat())
}
