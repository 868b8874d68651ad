package handrail

sent(command, teams, reviewers) = document {
	document := {
		"run": {"type": "TASK", "command": command, "creator_session": {"login": "U0ANN", "teams": teams}},
		"reviews": {"current": {"approvals": [{"author": who} | who := reviewers[_]], "rejections": []}},
	}
}

test_two_others_agree {
	not approve with input as sent("terraform apply", [], ["U0BOB"])
	approve with input as sent("terraform apply", [], ["U0BOB", "U0CARL"])
}

test_in_an_incident_one_other_does {
	document := sent("terraform apply # INC-1234", ["on-call"], ["U0BOB"])
	approve_with_note["Incident INC-1234: one other person is enough."] with input as document
}

test_in_an_incident_one_other_has_to {
	document := sent("terraform apply # INC-1234", ["on-call"], [])
	not approve with input as document
	count(approve_with_note) == 0 with input as document
	undecided_with_note["Incident INC-1234: one other person has to agree."] with input as document
}

test_whoever_is_not_on_call_names_none {
	document := sent("terraform apply # INC-1234", ["platform"], ["U0BOB"])
	not approve with input as document
	count(approve_with_note) == 0 with input as document
}

test_an_incident_stands_at_the_end {
	commands := ["echo INC-1; terraform apply", "terraform apply # INC-1; x", "true # INC-1\nterraform apply", "terraform apply '# INC-1'"]
	waiting := [command | command := commands[_]; count(approve_with_note) == 0 with input as sent(command, ["on-call"], ["U0BOB"])]
	waiting == commands
}

test_a_deploy_waits_for_two {
	deploy := object.union(sent("", ["on-call"], ["U0BOB"]), {"run": {"type": "TRACKED", "command": null}})
	not approve with input as deploy
	count(approve_with_note) == 0 with input as deploy
	count(undecided_with_note) == 1 with input as deploy
}

test_the_author_is_no_other {
	document := sent("terraform apply # INC-1", ["on-call"], ["U0ANN"])
	count(approve_with_note) == 0 with input as document
	not approve with input as sent("terraform apply", [], ["U0ANN", "U0BOB"])
}
