//! What an owner says when it joins.

use super::Result;
use volley_program::BadInput;

use super::agreement::{INVITATION, JOIN, Join};
use super::keys::transport_key;
use super::session::Session;

/// Refuses to go on where another party has joined by this owner's name: it has another key of transport.
pub(super) fn check_own(session: &Session) -> Result<()> {
    let (folder, name) = (&session.folder, session.name());
    if session.owner().is_err() || !folder.has(name, JOIN) {
        return Ok(());
    }
    let own = transport_key(folder)?.public_key().to_bytes();
    if Join::read(folder, &session.host, name)?.transport_key()?.to_bytes() == own {
        return Ok(());
    }
    let problem = format!("another party joined as {name}: all but one of this name begin anew, as others");
    Err(BadInput::at(&folder.sent(name, JOIN), problem).into())
}

/// Says how many rows the owner has, and by which key others seal for it.
pub(super) fn join(session: &Session) -> Result<()> {
    let (folder, name) = (&session.folder, session.name());
    let rows = session.owner()?.rows(&session.invitation, &*session.observer)?.samples();
    let invitation = folder.hash_of(&session.host, INVITATION);
    let invitation = invitation.ok_or_else(|| BadInput::new("the invitation has not arrived"))?;
    let join = Join::new(name, rows, &invitation, &transport_key(folder)?.public_key());
    Ok(folder.send_text(name, JOIN, &join)?)
}
