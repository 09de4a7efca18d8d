use super::*;
use crate::address::Address;
use crate::probe::pace::tests::Unhurried;
use crate::probe::warn::tests::reading;
use crate::probe::{Patience, Secret};

/// Reads a counter of `before` Wh at a power of `power` W twice; the second time it is at `after`.
fn watched(watch: Watch, (power, before, after): (&str, &str, &str)) -> (Probed, Duration) {
    let address: Address = "host://".parse().unwrap();
    let time = Unhurried::default();
    let question = Question {
        address: &address,
        profile: None,
        secret: Secret::usual().unwrap(),
        timeout: Duration::from_secs(1),
        watch,
        patience: &time,
    };
    let mut probed = Probed::new(&address, None);
    let energy = reading(Quantity::ActiveEnergyImport, "total", before);
    probed.readings = vec![energy, reading(Quantity::ActivePower, "total", power)];
    let later = reading(Quantity::ActiveEnergyImport, "total", after).value;
    counters(&question, &mut probed, &mut |sources| {
        assert_eq!(sources, ["active_energy_import/total", "active_power/total"]);
        [(sources[0].clone(), later)].into()
    });
    (probed, time.now())
}

#[test]
fn a_counter_that_moves_as_power_says_is_right() {
    // 36 000 W make 10 Wh a second, 50 Wh in 5 s.
    for after in ["1050", "1030", "1080"] {
        let (probed, waited) = watched(Watch::Short, ("36000", "1000", after));
        assert_eq!(
            (probed.warnings, probed.notes, waited),
            (vec![], vec![], Duration::from_secs(5)),
            "{after}"
        );
    }
}

#[test]
fn a_counter_that_stays_goes_back_or_runs_away_is_told() {
    for (after, text, cause) in [
        ("1000", "stays at 1000 Wh in 5.0 s, while 36000 W make 50.000 Wh", "renews it seldom"),
        (
            "900",
            "goes back from 1000 to 900 Wh in 5.0 s, while 36000 W make 50.000 Wh",
            "wrong type or order",
        ),
        (
            "51000",
            "moves by 50000 Wh in 5.0 s, while 36000 W make 50.000 Wh",
            "energy is in Wh and read as kWh",
        ),
        ("1300", "moves by 300 Wh in 5.0 s, while 36000 W make 50.000 Wh", "CT or VT ratio"),
    ] {
        let (probed, _) = watched(Watch::Short, ("36000", "1000", after));
        let [warning] = probed.warnings.as_slice() else { panic!("{after}: {:?}", probed.warnings) };
        assert_eq!(warning.text, format!("active_energy_import at total {text}"));
        assert!(warning.cause.contains(cause), "{}", warning.cause);
        assert_eq!(warning.sources, ["active_energy_import/total", "active_power/total"]);
    }
}

#[test]
fn nobody_waits_for_a_counter_whose_steps_are_too_wide_and_the_time_that_it_takes_is_told() {
    // At 60 W a step of 1 Wh takes a minute, three take three.
    let (probed, waited) = watched(Watch::Short, ("60", "1000", "1000"));
    assert_eq!((probed.warnings, waited), (vec![], Duration::ZERO));
    assert_eq!(
        probed.notes,
        [
            "whether active_energy_import at total moves cannot be seen in 5s: at 60 W three of its steps of 1 Wh take 3 min \
          (--watch 3m)"
        ]
    );
    let (probed, waited) = watched(Watch::For(Duration::from_mins(3)), ("60", "1000", "1000"));
    assert_eq!((probed.warnings.len(), waited), (1, Duration::from_mins(3)));
}

#[test]
fn without_power_and_without_a_watch_nothing_is_judged() {
    assert_eq!(watched(Watch::Short, ("0", "1000", "1000")).1, Duration::ZERO);
    assert_eq!(
        watched(Watch::Short, ("-36000", "1000", "1000")).1,
        Duration::ZERO,
        "what is fed back moves another one"
    );
    assert_eq!(watched(Watch::Never, ("36000", "1000", "1000")).1, Duration::ZERO);
}
