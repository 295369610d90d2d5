mod predictions;

use std::sync::Arc;

use ndarray::Array2;
use rand_chacha::ChaCha20Rng;

use crate::pool::{Fit, PoolPlan, PoolRows, SumEncoding, Sums};
use crate::testing::{clouds, relative_error, rng, small_ring};
use crate::volley_ckks::multiparty::{
    Commitments, KeyHolder, Opening, OwnerRoundOne, Pool, PoolError, RoundOneGathering, RoundTwoGathering,
    Smudging, TransportKey,
};
use crate::volley_ckks::volley_ring::sampling::Seed;
use crate::volley_ckks::{Arithmetic, Ciphertext, Context, Encoder, Evaluator, Plaintext, PublicKey};
use crate::{
    Dataset, EncryptedData, EncryptedModel, Error, Hyperparameters, PoolDisclosure, Trainer, TrainingSet,
};

/// Three owners with keys, and the server.
struct Parties {
    plan: PoolPlan,
    pool: Pool,
    public_key: PublicKey,
    holders: Vec<KeyHolder>,
    evaluator: Arc<Evaluator>,
    encoder: Encoder,
    rng: ChaCha20Rng,
}

fn settings(owners: usize) -> Hyperparameters {
    let disclosure = PoolDisclosure { owners, statistical_bits: 40, decryptions: 64 };
    Hyperparameters::standard(2).unwrap().pooled(disclosure).unwrap()
}

impl Parties {
    fn new(plan: PoolPlan) -> Self {
        let context = Context::new(plan.plan().parameters().clone());
        let mut rng = rng(7);
        let names = ["north", "east", "south"];
        let keys: Vec<_> = names.iter().map(|_| TransportKey::generate(&mut rng).public_key()).collect();
        let pool = Pool::new(
            &context,
            names.into_iter().zip(keys),
            plan.key_spec().clone(),
            Seed::generate(&mut rng),
        )
        .unwrap();
        let owners: Vec<_> =
            pool.everyone().map(|member| OwnerRoundOne::new(&pool, member, &mut rng).unwrap()).collect();
        let commitments = Commitments::new(&pool, owners.iter().map(OwnerRoundOne::commitment)).unwrap();
        let mut gathering = RoundOneGathering::new(&commitments);
        for owner in &owners {
            gathering.add(owner.share(&commitments).unwrap()).unwrap();
        }
        let sums = gathering.finish().unwrap();
        let public_key = sums.public_key();
        let owners: Vec<_> =
            owners.into_iter().map(|owner| owner.into_round_two(&commitments, &sums).unwrap()).collect();
        let mut gathering = RoundTwoGathering::new(sums.clone());
        for owner in &owners {
            gathering.add(owner.share(&sums).unwrap()).unwrap();
        }
        let evaluator = Arc::new(Evaluator::new(&context, gathering.finish().unwrap()).unwrap());
        let holders = owners.into_iter().map(|owner| owner.into_key_holder().unwrap()).collect();
        Self { plan, pool, public_key, holders, evaluator, encoder: Encoder::new(&context), rng }
    }

    /// All owners decrypt.
    fn open(&mut self, ciphertext: &Ciphertext, smudging: &Smudging) -> Plaintext {
        let request = Opening::new(&self.pool, ciphertext, self.pool.everyone(), smudging).unwrap();
        let mut shares = Vec::new();
        for holder in &mut self.holders {
            holder.admit(&request).unwrap();
            shares.push(holder.share(&request).unwrap());
        }
        request.finish(shares).unwrap()
    }

    /// The totals of all owners' sums, encrypted, added and decrypted.
    fn totals(&mut self, sums: &[Sums]) -> Vec<f64> {
        let encoding = SumEncoding::new(&self.plan).unwrap();
        let mut encrypt = |sums: &Sums| encoding.encrypt(sums, &self.public_key, &mut self.rng).unwrap();
        let encrypted: Vec<_> = sums.iter().map(&mut encrypt).collect();
        let count = sums[0].integers().len();
        assert_eq!(encrypted[0].len(), SumEncoding::ciphertext_count(&self.plan, count));
        let mut plaintexts = Vec::new();
        for place in 0..encrypted[0].len() {
            let mut total = encrypted[0][place].clone();
            for other in &encrypted[1..] {
                total = self.evaluator.add(&total, &other[place]).unwrap();
            }
            plaintexts.push(self.open(&total, encoding.smudging()));
        }
        encoding.totals(&self.encoder, &plaintexts, count).unwrap()
    }

    fn fit(&mut self, owners: &[Dataset], training_set: &TrainingSet) -> Fit {
        let total = |sums: &[Sums]| Ok::<_, Error>(self.totals(sums));
        Fit::of_owners(owners, training_set.classes(), total).unwrap()
    }

