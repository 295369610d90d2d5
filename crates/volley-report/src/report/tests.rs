use serde_json::json;

use super::*;
use crate::curves::{Baselines, Curve, Encrypted, Quality};

/// Made-up numbers.
fn curve(accuracy: f64) -> Curve {
    let quality = |accuracy, loss| Quality { accuracy, loss };
    Curve {
        training: vec![quality(0.5, 3.5), quality(accuracy, 2.5)],
        test: vec![quality(0.25, 4.5), quality(accuracy, 1.5)],
    }
}

pub(crate) fn report() -> Report {
    let phase = |name: &str, party, seconds| Phase { name: name.into(), party, seconds };
    let iteration = |iteration, seconds, level, accuracy| Iteration {
        iteration,
        seconds,
        level,
        refreshed: false,
        log_q: 50.0 + 40.0 * level as f64,
        weight_precision_bits: 20.5,
        accuracy_encrypted: accuracy,
        accuracy_plain: accuracy + 0.0001,
        validation_accuracy: None,
    };
    Report {
        data: "made <up>".into(),
        profile: "standard".into(),
        parameters: Parameters {
            log_n: 14,
            log_q: 329.99,
            log_qp: 429.98,
            data_level: 7,
            security_bits: Some(128),
        },
        samples: 128,
        test_samples: 10_000,
        validation_samples: None,
        features: 400,
        classes: 10,
        upload: Upload { ciphertexts: 9, bytes: 9_437_184 },
        keys: Keys { count: 31, bytes: 214_958_080 },
        run: Some(Run {
            threads: 2,
            phases: vec![
                phase("key generation", Party::Owner, 0.61234),
                phase("encryption", Party::Owner, 0.071),
                phase("set-up of the copies", Party::Server, 0.183),
                phase("training", Party::Server, 1.724),
                phase("decryption", Party::Owner, 0.002),
            ],
            server_seconds: 0.914,
            iterations: vec![iteration(1, 0.2213, 4, 0.6712), iteration(2, 0.5098, 1, 0.7034)],
            peak_memory_bytes: Some(812_345_344),
            operations: Operations {
                rotations: 46,
                hoisted_rotations: 159,
                products: 212,
                relinearizations: 32,
            },
        }),
        max_relative_weight_error: 3.21e-6,
        prediction_agreement: 0.9998,
        curves: Curves {
            encrypted: Encrypted::Each(curve(0.7034)),
            plain: curve(0.7034 + 0.0001),
            baselines: Some(Baselines { nag: curve(0.375), sle_nag: curve(0.5), sle_nag_qg: curve(0.625) }),
        },
        confusion: Confusion { classes: vec!["x".into(), "y".into()], counts: vec![vec![5, 1], vec![0, 7]] },
        examples: vec![Example {
            row: 3,
            label: "x".into(),
            prediction: "y".into(),
            image_png: "AAAA".into(),
        }],
    }
}

#[test]
fn the_table_fits_80_columns() {
    let mut report = report();
    let table = report.to_string();
    println!("{table}");
    let fits = |table: &str| table.lines().all(|line| line.chars().count() <= 80);
    assert!(fits(&table), "{table}");
    for shown in [
        "log N 14",
        "log Q 330, log QP 430",
        "128 bits (eprint 2024/463)",
        "9 ciphertexts, 9.4 MB",
        "31 keys, 215.0 MB",
        "128 × 400",
        "612 ms",
        "914 ms",
        "1.72 s",
        "46, and 159 hoisted",
        "212, and 32 relinearizations",
        "812.3 MB",
        "3.2e-6",
        "99.98 %",
        "67.12 %",
        "67.13 %",
        "21.49 %",
        "18.5 GB",
    ] {
        assert!(table.contains(shown), "{shown}");
    }
    let run = report.run.as_mut().unwrap();
    run.iterations[0] =
        Iteration { refreshed: true, validation_accuracy: Some(0.5), ..run.iterations[0].clone() };
    report.upload.ciphertexts = 3_141_592;
    assert!(fits(&report.to_string()), "{report}");
}

#[test]
fn what_is_unknown_is_said() {
    let mut report = report();
    report.parameters.security_bits = None;
    report.run.as_mut().unwrap().peak_memory_bytes = None;
    let table = report.to_string();
    assert!(table.contains("none: unchecked parameters") && table.contains("unknown"));
}

