//! `cargo xtask pool`: several owners who have some digits of MNIST each train one model under a key that nobody holds.
//!
//! Owners and server live in one process here. What they exchange are the values that would be sent.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use clap::Args;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use rand::SeedableRng;
use rand::rngs::SysRng;
use rand_chacha::ChaCha20Rng;
use volley_mlr::pool::{Fit, PoolPlan, PoolRows, SumEncoding, Sums};
use volley_mlr::volley_ckks::multiparty::{KeyHolder, Opening, Pool, Smudging, TransportKey};
use volley_mlr::volley_ckks::volley_ring::sampling::Seed;
use volley_mlr::volley_ckks::{
    Arithmetic, Ciphertext, Context, Encoder, Evaluator, Plaintext, PublicKey, Security,
};
use volley_mlr::volley_revolver::plan::{Demands, RingChoice};
use volley_mlr::{
    ClassLabels, Dataset, EncryptedGroup, EncryptedModel, Error, GroupSource, Hyperparameters, Model,
    PoolDisclosure, PreparedRows, Reference, RowPreparation, StoredRows, Trainer, TrainingSet,
};
use volley_program::machine::peak_memory_bytes;
use volley_program::units::{show_bytes, show_seconds};
use volley_program::{BadInput, Machine, OrBadInput};

use crate::data::{Data, Source};
use keys::Keys;

mod keys;
mod tables;

/// Ciphertexts that a pool may decrypt beside those of its statistics and its model.
const PREDICTIONS: u32 = 32;

/// Who trains on what.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// `cnn` or `pixels` for the embedded ones of MNIST
    #[arg(long, value_name = "FILE", default_value = "cnn")]
    features: Source,
    /// Rows of all owners together
    #[arg(long, default_value_t = 1024)]
    samples: usize,
    /// Owners, from 2 to 16; each has the rows of some classes
    #[arg(long, default_value_t = 3)]
    owners: usize,
    /// Bits of statistical security of all decryptions together, at least 40
    #[arg(long, value_name = "BITS", default_value_t = Smudging::MIN_STATISTICAL_BITS)]
    statistical_bits: u32,
    /// Iterations of the training
    #[arg(long, default_value_t = 2)]
    iterations: usize,
    /// Write the rows of each owner and the test rows into this folder, for `volley pool`, with the names of the
    /// classes and what trainings in clear reach
    #[arg(long, value_name = "DIR")]
    tables: Option<PathBuf>,
    #[command(flatten)]
    machine: Machine,
}

/// Trains, and prints what it took.
pub(crate) fn run(options: &Options) -> Result<()> {
    options.machine.start_threads()?;
    let data = options.features.load(options.samples, None, None)?;
    let classes = ClassLabels::of(data.training.labels()).or_bad_input()?;
    let rows = by_class(&data.training, &classes, options.owners)?;
    if let Some(folder) = &options.tables {
        tables::write(folder, &rows, &data.test)?;
        let fit = Fit::of_owners(&rows, &classes, |sums| Ok::<_, Error>(added_up(sums))).or_bad_input()?;
        let in_clear = in_clear(&data, &rows, &fit, &settings(options, PREDICTIONS)?)?;
        return tables::write_in_clear(folder, &classes, &in_clear);
    }
    let (settings, plan) = plan(options, &rows, &classes)?;
    let mut report = Rows::new(&plan);
    let mut rng = ChaCha20Rng::try_from_rng(&mut SysRng)?;

    let mut owners = Owners::with_keys(&plan, &mut report, &mut rng)?;
    let fit = report.time("statistics, all owners", || owners.fit(&rows, &classes, &mut rng))?;
    let (groups, preconditioner) =
        report.time("encryption, all owners", || owners.encrypt(&rows, &fit, &mut rng))?;
    let encrypted = train(&owners, groups, preconditioner, &mut report)?;
    let model = report.time("decryption, all owners", || owners.open_model(&fit, &encrypted))?;

    report.add("accuracy of the pool's model", percent(model.accuracy(&data.test)?));
    in_clear(&data, &rows, &fit, &settings)?
        .into_iter()
        .for_each(|(name, accuracy)| report.add(&name, accuracy));
    report.print()
}

/// The rows of each owner: those of consecutive classes, or consecutive rows where there are fewer classes than owners.
fn by_class(data: &Dataset, classes: &ClassLabels, owners: usize) -> Result<Vec<Dataset>> {
    let blocks = classes.len() < owners;
    let owner_of = |row: usize, label: &String| match classes.index_of(label) {
        Some(class) if !blocks => class * owners / classes.len(),
        _ => row * owners / data.samples(),
    };
    let rows_of = |owner| -> Result<Dataset, Error> {
        let labels = data.labels().iter().enumerate();
        let rows: Vec<usize> =
            labels.filter(|(row, label)| owner_of(*row, label) == owner).map(|(row, _)| row).collect();
        data.select(&rows)
    };
    (0..owners).map(|owner| Ok(rows_of(owner).or_bad_input()?)).collect()
}

