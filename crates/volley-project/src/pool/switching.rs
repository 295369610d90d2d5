//! The steps of one request: rows are encrypted, scored, and the scores are switched to the key of the owner who asked.

use std::io::{self, Read};

use super::Result;
use crate::scoring::scores_of;
use ndarray::Array2;
use volley_data::{RowFigure, write_predictions};
use volley_mlr::volley_ckks::Ciphertext;
use volley_mlr::volley_ckks::multiparty::{DecryptionShare, Switching};
use volley_mlr::{EncryptedRows, EncryptedScores, Error, PredictionPlan};
use volley_program::units::counted;
use volley_program::{BadInput, OrBadInput};

use super::folder::{Incoming, SERVER};
use super::keys::{keep_key_holder, key_holder, public_key};
use super::model::{encrypted, weights};
use super::request::{Asked, Request};
use super::rows::owner_state;
use super::score_key;
use super::session::Session;

/// More than headers of files take.
const SLACK: u64 = 1 << 20;

/// Ciphertexts that this owner may still help to decrypt: it has decrypted some, and those of the requests that the
/// server has scored come on top.
pub(super) fn decryptions_left(session: &Session) -> Result<usize, BadInput> {
    own_left(session, &left_of_owners(session)?)
}

/// The same, where it is known what the requests leave to each owner.
fn own_left(session: &Session, of_owners: &[usize]) -> Result<usize, BadInput> {
    let planned = session.agreed()?.job.plan().hyperparameters().pool().map_or(0, |pool| pool.decryptions);
    let left = (planned as usize).saturating_sub(key_holder(session)?.decryptions());
    let own = session.invitation.member(session.name())?;
    Ok(left.min(of_owners[own]))
}

/// Whether the decryptions that were planned suffice for a request, beside those of the requests that the server has
/// scored. The server takes requests as it gets them, so that all owners decrypt the same ones.
pub(super) fn is_planned(session: &Session, request: &Request) -> Result<bool, BadInput> {
    let (needed, owners) = ciphertexts(session, request)?;
    let left = left_of_owners(session)?;
    Ok(owners.into_iter().all(|owner| needed <= left[owner]))
}

/// The ciphertexts of a request's scores, and the places of the owners who decrypt them.
fn ciphertexts(session: &Session, request: &Request) -> Result<(usize, Vec<usize>), BadInput> {
    let (asked, owners) = request.read(session)?;
    Ok((prediction(session, &asked)?.layout().score_ciphertexts(), owners))
}

/// Ciphertexts that each owner may still help to decrypt, beside the requests that the server has scored.
fn left_of_owners(session: &Session) -> Result<Vec<usize>, BadInput> {
    let mut left = vec![session.agreed()?.plan().score_ciphertexts(); session.invitation.members.len()];
    for scored in Request::all(session)? {
        // Nobody switches for one that cannot be read, and it holds up no other.
        if session.folder.has(SERVER, &scored.scores_file())
            && let Ok((ciphertexts, owners)) = ciphertexts(session, &scored)
        {
            owners.into_iter().for_each(|owner| left[owner] = left[owner].saturating_sub(ciphertexts));
        }
    }
    Ok(left)
}

/// Encrypts rows and asks for their scores.
pub(super) fn ask(
    session: &Session,
    request: &Request,
    asked: &Asked,
    features: &Array2<f64>,
) -> Result<(), BadInput> {
    let (folder, agreed) = (&session.folder, session.agreed()?);
    let prediction = prediction(session, asked)?;
    let of_owners = left_of_owners(session)?;
    let owners = asked.owners(session)?.into_iter();
    let left = owners.map(|owner| of_owners[owner]).fold(own_left(session, &of_owners)?, usize::min);
    let needed = prediction.layout().score_ciphertexts();
    if needed > left {
        let (rows, most) = (asked.rows, agreed.plan().predicted_rows());
        let all = agreed.plan().score_ciphertexts();
        let needed = counted(needed, "ciphertext");
        return Err(BadInput::new(format_args!(
            "scores of {rows} rows take {needed}, and {left} are left of the {all} that were planned for one request \
             of {most} rows: every request, however small, takes some"
        )));
    }
    let (state, key) = (owner_state(session)?, public_key(session)?);
    let encrypt =
        || agreed.plan().encrypt_rows(&prediction, &state, features, &key, &mut session.rng()).or_bad_input();
    let rows = session.during("encryption", encrypt)?;
    session.send(&request.rows_file(), |out| rows.write(&agreed.job, out))?;
    folder.send_text(session.name(), &request.file(), asked)
}

/// The server scores the rows, as it does for a single owner.
pub(super) fn score(session: &Session, request: &Request) -> Result<()> {
    let (folder, agreed) = (&session.folder, session.agreed()?);
    let (job, context) = (&agreed.job, agreed.context());
    let (asked, _) = request.read(session)?;
    let prediction = prediction(session, &asked)?;
    session.machine.check_memory("scoring these rows", |threads| prediction.memory(threads))?;
    let (file, limit) = (request.rows_file(), prediction.upload().bytes + SLACK);
    let read = |input: &mut Incoming| EncryptedRows::<Ciphertext>::read(job, context, input, limit);
    let (found, rows) = folder.read(&request.asker, &file, read)?;
    check_rows(&prediction, &found).at(&folder.sent(&request.asker, &file))?;
    let model = encrypted(session)?;
    let keys = session.training_folder().keys(job, context, prediction.key_spec(), &*session.observer)?;
    let scores = scores_of(&rows, &model, &prediction, keys, context, &*session.observer)?;
    let hash = rows.hash(job).or_bad_input()?;
    Ok(session.send(&request.scores_file(), |out| scores.write(job, hash, out))?)
}

