package spacelift

import rego.v1

sent(skipped, team) := {
	"run": {"command": "terraform plan", "skip_init": skipped},
	"reviews": {"current": {"approvals": [{"author": "U0BOB", "session": {"teams": [team]}}], "rejections": []}},
}

test_with_its_init_it_goes_on if {
	approve_with_note == {"Its init was run first."} with input as sent(false, "support")
}

test_without_it_waits if {
	document := sent(true, "support")
	not approve with input as document
	count(approve_with_note) == 0 with input as document
	undecided_with_note == {"The init is skipped, so somebody of @platform has to agree."} with input as document
}

test_the_platform_team_agrees if {
	document := sent(true, "platform")
	approve with input as document
	count(undecided_with_note) == 0 with input as document
}

test_a_run_that_does_not_say_waits if {
	document := {"run": {"command": "true"}, "reviews": {"current": {"approvals": []}}}
	count(approve_with_note) == 0 with input as document
	count(undecided_with_note) == 1 with input as document
}