    /// What the server gets of all owners.
    fn upload(&mut self, owners: &[Dataset], fit: &Fit) -> EncryptedData<Ciphertext> {
        let layout = self.plan.plan().layout();
        let (mut features, mut labels) = (Vec::new(), Vec::new());
        for (owner, rows) in owners.iter().enumerate() {
            let rows = PoolRows::new(&self.plan, owner, fit.state(), rows, &self.public_key).unwrap();
            assert_eq!(rows.range(), self.plan.groups(owner));
            for group in rows.groups(rows.range(), &mut self.rng).unwrap().groups {
                features.push(group.features);
                labels.extend(group.labels);
            }
        }
        let preconditioner =
            self.plan.encrypt_preconditioner(fit.state(), &self.public_key, &mut self.rng).unwrap();
        EncryptedData { layout, features, labels, preconditioner }
    }
}

/// Rows by class: no owner has all classes.
fn by_class(data: &Dataset, classes: [&[usize]; 3]) -> Vec<Dataset> {
    let owner = |own: &[usize]| {
        let rows: Vec<usize> = (0..data.samples()).filter(|row| own.contains(&(row % 3))).collect();
        data.select(&rows).unwrap()
    };
    classes.map(owner).into()
}

#[test]
fn three_owners_train_the_model_that_one_owner_of_all_rows_would() {
    let data = clouds(300, 6, 3);
    train_together(&data, &by_class(&data, [&[0], &[1], &[2]]));
}

/// Its rows are a single block, while a group of the plan is a pair of them.
#[test]
fn the_first_owner_may_have_few_rows() {
    let data = clouds(300, 6, 3);
    let owner = |rows: std::ops::Range<usize>| data.select(&rows.collect::<Vec<_>>()).unwrap();
    train_together(&data, &[owner(0..5), owner(5..100), owner(100..300)]);
}

/// Three owners train on all of their rows, and get the model of the same training in clear.
fn train_together(data: &Dataset, owners: &[Dataset]) {
    let rows: Vec<usize> = owners.iter().map(Dataset::samples).collect();
    let hyperparameters = settings(3);
    let plan = PoolPlan::new(&rows, 6, 3, &hyperparameters, small_ring(9)).unwrap();
    let mut parties = Parties::new(plan);
    let alone = TrainingSet::new(data, hyperparameters.profile()).unwrap();
    let fit = parties.fit(owners, &alone);
    assert_eq!(fit.rows(), 300);

    let upload = parties.upload(owners, &fit);
    let mut trainer = Trainer::new(&parties.evaluator, parties.plan.plan(), upload).unwrap();
    while trainer.step().unwrap().is_some() {}
    let encrypted = trainer.model().unwrap();
    let smudging = parties.plan.smudging().unwrap();
    let mut plaintexts = Vec::new();
    for block in encrypted.terms.iter().flat_map(|(_, blocks)| blocks) {
        plaintexts.push(parties.open(block, &smudging));
    }
    let model = parties.plan.model(fit.state(), &parties.encoder, &encrypted, plaintexts).unwrap();

    // In clear, with what the pool fitted.
    let prepared = fit.state().prepare(data).unwrap();
    let inverse = fit.state().preconditioner.inverse();
    let reference = crate::Reference::new(&prepared.features, alone.one_hot(), inverse, &hyperparameters);
    let weights = reference.last().unwrap().weights;
    let in_clear = fit.state().model(weights).unwrap();
    let error = relative_error(model.weights(), in_clear.weights());
    assert!(error < 1e-2, "{error:e}");
    let [encrypted, in_clear] = [&model, &in_clear].map(|model| model.accuracy(data).unwrap());
    assert!((encrypted - in_clear).abs() < 0.01, "{encrypted} beside {in_clear}");
    let all = alone.reference(&hyperparameters).last().unwrap().weights;
    let single = alone.model(all).unwrap().accuracy(data).unwrap();
    assert!((encrypted - single).abs() < 0.02, "{encrypted} beside {single}");
}

#[test]
fn plans_for_another_number_of_owners_are_refused() {
    let plan = |rows: &[usize]| PoolPlan::new(rows, 6, 3, &settings(3), small_ring(9)).map(|_| ());
    assert_eq!(plan(&[10, 10]), Err(Error::PoolOwners { expected: 3, actual: 2 }));
    assert!(matches!(plan(&[10, 0, 10]), Err(Error::Matrix(_))));
    for rows in [[usize::MAX, 10, 10], [usize::MAX; 3], [1 << 40; 3]] {
        assert!(matches!(plan(&rows), Err(Error::Matrix(_))), "{rows:?}");
    }
    let single = Hyperparameters::standard(2).unwrap();
    let error = PoolPlan::new(&[10, 10], 6, 3, &single, small_ring(9)).unwrap_err();
    assert_eq!(error, Error::PoolOwners { expected: 1, actual: 2 });
}

