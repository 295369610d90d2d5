//! What the owners agree on before there is a plan: the invitation of one, and what each says when it joins.

use super::Result;
use serde::{Deserialize, Serialize};
use volley_data::{Schema, Use};
use volley_mlr::volley_ckks::multiparty::{TRANSPORT_KEY_BYTES, TransportPublicKey};
use volley_mlr::volley_ckks::params::MAX_OWNERS;
use volley_mlr::{ClassLabels, Error, Hyperparameters, PoolDisclosure};
use volley_program::{BadInput, OrBadInput};

use super::folder::{PoolFolder, SERVER};
use super::text::Text;

pub(super) const INVITATION: &str = "invitation.json";
pub(super) const JOIN: &str = "join.json";
/// The version of both files.
const FORMAT: u32 = 1;
const MAX_NAME: usize = 32;

/// `invitation.json`: what the first owner proposes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Invitation {
    format: u32,
    /// The owners, in order.
    pub(super) members: Vec<String>,
    /// How many of them decrypt the model; all where there is none.
    pub(super) threshold: Option<usize>,
    /// The columns of every owner's table.
    pub(super) columns: Schema,
    pub(super) classes: Vec<String>,
    pub(super) settings: PoolSettings,
}

/// How the pool trains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolSettings {
    /// Iterations of the training.
    pub iterations: usize,
    /// What decryptions say of the owners' secrets is hidden within a distance of 2^-bits.
    pub statistical_bits: u32,
    /// Bytes that keys and ciphertexts may take on the server.
    pub memory: Option<u64>,
    /// Rows whose scores the owners may ask for, if they ask at once.
    pub predict: usize,
    /// The hash of the file of statistics that prepare the rows, where they are given and not the pool's own.
    pub statistics: Option<String>,
}

/// `join.json`: what an owner says when it joins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Join {
    format: u32,
    name: String,
    pub(super) rows: usize,
    /// The hash of the invitation that it joined.
    invitation: String,
    /// The key by which others seal for it, in hexadecimal digits.
    transport_key: String,
}

impl Text for Invitation {
    /// Names of 65,536 columns.
    const MAX_BYTES: u64 = 1 << 24;
}

impl Text for Join {}

impl Invitation {
    /// The invitation of the owner of a table with these columns.
    pub(super) fn new(
        members: Vec<String>,
        threshold: Option<usize>,
        columns: &Schema,
        classes: Vec<String>,
        settings: PoolSettings,
    ) -> Result<Self, BadInput> {
        let columns = public_columns(columns)?;
        Self { format: FORMAT, members, threshold, columns, classes, settings }.checked()
    }

    /// The invitation in a folder, and who sent it. Once this party has read one, others that arrive are left alone.
    pub(super) fn find(folder: &PoolFolder) -> Result<(String, Self), BadInput> {
        let mut hosts = folder.parties()?;
        hosts.retain(|party| folder.has(party, INVITATION));
        let is_read = |host: &String| folder.hash_of(host, INVITATION).is_some();
        if hosts.iter().any(is_read) {
            hosts.retain(is_read);
        }
        let host = match &hosts[..] {
            [host] => host.clone(),
            [] => {
                let problem = "no invitation has arrived: the first owner makes it by `volley pool init`, and its \
                               folder exchange/NAME is copied here";
                return Err(BadInput::at(&folder.exchange(), problem));
            }
            [one, other, ..] => {
                let problem = format!(
                    "{one} and {other} both invite to a pool, and a folder is of one: remove what the \
                                       other sent"
                );
                return Err(BadInput::at(&folder.exchange(), problem));
            }
        };
        let invitation: Self = folder.read_text(&host, INVITATION)?;
        let file = folder.sent(&host, INVITATION);
        let invitation = invitation.checked().at(&file)?;
        if invitation.members.contains(&host) {
            return Ok((host, invitation));
        }
        Err(BadInput::at(&file, format!("{host} invites to a pool that it is no member of")))
    }

    /// The same, where it is one that a pool can have.
    pub(super) fn checked(self) -> Result<Self, BadInput> {
        let members = &self.members;
        if self.format != FORMAT {
            return Err(BadInput::new("made by another version of volley"));
        }
        if !(2..=MAX_OWNERS).contains(&members.len()) {
            return Err(BadInput::new(format_args!("a pool has 2 to {MAX_OWNERS} members")));
        }
        for (place, name) in members.iter().enumerate() {
            check_name(name)?;
            if members[..place].contains(name) {
                return Err(BadInput::new(format_args!("two members are named {name}")));
            }
        }
        if let Some(threshold) = self.threshold.filter(|few| !(2..members.len()).contains(few)) {
            let all = members.len();
            let problem =
                format!("{threshold} of {all} owners is no threshold: at least 2 and less than all");
            return Err(BadInput::new(problem));
        }
        self.class_labels()?;
        self.hyperparameters(1)?;
        Ok(self)
    }

