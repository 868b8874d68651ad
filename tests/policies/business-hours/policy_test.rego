package handrail

import rego.v1

monday := "2026-11-23T15:00:00Z"

sunday := "2026-11-22T15:00:00Z"

sent(moment, teams, approvals) := {
	"run": {
		"command": "terraform apply",
		"created_at": time.parse_rfc3339_ns(moment),
		"creator_session": {"login": "U0ANN", "teams": teams},
	},
	"reviews": {"current": {"approvals": approvals, "rejections": []}, "older": {"approvals": [], "rejections": []}},
}

by(team) := {"author": "U0BOB", "session": {"login": "U0BOB", "teams": [team]}}

test_by_day_one_colleague_is_enough if {
	approve with input as sent(monday, [], [by("platform")])
}

test_by_day_one_colleague_is_needed if {
	document := sent(monday, [], [])
	not approve with input as document
	undecided_with_note == {"A colleague has to agree."} with input as document
}

test_on_a_sunday_a_colleague_is_not_enough if {
	document := sent(sunday, ["platform"], [by("platform")])
	not approve with input as document
	undecided_with_note == {"It was sent outside business hours, so somebody of @on-call has to agree."} with input as document
}

test_on_a_sunday_somebody_on_call_is if {
	approve with input as sent(sunday, [], [by("platform"), by("on-call")])
}

test_who_is_on_call_waits_for_nobody if {
	approve_with_note == {"The author is on call."} with input as sent(sunday, ["on-call"], [])
}

test_hours_are_those_of_the_place if {
	approve with input as sent("2026-11-23T14:00:00Z", [], [by("platform")])
	not approve with input as sent("2026-11-23T13:59:59Z", [], [by("platform")])
	not approve with input as sent("2026-11-23T22:00:00Z", [], [by("platform")])
}

test_a_run_without_a_time_waits_for_who_is_on_call if {
	document := {"run": {"creator_session": {"teams": []}}, "reviews": {"current": {"approvals": [by("platform")]}}}
	not approve with input as document
}
