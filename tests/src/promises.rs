//! The twelve promises of the project, and which test fails when one is broken.
//!
//! A table that rots is worse than none, so each name in it is looked up in the sources. What no test holds yet stands
//! beside it in one sentence, instead of being left out.

use std::path::Path;

/// A promise and what holds it.
struct Promise {
    /// Number, as people quote it.
    number: u8,
    /// What is promised, in a few words.
    words: &'static str,
    /// Files, from the root of the repository, with the tests in them. In a script of the browser, the words by which a
    /// check calls itself.
    tests: &'static [(&'static str, &'static [&'static str])],
    /// What no test holds yet; empty if everything is held.
    still_open: &'static str,
}

const PROMISES: &[Promise] = &[
    Promise {
        number: 1,
        words: "a scheduled sample is in the record, on disk at the agent, or counted as lost with its reason",
        tests: &[
            (
                "tests/src/kill_story.rs",
                &["every_acknowledged_sample_is_in_the_record_exactly_once_after_kills_of_both_sides"],
            ),
            (
                "tests/src/influx_story.rs",
                &["a_day_in_a_real_influxdb_is_the_record_value_by_value_though_it_was_down_in_the_middle"],
            ),
            (
                "crates/spool/src/tests/model_check.rs",
                &["whatever_happens_what_was_synced_is_read_back_or_told_lost_and_no_number_is_used_twice"],
            ),
            (
                "crates/spool/src/tests/trouble.rs",
                &[
                    "after_a_failed_sync_the_records_go_into_a_new_file_and_outlive_a_power_cut",
                    "on_a_full_disk_the_reserve_is_given_up_first_and_then_the_oldest_segment",
                ],
            ),
            (
                "crates/spool/src/tests/ordinary.rs",
                &["over_the_cap_the_oldest_segment_goes_and_is_reported_once"],
            ),
            (
                "crates/uplink/src/tests/delivery.rs",
                &["an_uplink_that_starts_before_its_collector_finds_it_later"],
            ),
            (
                "collector/src/close/tests.rs",
                &[
                    "samples_become_chunks_quarter_hours_gauges_and_a_loss_statement",
                    "what_lay_between_two_lives_of_an_agent_is_agent_down",
                ],
            ),
        ],
        still_open: "A device that was never learned in a run of its agent has no plan, so nothing is counted as expected \
                     of it; that it is silent is told.",
    },
    Promise {
        number: 2,
        words: "delivered at least once, recorded exactly once",
        tests: &[
            (
                "tests/src/kill_story.rs",
                &["every_acknowledged_sample_is_in_the_record_exactly_once_after_kills_of_both_sides"],
            ),
            (
                "crates/store/src/tests/ingest.rs",
                &["whatever_is_sent_in_whatever_pieces_each_record_is_there_once"],
            ),
            (
                "crates/uplink/src/tests/delivery.rs",
                &["a_batch_whose_answer_is_lost_is_sent_again_and_stored_once"],
            ),
            (
                "collector/src/ingest/tests.rs",
                &[
                    "a_batch_is_acknowledged_once_it_is_stored_and_a_replay_changes_nothing",
                    "a_copy_of_a_spool_is_told_apart_and_refused",
                ],
            ),
            ("collector/src/close/tests.rs", &["a_kill_between_raw_samples_and_counts_changes_nothing"]),
            (
                "crates/accounting/src/topology/tests.rs",
                &["one_register_cannot_count_twice_at_the_same_time"],
            ),
        ],
        still_open: "",
    },
    Promise {
        number: 3,
        words: "what is missing is no zero, what is made up says so, what is covered too little is withheld",
        tests: &[
            ("crates/model/src/interval.rs", &["a_missing_part_makes_the_sum_missing_and_never_zero"]),
            (
                "collector/src/close/tests.rs",
                &["a_missing_sample_is_counted_with_its_reason_and_is_never_a_zero"],
            ),
            (
                "crates/accounting/src/register/tests.rs",
                &[
                    "v13_a_gap_that_the_register_survived_is_spread_and_its_sum_is_true",
                    "a_single_zero_or_spike_never_becomes_energy",
                    "an_exchange_after_more_than_two_hours_leaves_the_quarter_hours_missing",
                ],
            ),
            (
                "crates/kpi/src/tests.rs",
                &[
                    "a_figure_below_its_coverage_is_withheld_and_says_why",
                    "whatever_is_missing_a_figure_has_a_value_or_a_reason_and_a_pue_is_never_below_one",
                ],
            ),
            ("crates/report/src/tests.rs", &["what_is_missing_is_empty_in_the_csv_and_a_dash_in_the_page"]),
        ],
        still_open: "",
    },
    Promise {
        number: 4,
        words: "a reported number can be retraced and made again; a correction leaves the old state",
        tests: &[
            (
                "tests/src/books_story.rs",
                &["a_month_of_every_meter_point_agrees_with_the_books_and_so_do_kpi_and_report"],
            ),
            (
                "crates/store/src/tests/intervals.rs",
                &["a_change_of_a_final_interval_is_a_revision_and_the_old_state_stays_readable"],
            ),
            (
                "crates/store/src/tests/logs.rs",
                &["sealing_the_same_facts_again_makes_no_revision_and_other_facts_do"],
            ),
            (
                "crates/report/src/tests.rs",
                &["the_same_facts_give_the_same_bytes", "one_changed_milliwatt_hour_changes_the_seal"],
            ),
            ("crates/kpi/src/number_id.rs", &["a_number_id_prints_and_reads_back"]),
        ],
        still_open: "The commands `explain` and `verify` that walk the tree behind a number are not there yet, so it is \
                     retraced by hand.",
    },
    Promise {
        number: 5,
        words: "devices are only read",
        tests: &[
            ("agent/src/modbus/codec.rs", &["the_example_of_the_specification_is_asked_and_answered"]),
            ("agent/src/snmp/request.rs", &["a_get_is_byte_for_byte_what_net_snmp_sends"]),
            ("crates/profile/src/tests/loading.rs", &["units_scales_and_names_that_cannot_be_are_found"]),
        ],
        still_open: "That nothing else can be expressed is held by the types (`profile::Function` has the five reading \
                     codes, `agent::modbus::Ask` the identification besides, and no other), which no test can break at run time.",
    },
    Promise {
        number: 6,
        words: "a dead, slow or lying device disturbs no other",
        tests: &[
            (
                "agent/src/poll/tests/gateway.rs",
                &[
                    "one_dead_unit_of_20_behind_a_gateway_costs_the_others_no_sample",
                    "a_late_answer_is_never_taken_for_the_next",
                    "a_silent_gateway_delays_no_other_device",
                ],
            ),
            (
                "agent/src/poll/tests/snmp.rs",
                &[
                    "a_lost_packet_is_asked_again_and_a_late_answer_never_taken_for_the_next",
                    "a_dead_agent_is_left_alone_more_and_more_and_delays_no_other",
                ],
            ),
            ("crates/sim/src/server/tests.rs", &["a_device_misbehaves_as_it_is_told_and_disturbs_no_other"]),
            (
                "tests/src/fault_matrix.rs",
                &["a_fault_costs_what_the_table_says_and_nothing_to_the_device_beside_it"],
            ),
            (
                "tests/src/fault_matrix/flagship.rs",
                &["one_dead_unit_of_20_costs_the_other_19_neither_a_sample_nor_their_schedule"],
            ),
        ],
        still_open: "",
    },
    Promise {
        number: 7,
        words: "units are types, and a configuration that mixes them is refused",
        tests: &[
            ("crates/model/src/unit.rs", &["a_watt_never_passes_for_a_watt_hour"]),
            ("tests/src/bad_input_story.rs", &["a_configuration_that_mixes_units_is_refused"]),
            ("crates/profile/src/tests/loading.rs", &["units_scales_and_names_that_cannot_be_are_found"]),
            (
                "crates/accounting/src/topology/tests.rs",
                &["media_do_not_mix_and_import_and_export_stand_apart"],
            ),
        ],
        still_open: "",
    },
    Promise {
        number: 8,
        words: "UTC inside, civil time in the calendar alone, days of 92, 96 and 100 quarter hours",
        tests: &[
            (
                "crates/calendar/src/tests.rs",
                &[
                    "v10_days_of_the_clock_change_have_92_and_100_quarters_and_the_others_96",
                    "a_span_is_cut_into_local_months_and_only_whole_ones_count",
                ],
            ),
            (
                "crates/kpi/src/tests.rs",
                &["v10_a_day_of_the_clock_change_expects_its_own_number_of_quarter_hours"],
            ),
            (
                "tests/src/books_story.rs",
                &["a_month_of_every_meter_point_agrees_with_the_books_and_so_do_kpi_and_report"],
            ),
            ("tests/src/arrows.rs", &["pure_crates_know_no_file_socket_clock_or_runtime"]),
        ],
        still_open: "",
    },
    Promise {
        number: 9,
        words: "limits, factors and transformer ratios are dated data with a source",
        tests: &[
            (
                "crates/carbon/src/tests.rs",
                &[
                    "the_table_of_the_umweltbundesamt_is_whole",
                    "a_year_without_a_factor_takes_the_latest_one_and_says_so",
                ],
            ),
            ("crates/kpi/src/tests.rs", &["co2_takes_the_factor_of_each_local_year"]),
            (
                "crates/accounting/src/evaluate/tests.rs",
                &["a_point_is_the_sum_of_its_registers_each_with_its_ratio_while_it_is_valid"],
            ),
            ("crates/accounting/src/topology/tests.rs", &["validity_is_cut_at_local_midnight"]),
        ],
        still_open: "Tariffs are not there yet, and laws are there only as far as the standards that the figures name.",
    },
    Promise {
        number: 10,
        words: "nobody gets in where they do not belong, and nothing secret gets out",
        tests: &[
            (
                "collector/src/ingest/tests.rs",
                &[
                    "nobody_gets_in_without_a_certificate_of_ours_that_names_an_agent",
                    "an_agent_speaks_for_its_own_site_only",
                    "what_is_cut_forged_or_too_large_is_refused_and_never_half_stored",
                ],
            ),
            (
                "crates/uplink/src/tests/refusal.rs",
                &[
                    "a_collector_whose_certificate_another_authority_signed_is_not_trusted_until_the_file_is_put_right",
                ],
            ),
            ("crates/store/src/tests/logs.rs", &["tampering_with_the_audit_log_is_found"]),
            ("agent/src/address.rs", &["the_community_of_a_quick_probe_is_taken_and_never_shown"]),
            (
                "tests/src/bad_input_story.rs",
                &["probe_recognises_a_simulated_device_and_prints_the_json_of_the_contract"],
            ),
            ("crates/influx/src/tests/table.rs", &["a_wrong_address_is_an_error_and_a_secret_is_not_shown"]),
        ],
        still_open: "Sessions, roles and enrolment tokens are not there yet: the panels have no door of their own and \
                     listen on this machine only, unless they are told otherwise.",
    },
    Promise {
        number: 11,
        words: "everyone can use it, in German and English, without script, colour or resources of other hosts",
        tests: &[
            (
                "dashboards/src/tests.rs",
                &[
                    "the_numbers_of_a_site_are_in_its_page_without_script",
                    "every_figure_has_caption_summary_table_and_unit",
                    "the_policy_forbids_inline_code_and_other_hosts",
                ],
            ),
            ("crates/locale/src/tests.rs", &["both_languages_have_the_same_keys_and_placeholders"]),
            ("crates/report/src/tests.rs", &["every_figure_of_the_page_has_caption_summary_and_table"]),
            (
                "tests/src/demo_story.rs",
                &["the_demo_shows_panels_and_reports_ends_all_it_started_and_runs_again_in_its_folder"],
            ),
            (
                "tests/browser/run.mjs",
                &["has no axe violation", "works without JavaScript", "can be walked by keyboard"],
            ),
        ],
        still_open: "Reports as PDF/UA come with the PDF program.",
    },
    Promise {
        number: 12,
        words: "it watches itself",
        tests: &[
            ("collector/src/statistics.rs", &["every_count_has_its_line"]),
            ("agent/src/poll/statistics.rs", &["a_poll_is_counted_by_what_it_brought"]),
            (
                "agent/src/host/tests.rs",
                &[
                    "the_real_machine_gives_a_value_or_a_reason_for_every_shape_and_its_memory_agrees_with_the_kernel",
                ],
            ),
        ],
        still_open: "Its own watts are not estimated yet; its own CPU time and memory are read like any device.",
    },
];

