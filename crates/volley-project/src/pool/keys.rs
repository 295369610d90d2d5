//! The keys of a pool, and this owner's share of the secret.
//!
//! An owner's state is kept before anything that it allows is sent. All that is sent follows from the state, so a
//! program that was killed sends the same again.

use super::Result;
use rand_core::CryptoRng;
use volley_mlr::volley_ckks::multiparty::{
    Commitment, Commitments, KeyHolder, OwnerRoundOne, OwnerRoundTwo, RoundOneGathering, RoundOneShare,
    RoundOneSums, RoundTwoGathering, RoundTwoShare, SealedShare, TransportKey,
};
use volley_mlr::volley_ckks::{EvaluationKeySet, PublicKey};
use volley_program::{BadInput, OrBadInput};

use super::fingerprint::Fingerprint;
use super::folder::{PoolFolder, TRAINING_FOLDER};
use super::score_key;
use super::session::Session;

pub(super) const COMMITMENT: &str = "commitment.vly";
pub(super) const CONFIRMED: &str = "confirmed.json";
pub(super) const ROUND_ONE: &str = "round-1.vly";
pub(super) const ROUND_TWO: &str = "round-2.vly";
/// Goes before the name of the member it is for.
pub(super) const SHARE_FOR: &str = "share-for-";
pub(super) const EVALUATION_KEYS: &str = "job/evaluation-keys.vly";
pub(super) const TRANSPORT_KEY: &str = "transport-key.vly";
/// Why two owners see different fingerprints.
const DIFFER: &str = "another owner sees other members, keys or commitments";
const OWNER_ONE: &str = "owner-1.vly";
const OWNER_TWO: &str = "owner-2.vly";
const KEY_HOLDER: &str = "key-holder.vly";
const PUBLIC_KEY: &str = "public-key.vly";
/// More than the files of an owner's states before there are shares, and of commitments.
const STATE_LIMIT: u64 = 1 << 12;
/// More than any key holder's file has.
const HOLDER_LIMIT: u64 = 1 << 30;

/// Makes the key by which others seal for this owner, unless it is there.
pub(super) fn make_transport_key(folder: &PoolFolder, rng: &mut impl CryptoRng) -> Result<(), BadInput> {
    if folder.keeps(TRANSPORT_KEY) {
        return Ok(());
    }
    let key = TransportKey::generate(rng);
    folder.keep(TRANSPORT_KEY, |out| key.write(out))
}

pub(super) fn transport_key(folder: &PoolFolder) -> Result<TransportKey, BadInput> {
    let file = folder.kept(TRANSPORT_KEY);
    TransportKey::read(folder.open_kept(TRANSPORT_KEY)?, STATE_LIMIT).at(&file)
}

/// Draws the owner's share of the secret, and sends a commitment to the shares of keys that follow from it.
pub(super) fn commit(session: &Session) -> Result<()> {
    let pool = &session.agreed()?.pool;
    if !session.folder.keeps(OWNER_ONE) {
        let owner = OwnerRoundOne::new(pool, session.me()?, &mut session.rng())?;
        session.folder.keep(OWNER_ONE, |out| owner.write(out))?;
    }
    let commitment = owner_one(session)?.commitment();
    Ok(session.send(COMMITMENT, |out| commitment.write(pool, out))?)
}

/// Keeps the fingerprint that the owner has compared, if one is given: nothing is sent that depends on the key before.
pub(super) fn confirm(session: &Session) -> Result<()> {
    let Some(given) = session.confirms else { return Ok(()) };
    let found = fingerprint(session)?;
    if given == found {
        return Ok(session.folder.keep_text(CONFIRMED, &found)?);
    }
    let problem = format!(
        "{DIFFER}. Nothing is confirmed, and without that nothing is sent that depends on keys or rows: find out with \
         the others whose is another"
    );
    Err(BadInput::new(format_args!("the fingerprint here is {found}, not {given}: {problem}")).into())
}