/// The settings of a training with so many decryptions.
fn settings(options: &Options, decryptions: u32) -> Result<Hyperparameters, BadInput> {
    let (owners, statistical_bits) = (options.owners, options.statistical_bits);
    let disclosure = PoolDisclosure { owners, statistical_bits, decryptions };
    Hyperparameters::standard(options.iterations)
        .and_then(|settings| settings.pooled(disclosure))
        .or_bad_input()
}

/// The totals of all owners' sums, in clear.
fn added_up(sums: &[Sums]) -> Vec<f64> {
    let count = sums.first().map_or(0, |sums| sums.integers().len());
    (0..count).map(|place| sums.iter().map(|sums| sums.integers()[place]).sum::<i128>() as f64).collect()
}

/// The plan that covers the decryptions of its own statistics and model.
fn plan(
    options: &Options,
    rows: &[Dataset],
    classes: &ClassLabels,
) -> Result<(Hyperparameters, PoolPlan), BadInput> {
    let (counts, columns): (Vec<usize>, _) =
        (rows.iter().map(Dataset::samples).collect(), rows[0].features().ncols());
    let demands = Demands {
        ring: RingChoice::Cheapest,
        security: Security::Classical128,
        key_bytes: None,
        memory_bytes: options.machine.memory_bytes(),
        threads: rayon::current_num_threads(),
    };
    let mut decryptions = PREDICTIONS;
    loop {
        let settings = settings(options, decryptions)?;
        let plan = PoolPlan::new(&counts, columns, classes.len(), &settings, demands).or_bad_input()?;
        let needed = PREDICTIONS + plan.decryptions();
        if needed <= decryptions {
            return Ok((settings, plan));
        }
        decryptions = needed;
    }
}

/// All owners, and the key of the pool.
struct Owners<'a> {
    plan: &'a PoolPlan,
    pool: Pool,
    public_key: PublicKey,
    holders: Vec<KeyHolder>,
    evaluator: Arc<Evaluator>,
    encoder: Encoder,
}

impl<'a> Owners<'a> {
    /// Both rounds.
    fn with_keys(plan: &'a PoolPlan, report: &mut Rows, rng: &mut ChaCha20Rng) -> Result<Self> {
        let context = Context::new(plan.plan().parameters().clone());
        let keys: Vec<_> = plan.rows().iter().map(|_| TransportKey::generate(rng).public_key()).collect();
        let names = (1..=plan.rows().len()).map(|owner| format!("owner {owner}"));
        let pool = Pool::new(&context, names.zip(keys), plan.key_spec().clone(), Seed::generate(rng))?;
        let Keys { public_key, holders, evaluator } = Keys::make(&pool, report, rng)?;
        Ok(Self { plan, pool, public_key, holders, evaluator, encoder: Encoder::new(&context) })
    }

    /// All owners decrypt.
    fn open(&mut self, ciphertext: &Ciphertext, smudging: &Smudging) -> Result<Plaintext> {
        let request = Opening::new(&self.pool, ciphertext, self.pool.everyone(), smudging)?;
        let mut shares = Vec::new();
        for holder in &mut self.holders {
            holder.admit(&request)?;
            shares.push(holder.share(&request)?);
        }
        Ok(request.finish(shares)?)
    }

    /// The totals of all owners' sums.
    fn totals(&mut self, sums: &[Sums], rng: &mut ChaCha20Rng) -> Result<Vec<f64>> {
        let encoding = SumEncoding::new(self.plan)?;
        let encrypt = |sums: &Sums| encoding.encrypt(sums, &self.public_key, rng);
        let encrypted = sums.iter().map(encrypt).collect::<Result<Vec<_>, _>>()?;
        let mut plaintexts = Vec::new();
        for place in 0..encrypted[0].len() {
            let mut total = encrypted[0][place].clone();
            for other in &encrypted[1..] {
                total = self.evaluator.add(&total, &other[place])?;
            }
            plaintexts.push(self.open(&total, encoding.smudging())?);
        }
        Ok(encoding.totals(&self.encoder, &plaintexts, sums[0].integers().len())?)
    }

    /// Three rounds of statistics.
    fn fit(&mut self, rows: &[Dataset], classes: &ClassLabels, rng: &mut ChaCha20Rng) -> Result<Fit> {
        Fit::of_owners(rows, classes, |sums| self.totals(sums, rng))
    }

    /// The rows of all owners, and 1/B.
    fn encrypt(
        &self,
        rows: &[Dataset],
        fit: &Fit,
        rng: &mut ChaCha20Rng,
    ) -> Result<(Vec<EncryptedGroup<Ciphertext>>, Vec<Ciphertext>)> {
        let mut groups = Vec::new();
        for (owner, rows) in rows.iter().enumerate() {
            let rows = PoolRows::new(self.plan, owner, fit.state(), rows, &self.public_key)?;
            groups.extend(rows.groups(rows.range(), rng)?.groups);
        }
        Ok((groups, self.plan.encrypt_preconditioner(fit.state(), &self.public_key, rng)?))
    }