/// An owner switches the scores. That it has admitted this, and no other decryption of the same ciphertexts, is kept
/// before.
pub(super) fn switch(session: &Session, request: &Request) -> Result<()> {
    let switchings = switchings(session, request)?;
    let admitted = session.agreed()?.plan().admit(key_holder(session)?, &switchings);
    let holder = admitted.at(&session.folder.sent(SERVER, &request.scores_file()))?;
    keep_key_holder(session, &holder)?;
    Ok(session.send(&request.switching_file(), |out| {
        switchings.iter().try_for_each(|switching| {
            let share = holder.share(switching).or_bad_input()?;
            share.write(switching, &mut *out).or_bad_input()
        })
    })?)
}

/// The owner who asked reads the scores.
pub(super) fn read(session: &Session, request: &Request) -> Result<()> {
    let (folder, agreed, state) = (&session.folder, session.agreed()?, owner_state(session)?);
    let (asked, owners) = request.read(session)?;
    let switchings = switchings(session, request)?;
    let mut by_ciphertext: Vec<Vec<_>> = switchings.iter().map(|_| Vec::new()).collect();
    for owner in owners {
        let (name, file) = (&session.invitation.members[owner], request.switching_file());
        let shares = folder.read(name, &file, |input| read_shares(&switchings, owner, input))?;
        by_ciphertext.iter_mut().zip(shares).for_each(|(all, share)| all.push(share));
    }
    let switched = switchings.iter().zip(by_ciphertext).map(|(switching, shares)| switching.finish(shares));
    let switched = switched.collect::<Result<Vec<_>, _>>()?;
    let (prediction, secret_key) = (prediction(session, &asked)?, score_key::secret(session)?);
    let scores = agreed
        .plan()
        .scores(&prediction, &state, &secret_key, &switched, &weights(session)?)
        .or_bad_input()?;
    let mut text = zeroize::Zeroizing::new(Vec::new());
    write_predictions(&mut *text, state.classes(), RowFigure::Score, &scores).or_bad_input()?;
    Ok(folder.keep(&request.predictions_file(), |mut out| io::Write::write_all(&mut out, &text))?)
}

/// What the owners are asked for. Scores of other rows than those of the request are refused.
fn switchings(session: &Session, request: &Request) -> Result<Vec<Switching>, BadInput> {
    let (folder, agreed) = (&session.folder, session.agreed()?);
    let (job, pool, context) = (&agreed.job, &agreed.pool, agreed.context());
    let (asked, owners) = request.read(session)?;
    let prediction = prediction(session, &asked)?;
    folder.read(&request.asker, &request.rows_file(), |input| io::copy(input, &mut io::sink()))?;
    let file = request.scores_file();
    let bytes = prediction.scores().ciphertext_bytes(context.parameters());
    let limit = bytes * prediction.layout().score_ciphertexts() as u64 + SLACK;
    let read = |input: &mut Incoming| EncryptedScores::<Ciphertext>::read(job, context, input, limit);
    let (found, rows, scores) = folder.read(SERVER, &file, read)?;
    let scores_file = folder.sent(SERVER, &file);
    check_rows(&prediction, &found).at(&scores_file)?;
    if folder.hash_of(&request.asker, &request.rows_file()) != Some(rows.to_string()) {
        let problem = format!("scores of other rows than {} asked about", request.asker);
        return Err(BadInput::at(&scores_file, problem));
    }
    let key = score_key::of(session, &request.asker)?;
    agreed.plan().switchings(pool, &prediction, &scores, &owners, &key).at(&scores_file)
}

/// The shares of one owner: their files, one after the other.
fn read_shares(
    switchings: &[Switching],
    owner: usize,
    input: &mut Incoming,
) -> Result<Vec<DecryptionShare<2>>, BadInput> {
    let mut share = |switching: &Switching| {
        let bytes = DecryptionShare::file_bytes(switching);
        DecryptionShare::read(switching, owner, input.by_ref().take(bytes), bytes).or_bad_input()
    };
    let shares = switchings.iter().map(&mut share).collect::<Result<_, _>>()?;
    if input.read(&mut [0]).or_bad_input()? == 0 {
        return Ok(shares);
    }
    Err(BadInput::new("there is more in it than shares of these scores"))
}

fn prediction(session: &Session, asked: &Asked) -> Result<PredictionPlan, BadInput> {
    session.during("planning", || session.agreed()?.plan().prediction(asked.rows).or_bad_input())
}

/// Refuses a file of another number of rows than was asked for.
fn check_rows(expected: &PredictionPlan, found: &PredictionPlan) -> Result<(), BadInput> {
    let [expected, found] = [expected, found].map(|plan| plan.layout().shape().samples);
    if expected == found {
        return Ok(());
    }
    Err(Error::RowCount { expected, found }).or_bad_input()
}
