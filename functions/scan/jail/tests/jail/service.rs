//! What the jail does for benign work, and how it gets over the loss of its zygote.

use crate::{
    own::{Own, exists, until},
    setting::{ALLOWANCE, Setting, is_root, object, settings},
};
use airlock_jail::{
    Allowance, Draft, Ended, Jail, JailError, Layer, Layers, MAX_REPORT, MAX_TASK, Unavailable,
};
use libtest_mimic::Trial;
use rustix::process::{Signal, kill_process};
use std::{io::Write, process::Command, time::Duration};

pub(crate) fn trials() -> Vec<Trial> {
    type Check = fn(Setting);
    let checks: [(&str, Check); 12] = [
        ("the_layers_that_hold_are_known", the_layers_that_hold_are_known),
        ("benign_work_is_done_concurrently", benign_work_is_done_concurrently),
        ("the_child_has_seven_descriptors_and_no_environment", the_child_has_only_its_own),
        ("a_report_of_any_length_up_to_the_limit_arrives", reports_arrive),
        ("a_task_that_is_too_long_is_refused", long_tasks_are_refused),
        ("an_object_that_is_too_large_for_memory_is_read", large_objects_are_read),
        ("one_object_is_read_by_many_at_once", one_object_is_read_by_many),
        ("a_run_ends_when_its_time_is_over_and_no_other_with_it", time_is_kept),
        ("a_killed_zygote_is_replaced", killed_zygotes_are_replaced),
        ("a_zygote_that_died_between_runs_is_replaced", zygotes_that_died_unnoticed_are_replaced),
        ("a_zygote_that_does_not_answer_is_replaced", stopped_zygotes_are_replaced),
        ("no_process_is_left", no_process_is_left),
    ];
    let mut trials = Vec::new();
    for setting in settings() {
        for (name, check) in checks {
            trials.push(Trial::test(format!("t10_{}_{name}", setting.name), move || {
                check(setting);
                Ok(())
            }));
        }
    }
    trials.push(Trial::test("t10_a_program_that_is_no_zygote_is_noticed", || {
        let ended = Jail::start(|| Command::new("/bin/true")).err().unwrap();
        assert!(matches!(&ended, Unavailable::Start(why) if why.contains("exit status")), "{ended}");
        let missing = Jail::start(|| Command::new("/no/such/program")).err().unwrap();
        assert!(matches!(missing, Unavailable::Start(_)), "{missing}");
        Ok(())
    }));
    trials
}

fn the_layers_that_hold_are_known(setting: Setting) {
    let layers = setting.jail().layers();
    let refused = if is_root() {
        Layers::MANDATORY
    } else {
        Layers::MANDATORY.iter().chain([Layer::NoNewPrivs]).collect()
    };
    assert_eq!(layers, if setting.refused { refused } else { Layers::ALL });
}

fn benign_work_is_done_concurrently(setting: Setting) {
    std::thread::scope(|scope| {
        for thread in 0..8_u8 {
            scope.spawn(move || {
                let bytes = vec![thread; 50_000];
                let mut draft = Draft::new(50_000).unwrap();
                draft.write_all(&bytes).unwrap();
                let object = draft.seal().unwrap();
                for _ in 0..20 {
                    let report = setting.jail().run(&object, b"benign", &ALLOWANCE).unwrap();
                    assert_eq!(report.bytes, (u64::from(thread) * 50_000).to_string().into_bytes());
                    assert!(report.peak_memory > 50_000);
                }
            });
        }
    });
}

fn the_child_has_only_its_own(setting: Setting) {
    let run = |task: &str| {
        String::from_utf8(setting.jail().run(&object().0, task.as_bytes(), &ALLOWANCE).unwrap().bytes)
            .unwrap()
    };
    assert_eq!(run("descriptors"), "[0, 1, 2, 3, 4, 5, 6]");
    assert_eq!(run("environment"), "[]");
}

fn reports_arrive(setting: Setting) {
    for length in [0, 1, 4096, 65_532, MAX_REPORT] {
        let task = format!("large {length}");
        let report = setting.jail().run(&object().0, task.as_bytes(), &ALLOWANCE).unwrap();
        assert_eq!(report.bytes, vec![7; length]);
    }
}