/// What every owner sees, if all of them mean the same pool, have the same commitments, and would switch scores to the
/// same keys.
pub(super) fn fingerprint(session: &Session) -> Result<Fingerprint, BadInput> {
    let mut fingerprint = commitments(session)?.fingerprint();
    if session.invitation.settings.predict > 0 {
        let mut hash = blake3::Hasher::new_derive_key(
            "Volley 2026: fingerprint of a pool with keys of scores, version 1",
        );
        hash.update(&fingerprint);
        for member in &session.invitation.members {
            hash.update(score_key::hash(session, member)?.as_bytes());
        }
        hash.finalize_xof().fill(&mut fingerprint);
    }
    Ok(Fingerprint(fingerprint))
}

fn commitments(session: &Session) -> Result<Commitments, BadInput> {
    let pool = &session.agreed()?.pool;
    let read = |member, input: &mut _| Commitment::read(pool, member, input, STATE_LIMIT);
    let commitments = session.read_all(COMMITMENT, read)?;
    Commitments::new(pool, commitments).or_bad_input()
}

/// Refuses to go on where the owner has confirmed another fingerprint than the one that is seen, or gives another one.
pub(super) fn check_confirmed(session: &Session) -> Result<(), BadInput> {
    let Some(kept) = session.folder.recall::<Fingerprint>(CONFIRMED)? else { return Ok(()) };
    let found = fingerprint(session)?;
    if kept != found {
        let problem = format!(
            "members, keys or commitments were others when {kept} was confirmed: nothing more is sent"
        );
        return Err(BadInput::new(format_args!("the fingerprint here is {found} now: {problem}")));
    }
    let Some(given) = session.confirms.filter(|given| *given != kept) else { return Ok(()) };
    let problem = format!(
        "{DIFFER}. This call sent nothing, and a call without --fingerprint goes on: run none before it is found out \
         whose is another"
    );
    Err(BadInput::new(format_args!("{kept} was confirmed here, and not {given}: {problem}")))
}

/// Sends the shares of the public key, and of half of the relinearization key.
pub(super) fn round_one(session: &Session) -> Result<()> {
    let share = owner_one(session)?.share(&commitments(session)?)?;
    Ok(session.send(ROUND_ONE, |out| share.write(&session.agreed()?.pool, out).or_bad_input())?)
}

/// Adds up the first round of all members, and sends the share of the second, which the server alone reads.
pub(super) fn round_two(session: &Session) -> Result<()> {
    let (folder, pool) = (&session.folder, &session.agreed()?.pool);
    let commitments = commitments(session)?;
    let sums = sums(session, &commitments)?;
    folder.keep(PUBLIC_KEY, |out| sums.public_key().write(out))?;
    if !folder.keeps(OWNER_TWO) {
        let owner = owner_one(session)?.into_round_two(&commitments, &sums)?;
        folder.keep(OWNER_TWO, |out| owner.write(out))?;
    }
    let share = owner_two(session)?.share(&sums)?;
    Ok(session.send(ROUND_TWO, |out| share.write(pool, out))?)
}

/// The sums of the first round, which every party makes itself.
fn sums(session: &Session, commitments: &Commitments) -> Result<RoundOneSums, BadInput> {
    let (folder, pool) = (&session.folder, &session.agreed()?.pool);
    let limit = RoundOneShare::file_bytes(pool);
    let mut gathering = RoundOneGathering::new(commitments);
    for (member, name) in session.invitation.members.iter().enumerate() {
        let share = folder.read(name, ROUND_ONE, |input| RoundOneShare::read(pool, member, input, limit))?;
        gathering.add(share).at(&folder.sent(name, ROUND_ONE))?;
    }
    gathering.finish().or_bad_input()
}

/// Sends every member its sealed share of this owner's secret, in a pool with a threshold.
pub(super) fn share_secret(session: &Session) -> Result<()> {
    let pool = &session.agreed()?.pool;
    let owner = owner_two(session)?;
    for (member, name) in session.invitation.members.iter().enumerate() {
        let file = share_for(name);
        if !session.folder.has(session.name(), &file) {
            let share = owner.sealed_share(member)?;
            session.send(&file, |out| share.write(pool, out))?;
        }
    }
    Ok(())
}