#[test]
fn the_json_has_the_documented_fields() {
    let curve = |accuracy: f64| {
        json!({
            "training": [{"accuracy": 0.5, "loss": 3.5}, {"accuracy": accuracy, "loss": 2.5}],
            "test": [{"accuracy": 0.25, "loss": 4.5}, {"accuracy": accuracy, "loss": 1.5}],
        })
    };
    let expected = json!({
        "data": "made <up>",
        "profile": "standard",
        "parameters": {"log_n": 14, "log_q": 329.99, "log_qp": 429.98, "data_level": 7, "security_bits": 128},
        "threads": 2,
        "samples": 128,
        "test_samples": 10_000,
        "features": 400,
        "classes": 10,
        "upload": {"ciphertexts": 9, "bytes": 9_437_184},
        "keys": {"count": 31, "bytes": 214_958_080},
        "phases": [
            {"name": "key generation", "party": "owner", "seconds": 0.61234},
            {"name": "encryption", "party": "owner", "seconds": 0.071},
            {"name": "set-up of the copies", "party": "server", "seconds": 0.183},
            {"name": "training", "party": "server", "seconds": 1.724},
            {"name": "decryption", "party": "owner", "seconds": 0.002},
        ],
        "server_seconds": 0.914,
        "iterations": [
            {
                "iteration": 1, "seconds": 0.2213, "level": 4, "refreshed": false, "log_q": 210.0,
                "weight_precision_bits": 20.5,
                "accuracy_encrypted": 0.6712, "accuracy_plain": 0.6712 + 0.0001,
            },
            {
                "iteration": 2, "seconds": 0.5098, "level": 1, "refreshed": false, "log_q": 90.0,
                "weight_precision_bits": 20.5,
                "accuracy_encrypted": 0.7034, "accuracy_plain": 0.7034 + 0.0001,
            },
        ],
        "max_relative_weight_error": 3.21e-6,
        "prediction_agreement": 0.9998,
        "peak_memory_bytes": 812_345_344,
        "operations": {"rotations": 46, "hoisted_rotations": 159, "products": 212, "relinearizations": 32},
        "curves": {
            "encrypted": curve(0.7034), "plain": curve(0.7034 + 0.0001),
            "nag": curve(0.375), "sle_nag": curve(0.5), "sle_nag_qg": curve(0.625),
        },
        "confusion": {"classes": ["x", "y"], "counts": [[5, 1], [0, 7]]},
        "examples": [{"row": 3, "label": "x", "prediction": "y", "image_png": "AAAA"}],
    });
    assert_eq!(serde_json::to_value(report()).unwrap(), expected);
}

#[test]
fn a_model_alone_has_neither_times_nor_a_curve() {
    let mut report = report();
    report.run = None;
    report.curves.encrypted = Encrypted::Last(report.accuracies());
    report.curves.baselines = None;
    let table = report.to_string();
    for absent in ["server", "peak memory", "rotations", "threads", "paper", "arXiv"] {
        assert!(!table.contains(absent), "{absent}");
    }
    assert!(table.contains("70.34 %") && table.contains("70.35 %"));
    let json = serde_json::to_value(report).unwrap();
    assert_eq!(json["curves"]["encrypted"], json!({"training": 0.7034, "test": 0.7034}));
    assert!(json["curves"].get("nag").is_none());
    assert!(json.get("server_seconds").is_none() && json.get("iterations").is_none());
}

#[test]
fn the_accuracy_on_validation_rows_stands_before_that_on_test_rows() {
    let mut report = report();
    assert!(!report.to_string().contains("validation"));
    let run = report.run.as_mut().unwrap();
    (run.iterations[0].validation_accuracy, report.validation_samples) = (Some(0.6655), Some(7500));
    let table = report.to_string();
    let row = table.lines().find(|line| line.contains("66.55 %")).unwrap();
    assert!(row.find("66.55 %") < row.find("67.12 %"), "{row}");
    assert!(table.contains("validation") && table.contains("accuracy"), "{table}");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(
        (&json["validation_samples"], &json["iterations"][0]["validation_accuracy"]),
        (&json!(7500), &json!(0.6655))
    );
    assert_eq!(json["iterations"][1].get("validation_accuracy"), None);
}
