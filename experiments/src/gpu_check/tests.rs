use super::*;
use gpu::fake::{FakeGpus, FakeSpec, Fault};

fn fake(faults: &[Fault]) -> Result<Box<dyn Gpus>, GpuError> {
    let spec = FakeSpec { longest_ns: 20_000, faults: faults.to_vec(), ..FakeSpec::default() };
    Ok(Box::new(FakeGpus::new(spec)?))
}

fn checked(faults: &[Fault], only: &[&str]) -> Checked {
    let open = || fake(faults);
    let only: Vec<String> = only.iter().map(|name| (*name).to_owned()).collect();
    let budget = Duration::from_secs(600);
    check(&open, Effort::Quick, (&only, budget), |_| ()).unwrap()
}

#[test]
fn all_parts_go_through_on_a_fake_device_and_are_written_down() {
    let checked = checked(&[], &[]);
    for part in &checked.parts {
        assert_eq!(part.verdict, Verdict::Done, "{}", part.name);
        assert!(!part.figures.is_empty(), "{}", part.name);
        for figure in &part.figures {
            assert!(figure.value.median.is_finite() && figure.value.count > 0, "{figure:?}");
        }
    }
    assert!(checked.is_sound() && checked.parts.len() == PARTS.len());
    let folder = tempfile::tempdir().unwrap();
    let written = write(&checked, folder.path()).unwrap();
    assert!(written.len() > 8, "{written:?}");
    let page = in_markdown(&checked);
    assert!(page.contains("| agree | done |") && page.contains("share of one sgemm"), "{page}");
    assert!(page.contains("times are drawn"), "{page}");
    let costs = std::fs::read_to_string(folder.path().join("costs.yaml")).unwrap();
    assert!(costs.contains("{kernel: \"gemm\", class: \"gpu\""), "{costs}");
    let cluster = std::fs::read_to_string(folder.path().join("cluster.yaml")).unwrap();
    assert!(cluster.contains("hbm0"), "{cluster}");
}

#[test]
fn a_part_that_fails_says_so_and_the_others_go_on() {
    let checked = checked(&[Fault::Library("libcusolver.so.12")], &["agree", "cost", "potrf"]);
    let verdicts: Vec<&Verdict> = checked.parts.iter().map(|p| &p.verdict).collect();
    let Verdict::Failed(why) = verdicts[0] else { panic!("{verdicts:?}") };
    assert!(why.contains("potrf: libcusolver.so.12 cannot be loaded"), "{why}");
    assert_eq!(verdicts[1], &Verdict::Done);
    assert!(matches!(verdicts[2], Verdict::Failed(_)), "{verdicts:?}");
    assert!(!checked.is_sound());
    assert!(in_markdown(&checked).contains("**failed**"));
}

#[test]
fn parts_without_time_are_skipped_and_a_machine_without_gpus_is_an_error() {
    let open = || fake(&[]);
    let none = Duration::ZERO;
    let late = check(&open, Effort::Quick, (&["agree".to_owned()], none), |_| ()).unwrap();
    assert_eq!(late.parts[0].verdict, Verdict::Skipped);
    let open = || fake(&[Fault::Absent]);
    let error = check(&open, Effort::Quick, (&[], none), |_| ()).unwrap_err();
    assert!(error.to_string().contains("CUDA is absent"), "{error}");
}
