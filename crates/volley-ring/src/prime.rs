//! NTT-friendly primes.
//!
//! Z_q\[X\]/(X^N + 1) has a number-theoretic transform of length N when q ≡ 1 (mod 2N). Primes are taken just under a
//! power of two, so that a product of k primes of that length is close to 2^(k·bits).

/// Largest bit length of a modulus. The vectorised transforms and kernels keep values of up to 4q below 2⁵².
pub const MAX_BITS: u32 = 50;

/// Primes q ≡ 1 (mod 2·`degree`) below 2^`bits`, in descending order, down to 2^(`bits` − 1).
///
/// Empty where there is none or where the arguments make no sense (`bits` above [`MAX_BITS`], a degree that is not a
/// power of two).
pub fn ntt_primes(degree: usize, bits: u32) -> impl Iterator<Item = u64> {
    let step = 2 * degree as u64;
    let valid = degree.is_power_of_two() && bits <= MAX_BITS && step < (1u64 << bits.min(63));
    let (top, bottom) = if valid { (1u64 << bits, 1u64 << (bits - 1)) } else { (1, 1) };
    let first = (top - 1) / step * step + 1;
    let first = if first >= top { first.saturating_sub(step) } else { first };
    std::iter::successors(Some(first), move |&q| q.checked_sub(step))
        .take_while(move |&q| q > bottom)
        .filter(|&q| is_prime(q))
}

/// Whether `n` is prime: Miller-Rabin with the first twelve primes as bases, which decides every n < 2^64
/// (Sorenson and Webster, 2015).
#[must_use]
pub fn is_prime(n: u64) -> bool {
    const BASES: [u64; 12] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];
    if n < 2 {
        return false;
    }
    if let Some(&divisor) = BASES.iter().find(|&&p| n.is_multiple_of(p)) {
        return n == divisor;
    }
    let twos = (n - 1).trailing_zeros();
    let odd = (n - 1) >> twos;
    BASES.iter().all(|&base| {
        let mut x = power(base, odd, n);
        if x == 1 || x == n - 1 {
            return true;
        }
        (1..twos).any(|_| {
            x = (u128::from(x) * u128::from(x) % u128::from(n)) as u64;
            x == n - 1
        })
    })
}

/// base^exponent mod n.
fn power(base: u64, mut exponent: u64, n: u64) -> u64 {
    let n = u128::from(n);
    let (mut square, mut product) = (u128::from(base) % n, 1u128);
    while exponent > 0 {
        if exponent & 1 == 1 {
            product = product * square % n;
        }
        square = square * square % n;
        exponent >>= 1;
    }
    product as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primality_agrees_with_trial_division() {
        let slow = |n: u64| n > 1 && (2..n).take_while(|d| d * d <= n).all(|d| !n.is_multiple_of(d));
        assert!((0..5_000).all(|n| is_prime(n) == slow(n)));
        // A Carmichael number, a strong pseudoprime to bases 2, 3, 5, 7 and the largest prime below 2^50.
        assert!(!is_prime(561) && !is_prime(3_215_031_751) && is_prime((1 << 50) - 27));
    }

    #[test]
    fn ntt_primes_descend_from_their_power_of_two() {
        let primes: Vec<u64> = ntt_primes(1 << 14, 40).take(20).collect();
        assert!(primes.windows(2).all(|pair| pair[0] > pair[1]));
        assert!(primes.iter().all(|&q| q % (1 << 15) == 1 && q < 1 << 40 && q > 1 << 39 && is_prime(q)));
        assert!((1u64 << 40) - primes[0] < 1 << 24);
    }

    #[test]
    fn arguments_without_primes_give_none() {
        assert_eq!(ntt_primes(1 << 14, 51).count(), 0);
        assert_eq!(ntt_primes(3, 30).count(), 0);
        assert_eq!(ntt_primes(1 << 14, 10).count(), 0);
    }
}
