package spacelift

agreed(reviewers) = document {
	document := {
		"run": {
			"command": "terraform apply",
			"triggered_by": "U0CARL",
			"creator_session": {"login": "U0ANN", "name": "Ann"},
		},
		"reviews": {"current": {"approvals": [{"author": who} | who := reviewers[_]], "rejections": []}},
	}
}

test_somebody_else_agrees {
	approve with input as agreed(["U0BOB"])
	count(undecided_with_note) == 0 with input as agreed(["U0BOB"])
}

test_the_author_does_not_count {
	not approve with input as agreed(["U0ANN"])
	undecided_with_note["Somebody else has to agree."] with input as agreed(["U0ANN"])
}

test_who_triggered_it_does_not_count {
	not approve with input as agreed(["U0ANN", "U0CARL"])
}

test_the_author_beside_another_one_is_fine {
	approve with input as agreed(["U0ANN", "U0BOB"])
}

test_nobody_agreed {
	not approve with input as agreed([])
}

test_a_run_that_names_nobody_waits {
	not approve with input as {"run": {"command": "true"}, "reviews": {"current": {"approvals": [{"author": "U0BOB"}]}}}
}

test_what_was_asked_is_kept {
	sample with input as agreed(["U0BOB"])
}
