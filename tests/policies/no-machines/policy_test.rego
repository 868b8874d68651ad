package handrail

test_a_person_may if {
	count(deny) == 0 with input as {"session": {"login": "U0ANN", "machine": false}}
}

test_a_key_may_not if {
	count(deny) == 1 with input as {"session": {"login": "ci", "machine": true, "admin": true}}
}

test_a_session_that_does_not_say_may_not if {
	count(deny) == 1 with input as {"session": {"login": "U0ANN"}}
}