fn long_tasks_are_refused(setting: Setting) {
    let long = format!("echo {}", "x".repeat(MAX_TASK - 5));
    let report = setting.jail().run(&object().0, long.as_bytes(), &ALLOWANCE).unwrap();
    assert_eq!(report.bytes.len(), MAX_TASK - 5);
    let longer = setting.jail().run(&object().0, format!("{long}x").as_bytes(), &ALLOWANCE);
    assert!(matches!(longer, Err(JailError::Unavailable(Unavailable::TaskTooLong(_)))), "{longer:?}");
}

fn large_objects_are_read(setting: Setting) {
    let size = 40 << 20;
    let mut draft = Draft::new(size).unwrap();
    draft.write_all(&vec![1; 40 << 20]).unwrap();
    let object = draft.seal().unwrap();
    let report = setting.jail().run(&object, b"benign", &ALLOWANCE).unwrap();
    assert_eq!(report.bytes, size.to_string().into_bytes());
    let refused = setting.jail().run(&object, b"write-object", &ALLOWANCE).unwrap();
    assert!(refused.bytes.starts_with(b"refused"));
}

fn one_object_is_read_by_many(setting: Setting) {
    let (object, sum) = object();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10 {
                    assert_eq!(setting.jail().run(&object, b"benign", &ALLOWANCE).unwrap().bytes, sum);
                }
            });
        }
    });
}

fn time_is_kept(setting: Setting) {
    let own = Own::start(setting);
    let zygote = own.zygote();
    own.while_it_runs(Duration::from_secs(600), |own, _, running| {
        for millis in [1, 50, 400] {
            let time = Duration::from_millis(millis);
            let ran = own.jail.run(&object().0, b"sleep", &Allowance { time, ..ALLOWANCE });
            // A child that did not even come to its work in this time has not decided anything.
            let is_ended = matches!(ran, Err(JailError::Ended(Ended::TimedOut)));
            let is_unjailed = matches!(ran, Err(JailError::Unavailable(Unavailable::NotJailed(-1))));
            assert!(is_ended || is_unjailed && millis == 1, "{ran:?}");
        }
        assert!(!running.is_finished(), "a run ended before its time");
        kill_process(zygote, Signal::KILL).unwrap();
    });
}

fn killed_zygotes_are_replaced(setting: Setting) {
    let own = Own::start(setting);
    let child = own.while_it_runs(Duration::from_secs(60), |own, child, running| {
        kill_process(own.zygote(), Signal::KILL).unwrap();
        let lost = running.join().unwrap();
        assert!(matches!(lost, Err(JailError::Unavailable(Unavailable::Died))), "{lost:?}");
        child
    });
    until(|| !exists(child));
    let (object, sum) = object();
    assert_eq!(own.jail.run(&object, b"benign", &ALLOWANCE).unwrap().bytes, sum);
    assert_eq!(own.jail.layers(), setting.jail().layers());
}

fn zygotes_that_died_unnoticed_are_replaced(setting: Setting) {
    let own = Own::start(setting);
    let zygote = own.zygote();
    kill_process(zygote, Signal::KILL).unwrap();
    until(|| !exists(zygote));
    let (object, sum) = object();
    assert_eq!(own.jail.run(&object, b"benign", &ALLOWANCE).unwrap().bytes, sum);
}

fn stopped_zygotes_are_replaced(setting: Setting) {
    let own = Own::start(setting);
    let zygote = own.zygote();
    let child = own.while_it_runs(Duration::from_millis(500), |_, child, running| {
        kill_process(zygote, Signal::STOP).unwrap();
        let lost = running.join().unwrap();
        assert!(matches!(lost, Err(JailError::Unavailable(Unavailable::Unresponsive(_)))), "{lost:?}");
        child
    });
    until(|| !exists(child) && !exists(zygote));
    let (object, sum) = object();
    assert_eq!(own.jail.run(&object, b"benign", &ALLOWANCE).unwrap().bytes, sum);
}

fn no_process_is_left(setting: Setting) {
    let own = Own::start(setting);
    let child = own.while_it_runs(Duration::from_millis(300), |_, child, running| {
        assert!(matches!(running.join().unwrap(), Err(JailError::Ended(Ended::TimedOut))));
        child
    });
    assert!(!exists(child), "the child was waited for before its end was told");
    let zygote = own.zygote();
    drop(own);
    assert!(!exists(zygote), "the zygote ends with its jail");
}
