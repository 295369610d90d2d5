//! A backend as an accelerator would be: ciphertexts are handles of buffers in a memory of its own, which is small.
//!
//! What it computes is in clear. What it asks of Volley is what any backend needs: the rules of operands, the terms of
//! a linear transform, an error of its own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use volley_ckks::bootstrapping::BootstrapArithmetic;
use volley_ckks::{
    Arithmetic, Complex64, Context, Encoder, Error, LinearArithmetic, LinearTransform, Operand, Parameters,
    Scale,
};

/// The memory of the device.
#[derive(Debug)]
struct Memory {
    /// Most buffers.
    capacity: usize,
    buffers: Mutex<HashMap<u64, Vec<Complex64>>>,
}

/// A buffer on the device, which is freed with it.
#[derive(Debug)]
struct Allocation {
    id: u64,
    memory: Arc<Memory>,
}

impl Drop for Allocation {
    fn drop(&mut self) {
        self.memory.buffers.lock().unwrap().remove(&self.id);
    }
}

/// A ciphertext, a tensor or a plaintext. Buffers are never changed, so that clones share one.
#[derive(Clone, Debug)]
pub(crate) struct Handle {
    operand: Operand,
    buffer: Arc<Allocation>,
}

/// A linear transform: its diagonals, turned back by their giant steps, are on the device.
pub(crate) struct DeviceTransform {
    plan: LinearTransform,
    scale: Scale,
    /// By giant step, in the order of its terms.
    diagonals: Vec<Vec<Handle>>,
}

pub(crate) struct Device {
    parameters: Parameters,
    encoder: Encoder,
    memory: Arc<Memory>,
}

type Slots = Vec<Complex64>;

impl Device {
    pub(crate) fn new(context: &Arc<Context>, capacity: usize) -> Self {
        Self {
            parameters: context.parameters().clone(),
            encoder: Encoder::new(context),
            memory: Arc::new(Memory { capacity, buffers: Mutex::default() }),
        }
    }

    pub(crate) fn upload(&self, values: Slots, scale: &Scale, level: usize) -> Result<Handle, Error> {
        self.encode(|| values, scale, level)
    }

    /// The slots of a handle, on the host.
    pub(crate) fn download(&self, a: &Handle) -> Slots {
        self.memory.buffers.lock().unwrap()[&a.buffer.id].clone()
    }

    pub(crate) fn buffers(&self) -> usize {
        self.memory.buffers.lock().unwrap().len()
    }

    fn allocate(&self, operand: Operand, values: Slots) -> Result<Handle, Error> {
        let mut buffers = self.memory.buffers.lock().unwrap();
        let capacity = self.memory.capacity;
        if buffers.len() == capacity {
            return Err(Error::Backend { reason: format!("all {capacity} buffers are in use") });
        }
        let free = (0..).find(|id| !buffers.contains_key(id));
        let id = free.unwrap();
        buffers.insert(id, values);
        Ok(Handle { operand, buffer: Arc::new(Allocation { id, memory: Arc::clone(&self.memory) }) })
    }

    /// A kernel: every slot of the result is a function of its index and of the operands, which repeat.
    fn launch(
        &self,
        operand: Operand,
        operands: &[&Handle],
        kernel: impl Fn(&dyn Fn(usize, i64) -> Complex64, usize) -> Complex64,
    ) -> Result<Handle, Error> {
        let values = {
            let buffers = self.memory.buffers.lock().unwrap();
            let load = |index: usize, slot: i64| {
                let buffer = &buffers[&operands[index].buffer.id];
                buffer[slot.rem_euclid(buffer.len() as i64) as usize]
            };
            (0..operand.slots).map(|slot| kernel(&load, slot)).collect()
        };
        self.allocate(operand, values)
    }

    fn map(&self, operand: Operand, a: &Handle, f: impl Fn(Complex64) -> Complex64) -> Result<Handle, Error> {
        self.launch(operand, &[a], |load, slot| f(load(0, slot as i64)))
    }

    fn zip(
        &self,
        operand: Operand,
        [a, b]: [&Handle; 2],
        f: impl Fn(Complex64, Complex64) -> Complex64,
    ) -> Result<Handle, Error> {
        self.launch(operand, &[a, b], |load, slot| f(load(0, slot as i64), load(1, slot as i64)))
    }

