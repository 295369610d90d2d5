//! The key that scores are switched to: each owner keeps its secret half, and sends the public one.

use volley_mlr::volley_ckks::{PublicKey, SecretKey};
use volley_program::{BadInput, OrBadInput};

use super::Result;
use super::session::Session;

pub(super) const SCORE_KEY: &str = "score-key.vly";
/// More than the secret key of any ring takes.
const SECRET_KEY_BYTES: u64 = 1 << 20;

/// Makes and sends this owner's key: before the owners compare the fingerprint, which covers it.
pub(super) fn send(session: &Session) -> Result<()> {
    let (folder, context) = (&session.folder, session.agreed()?.context());
    if !folder.keeps(SCORE_KEY) {
        let key = SecretKey::generate(context, &mut session.rng());
        folder.keep(SCORE_KEY, |out| key.write(out))?;
    }
    let key = PublicKey::generate(&secret(session)?, &mut session.rng());
    Ok(session.send(SCORE_KEY, |out| key.write(out))?)
}

/// The secret half of this owner's key.
pub(super) fn secret(session: &Session) -> Result<SecretKey, BadInput> {
    let file = session.folder.open_kept(SCORE_KEY)?;
    let key = SecretKey::read(session.agreed()?.context(), None, file, SECRET_KEY_BYTES);
    key.at(&session.folder.kept(SCORE_KEY))
}

/// The key of a member. A file that is read for the first time is bound by its hash, so that another is refused later.
pub(super) fn of(session: &Session, member: &str) -> Result<PublicKey, BadInput> {
    let context = session.agreed()?.context();
    let limit = PublicKey::file_bytes(context.parameters());
    session.folder.read(member, SCORE_KEY, |input| PublicKey::read(context, input, limit))
}

/// The hash of the key of a member, which is read where it was not read before.
pub(super) fn hash(session: &Session, member: &str) -> Result<String, BadInput> {
    let hash = || session.folder.hash_of(member, SCORE_KEY);
    if hash().is_none() {
        of(session, member)?;
    }
    hash().ok_or_else(|| BadInput::at(&session.folder.sent(member, SCORE_KEY), "not read"))
}
