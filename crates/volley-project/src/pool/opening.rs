//! Decrypting together: each owner sends its shares once, sealed for the owners, so that the server reads nothing.

use super::Result;
use volley_mlr::volley_ckks::Plaintext;
use volley_mlr::volley_ckks::multiparty::{Openings, SealedOpening};
use volley_program::{BadInput, OrBadInput};

use super::keys::{keep_key_holder, key_holder, transport_key};
use super::session::Session;

/// Sends this owner's shares of a decryption. That it has admitted this one, and no other of the same ciphertexts, is
/// kept before.
pub(super) fn send(session: &Session, openings: &Openings, file: &str) -> Result<(), BadInput> {
    let mut holder = key_holder(session)?;
    holder.admit_all(openings).or_bad_input()?;
    keep_key_holder(session, &holder)?;
    let shares = holder.sealed_opening(openings).or_bad_input()?;
    session.send(file, |out| shares.write(openings, out))
}

/// What is decrypted, when all owners that were asked have sent their shares.
pub(super) fn finish(session: &Session, openings: &Openings, file: &str) -> Result<Vec<Plaintext>, BadInput> {
    let (folder, me, key) = (&session.folder, session.me()?, transport_key(&session.folder)?);
    let limit = SealedOpening::file_bytes(openings);
    let opened = openings.owners().iter().map(|&owner| {
        let name = &session.invitation.members[owner];
        let sealed = folder.read(name, file, |input| SealedOpening::read(openings, owner, input, limit))?;
        sealed.open(openings, me, &key).at(&folder.sent(name, file))
    });
    openings.finish(opened.collect::<Result<Vec<_>, _>>()?).or_bad_input()
}