    fn open_model(&mut self, fit: &Fit, encrypted: &EncryptedModel<Ciphertext>) -> Result<Model> {
        let smudging = self.plan.smudging()?;
        let blocks = encrypted.terms.iter().flat_map(|(_, blocks)| blocks);
        let plaintexts = blocks.map(|block| self.open(block, &smudging)).collect::<Result<Vec<_>>>()?;
        Ok(self.plan.model(fit.state(), &self.encoder, encrypted, plaintexts)?)
    }
}

/// Groups of rows in memory, whose copies are made in every iteration.
#[derive(Debug)]
struct Groups(Vec<EncryptedGroup<Ciphertext>>);

impl GroupSource<Ciphertext> for Groups {
    fn read(&self, groups: std::ops::Range<usize>) -> Result<Vec<EncryptedGroup<Ciphertext>>, Error> {
        Ok(self.0[groups].to_vec())
    }
}

/// The server's part.
fn train(
    owners: &Owners<'_>,
    groups: Vec<EncryptedGroup<Ciphertext>>,
    preconditioner: Vec<Ciphertext>,
    report: &mut Rows,
) -> Result<EncryptedModel<Ciphertext>> {
    let (plan, evaluator) = (owners.plan.plan(), &owners.evaluator);
    report.time("server's training", || {
        let preparation = RowPreparation::new(evaluator, plan, preconditioner)?;
        let rows = StoredRows::new(preparation, std::iter::once(0..groups.len()), Groups(groups))?;
        let mut trainer = Trainer::from_rows(evaluator, plan, Box::new(rows))?;
        while trainer.step()?.is_some() {}
        trainer.model().ok_or_else(|| BadInput::new("no iteration").into())
    })
}

/// The accuracies of trainings in clear: the pool's, one of all rows by a single owner, and what each owner has alone.
fn in_clear(
    data: &Data,
    rows: &[Dataset],
    fit: &Fit,
    settings: &Hyperparameters,
) -> Result<Vec<(String, String)>> {
    let PreparedRows { features, one_hot } = fit.state().prepare(&data.training)?;
    let inverse = fit.preconditioner().inverse();
    let weights = Reference::new(&features, &one_hot, inverse, settings).last().map(|step| step.weights);
    let pooled = fit.model(weights.ok_or_else(|| BadInput::new("no iteration"))?)?;
    let mut accuracies = vec![("the same in clear".to_owned(), percent(pooled.accuracy(&data.test)?))];
    let all = std::iter::once(("one owner of all rows, in clear".to_owned(), &data.training));
    let alone = rows.iter().enumerate();
    let alone =
        alone.map(|(owner, rows)| (format!("owner {} alone, {} rows", owner + 1, rows.samples()), rows));
    for (name, rows) in all.chain(alone) {
        let accuracy = match TrainingSet::new(rows, settings.profile()) {
            Err(_) => "no model: a single class".to_owned(),
            Ok(set) => {
                let weights = set.reference(settings).last().map(|step| step.weights);
                let model = set.model(weights.ok_or_else(|| BadInput::new("no iteration"))?)?;
                percent(model.accuracy(&data.test)?)
            }
        };
        accuracies.push((name, accuracy));
    }
    Ok(accuracies)
}

fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// The lines of the report.
struct Rows(Table);

impl Rows {
    fn new(plan: &PoolPlan) -> Self {
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED);
        let mut rows = Self(table);
        let parameters = plan.plan().parameters();
        let (log_n, log_q, log_qp) =
            (parameters.log_n(), parameters.log_q(parameters.max_level()), parameters.log_qp());
        rows.add("owners", plan.rows().len());
        rows.add("parameters", format!("log N {log_n}, log Q {log_q:.0}, log QP {log_qp:.0}"));
        rows.add("scale", format!("2^{}", parameters.log_scale()));
        let bits = plan.plan().shared_bits().unwrap_or_default();
        rows.add("bits of the weights that are left", format!("{bits:.0}"));
        rows.add("evaluation keys", show_bytes(plan.plan().key_spec().byte_count()));
        rows
    }

    fn add(&mut self, name: &str, value: impl Display) {
        self.0.add_row([name.to_owned(), value.to_string()]);
    }

    fn time<T>(&mut self, name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let start = Instant::now();
        let result = work()?;
        self.add(name, show_seconds(start.elapsed().as_secs_f64()));
        Ok(result)
    }

    fn print(mut self) -> Result<()> {
        if let Some(bytes) = peak_memory_bytes() {
            self.add("peak memory, everybody", show_bytes(bytes));
        }
        if let Some(column) = self.0.column_mut(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        Ok(writeln!(io::stdout(), "{}", self.0)?)
    }
}