    fn rotated(&self, a: &Handle, steps: i64) -> Result<Handle, Error> {
        let step = a.operand.rotation_step(steps);
        self.launch(a.operand.clone(), &[a], |load, slot| load(0, slot as i64 + step))
    }
}

impl Arithmetic for Device {
    type Ciphertext = Handle;
    type Tensor = Handle;
    type Plaintext = Handle;

    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn operand<'a>(&self, a: &'a Handle) -> &'a Operand {
        &a.operand
    }

    fn tensor_operand<'a>(&self, a: &'a Handle) -> &'a Operand {
        &a.operand
    }

    fn encode(&self, values: impl FnOnce() -> Slots, scale: &Scale, level: usize) -> Result<Handle, Error> {
        let values = values();
        let operand = self.encoder.encode(&values, scale, level)?.operand().clone();
        self.allocate(operand, values)
    }

    fn add(&self, a: &Handle, b: &Handle) -> Result<Handle, Error> {
        self.zip(a.operand.sum(&b.operand)?, [a, b], |x, y| x + y)
    }

    fn sub(&self, a: &Handle, b: &Handle) -> Result<Handle, Error> {
        self.zip(a.operand.sum(&b.operand)?, [a, b], |x, y| x - y)
    }

    fn neg(&self, a: &Handle) -> Result<Handle, Error> {
        self.map(a.operand.clone(), a, |x| -x)
    }

    fn add_plain(&self, a: &Handle, p: &Handle) -> Result<Handle, Error> {
        self.add(a, p)
    }

    fn add_constant(&self, a: &Handle, c: f64) -> Result<Handle, Error> {
        a.operand.constant(&self.parameters, c)?;
        self.map(a.operand.clone(), a, |x| x + c)
    }

    fn multiply_plain(&self, a: &Handle, p: &Handle) -> Result<Handle, Error> {
        self.zip(a.operand.product(&self.parameters, &p.operand)?, [a, p], |x, y| x * y)
    }

    fn multiply_constant(&self, a: &Handle, c: f64, scale: &Scale) -> Result<Handle, Error> {
        self.linear_combination(&[(a, c)], &a.operand.scale.times(scale), a.operand.level)
    }

    fn linear_combination(
        &self,
        terms: &[(&Handle, f64)],
        scale: &Scale,
        level: usize,
    ) -> Result<Handle, Error> {
        let operands: Vec<_> = terms.iter().map(|(a, c)| (&a.operand, *c)).collect();
        let (operand, _) = Operand::linear_combination(&self.parameters, &operands, scale, level)?;
        let handles: Vec<_> = terms.iter().map(|(a, _)| *a).collect();
        self.launch(operand, &handles, |load, slot| {
            terms.iter().enumerate().map(|(k, (_, c))| load(k, slot as i64) * c).sum()
        })
    }

    fn multiply_by_i(&self, a: &Handle) -> Result<Handle, Error> {
        self.map(a.operand.clone(), a, |x| x * Complex64::I)
    }

    fn sum_of_products(&self, terms: &[(&Handle, &Handle)]) -> Result<Handle, Error> {
        let operands = terms.iter().map(|(a, b)| (&a.operand, &b.operand));
        let operand = Operand::sum_of_products(&self.parameters, operands)?;
        let handles: Vec<_> = terms.iter().flat_map(|&(a, b)| [a, b]).collect();
        self.launch(operand, &handles, |load, slot| {
            let product = |k: usize| load(2 * k, slot as i64) * load(2 * k + 1, slot as i64);
            (0..terms.len()).map(product).sum()
        })
    }

    fn add_tensor(&self, a: Handle, b: &Handle) -> Result<Handle, Error> {
        self.add(&a, b)
    }

    fn add_to_tensor(&self, a: Handle, b: &Handle) -> Result<Handle, Error> {
        self.add(&a, b)
    }

    fn relinearize(&self, a: &Handle) -> Result<Handle, Error> {
        Ok(a.clone())
    }

    fn relinearize_rescale(&self, a: &Handle) -> Result<Handle, Error> {
        self.rescale(a)
    }

    fn rescale(&self, a: &Handle) -> Result<Handle, Error> {
        self.map(a.operand.rescaled(&self.parameters)?, a, |x| x)
    }

    fn drop_level(&self, a: &Handle, level: usize) -> Result<Handle, Error> {
        self.map(a.operand.dropped(&self.parameters, level)?, a, |x| x)
    }

    fn rotate(&self, a: &Handle, steps: i64) -> Result<Handle, Error> {
        self.rotated(a, steps)
    }

    fn rotate_hoisted(&self, a: &Handle, steps: &[i64]) -> Result<Vec<Handle>, Error> {
        steps.iter().map(|&steps| self.rotated(a, steps)).collect()
    }

    fn conjugate(&self, a: &Handle) -> Result<Handle, Error> {
        self.map(a.operand.clone(), a, |x| x.conj())
    }
}

