package handrail

import rego.v1

said(approvals, rejections) := {
	"run": {"command": "terraform apply"},
	"reviews": {"current": {"approvals": approvals, "rejections": rejections}},
}

bob := {"author": "U0BOB", "session": {"login": "U0BOB", "name": "Bob", "teams": ["platform"]}}

sally := {"author": "U0SALLY", "session": {"login": "U0SALLY", "name": "Sally", "teams": ["security"]}}

test_one_agrees if {
	approve with input as said([bob], [])
	count(reject_with_note) == 0 with input as said([bob], [])
}

test_security_rejects if {
	reject_with_note == {"Sally of the security team rejected it."} with input as said([], [sally])
}

test_security_rejects_what_others_agree_to if {
	document := said([bob], [sally])
	not approve with input as document
	count(reject_with_note) == 1 with input as document
}

test_the_no_of_others_is_not_final if {
	document := said([sally], [bob])
	approve with input as document
	count(reject_with_note) == 0 with input as document
}

test_nobody_has_said_anything if {
	document := said([], [])
	not approve with input as document
	count(reject_with_note) == 0 with input as document
	undecided_with_note == {"Somebody has to agree."} with input as document
}