/// Lines before a function in which its attribute is looked for.
const ATTRIBUTE_WITHIN: usize = 4;

#[test]
fn every_test_that_holds_a_promise_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut gone = Vec::new();
    for promise in PROMISES {
        for (file, names) in promise.tests {
            let text = std::fs::read_to_string(root.join(file)).unwrap_or_default();
            let missing = names.iter().filter(|name| !holds(file, &text, name));
            gone.extend(missing.map(|name| format!("promise {}: {file}: {name}", promise.number)));
        }
    }
    assert!(gone.is_empty(), "tests that hold a promise were renamed or removed:\n{}", gone.join("\n"));
}

/// Is there a test of that name, or, in a script, a check of those words?
fn holds(file: &str, text: &str, name: &str) -> bool {
    if Path::new(file).extension().is_none_or(|end| end != "rs") {
        return text.contains(name);
    }
    let lines: Vec<&str> = text.lines().collect();
    let function = format!("fn {name}(");
    let is_test = |at: usize| {
        lines[at.saturating_sub(ATTRIBUTE_WITHIN)..at]
            .iter()
            .any(|line| line.contains("test]") || line.contains("test("))
    };
    lines.iter().enumerate().any(|(at, line)| line.contains(&function) && is_test(at))
}

#[test]
fn there_are_twelve_promises_each_held_by_a_test_or_a_sentence() {
    let numbers: Vec<u8> = PROMISES.iter().map(|promise| promise.number).collect();
    assert_eq!(numbers, (1..=12).collect::<Vec<_>>());
    for promise in PROMISES {
        let has_tests = promise.tests.iter().any(|(_, names)| !names.is_empty());
        assert!(has_tests, "no test holds promise {}: {}", promise.number, promise.words);
        assert!(promise.still_open.is_empty() || promise.still_open.ends_with('.'), "{}", promise.still_open);
    }
}
