package spacelift

agreed(labels, number) := {
	"run": {"command": "terraform apply"},
	"stack": {"labels": labels},
	"reviews": {"current": {"approvals": [{"author": who} | who := numbers.range(1, number)[_]; number > 0], "rejections": []}},
}

test_production_needs_two if {
	not approve with input as agreed(["eu", "production"], 0)
	not approve with input as agreed(["eu", "production"], 1)
	approve with input as agreed(["eu", "production"], 2)
}

test_staging_needs_one if {
	not approve with input as agreed(["staging"], 0)
	approve with input as agreed(["staging"], 1)
}

test_a_sandbox_needs_none if {
	approve with input as agreed(["sandbox"], 0)
}

test_without_a_label_it_needs_two if {
	not approve with input as agreed([], 1)
	approve with input as agreed([], 2)
	not approve with input as {"reviews": {"current": {"approvals": []}}}
}

test_the_strictest_label_counts if {
	not approve with input as agreed(["sandbox", "production"], 1)
}

test_how_many_are_missing_is_said if {
	undecided_with_note == {"1 of 2 people who have to agree did."} with input as agreed(["production"], 1)
	count(undecided_with_note) == 0 with input as agreed(["production"], 2)
}