#[test]
fn settings_that_no_pool_has_are_refused() {
    let with = |owners, statistical_bits, decryptions| {
        let disclosure = PoolDisclosure { owners, statistical_bits, decryptions };
        Hyperparameters::standard(2).unwrap().pooled(disclosure).unwrap_err()
    };
    let few = PoolError::StatisticalBits { bits: 39, min: 40, max: 128 };
    assert_eq!(with(3, 39, 8), Error::Pool(few));
    assert_eq!(with(3, 40, 0), Error::Pool(PoolError::NoDecryptions));
    for owners in [1, 17] {
        assert!(matches!(with(owners, 40, 8), Error::Matrix(_)), "{owners}");
    }
}

#[test]
fn a_pool_decrypts_its_statistics_and_its_model() {
    let plan = PoolPlan::new(&[20, 20, 20], 6, 3, &settings(3), small_ring(9)).unwrap();
    // 27 + 24 + 46 sums, all below N.
    let weights = plan.plan().layout().weight_ciphertexts();
    assert_eq!(plan.decryptions() as usize, 3 + weights);
    assert_eq!(plan.decryptions_after_statistics() as usize, weights);
}

#[test]
fn groups_belong_to_one_owner_each() {
    let rows = [1, 100, 7];
    let plan = PoolPlan::new(&rows, 6, 3, &settings(3), small_ring(9)).unwrap();
    let per_group = 2 * plan.plan().layout().rows();
    let mut next = 0;
    for (owner, rows) in rows.into_iter().enumerate() {
        let groups = plan.groups(owner);
        assert_eq!((groups.start, groups.len()), (next, rows.div_ceil(per_group)));
        next = groups.end;
    }
    assert_eq!(next, plan.plan().layout().groups());
    assert_eq!(plan.rows(), rows);
    // Rows of zeros are none.
    let (all, (second, third)) = (plan.plan(), (plan.groups(1), plan.groups(2)));
    assert!(second.len() > 1 && all.layout().shape().samples > 108);
    let expected = [(0, 0), (1, 1), (2, 1 + per_group), (third.start, 101), (next, 108)];
    assert_eq!(expected.map(|(groups, _)| (groups, all.rows_in_first(groups))), expected);
}

/// Rows that are there twice have 1/B of twice as many.
#[test]
fn statistics_that_are_given_are_those_of_as_many_rows() {
    let data = clouds(90, 6, 3);
    let state = TrainingSet::new(&data, settings(3).profile()).unwrap().owner_state().clone();
    let features = state.preprocessing.apply(data.features()).unwrap();
    let twice = ndarray::concatenate(ndarray::Axis(0), &[features.view(), features.view()]).unwrap();
    let fitted = |features: &Array2<f64>| crate::Preconditioner::fit(features).unwrap();
    let once = crate::OwnerState { preconditioner: fitted(&features), ..state.clone() };
    let given = once.for_rows(state.classes(), 6, 180).unwrap();
    let expected = fitted(&twice);
    assert_eq!(given.preconditioner.normalisation(), expected.normalisation());
    let difference =
        (given.preconditioner.normalised_inverse() - expected.normalised_inverse()).mapv(f64::abs);
    assert!(difference.iter().all(|&difference| difference < 1e-9), "{difference}");
    assert_eq!(given.preprocessing, state.preprocessing);

    let others = ["c", "b", "a"].map(str::to_owned).to_vec();
    let others = crate::ClassLabels::try_from(others).unwrap();
    let refused = state.clone().for_rows(&others, 6, 180).unwrap_err().to_string();
    assert!(refused.contains("the pool has the classes c, b, a"), "{refused}");
    let refused = state.clone().for_rows(state.classes(), 5, 180).unwrap_err();
    let [expected, found] = [5, 6].map(|columns| format!("{columns} columns"));
    assert_eq!(refused, Error::GivenStatistics { expected, found });
    let plain = TrainingSet::new(&data, Hyperparameters::paper(2).unwrap().profile()).unwrap();
    let refused = plain.owner_state().clone().for_rows(state.classes(), 6, 180);
    assert!(matches!(refused, Err(Error::GivenStatistics { .. })), "{refused:?}");
    let mut stepless = state.clone();
    stepless.preconditioner = serde_json::from_str(r#"{"inverse":[0.0,1.0],"normalisation":0}"#).unwrap();
    assert_eq!(stepless.for_rows(state.classes(), 6, 180), Err(Error::Statistics { column: 0 }));
}
