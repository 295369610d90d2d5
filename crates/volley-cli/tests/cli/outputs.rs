//! Where results are written, and where not.

use std::fs;

use crate::refusals::decrypt;
use crate::setup::{SHAPE, fixture, folder, link_project, refuse, volley};

#[test]
fn nothing_is_overwritten() {
    let (fixture, folder) = (fixture(), folder());
    let output = folder.path().join("model.json");
    fs::write(&output, "mine").unwrap();
    refuse(
        &mut decrypt(&fixture.project, &fixture.model, &output),
        &["the file exists; --force replaces it"],
    );
    assert_eq!(fs::read_to_string(&output).unwrap(), "mine");
    decrypt(&fixture.project, &fixture.model, &output).arg("--force").assert().success();

    let project = folder.path().join("project");
    link_project(&project);
    let before = fs::read(project.join("private/secret-key.vly")).unwrap();
    refuse(volley(["keygen"]).arg(&project), &["secret-key.vly", "the file exists"]);
    refuse(volley(["encrypt"]).args([&project, &fixture.data]), &["job.vly", "the file exists"]);
    refuse(volley(["init"]).args(SHAPE).arg(&project), &["a project already"]);
    assert_eq!(fs::read(project.join("private/secret-key.vly")).unwrap(), before);
    let inside = project.join("upload/model.json");
    refuse(&mut decrypt(&project, &fixture.model, &inside), &["goes to others"]);
    let secret = project.join("private/secret-key.vly");
    let mut predict = volley(["predict", "--force", "-o"]);
    refuse(predict.args([&inside, &output, &fixture.data]), &["goes to others"]);
    for command in ["predict", "encrypt-rows"] {
        let from = if command == "predict" { &output } else { &project };
        let mut command = volley([command, "--force", "-o"]);
        refuse(command.args([&secret, from, &fixture.data]), &["this folder has its owner's secret files"]);
    }
    refuse(
        decrypt(&project, &fixture.model, &secret.with_extension("json")).arg("--force"),
        &["secret files"],
    );
    assert_eq!(fs::read(&secret).unwrap(), before);
    let upload = project.join("upload");
    refuse(volley(["init"]).args(SHAPE).arg(upload.join("inner")), &["goes to others"]);
    refuse(volley(["--log-file"]).arg(upload.join("log")).arg("keygen").arg(&project), &["goes to others"]);
    let mut settings = decrypt(&project, &fixture.model, &project.join("project.json"));
    refuse(settings.arg("--force"), &["no result replaces it"]);
    let mut score = volley(["score", "--force", "-o"]);
    refuse(score.args([&upload.join("job.vly"), &upload, &fixture.data]), &["no result replaces it"]);
    let mut predict = volley(["predict", "--force", "-o"]);
    refuse(predict.args([&output, &output, &fixture.data]), &["this is read"]);
}
