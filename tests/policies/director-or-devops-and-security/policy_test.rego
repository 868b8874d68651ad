package spacelift

agreed(reviews) = document {
	document := {
		"run": {"command": "terraform apply", "creator_session": {"login": "U0ANN"}},
		"reviews": {"current": {
			"approvals": [{"author": who, "session": {"login": who, "teams": reviews[who]}} | reviews[who]],
			"rejections": [],
		}},
	}
}

test_a_director_agrees_alone {
	approve with input as agreed({"U0DORA": ["director"]})
}

test_devops_and_security_agree_together {
	approve with input as agreed({"U0BOB": ["devops", "platform"], "U0CARL": ["security"]})
}

test_devops_alone_does_not {
	not approve with input as agreed({"U0BOB": ["devops"], "U0EVE": ["devops"]})
}

test_security_alone_does_not {
	not approve with input as agreed({"U0CARL": ["security"]})
}

test_one_person_of_both_is_one {
	not approve with input as agreed({"U0BOB": ["devops", "security"]})
}

test_one_person_of_both_and_another_are_two {
	approve with input as agreed({"U0BOB": ["devops", "security"], "U0CARL": ["devops"]})
}

test_the_author_does_not_agree_with_themselves {
	not approve with input as agreed({"U0ANN": ["director"]})
	not approve with input as agreed({"U0ANN": ["devops"], "U0CARL": ["security"]})
}

test_others_do_not_count {
	document := agreed({"U0RITA": ["support"]})
	not approve with input as document
	count(undecided_with_note) == 1 with input as document
}

test_nothing_is_missing_once_they_agreed {
	count(undecided_with_note) == 0 with input as agreed({"U0DORA": ["director"]})
}
