//! What an owner says when it joins.

use super::Result;
use volley_program::BadInput;

use super::agreement::{INVITATION, JOIN, Join};
use super::keys::transport_key;
use super::session::Session;

/// Says how many rows the owner has, and by which key others seal for it.
pub(super) fn join(session: &Session) -> Result<()> {
    let (folder, name) = (&session.folder, session.name());
    let rows = session.owner()?.rows(&session.invitation, &*session.observer)?.samples();
    let invitation = folder.hash_of(&session.host, INVITATION);
    let invitation = invitation.ok_or_else(|| BadInput::new("the invitation has not arrived"))?;
    let join = Join::new(name, rows, &invitation, &transport_key(folder)?.public_key());
    Ok(folder.send_text(name, JOIN, &join)?)
}
