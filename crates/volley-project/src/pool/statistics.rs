//! The statistics of a pool: each owner sends sums of its rows, encrypted, and all owners decrypt the totals together.

use super::Result;
use volley_mlr::pool::{Deviations, EncryptedSums, Fit, Means, Round, SumEncoding, Sums};
use volley_mlr::volley_ckks::Encoder;
use volley_mlr::volley_ckks::multiparty::Openings;
use volley_program::{BadInput, OrBadInput};

use super::folder::Incoming;
use super::keys::public_key;
use super::opening;
use super::session::Session;
use super::text::Text;

/// Totals of all owners.
type Totals = Vec<f64>;

impl Text for Totals {
    /// A covariance of 4,096 columns.
    const MAX_BYTES: u64 = 1 << 28;
}

/// The file of an owner's sums.
pub(super) const fn sums_file(round: Round) -> &'static str {
    match round {
        Round::Means => "means.vly",
        Round::Deviations => "deviations.vly",
        Round::Covariance => "covariance.vly",
    }
}

/// The file of an owner's share of the decryption of the totals.
pub(super) const fn opening_file(round: Round) -> &'static str {
    match round {
        Round::Means => "means-opening.vly",
        Round::Deviations => "deviations-opening.vly",
        Round::Covariance => "covariance-opening.vly",
    }
}

/// Where the totals are kept.
fn totals_file(round: Round) -> &'static str {
    match round {
        Round::Means => "means.json",
        Round::Deviations => "deviations.json",
        Round::Covariance => "covariance.json",
    }
}

pub(super) fn send_means(session: &Session) -> Result<()> {
    send(session, Round::Means)
}

pub(super) fn open_means(session: &Session) -> Result<()> {
    open(session, Round::Means)
}

pub(super) fn send_deviations(session: &Session) -> Result<()> {
    send(session, Round::Deviations)
}

pub(super) fn open_deviations(session: &Session) -> Result<()> {
    open(session, Round::Deviations)
}

pub(super) fn send_covariance(session: &Session) -> Result<()> {
    send(session, Round::Covariance)
}

pub(super) fn open_covariance(session: &Session) -> Result<()> {
    open(session, Round::Covariance)
}

/// Sends the sums of this owner's rows, encrypted.
fn send(session: &Session, round: Round) -> Result<()> {
    let agreed = session.agreed()?;
    let rows = session.owner()?.rows(&session.invitation, &*session.observer)?;
    let sums: Sums = match round {
        Round::Means => Means::sums(&session.invitation.class_labels()?, &rows),
        Round::Deviations => Deviations::sums(&means(session)?, &rows),
        Round::Covariance => Fit::sums(&deviations(session)?, &rows),
    }
    .or_bad_input()?;
    let ciphertexts =
        SumEncoding::new(agreed.plan())?.encrypt(&sums, &public_key(session)?, &mut session.rng())?;
    let sums = EncryptedSums { member: session.me()?, round, ciphertexts };
    Ok(session.send(sums_file(round), |out| sums.write(&agreed.pool_job, &agreed.pool, out))?)
}

/// Adds up the sums of all owners, and sends this owner's share of the decryption.
fn open(session: &Session, round: Round) -> Result<()> {
    Ok(opening::send(session, &openings(session, round)?, opening_file(round))?)
}

/// The decryption of the totals of a round by all owners.
fn openings(session: &Session, round: Round) -> Result<Openings, BadInput> {
    let agreed = session.agreed()?;
    let (job, pool) = (&agreed.pool_job, &agreed.pool);
    let limit = EncryptedSums::file_bytes(job, pool, round).or_bad_input()?;
    let read = |member, input: &mut Incoming| EncryptedSums::read(job, pool, (member, round), input, limit);
    let all = session.read_all(sums_file(round), read)?;
    let totals = EncryptedSums::total(pool, round, all).or_bad_input()?;
    let encoding = SumEncoding::new(agreed.plan()).or_bad_input()?;
    Openings::new(&agreed.pool, &totals, agreed.pool.everyone(), encoding.smudging()).or_bad_input()
}

/// The totals of a round, from the shares of all owners.
fn totals(session: &Session, round: Round) -> Result<Totals, BadInput> {
    let (folder, agreed) = (&session.folder, session.agreed()?);
    if let Some(totals) = folder.recall::<Totals>(totals_file(round))? {
        return Ok(totals);
    }
    let plaintexts = opening::finish(session, &openings(session, round)?, opening_file(round))?;
    let count = agreed.plan().sum_count(round);
    let encoding = SumEncoding::new(agreed.plan()).or_bad_input()?;
    let totals = encoding.totals(&Encoder::new(agreed.context()), &plaintexts, count).or_bad_input()?;
    folder.keep_text(totals_file(round), &totals)?;
    Ok(totals)
}

fn means(session: &Session) -> Result<Means, BadInput> {
    let (classes, columns) = (session.invitation.class_labels()?, session.invitation.features());
    Means::new(classes, columns, &totals(session, Round::Means)?).or_bad_input()
}

fn deviations(session: &Session) -> Result<Deviations, BadInput> {
    Deviations::new(means(session)?, &totals(session, Round::Deviations)?).or_bad_input()
}

/// What is fitted to the rows of all owners.
pub(super) fn fit(session: &Session) -> Result<Fit, BadInput> {
    Fit::new(deviations(session)?, &totals(session, Round::Covariance)?).or_bad_input()
}