impl LinearArithmetic for Device {
    type Transform = DeviceTransform;

    fn encode_transform(
        &self,
        plan: &LinearTransform,
        scale: &Scale,
        diagonal: impl Fn(usize) -> Slots + Sync,
    ) -> Result<DeviceTransform, Error> {
        let Operand { scale, level, .. } = plan.diagonals(&self.parameters, scale)?;
        let encode = |giant: i64, k: usize| {
            let mut values = diagonal(k);
            plan.check_diagonal(k, &values)?;
            values.rotate_right(giant.rem_euclid(plan.slots() as i64) as usize);
            self.encode(|| values, &scale, level)
        };
        let diagonals = plan
            .giants()
            .iter()
            .map(|giant| giant.terms.iter().map(|term| encode(giant.step, term.diagonal)).collect())
            .collect::<Result<_, Error>>()?;
        Ok(DeviceTransform { plan: plan.clone(), scale, diagonals })
    }

    /// Σ_g rot(Σ_b d ⊙ rot(a, b), g), by the steps and terms of the plan.
    fn transform(
        &self,
        a: &Handle,
        DeviceTransform { plan, scale, diagonals }: &DeviceTransform,
    ) -> Result<Handle, Error> {
        let operand = plan.product(&self.parameters, &a.operand, scale)?;
        let mut total = self.launch(operand.clone(), &[], |_, _| Complex64::ZERO)?;
        for (giant, diagonals) in plan.giants().iter().zip(diagonals) {
            let handles: Vec<_> = [a].into_iter().chain(diagonals).collect();
            let sum = self.launch(operand.clone(), &handles, |load, slot| {
                let term = |(index, baby): (usize, usize)| {
                    load(index + 1, slot as i64) * load(0, slot as i64 + plan.babies()[baby])
                };
                giant.terms.iter().map(|term| term.baby).enumerate().map(term).sum()
            })?;
            total = self.add(&total, &self.rotated(&sum, giant.step)?)?;
        }
        Ok(total)
    }

    fn transform_rescale(&self, a: &Handle, transform: &DeviceTransform) -> Result<Handle, Error> {
        self.rescale(&self.transform(a, transform)?)
    }

    fn trace(&self, a: &Handle, slots: usize) -> Result<Handle, Error> {
        let operand = a.operand.traced(slots)?;
        let mut steps = a.operand.trace_steps(slots);
        let sum = steps.try_fold(a.clone(), |sum, steps| self.sum_of_rotations(&sum, &steps))?;
        self.map(operand, &sum, |x| x)
    }
}

impl BootstrapArithmetic for Device {
    fn raise(&self, a: &Handle, level: usize) -> Result<Handle, Error> {
        self.map(a.operand.raised(&self.parameters, level)?, a, |x| x)
    }
}

#[test]
fn a_failure_of_a_backend_passes_through_a_circuit() {
    let context = Context::new(crate::parameters());
    let device = Device::new(&context, 4);
    let scale = context.parameters().scale();
    let a = device.upload(vec![Complex64::ONE; 4], &scale, 1).unwrap();
    assert_eq!(device.download(&device.sum_of_rotations(&a, &[0, 1]).unwrap()), [Complex64::from(2.0); 4]);
    assert_eq!(device.buffers(), 1, "all but the input are freed");
    let refusal = device.sum_of_rotations(&a, &[0, 1, 2]).unwrap_err();
    assert_eq!(refusal, Error::Backend { reason: "all 4 buffers are in use".to_owned() });
    assert_eq!(refusal.to_string(), "the backend failed: all 4 buffers are in use");
}
