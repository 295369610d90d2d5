//! Scores that owners ask for, once the pool has its model.
//!
//! Each request goes its own way, in three steps: the server scores the rows, the owners who are asked switch the
//! scores to the key of the one who asks, and that owner reads them. What is wrong with one request does not hold up
//! others.

use std::path::PathBuf;

use super::Result;
use volley_program::BadInput;

use super::folder::SERVER;
use super::protocol::Awaited;
use super::request::Request;
use super::session::Session;
use super::switching;

/// What is to be done next for a request.
enum Step {
    Score,
    Switch,
    Read,
}

impl Step {
    fn name(&self, request: &Request) -> String {
        let Request { asker, number } = request;
        match self {
            Self::Score => format!("scores {number} of {asker}"),
            Self::Switch => format!("switching of scores {number} of {asker}"),
            Self::Read => format!("predictions {number}"),
        }
    }
}

/// Does what is due for all requests, and adds to the steps that were done. The first failure is returned when the
/// other requests had their turn.
pub(super) fn advance(session: &Session, done: &mut Vec<String>) -> Result<()> {
    let mut failure = None;
    for request in Request::all(session)? {
        let failed = advance_one(&request, session, done).err();
        failure = failure.or(failed);
    }
    failure.map_or(Ok(()), Err)
}

/// Who is waited for in each request.
pub(super) fn awaited(session: &Session) -> Result<Vec<Awaited>, BadInput> {
    let mut awaited = Vec::new();
    for request in Request::all(session)? {
        if let Some((step, from)) = next(&request, session)? {
            awaited.push(Awaited::all(step.name(&request), from));
        }
    }
    Ok(awaited)
}

/// The predictions that this owner has got, in the order of its requests.
pub(super) fn kept(session: &Session) -> Result<Vec<PathBuf>, BadInput> {
    let mut requests = Request::all(session)?;
    requests.retain(|request| request.asker == session.name());
    let files = requests.iter().map(Request::predictions_file).filter(|file| session.folder.keeps(file));
    Ok(files.map(|file| session.folder.kept(&file)).collect())
}

/// What is to be done next, and by whom; none where all is done that this party sees.
fn next(request: &Request, session: &Session) -> Result<Option<(Step, Vec<String>)>, BadInput> {
    let folder = &session.folder;
    let (asked, _) = request.read(session)?;
    if !folder.has(SERVER, &request.scores_file()) {
        let score = (Step::Score, vec![SERVER.to_owned()]);
        return Ok(switching::is_planned(session, request)?.then_some(score));
    }
    let mut missing = asked.owners;
    missing.retain(|owner| !folder.has(owner, &request.switching_file()));
    if !missing.is_empty() {
        return Ok(Some((Step::Switch, missing)));
    }
    let unread = request.asker == session.name() && !folder.keeps(&request.predictions_file());
    Ok(unread.then(|| (Step::Read, vec![request.asker.clone()])))
}

/// Says to the server, and to whoever asked, that a request is left out: those before it took what was planned.
fn note_left_out(request: &Request, session: &Session) {
    let Request { asker, number } = request;
    if [SERVER, asker].contains(&session.name()) {
        session.observer.note(format!(
            "scores {number} of {asker} are not made: with those that were asked for before, the owners would decrypt \
             more than they planned"
        ));
    }
}

/// Does what is due for one request.
fn advance_one(request: &Request, session: &Session, done: &mut Vec<String>) -> Result<()> {
    while let Some((step, parties)) = next(request, session)? {
        if !parties.iter().any(|party| party == session.name()) {
            return Ok(());
        }
        match step {
            Step::Score => switching::score(session, request)?,
            Step::Switch => switching::switch(session, request)?,
            Step::Read => switching::read(session, request)?,
        }
        done.push(step.name(request));
    }
    if !session.folder.has(SERVER, &request.scores_file()) {
        note_left_out(request, session);
    }
    Ok(())
}
