use super::*;
use model::{QuarterHour, Timestamp};

/// 2024-01-01T00:00:00Z, by GNU `date -u -d 2024-01-01 +%s`.
const START: Timestamp = Timestamp::from_seconds(1_704_067_200);
const DAY: i64 = 86_400_000;

fn spec() -> PlantSpec {
    PlantSpec {
        commissioned: START,
        racks: 8,
        it_power: 180_000.0,
        growth: 0.03,
        steps: Vec::new(),
        ups_rating: 200_000.0,
        cracs: 4,
        crac_power: 24_000.0,
        pump_power: 7_000.0,
        other_power: 9_000.0,
        photovoltaics_peak: 30_000.0,
        generator_power: 60_000.0,
        water_per_kwh: 1.2,
        heat_reuse: 0.2,
    }
}

fn ledger(seed: u64) -> Ledger {
    Ledger::new(Plant::new(spec(), Weather::new(seed), seed))
}

fn at(day: i64, millis: i64) -> Timestamp {
    START.plus_millis(day * DAY + millis)
}

#[test]
fn what_comes_in_is_what_is_used_to_the_last_digit_at_any_instant() {
    let mut ledger = ledger(1);
    for time in [at(0, 0), at(0, 1), at(3, 12_345_678), at(200, 43_200_123), at(400, 86_399_999)] {
        let mut sum = |places: &[Place]| places.iter().map(|p| ledger.amount(*p, time).fine()).sum::<i128>();
        let intake = sum(&[Place::Grid, Place::Of(Flow::Photovoltaics), Place::Of(Flow::Generator)]);
        let mut uses = sum(&[Place::UpsIn(Feed::A), Place::UpsIn(Feed::B), Place::Of(Flow::Other)]);
        uses += sum(&[Place::Of(Flow::Chiller), Place::Of(Flow::Pumps)]);
        uses += (0..4).map(|n| ledger.amount(Place::Of(Flow::Crac(n)), time).fine()).sum::<i128>();
        assert_eq!(intake, uses, "{time}");
    }
}

#[test]
fn every_quarter_hour_holds_whole_milliwatt_hours_and_its_parts_add_up() {
    let mut ledger = ledger(2);
    for n in 0..200 {
        let quarter = QuarterHour::from_index(START.quarter().index() + 5000 + n);
        for place in
            [Place::Grid, Place::UpsOut(Feed::A), Place::Of(Flow::Water), Place::Of(Flow::Rack(3, Feed::B))]
        {
            let whole = ledger.quarter(place, quarter);
            assert_eq!(whole.fine() % 3_600_000, 0);
            let middle = quarter.start().plus_millis(123_457);
            let first = ledger.amount(place, middle) - ledger.amount(place, quarter.start());
            let rest = ledger.amount(place, quarter.end()) - ledger.amount(place, middle);
            assert_eq!(first + rest, whole);
        }
    }
}

#[test]
fn the_rate_is_the_slope_of_the_amount() {
    let mut ledger = ledger(3);
    let place = Place::Of(Flow::Rack(0, Feed::A));
    for step in 0..300 {
        let time = at(50, step * 7_000 + 500);
        let rise = (ledger.amount(place, time.plus_millis(1)) - ledger.amount(place, time)).fine();
        let rate = i128::from(ledger.rate(place, time));
        assert!((rise - rate).abs() <= 2 + rate / 1_000_000, "{rise} in a millisecond at {rate} mW");
    }
}

#[test]
fn a_quarter_hour_goes_over_into_the_next_without_a_jump() {
    let mut ledger = ledger(3);
    for n in 1..200 {
        let quarter = at(60, n * 900_000);
        for place in [Place::Grid, Place::Of(Flow::Chiller), Place::Of(Flow::Rack(5, Feed::B))] {
            let last = (ledger.amount(place, quarter) - ledger.amount(place, quarter.plus_millis(-1))).fine();
            let rate = i128::from(ledger.rate(place, quarter.plus_millis(-1)));
            assert!((last - rate).abs() <= 2 + rate / 1_000_000, "{last} in a millisecond at {rate} mW");
        }
    }
}

#[test]
fn no_flow_runs_backwards() {
    let mut ledger = ledger(4);
    let flows = ledger.plant().flows().to_vec();
    for flow in flows {
        let mut before = ledger.amount(Place::Of(flow), at(30, 0));
        for step in 1..400 {
            let now = ledger.amount(Place::Of(flow), at(30, step * 61_000));
            assert!(now >= before, "{flow:?}");
            before = now;
        }
    }
}

#[test]
fn a_world_repeats_by_its_seed_whatever_is_asked_first() {
    let times = [at(100, 5), at(3, 7), at(250, 11), at(3, 7)];
    let mut forward = ledger(9);
    let a: Vec<_> = times.iter().map(|time| forward.amount(Place::Grid, *time)).collect();
    let mut backward = ledger(9);
    let mut b: Vec<_> = times.iter().rev().map(|time| backward.amount(Place::Grid, *time)).collect();
    b.reverse();
    assert_eq!(a, b);
    assert_ne!(a[0], ledger(10).amount(Place::Grid, times[0]));
}

#[test]
fn nothing_has_flowed_before_the_plant_was_commissioned_or_in_another_century() {
    let mut ledger = ledger(1);
    assert_eq!(ledger.amount(Place::Grid, START.plus_millis(-1)), Amount::ZERO);
    assert_eq!(ledger.amount(Place::Grid, Timestamp::from_seconds(9_000_000_000)), Amount::ZERO);
}

