use super::*;

fn poly() -> RnsPoly<Coeff> {
    RnsPoly::from_residues(16, (1..=48).collect()).unwrap()
}

#[test]
fn residues_fill_whole_limbs() {
    let poly = poly();
    assert_eq!((poly.degree(), poly.limb_count()), (16, 3));
    assert_eq!(poly.limb(1), (17..=32).collect::<Vec<u64>>());
    assert!(poly.limbs().eq([poly.limb(0), poly.limb(1), poly.limb(2)]));
    assert_eq!(poly.residues().len(), 48);
    assert_eq!(RnsPoly::<Coeff>::from_residues(16, vec![0; 47]), None);
    assert_eq!(RnsPoly::<Coeff>::from_residues(0, vec![]), None);
    assert_eq!(RnsPoly::<Eval>::zero(16, 2), RnsPoly::from_residues(16, vec![0; 32]).unwrap());
}

#[test]
fn cutting_keeps_the_first_limbs() {
    let mut cut = poly();
    cut.truncate(2);
    assert_eq!(cut, poly().prefix(2));
    assert_eq!(cut.residues(), &poly().residues()[..32]);
    assert_ne!(cut, poly());
    assert_ne!(RnsPoly::<Coeff>::zero(16, 2), RnsPoly::zero(32, 1));
}

#[test]
#[should_panic(expected = "out of range")]
fn a_missing_limb_panics() {
    let _ = poly().limb(3);
}

#[test]
fn the_debug_form_shows_no_residue() {
    assert_eq!(format!("{:?}", poly()), "RnsPoly { degree: 16, residues: 48, .. }");
}

#[test]
#[expect(unsafe_code, reason = "looks at memory that a wiped polynomial still owns")]
fn zeroizing_wipes_the_memory_of_the_residues() {
    let mut poly = poly();
    poly.zeroize();
    assert_eq!(poly.limb_count(), 0);
    assert!(poly.residues.capacity() >= 48);
    // SAFETY: the vector kept its capacity, and its first 48 elements were initialised before they were wiped.
    unsafe { poly.residues.set_len(48) };
    assert_eq!(poly.residues(), [0; 48]);
}
