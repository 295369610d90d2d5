//! Mutations of files, for tests of readers of untrusted bytes.

/// A copy of `bytes` with one to four random defects: bits flipped, bytes replaced, numbers set to extremes, parts
/// removed, repeated, moved, or put in. `word` is the source of randomness.
pub fn mutate(bytes: &[u8], mut word: impl FnMut() -> u64) -> Vec<u8> {
    let mut mutant = bytes.to_vec();
    for _ in 0..=word() % 4 {
        let mut below = |bound: usize| (word() % bound.max(1) as u64) as usize;
        let (at, other, length) = (below(mutant.len()), below(mutant.len()), 1 + below(16));
        let part = at..mutant.len().min(at + length);
        let noise = word();
        match noise % 8 {
            0 => mutant.truncate(at),
            1 => drop(mutant.drain(part)),
            2 => {
                let copy = mutant[part].to_vec();
                mutant.splice(other..other, copy);
            }
            3 => drop(mutant.splice(at..at, noise.to_le_bytes())),
            4 => mutant[part].fill(0xFF),
            5 => mutant[part].fill(0),
            6 => mutant[part].iter_mut().for_each(|byte| *byte = (noise >> 8) as u8),
            _ => mutant[part].iter_mut().take(1).for_each(|byte| *byte ^= 1 << (noise >> 8 & 7)),
        }
    }
    mutant
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_are_mutated_and_most_changed() {
        let mut state = 1u64;
        let mut word = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 16
        };
        for length in [0, 1, 2, 100] {
            let bytes: Vec<u8> = (0..length).collect();
            let changed = (0..1000).filter(|_| mutate(&bytes, &mut word) != bytes).count();
            assert!(length < 100 || changed > 900, "{changed} of 1000");
        }
    }
}
