package spacelift

review(who) = given {
	given := {"author": who, "session": {"login": who, "name": who}}
}

said(approvals, rejections, before) = document {
	document := {
		"run": {"command": "terraform apply"},
		"reviews": {
			"current": {"approvals": [review(who) | who := approvals[_]], "rejections": [review(who) | who := rejections[_]]},
			"older": {"approvals": [review(who) | who := before[_]], "rejections": []},
		},
	}
}

test_one_agrees {
	approve with input as said(["Bob"], [], [])
	count(undecided_with_note) == 0 with input as said(["Bob"], [], [])
}

test_nobody_has_said_anything {
	not approve with input as said([], [], [])
	undecided_with_note == {"Somebody has to agree."} with input as said([], [], [])
}

test_one_objects {
	document := said(["Bob"], ["Carl"], [])
	not approve with input as document
	undecided_with_note["Carl objects, and can still agree."] with input as document
}

test_who_agreed_first_and_objects_now_objects {
	document := said([], ["Bob"], ["Bob"])
	not approve with input as document
	undecided_with_note == {"Bob objects, and can still agree."} with input as document
}

test_an_approval_of_something_else_does_not_count {
	document := said([], [], ["Bob"])
	not approve with input as document
	undecided_with_note["Bob agreed to what the run was before."] with input as document
}
