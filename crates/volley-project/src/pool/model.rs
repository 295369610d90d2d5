//! The model of a pool: who decrypts it, and what every owner gets.

use super::Result;
use crate::job_folder::model_limit;
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use volley_data::{ModelFormat, TableModel, read_model, write_model};
use volley_mlr::EncryptedModel;
use volley_mlr::volley_ckks::multiparty::Openings;
use volley_mlr::volley_ckks::{Ciphertext, Encoder, Plaintext};
use volley_program::{BadInput, OrBadInput};

use super::folder::{PoolFolder, SERVER};
use super::opening;
use super::rows::owner_state;
use super::session::Session;
use super::text::Text;
use super::training::MODEL;

pub(super) const READY: &str = "ready.json";
pub(super) const OPENERS: &str = "openers.json";
pub(super) const OPENING: &str = "model-opening.vly";
pub(super) const KEPT: &str = "model.json";

/// `openers.json`: the owners who decrypt.
pub(super) type Openers = Vec<String>;

/// `ready.json`: an owner is there to decrypt a model.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ready {
    /// The hash of the model's file.
    model: String,
}

impl Text for Ready {}

impl Text for Openers {}

/// Says that this owner is there to decrypt the model, in a pool with a threshold.
pub(super) fn be_ready(session: &Session) -> Result<()> {
    encrypted(session)?;
    let model = session.folder.hash_of(SERVER, MODEL).unwrap_or_default();
    Ok(session.folder.send_text(session.name(), READY, &Ready { model })?)
}

/// Names the owners who decrypt, once: the first of those who are ready, as many as it takes.
pub(super) fn choose(session: &Session) -> Result<()> {
    let (folder, members) = (&session.folder, &session.invitation.members);
    let needed = session.invitation.threshold.unwrap_or(members.len());
    folder.read(SERVER, MODEL, |input| std::io::copy(input, &mut std::io::sink()))?;
    let expected = folder.hash_of(SERVER, MODEL).unwrap_or_default();
    let mut openers = Openers::new();
    for member in members.iter().filter(|member| folder.has(member, READY)) {
        let Ready { model } = folder.read_text(member, READY)?;
        if model != expected {
            let problem = format!("{member} has another model than the one that was sent");
            return Err(BadInput::at(&folder.sent(member, READY), problem).into());
        }
        openers.push(member.clone());
    }
    openers.truncate(needed);
    Ok(folder.send_text(SERVER, OPENERS, &openers)?)
}

/// The owners who decrypt, by their places: all, or those whom the server has named.
pub(super) fn openers(session: &Session) -> Result<Vec<usize>, BadInput> {
    let invitation = &session.invitation;
    let Some(threshold) = invitation.threshold else { return Ok((0..invitation.members.len()).collect()) };
    let names: Openers = session.folder.read_text(SERVER, OPENERS)?;
    let file = session.folder.sent(SERVER, OPENERS);
    let mut places =
        names.iter().map(|name| invitation.member(name)).collect::<Result<Vec<_>, _>>().at(&file)?;
    places.sort_unstable();
    places.dedup();
    if places.len() == threshold && names.len() == threshold {
        return Ok(places);
    }
    let found = names.join(", ");
    Err(BadInput::at(&file, format!("{threshold} owners decrypt, and these are named: {found}")))
}

/// Sends this owner's shares of the decryption.
pub(super) fn open(session: &Session) -> Result<()> {
    Ok(opening::send(session, &openings(session, &encrypted(session)?)?, OPENING)?)
}

/// Keeps the model, which every owner gets.
pub(super) fn keep(session: &Session) -> Result<()> {
    let agreed = session.agreed()?;
    let (encrypted, plaintexts) = opened(session)?;
    let encoder = Encoder::new(agreed.context());
    let model =
        agreed.plan().model(&owner_state(session)?, &encoder, &encrypted, plaintexts).or_bad_input()?;
    let model = TableModel::new(model, session.invitation.columns.clone()).or_bad_input()?;
    let mut bytes = Vec::new();
    write_model(&mut bytes, ModelFormat::Json, &model).or_bad_input()?;
    Ok(session.folder.keep(KEPT, |mut out| std::io::Write::write_all(&mut out, &bytes))?)
}

/// The model that this owner keeps, once it is there.
pub(super) fn kept(folder: &PoolFolder) -> Result<Option<TableModel>, BadInput> {
    folder.keeps(KEPT).then(|| read_model(&folder.kept(KEPT)).or_bad_input()).transpose()
}

/// The weights as they were trained, by which scores are recoded.
pub(super) fn weights(session: &Session) -> Result<Array2<f64>, BadInput> {
    let (agreed, state) = (session.agreed()?, owner_state(session)?);
    let (encrypted, plaintexts) = opened(session)?;
    agreed.plan().weights(&state, &Encoder::new(agreed.context()), &encrypted, plaintexts).or_bad_input()
}

/// The model and what is in its ciphertexts.
fn opened(session: &Session) -> Result<(EncryptedModel<Ciphertext>, Vec<Plaintext>), BadInput> {
    let encrypted = encrypted(session)?;
    let plaintexts = opening::finish(session, &openings(session, &encrypted)?, OPENING)?;
    Ok((encrypted, plaintexts))
}

/// The model that the server sent.
pub(super) fn encrypted(session: &Session) -> Result<EncryptedModel<Ciphertext>, BadInput> {
    let agreed = session.agreed()?;
    let limit = model_limit(agreed.plan().plan());
    session
        .folder
        .read(SERVER, MODEL, |input| EncryptedModel::read(&agreed.job, agreed.context(), input, limit))
}

fn openings(session: &Session, encrypted: &EncryptedModel<Ciphertext>) -> Result<Openings, BadInput> {
    let agreed = session.agreed()?;
    agreed.plan().openings(&agreed.pool, encrypted, openers(session)?).or_bad_input()
}
