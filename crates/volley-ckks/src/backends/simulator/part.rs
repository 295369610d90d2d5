//! Parts of a circuit that are simulated once, and count wherever the circuit does them.

use std::sync::atomic::Ordering;

use super::{SimulatedCiphertext, Simulator};
use crate::arithmetic::counts::OperationCounts;
use crate::base::error::Error;
use crate::base::params::Parameters;
use crate::rlwe::keys::KeySpec;
use crate::scheme::operand::Operand;

/// What a part of a circuit that takes one ciphertext to another does, needs and has alive.
#[derive(Clone, Debug, PartialEq)]
pub struct SimulatedPart {
    counts: OperationCounts,
    keys: KeySpec,
    /// Most bytes that are alive beside its input: with key switches, and without them.
    peak: u64,
    ciphertext_peak: u64,
    /// The most for a single key switch.
    key_switch: u64,
    output: Operand,
    output_bytes: u64,
}

impl SimulatedPart {
    /// Runs a part on a simulator of its own, for an operand that is alive all the time.
    ///
    /// # Errors
    ///
    /// As [`Simulator::existing_operand`], and those of the part.
    pub fn new<E: From<Error>>(
        parameters: &Parameters,
        input: Operand,
        run: impl FnOnce(&Simulator, &SimulatedCiphertext) -> Result<SimulatedCiphertext, E>,
    ) -> Result<Self, E> {
        let simulator = Simulator::new(parameters);
        let input = simulator.existing_operand(input)?;
        let output = run(&simulator, &input)?;
        Ok(Self {
            counts: simulator.counts(),
            keys: simulator.key_spec(),
            peak: simulator.peak_memory_bytes() - input.bytes,
            ciphertext_peak: simulator.peak_ciphertext_bytes() - input.bytes,
            key_switch: simulator.key_switch_bytes(),
            output: output.operand.clone(),
            output_bytes: output.bytes,
        })
    }
}

impl Simulator {
    /// Does a part once more, on a ciphertext that is as its input was. That takes the same time however many
    /// operations the part has.
    ///
    /// # Errors
    ///
    /// [`Error::ParameterMismatch`] for a part under other parameters.
    pub fn replay(&self, part: &SimulatedPart) -> Result<SimulatedCiphertext, Error> {
        part.keys.check(&self.parameters)?;
        for (operation, level, count) in part.counts.iter() {
            self.counters.add(operation, level, count as usize);
        }
        self.need(|keys| keys.join(&part.keys));
        let live = self.memory.live.load(Ordering::Relaxed);
        let others = live.saturating_sub(self.memory.scratch.load(Ordering::Relaxed));
        self.memory.peak.fetch_max(live + part.peak, Ordering::Relaxed);
        self.memory.ciphertext_peak.fetch_max(others + part.ciphertext_peak, Ordering::Relaxed);
        self.memory.key_switch.fetch_max(part.key_switch, Ordering::Relaxed);
        Ok(SimulatedCiphertext::new(&self.memory, part.output.clone(), part.output_bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arithmetic::Arithmetic;
    use crate::testing::parameters;

    /// x² + rot(x², 5), whose product is rescaled.
    fn run(simulator: &Simulator, x: &SimulatedCiphertext) -> Result<SimulatedCiphertext, Error> {
        let square = simulator.relinearize_rescale(&simulator.sum_of_products(&[(x, x)])?)?;
        simulator.add(&square, &simulator.rotate(&square, 5)?)
    }

    #[test]
    fn a_part_that_is_replayed_is_as_one_that_is_run() {
        let small = parameters(10, 3);
        let [ran, replayed] = [false, true].map(|replays| {
            let simulator = Simulator::new(&small);
            // Others are alive beside it.
            let scale = small.scale();
            let inputs = [3, 2].map(|level| simulator.input(&scale, level).unwrap());
            let part = SimulatedPart::new(&small, inputs[0].operand().clone(), run).unwrap();
            let once = || if replays { simulator.replay(&part) } else { run(&simulator, &inputs[0]) };
            let first = once().unwrap();
            let others = simulator.repeated(3, || once().unwrap());
            simulator.rotate(&others, 7).unwrap();
            assert_eq!(first.operand(), others.operand());
            let live = simulator.memory.live.load(Ordering::Relaxed);
            let peaks = [simulator.peak_memory_bytes(), simulator.peak_ciphertext_bytes()];
            let of_threads = simulator.key_switch_bytes();
            (others.operand().clone(), simulator.counts(), simulator.key_spec(), live, peaks, of_threads)
        });
        assert_eq!(ran, replayed);
    }

    #[test]
    fn a_part_under_other_parameters_is_refused() {
        let small = parameters(10, 3);
        let input = Simulator::new(&small).existing(&small.scale(), 3).unwrap();
        let part = SimulatedPart::new(&small, input.operand().clone(), run).unwrap();
        let other = Simulator::new(&parameters(10, 2));
        assert_eq!(other.replay(&part).map(drop), Err(Error::ParameterMismatch));
    }
}
