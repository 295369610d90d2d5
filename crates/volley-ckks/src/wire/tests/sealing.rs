//! Secret keys that are sealed.

use super::*;

#[test]
fn a_sealed_key_needs_its_passphrase() {
    let owner = Owner::new();
    let [.., sealed] = owner.files();
    let read = |passphrase, file: &[u8]| SecretKey::read(&owner.context, passphrase, file, NO_LIMIT);
    assert_eq!(read(None, &sealed).unwrap_err(), WireError::PassphraseNeeded);
    assert_eq!(read(Some(b"wrong"), &sealed).unwrap_err(), WireError::Passphrase);
    assert_eq!(read(Some(b""), &sealed).unwrap_err(), WireError::Passphrase);
    // What is not secret is authenticated as well.
    let renamed = with_header(&sealed, |header| {
        header.key_id = Some(SecretKey::generate(&owner.context, &mut rng(7)).id());
    });
    assert_eq!(read(Some(PASSPHRASE), &renamed).unwrap_err(), WireError::Passphrase);
    // 16 GiB for a key.
    let costly = Cost { memory_kib: 1 << 24, ..CHEAP };
    let costly = postcard::to_allocvec(&costly).unwrap();
    let costly = with_header(&sealed, |header| drop(header.extension.splice(..3, costly)));
    assert_eq!(read(Some(PASSPHRASE), &costly).unwrap_err(), WireError::Header);
    // The cost that is used.
    let file = written(|out| owner.secret_key.write_sealed(PASSPHRASE, &mut rng(1), out)).unwrap();
    assert!(read(Some(PASSPHRASE), &file).unwrap().poly() == owner.secret_key.poly());
    let plain = written(|out| owner.secret_key.write(out)).unwrap();
    let secret = &plain[body_start(&plain)..plain.len() - 32];
    assert!(!file.windows(secret.len()).any(|window| window == secret));
}
