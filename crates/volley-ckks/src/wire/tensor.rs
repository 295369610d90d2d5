//! Ciphertexts of degree 2 in files: sums of products that are sent to be added to others. They have no files of their
//! own.

use std::io::{Read, Write};

use super::ciphertext::{check_key, check_parameters};
use super::error::WireError;
use super::residues::{read_poly, write_poly};
use super::stream::{BodyReader, BodyWriter};
use crate::base::params::Parameters;
use crate::rlwe::context::Context;
use crate::rlwe::key_id::KeyId;
use crate::scheme::ciphertext::TensorCiphertext;
use crate::scheme::operand::Operand;

impl TensorCiphertext {
    /// Writes it into the body of a file of the owner `key_id`: operand, d₀, d₁ and d₂.
    ///
    /// # Errors
    ///
    /// As [`Ciphertext::write_record`](crate::Ciphertext::write_record).
    pub fn write_record(
        &self,
        parameters: &Parameters,
        key_id: KeyId,
        body: &mut BodyWriter<impl Write>,
    ) -> Result<(), WireError> {
        check_parameters(parameters, self.params_id)?;
        check_key(key_id, self.key_id)?;
        self.operand.write(parameters, body)?;
        self.parts.iter().try_for_each(|part| write_poly(body, part, parameters.q_primes(self.level())))
    }

    /// Reads what [`write_record`](Self::write_record) wrote, for the owner `key_id`.
    ///
    /// # Errors
    ///
    /// See [`WireError`].
    pub fn read_record(
        context: &Context,
        key_id: KeyId,
        body: &mut BodyReader<impl Read>,
    ) -> Result<Self, WireError> {
        let operand = Operand::read(context.parameters(), body)?;
        let basis = context.q(operand.level);
        let parts = [read_poly(body, basis)?, read_poly(body, basis)?, read_poly(body, basis)?];
        Ok(Self { operand, parts, params_id: context.parameters().id(), key_id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Setup, parameters, random_slots, rng};
    use crate::wire::{FileReader, Header, Kind, write_file};
    use crate::{Arithmetic, ParamsId, SecretKey};

    fn written(
        tensor: &TensorCiphertext,
        parameters: &Parameters,
        key_id: KeyId,
        params_id: ParamsId,
    ) -> Result<Vec<u8>, WireError> {
        let body_bytes = tensor.record_bytes(parameters);
        let (kind, extension) = (Kind::new("sums"), Vec::new());
        let header = Header { kind, params_id, key_id: Some(key_id), extension, body_bytes };
        let mut file = Vec::new();
        write_file(&header, &mut file, |body| tensor.write_record(parameters, key_id, body))?;
        Ok(file)
    }

    #[test]
    fn a_tensor_is_read_as_it_was_written_and_relinearized_alike() {
        let setup = Setup::new(parameters(4, 3), |spec| spec.relinearization(3));
        let (parameters, key_id) = (setup.context.parameters(), setup.secret_key.id());
        let a = setup.encrypt(&random_slots(8, &mut rng(1)), 2, 3);
        let tensor = setup.evaluator.sum_of_products(&[(&a, &a)]).unwrap();
        let file = written(&tensor, parameters, key_id, parameters.id()).unwrap();
        let opened = FileReader::open(&file[..], file.len() as u64).unwrap();
        let read = opened.read(|body| TensorCiphertext::read_record(&setup.context, key_id, body)).unwrap();
        assert_eq!(read, tensor);
        let product = setup.evaluator.relinearize_rescale(&read).unwrap();
        assert_eq!(product, setup.evaluator.square(&a).unwrap());
        // Packed: 50 + 40 + 40 bits for each of 16 coefficients, three times.
        assert!(tensor.record_bytes(parameters) > 3 * 16 * 130 / 8);

        let stranger = SecretKey::generate(&setup.context, &mut rng(9)).id();
        let refused = written(&tensor, parameters, stranger, parameters.id());
        assert_eq!(refused, Err(WireError::ForeignKey { expected: stranger, found: Some(key_id) }));
        let other = crate::testing::parameters(4, 2);
        let refused = written(&tensor, &other, key_id, other.id());
        assert!(matches!(refused, Err(WireError::ForeignParameters { .. })));
    }
}