    /// What every member said when it joined.
    pub(super) fn joins(&self, folder: &PoolFolder, host: &str) -> Result<Vec<Join>, BadInput> {
        self.members.iter().map(|member| Join::read(folder, host, member)).collect()
    }

    /// The place of a member.
    pub(super) fn member(&self, name: &str) -> Result<usize, BadInput> {
        let found = self.members.iter().position(|member| member == name);
        let members = || self.members.join(", ");
        found.ok_or_else(|| BadInput::new(format_args!("{name} is no member of the pool of {}", members())))
    }

    pub(super) fn class_labels(&self) -> Result<ClassLabels, BadInput> {
        ClassLabels::try_from(self.classes.clone()).map_err(|error| match error {
            Error::TooFewClasses { classes } => {
                BadInput::new(format_args!("--classes names {classes}, and a pool trains on two at least"))
            }
            _ => BadInput::new(error),
        })
    }

    pub(super) fn features(&self) -> usize {
        self.columns.count(Use::Feature)
    }

    /// The settings of a training with so many decryptions.
    pub(super) fn hyperparameters(&self, decryptions: u32) -> Result<Hyperparameters, BadInput> {
        let &PoolSettings { iterations, statistical_bits, .. } = &self.settings;
        let owners = self.members.len();
        let disclosure = PoolDisclosure { owners, statistical_bits, decryptions };
        Hyperparameters::standard(iterations).and_then(|plain| plain.pooled(disclosure)).or_bad_input()
    }
}

impl Join {
    pub(super) fn new(name: &str, rows: usize, invitation: &str, key: &TransportPublicKey) -> Self {
        let transport_key = key.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let (name, invitation) = (name.to_owned(), invitation.to_owned());
        Self { format: FORMAT, name, rows, invitation, transport_key }
    }

    /// What a member said, who must have joined this invitation.
    pub(super) fn read(folder: &PoolFolder, host: &str, member: &str) -> Result<Self, BadInput> {
        let join: Self = folder.read_text(member, JOIN)?;
        let problem = if join.format != FORMAT {
            "made by another version of volley".to_owned()
        } else if join.name != member {
            format!("this is of {}, in the place of {member}", join.name)
        } else if folder.hash_of(host, INVITATION).as_ref() != Some(&join.invitation) {
            format!(
                "{member} joined another invitation than that of {host} here: compare members, columns, classes and \
                 settings"
            )
        } else if join.rows == 0 {
            format!("{member} has no rows")
        } else {
            return Ok(join);
        };
        Err(BadInput::at(&folder.sent(member, JOIN), problem))
    }

    pub(super) fn transport_key(&self) -> Result<TransportPublicKey, BadInput> {
        let problem = || BadInput::new(format_args!("{} sent no key of transport", self.name));
        let digits = self.transport_key.as_bytes();
        let mut bytes = [0; TRANSPORT_KEY_BYTES];
        if digits.len() != 2 * bytes.len() {
            return Err(problem());
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).ok().filter(|pair| !pair.starts_with('+'));
            *byte = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()).ok_or_else(problem)?;
        }
        TransportPublicKey::from_bytes(&bytes).ok_or_else(problem)
    }
}

/// Refuses a name that would not be a folder on every system, or that is the server's.
fn check_name(name: &str) -> Result<(), BadInput> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !(1..=MAX_NAME).contains(&name.len()) || !name.bytes().all(allowed) {
        let rule = format!("1 to {MAX_NAME} characters a-z, 0-9 and -");
        return Err(BadInput::new(format_args!("{name:?} is no name of a member: it has {rule}")));
    }
    if name == SERVER {
        return Err(BadInput::new(format_args!("{SERVER} is the server's name, and no member's")));
    }
    Ok(())
}

/// Columns as others may see them: where they have names, without those that are left out.
fn public_columns(columns: &Schema) -> Result<Schema, BadInput> {
    let Some(names) = columns.names() else { return Ok(columns.clone()) };
    let kept = columns.uses().iter().zip(names).filter(|(of, _)| **of != Use::Dropped);
    let (uses, names) = kept.map(|(of, name)| (*of, name.clone())).unzip();
    Schema::new(uses, Some(names)).or_bad_input()
}
