//! Sealed secret keys, where sealing was not built.

use super::*;

#[test]
fn a_sealed_key_is_refused_without_the_feature() {
    let owner = Owner::new();
    let [.., plain] = owner.files();
    let sealed = with_header(&plain, |header| header.extension = vec![1]);
    for passphrase in [None, Some(PASSPHRASE)] {
        let error = SecretKey::read(&owner.context, passphrase, &sealed[..], NO_LIMIT).unwrap_err();
        assert_eq!(error, WireError::SealingUnsupported);
    }
}