#[test]
fn months_are_as_warm_as_in_frankfurt() {
    let weather = Weather::new(1);
    let mean = |from_day: i64, days: i64| {
        let hours = days * 24;
        (0..hours).map(|h| weather.outdoor(at(from_day, h * 3_600_000))).sum::<f64>() / hours as f64
    };
    // Days of the leap year 2024: January 0..31, July 182..213.
    assert!((mean(0, 31) - 1.5).abs() < 3.0, "January {}", mean(0, 31));
    assert!((mean(182, 31) - 20.5).abs() < 3.0, "July {}", mean(182, 31));
}

fn power_usage_effectiveness(ledger: &mut Ledger, from_day: i64) -> f64 {
    let mut rise =
        |place| (ledger.amount(place, at(from_day + 31, 0)) - ledger.amount(place, at(from_day, 0))).to_f64();
    let it = rise(Place::UpsOut(Feed::A)) + rise(Place::UpsOut(Feed::B));
    rise(Place::AllUses) / it
}

#[test]
fn power_usage_effectiveness_is_believable_and_worse_in_summer() {
    let mut ledger = ledger(1);
    let (january, july) =
        (power_usage_effectiveness(&mut ledger, 0), power_usage_effectiveness(&mut ledger, 182));
    assert!((1.25..1.45).contains(&january), "{january}");
    assert!((1.3..1.6).contains(&july) && july > january + 0.03, "{july}");
}

#[test]
fn the_chiller_needs_little_below_the_change_point_and_more_with_every_degree_above() {
    let mut ledger = ledger(5);
    let climate = ledger.plant().climate();
    let mut share = |time: Timestamp| {
        let quarter = time.quarter().start();
        let cold = ledger.rate(Place::Of(Flow::ColdProduced), quarter) as f64;
        (climate.outdoor(quarter), ledger.rate(Place::Of(Flow::Chiller), quarter) as f64 / cold)
    };
    let all: Vec<(f64, f64)> = (0..2000).map(|n| share(at(0, n * 4 * 3_600_000 + 450_000))).collect();
    let mean = |range: std::ops::Range<f64>| {
        let of: Vec<f64> = all.iter().filter(|(t, _)| range.contains(t)).map(|(_, share)| *share).collect();
        of.iter().sum::<f64>() / of.len() as f64
    };
    // 0.05 below 10 degrees; 0.05 + 0.0115 x 12 at 22.
    assert!((mean(-10.0..9.0) - 0.05).abs() < 0.003);
    assert!((mean(21.5..22.5) - 0.188).abs() < 0.006, "{}", mean(21.5..22.5));
}

#[test]
fn generators_run_an_hour_every_four_weeks() {
    let mut ledger = ledger(1);
    let place = Place::Of(Flow::Generator);
    let run = (ledger.amount(place, at(28, 0)) - ledger.amount(place, at(0, 0))).to_f64();
    // 0, 60, 60, 60, 0 kW at the quarters: 45 kWh.
    assert!((run - 45_000.0).abs() < 1e-6, "{run}");
}

#[test]
fn a_test_run_burns_as_much_diesel_as_its_energy_takes() {
    let mut ledger = ledger(1);
    let place = Place::Of(Flow::Fuel);
    let litres = (ledger.amount(place, at(28, 0)) - ledger.amount(place, at(0, 0))).to_f64();
    // 45 kWh at 0.255 l, and 3 l/h on the same ramp of three quarters of an hour: 11.475 + 2.25.
    assert!((litres - 13.725).abs() < 0.01, "{litres}");
}

#[test]
fn water_for_a_kilowatt_hour_of_it_is_believable_and_flows_in_summer() {
    let mut ledger = ledger(1);
    let mut usage = |from_day| {
        let mut rise = |place| {
            (ledger.amount(place, at(from_day + 31, 0)) - ledger.amount(place, at(from_day, 0))).to_f64()
        };
        let it = rise(Place::Racks(Feed::A)) + rise(Place::Racks(Feed::B));
        rise(Place::Of(Flow::Water)) / (it / 1000.0)
    };
    let (january, july) = (usage(0), usage(182));
    assert!((0.01..0.2).contains(&january), "{january} l/kWh");
    assert!((0.4..1.3).contains(&july), "{july} l/kWh");
}

#[test]
fn a_consolidation_lowers_the_it_load_from_its_day_on() {
    let steps = vec![Step { from: at(40, 0), factor: 0.92 }];
    let mut with = Ledger::new(Plant::new(PlantSpec { steps, ..spec() }, Weather::new(1), 1));
    let mut without = ledger(1);
    let place = Place::Racks(Feed::A);
    let mut ratio = |time: Timestamp| {
        let quarter = time.quarter();
        with.quarter(place, quarter).to_f64() / without.quarter(place, quarter).to_f64()
    };
    assert!((ratio(at(39, 0)) - 1.0).abs() < 1e-6);
    assert!((ratio(at(41, 0)) - 0.92).abs() < 1e-4);
}

#[test]
fn shares_of_an_amount_add_up_to_it() {
    let amount = Amount::from_fine(1_000_003);
    let parts: i128 = [(0, 3), (3, 5), (5, 11)].into_iter().map(|(a, b)| amount.share(a, b, 11).fine()).sum();
    assert_eq!(parts, amount.fine());
}
