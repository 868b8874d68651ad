package handrail

import rego.v1

at(moment, teams) := {
	"request": {"command": "terraform plan", "timestamp_ns": time.parse_rfc3339_ns(moment)},
	"session": {"teams": teams},
}

test_a_wednesday_is_fine if {
	count(deny) == 0 with input as at("2026-11-18T12:00:00Z", [])
}

test_a_saturday_is_not if {
	count(deny) == 1 with input as at("2026-11-21T12:00:00Z", ["platform"])
}

test_it_begins_on_friday_at_four_there if {
	count(deny) == 0 with input as at("2026-11-20T14:59:59Z", [])
	count(deny) == 1 with input as at("2026-11-20T15:00:00Z", [])
}

test_in_summer_that_is_an_hour_earlier_in_utc if {
	count(deny) == 0 with input as at("2026-07-17T13:59:59Z", [])
	count(deny) == 1 with input as at("2026-07-17T14:00:00Z", [])
}

test_it_ends_on_monday_at_seven_there if {
	count(deny) == 1 with input as at("2026-11-23T05:59:59Z", [])
	count(deny) == 0 with input as at("2026-11-23T06:00:00Z", [])
}

test_who_is_on_call_goes_on if {
	count(deny) == 0 with input as at("2026-11-22T03:00:00Z", ["platform", "on-call"])
}

test_without_a_time_nothing_runs if {
	count(deny) == 1 with input as {"request": {"command": "true"}, "session": {"teams": []}}
}