/// The file of a share for a member.
pub(super) fn share_for(member: &str) -> String {
    format!("{SHARE_FOR}{member}.vly")
}

/// Puts together the keys that the server computes with.
pub(super) fn evaluation_keys(session: &Session) -> Result<()> {
    let (folder, agreed) = (&session.folder, session.agreed()?);
    let pool = &agreed.pool;
    let limit = RoundTwoShare::file_bytes(pool);
    let mut gathering = RoundTwoGathering::new(sums(session, &commitments(session)?)?);
    for (member, name) in session.invitation.members.iter().enumerate() {
        let share = folder.read(name, ROUND_TWO, |input| RoundTwoShare::read(pool, member, input, limit))?;
        gathering.add(share).at(&folder.sent(name, ROUND_TWO))?;
    }
    let keys: EvaluationKeySet = gathering.finish()?;
    let parameters = agreed.context().parameters();
    folder.make_kept(TRAINING_FOLDER)?;
    Ok(folder.keep(EVALUATION_KEYS, |out| keys.write(parameters, out))?)
}

fn owner_one(session: &Session) -> Result<OwnerRoundOne, BadInput> {
    let (folder, pool) = (&session.folder, &session.agreed()?.pool);
    let file = folder.open_kept(OWNER_ONE)?;
    OwnerRoundOne::read(pool, session.me()?, file, STATE_LIMIT).at(&folder.kept(OWNER_ONE))
}

fn owner_two(session: &Session) -> Result<OwnerRoundTwo, BadInput> {
    let (folder, pool) = (&session.folder, &session.agreed()?.pool);
    let file = folder.open_kept(OWNER_TWO)?;
    OwnerRoundTwo::read(pool, session.me()?, file, STATE_LIMIT).at(&folder.kept(OWNER_TWO))
}

/// The key by which this owner encrypts: it has added it up itself.
pub(super) fn public_key(session: &Session) -> Result<PublicKey, BadInput> {
    let (folder, context) = (&session.folder, session.agreed()?.context());
    let file = folder.kept(PUBLIC_KEY);
    let limit = PublicKey::file_bytes(context.parameters());
    PublicKey::read(context, std::io::BufReader::new(folder.open_kept(PUBLIC_KEY)?), limit).at(&file)
}

/// This owner after both rounds, with all that it has helped to decrypt.
pub(super) fn key_holder(session: &Session) -> Result<KeyHolder, BadInput> {
    let (folder, pool, me) = (&session.folder, &session.agreed()?.pool, session.me()?);
    if folder.keeps(KEY_HOLDER) {
        let file = folder.open_kept(KEY_HOLDER)?;
        return KeyHolder::read(pool, me, file, HOLDER_LIMIT).at(&folder.kept(KEY_HOLDER));
    }
    let owner = owner_two(session)?;
    if session.invitation.threshold.is_none() {
        return owner.into_key_holder().or_bad_input();
    }
    by_shares(session, owner, me)
}

/// The owner with what all members have sealed for it, of which one is in memory at a time.
fn by_shares(session: &Session, owner: OwnerRoundTwo, me: usize) -> Result<KeyHolder, BadInput> {
    let (folder, pool) = (&session.folder, &session.agreed()?.pool);
    let (file, limit) = (share_for(session.name()), SealedShare::file_bytes(pool));
    let mut refused = None;
    let shares = session.invitation.members.iter().enumerate().map_while(|(member, name)| {
        let share = folder.read(name, &file, |input| SealedShare::read(pool, member, me, input, limit));
        share.map_err(|error| refused = Some(error)).ok()
    });
    let holder = owner.into_key_holder_by_shares(&transport_key(folder)?, shares);
    refused.map_or_else(|| holder.or_bad_input(), Err)
}

/// Keeps the owner, before the shares of what it has admitted are sent.
pub(super) fn keep_key_holder(session: &Session, holder: &KeyHolder) -> Result<(), BadInput> {
    session.folder.keep(KEY_HOLDER, |out| holder.write(out))
}
